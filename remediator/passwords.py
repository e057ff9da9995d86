"""What became of each password that texts of the old template held: part of the second opinion.

A password is a parameter, or a text that stands in a credential property. Whatever held it must
read one secret now, that of its credential, and no other password may have become that secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .model import Path
from .resolved import (
    ROTATION,
    SECRET,
    Held,
    Reference,
    View,
    expanded,
    in_place_of,
    leaves,
    references,
    target_of,
    whole_reference,
)
from .worlds import section


@dataclass(frozen=True, slots=True)
class Passwords:
    """The passwords of these resources in the old and the new template, in one world."""

    old: View
    new: View
    names: tuple[str, ...]

    def wrong(self) -> Iterator[str]:
        """Yield where a text does not read the secret of the credential whose password it held, and
        where two passwords become one."""
        gone = set(section(self.old.data, "Parameters")) - set(section(self.new.data, "Parameters"))
        yield from self._same([each for name in self.names for each in self._exchanged(name)])
        for parameter in sorted(gone):
            yield from self._parameter(parameter)
        for name in self.names:
            if self.new.type_of(name) == ROTATION and not self.old.exists(name):
                yield from self._rotated(name)

    # --- credentials --------------------------------------------------------------------------

    def _exchanged(self, name: str) -> Iterator[tuple[Held, str]]:
        """Yield the credentials whose text changed, with their new text, empty where it is gone."""
        after = {each.path: each.text for each in self.new.held(name)}
        for held in self.old.held(name):
            text = after.get(held.path, "")
            if text != held.text and self.new.exists(name):
                yield held, text

    def _same(self, exchanged: list[tuple[Held, str]]) -> Iterator[str]:
        owners: dict[tuple[str, str], Held] = {}
        for held, text in exchanged:
            secret = self._secret(text)
            before = expanded(held.text, self.old)
            if secret is None or held.row.generatable != "yes":
                continue  # what is outside may be the database's own password under another name
            first = owners.setdefault(secret, held)
            if expanded(first.text, self.old) != before:
                one, other = (target_of(each.text) or each.place for each in (first, held))
                yield f"{one} and {other} both became {secret[0]}"
        moved = {
            expanded(held.text, self.old): held
            for held, _ in exchanged
            if held.row.generatable == "yes"
        }
        for name in self.names if moved else ():
            yield from self._stayed(name, moved)

    def _secret(self, text: str) -> tuple[str, str] | None:
        """Return the secret of the template, and its key, that a text reads as a whole."""
        reference = whole_reference(text)
        secret = self.new.secret_of(reference.target) if reference else ""
        known = reference is not None and self.new.type_of(secret) == SECRET
        return (secret, reference.key) if reference and known else None

    def _stayed(self, name: str, moved: dict[str, Held]) -> Iterator[str]:
        """Yield which text still holds a password that its own credential has not any more."""
        for each in self.new.held(name):
            if each.text in moved:
                lost = moved[each.text].place
                yield f"{each.place} keeps the password that {lost} has not any more"
        for parameter in section(self.new.data, "Parameters"):
            held = moved.get("${%s}" % parameter)
            for path, text in leaves(self.new.properties(name)) if held else ():
                if held and "${%s}" % parameter in text:
                    place = ".".join(map(str, (name, "Properties", *path)))
                    yield f"{place} still reads {parameter}, which {held.place} has not any more"

    # --- readers ------------------------------------------------------------------------------

    def _parameter(self, parameter: str) -> Iterator[str]:
        credentials: set[Reference] = set()
        others: dict[str, Reference] = {}
        managed: list[str] = []
        for name in self.names:
            yield from self._readers(parameter, name, credentials, others, managed)
        for place, reference in others.items():
            if credentials and reference not in credentials:
                yield f"{place} reads {reference.secret}, which is not where {parameter} went"
            elif managed and not credentials:
                yield f"{place} reads a secret, but {managed[0]} is kept by the service"

    def _readers(
        self,
        parameter: str,
        name: str,
        credentials: set[Reference],
        others: dict[str, Reference],
        managed: list[str],
    ) -> Iterator[str]:
        """Gather what a resource's texts read now that held a parameter, and which credentials
        are gone that held it; yield which text reads nothing in its place."""
        after = dict(leaves(self.new.resource(name)))
        own = {("Properties", *each.path) for each in self.old.held(name)}
        generated = {
            ("Properties", *each.path)
            for each in self.old.held(name)
            if each.row.generatable == "yes"
        }
        for path, written in leaves(self.old.resource(name)):
            text = expanded(written, self.old)
            if "${%s}" % parameter not in text or not self._is_read(name, path):
                continue
            place = ".".join(map(str, (name, *path)))
            if path not in after and path in own:
                managed.append(place)  # what else it would be, `Sources` says
                continue
            found = list(in_place_of(parameter, text, after.get(path, "")))
            if not found:
                yield f"{place} reads nothing where {parameter} was"
            for each in found:
                secret = self.new.secret_of(each.target)
                reference = Reference("${%s}" % secret if secret else each.secret, each.key)
                if path in generated:
                    credentials.add(reference)
                else:
                    others[place] = reference

    def _is_read(self, name: str, path: Path) -> bool:
        """Tell whether a text of the old template is one that has to read the password now."""
        written = self.old.type_of(name) == SECRET and path[:2] == ("Properties", "SecretString")
        return path[0] == "Properties" and self.new.exists(name) and not written

    # --- rotation -----------------------------------------------------------------------------

    def _rotated(self, name: str) -> Iterator[str]:
        """Yield what a new rotation would take from its readers: they hold a copy of old."""
        secret = self.new.secret_of(target_of(self.new.properties(name).get("SecretId")))
        if self.new.type_of(secret) != SECRET:
            yield f"{name} rotates what does not exist"
        if not any(of == secret for _, of, _ in self.new.attachments()):
            yield f"{name} rotates {secret}, which is attached to nothing"
        generated = self.new.properties(secret).get("GenerateSecretString")
        key = generated.get("GenerateStringKey") if isinstance(generated, dict) else None
        for reader in self.names:
            own = {each.path for each in self.new.held(reader) if each.row.generatable == "yes"}
            for path, text in leaves(self.new.properties(reader)):
                copies = (
                    self.new.secret_of(each.target) == secret and each.key == key
                    for each in references(text)
                )
                if path not in own and any(copies):
                    place = ".".join(map(str, (reader, "Properties", *path)))
                    yield f"{place} keeps a password that {name} exchanges"
