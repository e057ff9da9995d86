"""What is told of a whole campaign: the review page, a table of findings, groups for reviewers."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .. import __version__, atomic, registry
from ..errors import FileError
from ..model import Consequence
from ..report.markup import code, plain
from ..report.page import About, render
from ..report.summary import DONE, MEANING, is_waiting
from ..results import FileResult, Outcome, RunResult, Validation, Validator
from .campaign import Campaign
from .entry import Entry, Standing
from .jobs import Via
from .state import StateFile

GROUPS = "group.md"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection"""
COLUMNS = (
    *("repository", "file", "line", "column", "status", "transform", "consequence", "message"),
    *("code", "reason", "because", "follow_ups", "id", "standing", "proposal"),
)
"""The columns of the table of findings."""


@dataclass(frozen=True, slots=True)
class Told:
    """A repository with the result of the run over it, None where there is none."""

    entry: Entry
    result: RunResult | None


def write(folder: Path, campaign: Campaign, state: StateFile) -> list[Path]:
    """Write all of it into a folder; return the files. Raises FileError where that is not possible.

    Files of these names that are there are written anew.
    """
    known = told(state)
    contents = {
        "index.html": page(known, f"remediator migrate run {shlex.quote(campaign.file.name)}"),
        "findings.csv": "\ufeff" + findings(known),  # else a spreadsheet takes it for Latin-1
        GROUPS: groups(campaign.name, known),
    }
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise FileError(f"{folder}: cannot be made: {error.strerror or error}") from error
    return [write_file(folder / name, text) for name, text in contents.items()]


def write_groups(campaign: Campaign, state: StateFile) -> None:
    """Write the groups beside the files of proposals, where there are some; raises FileError."""
    folder = Path(campaign.target.folder)
    if campaign.target.via is Via.FILES and folder.is_dir() and not (folder / GROUPS).is_dir():
        write_file(folder / GROUPS, groups(campaign.name, told(state)))


def write_file(file: Path, text: str) -> Path:
    """Write a file and return it; raises FileError where that is not possible."""
    try:
        atomic.create(file, text.encode("utf-8", "backslashreplace"))
    except FileError as error:
        raise FileError(f"{file}: {error.message}") from error
    return file


def told(state: StateFile) -> list[Told]:
    """Return what is known of every repository, in the order of the list."""
    return [Told(entry, state.result(entry.name)) for entry in state.entries()]


def together(campaign: Sequence[Told]) -> tuple[RunResult, Mapping[str, tuple[str, str]]]:
    """Return the results of all repositories as one, and each file's repository and path in it."""
    files: list[FileResult] = []
    places: dict[str, tuple[str, str]] = {}
    scanned = skipped = 0
    validations = []
    for each in campaign:
        if each.result is None:
            continue
        scanned, skipped = scanned + each.result.scanned, skipped + each.result.skipped
        validations.append((each.entry.name, each.result.validation))
        for file in each.result.files:
            path = f"{each.entry.name}/{file.path}"
            places[path] = (each.entry.name, file.path)
            files.append(replace(file, path=path))
    result = RunResult(
        tuple(files), "fix", scanned=scanned, skipped=skipped, validation=_judged(validations)
    )
    return result, places


def _judged(validations: Iterable[tuple[str, Validation | None]]) -> Validation | None:
    """Return what the validator did in all repositories, the worst of it."""
    found = [(name, each) for name, each in validations if each is not None]
    if not found:
        return None
    worst = (Validator.BROKEN, Validator.MISSING, Validator.OFF, Validator.ASKED)
    state = next(each for each in worst if any(v.validator is each for _, v in found))
    return Validation(state, tuple(f"{name}/{f}" for name, v in found for f in v.unanswered))


def page(campaign: Sequence[Told], command: str) -> str:
    """Return the review page over all repositories; `command` is what proposes them."""
    result, places = together(campaign)
    documented = {each.id: each.documentation for each in registry.builtin_transforms()}
    return render(result, About(command, "", places, documented, __version__))


# --- the table --------------------------------------------------------------------------------


