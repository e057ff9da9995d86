"""Carries a campaign out: local work in parallel, proposals one after the other, all noted at once.

It is the only writer of the state. Whatever ends it, the next run goes on: what is noted as done is
not done again, and what was under way is looked at first by whoever does it (`publish`), so that
nothing is done twice.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..errors import ConfigError, RemediatorError, RemoteError, Stale, Throttled
from . import process
from .entry import At, Entry, Row, Status
from .executors import Workers
from .jobs import Job, Published, State, Step, Target, Via, Worked
from .opened import Opened
from .progress import Progress, Watch
from .queue import NEVER, Queue
from .state import now

Publish: TypeAlias = Callable[[Job, Worked, Target], Published]
_TICK = 5.0
"""Seconds after which it is told at the latest how far the run is."""
_LONGEST_WAIT = 600.0
_PATIENCE = 8
"""How often a server may say "too many requests" until the run gives up for this time."""


@dataclass(frozen=True, slots=True)
class _Started:
    """Work that is under way, since when, and what the clock showed."""

    name: str
    at: str
    clock: float


@dataclass(frozen=True, slots=True)
class _Proposing:
    """The proposal that is under way, and since when."""

    future: Future[Published]
    name: str
    at: str


@dataclass
class Driver:
    """A run of a campaign; without `publish` nothing is proposed, `at_most` so many."""

    opened: Opened
    workers: Workers
    publish: Publish | None
    watch: Watch = lambda _: None
    at_most: int = 0
    clock: Callable[[], float] = time.monotonic
    published: int = 0
    """Proposals that were made."""
    stopped: str = ""
    """Why the proposals ended before their time."""
    _jobs: dict[str, Job] = field(default_factory=dict)
    _local: Queue = field(default_factory=Queue)
    _proposals: Queue = field(default_factory=Queue)
    _running: dict[Future[Worked], _Started] = field(default_factory=dict)
    _proposing: _Proposing | None = None
    _next: float = 0.0
    _throttled: int = 0
    _earlier: int = 0
    _stale: Counter[str] = field(default_factory=Counter)
    _worked: set[str] = field(default_factory=set)
    _failed: set[str] = field(default_factory=set)
    _proposed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.campaign = self.opened.campaign
        self.state = self.opened.state
        self.shelf = self.opened.shelf

    def run(self) -> None:
        """Do what is to be done; raises RemediatorError where the run cannot go on."""
        self._begin()
        with ThreadPoolExecutor(1, "proposals") as publisher:
            try:
                while self._go_on(publisher):
                    pass
            except BaseException:
                self._end_proposal()
                raise

    def _end_proposal(self) -> None:
        """Stop the proposal that is under way: the next run looks how far it came."""
        while self._proposing is not None and not self._proposing.future.done():
            process.end_all()
            wait([self._proposing.future], timeout=0.2)

    # --- what is to be done -------------------------------------------------------------------

    def _begin(self) -> None:
        date = self.campaign.job.date or self.state.about("date", now())
        for each in self.opened.repositories:
            self._jobs[each.name] = self.campaign.job_of(each.name, each.url, date)
        self.state.take_list(self.opened.repositories)
        entries = [entry for entry in self.state.entries() if entry.listed]
        via = self.campaign.target.via
        self.shelf.keep([e.name for e in entries if e.is_changed and not e.is_proposed(via)])
        for entry in entries:
            self._plan(entry)
        self._tell()

    def _is_settled(self, entry: Entry) -> bool:
        """Whether nothing is left to do, or nothing that would be tried again."""
        way, settings = self.campaign.target.via, self.campaign.digest
        if entry.is_proposed(way):
            return way is not Via.FILES or entry.is_worked(settings)
        wrong = entry.wrong
        if wrong is not None and wrong.status is Status.FAILED:
            return wrong.settings in (settings, way)
        return entry.is_worked(settings) and not entry.is_changed

    def _plan(self, entry: Entry) -> None:
        """Put a repository where it waits for what is to be done next."""
        name = entry.name
        if self._is_settled(entry):
            self._worked.add(name)
            wrong = entry.wrong
            if wrong is not None:
                self._failed.add(name)
            elif entry.is_changed:
                self._proposed.add(name)
                self._earlier += not entry.is_worked(self.campaign.digest)
        elif entry.is_worked(self.campaign.digest) and self.shelf.get(name) is not None:
            self._worked.add(name)
            self._proposals.put(name)
        else:
            if At.COMMITTED in entry.rows or At.PROPOSED in entry.rows:
                self.state.redo(name)
            self._local.put(name)

    # --- the loop -----------------------------------------------------------------------------

    def _go_on(self, publisher: ThreadPoolExecutor) -> bool:
        """Start what can be started and take what is done; return whether anything is left."""
        self._start_work()
        self._start_proposal(publisher)
        under_way: list[Future[Any]] = [*self._running]
        if self._proposing is not None:
            under_way.append(self._proposing.future)
        wake = self._wake()
        if not under_way and wake == NEVER:
            return False
        patience = min(max(wake - self.clock(), 0.0), _TICK)
        if under_way:
            wait(under_way, timeout=patience, return_when=FIRST_COMPLETED)
        else:
            time.sleep(patience)
        for future in [future for future in self._running if future.done()]:
            self._take_work(future, self._running.pop(future))
        proposing = self._proposing
        if proposing is not None and proposing.future.done():
            self._proposing = None
            self._take_proposal(proposing)
        self._tell()
        return True

    def _wake(self) -> float:
        """Return when the next thing can be started."""
        times = [NEVER]
        if len(self._running) < self.workers.capacity:
            times.append(self._local.due)
        if self._proposing is None and self._may_propose and self._proposals:
            times.append(max(self._proposals.due, self._next))
        return min(times)

    @property
    def _may_propose(self) -> bool:
        is_enough = bool(self.at_most) and self.published >= self.at_most
        return self.publish is not None and not self.stopped and not is_enough

    def _after(self, attempts: int) -> float:
        """Return when to try again what was tried that often."""
        waited: float = self.campaign.pace.wait * 2 ** min(attempts - 1, 20)
        return self.clock() + min(waited, _LONGEST_WAIT)

    # --- local work ---------------------------------------------------------------------------

    def _start_work(self) -> None:
        while len(self._running) < self.workers.capacity:
            name = self._local.get(self.clock())
            if name is None:
                return
            future = self.workers.submit(self._jobs[name])
            self._running[future] = _Started(name, now(), self.clock())

    def _take_work(self, future: Future[Worked], started: _Started) -> None:
        name, settings = started.name, self.campaign.digest
        try:
            worked = future.result()
        except CancelledError as error:
            raise ConfigError("the workers are gone; the next run goes on from here") from error
        except self.workers.died:
            worked = _failed(name, self._why_dead(started))
        except Exception as error:  # noqa: BLE001 - one repository must not end the campaign
            # The error's own text may quote a template: only its type.
            worked = _failed(name, f"a defect of remediator ({type(error).__name__})")
        if worked.state is State.CHANGED:
            self.shelf.put(worked)
        row = self.state.worked(worked, settings, started.at, self.campaign.pace.attempts)
        if row.status is Status.AGAIN:
            self._local.put(name, self._after(row.attempts))
            self._tell(f"{name}: {row.error}; tried again")
            return
        self._worked.add(name)
        if row.status is Status.FAILED:
            self._failed.add(name)
            self._tell(f"{name}: {row.error}")
        elif worked.state is State.CHANGED:
            self._proposals.put(name)

    def _why_dead(self, started: _Started) -> str:
        limit = self.campaign.pace.time_limit
        if self.clock() - started.clock >= limit:
            return f"the work took longer than {limit:g} s and was ended ([work] time-limit)"
        return "the process that worked on it ended, perhaps for want of memory"

    # --- proposals ----------------------------------------------------------------------------

    def _start_proposal(self, publisher: ThreadPoolExecutor) -> None:
        at = self.clock()
        if self._proposing is not None or not self._may_propose or at < self._next:
            return
        name = self._proposals.get(at)
        if name is None:
            return
        worked = self.shelf.get(name)
        if worked is None:  # somebody removed it
            self._again(name)
            return
        assert self.publish is not None
        future = publisher.submit(self.publish, self._jobs[name], worked, self.campaign.target)
        self._proposing = _Proposing(future, name, now())

    def _take_proposal(self, proposing: _Proposing) -> None:
        name, target = proposing.name, self.campaign.target
        try:
            published = proposing.future.result()
        except Throttled as error:
            self._throttle(name, error)
        except Stale as error:
            self._stale[name] += 1
            if self._stale[name] < self.campaign.pace.attempts:
                self._again(name)
                self._tell(f"{name}: {error.message}; the work is done again")
            else:
                self._not_proposed(proposing, error.message, retryable=False)
        except RemoteError as error:
            self._not_proposed(proposing, error.message, retryable=error.retryable)
        except (RemediatorError, OSError) as error:
            message = error.message if isinstance(error, RemediatorError) else error.strerror
            self._not_proposed(proposing, message or type(error).__name__, retryable=True)
        except Exception as error:  # noqa: BLE001 - as above
            message = f"a defect of remediator ({type(error).__name__})"
            self._not_proposed(proposing, message, retryable=False)
        else:
            self.state.published(name, published, target.via, proposing.at)
            self.shelf.drop(name)
            self._proposed.add(name)
            self._throttled = 0
            if not published.done_before:
                self.published += 1
                self._next = self.clock() + self.campaign.pace.pause
            self._tell(" ".join([f"{name}: {published.state}", *published.places]))

    def _not_proposed(self, proposing: _Proposing, message: str, *, retryable: bool) -> None:
        name, via = proposing.name, self.campaign.target.via
        row = Row(At.PROPOSED, Status.FAILED, 1, proposing.at, now(), message, via)
        row = self.state.went_wrong(name, row, self.campaign.pace.attempts if retryable else 0)
        if row.status is Status.AGAIN:
            self._proposals.put(name, self._after(row.attempts))
            message += "; tried again"
        else:
            self._failed.add(name)
        self._tell(f"{name}: {message}")

    def _throttle(self, name: str, error: Throttled) -> None:
        """Let the whole queue wait: the limit is that of the server, not of a repository."""
        self._throttled += 1
        self._proposals.put(name)
        if self._throttled >= _PATIENCE:
            self.stopped = f"the server still asks to wait ({error.message})"
            return
        seconds = max(error.seconds, self.campaign.pace.wait * 2**self._throttled)
        self._next = self.clock() + seconds
        self._tell(f"{name}: {error.message}; proposals go on in {seconds:.0f} s")

    def _again(self, name: str) -> None:
        """Do the local work on a repository anew."""
        self.state.redo(name)
        self.shelf.drop(name)
        self._worked.discard(name)
        self._local.put(name)

    def remarks(self) -> Iterator[str]:
        """Yield what else to know of the run, in sentences."""
        if self._earlier:
            plural = "" if self._earlier == 1 else "s"
            yield f"Made with earlier settings and left alone: {self._earlier} proposal{plural}."
        if self.stopped:
            yield f"Proposals stopped: {self.stopped}."
        elif self.at_most and self._proposals:
            plural = "s" if self.published > 1 else ""
            yield f"Made {self.published} proposal{plural}; {len(self._proposals)} more to make."

    # --- how far it is ------------------------------------------------------------------------

    def _tell(self, told: str = "") -> None:
        self.watch(
            Progress(
                total=len(self._jobs),
                worked=len(self._worked),
                proposed=len(self._proposed),
                to_propose=len(self._proposals) + (self._proposing is not None),
                failed=len(self._failed),
                running=tuple(started.name for started in self._running.values()),
                paused=max(self._next - self.clock(), 0.0) if self._proposals else 0.0,
                told=told,
            )
        )


def _failed(name: str, error: str) -> Worked:
    return Worked(name, State.FAILED, step=Step.REPAIRED, error=error, retryable=True)
