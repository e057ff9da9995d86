"""The report as a comment on a pull request, in GitHub Flavored Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..model import Fix
from ..results import FileResult, Outcome, RunResult, Status
from . import diff
from .markup import block, code, in_html, plain
from .mask import mask
from .place import Placed, path_of
from .screen import safe, visible
from .summary import DONE, consequences, inputs, is_waiting, needs, numbers, outcomes, validated

MOST_BYTES = 65_000
"""GitHub takes comments of less than 65 536 characters; there are at least as many bytes, and
whoever posts a comment may put a line of their own above it."""
_ROWS = (1_000, 200, 50, 10, 0)
"""Rows of each list that are shown: the first number with which all of it fits."""
_LONGEST = 1_000
_DONE = {
    "fix": "Repaired",
    "fix --dry-run": "Would be repaired",
    "check": "Can be repaired (`remediator fix`)",
}


def render(result: RunResult, *, new: bool = False) -> str:
    """Return the comment; literal secrets are masked, and it is never too long for GitHub.

    Diffs that do not fit are left out, then rows of the lists; where that is so, it is said.
    `new` says that nothing is deployed yet.
    """
    result = safe(result)
    for rows in _ROWS:
        comment = _Comment(result, new, rows)
        text = comment.text(frozenset())
        if _fits(text):
            return _with_diffs(comment, text)
    return text


def _with_diffs(comment: _Comment, text: str) -> str:
    """Return the comment with the diffs that fit, tried in the order of the files."""
    room = MOST_BYTES - len(text.encode())
    shown: set[str] = set()
    for file in comment.changed:
        needed = len(_diff(file).encode()) + 2
        if needed <= room:
            shown.add(file.path)
            room -= needed
    return comment.text(frozenset(shown)) if shown else text


def _fits(text: str) -> bool:
    return len(text.encode()) <= MOST_BYTES


@dataclass(frozen=True, slots=True)
class _Comment:
    """A result, and how much of it is shown."""

    result: RunResult
    new: bool
    rows: int

    @property
    def changed(self) -> Sequence[FileResult]:
        """The files that have a diff, as far as their details are shown."""
        return [file for file in self._detailed[: self.rows] if file.old != file.new]

    @property
    def _detailed(self) -> Sequence[FileResult]:
        return [
            file
            for file in self.result.files
            if file.old != file.new or any(map(is_waiting, file.outcomes))
        ]

    def text(self, shown: frozenset[str]) -> str:
        """Return the comment with the diffs of these files."""
        sections = [
            "## remediator",
            f"**{plain(numbers(self.result))}**",
            "\n".join(self._remarks()),
            self._repairs(),
            self._errors(),
            self._follow_ups(),
            self._deployment(),
            self._details(shown),
        ]
        return "\n\n".join(section for section in sections if section) + "\n"

    def _remarks(self) -> Iterator[str]:
        unknown = ", ".join(map(code, self.result.unknown[: self.rows]))
        if unknown:
            yield f"- No repair has the id {unknown}."
        if self.result.interrupted is not None:
            yield f"- Interrupted after {self.result.interrupted} of {self.result.scanned} files."
        for line in (*consequences(self.result, new=self.new), *validated(self.result)):
            yield ("  - " if line.startswith(" ") else "- ") + plain(_clipped(line))

    def _repairs(self) -> str:
        rows = [
            self._row(file, outcome, outcome.finding.fix)
            for file, outcome in outcomes(self.result, DONE)
            if outcome.finding.fix is not None
        ]
        if not rows:
            return ""
        lines = ["| place | what | consequence | id |", "|---|---|---|---|", *rows[: self.rows]]
        return _section(_DONE[self.result.command], lines, len(rows), self.rows)

    def _row(self, file: FileResult, outcome: Outcome, fix: Fix) -> str:
        what = plain(_clipped(mask(fix.title, file.masked)))
        consequence = ""
        if not self.new and not file.fresh:
            because = plain(_clipped(mask(fix.because, file.masked)))
            consequence = code(fix.consequence) + (f": {because}" if because else "")
        return f"| {_place(file, outcome)} | {what} | {consequence} | {code(outcome.id)} |"

    def _errors(self) -> str:
        failed = [file for file in self.result.files if file.status is Status.ERROR]
        lines = []
        for file in failed[: self.rows]:
            line = f":{file.error_line}" if file.error_line is not None else ""
            message = plain(_clipped(mask(file.error, file.masked)))
            lines.append(f"- {code(_clipped(path_of(file)) + line)}: {message}")
        return _section("Could not be handled", lines, len(failed), self.rows)

    def _follow_ups(self) -> str:
        steps: dict[str, None] = {}
        for file, outcome in outcomes(self.result, DONE):
            for step in outcome.finding.fix.follow_ups if outcome.finding.fix else ():
                text = plain(_clipped(mask(step, file.masked)))
                steps[f"- [ ] {_place(file, outcome)}: {text}"] = None
        return _section("To do by hand", list(steps)[: self.rows], len(steps), self.rows)

    def _deployment(self) -> str:
        lines = [*inputs(self.result), *needs(self.result)]
        shown = [f"- {plain(_clipped(line))}" for line in lines[: self.rows]]
        return _section("The deployment", shown, len(lines), self.rows)

    def _details(self, shown: frozenset[str]) -> str:
        files = self._detailed
        lines = [self._of_file(file, file.path in shown) for file in files[: self.rows]]
        text = _section("Files", lines, len(files), self.rows)
        missing = sum(file.path not in shown for file in self.changed)
        if text and missing:
            diffs = "1 diff is" if missing == 1 else f"{missing} diffs are"
            text += f"\n\n{diffs} left out, as the comment would be too long for GitHub."
        return text

    def _of_file(self, file: FileResult, with_diff: bool) -> str:
        left = [outcome for outcome in file.outcomes if is_waiting(outcome)]
        name = in_html(_clipped(path_of(file)))
        parts = [f"<details{' open' if left else ''}><summary><code>{name}</code></summary>"]
        if left:
            placed = Placed(file)
            lines = [_left(placed, outcome) for outcome in left[: self.rows]]
            parts.append(_section("Left for a person", lines, len(left), self.rows, level=4))
        if with_diff:
            parts.append(_diff(file))
        return "\n\n".join([*parts, "</details>\n"])


def _diff(file: FileResult) -> str:
    shown = block(visible(diff.of_file(file)), "diff")
    if diff.is_masked(file):
        return f"The literal secrets are hidden, so this cannot be applied.\n\n{shown}"
    return shown


def _left(placed: Placed, outcome: Outcome) -> str:
    file = placed.file
    place = code(f"{_clipped(path_of(file))}:{placed.of(outcome)[0]}")
    text = f"- {place}: {plain(_clipped(mask(outcome.finding.message, file.masked)))}"
    if outcome.refusal is None:
        return text
    reason = plain(_clipped(mask(outcome.refusal.reason, file.masked)))
    return f"{text} ({code(outcome.refusal.code)}). {reason}"


def _section(title: str, lines: Sequence[str], number: int, rows: int, level: int = 3) -> str:
    if not number:
        return ""
    more = f"\n\n{number - rows} more are left out here." if number > rows else ""
    return f"{'#' * level} {title}\n\n" + "\n".join(lines) + more


def _place(file: FileResult, outcome: Outcome) -> str:
    return code(f"{_clipped(path_of(file))}:{outcome.line}")


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"
