"""Has files worked out ahead of the run, by other processes of this machine.

What becomes of a file depends on the file, the settings and its tree alone: so it may be worked out
anywhere. The run still goes through its files in order, takes what is there, writes and tells.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from .around import Around
from .discover import Input
from .handled import within, worked_out
from .model import Family
from .reading import MAX_BYTES, has_template_name
from .results import FileResult
from .runner import Runner, failed
from .validator import Judged, Validator

if TYPE_CHECKING:
    from .pool import Batch, Pool

# The pool is imported where there is one: a run of one process pays nothing for it.

WORTH = 300_000
"""Bytes of templates that are worth a process: they take longer than its start."""
_LONGEST = 32
"""Files of a batch at the most: neighbours, of which many lie in one tree."""
_TREES = 2
"""Trees that a process keeps in mind: the files of one may lie around another."""


class Told(NamedTuple):
    """What is told of a file: what became of it, whether that changes others, and what the judge
    of that process did."""

    result: FileResult | None
    reaches: bool = False
    judged: Judged = Judged()


def processors(wanted: int) -> int:
    """Return a number of processes; for 0 that of the processors that this one may use."""
    if wanted:
        return wanted
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worth(inputs: Iterable[Input], most: int) -> int:
    """Return how many processes these files are worth; 1: the run does best by itself."""
    found = size = 0
    for entry in inputs:
        if has_template_name(entry.name):
            try:
                bytes_ = entry.file.stat().st_size
            except OSError:
                continue
            if bytes_ <= MAX_BYTES:
                found, size = found + 1, size + bytes_
        if found >= most and size >= most * WORTH:
            return most
    return max(1, min(found, size // WORTH))


# --- in the run ---------------------------------------------------------------------------------


class Ahead:
    """What other processes work out for a run; its judge is told what theirs did, in the order of
    the files."""

    def __init__(self, pool: Pool, judge: Validator | None) -> None:
        self._pool = pool
        self._judge = judge
        self._batches: dict[Input, Batch] = {}

    def start(self, entries: Sequence[Input]) -> None:
        """Have files worked out; they have to be taken in this order."""
        for some in _parted(entries, self._pool.size):
            batch = self._pool.submit([(entry, None) for entry in some])
            self._batches.update(dict.fromkeys(some, batch))

    def take(self, entry: Input) -> Told | None:
        """Wait for what is told of a file; None where the run has to work it out itself."""
        batch = self._batches.pop(entry, None)
        return None if batch is None else self._told(batch, entry)

    def within(self, asked: Sequence[tuple[Input, Family]]) -> list[Told | None]:
        """Have templates repaired within their families. All are left to the run where there is
        but one, or where the processes have other work: it need not wait for that."""
        if len(asked) < 2 or not self._pool.is_idle:
            return [None] * len(asked)
        batches = [self._pool.submit([(entry, _plain(family))]) for entry, family in asked]
        return [self._told(batch, entry) for batch, (entry, _) in zip(batches, asked, strict=True)]

    def _told(self, batch: Batch, entry: Input) -> Told | None:
        from .pool import Lost

        told = batch.next()
        if told is Lost.DIED:
            return Told(failed(str(entry.file), _DIED))
        if not isinstance(told, Told):
            return None
        if self._judge is not None:
            self._judge.hear(told.judged)
        return told


_DIED = (
    "the process that was at work on it has ended, for want of memory or because somebody ended "
    "it; the file stays as it was. With --jobs 1 it has more room"
)


def _parted(entries: Sequence[Input], number: int) -> Iterator[Sequence[Input]]:
    """Yield files in batches that become smaller, so that none is left with much at the end."""
    start = 0
    while start < len(entries):
        length = max(1, min(_LONGEST, (len(entries) - start) // (4 * max(1, number))))
        yield entries[start : start + length]
        start += length


def _plain(family: Family) -> Family:
    """Return the same family of values that can be sent."""
    return Family(
        dict(family.nested),
        dict(family.kept),
        dict(family.secrets),
        family.shown,
        dict(family.bounds),
    )


# --- in the other processes ---------------------------------------------------------------------

Task: TypeAlias = tuple[Input, Family | None]


class Hand:
    """Works out one file after the other in a process of its own; nothing is written.

    `runner_of` is who handles a file; it raises ConfigError where its settings are wrong.
    """

    def __init__(
        self, runner_of: Callable[[Path], Runner], around: Around, judge: Validator | None
    ) -> None:
        self._runner_of = runner_of
        self._around = around
        self._judge = judge
        self._trees: dict[Path, None] = {}

    def __call__(self, task: Task) -> Told:
        """Work out a file by itself, or within its family."""
        entry, family = task
        self._enter(entry)
        runner = self._runner_of(entry.file)
        if family is not None:
            told = Told(within(entry, runner, family))
        else:
            handled = worked_out(entry, runner)
            told = Told(handled.result, handled.reaches)
        judged = self._judge.told() if self._judge is not None else Judged()
        return Told(told.result, told.reaches, judged)

    def _enter(self, entry: Input) -> None:
        """Forget the trees that the work has left behind."""
        tree = self._around.tree_of(entry)
        self._trees.pop(tree, None)
        self._trees[tree] = None
        if len(self._trees) > _TREES:
            oldest = next(iter(self._trees))
            del self._trees[oldest]
            self._around.leave(oldest)


@contextmanager
def helpers(
    inputs: Sequence[Input],
    jobs: int,
    begin: Callable[[], Hand],
    judge: Validator | None,
) -> Iterator[Ahead | None]:
    """Give those who work files out ahead; None where the files are not worth it."""
    number = worth(inputs, processors(jobs))
    if number < 2:
        yield None
        return
    from .pool import processes

    with processes(number, begin) as pool:
        yield Ahead(pool, judge)
