"""Patterns for paths: `*` and `?` within a name, `**` for any number of folders.

Matched by keeping the set of places that the pattern may have come to: a pattern of a scanned
repository must not make a run hang, as one that backtracks would (`*a*a*a*a*b`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_PIECES = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")


def matches(pattern: str, path: str) -> bool:
    """Tell whether a pattern matches the whole of a relative path with `/` between its names."""
    places = {0}
    for piece in _PIECES.findall(pattern):
        places = {
            after for start in _starts(piece, path, places) for after in _after(piece, path, start)
        }
        if not places:
            return False
    return len(path) in places


def _starts(piece: str, path: str, places: set[int]) -> Iterable[int]:
    """Return the places to go on from, less those from which no more is reached than before."""
    if piece not in ("*", "**"):
        return places
    starts: list[int] = []
    for place in sorted(places):
        if not starts or (piece == "*" and "/" in path[starts[-1] : place]):
            starts.append(place)
    return starts


def _after(piece: str, path: str, place: int) -> Iterable[int]:
    """Return the places that a piece of a pattern leads to from one."""
    if piece == "**":
        return range(place, len(path) + 1)
    if piece == "**/":
        return [place, *(match.end() for match in re.compile("/").finditer(path, place))]
    if piece == "*":
        end = path.find("/", place)
        return range(place, (len(path) if end < 0 else end) + 1)
    if piece == "?":
        return [place + 1] if place < len(path) and path[place] != "/" else []
    return [place + len(piece)] if path.startswith(piece, place) else []
