"""A second opinion on what a repair means, which shares no code with what planned it.

The proof shows that a new text is what its plan says; a plan that is wrong in itself passes it. So
the old and the new template are resolved in every combination of their conditions. In each, every
credential must have exactly one source, which exists there; every text that held the password must
read the secret of its credential; every secret and attachment must exist just where it is used.
Looked at are the resources that a repair changed, with the secrets and attachments around them.

Sources: the user guides of CloudFormation (dynamic references, deletion policies) and of Secrets
Manager (JSON structure of database credentials), and the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

from .model import Catalogue, Path, Refusal, Value
from .passwords import Passwords
from .resolved import (
    ATTACHMENT,
    ROTATION,
    SECRET,
    Reference,
    View,
    leaves,
    references,
    type_of,
)
from .sources import MANAGED, RESTORED, Sources
from .worlds import VARIABLE, TooManyWorlds, conditions_in, section, worlds

_BY_ATTACHMENT = frozenset(
    {"engine", "host", "port", "dbname", "dbInstanceIdentifier", "dbClusterIdentifier"}
)

_CARRYING = frozenset({"Resources", "Outputs", "Parameters", "Globals"})
"""Sections that resolve dynamic references, or that are looked at by themselves."""
_CUSTOM = ("AWS::CloudFormation::CustomResource", "Custom::")

_Place = tuple[str, str]
"""Section and logical id."""


def second_opinion(
    old: Mapping[str, Value],
    new: Mapping[str, Value],
    catalogue: Catalogue,
    unheard: Mapping[str, frozenset[str]] = MappingProxyType({}),
) -> Refusal | None:
    """Return what is wrong with the meaning of a repaired template, None where nothing is.

    Both templates in the long form. `unheard` are the arguments, by the logical id of their stack,
    that its template does not declare: they mean nothing. A refusal `second-opinion` says that the
    plan itself is wrong, `too-many-conditions` that there are more combinations of conditions, or
    longer texts, than can be tried.
    """
    old, new = _heard(old, unheard), _heard(new, unheard)
    for kind in set(new) - _CARRYING:
        fresh = set(_words(new[kind])) - set(_words(old.get(kind)))
        if any(any(references(word)) for word in fresh):
            return Refusal("second-opinion", f"{kind} resolves no dynamic reference")
    places = _looked_at(old, new, catalogue)
    names = set(chain.from_iterable(_conditions(data, places) for data in (old, new)))
    try:
        for world in worlds(old, new, names) if places else ():
            before = View(old, world.old, world.empty, catalogue)
            after = View(new, world.new, world.empty, catalogue)
            wrong = next(_Comparison(before, after, places).wrong(), None)
            if wrong is not None:
                where = f" where {world.words()}" if world.new else ""
                return Refusal("second-opinion", wrong + where)
    except TooManyWorlds as error:
        return Refusal("too-many-conditions", error.message)
    return None


_PASSES = ("Parameters", "ProvisioningParameters", "StackInstancesGroup", "ParameterOverrides")
"""Properties that hold what a resource passes to another template."""


def _heard(data: Mapping[str, Value], unheard: Mapping[str, frozenset[str]]) -> Mapping[str, Value]:
    """Return a template without the arguments that those who get them do not take."""
    if not unheard:
        return data
    resources = dict(section(data, "Resources"))
    for name, parameters in unheard.items():
        resource = resources.get(name)
        if isinstance(resource, dict):
            properties = _less(section(resource, "Properties"), parameters)
            resources[name] = {**resource, "Properties": properties}
    return {**data, "Resources": resources}


def _less(properties: Mapping[str, Value], names: frozenset[str]) -> dict[str, Value]:
    """Return properties that pass none of these parameters, nor an empty list or mapping."""
    less = {
        key: _less_given(value, names) if key in _PASSES else value
        for key, value in properties.items()
    }
    return {key: value for key, value in less.items() if value or key not in _PASSES}


def _less_given(value: Value, names: frozenset[str]) -> Value:
    if isinstance(value, list):
        given = (each for each in value if not isinstance(each, dict) or not _key(each) & names)
        return [_less(each, names) if isinstance(each, dict) else each for each in given]
    if isinstance(value, dict) and isinstance(branches := value.get("Fn::If"), list):
        return {"Fn::If": [_less_given(branch, names) for branch in branches]}
    if isinstance(value, dict):
        return {key: each for key, each in value.items() if key not in names}
    return value


def _key(pair: Mapping[str, Value]) -> set[str]:
    """Return the parameter that a pair of a list gives."""
    keys = (pair.get("ParameterKey"), pair.get("Key"))
    return {key for key in keys if isinstance(key, str)}


def _looked_at(
    old: Mapping[str, Value], new: Mapping[str, Value], catalogue: Catalogue
) -> frozenset[_Place]:
    """Return what differs, with the secrets around it; nothing where none has to do with it."""
    places = {
        (kind, key)
        for kind in ("Resources", "Outputs")
        for key in {**section(old, kind), **section(new, kind)}
        if section(old, kind).get(key) != section(new, kind).get(key)
    }
    resources = {**section(old, "Resources"), **section(new, "Resources")}
    words = {key: set(_words(resources[key])) for key in resources}
    secrets = {key for key in resources if type_of(resources[key]) in (SECRET, ATTACHMENT)}
    changed = {key for _, key in places}
    named = {word for kind, key in places for word in _words(section(new, kind).get(key))}
    reads = any("{{resolve:" in word for word in named)
    given = any(
        _credentials(section(old, "Resources").get(key), catalogue)
        != _credentials(section(new, "Resources").get(key), catalogue)
        for key in changed
    )
    if not (secrets & (named | changed) or reads or given):
        return frozenset()
    near = {key for key in secrets if key in named or changed & words[key]}
    near |= {key for each in near for key in words[each] if key in resources}
    # What else is attached to a secret, or rotates it.
    near |= {key for key in resources if _belongs(resources[key]) and (near | changed) & words[key]}
    exchanged = secrets & changed  # what reads these may read something else now
    near |= {key for key in resources if exchanged & words[key]}
    gone = _gone(old, new, changed, catalogue)
    near |= {key for key in resources if gone & words[key]}
    return frozenset(places | {("Resources", key) for key in near})


def _gone(
    old: Mapping[str, Value], new: Mapping[str, Value], changed: set[str], catalogue: Catalogue
) -> set[str]:
    """Return the parameters and the literals that credentials held: others may hold them still."""
    found: set[str] = set()
    for key in changed:
        before, after = (section(data, "Resources").get(key) for data in (old, new))
        gone = set(_words(before)) - set(_words(after))
        found |= gone.intersection(section(new, "Parameters"))
        found |= gone.intersection(_words(_credentials(before, catalogue)))
    return found


def _credentials(resource: Value, catalogue: Catalogue) -> list[Value]:
    """Return the properties of a resource that decide about its credentials."""
    rows = catalogue.get(type_of(resource), ())
    given = section(resource, "Properties") if isinstance(resource, dict) else {}
    keys = {key for row in rows for key in (row.property[0], row.managed_property)}
    return [given.get(key) for key in sorted(keys)]


def _belongs(resource: Value) -> bool:
    return type_of(resource) in (ATTACHMENT, ROTATION)


def _conditions(data: Mapping[str, Value], places: frozenset[_Place]) -> Iterator[str]:
    """Yield the conditions that decide about these places, and whether what they name exists."""
    resources = section(data, "Resources")
    for kind, key in places:
        value = section(data, kind).get(key)
        yield from conditions_in(value)
        for name in set(_words(value)).intersection(resources):
            condition = section(resources, name).get("Condition")
            if isinstance(condition, str):
                yield condition


def _words(value: Value) -> Iterator[str]:
    """Yield the names that a value's functions may speak of, and its texts."""
    if isinstance(value, dict):
        yield from chain.from_iterable(map(_words, value.values()))
    elif isinstance(value, list):
        yield from chain.from_iterable(map(_words, value))
    elif isinstance(value, str):
        yield value
        yield from _variables(value)


