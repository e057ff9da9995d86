"""What the deployment of a repaired template needs that the old one's did not.

All of it is read from the difference of the two templates: resources by their type, dynamic
references, macros. Which transform made it plays no part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .document import Document
from .limits import MOST_INLINE
from .model import Catalogue, Context, Path, Value
from .permissions import (
    ANY,
    ATTACH,
    ATTACHMENT,
    CHANGE,
    CREATE,
    DECRYPT,
    DELETE,
    EXPAND,
    GENERATE,
    GRANTS,
    HOSTED,
    INVOKE,
    MANAGED,
    READ,
    ROTATE,
    ROTATION,
    SECRET,
    TARGETS,
    USE_KEYS,
    Grant,
)
from .results import Deployment, Permission
from .template import SUB_VARIABLE, Template, sub_parts, walk

_VARIABLE = r"\$\{[^{}]*\}"
_REFERENCE = re.compile(
    r"\{\{resolve:secretsmanager:(?P<id>(?:arn:(?:(?:%s|[^:{}])*:){5})?(?:%s|[^:{}])*)"
    r"(?::[^:{}]*(?::(?P<key>(?:%s|[^:{}])*))?)?" % (_VARIABLE, _VARIABLE, _VARIABLE)
)
_LOGICAL_ID = re.compile(r"\$\{(\w+)(?:\.Id)?\}")


def needs(old: Document, new: Document, context: Context) -> Deployment:
    """Return what deploying `new` needs besides what `old` needed; empty where they are the same.

    The catalogue of the context tells which properties are credentials, and not copies of one.
    """
    if old.text == new.text:
        return Deployment()
    before, after = Template(old), Template(new)
    found = _Permissions(after)
    for name in after.resources:
        kind = after.type_of(name)
        is_new = before.type_of(name) != kind
        if is_new or before.properties(name) != after.properties(name):
            found.resource(name, kind, is_new)
    for name in before.of_type(SECRET):
        if name not in after.resources:
            found.removed(name, before.properties(name).get("Name"))
    known = {read for name in before.resources for read in _reads(before, name)}
    read = [each for name in after.resources for each in _reads(after, name) if each not in known]
    for each in read:
        found.reference(each)
    known_macros = {macro.name for macro in before.macros}
    macros = [macro.name for macro in after.macros if macro.name not in known_macros]
    for macro in macros:
        found.macro(macro)
    expands = ("CAPABILITY_AUTO_EXPAND",) if macros else ()
    return Deployment(
        found.all(),
        (("CAPABILITY_IAM",) if found.hosts_rotation else ()) + expands,
        (
            *_size(old, new),
            *_copies(after, read, context.catalogue),
            *(() if context.settings.new else _stale(before, after)),
        ),
    )


class _Permissions:
    """The permissions found so far, by the id of their statement."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._found: dict[str, tuple[set[str], set[str]]] = {}
        self.hosts_rotation = False

    def all(self) -> tuple[Permission, ...]:
        """Return them in the order of the table."""
        return tuple(
            Permission(
                sid,
                tuple(sorted(actions)),
                (ANY,) if ANY in resources else tuple(sorted(resources)),
                condition,
            )
            for sid, condition in {grant.sid: grant.condition for grant in GRANTS}.items()
            for actions, resources in [self._found.get(sid, (set(), set()))]
            if actions
        )

    def _add(self, grant: Grant, resource: str = ANY) -> None:
        actions, resources = self._found.setdefault(grant.sid, (set(), set()))
        actions.update(grant.actions)
        resources.add(resource)

    def resource(self, name: str, kind: str, is_new: bool) -> None:
        """Add what a resource needs that is new, or has other properties than before."""
        properties = self._template.properties(name)
        if kind == SECRET:
            self._on_secret(CREATE if is_new else CHANGE, name)
            if "GenerateSecretString" in properties:
                self._add(GENERATE)
        elif kind == ATTACHMENT:
            self._on_secret(ATTACH, _secret(self._template, properties.get("SecretId")))
            target = properties.get("TargetType")
            one = TARGETS.get(target) if isinstance(target, str) else None
            for grant in TARGETS.values() if one is None else (one,):
                self._add(grant)
        elif kind == ROTATION:
            self._on_secret(ROTATE, _secret(self._template, properties.get("SecretId")))
            self._add(INVOKE)
            if "HostedRotationLambda" in properties:
                self.hosts_rotation = True
                for grant, resource in HOSTED:
                    self._add(grant, resource)
        for switch, grant in MANAGED.items():
            if switch in properties:
                self._add(grant)

    def removed(self, secret: str, name: Value) -> None:
        """Add what a secret needs that goes, whatever its DeletionPolicy."""
        self._add(DELETE, arn_pattern(secret, name))

    def _on_secret(self, grant: Grant, secret: str) -> None:
        """Add actions on a secret of the template, with its key; on any, where it is none."""
        properties = self._template.properties(secret)
        if self._template.type_of(secret) != SECRET:
            self._add(grant)
        else:
            self._add(grant, arn_pattern(secret, properties.get("Name")))
        key = properties.get("KmsKeyId")
        if key is not None:
            is_arn = isinstance(key, str) and key.startswith("arn:") and ":key/" in key
            self._add(USE_KEYS, str(key) if is_arn else ANY)

    def reference(self, read: _Read) -> None:
        """Add what resolving a dynamic reference to a secret needs."""
        if read.own:
            self._on_secret(READ, read.secret)
        else:  # it may be encrypted with a key of its own
            self._add(READ, _named_pattern(read.secret))
            self._add(DECRYPT)

    def macro(self, name: str) -> None:
        """Add what a macro of AWS needs."""
        if name.startswith("AWS::"):
            transform = name.removeprefix("AWS::")
            self._add(EXPAND, f"arn:*:cloudformation:*:aws:transform/{transform}")