def findings(campaign: Iterable[Told]) -> str:
    """Return all findings as CSV, one row each, for a spreadsheet.

    A text that would be taken for a formula there is preceded by an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    writer.writerow(COLUMNS)
    for each in campaign:
        for file in each.result.files if each.result else ():
            for outcome in file.outcomes:
                writer.writerow(map(_cell, _row(each.entry, file, outcome)))
    return text.getvalue()


def _row(entry: Entry, file: FileResult, outcome: Outcome) -> Iterator[object]:
    finding, fix, refusal = outcome.finding, outcome.finding.fix, outcome.refusal
    yield from (entry.name, file.path, outcome.line, outcome.column, outcome.status)
    yield from (outcome.transform, fix.consequence if fix else "", finding.message)
    yield from (refusal.code, refusal.reason) if refusal else ("", "")
    yield from (fix.because, " | ".join(fix.follow_ups)) if fix else ("", "")
    yield from (outcome.id, entry.standing, " ".join(entry.places))


def _cell(value: object) -> str:
    text = str(value).encode("utf-8", "backslashreplace").decode()
    return f"'{text}" if text.startswith(_FORMULA) else text


# --- groups -----------------------------------------------------------------------------------

_RISKS = (
    (Consequence.REPLACES, "Replaces a resource"),
    (Consequence.EXTERNAL, "Needs a server outside the stack"),
    (Consequence.ROTATES, "Rotates a live credential"),
    (Consequence.SAFE, "Safe"),
)
_STANDINGS = (
    (Standing.FAILED, "went wrong"),
    (Standing.TAKEN, "the branch holds what the campaign did not commit"),
    (Standing.WAITING, "not done yet"),
    (Standing.EMPTY, "no commit"),
    (Standing.GONE, "no longer listed"),
)


def groups(name: str, campaign: Sequence[Told]) -> str:
    """Return a Markdown page for reviewers: the repositories by risk, by what is to be done by
    hand, by what is left for a person."""
    sections = [
        f"# {plain(name)}",
        *_by_risk(campaign),
        *_by_step(campaign),
        *_left(campaign),
        *_not_proposed(campaign),
    ]
    return "\n\n".join(sections) + "\n"


def _by_risk(campaign: Sequence[Told]) -> Iterator[str]:
    """Yield each risk with the repositories whose highest it is."""
    by_risk: dict[Consequence | None, list[str]] = {}
    for each in campaign:
        if each.entry.is_changed:
            counts = each.entry.counts
            highest = next((risk for risk, _ in _RISKS if counts.get(risk)), None)
            by_risk.setdefault(highest, []).append(_proposal(each.entry))
    for risk, title in _RISKS:
        if risk in by_risk:
            yield _section(title, f"At the next deployment: {MEANING[risk]}.", by_risk[risk])
    if None in by_risk:
        meaning = "The campaign says that nothing of it is deployed: nothing that runs changes."
        yield _section("New", meaning, by_risk[None])


def _proposal(entry: Entry) -> str:
    counts = [f"{entry.counts[each]} {each}" for each in Consequence if entry.counts.get(each)]
    counts += [f"{entry.counts['left']} left"] if entry.counts.get("left") else []
    where = [entry.standing.value, *(f"<{p}>" if "://" in p else code(p) for p in entry.places)]
    return f"- [ ] {code(entry.name)}: {', '.join(counts) or 'new'} ({' '.join(where)})"


def _by_step(campaign: Iterable[Told]) -> Iterator[str]:
    """Yield what is to be done by hand, with the places where."""
    steps: dict[str, list[str]] = {}
    for each, file, outcome in _outcomes(campaign):
        if outcome.status in DONE and outcome.finding.fix is not None:
            for step in outcome.finding.fix.follow_ups:
                steps.setdefault(step, []).append(_place(each, file, outcome))
    if steps:
        yield "## To do by hand"
    for step, places in sorted(steps.items(), key=lambda item: (-len(item[1]), item[0])):
        yield f"{plain(step)}\n\n" + "\n".join(f"- [ ] {place}" for place in places)


def _left(campaign: Iterable[Told]) -> Iterator[str]:
    codes: dict[str, list[str]] = {}
    for each, file, outcome in _outcomes(campaign):
        if is_waiting(outcome) and outcome.refusal is not None:
            codes.setdefault(outcome.refusal.code, []).append(_place(each, file, outcome))
    if codes:
        yield "## Left for a person"
        yield "`remediator explain <code>` says what each means and the way out."
    for name, places in sorted(codes.items(), key=lambda item: (-len(item[1]), item[0])):
        yield f"### {name}\n\n" + "\n".join(f"- {place}" for place in places)


def _not_proposed(campaign: Iterable[Told]) -> Iterator[str]:
    by_standing: dict[Standing, list[Entry]] = {}
    for each in campaign:
        by_standing.setdefault(each.entry.standing, []).append(each.entry)
    for standing, title in _STANDINGS:
        if standing in by_standing:
            yield f"## Not proposed: {title}\n\n" + "\n".join(map(_why, by_standing[standing]))


def _why(entry: Entry) -> str:
    error = entry.wrong.error if entry.wrong else ""
    return f"- {code(entry.name)}" + (f": {plain(error)}" if error else "")


def _outcomes(campaign: Iterable[Told]) -> Iterator[tuple[Entry, FileResult, Outcome]]:
    for each in campaign:
        for file in each.result.files if each.result else ():
            yield from ((each.entry, file, outcome) for outcome in file.outcomes)


def _place(entry: Entry, file: FileResult, outcome: Outcome) -> str:
    return code(f"{entry.name}/{file.path}:{outcome.line}")


def _section(title: str, text: str, lines: Sequence[str]) -> str:
    return f"## {title}\n\n{text}\n\n" + "\n".join(lines)
