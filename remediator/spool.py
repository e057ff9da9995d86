"""Bytes that are put aside until somebody asks for them, so that they take no memory meanwhile."""

from __future__ import annotations

from array import array
from contextlib import ExitStack, suppress
from io import BytesIO
from threading import Lock
from typing import IO

_IN_MEMORY = 1_000_000
"""Bytes that stay in memory; most trees have less, and their bytes never come to a disk."""


class Spool:
    """Contents by their numbers.

    Where they are many they lie in a temporary file that has no name: nobody else can open it, and
    it goes with the process, however that ends (Windows deletes it when it is closed). What no file
    takes, for want of a folder or of room, stays in memory.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] = BytesIO()
        self._may_move = True
        self._ends = array("Q", [0])
        """Where the contents end in the file; each begins where the one before it ends."""
        self._not_taken: dict[int, bytes] = {}
        self._lock = Lock()

    def put(self, content: bytes) -> int:
        """Put a content aside; returns its number."""
        with self._lock:
            number, start = len(self._ends) - 1, self._ends[-1]
            if self._may_move and start + len(content) > _IN_MEMORY:
                self._move()
            try:
                self._file.seek(start)
                _write(self._file, content)
                self._ends.append(start + len(content))
            except OSError:
                self._not_taken[number] = content
                self._ends.append(start)
            return number

    def get(self, number: int) -> bytes:
        """Return the content that has this number."""
        with self._lock:
            if number in self._not_taken:
                return self._not_taken[number]
            start, end = self._ends[number : number + 2]
            self._file.seek(start)
            return self._file.read(end - start)

    def __del__(self) -> None:
        self._file.close()  # Python would warn of one that is left to it

    def _move(self) -> None:
        """Go on in a temporary file, if there is one to be had; it is asked for once."""
        from tempfile import TemporaryFile  # not for a tree that fits into memory

        self._may_move = False
        self._file.seek(0)
        with suppress(OSError), ExitStack() as opened:
            file = opened.enter_context(TemporaryFile(buffering=0))
            _write(file, self._file.read())
            self._file = file
            opened.pop_all()


def _write(file: IO[bytes], content: bytes) -> None:
    """Write a content as a whole. Raises OSError where there is no room for it."""
    if file.write(content) < len(content):
        raise OSError("no room is left")