def arn_pattern(logical_id: str, name: Value = None) -> str:
    """Return a pattern of the ARN that a secret of a template gets.

    Without a name it is called `<logical id>-<random>`; Secrets Manager puts six characters behind
    any name. Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/cfn-example_secret.html
    """
    if name is None:
        return _arn(f"{logical_id}-*")
    body = name.get("Fn::Sub") if isinstance(name, dict) else name
    return _named_pattern(sub_parts(body)[0])


def _named_pattern(name: str) -> str:
    """Return a pattern of the ARN of a secret from its name or ARN, a text of `Fn::Sub`."""
    pattern = SUB_VARIABLE.sub(ANY, name)
    if pattern.startswith("arn:"):
        return f"{pattern}*"
    plain = re.sub(r"[^\w/+=.@-]+", ANY, pattern)
    return _arn(f"{plain}-??????") if plain.strip(ANY) else ANY


def _arn(name: str) -> str:
    return f"arn:*:secretsmanager:*:*:secret:{name}"


def _secret(template: Template, value: Value) -> str:
    """Return the secret of the template that a `Ref` or `Id` of it or its attachment names."""
    name = _referred(value)
    if template.type_of(name) == ATTACHMENT:
        name = _referred(template.properties(name).get("SecretId"))
    return name if template.type_of(name) == SECRET else ""


def _referred(value: Value) -> str:
    if not isinstance(value, dict) or len(value) != 1:
        return ""
    [(function, argument)] = value.items()
    if function == "Fn::GetAtt" and isinstance(argument, list) and argument:
        argument = argument[0]
    return argument if isinstance(argument, str) and function in ("Ref", "Fn::GetAtt") else ""


# --- dynamic references ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Read:
    """A dynamic reference: where it stands, and the key that it reads of which secret."""

    resource: str
    steps: Path
    """The property, without functions; `*` stands for an index."""
    secret: str
    """Its logical id where it is the template's `own`, else its name as a text of `Fn::Sub`."""
    own: bool
    key: str


def _reads(template: Template, name: str) -> Iterator[_Read]:
    """Yield the dynamic references in the properties of a resource."""
    for path, value in walk(dict(template.properties(name))):
        for match in _REFERENCE.finditer(value) if isinstance(value, str) else ():
            variable = _LOGICAL_ID.fullmatch(match["id"])
            own = _secret(template, {"Ref": variable[1]}) if variable else ""
            key = match["key"] or ""
            yield _Read(name, _property(path), own or match["id"], bool(own), key)


