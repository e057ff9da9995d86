"""The text of a document as a row of *leaves*: keys, scalars, empty collections."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from .document import Node, Text, long_name
from .model import Add, Operation, Path, Remove, pointer


class Kind(StrEnum):
    """What a leaf is."""

    KEY = "key"
    SCALAR = "scalar"
    BLOCK = "block scalar"
    EMPTY = "empty collection"
    START = "start of the text"
    END = "end of the text"


class Leaf(NamedTuple):
    """A key, a scalar or an empty collection of a text, from `start` to `end`.

    `path` is its place in the *new* data, None where an operation removes or rewrites it. The
    start and the end of a text are leaves without extent too.
    """

    path: Path | None
    kind: Kind
    start: int
    end: int
    rewritten: bool = False
    """Whether it is a value as a whole that an operation replaces."""

    @property
    def identity(self) -> tuple[Path | None, Kind | None]:
        """What makes it the same leaf in the other text."""
        position = self.kind if self.kind in (Kind.KEY, Kind.START, Kind.END) else None
        return self.path, position

    def words(self) -> str:
        """Return what to call it in a message."""
        if self.kind in (Kind.START, Kind.END):
            return f"the {self.kind}"
        return f"{'the key' if self.kind is Kind.KEY else 'the value'} {pointer(self.path or ())}"


@dataclass
class Changes:
    """The operations of a plan, by the container whose entries they change."""

    operations: Sequence[Operation]
    gone: dict[Path, set[str | int]] = field(default_factory=lambda: defaultdict(set))
    rewritten: set[Path] = field(default_factory=set)
    added: dict[Path, list[str | int]] = field(default_factory=lambda: defaultdict(list))
    above: set[Path] = field(default_factory=set)
    """The places that have an operation somewhere below them."""
    _sorted: dict[Path, tuple[list[int], list[int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for operation in self.operations:
            parent, step = operation.path[:-1], operation.path[-1]
            if isinstance(operation, Add):
                self.added[parent].append(step)
            elif isinstance(operation, Remove):
                self.gone[parent].add(step)
            else:
                self.rewritten.add(operation.path)
            self.above.update(operation.path[:length] for length in range(len(operation.path)))

    def moved(self, parent: Path, step: str | int) -> str | int | None:
        """Return the step that an entry of the old data has in the new; None where it goes."""
        if step in self.gone.get(parent, ()):
            return None
        if isinstance(step, str):
            return step
        gained, lost = self._indexes(parent)
        return step + bisect_right(gained, step) - bisect_left(lost, step)

    def _indexes(self, parent: Path) -> tuple[list[int], list[int]]:
        """Return where a list gains and loses entries, in order: once for all that it holds."""
        if parent not in self._sorted:
            gained, lost = self.added.get(parent, ()), self.gone.get(parent, ())
            self._sorted[parent] = sorted(map(int, gained)), sorted(map(int, lost))
        return self._sorted[parent]

    def new_path(self, path: Path) -> Path | None:
        """Return the place in the new data of an entry of the old; None where it goes."""
        moved: list[str | int] = []
        for length, step in enumerate(path):
            following = self.moved(path[:length], step)
            if following is None:
                return None
            moved.append(following)
        return tuple(moved)


def leaves(document: Text, changes: Changes | None = None) -> tuple[Leaf, ...]:
    """Return the leaves of a text in its order; of the old text where `changes` are given."""
    found = [Leaf((), Kind.START, 0, 0)]
    _gather(document.root, (), (), changes or Changes(()), set(), found)
    end = len(document.text)
    found.append(Leaf((), Kind.END, end, end))
    return tuple(_without_blank_lines(document.text, leaf) for leaf in found)


def _without_blank_lines(text: str, leaf: Leaf) -> Leaf:
    """Return a block scalar without the blank lines below it, which are no part of its value.

    libyaml counts them in; only `|+` and `>+` keep them.
    """
    if leaf.kind is not Kind.BLOCK:
        return leaf
    raw = text[leaf.start : leaf.end]
    if "+" in raw.split("\n", 1)[0]:
        return leaf
    return leaf._replace(end=leaf.start + len(raw.rstrip()))


def _gather(
    node: Node, old: Path, new: Path | None, changes: Changes, seen: set[int], found: list[Leaf]
) -> None:
    """Put the leaves below a node, at `old` in its own data and at `new` after the changes, into
    a list."""
    if id(node) in seen:
        return  # an alias: its node is the anchor's, and its own text lies between other leaves
    seen.add(id(node))
    whole = old
    if old in changes.rewritten:
        new = None
    name = long_name(node.tag)
    if name is not None:
        old = (*old, name)
        new = None if new is None or old in changes.rewritten else (*new, name)
    if node.id == "scalar" or not node.value:
        place = None if old in changes.above else new
        rewritten = old in changes.rewritten or whole in changes.rewritten
        found.append(
            Leaf(place, _kind(node), node.start_mark.index, node.end_mark.index, rewritten)
        )
    elif node.id == "mapping":
        for key, value in node.value:
            place = _entry(old, new, key.value, changes)
            found.append(Leaf(place, Kind.KEY, key.start_mark.index, key.end_mark.index))
            _gather(value, (*old, key.value), place, changes, seen, found)
    else:
        for index, value in enumerate(node.value):
            place = _entry(old, new, index, changes)
            _gather(value, (*old, index), place, changes, seen, found)


def _entry(old: Path, new: Path | None, step: str | int, changes: Changes) -> Path | None:
    moved = changes.moved(old, step)
    return None if new is None or moved is None else (*new, moved)


def _kind(node: Node) -> Kind:
    if node.id != "scalar":
        return Kind.EMPTY
    return Kind.BLOCK if node.style in ("|", ">") else Kind.SCALAR
