"""Which entry of a template a comment speaks of, by where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .document import Document, long_name
from .errors import EditError
from .layout import Layout
from .model import Path
from .untouched import comments as spans
from .untouched import leaves


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

    @cached_property
    def all(self) -> tuple[Comment, ...]:
        """The comments in their order."""
        return tuple(self._read())

    def _read(self) -> Iterator[Comment]:
        row = leaves(self.document)
        for start, end in spans(self.document, row):
            entry: Path | None = () if start < row[1].start else self._entry(start)
            line, column = self.document.position(start)
            yield Comment(self.document.text[start:end], line, column, entry)

    def _entry(self, comment: int) -> Path | None:
        layout, text = self._layout, self.document.text
        if not layout.first_on_line(comment):
            return self.entry_on_line(comment)
        place = layout.next_line(comment)
        while text[place : layout.line_end(place)].lstrip(" \t").startswith("#"):
            place = layout.next_line(place)
        line = text[place : layout.line_end(place)]
        indent = len(line) - len(line.lstrip(" \t"))
        return self.entry_on_line(place) if layout.column(comment) <= indent else None

    def entry_on_line(self, place: int) -> Path | None:
        """Return the outermost entry that starts on the line of a character, None without one."""
        layout = self._layout
        first, last = layout.line_start(place), layout.line_end(place)
        node = self.document.root
        path: Path = ()
        while node.id != "scalar":
            name = long_name(node.tag)
            path = path if name is None else (*path, name)
            around = None
            try:
                entries = layout.entries(node)
            except EditError:
                return None  # a list whose items cannot be told from one another in the text
            for index, entry in enumerate(entries):
                if entry.start > last:
                    break
                step = index if entry.key is None else entry.key
                if entry.start >= first:
                    return (*path, step)
                around = (entry, step)
            if around is None or around[0].alias or around[0].end < first:
                return None
            node, path = around[0].node, (*path, around[1])
        return None
