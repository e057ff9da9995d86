"""A template in one world: what exists there, its texts, what reads which secret.

Part of the second opinion (`meaning`); nothing that plans a repair uses it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .model import Catalogue, Credential, Path, Value
from .worlds import VARIABLE, Resolved, resolve, section, text_of

SECRET = "AWS::SecretsManager::Secret"
ATTACHMENT = "AWS::SecretsManager::SecretTargetAttachment"
ROTATION = "AWS::SecretsManager::RotationSchedule"

_BODY = r"\{\{resolve:secretsmanager:((?:\$\{[^{}]*\}|[^{}])*)\}\}"
_REFERENCE = re.compile(_BODY)
_TARGET = re.compile(r"\$\{(\w+)(?:\.Id)?\}")
_BARE = re.compile(r"(?<=[:\[,])(\s*)(\$\{[^{}]*\})(?=\s*[,\]}])")
_ESCAPED_VARIABLE = re.compile(r"\\\$\\\{[^{}]*\\\}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A dynamic reference: the name or `${logical id}` of a secret, and the key that is read."""

    secret: str
    key: str

    @property
    def target(self) -> str:
        """The logical id of the secret, or of an attachment that stands for it; empty if none."""
        match = _TARGET.fullmatch(self.secret)
        return match[1] if match else ""


@dataclass(frozen=True, slots=True)
class Held:
    """A credential of a resource: its row of the catalogue, its place in Properties, its text."""

    resource: str
    row: Credential
    path: Path
    text: str

    @property
    def place(self) -> str:
        """Where it stands, for a person."""
        return ".".join(map(str, (self.resource, *self.path)))


@dataclass(frozen=True)
class View:
    """A template where these conditions hold and these parameters have an empty value."""

    data: Mapping[str, Value]
    truths: Mapping[str, bool]
    empty: frozenset[str]
    catalogue: Catalogue
    _resolved: dict[str, dict[str, Resolved]] = field(default_factory=dict)

    def exists(self, name: str) -> bool:
        """Tell whether a resource is made."""
        resource = section(self.data, "Resources").get(name)
        if not isinstance(resource, dict):
            return False
        condition = resource.get("Condition")
        return not isinstance(condition, str) or self.truths.get(condition, True)

    def resource(self, name: str) -> dict[str, Resolved]:
        """Return a resource, resolved; an empty mapping where it is not made."""
        if name not in self._resolved:
            found: Resolved = None
            if self.exists(name):
                raw = section(section(self.data, "Resources"), name)
                found = resolve({k: v for k, v in raw.items() if k != "Condition"}, self.truths)
            self._resolved[name] = found if isinstance(found, dict) else {}
        return self._resolved[name]

    def output(self, name: str) -> Resolved:
        """Return an output, resolved; None where it is not made."""
        found = section(self.data, "Outputs").get(name)
        condition = found.get("Condition") if isinstance(found, dict) else None
        if isinstance(condition, str) and not self.truths.get(condition, True):
            return None
        return resolve(found, self.truths)

    def properties(self, name: str) -> dict[str, Resolved]:
        """Return the properties of a resource that is made, else an empty mapping."""
        found = self.resource(name).get("Properties")
        return found if isinstance(found, dict) else {}

    def type_of(self, name: str) -> str:
        """Return the type of a resource that is made, else an empty text."""
        return type_of(section(self.data, "Resources").get(name)) if self.exists(name) else ""

    def secret_of(self, target: str) -> str:
        """Return the secret that a logical id stands for: an attachment's Ref is its secret's."""
        if self.type_of(target) != ATTACHMENT:
            return target
        return target_of(self.properties(target).get("SecretId")) or target

    def held(self, name: str) -> Iterator[Held]:
        """Yield the credentials of a resource that somebody gives: generated or external ones."""
        for row in self.catalogue.get(self.type_of(name), ()):
            if row.generatable == "no" or row.property == ("SecretString",):
                continue
            for path, value in _at(self.properties(name), row.property):
                if value:
                    yield Held(name, row, path, text_of(value))

    def user(self, held: Held) -> str | None:
        """Return the user name that belongs to a credential, None where it has none."""
        if held.row.fixed_user is not None or held.row.user is None:
            return held.row.fixed_user
        for path, value in _at(self.properties(held.resource), held.row.user):
            shared = len(path) - 1
            if path[:shared] == held.path[:shared] and isinstance(value, str):
                return value
        return None

    def given(self, name: str, keys: tuple[str, ...]) -> str:
        """Return the first of these properties that says something; empty where none does."""
        properties = self.properties(name)
        nothing = {None, "", "false", "no", *("${%s}" % parameter for parameter in self.empty)}
        return next((key for key in keys if _scalar(properties.get(key)) not in nothing), "")

    def attachments(self) -> Iterator[tuple[str, str, str]]:
        """Yield the attachments that are made: logical id, secret, target."""
        for name in section(self.data, "Resources"):
            if self.type_of(name) == ATTACHMENT:
                properties = self.properties(name)
                secret, target = (target_of(properties.get(k)) for k in ("SecretId", "TargetId"))
                yield name, secret, target

    def content(self, secret: str) -> dict[str, str] | None:
        """Return the keys of a secret with their texts, None where it is no readable object.

        A generated password is an empty text.
        """
        properties = self.properties(secret)
        generated = properties.get("GenerateSecretString")
        if not isinstance(generated, dict):
            text = properties.get("SecretString")
            return _object(text) if isinstance(text, str) else None
        if "GenerateStringKey" not in generated:
            return None
        found = _object(str(generated.get("SecretStringTemplate")))
        return None if found is None else {**found, str(generated["GenerateStringKey"]): ""}


