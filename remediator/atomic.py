"""Writes files so that a reader sees the old content or the new, never a part of it."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from .errors import FileError


def replace(file: Path, content: bytes, *, expected: bytes) -> None:
    """Put new content in place of a file, which keeps its mode and, if possible, its owner.

    A symbolic link stays one: its target is replaced. Raises FileError, and leaves the file as it
    is, where it no longer holds the `expected` bytes, is read-only or cannot be written.
    """
    target = file.resolve()
    try:
        before = target.stat()
        require_writable(file)
        if target.read_bytes() != expected:
            raise FileError("the file changed while remediator was at work; run again")
        _swap(target, content, before)
    except OSError as error:
        raise FileError(f"the file cannot be written: {error.strerror or error}") from error


def require_writable(file: Path) -> None:
    """Raise FileError where a file may not be replaced, with the cause."""
    target = file.resolve()
    if not os.access(target, os.W_OK):
        raise FileError("the file is read-only; make it writable and run again")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise FileError(f"folder {file.parent} is not writable; make it so and run again")


def create(file: Path, content: bytes, *, private: bool = False, mode: int | None = None) -> None:
    """Write a file that was asked for, over one that may be there.

    `private`: only its owner may read it. `mode`: the mode that it has. Either whatever it had.
    Raises FileError where it cannot be written.
    """
    target = file.resolve()
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(content)  # /dev/stdout and its like, or a folder: an error
        else:
            before = target.stat() if target.exists() else None
            _swap(target, content, before, mode=0o600 if private else mode)
    except OSError as error:
        raise FileError(f"cannot be written: {error.strerror or error}") from error


def _swap(
    target: Path,
    content: bytes,
    before: os.stat_result | None,
    *,
    mode: int | None = None,
) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if before is not None:
            # Another's file that we may write but not give away stays readable as it was.
            with contextlib.suppress(OSError, AttributeError):
                os.chown(temporary, before.st_uid, before.st_gid)
        if mode is None:
            mode = 0o666 & ~_umask() if before is None else stat.S_IMODE(before.st_mode)
        temporary.chmod(mode)  # the last step: no one else reads it before
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o022)  # there is no other way to read it
    os.umask(mask)
    return mask
