"""The report for a person: what was repaired, what is left and why, what to do next."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..results import FileResult, Outcome, RunResult, Status
from .colours import coloured, painted
from .mask import mask
from .screen import safe, visible
from .summary import DONE, Paint, follow_ups, is_waiting, summary, waiting, wrapped

_FEW = 3
"""Findings left with which their advice is shown: more would bury the summary."""
_LINES = 24
"""Lines of advice that are shown for one of them."""


def render(
    result: RunResult, *, colour: bool = False, new: bool = False, diffs: bool = False
) -> str:
    """Return the report of a run, 80 columns wide; literal secrets are masked, and nothing in it
    steers a terminal.

    File by file: what is repaired, with `diffs` the diff, and what is left; then what is to be done
    and the numbers. `new` says that nothing is deployed yet, so that no consequence applies.
    """
    exactly, result = result, safe(result)
    paint: Paint = painted if colour else _plain
    sections = []
    left = len(waiting(result))
    for exact, file in zip(exactly.files, result.files, strict=True):
        sections.append("\n".join(_repairs(file, paint, new=new)))
        if diffs:
            from .diff import of_file

            shown = visible(of_file(exact))
            sections.append((coloured(shown) if colour else shown).removesuffix("\n"))
        sections.append("\n".join(_left(file, paint, advice=left <= _FEW)))
    if result.change_set:
        from . import changes
    sections += [
        "\n".join(_errors(result, paint)),
        "\n".join(follow_ups(result)),
        "\n".join(changes.lines(result.change_set, paint)) if result.change_set else "",
        "\n".join(summary(result, paint, new=new)),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _plain(text: str, _: str) -> str:
    return text


def question(
    result: FileResult,
    outcome: Outcome,
    along: Sequence[str] = (),
    *,
    colour: bool = False,
    new: bool = False,
) -> str:
    """Return what a person needs to see to say yes or no to one repair: what it is, what follows
    from it, what changes `along` in other files, and its diff. `result` is the file without the
    repair and with it."""
    from .diff import of_file

    paint: Paint = painted if colour else _plain
    diff = visible(of_file(result))
    shown = safe(replace(result, outcomes=(outcome,)))
    lines = list(_repairs(shown, paint, new=new))
    if along:
        lines.append(wrapped(f"changes along: {visible(', '.join(along))}", "      ", "    "))
    return "\n".join(lines) + f"\n\n{coloured(diff) if colour else diff}"


def details(result: FileResult, outcome: Outcome, documentation: str) -> str:
    """Return what there is to say about a repair besides: the finding, what is to be done by hand,
    and the documentation of its transform."""
    (shown,) = safe(replace(result, outcomes=(outcome,))).outcomes
    steps = shown.finding.fix.follow_ups if shown.finding.fix else ()
    parts = [
        wrapped(mask(shown.finding.message, result.masked), ""),
        *(wrapped(f"To do by hand: {mask(step, result.masked)}", "  ") for step in steps),
        documentation,
    ]
    return "\n\n".join(parts) + "\n"


def _repairs(file: FileResult, paint: Paint, *, new: bool) -> Iterator[str]:
    for outcome in file.outcomes:
        fix = outcome.finding.fix
        if fix is None or outcome.status not in DONE:
            continue
        title = mask(fix.title, file.masked)
        head = f"{file.path}:{outcome.line}  {outcome.transform}"
        applies = not new and not file.fresh
        line = f"{head}  {title}" + (f"  [{fix.consequence}]" if applies else "")
        yield paint(wrapped(f"{line}  {outcome.id}".rstrip(), "    "), "green")
        if fix.because and applies:
            yield wrapped(f"because: {mask(fix.because, file.masked)}", "      ", "    ")


def _left(file: FileResult, paint: Paint, *, advice: bool) -> Iterator[str]:
    for outcome in filter(is_waiting, file.outcomes):
        message = mask(outcome.finding.message, file.masked)
        line = f"{file.path}:{outcome.line}  {outcome.transform}  left: {message}"
        code = f"  [{outcome.refusal.code}]" if outcome.refusal else ""
        yield paint(wrapped(line + code, "    "), "yellow")
        if outcome.refusal and outcome.refusal.reason:
            yield wrapped(mask(outcome.refusal.reason, file.masked), "    ", "    ")
        if outcome.refusal and outcome.refusal.advice and advice:
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
