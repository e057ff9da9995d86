"""What became of the lines of a text, in time that grows with the text and not with its changes.

`difflib` looks through all that is left of a text for every place that changed. Most lines of a
template stand in it once, and most of them stay: these part it into pieces, as in Bram Cohen's
patience diff (https://bramcohen.livejournal.com/73318.html); `difflib` is left what has none.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple


class Change(NamedTuple):
    """Lines `start` to `end` of the old text became lines `new_start` to `new_end` of the new."""

    start: int
    end: int
    new_start: int
    new_end: int


def changes(old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """Return what differs between two texts, in order; lines that stay stand between any two.

    What came or went could often stand some lines further up as well, and begin within the entry
    above it: what is alike above is taken first, so that an entry is shown as a whole.
    """
    merged: list[Change] = []
    for change in _differing(old, new):
        if merged and merged[-1].end == change.start and merged[-1].new_end == change.new_start:
            before = merged.pop()
            change = Change(before.start, change.end, before.new_start, change.new_end)
        merged.append(change)
    return merged


def _differing(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    """Yield what differs, in order; what follows right upon another may come apart from it."""
    waiting = [Change(0, len(old), 0, len(new))]
    while waiting:
        start, end, new_start, new_end = waiting.pop()
        while start < end and new_start < new_end and old[start] == new[new_start]:
            start, new_start = start + 1, new_start + 1
        if start == end and new_start == new_end:
            continue
        pieces = []
        for line, new_line in _staying(old, new, Change(start, end, new_start, new_end)):
            pieces.append(Change(start, line, new_start, new_line))
            start, new_start = line, new_line
        if pieces:
            waiting += Change(start, end, new_start, new_end), *reversed(pieces)
            continue
        while start < end and new_start < new_end and old[end - 1] == new[new_end - 1]:
            end, new_end = end - 1, new_end - 1
        matcher = SequenceMatcher(None, old[start:end], new[new_start:new_end])
        for kind, first, last, new_first, new_last in matcher.get_opcodes():
            if kind != "equal":
                rows = start + first, start + last
                yield Change(*rows, new_start + new_first, new_start + new_last)


def _staying(old: Sequence[str], new: Sequence[str], piece: Change) -> list[tuple[int, int]]:
    """Return the lines that stand once in a piece of either text, as many as keep their order."""
    theirs = _once(new, piece.new_start, piece.new_end)
    pairs = [
        (place, theirs[line])
        for line, place in _once(old, piece.start, piece.end).items()
        if line in theirs
    ]
    # The longest increasing row of places in the new text: `ends` are the lowest that a row of
    # each length may end in, `last` are the pairs that end there, `before` what precedes a pair.
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [place]
        last[length : length + 1] = [number]
    row = []
    number = last[-1] if last else -1
    while number >= 0:
        row.append(pairs[number])
        number = before[number]
    return row[::-1]


def _once(lines: Sequence[str], start: int, end: int) -> dict[str, int]:
    """Return where the lines stand that stand once between two places."""
    found: dict[str, int] = {}
    for place in range(start, end):
        found[lines[place]] = -1 if lines[place] in found else place
    return {line: place for line, place in found.items() if place >= 0}
