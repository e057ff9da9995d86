"""Which repairs a person wants: one question for each, with the diff of that repair alone.

Nothing is printed here; who asks is handed in. A repair that only another one makes possible is
asked about where that one was accepted, so that what belongs together stays together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from .results import FileResult, Outcome, Status


class Answer(StrEnum):
    """What a person says to a repair."""

    YES = "y"
    NO = "n"
    ALL = "a"
    """Yes to this one and to all that follow."""
    QUIT = "q"
    """No to this one and to all that follow; what was accepted stays accepted."""


@dataclass(frozen=True, slots=True)
class Question:
    """A repair that a person is asked about.

    `alone` is the file with the repair and without it, where all that was accepted before is made
    in both; `number` of `total` counts the repairs of the run. `along` are the places in other
    files that change with it.
    """

    outcome: Outcome
    alone: FileResult
    number: int
    total: int
    along: tuple[str, ...] = ()


Ask: TypeAlias = Callable[[Question], Answer]
Work: TypeAlias = Callable[[FileResult, frozenset[str]], FileResult]
"""Returns what becomes of a file with these repairs alone; nothing is written."""


def choose(files: Sequence[FileResult], work: Work, ask: Ask) -> Mapping[str, frozenset[str]]:
    """Return the ids of the repairs that are accepted, by the path of their file.

    `files` are the results of a dry run over all repairs.
    """
    total = sum(1 for file in files for _ in _repairs(file))
    accepted: dict[str, frozenset[str]] = {}
    number = 0
    answer = Answer.YES
    for file in files:
        before = replace(file, new=file.old, hidden_new=file.hidden_old)
        for outcome in _repairs(file):
            number += 1
            ids = accepted.get(file.path, frozenset())
            if answer is Answer.QUIT or outcome.id in ids:
                continue
            with_it = work(file, ids | {outcome.id})
            if not any(each.id == outcome.id for each in _repairs(with_it)):
                continue  # another repair would have to be made first, and is declined
            if answer is not Answer.ALL:
                shown = replace(with_it, old=before.new, hidden_old=before.hidden_new)
                along = _along(files, outcome.id)
                answer = ask(Question(outcome, shown, number, total, along))
            if answer in (Answer.YES, Answer.ALL):
                accepted[file.path] = ids | {outcome.id}
                before = with_it
    return accepted


def _along(files: Sequence[FileResult], repair: str) -> tuple[str, ...]:
    """Return the places that change because of a repair, and because of those changes."""
    ids = {repair}
    places: dict[str, str] = {}
    while True:
        found = {
            outcome.id: f"{file.path}:{outcome.line}"
            for file in files
            for outcome in file.outcomes
            if outcome.id not in ids and ids.intersection(outcome.causes)
        }
        if not found:
            return tuple(sorted(places.values()))
        ids |= found.keys()
        places |= found


def _repairs(file: FileResult) -> Iterator[Outcome]:
    """Yield the repairs that a dry run would make in a file; what follows from one is no choice."""
    return (e for e in file.outcomes if e.status is Status.WOULD_FIX and not e.causes)
