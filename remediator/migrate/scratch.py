"""Private folders to work in, which go whatever ends the work; those of killed runs go later.

Each is locked while it is in use. The kernel gives the lock back when a process ends, so a folder
that can be locked is nobody's any more. Where there is no flock (Windows) none is swept.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PREFIX = "remediator-migrate-"


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a new folder that only its owner may enter; it is removed at the end of the block.

    What killed runs of the same user left is removed first. Raises OSError where there is no room.
    """
    sweep(Path(tempfile.gettempdir()))
    place, handle = _made()
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def _made() -> tuple[Path, int | None]:
    """Make a folder and lock it; another one, where a sweep of somebody else came in between."""
    while True:
        place = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
        if sys.platform == "win32":
            return place, None
        with suppress(FileNotFoundError):
            handle = _locked(place)
            if handle is not None and place.exists():
                return place, handle


def sweep(parent: Path) -> None:
    """Remove the folders below that no running process holds."""
    if sys.platform == "win32":
        return
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False):
                with suppress(OSError):
                    _remove_if_abandoned(Path(entry.path))


def _remove_if_abandoned(place: Path) -> None:
    if sys.platform != "win32" and place.lstat().st_uid == os.getuid():
        handle = _locked(place)
        if handle is not None:
            shutil.rmtree(place, ignore_errors=True)
            os.close(handle)


def _locked(place: Path) -> int | None:
    """Return a handle that holds the lock of a folder, None where somebody else has it."""
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
