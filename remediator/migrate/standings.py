"""Where a campaign stands, for a screen and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ..model import Consequence
from ..report.screen import json_text, visible_line
from ..report.summary import MEANING, Paint, wrapped
from .entry import Entry, Standing

MEANINGS = {
    Standing.WAITING: "not done yet, or tried again",
    Standing.READY: "committed, not proposed yet",
    Standing.WRITTEN: "the patch is written, for a person to apply",
    Standing.PUSHED: "the branch is pushed",
    Standing.OPEN: "proposed, not merged yet",
    Standing.MERGED: "merged",
    Standing.CLOSED: "closed without being merged",
    Standing.CLEAN: "nothing to repair, or nothing that may be",
    Standing.EMPTY: "no commit in the repository",
    Standing.TAKEN: "the branch holds what this campaign did not commit",
    Standing.FAILED: "went wrong too often",
    Standing.GONE: "no longer listed",
}
"""What each standing means."""
_COLOURS = {
    Standing.FAILED: "red",
    Standing.TAKEN: "yellow",
    Standing.OPEN: "green",
    Standing.PUSHED: "green",
    Standing.WRITTEN: "green",
    Standing.MERGED: "green",
}
_WRONG = (Standing.FAILED, Standing.TAKEN)
_FEW = 10
_WIDE = 44
"""Characters of a name in a table at the most; a longer one has its own line."""


def exit_code(entries: Sequence[Entry]) -> int:
    """Return 1 where a repository waits for a person, else 0."""
    return int(any(entry.standing in _WRONG for entry in entries))


def text(
    entries: Sequence[Entry], paint: Paint, *, name: str, file: str, every: bool = False
) -> str:
    """Return where these repositories stand, 80 columns wide; `every`: one line for each.

    `name` is that of the campaign, `file` its file as commands take it.
    """
    sections = [
        _head(entries, paint, name),
        _table(entries, paint) if every else _wrong(entries, paint),
        _deployment(entries),
        _next(entries, file),
    ]
    return "\n\n".join(part for part in ("\n".join(each) for each in sections) if part) + "\n"


def _head(entries: Sequence[Entry], paint: Paint, name: str) -> Iterator[str]:
    noun = "repository" if len(entries) == 1 else "repositories"
    yield paint(f"{visible_line(name)}: {len(entries)} {noun}", "bold")
    counts = Counter(entry.standing for entry in entries)
    for standing in Standing:
        if counts[standing]:
            line = f"{counts[standing]:>6} {standing:8} {MEANINGS[standing]}"
            yield paint(line, _COLOURS.get(standing, ""))


def _wrong(entries: Sequence[Entry], paint: Paint) -> Iterator[str]:
    """Yield what a person has to look at, and what is tried again."""
    wrong = [entry for entry in entries if entry.standing in _WRONG or entry.wrong]
    wrong.sort(key=lambda entry: entry.standing not in _WRONG)
    for entry in wrong[:_FEW]:
        yield from _told(entry, paint)
    if len(wrong) > _FEW:
        yield f"{len(wrong) - _FEW} more are not well: `status --all` shows them."


def _told(entry: Entry, paint: Paint) -> Iterator[str]:
    row = entry.wrong
    name = visible_line(entry.name)
    yield paint(f"{name}: {entry.standing}", _COLOURS.get(entry.standing, ""))
    if row is not None:
        often = "" if row.attempts == 1 else f" ({row.attempts} attempts)"
        yield wrapped(f"{row.step}{often}: {visible_line(row.error)}", "    ", "    ")


def _table(entries: Sequence[Entry], paint: Paint) -> Iterator[str]:
    width = min(max(len(name) for name in ("repository", *(e.name for e in entries))), _WIDE)
    yield paint(f"{'repository':{width}}  {'stands':8} repairs  left  where", "bold")
    for entry in entries:
        repairs = sum(entry.counts.get(each, 0) for each in (*Consequence, "new"))
        left = entry.counts.get("left", 0)
        row = entry.wrong
        where = f"{row.step}: {row.error}" if row else " ".join(entry.places)
        name = visible_line(entry.name)
        line = f"{entry.standing:8} {repairs or '':>7} {left or '':>5}  {visible_line(where)}"
        if len(name) > width:
            yield name
            name = ""
        yield paint(f"{name:{width}}  {line}".rstrip(), _COLOURS.get(entry.standing, ""))


def _deployment(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield what the repairs of all repositories do, and how much is left."""
    counts: Counter[str] = Counter()
    for entry in entries:
        counts.update(entry.counts)
    if any(counts[each] for each in (*Consequence, "new")):
        yield "At the next deployment of what is merged:"
    for consequence in Consequence:
        if counts[consequence]:
            yield f"{counts[consequence]:>6} {consequence}: {MEANING[consequence]}"
    if counts["new"]:
        yield f"{counts['new']:>6} new: nothing is deployed yet"
    if counts["left"]:
        yield f"{_count(counts['left'], 'finding')} left for a person"
    if counts["error"]:
        yield f"{_count(counts['error'], 'file')} could not be handled"


def _count(number: int, noun: str) -> str:
    return f"{number:>6} {noun}{'' if number == 1 else 's'}"


def _next(entries: Sequence[Entry], file: str) -> Iterator[str]:
    standings = {entry.standing for entry in entries}
    if Standing.READY in standings:
        yield wrapped(
            f"Next: `remediator migrate report {file}` shows what would be proposed; "
            f"`remediator migrate run {file}` proposes it.",
            "  ",
        )
    elif Standing.WAITING in standings:
        yield f"Next: `remediator migrate run {file}` goes on."
    elif standings & {Standing.WRITTEN, Standing.PUSHED, Standing.OPEN}:
        yield f"Next: `remediator migrate report {file}` writes what reviewers need."
    if Standing.FAILED in standings:
        yield f"What failed is tried again by `remediator migrate retry {file}`."
    if Standing.TAKEN in standings:
        yield wrapped(
            "A branch that is taken is left alone: delete or rename it, then retry.", "  "
        )


def as_json(entries: Sequence[Entry], name: str) -> str:
    """Return the same as JSON, with every step; fields may be added, never changed."""
    content = {
        "version": 1,
        "campaign": name,
        "standings": Counter(entry.standing.value for entry in entries),
        "repositories": [_as_data(entry) for entry in entries],
    }
    return json_text(content, ascii_only=True)


def _as_data(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "url": entry.url,
        "standing": entry.standing.value,
        "findings": dict(entry.counts),
        "proposal": list(entry.places),
        "steps": [asdict(row) for row in entry.rows.values()],
    }