def _variables(text: str) -> Iterator[str]:
    return (name.strip().partition(".")[0] for _, name in VARIABLE.findall(text))


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The old and the new template in one world, at the places that are looked at."""

    old: View
    new: View
    places: frozenset[_Place]

    def wrong(self) -> Iterator[str]:
        """Yield what is wrong, in words."""
        names = sorted(name for kind, name in self.places if kind == "Resources")
        changed = [name for name in names if self.old.resource(name) != self.new.resource(name)]
        sources = Sources(self.old, self.new)
        for name in names:
            yield from self._existence(name)
        for name in names:
            yield from self._texts(name, frozenset(changed))
        for name in changed:
            yield from sources.wrong(name)
        for name in names:
            yield from sources.key(name)
        yield from Passwords(self.old, self.new, tuple(names)).wrong()
        for name in names:
            if self.new.type_of(name) == SECRET:
                yield from self._secret(name, names)
        yield from self._attachments(names)
        for name in sorted(name for kind, name in self.places if kind == "Outputs"):
            yield from self._output(name)

    def _is_new(self, name: str) -> bool:
        return name not in section(self.old.data, "Resources")

    def _existence(self, name: str) -> Iterator[str]:
        """What stood stands where it stood, but for secrets and what belongs to them."""
        before, after = self.old.exists(name), self.new.exists(name)
        if self._is_new(name):
            return
        if name not in section(self.new.data, "Resources"):
            if before and self.old.type_of(name) not in (SECRET, ATTACHMENT, ROTATION):
                yield f"{name} is gone"
        elif before != after:
            yield f"{name} {'no longer exists' if before else 'exists now'}"
        elif self.old.type_of(name) != self.new.type_of(name):
            yield f"{name} has another type"

    # --- texts that read a secret --------------------------------------------------------------

    def _texts(self, name: str, changed: frozenset[str]) -> Iterator[str]:
        """Yield what is wrong with the texts of a resource that were not there before, or that read
        a secret that changed."""
        before = dict(leaves(self.old.resource(name)))
        for path, text in leaves(self.new.resource(name)):
            place = ".".join(map(str, (name, *path)))
            if before.get(path) == text:
                for reference in references(text):
                    if self.new.secret_of(reference.target) in changed:
                        yield from self._read(place, reference)
                continue
            if "${AWS::NoValue}" in text:
                yield f"{place} has AWS::NoValue within a text"
            yield from self._existing(place, text)
            for reference in references(text):
                yield from self._carried(name, path, place)
                yield from self._read(place, reference)

    def _output(self, name: str) -> Iterator[str]:
        """Yield what is wrong with the texts of an output that were not there before."""
        before = dict(leaves(self.old.output(name)))
        for path, text in leaves(self.new.output(name)):
            if before.get(path) == text:
                continue
            place = ".".join(map(str, ("Outputs", name, *path)))
            yield from self._existing(place, text)
            known = {each for old in before.values() for each in references(old)}
            if not known.issuperset(references(text)):
                yield f"{place} resolves no dynamic reference"

    def _existing(self, place: str, text: str) -> Iterator[str]:
        for target in _variables(text):
            if target in section(self.new.data, "Resources") and not self.new.exists(target):
                yield f"{place} refers to {target}, which does not exist"

    def _carried(self, name: str, path: Path, place: str) -> Iterator[str]:
        """Yield why a dynamic reference is not resolved at a place, or shows its value there."""
        kind = self.new.type_of(name)
        if path[0] != "Properties" or {"UserData", "SecretString"}.intersection(path[1:]):
            yield f"{place} resolves no dynamic reference"
        if kind.startswith(_CUSTOM):
            yield f"{place} hands the reference itself to a custom resource"
        if kind == "AWS::CloudFormation::Stack":
            yield f"{place} is passed to a nested stack in clear"
        if kind == SECRET:
            yield f"{place} is a reference within a secret"

    def _read(self, place: str, reference: Reference) -> Iterator[str]:
        secret = self.new.secret_of(reference.target)
        kind = self.new.type_of(secret)
        if kind != SECRET:  # one outside of the template, if it is none
            if kind not in ("", ROTATION) and not kind.startswith(_CUSTOM):
                yield f"{place} reads {secret}, which is no secret"
            return
        content = self.new.content(secret)
        generated = self.new.properties(secret).get("GenerateSecretString")
        if content is None:
            if isinstance(generated, dict) and reference.key:
                yield f"{place} reads the key {reference.key} of {secret}, which has none"
        elif not reference.key:
            if isinstance(generated, dict):
                yield f"{place} reads all of {secret}, not the password alone"
        elif reference.key not in content:
            if reference.key not in _BY_ATTACHMENT:
                yield f"{place} reads the key {reference.key}, which {secret} has not"
            elif self.new.type_of(reference.target) != ATTACHMENT:
                key = reference.key
                yield f"{place} reads the key {key} of {secret} before an attachment writes it"

    # --- secrets and attachments ---------------------------------------------------------------

    def _secret(self, name: str, names: list[str]) -> Iterator[str]:
        before = self.old.properties(name).get("GenerateSecretString")
        after = self.new.properties(name).get("GenerateSecretString")
        if before is not None and before != after:
            yield f"{name} would generate another password"
        if not isinstance(after, dict) or before is not None:
            return
        if "GenerateStringKey" in after and self.new.content(name) is None:
            yield f"the text of {name} is no JSON object"
        if not self._is_new(name):
            yield from self._converted(name)
        elif not any(self._reads(reader, name) for reader in names):
            yield f"{name} exists, and nothing reads it"

    def _reads(self, name: str, secret: str) -> bool:
        return any(
            self.new.secret_of(reference.target) == secret
            for _, text in leaves(self.new.properties(name))
            for reference in references(text)
        )

    def _converted(self, name: str) -> Iterator[str]:
        """Yield which key a secret loses that generates its password now."""
        before, after = self.old.content(name) or {}, self.new.content(name) or {}
        attached = any(secret == name for _, secret, _ in self.new.attachments())
        for key, text in before.items():
            if key in after:
                if after[key] not in ("", text):
                    yield f"{name} has another text under {key}"
            elif key not in _BY_ATTACHMENT or not attached:
                yield f"{name} loses its key {key}"

    def _attachments(self, names: list[str]) -> Iterator[str]:
        known: dict[tuple[str, str], str] = {}
        for name, secret, target in self.new.attachments():
            if name not in names:
                continue
            # A database may have secrets of further users, which stood before.
            ends = [("secret", secret), *([("database", target)] if self._is_new(name) else [])]
            for end in ends:
                other = known.setdefault(end, name)
                if end[1] and other != name:
                    yield f"{other} and {name} both attach {end[1]}"
            if self.old.resource(name) != self.new.resource(name):
                yield from self._attachment(name, secret, target)

    def _attachment(self, name: str, secret: str, target: str) -> Iterator[str]:
        """Yield what is wrong with an attachment that was not there before."""
        if self.new.type_of(secret) != SECRET or not self.new.exists(target):
            yield f"{name} attaches what does not exist"
            return
        kind = self.new.type_of(target)
        if self.new.properties(name).get("TargetType") != kind:
            yield f"{name} names another type than that of {target}"
        if all(row.target_type != kind for row in self.new.catalogue.get(kind, ())):
            yield f"{name} attaches {target}, whose type takes no attachment"
        elsewhere = self.new.given(target, (*RESTORED, *MANAGED))
        if elsewhere:
            yield f"{name} attaches {target}, which has its password by {elsewhere}"
        if not {"username", "password"} <= set(self.new.content(secret) or ()):
            yield f"{name} attaches {secret}, which lacks a user name or password of its own"
        if not self._reads(target, secret):
            yield f"{name} attaches {secret} to {target}, which does not read it"
