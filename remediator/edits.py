"""A change of a text, and how several are carried out together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from .errors import EditError


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters `start` to `end` of the old text become `text`.

    `depth` orders insertions at one point: what ends deeper in the tree stands first.
    """

    start: int
    end: int
    text: str
    depth: int = 0


def carry_out(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with all edits made. Raises EditError where they overlap."""
    ordered = sorted(edits, key=lambda edit: (edit.start, -edit.depth))
    for one, other in pairwise(ordered):
        if other.start < one.end:
            raise EditError("two changes touch the same text; make them one after the other")
    pieces: list[str] = []
    place = 0
    for edit in ordered:
        pieces += text[place : edit.start], edit.text
        place = edit.end
    return "".join([*pieces, text[place:]])
