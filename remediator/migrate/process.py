"""Runs other programs: without a terminal, within a time, and nothing of them outlives an error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..errors import RemoteError

_TAIL = 64_000
"""Bytes of what a program says on its standard error that are kept: the last ones."""
_GRACE = 1.0

_running: set[subprocess.Popen[bytes]] = set()
_guarded = threading.Lock()


@dataclass
class Process:
    """A program that runs; `code` and `said`, its standard error, are there when it has ended."""

    output: IO[bytes]
    code: int = 0
    said: str = ""


@contextmanager
def stream(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    deadline: float,
    given: bytes = b"",
    *,
    name: str,
) -> Iterator[Process]:
    """Run a program in a folder for the length of the block, which reads what it prints.

    `given` is its standard input, `deadline` of `time.monotonic`, `name` what errors call it. It is
    stopped, with all that it started, when the time is over or the block raises. Raises RemoteError
    where it took too long, or where there is no such program.
    """
    with tempfile.TemporaryFile(dir=folder) as stdin:
        stdin.write(given)
        stdin.seek(0)
        child = _started(command, stdin, folder, environment, name)
        assert child.stdout is not None
        process = Process(child.stdout)
        tail = _Tail(child)
        late = threading.Event()
        timer = threading.Timer(max(0.0, deadline - time.monotonic()), _stop, (child, late))
        timer.start()
        try:
            yield process
            child.stdout.close()
            process.code = child.wait()
        except Exception as error:
            if late.is_set():  # what the block made of half an output is of no interest
                raise _too_late(name) from error
            raise
        finally:
            timer.cancel()
            _stop(child)
            child.stdout.close()
            with _guarded:
                _running.discard(child)
            process.said = tail.text()
    if late.is_set():
        raise _too_late(name)


def end_all() -> None:
    """Stop all programs that this process runs now; may be called from any thread."""
    with _guarded:
        running = list(_running)
    for child in running:
        _stop(child)


def _started(
    command: Sequence[str],
    stdin: IO[bytes],
    folder: Path,
    environment: Mapping[str, str],
    name: str,
) -> subprocess.Popen[bytes]:
    try:
        with _guarded:
            child = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=environment,
                start_new_session=True,  # no terminal to ask on, and one group to stop
            )
            _running.add(child)
    except FileNotFoundError as error:
        raise RemoteError(f"{name.split()[0]} is not installed, or not on the PATH") from error
    return child


def _too_late(name: str) -> RemoteError:
    return RemoteError(f"{name} took too long and was stopped", retryable=True)


def _stop(child: subprocess.Popen[bytes], late: threading.Event | None = None) -> None:
    if child.poll() is not None:
        return
    if late is not None:
        late.set()
    try:
        if sys.platform == "win32":
            child.kill()
        else:
            os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # it has ended
    child.wait()


class _Tail:
    """Reads what a program says on its standard error, so that it never waits; keeps the end."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stderr is not None
        self._stream = child.stderr
        self._kept = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._stream:
            while chunk := os.read(self._stream.fileno(), _TAIL):
                self._kept = (self._kept + chunk)[-_TAIL:]

    def text(self) -> str:
        """Return the end of it. What the program left running may hold it open: not waited for."""
        self._thread.join(_GRACE)
        return self._kept.decode("utf-8", "replace")
