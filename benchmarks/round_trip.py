"""Measure that editing gives back every byte: change and undo, over all templates of a folder.

    python benchmarks/round_trip.py FOLDER [--sample N]

For every template: each string is changed and changed back, each other leaf is replaced by
itself, and beside each entry of every mapping and list another is inserted and removed again.
First all of a template at once, then N of each kind on their own (5 by default, `--sample 0` for
none). The bytes must be what they were, or the edit refused with a reason. Exits 1 where any
byte differs.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from remediator import splice  # noqa: E402
from remediator.document import Document, Node  # noqa: E402
from remediator.errors import EditError, TemplateError  # noqa: E402
from remediator.model import (  # noqa: E402
    Add,
    Operation,
    Remove,
    Replace,
    Value,
    pointer,
)
from remediator.model import Path as Place  # noqa: E402
from remediator.style import is_plain  # noqa: E402

SUFFIXES = {".yaml", ".yml", ".json", ".template"}
NEW = "RemediatorRoundTrip"


@dataclass
class Counts:
    templates: int = 0
    unread: int = 0
    edits: Counter[str] = field(default_factory=Counter)
    identical: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    different: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Change:
    """Operations on the old text, and those on the new text that undo them."""

    there: Add | Replace
    back: Replace | Remove


def leaves(document: Document) -> Iterator[Change]:
    """Yield a change for every leaf."""
    for path, value in walk(document.data):
        node = node_of(document, path)
        if node is None:
            continue  # an argument of `!GetAtt A.B`, which is changed as a whole
        if node.tag == "!GetAtt" and isinstance(value, dict) and node.id == "scalar":
            resource, *rest = as_list(value["Fn::GetAtt"])
            other: Value = {"Fn::GetAtt": [f"{resource}x", *rest]} if rest else value
            yield Change(Replace(path, other), Replace(path, value))
        elif isinstance(value, dict | list) and value:
            continue
        # Not 2010-09-09 without quotes: a date, which a change makes a string. Nor what would be
        # quoted if it were new, because some readers take it for a number or a boolean.
        elif (
            isinstance(value, str)
            and (node.tag.startswith("!") or node.tag.endswith(":str"))
            and value.strip()
            and (node.style or "\n" in value or is_plain(value))
        ):
            end = len(value.rstrip())
            text = value[:end] + "x" + value[end:]
            yield Change(Replace(path, text), Replace(path, value))
        else:
            yield Change(Replace(path, value), Replace(path, value))


def as_list(value: Value) -> list[Value]:
    return value if isinstance(value, list) else [value]


def node_of(document: Document, path: Place) -> Node | None:
    try:
        return document.node(path)
    except KeyError:
        return None


def entries(document: Document, *, before: bool) -> Iterator[Change]:
    """Yield an insertion beside every entry, with its removal."""
    for parent, value in [((), document.data), *walk(document.data)]:
        if isinstance(value, dict) and not is_function(value):
            for key in value:
                path = (*parent, f"{NEW}{'Before' if before else 'After'}{len(key)}{key[:8]}")
                add = Add(path, "x", before=key) if before else Add(path, "x", after=key)
                yield Change(add, Remove(path))
        elif isinstance(value, list) and is_written_as_list(document, parent):
            for index in range(len(value)):
                path = (*parent, index if before else index + 1)
                yield Change(Add(path, NEW), Remove(path))


def is_written_as_list(document: Document, path: Place) -> bool:
    """Whether a list stands in the text: the arguments of `!GetAtt A.B` do not."""
    node = node_of(document, path)
    return node is not None and node.id == "sequence"


def is_function(value: dict[str, Value]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref", "Condition", "!"))


def walk(value: Value, path: Place = ()) -> Iterator[tuple[Place, Value]]:
    children: Sequence[tuple[str | int, Value]] = ()
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    for step, child in children:
        yield (*path, step), child
        yield from walk(child, (*path, step))


def round_trip(document: Document, changes: Sequence[Change]) -> str:
    """Return "identical", or how the text differs after all changes were made and undone.

    Raises EditError where they are refused.
    """
    there = [change.there for change in changes]
    changed = document.with_text(splice.apply(document, there))
    back = [undone(change, changes) for change in changes]
    text = splice.apply(changed, back)
    if text == document.text:
        return "identical"
    old, new = document.text.splitlines(), text.splitlines()
    for number, (one, other) in enumerate(zip(old, new, strict=False), 1):
        if one != other:
            return f"line {number}: {one!r} became {other!r}"
    return "line ends or last lines differ"


def undone(change: Change, changes: Sequence[Change]) -> Operation:
    """Return the operation that undoes a change, in the data that all changes made."""
    path = moved(change.back.path, changes)
    return Replace(path, change.back.value) if isinstance(change.back, Replace) else Remove(path)


def moved(path: Place, changes: Sequence[Change]) -> Place:
    indexes: dict[Place, list[int]] = {}
    for change in changes:
        step = change.there.path[-1]
        if isinstance(change.there, Add) and isinstance(step, int):
            indexes.setdefault(change.there.path[:-1], []).append(step)
    if not indexes:
        return path
    result: list[str | int] = []
    for length, step in enumerate(path):
        others = indexes.get(path[:length], ())
        if isinstance(step, int):
            last = length == len(path) - 1
            step += sum(other < step or (other == step and not last) for other in others)
        result.append(step)
    return tuple(result)


def measure(
    file: Path,
    document: Document,
    kind: str,
    changes: Sequence[Change],
    counts: Counts,
) -> None:
    """Make and undo changes together; where that fails, halve them until the guilty are found."""
    if not changes:
        return
    try:
        found = round_trip(document, changes)
    except EditError as error:
        if len(changes) == 1:
            counts.refused[reason(error.message)] += 1
            return
        found = "refused"
    except TemplateError as error:
        found = f"the new text cannot be read: {error.message}"
    if found == "identical":
        counts.identical[kind] += len(changes)
    elif len(changes) == 1:
        place = f"{file} {pointer(changes[0].there.path)} ({kind})"
        counts.different.append(f"{place}: {found}")
    else:
        middle = len(changes) // 2
        before = len(counts.different)
        measure(file, document, kind, changes[:middle], counts)
        measure(file, document, kind, changes[middle:], counts)
        if found != "refused" and len(counts.different) == before:
            counts.different.append(f"{file} {len(changes)} together ({kind}): {found}")


def reason(message: str) -> str:
    """Return a refusal without the names in it, for counting."""
    return re.sub(r"(?<=key )\S+", "…", re.sub(r"/\S+", "…", message))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, default=5, metavar="N")
    arguments = parser.parse_args()
    counts = Counts()
    started = time.perf_counter()
    kinds: dict[str, Callable[[Document], Iterator[Change]]] = {
        "leaves": leaves,
        "entries, before": lambda document: entries(document, before=True),
        "entries, after": lambda document: entries(document, before=False),
    }
    for file in sorted(arguments.folder.rglob("*")):
        if file.suffix not in SUFFIXES or not file.is_file():
            continue
        try:
            document = Document.decode(file.read_bytes(), str(file))
        except TemplateError:
            counts.unread += 1
            continue
        counts.templates += 1
        for kind, changes in kinds.items():
            all_changes = list(changes(document))
            counts.edits[kind] += len(all_changes)
            measure(file, document, kind, all_changes, counts)
            random.Random(len(document.text)).shuffle(all_changes)
            for change in all_changes[: arguments.sample]:
                counts.edits[f"{kind}, alone"] += 1
                measure(file, document, f"{kind}, alone", [change], counts)
    print(f"{counts.templates} templates, {counts.unread} other files", end=", ")
    print(f"{time.perf_counter() - started:.0f} s")
    for kind in sorted(counts.edits):
        print(f"{kind}: {counts.edits[kind]}, identical {counts.identical[kind]}")
    for words, count in counts.refused.most_common():
        print(f"refused {count}: {words}")
    for place in counts.different:
        print(f"DIFFERENT {place}")
    print(f"DIFFERENT: {len(counts.different)}")
    return 1 if counts.different or not counts.templates else 0


class _Plain(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description."""


if __name__ == "__main__":
    sys.exit(main())
