"""Entries of flow collections and of JSON added and removed, with their commas."""

from __future__ import annotations

import re

from .document import Node
from .edits import Edit
from .errors import EditError
from .layout import Layout

_BLANKS = re.compile(r"[ \t]+(?=[\r\n])")
_COMMA = re.compile(r",([ \t]*)(?=[\r\n])")


class Flow:
    """A collection in brackets. Raises EditError where it cannot be edited."""

    def __init__(self, layout: Layout, node: Node, comma: str = ", ") -> None:
        """`comma` separates entries where there are none yet to measure."""
        self.layout = layout
        self.comma = comma
        self.text = layout.text
        self.entries = layout.entries(node)
        self.open = layout.content(node) + 1
        self.close = node.end_mark.index - 1
        if self.text[self.open - 1 : self.open] not in ("{", "["):
            raise EditError("a mapping in a list stands without braces of its own")
        for entry in self.entries:
            if entry.key is not None and self.text[entry.head - 1] != ":":
                raise EditError(f"the key {entry.key} has no colon behind it")

    @property
    def margin(self) -> str | None:
        """The indentation of the entries' lines; None where they stand in one line."""
        if not self.entries:
            return None
        if not self._breaks(self.open, self.entries[0].start):
            return None
        start = self.entries[0].start
        margin = self.text[self.layout.line_start(start) : start]
        return margin if not margin.strip() else None

    def _breaks(self, start: int, end: int) -> int:
        return self.layout.lines_between(start, end)

    def _gap(self, left: int, right: int) -> tuple[int, int]:
        """Return the span between two entries; -1 and their count are the brackets."""
        start = self.entries[left].end if left >= 0 else self.open
        end = self.entries[right].start if right < len(self.entries) else self.close
        if "#" in self.text[start:end]:
            raise EditError("a comment stands between the brackets where an entry changes")
        return start, end

    def _refuse_comment_at_the_end(self, index: int) -> None:
        """Refuse an entry with a comment behind its last scalar: it could be anything's."""
        entry = self.entries[index]
        node = entry.node
        while node.id != "scalar" and node.value:
            node = node.value[-1][1] if node.id == "mapping" else node.value[-1]
        if "#" in self.text[max(node.end_mark.index, entry.start) : entry.end]:
            raise EditError("a comment stands between the brackets where an entry changes")

    def edits(self, removed: set[int], insertions: dict[int, list[str]], depth: int) -> list[Edit]:
        """Return the edits that remove entries, and insert rendered ones in front of others."""
        edits = []
        count = len(self.entries)
        place = 0
        while place <= count:
            until = place
            while until < count and until in removed:
                until += 1
            new = [part for at in range(place, until + 1) for part in insertions.get(at, ())]
            if until > place or new:
                edits.append(self._edit(place, until, new, depth))
            place = until + 1
        return edits

    def _edit(self, place: int, until: int, new: list[str], depth: int) -> Edit:
        count = len(self.entries)
        start, first_end = self._gap(place - 1, place)
        last_start, end = self._gap(until - 1, until)
        first = self.text[start:first_end]
        for index in range(place, until):
            self._refuse_comment_at_the_end(index)
            self._gap(index, index + 1)
        if new:
            body = self._separator().join(new)
            if until > place:
                return Edit(first_end, last_start, body, depth)
            if count == 0:
                return Edit(self.open, self.close, body, depth)
            if place == count:
                return Edit(start, start, self._separator() + body, depth)
            if place == 0:
                return Edit(end, end, body + self._separator(), depth)
            return Edit(end, end, body + first, depth)
        if place == 0 and until == count:
            return Edit(self.open, self.close, "", depth)
        if place == 0:
            return self._without(first_end, end, depth)
        if until == count:
            # Blanks that end a line go with its entry, and stay with an entry that stays.
            gone, stays = _BLANKS.match(self.text, last_start), _COMMA.match(self.text, start)
            if gone is None:
                return Edit(start, last_start, "", depth)
            return Edit(start, gone.end(), stays[1] if stays else "", depth)
        # Of the two gaps the one with more lines stays.
        if self._breaks(start, first_end) >= self._breaks(last_start, end):
            return self._without(first_end, end, depth)
        return Edit(start, last_start, "", depth)

    def _without(self, start: int, end: int, depth: int) -> Edit:
        """Remove entries from the start of the first up to the next, which keeps its indentation
        where both stand first on their lines."""
        lines = self.layout.line_start(start), self.layout.line_start(end)
        margins = self.text[lines[0] : start] + self.text[lines[1] : end]
        if margins.strip(" \t"):
            return Edit(start, end, "", depth)
        return Edit(*lines, "", depth)

    def _separator(self) -> str:
        """Return what stands between two entries, the comma included."""
        gaps = [self._gap(left, left + 1) for left in range(len(self.entries) - 1)]
        if gaps:
            texts = [self.text[start:end] for start, end in gaps]
            return max(texts, key=lambda gap: (texts.count(gap), -len(gap)))
        margin = self.margin
        if margin is not None:
            return "," + self.layout.newline(self.open) + margin
        return self.comma