def type_of(resource: object) -> str:
    """Return the `Type` of a resource, or an empty text."""
    kind = resource.get("Type") if isinstance(resource, dict) else None
    return kind if isinstance(kind, str) else ""


def target_of(value: Resolved) -> str:
    """Return the logical id that a text refers to as a whole; empty where it does not."""
    match = _TARGET.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else ""


def _scalar(value: Resolved) -> str | None:
    return value if isinstance(value, str) or value is None else text_of(value)


def _at(
    value: Resolved, pattern: tuple[str, ...], path: Path = ()
) -> Iterator[tuple[Path, Resolved]]:
    """Yield the values at a path of the catalogue, with their places."""
    if not pattern:
        yield path, value
    elif pattern[0] == "*" and isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _at(inner, pattern[1:], (*path, index))
    elif pattern[0] == "{}" and isinstance(value, dict):
        for key, inner in value.items():
            yield from _at(inner, pattern[1:], (*path, key))
    elif isinstance(value, dict) and pattern[0] in value:
        yield from _at(value[pattern[0]], pattern[1:], (*path, pattern[0]))


def leaves(value: Resolved, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield every text in a value with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    elif value is not None:
        yield path, value


def _object(text: str) -> dict[str, str] | None:
    """Return the entries of a JSON object whose text holds variables, None where it is none."""
    try:
        found = json.loads(_BARE.sub(r'\1"\2"', text), strict=False)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    return {key: v if isinstance(v, str) else json.dumps(v) for key, v in found.items()}


# --- dynamic references ----------------------------------------------------------------------


def references(text: str) -> Iterator[Reference]:
    """Yield the dynamic references to secrets in a text."""
    return (_reference(match[1]) for match in _REFERENCE.finditer(text))


def whole_reference(text: str) -> Reference | None:
    """Return the dynamic reference that a text is as a whole, None where it is not one."""
    match = _REFERENCE.fullmatch(text)
    return _reference(match[1]) if match else None


def expanded(text: str, view: View) -> str:
    """Return a text with what the template itself has written under the keys that it reads."""

    def written(match: re.Match[str]) -> str:
        reference = _reference(match[1])
        return (view.content(view.secret_of(reference.target)) or {}).get(reference.key) or match[0]

    return _REFERENCE.sub(written, text)


def in_place_of(parameter: str, old: str, new: str) -> Iterator[Reference]:
    """Yield the references that stand where the variable of a parameter stood in a text."""
    # Another parameter of the same text may have gone as well.
    parts = (re.escape(part) for part in old.split("${%s}" % parameter))
    pattern = _BODY.join(_ESCAPED_VARIABLE.sub(".*?", part) for part in parts)
    match = re.fullmatch(pattern, new, re.DOTALL)
    return (_reference(body) for body in match.groups()) if match else iter(())


def _reference(body: str) -> Reference:
    # The colons of an ARN or of `${AWS::Region}` part nothing.
    masked = VARIABLE.sub(lambda match: match[0].replace(":", "\0"), body)
    first = 7 if masked.startswith("arn:") else 1
    parts = [part.replace("\0", ":") for part in masked.split(":")]
    secret, rest = ":".join(parts[:first]), parts[first:]
    return Reference(secret, rest[1] if len(rest) > 1 else "")
