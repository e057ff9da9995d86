"""The report for a person: what was repaired, what is left and why, what to do next."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeAlias

from ..model import Consequence, FileResult, Outcome, RunResult, Status
from .mask import mask

WIDTH = 80
_MEANING = {
    Consequence.SAFE: "nothing that runs changes",
    Consequence.ROTATES: "a live credential becomes the generated one",
    Consequence.EXTERNAL: "a server outside the stack must be given the generated password",
    Consequence.REPLACES: "the resource is replaced",
}
_DONE = (Status.FIXED, Status.WOULD_FIX, Status.REPAIRABLE)
_VERB = {
    "fix": "repaired",
    "fix --dry-run": "would be repaired",
    "check": "can be repaired",
}

Paint: TypeAlias = Callable[[str, str], str]
"""Is given a text and a colour's name; returns the text in that colour, or as it is."""

_COLOURS = {"red": 31, "green": 32, "yellow": 33, "cyan": 36, "bold": 1}


def render(result: RunResult, *, colour: bool = False, new: bool = False) -> str:
    """Return the report of a run, 80 columns wide; literal secrets are masked.

    `new` says that nothing is deployed yet, so that no consequence applies.
    """
    paint: Paint = _painted if colour else _plain
    sections = [
        list(_repairs(result, paint)),
        list(_left(result, paint)),
        list(_errors(result, paint)),
        list(_follow_ups(result)),
        list(_summary(result, paint, new=new)),
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


def _outcomes(
    result: RunResult, wanted: tuple[Status, ...]
) -> Iterator[tuple[FileResult, Outcome]]:
    for file in result.files:
        for outcome in file.outcomes:
            if outcome.status in wanted:
                yield file, outcome


def _repairs(result: RunResult, paint: Paint) -> Iterator[str]:
    for file, outcome in _outcomes(result, _DONE):
        fix = outcome.finding.fix
        if fix is None:
            continue
        title = mask(fix.title, file.masked)
        head = f"{file.path}:{outcome.line}  {outcome.transform}"
        line = f"{head}  {title}  [{fix.consequence}]"
        yield paint(_wrapped(line, "    "), "green")
        if fix.because:
            yield _wrapped(f"because: {mask(fix.because, file.masked)}", "      ", "    ")


def _left(result: RunResult, paint: Paint) -> Iterator[str]:
    for file, outcome in _outcomes(result, (Status.LEFT,)):
        message = mask(outcome.finding.message, file.masked)
        line = f"{file.path}:{outcome.line}  {outcome.transform}  left: {message}"
        code = f"  [{outcome.refusal.code}]" if outcome.refusal else ""
        yield paint(_wrapped(line + code, "    "), "yellow")
        if outcome.refusal and outcome.refusal.reason:
            yield _wrapped(mask(outcome.refusal.reason, file.masked), "    ", "    ")


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


def _follow_ups(result: RunResult) -> Iterator[str]:
    steps: dict[str, None] = {}
    for file, outcome in _outcomes(result, _DONE):
        for step in outcome.finding.fix.follow_ups if outcome.finding.fix else ():
            steps[mask(step, file.masked)] = None
    if steps:
        yield "To do by hand:"
    for number, step in enumerate(steps, 1):
        yield _wrapped(f"{number:>3}. {step}", "     ")


def _summary(result: RunResult, paint: Paint, *, new: bool) -> Iterator[str]:
    done = [outcome for _, outcome in _outcomes(result, _DONE)]
    left = [outcome for _, outcome in _outcomes(result, (Status.LEFT,))]
    changed = {file.path for file, _ in _outcomes(result, _DONE)}
    failed = sum(file.status is Status.ERROR for file in result.files)
    clean = sum(file.status is Status.CLEAN for file in result.files)
    parts = []
    if done:
        finding = _count(len(done), "finding")
        parts.append(f"{finding} {_VERB[result.command]} in {_count(len(changed), 'file')}")
    if left:
        parts.append(f"{len(left)} left for a person")
    if failed:
        parts.append(f"{_count(failed, 'input')} could not be handled")
    if clean:
        parts.append(f"{_count(clean, 'template')} clean")
    if result.skipped:
        parts.append(f"{_count(result.skipped, 'other file')} skipped")
    colour = "red" if failed else "yellow" if left else "green"
    yield paint(_wrapped((", ".join(parts) or "nothing to look at") + ".", "  "), colour)
    for file, sets in result.settings:
        yield _wrapped(f"settings: {file} ({sets})", "  ")
    yield from _deployment(done, new=new)
    yield from _inputs(result)
    yield from _next(result, done, left)


def _deployment(done: list[Outcome], *, new: bool) -> Iterator[str]:
    counts = Counter(outcome.finding.fix.consequence for outcome in done if outcome.finding.fix)
    if not counts:
        return
    if new:
        yield "Nothing is deployed yet (--new): nothing that runs changes."
        return
    yield "At the next deployment:"
    for consequence in Consequence:
        if counts[consequence]:
            line = f"{counts[consequence]:>3} {consequence}: {_MEANING[consequence]}"
            yield _wrapped("  " + line, "        ")


def _inputs(result: RunResult) -> Iterator[str]:
    """Say for the files with findings whether their stacks deploy without a person's input."""
    touched = [file for file in result.files if file.outcomes and file.status is not Status.ERROR]
    ready = [file for file in touched if not file.needs_after]
    if result.command == "check":
        return
    if len(ready) > 3:
        yield f"{len(ready)} of {len(touched)} templates with findings deploy without input."
    else:
        for file in ready:
            now = "now deploys" if file.needs_before else "deploys"
            yield _wrapped(f"{file.path} {now} without input.", "  ")
    waiting = [file for file in touched if file.needs_after]
    for file in waiting[:5]:
        names = ", ".join(file.needs_after)
        yield _wrapped(f"{file.path} still needs a value for: {names}", "  ")
    if len(waiting) > 5:
        yield f"{len(waiting) - 5} more still need values for parameters (--format json: needs)."


def _next(result: RunResult, done: list[Outcome], left: list[Outcome]) -> Iterator[str]:
    held = sorted(
        {
            outcome.finding.fix.consequence
            for outcome in left
            if outcome.finding.fix and outcome.refusal and outcome.refusal.code == "not-allowed"
        }
    )
    if done:
        yield {
            "fix": "Next: review with `git diff`, then deploy.",
            "fix --dry-run": "Next: run again without --dry-run to write this.",
            "check": "Next: `remediator fix` repairs and proves this.",
        }[result.command]
    if held:
        yield f"Held back: --allow safe,rotates,external,{','.join(held)} would repair these too."


def _wrapped(text: str, indent: str, first: str = "") -> str:
    return "\n".join(
        textwrap.wrap(
            " ".join(text.split("\n")),
            WIDTH,
            initial_indent=first,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
