"""A change of a text, how several are carried out together, and what makes one text another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise

from .errors import EditError
from .lines import changes

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters `start` to `end` of the old text become `text`.

    `depth` orders insertions at one point: what ends deeper in the tree stands first.
    """

    start: int
    end: int
    text: str
    depth: int = 0

    def growth(self, old: str) -> int:
        """Return by how many bytes it makes the old text longer."""
        return len(self.text.encode()) - len(old[self.start : self.end].encode())


def in_order(edits: Iterable[Edit]) -> list[Edit]:
    """Return edits in the order of the text. Raises EditError where they overlap."""
    ordered = sorted(edits, key=lambda edit: (edit.start, -edit.depth))
    for one, other in pairwise(ordered):
        if other.start < one.end:
            raise EditError("two changes touch the same text; make them one after the other")
    return ordered


def carry_out(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with all edits made. Raises EditError where they overlap."""
    pieces: list[str] = []
    place = 0
    for edit in in_order(edits):
        pieces += text[place : edit.start], edit.text
        place = edit.end
    return "".join([*pieces, text[place:]])


def between(old: str, new: str) -> list[Edit]:
    """Return the edits, of whole lines, that make the new text of the old one, in their order."""
    before, after = _LINE.findall(old), _LINE.findall(new)
    starts = [0, *accumulate(map(len, before))]
    return [
        Edit(
            starts[change.start],
            starts[change.end],
            "".join(after[change.new_start : change.new_end]),
        )
        for change in changes(before, after)
    ]
