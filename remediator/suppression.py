"""What a template says is to stay as it is: comments, and `Metadata.remediator`.

    # remediator: ignore[password-parameters] the auditors type this one
    Metadata:
      remediator:
        ignore:
          - transform: password-parameters
            reason: the auditors type this one

A comment holds for the entry that it speaks of (see `comments`) and all that is in it, `Metadata`
of a resource for the resource, that of the template for all of it, or for one `entry` that is named
by its JSON Pointer. Several ids stand in a list, `*` is all of them. A finding is suppressed where
it lies in such an entry, or where its repair would change something there: a repair is made whole
or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from .candidates import Found, Left
from .document import Document
from .model import CALLERS, Add, Finding, Operation, Path, Refusal, Remove, Replace, Value, pointer
from .template import section_of

NAME = "suppression"
"""What stands in the place of a transform in findings on suppressions themselves."""
SUPPRESSED = "suppressed"
_ALL = "*"
_KEYS = {"transform", "reason", "entry"}
_MARK = re.compile(r"""remediator["']?[ \t]*:""")
# Compiled where a text is marked, as few are.
_IN_COMMENT = r"#[^\n\r]*remediator[ \t]*:[ \t]*ignore"
_COMMENT = r"(?s)#+[ \t]*remediator[ \t]*:[ \t]*ignore\b(?P<rest>.*)"
_REST = r"(?s)[ \t]*\[(?P<ids>[^\[\]]*)\](?P<reason>.*)"


def is_marked(text: str) -> bool:
    """Tell whether a text may hold a suppression; where it does not, there is none."""
    return _MARK.search(text) is not None


class _Suppression(NamedTuple):
    """One suppression: the entry that it holds for (None: none that is there), the ids, the reason.

    `path` and `place` (line and column) are where it stands itself; `fault` says what is wrong
    with the way it is written.
    """

    entry: Path | None
    ids: tuple[str, ...]
    reason: str
    path: Path
    place: tuple[int, int]
    fault: str = ""

    def covers(self, found: Found) -> bool:
        """Tell whether a finding is suppressed."""
        named = not self.fault and (found.transform in self.ids or _ALL in self.ids)
        return named and self.entry is not None and _concerns(found.finding, self.entry)

    def may_cover(self, found: Found, known: Set[str]) -> bool:
        """Tell whether a finding would be suppressed if this said what it seems to mean."""
        if self.entry is None and not self.fault:
            return found.transform in self.ids or _ALL in self.ids
        unclear = self.fault or not known >= set(self.ids)
        return bool(unclear) and _concerns(found.finding, self.entry or ())


class _Entries:
    """Suppressions by the entries that they hold for: there may be thousands, of findings too."""

    def __init__(self, suppressions: Sequence[_Suppression]) -> None:
        self._all = suppressions
        self._at: dict[Path, set[int]] = {}
        self._within: dict[Path, set[int]] = {}
        self._nowhere: set[int] = set()
        for number, one in enumerate(suppressions):
            if one.entry is None:
                self._nowhere.add(number)
                continue
            self._at.setdefault(one.entry, set()).add(number)
            for place in _upwards(one.entry):
                self._within.setdefault(place, set()).add(number)

    def around(self, finding: Finding) -> list[_Suppression]:
        """Return, in their order, those that may concern a finding, and those of no entry."""
        operations = finding.fix.operations if finding.fix else ()
        numbers = set(self._nowhere)
        for path in (finding.path, *(operation.path for operation in operations)):
            numbers.update(*(self._at.get(place, ()) for place in _upwards(path)))
        for operation in operations:
            if not isinstance(operation, Add):
                numbers |= self._within.get(operation.path, set())
        return [self._all[number] for number in sorted(numbers)]


def _upwards(path: Path) -> Iterator[Path]:
    """Yield a path and those that lead to it."""
    return (path[:length] for length in range(len(path) + 1))


class Parted(NamedTuple):
    """Findings by what suppressions make of them.

    `found` are those that no suppression concerns, `suppressed` with the reason given, `left` those
    that have to be left because of another, and what is wrong with the suppressions themselves.
    """

    found: tuple[Found, ...]
    suppressed: tuple[Left, ...] = ()
    left: tuple[Left, ...] = ()


