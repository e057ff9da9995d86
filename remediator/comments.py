"""Which entry of a template a comment speaks of, by where it stands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from .document import LINE_END, Document, Node, long_name
from .errors import EditError
from .layout import Entry, Layout
from .leaves import leaves
from .model import Path
from .untouched import comments as spans


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment outside of scalars: its text from the `#` on, and its line and column from 1.

    `entry` is the place in the data that it speaks of, `()` for the whole template, None for
    nothing: see `Comments`.
    """

    text: str
    line: int
    column: int
    entry: Path | None


class Comments:
    """The comments of a document with the entries that they speak of.

    A comment beside something speaks of the outermost entry that starts on its line; one on a
    line of its own of the entry that starts on the next line which is no comment, unless it is
    indented deeper than that; one above everything of the whole template.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self._layout = Layout(document)
        self._starts: dict[int, Sequence[int]] = {}
        self._below = 0  # the first line that is no comment, below those that were read

    @cached_property
    def all(self) -> tuple[Comment, ...]:
        """The comments in their order."""
        return tuple(self._read())

    def _read(self) -> Iterator[Comment]:
        row, text = leaves(self.document), self.document.text
        lines = [0, *(match.end() for match in LINE_END.finditer(text))]
        for start, end in spans(self.document, row):
            entry: Path | None = () if start < row[1].start else self._entry(start)
            line = bisect_right(lines, start)
            yield Comment(text[start:end], line, start - lines[line - 1] + 1, entry)

    def _entry(self, comment: int) -> Path | None:
        layout, text = self._layout, self.document.text
        if not layout.first_on_line(comment):
            return self.entry_on_line(comment)
        if comment >= self._below:
            place = layout.next_line(comment)
            while text[place : layout.line_end(place)].lstrip(" \t").startswith("#"):
                place = layout.next_line(place)
            self._below = place
        line = text[self._below : layout.line_end(self._below)]
        indent = len(line) - len(line.lstrip(" \t"))
        return self.entry_on_line(self._below) if layout.column(comment) <= indent else None

    def entry_on_line(self, place: int) -> Path | None:
        """Return the outermost entry that starts on the line of a character, None without one."""
        layout = self._layout
        first, last = layout.line_start(place), layout.line_end(place)
        node = self.document.root
        path: Path = ()
        while node.id != "scalar":
            name = long_name(node.tag)
            path = path if name is None else (*path, name)
            try:
                entries = layout.entries(node)
            except EditError:
                return None  # a list whose items cannot be told from one another in the text
            above = bisect_right(self._starts_of(node, entries), first - 1)
            if above < len(entries) and entries[above].start <= last:
                return (*path, _step(entries, above))
            if not above or entries[above - 1].alias or entries[above - 1].end < first:
                return None
            node, path = entries[above - 1].node, (*path, _step(entries, above - 1))
        return None

    def _starts_of(self, node: Node, entries: Sequence[Entry]) -> Sequence[int]:
        if id(node) not in self._starts:
            self._starts[id(node)] = [entry.start for entry in entries]
        return self._starts[id(node)]


def _step(entries: Sequence[Entry], index: int) -> str | int:
    key = entries[index].key
    return index if key is None else key
