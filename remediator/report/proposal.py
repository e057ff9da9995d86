"""What a pull request says of a run: for the reviewer who has never heard of remediator."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..model import Consequence, Fix
from ..results import FileResult, Outcome, RunResult, Status
from ..transform import Transform
from .markup import code, plain
from .mask import mask
from .place import Placed, path_of
from .screen import safe, visible
from .summary import DONE, MEANING, inputs, needs, outcomes, validated, waiting

MOST_BYTES = 60_000
"""GitHub takes less than 65 536 characters; there is room for a line of somebody else's."""
_ROWS = (1_000, 200, 50, 10, 0)
_LONGEST = 1_000


def render(result: RunResult, transforms: Sequence[Transform], *, origin: str = "") -> str:
    """Return the description of a proposed change in Markdown; literal secrets are masked.

    `origin` is a line on where it comes from. It is never too long for GitHub: rows that do not
    fit are left out, and that is said.
    """
    result = safe(result)
    for rows in _ROWS:
        text = _Proposal(result, transforms, rows).text(origin)
        if len(text.encode()) <= MOST_BYTES:
            break
    return text


def repairs(result: RunResult, wanted: Sequence[str]) -> Iterator[str]:
    """Yield the repairs with these ids in one line of plain text each, for a commit's message."""
    for file, outcome, fix in _done(safe(result)):
        if outcome.id in wanted:
            place = f"{path_of(file)}:{outcome.line}"
            consequence = "" if file.fresh else f" ({fix.consequence})"
            yield visible(f"{place}: {_hidden(fix.title, file)}{consequence}")


def follow_ups(result: RunResult, wanted: Sequence[str] | None = None) -> list[str]:
    """Return what a person has to do, in plain text, each once; of the repairs with these ids."""
    steps: dict[str, None] = {}
    for file, outcome, fix in _done(safe(result)):
        if wanted is None or outcome.id in wanted:
            for step in fix.follow_ups:
                steps[f"{path_of(file)}:{outcome.line}: {_hidden(step, file)}"] = None
    return [visible(step) for step in steps]


def _done(result: RunResult) -> Iterator[tuple[FileResult, Outcome, Fix]]:
    for file, outcome in outcomes(result, DONE):
        if outcome.finding.fix is not None:
            yield file, outcome, outcome.finding.fix


def _hidden(text: str, file: FileResult) -> str:
    text = " ".join(mask(text, file.masked).split())
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"


@dataclass(frozen=True, slots=True)
class _Proposal:
    result: RunResult
    transforms: Sequence[Transform]
    rows: int

    def text(self, origin: str) -> str:
        sections = [
            self._what(),
            self._why(),
            self._deployment(),
            self._follow_ups(),
            self._left(),
            self._undo(),
            f"<sub>{plain(origin)}</sub>" if origin else "",
        ]
        return "\n\n".join(section for section in sections if section) + "\n"

    def _what(self) -> str:
        done = list(_done(self.result))
        files = len({file.path for file, _, _ in done})
        repairs = "1 repair" if len(done) == 1 else f"{len(done)} repairs"
        places = "1 file" if files == 1 else f"{files} files"
        intro = (
            f"{repairs} in {places}. Every byte that no repair touches stays as it was, and "
            "each repair was proven before it was written."
        )
        rows = [
            f"| {_place(file, outcome)} | {plain(_hidden(fix.title, file))} | "
            f"{'not deployed yet' if file.fresh else code(fix.consequence)} | {code(outcome.id)} |"
            for file, outcome, fix in done
        ]
        table = ["| place | what | consequence | id |", "|---|---|---|---|", *rows[: self.rows]]
        judged = "\n".join(f"- {plain(line)}" for line in validated(self.result))
        return "\n\n".join(
            part
            for part in ("## What changes", intro, "\n".join(table), self._more(len(rows)), judged)
            if part
        )

    def _why(self) -> str:
        used = {outcome.transform for _, outcome, _ in _done(self.result)}
        lines = [
            f"- {code(each.id)}: {_why(each.documentation) or each.title}"
            for each in self.transforms
            if each.id in used
        ]
        return _section("Why", lines)

    def _deployment(self) -> str:
        done = list(_done(self.result))
        counts = Counter(fix.consequence for file, _, fix in done if not file.fresh)
        lines = [
            f"- **{consequence}** ({counts[consequence]}): {MEANING[consequence]}."
            for consequence in Consequence
            if counts[consequence]
        ]
        reasons = dict.fromkeys(
            f"  - {_place(file, outcome)}: {plain(_hidden(fix.because, file))}"
            for file, outcome, fix in done
            if fix.because and not file.fresh
        )
        lines += list(reasons)[: self.rows]
        if any(file.fresh for file, _, _ in done):
            lines.append("- Templates marked *not deployed yet*: nothing that runs changes.")
        more = self._more(len(reasons))
        told = [f"- {plain(_joined(line))}" for line in (*inputs(self.result), *needs(self.result))]
        text = _section("At the next deployment", [*lines, *told[: self.rows]])
        return f"{text}\n\n{more}" if more else text

    def _follow_ups(self) -> str:
        steps = follow_ups(self.result)
        text = _section("To do by hand", [f"- [ ] {plain(step)}" for step in steps[: self.rows]])
        more = self._more(len(steps))
        return f"{text}\n\n{more}" if more else text

    def _left(self) -> str:
        left = waiting(self.result)
        lines = [_row(file, outcome) for file, outcome in left[: self.rows]]
        failed = [file for file in self.result.files if file.status is Status.ERROR]
        lines += [
            f"- {code(path_of(file))} could not be handled: {plain(_hidden(file.error, file))}"
            for file in failed[: self.rows]
        ]
        text = _section("Not repaired", lines)
        more = self._more(max(len(left), len(failed)))
        return f"{text}\n\n{more}" if more else text

    def _undo(self) -> str:
        lines = ["Revert the commits. Before a deployment nothing that runs has changed."]
        kinds = {fix.consequence for file, _, fix in _done(self.result) if not file.fresh}
        if kinds - {Consequence.SAFE}:
            lines.append(
                "After a deployment the revert flips the passwords back: the next one sets each "
                "credential to the value that the old template is given, so a parameter must be "
                "passed again, and what reads the generated secret must be given that value."
            )
        return _section("How to undo it", lines)

    def _more(self, number: int) -> str:
        left = number - self.rows
        return f"{left} more are left out here; the JSON report has them." if left > 0 else ""


def _row(file: FileResult, outcome: Outcome) -> str:
    place = code(f"{path_of(file)}:{Placed(file).of(outcome)[0]}")
    text = f"- {place}: {plain(_hidden(outcome.finding.message, file))}"
    if outcome.refusal is None:
        return text
    reason = plain(_hidden(outcome.refusal.reason, file))
    return f"{text} ({code(outcome.refusal.code)}). {reason}"


def _place(file: FileResult, outcome: Outcome) -> str:
    return code(f"{path_of(file)}:{outcome.line}")


def _section(title: str, lines: Sequence[str]) -> str:
    return f"## {title}\n\n" + "\n".join(lines) if lines else ""


def _joined(text: str) -> str:
    return " ".join(text.split())


def _why(documentation: str) -> str:
    """Return the paragraph below `Why` of a transform's documentation, on one line."""
    found = re.search(r"^Why\n((?:[ \t]+\S.*\n?|\n)+)", documentation, re.MULTILINE)
    return _joined(textwrap.dedent(found[1])) if found else ""
