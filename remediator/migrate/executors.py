"""Where the work on repositories runs: processes of this machine, or a Dask cluster.

Both take a job and give a future. A worker may die, by the time limit, for want of memory or
because somebody ends it: then the future raises one of the errors in `died`, and the others go on.

Each process of this machine is a ProcessPoolExecutor of its own, of one process. So one that dies
takes no other with it, it is known which, and none has to be replaced by `max_tasks_per_child`,
which hangs before Python 3.13.15 (https://github.com/python/cpython/issues/115634).
"""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any, Protocol, TypeAlias

from .. import __version__
from ..errors import ConfigError
from ..interrupt import SIGNALS
from ..pool import safe_path
from . import process
from .jobs import Job, Worked
from .limit import limited

Work: TypeAlias = Callable[[Job], Worked]
RECYCLED = 200
"""Jobs after which a process makes room for a new one: what leaks, leaks no further."""
_START = 15
"""Seconds to wait for a scheduler."""
_ADDRESS = re.compile(r"(tcp|tls|ucx|ucxx|wss?|inproc)://.")
_LOOK = 10.0
"""Seconds after which a cluster is asked again how large it is."""


class Workers(Protocol):
    """Who does the work."""

    died: tuple[type[BaseException], ...]
    """What a future raises where the process at work is gone."""

    @property
    def capacity(self) -> int:
        """How many jobs they take at once."""

    def submit(self, job: Job) -> Future[Worked]:
        """Start the work on a repository."""

    def close(self) -> None:
        """End them; what is not done is given up."""


# --- this machine -----------------------------------------------------------------------------


class Processes:
    """Processes of this machine. `work` is what they do: a function that can be imported."""

    died: tuple[type[BaseException], ...] = (BrokenExecutor,)

    def __init__(self, number: int, work: Work, recycled: int = RECYCLED) -> None:
        self._work = work
        self._recycled = recycled
        # A fork would share our lock on the campaign, and our threads' locks; a server that forks
        # needs a socket whose path may be too long. A new process costs half a second, once.
        self._context = multiprocessing.get_context("spawn")
        self._life, self._line = self._context.Pipe(duplex=False)
        self._lanes: list[_Lane | None] = [None] * number

    @property
    def capacity(self) -> int:
        """One for each process."""
        return len(self._lanes)

    def submit(self, job: Job) -> Future[Worked]:
        """Start the work on a repository; raises RuntimeError where no process is idle."""
        for place, lane in enumerate(self._lanes):
            if lane is None or lane.is_idle:
                if lane is None or lane.jobs >= self._recycled or lane.is_broken:
                    lane = self._renewed(lane)
                self._lanes[place] = lane
                try:
                    return lane.submit(self._work, job)
                except BrokenExecutor:  # it died while it was idle
                    self._lanes[place] = lane = self._renewed(lane)
                    return lane.submit(self._work, job)
        raise RuntimeError("no process is idle")

    def _renewed(self, lane: _Lane | None) -> _Lane:
        if lane is not None:
            lane.executor.shutdown(wait=False)
        with safe_path():
            executor = ProcessPoolExecutor(
                1, mp_context=self._context, initializer=_begin, initargs=(self._life,)
            )
        return _Lane(executor)

    def close(self) -> None:
        """End the processes at once, with the programs that they started."""
        self._line.close()
        for lane in self._lanes:
            if lane is not None:
                lane.executor.shutdown(wait=True, cancel_futures=True)
        self._life.close()


class _Lane:
    """A process of this machine, and how many jobs it had."""

    def __init__(self, executor: ProcessPoolExecutor) -> None:
        self.executor = executor
        self.jobs = 0
        self._last: Future[Worked] | None = None

    @property
    def is_idle(self) -> bool:
        return self._last is None or self._last.done()

    @property
    def is_broken(self) -> bool:
        last = self._last
        return last is not None and last.done() and isinstance(last.exception(), BrokenExecutor)

    def submit(self, work: Work, job: Job) -> Future[Worked]:
        self.jobs += 1
        with safe_path():
            self._last = self.executor.submit(limited, work, job)
        return self._last


def _begin(life: Connection) -> None:
    """Make a process of this machine end when the driver does."""
    for number in SIGNALS:  # they may go to all of us; the driver decides
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(life,), daemon=True).start()


def _end_with(life: Connection) -> None:
    with suppress(EOFError, OSError):
        life.recv_bytes()  # never comes: the line ends with the driver, killed or not
    process.end_all()
    os._exit(1)


# --- a cluster --------------------------------------------------------------------------------


class Cluster:
    """The workers of a Dask scheduler. Raises ConfigError where it cannot be used."""

    def __init__(self, address: str, work: Work) -> None:
        try:
            from distributed import Client, KilledWorker
        except ImportError as error:
            raise ConfigError(
                "--scheduler needs the extra distributed: pipx install 'remediator[distributed]'"
            ) from error
        if not _ADDRESS.match(address):
            raise ConfigError(f"--scheduler {address}: is no address such as tcp://host:8786")
        self._work = work
        self.died: tuple[type[BaseException], ...] = (KilledWorker,)
        with ExitStack() as closing:
            try:
                connect: Any = Client
                self._client = connect(address, timeout=_START, set_as_default=False)
                closing.callback(self._client.close)
                self._client.wait_for_workers(1, timeout=_START)
                self._examine(address)
            except (OSError, ValueError, TimeoutError) as error:
                message = f"--scheduler {address}: no worker answers there ({error})"
                raise ConfigError(message) from error
            closing.pop_all()
        self._executor = self._client.get_executor(pure=False)
        self._capacity, self._looked = 1, float("-inf")

    def _examine(self, address: str) -> None:
        """Raise ConfigError where a worker would give other results than this machine."""
        try:
            versions = self._client.run(version)
        except ImportError as error:
            raise ConfigError(f"--scheduler {address}: a worker has no remediator") from error
        for worker, other in versions.items():
            if other != __version__:
                raise ConfigError(
                    f"--scheduler {address}: {worker} has remediator {other}, this machine has "
                    f"{__version__}; install the same version everywhere"
                )

    @property
    def capacity(self) -> int:
        """Two for each thread of the cluster, so that none waits for the driver."""
        if monotonic() - self._looked > _LOOK:
            try:
                self._capacity = max(2 * sum(self._client.nthreads().values()), 1)
            except (OSError, ValueError, RuntimeError) as error:
                message = f"the scheduler is gone ({error}); the next run goes on from here"
                raise ConfigError(message) from error
            self._looked = monotonic()
        return self._capacity

    def submit(self, job: Job) -> Future[Worked]:
        """Start the work on a repository; the scheduler starts it again where a worker dies."""
        future: Future[Worked] = self._executor.submit(limited, self._work, job)
        return future

    def close(self) -> None:
        """Leave the cluster; it goes on to exist."""
        self._executor.shutdown(wait=False)
        self._client.close()


def version() -> str:
    """Return the version of remediator where this runs."""
    return __version__
