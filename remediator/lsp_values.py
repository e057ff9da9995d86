"""Our values as those of the Language Server Protocol: places, diagnostics, edits.

https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from lsprotocol import types

from .document import LINE_END
from .edits import between
from .report import editor
from .results import FileResult, Outcome, Status

SOURCE = "remediator"
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\']|\'\')*\'|[^\s:,\[\]{}]+')


@dataclass(frozen=True)
class Places:
    """The places of a text as the client counts them.

    Lines end where the protocol says, not where Python's `splitlines` does; `units` tells how long
    a piece of a line is for the client: in UTF-16, an astral character counts twice.
    """

    text: str
    units: Callable[[str], int]
    _starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        starts = [0, *(end.end() for end in LINE_END.finditer(self.text))]
        object.__setattr__(self, "_starts", starts)

    def position(self, offset: int) -> types.Position:
        """Return the position of a character."""
        line = bisect_right(self._starts, offset) - 1
        return types.Position(line, self.units(self.text[self._starts[line] : offset]))

    def word(self, line: int, column: int | None) -> types.Range:
        """Return the range of the key or word at a place, counted from 1 and without a byte order
        mark; of the whole line where there is no column."""
        start = self._starts[min(line, len(self._starts)) - 1]
        end = LINE_END.search(self.text, start)
        last = end.start() if end else len(self.text)
        if column is None:
            start += len(self.text[start:last]) - len(self.text[start:last].lstrip())
            return types.Range(self.position(start), self.position(last))
        start += column - 1 + (line == 1 and self.text.startswith("\ufeff"))
        word = _WORD.match(self.text, start, last)
        stop = word.end() if word else min(start + 1, last)
        return types.Range(self.position(start), self.position(stop))


@dataclass(frozen=True)
class Look:
    """What was found in the text of an open file; `result` is None where it is no template."""

    places: Places
    result: FileResult | None = None

    @property
    def text(self) -> str:
        """The text that was looked at."""
        return self.places.text

    def found(self) -> Iterator[tuple[Outcome, types.Range]]:
        """Yield the findings with their ranges."""
        for outcome in self.result.outcomes if self.result else ():
            yield outcome, self.places.word(outcome.line, outcome.column)

    def diagnostics(self) -> list[types.Diagnostic]:
        """Return what the editor shows: repairable is a warning, left is an information."""
        if self.result is None:
            return []
        shown = [diagnostic(self.result, outcome, place) for outcome, place in self.found()]
        if self.result.status is Status.ERROR:
            line, column = self.result.error_line or 1, self.result.error_column
            shown.append(
                types.Diagnostic(
                    self.places.word(line, column),
                    editor.unreadable(self.result),
                    severity=types.DiagnosticSeverity.Error,
                    source=SOURCE,
                )
            )
        return shown

    def edits(self, new: str) -> list[types.TextEdit]:
        """Return the edits that make another text of this one, line by line."""
        return [
            types.TextEdit(
                types.Range(self.places.position(edit.start), self.places.position(edit.end)),
                edit.text,
            )
            for edit in between(self.text, new)
        ]


def diagnostic(file: FileResult, outcome: Outcome, place: types.Range) -> types.Diagnostic:
    """Return one finding as the editor shows it; `data` is the id of its repair."""
    repairable = outcome.status is Status.REPAIRABLE
    severity = types.DiagnosticSeverity
    return types.Diagnostic(
        place,
        editor.message(file, outcome),
        severity=severity.Warning if repairable else severity.Information,
        code=outcome.refusal.code if outcome.refusal else outcome.transform,
        source=SOURCE,
        data=outcome.id,
    )


def is_wanted(kind: str, only: Sequence[str] | None) -> bool:
    """Whether a kind of code action is among those that are asked for; all are, where none is."""
    return only is None or any(kind == each or kind.startswith(f"{each}.") for each in only)
