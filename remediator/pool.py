"""Processes of this machine that answer tasks: values go in, values come out, nothing is shared.

One that dies, for want of memory or because somebody ends it, costs the task that it was at, and
the answers that it had not told yet: the others go on with the rest. Each has a line of its own,
and a thread here that waits for it; no lock and no queue is common to several, for one that dies
would keep it.

The answers come back in the order of the tasks. What a process cannot answer, the caller has to
work out himself, where an error is seen as ever.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from ctypes import c_longlong
from enum import Enum
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, TypeAlias

from .interrupt import SIGNALS

Work: TypeAlias = Callable[[Any], Any]
Begin: TypeAlias = Callable[[], Work]
"""Gives what answers tasks; called once in each process. Where processes are spawned it is
pickled."""

_TELL = 0.05
"""Seconds after which a process tells the answers that it has: to tell each costs more than some
answers do."""
_LOOK = 1.0
"""Seconds after which who waits for an answer looks for Ctrl-C: Windows does not wake it."""
_NUMBER = 4
"""Bytes of how many answers come together."""
_GRACE = 5.0
"""Seconds in which an idle process has to end."""


class Lost(Enum):
    """Why there is no answer to a task."""

    DIED = "died"
    """The process that was at it has ended."""
    UNABLE = "unable"
    """It raised an error, its answer cannot be sent, or no process is left."""


class Batch:
    """Tasks that one process is to answer, one after the other."""

    def __init__(self, tasks: Iterable[object]) -> None:
        self.rest = deque(tasks)
        """Those that have no answer yet."""
        self._told: SimpleQueue[tuple[int, bytes | Lost]] = SimpleQueue()
        self._answers: deque[Any] = deque()

    def answer(self, number: int, answers: bytes | Lost) -> None:
        """Answer so many of the next tasks."""
        for _ in range(number):
            self.rest.popleft()
        self._told.put((number, answers))

    def give_up(self) -> None:
        """Leave all that have no answer yet to the caller."""
        self.answer(len(self.rest), Lost.UNABLE)

    def next(self) -> Any:
        """Wait for the next answer, and return it; one of `Lost` where there is none."""
        while not self._answers:
            with suppress(Empty):
                self._answers.extend(_unpacked(*self._told.get(timeout=_LOOK)))
        return self._answers.popleft()


def _unpacked(number: int, answers: bytes | Lost) -> Sequence[Any]:
    if isinstance(answers, Lost):
        return [answers] * number
    try:
        found: Sequence[Any] = pickle.loads(answers)
        return found
    except Exception:  # noqa: BLE001 - whatever it is: they have to be worked out here
        return [Lost.UNABLE] * number


@contextmanager
def processes(number: int, begin: Begin, method: str | None = None) -> Iterator[Pool]:
    """Give a pool of so many processes for the length of a block, or of as many as there can be.

    `method` is how they are started; by default as `start_method` says.
    """
    pool = Pool()
    try:
        pool.start(number, begin, method or start_method())
        yield pool
    finally:
        pool.close()


def start_method() -> str:
    """Return how processes are started: forked where that is sound, else spawned.

    A fork has all that is imported, which costs a new process 0.3 seconds, and imports nothing
    again. It is sound where no other thread runs, whose locks would stay locked in the child, and
    no claim of a tree is held yet, which the child would share; and not on macOS, whose own
    libraries start threads (https://github.com/python/cpython/issues/77906).
    """
    return "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"


class Pool:
    """Processes, and the batches that wait for one."""

    def __init__(self) -> None:
        self._workers: list[_Worker] = []
        self._alive = 0
        self._waiting: deque[Batch] = deque()
        self._open = 0
        """Batches that are not answered yet."""
        self._closed = False
        self._changed = threading.Condition()

    @property
    def size(self) -> int:
        """How many processes were started."""
        return len(self._workers)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits for an answer."""
        return self._open == 0

    def start(self, number: int, begin: Begin, method: str) -> None:
        """Start so many processes, or as many as the system lets us have."""
        context: Any = multiprocessing.get_context(method)  # Any: each method has its own type
        if method == "spawn" and sys.platform != "win32":
            resource_tracker.ensure_running()  # it would let the signals through
        with _signals_wait(), suppress(OSError):
            for _ in range(number):
                ours, theirs = context.Pipe()
                # A fork has copies of our ends of the others' lines, which would keep them open.
                copies = [ours, *(each.line for each in self._workers)] if method == "fork" else []
                at = context.RawValue("q")
                process = context.Process(
                    target=_serve, args=(theirs, at, copies, Path.cwd(), begin), daemon=True
                )
                with safe_path():
                    process.start()
                theirs.close()
                self._workers.append(_Worker(process, ours, at))
        self._alive = len(self._workers)
        for worker in self._workers:
            worker.thread = threading.Thread(target=self._attend, args=(worker,), daemon=True)
            worker.thread.start()

    def submit(self, tasks: Sequence[object]) -> Batch:
        """Have a process answer some tasks, when one is idle."""
        batch = Batch(tasks)
        with self._changed:
            if self._alive:
                self._open += 1
                self._waiting.append(batch)
                self._changed.notify()
                return batch
        batch.give_up()
        return batch

    def close(self) -> None:
        """End the processes; those that are still at work at once."""
        with self._changed:
            self._closed = True
            abandoned = not self.is_idle
            self._changed.notify_all()
        for worker in self._workers:
            if abandoned:
                worker.process.kill()
            if worker.thread is not None:
                worker.thread.join(_GRACE)
            worker.line.close()
            worker.process.join(_GRACE)
            worker.process.kill()
            worker.process.join()

    # What the threads do.

    def _attend(self, worker: _Worker) -> None:
        """Give a process the next batch, as long as there is one and it lives."""
        with suppress(EOFError, OSError):
            worker.line.recv_bytes()  # it says that it is ready
            while (batch := self._next()) is not None:
                self._ask(worker, batch)
        with self._changed:
            self._alive -= 1
            while self._waiting and not self._alive:
                self._waiting.popleft().give_up()
                self._open -= 1

    def _next(self) -> Batch | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            return None if self._closed else self._waiting.popleft()

    def _ask(self, worker: _Worker, batch: Batch) -> None:
        """Have a process answer a batch. Raises EOFError or OSError where it dies, and leaves what
        it was not at to the others."""
        answered = 0
        worker.at.value = -1
        try:
            tasks = _packed(list(batch.rest))
            if tasks is None:
                batch.give_up()
            else:
                worker.line.send_bytes(tasks)
            while batch.rest:
                told = worker.line.recv_bytes()
                number = int.from_bytes(told[:_NUMBER], "big")
                batch.answer(number, told[_NUMBER:])
                answered += number
        except (EOFError, OSError):
            untold = worker.at.value - answered
            if untold >= 0:  # else it was at none
                batch.answer(untold, Lost.UNABLE)
                batch.answer(1, Lost.DIED)
            if batch.rest:
                with self._changed:
                    self._waiting.appendleft(batch)
                    self._open += 1
                    self._changed.notify()
            raise
        finally:
            with self._changed:
                self._open -= 1


class _Worker:
    """A process, our end of its line, and the thread that waits for it. `at` is memory common to
    both: the number of the task that it is at, of those that it was sent last; -1 for none."""

    def __init__(self, process: BaseProcess, line: Connection, at: c_longlong) -> None:
        self.process = process
        self.line = line
        self.at = at
        self.thread: threading.Thread | None = None


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Let signals wait while processes are started: they begin without those of the run."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def safe_path() -> Iterator[None]:
    """Let a Python that is started meanwhile import nothing from the current folder."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


# --- what the processes do ---------------------------------------------------------------------


def _serve(
    line: Connection,
    at: c_longlong,
    copies: Iterable[Connection],
    folder: Path,
    begin: Begin,
) -> None:
    """Answer the tasks that come, until the line is closed."""
    for number in SIGNALS:  # they may go to all of us; the run decides
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    for copy in copies:
        copy.close()
    os.chdir(folder)
    gc.disable()  # as the run itself does: what it looks at goes without it
    work: Work | None = None
    with suppress(EOFError, OSError):
        line.send_bytes(b"ready")
        while True:
            tasks = pickle.loads(line.recv_bytes())
            answers: list[object] = []
            last = monotonic()
            for place, task in enumerate(tasks):
                at.value = place
                try:
                    work = work or begin()
                    answers.append(work(task))
                except Exception:  # noqa: BLE001 - the run does it again, where it is seen
                    answers.append(Lost.UNABLE)
                if place == len(tasks) - 1 or monotonic() - last > _TELL:
                    line.send_bytes(len(answers).to_bytes(_NUMBER, "big") + _told(answers))
                    answers, last = [], monotonic()
    gc.freeze()  # all goes with the process: a last collection would walk through it for nothing


def _told(answers: Sequence[object]) -> bytes:
    """Return answers as they are sent; those that cannot be are left to the run."""
    told = _packed(answers)
    if told is None:
        sent = [Lost.UNABLE if _packed(answer) is None else answer for answer in answers]
        told = _packed(sent)
    return told or b""


def _packed(value: object) -> bytes | None:
    """Return a value as it is sent; None where it cannot be."""
    try:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError):
        return None
