"""A folder that is held open: what is done there is done there, wherever its path leads meanwhile.

Every step on the way is opened without following links, so that a folder which somebody replaces
by a link is noticed; elsewhere than on Linux, the last step is. Windows has no such calls: there
the path itself is used, and a folder that is replaced in the moment of the writing is not noticed.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from . import metadata
from .errors import FileError
from .lock import lock

# Not every system has them. A pipe that somebody put in the place of a file must not block us.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_READ = os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0)
_FOLDER = os.O_RDONLY | _NO_LINK | getattr(os, "O_DIRECTORY", 0)


@dataclass(frozen=True, slots=True)
class Look:
    """A file as it was found: its content, and what of its state must be the same later on."""

    content: bytes
    state: tuple[int, ...]
    metadata: metadata.Metadata
    names: int


class Folder:
    """An open folder; a context. `path` must be a real one, without links; raises OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = _opened(path) if os.open in os.supports_dir_fd else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        if self._handle is not None:
            os.close(self._handle)

    def look(self, name: str) -> Look:
        """Return what a file is now; raises FileError where it is none, OSError."""
        handle = self._open(name, _READ)
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise FileError("it is no longer a regular file, and is left")
            state = (
                *(found.st_dev, found.st_ino, found.st_mode, found.st_nlink, found.st_uid),
                *(found.st_gid, found.st_size, found.st_mtime_ns, found.st_ctime_ns),
            )
            kept = metadata.read(handle, found)
            with os.fdopen(handle, "rb", closefd=False) as stream:
                return Look(stream.read(), state, kept, found.st_nlink)
        finally:
            os.close(handle)

    def create(self, name: str) -> int:
        """Create a file that only its owner may read; returns its handle, locked by this run."""
        handle = self._open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _NO_LINK)
        lock(handle)
        return handle

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, in place of the one that has it."""
        os.replace(self._at(old), self._at(new), src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(FileNotFoundError):
            os.unlink(self._at(name), dir_fd=self._handle)

    def sync(self) -> None:
        """Have the names of the files outlive a power failure, where the system can do that."""
        if self._handle is not None:
            with suppress(OSError):  # the files are what they are: nothing is undone here
                os.fsync(self._handle)

    def names(self) -> list[str]:
        """Return the names of what is in the folder."""
        return os.listdir(self._path if self._handle is None else self._handle)  # noqa: PTH208

    def is_abandoned(self, name: str) -> bool:
        """Whether a file that `create` made is left over: whoever is writing it has it locked."""
        handle = self._open(name, _READ)
        try:
            return stat.S_ISREG(os.fstat(handle).st_mode) and lock(handle)
        finally:
            os.close(handle)

    def _open(self, name: str, flags: int) -> int:
        return os.open(self._at(name), flags, 0o600, dir_fd=self._handle)

    def _at(self, name: str) -> str:
        return str(self._path / name) if self._handle is None else name


def _opened(path: Path) -> int:
    if sys.platform != "linux":
        return os.open(path, _FOLDER)  # to pass a folder on the way, one would have to read it
    handle = os.open(path.anchor, _FOLDER | os.O_PATH)
    for name in path.parts[1:]:
        try:
            inner = os.open(name, _FOLDER | os.O_PATH, dir_fd=handle)
        finally:
            os.close(handle)
        handle = inner
    try:
        return os.open(".", _FOLDER, dir_fd=handle)
    finally:
        os.close(handle)
