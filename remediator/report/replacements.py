"""The difference of a file's texts as replacements of SARIF: regions by characters and by bytes.

Lines and columns do not count a BOM, bytes do, as section 3.30 of SARIF 2.1.0 has it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from ..results import FileResult
from .place import NEWLINES, Placed, utf16

_BOM = "\ufeff"


def replacements(file: FileResult) -> list[dict[str, Any]]:
    """Return what turns the old text of a file into the new one; none where it does not change."""
    placed = Placed(file)
    positions = _Positions(placed.old, bom=file.old.startswith(_BOM))
    return [
        {"deletedRegion": positions.region(start, end), "insertedContent": {"text": text}}
        for start, end, text in _edits(placed)
    ]


def _edits(placed: Placed) -> Iterator[tuple[int, int, str]]:
    """Yield characters of the old text, from and to, each with what takes their place."""
    old = "".join(placed.old)
    starts = [0, *accumulate(map(len, placed.old))]
    for change in placed.changes:
        text = "".join(placed.new[change.new_start : change.new_end])
        yield _inside(old, starts[change.start], starts[change.end], text)


def _inside(old: str, start: int, end: int, text: str) -> tuple[int, int, str]:
    """Return an edit at the end of a text so that the last line end stays untouched.

    What stands behind it is no line to some editors, which would put the edit elsewhere.
    """
    newline = next((each for each in NEWLINES if old.endswith(each)), "")
    if end < len(old) or not newline:
        return start, end, text
    if text.endswith(newline):
        body = text.removesuffix(newline)
        back = len(newline)
        return (start - back, end - back, newline + body) if start == end else (
            start, end - back, body)  # fmt: skip
    if not text and old[:start].endswith(newline):
        return start - len(newline), end - len(newline), ""
    return start, end, text


class _Positions:
    """Where the characters of a text stand, by line and column and by byte."""

    def __init__(self, lines: Sequence[str], *, bom: bool) -> None:
        self._lines = lines
        self._starts = [0, *accumulate(map(len, lines))][: max(len(lines), 1)]
        self._first_byte = len(_BOM.encode()) if bom else 0
        self._bytes = [0, *accumulate(len(line.encode()) for line in lines)]

    def region(self, start: int, end: int) -> dict[str, int]:
        """Return the region of these characters, from and to."""
        line, column, first = self._at(start)
        end_line, end_column, last = self._at(end)
        return {
            "startLine": line,
            "startColumn": column,
            "endLine": end_line,
            "endColumn": end_column,
            "byteOffset": first,
            "byteLength": last - first,
        }

    def _at(self, index: int) -> tuple[int, int, int]:
        line = bisect_right(self._starts, index) - 1
        before = self._lines[line][: index - self._starts[line]] if self._lines else ""
        byte = self._first_byte + self._bytes[line] + len(before.encode())
        return line + 1, utf16(before) + 1, byte