def part(document: Document, found: Sequence[Found], ran: Set[str], known: Set[str]) -> Parted:
    """Part what transforms found by the suppressions of the document.

    `ran` are the ids of the transforms that looked, `known` those of all there are: whether one
    that did not look would have found something cannot be said.
    """
    if not is_marked(document.text):
        return Parted(tuple(found))
    known = {*known, *ran, _ALL}
    suppressions = (*_in_comments(document), *_in_metadata(document))
    entries = _Entries(suppressions)
    used: set[tuple[int, str]] = set()
    free: list[Found] = []
    suppressed: list[Left] = []
    left: list[Left] = []
    for each in found:
        around = entries.around(each.finding)
        covering = [one for one in around if one.covers(each)]
        used |= {(id(one), name) for one in covering for name in (each.transform, _ALL)}
        if covering:
            reason = next((one.reason for one in covering if one.reason), "no reason is given")
            suppressed.append((each, Refusal(SUPPRESSED, reason)))
        elif doubtful := next((one for one in around if one.may_cover(each, known)), None):
            reason = f"the suppression in line {doubtful.place[0]} may mean this: put that right"
            left.append((each, Refusal("suppression-unclear", reason)))
        else:
            free.append(each)
    free, held = _apart_from(free, suppressed)
    faults = [each for one in suppressions for each in _faults(one, used, ran, known)]
    faults.sort(key=lambda fault: fault[0].place or (0, 0))
    return Parted(tuple(free), tuple(suppressed), (*held, *left, *faults))


def _apart_from(
    found: Sequence[Found], suppressed: Sequence[Left]
) -> tuple[list[Found], list[Left]]:
    """Part the findings whose repair would take away or rewrite what is suppressed."""
    first: dict[Path, int] = {}  # the first suppressed finding in an entry
    for number, (other, _) in enumerate(suppressed):
        for place in _upwards(other.finding.path):
            first.setdefault(place, number)
    free: list[Found] = []
    held: list[Left] = []
    for each in found:
        guarded = [
            first[operation.path]
            for operation in (each.finding.fix.operations if each.finding.fix else ())
            if isinstance(operation, Remove | Replace) and operation.path in first
        ]
        if guarded:
            place = suppressed[min(guarded)][0].finding.path
            reason = f"the repair would change {pointer(place)}, where a finding is suppressed"
            held.append((each, Refusal("suppressed-within", reason)))
        else:
            free.append(each)
    return free, held


def _concerns(finding: Finding, entry: Path) -> bool:
    """Tell whether a finding lies in an entry, or its repair would change something there."""
    operations = finding.fix.operations if finding.fix else ()
    return _below(finding.path, entry) or any(_changes(each, entry) for each in operations)


def _changes(operation: Operation, entry: Path) -> bool:
    if _below(operation.path, entry):
        return True
    return not isinstance(operation, Add) and _below(entry, operation.path)


def _below(path: Path, entry: Path) -> bool:
    return path[: len(entry)] == entry


# --- what is wrong with a suppression --------------------------------------------------------


def _faults(
    suppression: _Suppression, used: Set[tuple[int, str]], ran: Set[str], known: Set[str]
) -> Iterator[Left]:
    if suppression.fault:
        refusal = Refusal("suppression-malformed", suppression.fault)
        yield _told(suppression, "a suppression that cannot be read", refusal)
        return
    if not suppression.reason:
        message = f"ignore[{', '.join(suppression.ids)}] gives no reason"
        reason = "write behind it why this is to stay as it is"
        yield _told(suppression, message, Refusal("suppression-without-reason", reason))
    for name in suppression.ids:
        if name not in known:
            names = ", ".join(sorted(known - {_ALL}))
            refusal = Refusal("suppression-unknown", f"the transforms are {names}")
            yield _told(suppression, f"ignore[{name}] names no transform", refusal)
        elif name == CALLERS:
            continue  # whether there is something to be kept, other files decide
        elif (id(suppression), name) not in used and _all_ran(name, ran, known):
            refusal = Refusal("suppression-unused", _nothing(suppression, name))
            yield _told(suppression, f"ignore[{name}] suppresses nothing", refusal)


def _all_ran(name: str, ran: Set[str], known: Set[str]) -> bool:
    return name in ran or (name == _ALL and ran >= known - {_ALL})


