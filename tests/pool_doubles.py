"""What the processes of tests/test_pool.py do: spawned ones import it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path


def begin() -> Callable[[object], object]:
    """Return what answers tasks."""
    return answer


def cannot_begin() -> Callable[[object], object]:
    """Fail, as where something is not installed."""
    raise ValueError("no")


def answer(task: object) -> object:
    """Return the task, or do what it says."""
    match task:
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "fail":
            raise ValueError("no")
        case "what cannot be sent":
            return lambda: None
        case "what cannot be read":
            return Unreadable()
        case "pid":
            return os.getpid()
        case "folder":
            return Path.cwd()
        case "large":
            return "x" * 5_000_000
        case float():
            time.sleep(task)
    return task


class Unreadable:
    """A value that cannot be read where it arrives."""

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return broken, ()


def broken() -> object:
    """Fail."""
    raise ValueError("no")
