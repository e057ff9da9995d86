"""Where a finding stands in the file as it is committed: the text before the repairs.

The result of a run places what is left in the new text. A reader of annotations looks at the
commit that was checked, so these places are carried back by the difference of the texts.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..lines import Change, changes
from ..results import FileResult, Outcome, Status

NEWLINES = ("\r\n", "\n", "\r")
"""What ends a line in a place of ours, as editors have it."""
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_BOM = "\ufeff"


def path_of(file: FileResult) -> str:
    """Return a file's path from the root of its repository, with slashes."""
    return (file.diff_path or file.path).removeprefix("./")


@dataclass(frozen=True)
class Placed:
    """A file's two texts without a BOM, by lines."""

    file: FileResult

    @cached_property
    def old(self) -> Sequence[str]:
        """The lines of the old text, with their ends."""
        return _LINE.findall(self.file.old.removeprefix(_BOM))

    @cached_property
    def new(self) -> Sequence[str]:
        """The lines of the new text, with their ends."""
        return _LINE.findall(self.file.new.removeprefix(_BOM))

    @cached_property
    def changes(self) -> Sequence[Change]:
        """What became of the old lines, in their order."""
        return () if self.file.old == self.file.new else changes(self.old, self.new)

    def of(self, outcome: Outcome) -> tuple[int, int]:
        """Return line and column, from 1, of an outcome in the old text."""
        if outcome.status is not Status.LEFT:
            return outcome.line, outcome.column
        above = bisect_left(self.changes, outcome.line, key=lambda change: change.new_start)
        if above == 0:
            return outcome.line, outcome.column
        change = self.changes[above - 1]
        if outcome.line <= change.new_end:
            return min(change.start + 1, max(len(self.old), 1)), 1
        return outcome.line - change.new_end + change.end, outcome.column

    def utf16_column(self, line: int, column: int) -> int:
        """Return a column of the old text in UTF-16 code units, as SARIF counts them."""
        before = self.old[line - 1][: column - 1] if line <= len(self.old) else ""
        return column + utf16(before) - len(before)


def utf16(text: str) -> int:
    """Return the length of a text in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
