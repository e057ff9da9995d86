"""Reads regular files of a tree that nobody vouches for: nothing that hangs, nothing without end.

A FIFO waits for a writer, a device may never end, and a link leads to files that are none of the
tree's. Which of these a name stands for is asked of the opened file, not of the name.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read(file: Path, most: int, *, follow: bool = True) -> bytes:
    """Return the bytes of a regular file.

    `follow`: whether a symbolic link is followed. Raises OSError for what is no regular file, is
    larger than `most` bytes or cannot be read; the error's `strerror` says which.
    """
    # Opening a FIFO to read would wait without O_NONBLOCK; Windows has neither flag nor FIFO.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(file, flags), "rb") as stream:  # noqa: PTH123 - a descriptor is no path
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(0, "it is no regular file", str(file))
        # Not `most`, for which room would be made each time; a file of /proc says it has nothing.
        content = stream.read(min(found.st_size or most, most) + 1)
    if len(content) > most:
        raise OSError(0, f"it has more than {most:,} bytes", str(file))
    return content


def is_inside(file: Path, folder: Path) -> bool:
    """Whether a path leads, through all its links, to a place below a folder."""
    try:
        return file.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links in a circle
        return False