def _property(path: Path) -> Path:
    """Return the property that a path leads to: without functions and indexes of lists."""
    steps: list[str | int] = []
    skip = False
    for step in path:
        if skip:
            skip = False
        elif step == "Fn::If":
            skip = True  # its branch
        elif str(step).startswith("Fn::"):
            break
        else:
            steps.append("*" if isinstance(step, int) else step)
    return tuple(steps)


def _is_password(template: Template, read: _Read) -> bool:
    """Whether a reference reads the generated part of a secret, or all of it.

    What a secret outside of the template holds is not known: it counts.
    """
    generated = template.properties(read.secret).get("GenerateSecretString") if read.own else None
    key = generated.get("GenerateStringKey") if isinstance(generated, dict) else None
    return not read.key or key is None or read.key == key


def _copies(template: Template, reads: Iterable[_Read], catalogue: Catalogue) -> Iterator[str]:
    """Yield what to mind about the places that keep the password as it was when they read it.

    Source: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/369
    """
    clear: dict[str, dict[str, None]] = {}
    others: dict[str, dict[str, None]] = {}
    for read in reads:
        kind = _generatable(template.type_of(read.resource), read.steps, catalogue)
        if kind != "yes" and _is_password(template, read):
            holders = others if kind == "external" else clear
            holders.setdefault(read.resource, {}).update(dict.fromkeys(map(str, read.steps[:1])))
    told = [f"in clear, as before, to {_holders(clear)}"] if clear else []
    told += [f"to {_holders(others)}"] if others else []
    if told:
        which = "these resources" if len(clear) + len(others) > 1 else "that resource"
        yield (
            f"the password goes {', and '.join(told)}; when the secret changes, only an update of "
            f"{which} reads it anew"
        )


def _holders(properties: Mapping[str, Iterable[str]]) -> str:
    """Return resources with some of their properties: `A (Source, Environment), B (Content)`."""
    parts = ((name, ", ".join(own)) for name, own in properties.items())
    *first, last = (f"{name} ({own})" if own else name for name, own in parts)
    return f"{', '.join(first)} and {last}" if first else last


def _stale(before: Template, after: Template) -> Iterator[str]:
    """Yield what to mind about the readers of a changed secret that do not change themselves."""
    changed = {
        name
        for name in after.of_type(SECRET)
        if before.type_of(name) == SECRET
        and any(
            before.properties(name).get(key) != after.properties(name).get(key)
            for key in ("SecretString", "GenerateSecretString")
        )
    }
    for name in after.resources if changed else ():
        if before.properties(name) != after.properties(name):
            continue  # it is updated, and reads the secret then
        places = dict.fromkeys(
            (_place(read), read.secret)
            for read in _reads(after, name)
            if read.own and read.secret in changed and _is_password(after, read)
        )
        for place, secret in places:
            yield (
                f"{place} reads {secret} and does not change: it keeps the old password until "
                "something in it is updated"
            )


def _place(read: _Read) -> str:
    return f"{read.resource} ({read.steps[0]})" if read.steps else read.resource


def _generatable(kind: str, steps: Path, catalogue: Catalogue) -> str:
    """Return what the catalogue says of a property: `yes`, `external`, or `no`, also if unknown."""
    for row in catalogue.get(kind, ()):
        pairs = zip(row.property, steps, strict=False)
        if len(row.property) <= len(steps) and all(a in (b, "{}") for a, b in pairs):
            return row.generatable
    return "no"


def _size(old: Document, new: Document) -> Iterator[str]:
    before, after = (len(each.text.encode()) + 3 * each.bom for each in (old, new))
    if before <= MOST_INLINE < after:
        yield (
            f"it has {after} bytes now, more than the {MOST_INLINE} that CloudFormation takes "
            "inline: deploy it from S3 (`aws cloudformation deploy --s3-bucket`)"
        )
