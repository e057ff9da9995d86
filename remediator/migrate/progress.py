"""How a run is shown while it goes on: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ..report.screen import visible_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

_PERIOD = 30.0
"""Seconds between two lines about how far a run is, in a log."""
_RECENT = 60.0
"""Seconds over which the rate is taken."""
_NAMED = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, in numbers of repositories."""

    total: int = 0
    """That this run has to do with."""
    worked: int = 0
    """Of them, those whose local work is done, in this run or before."""
    proposed: int = 0
    to_propose: int = 0
    failed: int = 0
    running: tuple[str, ...] = ()
    paused: float = 0.0
    """Seconds until the next proposal may be made."""
    told: str = ""
    """What happened last, in a line."""


Watch: TypeAlias = Callable[[Progress], None]
"""Is told how far a run is, each time that something happens."""


@dataclass
class Pace:
    """How many repositories are done in a second, of late, and how long the rest will take."""

    clock: Callable[[], float] = time.monotonic
    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def take(self, done: int) -> None:
        """Note how many are done now."""
        at = self.clock()
        self._seen.append((at, done))
        while len(self._seen) > 2 and self._seen[1][0] <= at - _RECENT:
            self._seen.popleft()

    @property
    def rate(self) -> float:
        """Repositories a second; 0 where none was done."""
        (start, before), (end, after) = self._seen[0], self._seen[-1]
        return (after - before) / (end - start) if end > start else 0.0

    def left(self, number: int) -> str:
        """Return how long that many will take, in words; empty where nobody can tell."""
        if not number or not self.rate:
            return ""
        seconds = round(number / self.rate)
        hours, minutes = divmod(seconds // 60, 60)
        if hours:
            return f"{hours} h {minutes:02} min left"
        return f"{minutes} min {seconds % 60:02} s left" if minutes else f"{seconds} s left"


def line(progress: Progress, pace: Pace) -> str:
    """Return how far a run is, in one line."""
    parts = [f"{progress.worked} of {progress.total} repositories"]
    if pace.rate:
        parts.append(f"{pace.rate:.1f}/s")
    parts.append(pace.left(progress.total - progress.worked))
    if progress.proposed or progress.to_propose:
        parts.append(f"{progress.proposed} proposed, {progress.to_propose} to go")
    if progress.paused >= 1:
        parts.append(f"goes on in {progress.paused:.0f} s")
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    return ", ".join(part for part in parts if part)


@contextmanager
def lines(say: Callable[[str], None]) -> Iterator[Watch]:
    """Give what tells a log, by `say`, what happens and now and then how far the run is."""
    pace, last = Pace(), time.monotonic()

    def watch(progress: Progress) -> None:
        nonlocal last
        pace.take(progress.worked)
        if progress.told:
            say(visible_line(progress.told))
        if time.monotonic() - last >= _PERIOD:
            last = time.monotonic()
            say(line(progress, pace))

    yield watch


@contextmanager
def bars(console: Console) -> Iterator[Watch]:
    """Give what shows on a terminal how far a run is, and above it what goes wrong."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[said]}", markup=False),
    )
    with Bars(*columns, console=console, transient=True) as shown:
        display = _Display(shown, shown.add_task("Working", total=None, said=""))
        yield display.take


class _Display:
    def __init__(self, bars: Bars, work: TaskID) -> None:
        self._bars = bars
        self._work = work
        self._proposals: TaskID | None = None
        self._pace = Pace()

    def take(self, progress: Progress) -> None:
        self._pace.take(progress.worked)
        if progress.told:
            text = visible_line(progress.told)
            self._bars.console.print(text, markup=False, highlight=False, soft_wrap=True)
        self._bars.update(
            self._work,
            total=progress.total,
            completed=progress.worked,
            said=self._of_work(progress),
        )
        if not progress.proposed and not progress.to_propose:
            return
        if self._proposals is None:
            self._proposals = self._bars.add_task("Proposing", total=None, said="")
        paused = f"goes on in {progress.paused:.0f} s" if progress.paused >= 1 else ""
        self._bars.update(
            self._proposals,
            total=progress.proposed + progress.to_propose,
            completed=progress.proposed,
            said=paused,
        )

    def _of_work(self, progress: Progress) -> str:
        parts = [f"{self._pace.rate:.1f}/s"] if self._pace.rate else []
        parts.append(self._pace.left(progress.total - progress.worked))
        if progress.failed:
            parts.append(f"{progress.failed} failed")
        parts.append(visible_line(", ".join(progress.running[:_NAMED])))
        return " · ".join(part for part in parts if part)
