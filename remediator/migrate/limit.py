"""Ends a process in which the work on a repository does not come to an end.

Nothing within Python can: code that hangs in C, a regular expression for one, keeps every other
thread from running. `faulthandler` has a thread of its own in C, and ends the process.
"""

from __future__ import annotations

import faulthandler
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import IO

from .jobs import Job, Worked

GRACE = 15.0
"""Seconds beyond a job's own limit, which ends git in good order."""
_guard = threading.Lock()
_deadlines: dict[object, float] = {}
_nowhere: list[IO[str]] = []


def limited(work: Callable[[Job], Worked], job: Job) -> Worked:
    """Do the work on a repository in this process, which ends where that takes too long."""
    with ended_after(job.time_limit + GRACE):
        return work(job)


@contextmanager
def ended_after(seconds: float) -> Iterator[None]:
    """End this process if the block takes longer; several threads may each be in such a block."""
    mine = object()
    with _guard:
        _deadlines[mine] = monotonic() + seconds
        _arm()
    try:
        yield
    finally:
        with _guard:
            del _deadlines[mine]
            _arm()


def _arm() -> None:
    if not _deadlines:
        faulthandler.cancel_dump_traceback_later()
        return
    if not _nowhere:
        # What it prints names places in the code, and nobody would look for it.
        _nowhere.append(open(os.devnull, "w"))  # noqa: PTH123, SIM115 - open as long as we are
    left = max(min(_deadlines.values()) - monotonic(), 0.001)
    faulthandler.dump_traceback_later(left, exit=True, file=_nowhere[0])
