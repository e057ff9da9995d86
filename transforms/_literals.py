"""Passwords that are written out: in a credential property, within a function, in a mapping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from remediator.conditions import literal
from remediator.model import (
    Operation,
    Path,
    Refusal,
    Remove,
    Value,
    is_telling,
    pointer,
    value_at,
)
from remediator.template import Kind, Reference, Template, references, sub_variables, walk

from ._databases import misplaced
from ._placeholders import filled_in
from ._secrets import NO_VALUE, flattened
from ._slots import Slot
from ._uses import MOST, NAMES_PASSWORD, Role, Use, external_refusal, logs_in


@dataclass(slots=True, eq=False, repr=False)
class Written:
    """One password that is written out, and where.

    `texts` are what no report may show: one text, or all that a mapping may give. `mapping` is the
    map and the key below it that the password comes from. `refusal` says why it is not known what
    the password is.
    """

    texts: tuple[str, ...]
    mapping: tuple[str, str] | None = None
    refusal: Refusal | None = None
    places: list[tuple[Path, Slot]] = field(default_factory=list)
    pieces: tuple[str, ...] = ()
    """What a function puts the password together from, for no report to show either."""

    @property
    def masked(self) -> tuple[str, ...]:
        """All that no report may show."""
        return (*self.texts, *self.pieces)

    @property
    def labels(self) -> str:
        """The credential properties that have it, as a person names them."""
        return ", ".join(dict.fromkeys(slot.label for _, slot in self.places))

    def uses(self, template: Template) -> tuple[Use, ...]:
        """Return the places as uses of one password."""
        return tuple(
            Use(
                Reference(path, "", Kind.REF),
                Role.CREDENTIAL if slot.credential.generatable == "yes" else Role.EXTERNAL,
                template.presence(path),
                slot,
            )
            for path, slot in self.places
        )


def written_out(template: Template, all_slots: Iterable[Slot]) -> tuple[Written, ...]:
    """Return every password that is written out in one of these properties, each once."""
    found: dict[object, Written] = {}
    for slot in all_slots:
        if slot.credential.generatable == "no":
            continue
        for path, value in branches(value_at(template.document.data, slot.path), slot.path):
            written = _written(template, value)
            if written is not None:
                key = path if written.refusal else written.mapping or written.texts
                same = found.setdefault(key, written)
                same.places.append((path, slot))
                same.pieces = tuple(dict.fromkeys((*same.pieces, *written.pieces)))
    return tuple(found.values())


def branches(value: Value, path: Path) -> Iterator[tuple[Path, Value]]:
    """Yield what a property may be, in any branch of `Fn::If`, with its path."""
    both = value.get("Fn::If") if isinstance(value, dict) else None
    if isinstance(both, list):
        for index, branch in list(enumerate(both))[1:]:
            yield from branches(branch, (*path, "Fn::If", index))
    else:
        yield path, value


_FROM_ELSEWHERE = {"Fn::ImportValue", "Fn::GetStackOutput", "Fn::Transform"}


def _written(template: Template, value: Value) -> Written | None:
    """Return the password that a value writes out; None where it does not."""
    text = literal(value)
    if text is not None:
        plain = text.strip("*") and not isinstance(value, bool) and "{{resolve:" not in text
        return Written((text,), refusal=filled_in(text)) if plain else None
    if not isinstance(value, dict) or len(value) != 1 or value == NO_VALUE:
        return None
    inner = [each for _, each in walk(value)]
    functions = {key for each in inner if isinstance(each, dict) for key in each}
    if functions & _FROM_ELSEWHERE or any("{{resolve:" in str(each) for each in inner):
        return None
    [(function, argument)] = value.items()
    if function == "Fn::FindInMap":
        return _from_mapping(template, argument)
    named = {r.target for r in references({"": value}) if r.kind is not Kind.CONDITION}
    if any(not name.startswith("AWS::") for name in named):
        return None  # what depends on nothing but the stack's own name is as good as written out
    text = flattened(value)
    texts = tuple(each for item in inner if (each := literal(item)) and len(each) > 1)
    if text and "\0" not in text and not sub_variables(text):
        return Written((text.replace("${!", "${"),), pieces=texts)
    reason = f"put a String parameter with NoEcho in place of {function}: it becomes a secret"
    return Written(texts, refusal=Refusal("composed-credential", reason))


def _from_mapping(template: Template, argument: Value) -> Written | None:
    if not isinstance(argument, list) or len(argument) != 3:
        return None
    name, key = literal(argument[0]), literal(argument[2])
    texts = tuple(
        text
        for path, each in walk(template.data.get("Mappings"))
        if path[:1] == (name,) and path[2:3] == (key,) and (text := literal(each))
    )
    if name is None or key is None or not texts or any("{{resolve:" in text for text in texts):
        return None
    refused = next(filter(None, map(filled_in, texts)), None)
    return Written(texts, mapping=(name, key), refusal=refused)


def mapping_removals(template: Template, mapping: tuple[str, str]) -> list[Operation]:
    """Return what takes a key out of a mapping; nothing where another lookup may need it."""
    name, key = mapping
    lookups = [
        value["Fn::FindInMap"]
        for _, value in walk(template.document.data)
        if isinstance(value, dict) and "Fn::FindInMap" in value
    ]
    for lookup in lookups:
        if not isinstance(lookup, list) or len(lookup) < 3 or literal(lookup[0]) is None:
            return []
        if literal(lookup[0]) == name and literal(lookup[2]) is None:
            return []
    maps = template.data.get("Mappings")
    entries = maps.get(name) if isinstance(maps, dict) else None
    if not isinstance(entries, dict):
        return []
    return [
        Remove(("Mappings", name, top, key))
        for top, entry in entries.items()
        if isinstance(entry, dict) and key in entry
    ]


_TELLING = 6  # characters from which on the same text elsewhere is taken for the same password


def slot_refusal(template: Template, written: Written) -> Refusal | None:
    """Return why no generated password can take the place of one that is written out."""
    if len(written.places) > MOST:
        reason = f"{len(written.places)} places have it, and CloudFormation takes 60 references"
        return Refusal("too-many-references", reason)
    for path, slot in written.places:
        refused = misplaced(template, slot)
        if refused is not None:
            return refused
        external = slot.credential.generatable == "external"
        if external and not logs_in(template, slot, template.presence(path)):
            return external_refusal(slot)
    return written.refusal or _different_entries(template, written)


def _different_entries(template: Template, written: Written) -> Refusal | None:
    """Return why what several log in with to servers outside the stack may be several passwords:
    they look it up in different entries of a mapping."""
    if any(slot.credential.generatable == "yes" for _, slot in written.places):
        return None  # it belongs to databases, each of which gets a secret
    lookups = [value_at(template.document.data, path) for path, _ in written.places]
    if written.mapping is None or all(lookup == lookups[0] for lookup in lookups):
        return None
    reason = f"{written.labels} look it up in different entries, which may be different passwords"
    return Refusal("which-server", reason)


def used_elsewhere(
    template: Template, written: Written, holders: frozenset[Path] = frozenset()
) -> Refusal | None:
    """Return why a password that is written out may be needed at another place.

    `holders` are the hand-made secrets' texts that hold it and are converted with it.
    """
    own_places = {*holders, *(path for path, _ in written.places)}
    for path, value in walk(template.document.data):
        own = any(path[:length] in own_places for length in range(len(path) + 1))
        if not own and written.mapping is not None and _looks_up(value, written.mapping):
            return Refusal("literal-used-elsewhere", f"{pointer(path)} looks up the same password")
        if not own and not _is_mapped(path, written) and _stands_in(written.texts, path, value):
            return Refusal(
                "literal-used-elsewhere",
                f"the same text stands at {pointer(path)}, where it may be the same password",
            )
    return None


def _looks_up(value: Value, mapping: tuple[str, str]) -> bool:
    """Tell whether a value is a lookup of a key of a mapping."""
    lookup = value.get("Fn::FindInMap") if isinstance(value, dict) else None
    return (
        isinstance(lookup, list)
        and len(lookup) >= 3
        and (literal(lookup[0]), literal(lookup[2])) == mapping
    )


def _is_mapped(path: Path, written: Written) -> bool:
    return (
        written.mapping is not None
        and path[:2] == ("Mappings", written.mapping[0])
        and path[3:4] == (written.mapping[1],)
    )


def _stands_in(texts: tuple[str, ...], path: Path, value: Value) -> bool:
    """Tell whether a value holds one of the texts; a word of any template only where a password
    may be meant."""
    if not isinstance(value, str):
        return False
    if NAMES_PASSWORD.search(str(path[-1] if path else "")) and value in texts:
        return True
    return any(len(text) >= _TELLING and is_telling(text) and text in value for text in texts)
