"""What is wrong with the source of a credential in one world: part of the second opinion."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .model import Value
from .resolved import SECRET, Held, Reference, View, target_of, whole_reference
from .worlds import Resolved, section

RESTORED = (
    *("DBSnapshotIdentifier", "DBClusterSnapshotIdentifier", "SnapshotIdentifier"),
    *("SnapshotName", "SnapshotArn", "SourceDBInstanceIdentifier", "SourceDbiResourceId"),
    *("SourceDBInstanceAutomatedBackupsArn", "SourceDBClusterIdentifier"),
    "ReplicationSourceIdentifier",
)
"""Properties by which a database gets its data, and its password, from elsewhere."""
MANAGED = ("ManageMasterUserPassword", "ManageMasterPassword", "ManageAdminPassword")
"""Properties by which the service itself makes the password."""

_KEPT = ("Snapshot", "Retain", "RetainExceptOnCreate")
_NAMES = ("DBInstanceIdentifier", "DBClusterIdentifier")
_OF_OTHERS = (
    *("SourceDBInstanceIdentifier", "SourceDBClusterIdentifier"),
    *("ReplicationSourceIdentifier", "DBClusterIdentifier"),
)
_RDS = ("AWS::RDS::DBInstance", "AWS::RDS::DBCluster")


@dataclass(frozen=True, slots=True)
class Sources:
    """The credentials of resources in the old and the new template, in one world."""

    old: View
    new: View

    def wrong(self, name: str) -> Iterator[str]:
        """Yield what is wrong with the credentials of a resource that changed."""
        before = {each.path: each for each in self.old.held(name)}
        after = {each.path: each for each in self.new.held(name)}
        for path, held in before.items():
            switch = held.row.managed_property
            if path not in after and not (switch and self.new.given(name, (switch,))):
                yield f"{held.place} has no source any more"
        for path, held in after.items():
            if self._managed(self.new, held) and not (
                path in before and self._managed(self.old, before[path])
            ):
                yield f"{held.place} has two sources: the service keeps the password as well"
            if path not in before:
                if self.old.exists(name) and "{{resolve:" in held.text:
                    yield f"{held.place} had no source, and has one now"
                continue
            if self.old.user(before[path]) != self.new.user(held):
                yield f"the user name beside {held.place} changed"
            if held.text != before[path].text:
                yield from self._changed(held)

    @staticmethod
    def _managed(view: View, held: Held) -> bool:
        switch = held.row.managed_property
        return bool(switch and view.given(held.resource, (switch,)))

    def key(self, name: str) -> Iterator[str]:
        """Yield which credential of a resource reads another key than that of a new password."""
        for held in self.new.held(name):
            reference = whole_reference(held.text)
            secret = self.new.secret_of(reference.target) if reference else ""
            generated = self.new.properties(secret).get("GenerateSecretString")
            if reference is None or not isinstance(generated, dict):
                continue
            as_before = self.old.properties(secret).get("GenerateSecretString") == generated
            if as_before and self.old.resource(name) == self.new.resource(name):
                continue
            if reference.key != generated.get("GenerateStringKey", ""):
                yield f"{held.place} reads a key of {secret} that is not its password"

    def _changed(self, held: Held) -> Iterator[str]:
        reference = whole_reference(held.text)
        if reference is None:
            if held.row.generatable == "yes":
                yield f"{held.place} is not one dynamic reference"
            return
        secret = self.new.secret_of(reference.target)
        if self.new.type_of(secret) != SECRET:
            return  # one outside of the template
        if held.row.generatable == "yes" and reference.target != secret:
            yield f"{held.place} waits for the attachment of its own secret"
        content = self.new.content(secret) or {}
        user = self.new.user(held)
        if user is not None and content.get("username", user) != user:
            yield f"{held.place} reads {secret}, which is for another user"
        yield from self._attached(held, reference, secret)
        yield from self._kept(held, secret)
        yield from _limits(held, self.new, secret)

    def _attached(self, held: Held, reference: Reference, secret: str) -> Iterator[str]:
        """Yield that the secret of a database is attached to another one, or to none."""
        content = self.new.content(secret) or {}
        if not held.row.target_type or not reference.key or "username" not in content:
            return
        name = held.resource
        targets = [target for _, of, target in self.new.attachments() if of == secret]
        elsewhere = self.new.given(name, (*RESTORED, *MANAGED))
        if targets and not {name, *self._origins(name)}.intersection(targets):
            others = " and ".join(filter(None, targets)) or "another"
            yield f"{name} reads {secret}, which belongs to {others}"
        elif not targets and not elsewhere and "host" not in content:
            yield f"{secret} of {name} is attached to nothing"

    def _origins(self, name: str) -> set[str]:
        """Return the databases that one is a replica or member of, by reference or by name."""
        properties = self.new.properties(name)
        texts = {str(properties[key]) for key in _OF_OTHERS if key in properties}
        found = set(filter(None, map(target_of, texts)))
        for other in section(self.new.data, "Resources"):
            if self.new.type_of(other) in _RDS and other != name:
                own = self.new.properties(other)
                found |= {other for key in _NAMES if str(own.get(key)) in texts}
        return found

    def _kept(self, held: Held, secret: str) -> Iterator[str]:
        """Yield that a database, or a snapshot of it, outlives its password."""
        if secret in section(self.old.data, "Resources") or held.row.generatable != "yes":
            return
        for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
            policy = self.new.resource(secret).get(attribute, "Delete")
            if self._policy(held.resource, attribute) in _KEPT and policy not in _KEPT:
                yield f"{secret} goes where {held.resource} is kept ({attribute})"

    def _policy(self, name: str, attribute: str) -> Resolved:
        # RDS keeps a snapshot by default, but of the members of a cluster (DeletionPolicy's page).
        kind = self.new.type_of(name)
        member = self.new.properties(name).get("DBClusterIdentifier") is not None
        snapshot = attribute == "DeletionPolicy" and kind in _RDS and not member
        return self.new.resource(name).get(attribute, "Snapshot" if snapshot else "Delete")


def _limits(held: Held, view: View, secret: str) -> Iterator[str]:
    """Yield which limit of its service a generated password may break."""
    generated = view.properties(secret).get("GenerateSecretString")
    if not isinstance(generated, dict):
        return
    row = held.row
    engines = _engines(view.data, view.properties(held.resource).get("Engine"))
    length = str(generated.get("PasswordLength", "32"))
    longest = _longest(row.max_length, engines)
    if length.isdecimal() and not row.min_length <= int(length) <= longest:
        takes = f"{row.min_length} to {longest} characters"
        yield f"{held.place} takes {takes}, {secret} has {length}"
    yield from _classes(held, generated, secret)
    spaces = generated.get("IncludeSpace") == "true"
    if spaces and (" " in row.forbidden or row.allowed is not None):
        yield f"{held.place} refuses the blanks that {secret} may generate"
    if generated.get("ExcludePunctuation") == "true":
        return
    refused = set(row.forbidden)
    for glob, more in row.engine_forbidden:
        if any(fnmatchcase(engine, glob) for engine in engines):
            refused |= set(more)
    if row.allowed is not None:
        refused |= set(string.punctuation) - set(row.allowed)
    if refused & set(string.punctuation) - set(str(generated.get("ExcludeCharacters", ""))):
        yield f"{held.place} refuses characters that {secret} may generate"


_CLASSES = {
    "upper": ("ExcludeUppercase", string.ascii_uppercase),
    "lower": ("ExcludeLowercase", string.ascii_lowercase),
    "digit": ("ExcludeNumbers", string.digits),
    "symbol": ("ExcludePunctuation", string.punctuation),
}


def _classes(held: Held, generated: Mapping[str, Resolved], secret: str) -> Iterator[str]:
    """Yield which characters a service demands that a generated password may lack."""
    without = set(str(generated.get("ExcludeCharacters", "")))
    each_included = generated.get("RequireEachIncludedType", "true") == "true"
    for name in held.row.requires:
        switch, characters = _CLASSES[name]
        excluded = generated.get(switch) == "true" or not set(characters) - without
        if excluded or not each_included:
            yield f"{held.place} demands {name} characters, which {secret} may not generate"


def _longest(limits: tuple[tuple[str, int], ...], engines: tuple[str, ...]) -> int:
    """Return the longest password that all engines take; of an unknown one, that any would."""
    found = [
        next((most for glob, most in limits if fnmatchcase(engine, glob)), None)
        for engine in engines
    ]
    known = [most for most in found if most is not None]
    return min(known) if known else max((most for _, most in limits), default=4096)


def _engines(data: Mapping[str, Value], value: Resolved) -> tuple[str, ...]:
    """Return the engines that a property may name; nothing where that cannot be told."""
    text = value if isinstance(value, str) else ""
    if "${" not in text:
        return (text.lower(),) if text else ()
    allowed = section(section(data, "Parameters"), target_of(text)).get("AllowedValues")
    return tuple(str(each).lower() for each in allowed) if isinstance(allowed, list) else ()
