"""The report for a person: what was repaired, what is left and why, what to do next."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from ..model import FileResult, RunResult, Status
from .mask import mask
from .summary import DONE, Paint, follow_ups, outcomes, summary, waiting, wrapped

_FEW = 3
"""Findings left with which their advice is shown: more would bury the summary."""
_LINES = 24
"""Lines of advice that are shown for one of them."""
_COLOURS = {"red": 31, "green": 32, "yellow": 33, "cyan": 36, "bold": 1}


def render(result: RunResult, *, colour: bool = False, new: bool = False) -> str:
    """Return the report of a run, 80 columns wide; literal secrets are masked.

    `new` says that nothing is deployed yet, so that no consequence applies.
    """
    paint: Paint = _painted if colour else _plain
    sections = [
        list(_repairs(result, paint, new=new)),
        list(_left(result, paint)),
        list(_errors(result, paint)),
        list(follow_ups(result)),
        list(summary(result, paint, new=new)),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def colour_diff(diff: str) -> str:
    """Return a unified diff with its lines in the usual colours."""
    return "".join(_painted(line, _diff_colour(line)) for line in diff.splitlines(keepends=True))


def _diff_colour(line: str) -> str:
    if line.startswith(("---", "+++")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def _painted(text: str, colour: str) -> str:
    if colour not in _COLOURS:
        return text
    body = text.rstrip("\n")
    return f"\x1b[{_COLOURS[colour]}m{body}\x1b[0m{text[len(body) :]}"


def _plain(text: str, _: str) -> str:
    return text


def _repairs(result: RunResult, paint: Paint, *, new: bool) -> Iterator[str]:
    for file, outcome in outcomes(result, DONE):
        fix = outcome.finding.fix
        if fix is None:
            continue
        title = mask(fix.title, file.masked)
        head = f"{file.path}:{outcome.line}  {outcome.transform}"
        applies = not new and not file.fresh
        line = f"{head}  {title}" + (f"  [{fix.consequence}]" if applies else "")
        line += f"  {outcome.id}"
        yield paint(wrapped(line, "    "), "green")
        if fix.because and applies:
            yield wrapped(f"because: {mask(fix.because, file.masked)}", "      ", "    ")


def _left(result: RunResult, paint: Paint) -> Iterator[str]:
    left = waiting(result)
    for file, outcome in left:
        message = mask(outcome.finding.message, file.masked)
        line = f"{file.path}:{outcome.line}  {outcome.transform}  left: {message}"
        code = f"  [{outcome.refusal.code}]" if outcome.refusal else ""
        yield paint(wrapped(line + code, "    "), "yellow")
        if outcome.refusal and outcome.refusal.reason:
            yield wrapped(mask(outcome.refusal.reason, file.masked), "    ", "    ")
        if outcome.refusal and outcome.refusal.advice and len(left) <= _FEW:
            yield from _advice(mask(outcome.refusal.advice, file.masked))


def _advice(text: str) -> Iterator[str]:
    """Yield the first pieces of an advice, as they are: they are for pasting."""
    lines = 0
    for piece in text.split("\n\n"):
        lines += piece.count("\n") + 1
        if lines > _LINES:
            yield "      More to paste is in the report of --format json (advice)."
            return
        yield textwrap.indent(piece, "      ")


def _errors(result: RunResult, paint: Paint) -> Iterator[str]:
    for file in result.files:
        if file.status is Status.ERROR:
            yield paint(error_line(file), "red")  # one line, as compilers have it


def error_line(file: FileResult) -> str:
    """Return the one line that says what is wrong with a file, and where."""
    place = file.path
    if file.error_line is not None:
        place += f":{file.error_line}"
        if file.error_column is not None:
            place += f":{file.error_column}"
    return f"{place}: error: {mask(file.error, file.masked)}"
