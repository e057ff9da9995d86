"""A change of a text, how several are carried out together, and what makes one text another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate, pairwise

from .errors import EditError

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


def between(old: str, new: str) -> list[Edit]:
    """Return the edits, of whole lines, that make the new text of the old one, in their order."""
    before, after = _LINE.findall(old), _LINE.findall(new)
    # What is alike at both ends is most of a file; the matcher need not look at it.
    head = _alike(before, after)
    tail = _alike(before[head:][::-1], after[head:][::-1])
    starts = [0, *accumulate(map(len, before))]
    inner = before[head : len(before) - tail], after[head : len(after) - tail]
    return [
        Edit(starts[head + first], starts[head + last], "".join(inner[1][start:end]))
        for kind, first, last, start, end in SequenceMatcher(None, *inner).get_opcodes()
        if kind != "equal"
    ]


def _alike(one: list[str], other: list[str]) -> int:
    """Return how many lines are the same from the start."""
    differing = (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differing, min(len(one), len(other)))