def _nothing(suppression: _Suppression, name: str) -> str:
    if suppression.entry is None:
        return "it speaks of no entry that is there: remove it, or put it right above one"
    found = "nothing" if name == _ALL else f"nothing that {name} repairs"
    place = pointer(suppression.entry) or "the template"
    return f"{found} is found in {place}: remove it, or put it where a report says"


def _told(suppression: _Suppression, message: str, refusal: Refusal) -> Left:
    finding = Finding(suppression.path, message, refusal=refusal)
    return Found(NAME, finding, suppression.place), refusal


# --- reading ---------------------------------------------------------------------------------


def _in_comments(document: Document) -> Iterator[_Suppression]:
    if not re.search(_IN_COMMENT, document.text):
        return
    from .comments import Comments

    for comment in Comments(document).all:
        match = re.fullmatch(_COMMENT, comment.text.rstrip())
        if match is None:
            continue
        rest = re.fullmatch(_REST, match["rest"])
        ids = _ids(rest["ids"].split(",")) if rest else ()
        reason = rest["reason"].strip(" \t:-–—") if rest else ""
        fault = "" if ids else "write `# remediator: ignore[<transform>] <reason>`"
        place = (comment.line, comment.column)
        yield _Suppression(comment.entry, ids, reason, comment.entry or (), place, fault)


def _in_metadata(document: Document) -> Iterator[_Suppression]:
    resources = _resources(section_of(document.data, "Resources"), ("Resources",))
    for owner, content in ((), document.data), *resources:
        own = section_of(content, "Metadata").get("remediator")
        if own is None:
            continue
        path = (*owner, "Metadata", "remediator")
        entries = own.get("ignore") if isinstance(own, dict) and own.keys() == {"ignore"} else None
        if isinstance(entries, list):
            for index, entry in enumerate(entries):
                yield _entry(document, owner, (*path, "ignore", index), entry)
        else:
            fault = "Metadata.remediator has one key, `ignore`, with a list below it"
            yield _Suppression(owner, (), "", path, document.place(path), fault)


def _resources(
    section: Mapping[str, Value], path: Path
) -> Iterator[tuple[Path, Mapping[str, Value]]]:
    """Yield the resources of a section, those that a loop makes too, with their places."""
    for name, content in section.items():
        if isinstance(content, dict):
            yield (*path, name), content
        elif isinstance(content, list) and name.startswith("Fn::ForEach"):
            for index, body in enumerate(content):
                if isinstance(body, dict):
                    yield from _resources(body, (*path, name, index))


def _entry(document: Document, owner: Path, path: Path, entry: Value) -> _Suppression:
    """Return the suppression that an item of `ignore` is."""
    given = entry if isinstance(entry, dict) else {}
    named = given.get("transform")
    ids = _ids(named if isinstance(named, list) else [named])
    reason, target = (given.get(key, "") for key in ("reason", "entry"))
    fault = ""
    if not isinstance(reason, str) or not isinstance(target, str) or not given.keys() <= _KEYS:
        reason = target = ""
        fault = "an item has `transform` (an id or a list of them), `reason` and maybe `entry`"
    elif not ids:
        fault = "`transform` is an id or a list of them"
    elif target and owner:
        fault = "`entry` stands in the Metadata of the template only"
    holds = _resolved(document.data, target) if target and not owner else owner
    return _Suppression(holds, ids, reason.strip(), path, document.place(path), fault)


def _ids(names: Sequence[Value]) -> tuple[str, ...]:
    """Return the ids of a list, each once; none where something else is among them."""
    if not all(isinstance(name, str) and name.strip() for name in names):
        return ()
    return tuple(dict.fromkeys(str(name).strip() for name in names))


def _resolved(data: Value, target: str) -> Path | None:
    """Return the path that a JSON Pointer names in the data; None where it names nothing."""
    if not target.startswith("/"):
        return None
    path: Path = ()
    for escaped in target[1:].split("/"):
        step = escaped.replace("~1", "/").replace("~0", "~")
        if isinstance(data, dict) and step in data:
            data, path = data[step], (*path, step)
        elif isinstance(data, list) and step.isascii() and step.isdigit() and int(step) < len(data):
            data, path = data[int(step)], (*path, int(step))
        else:
            return None
    return path
