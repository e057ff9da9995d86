"""Writes files so that a reader sees the old content or the new, never a part of it.

A new content is written to a file beside the old one, which only its owner may read; it gets the
owner, group, extended attributes and mode of the old one, is written through to the disk, and then
takes its name. A process that is killed leaves the old file or the new one, and at worst the file
beside it, which the next run removes (`sweep`).

What remains: the old file is compared once more right before it is replaced, but no system offers
to compare and replace in one step. What another program writes in between, some microseconds, is
lost; so is what it writes into the old file that it holds open.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import metadata
from .errors import FileError
from .folder import Folder, Look

_TEMPORARY = re.compile(r"\..*\.remediator-[0-9a-f]{8}\.tmp", re.DOTALL)
_NAME = 50
"""Characters of a file's name that a temporary one tells: a name has 255 bytes at most."""
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
"""A name leads nowhere, or by way of a file or a link where there was a folder or a file."""
_CHANGED = "the file changed while remediator was at work; run again"


@dataclass(frozen=True, slots=True)
class Change:
    """A new content for a file that holds the `expected` one, and lies within a folder."""

    file: Path
    content: bytes
    expected: bytes
    within: Path | None = None


def replace(file: Path, content: bytes, *, expected: bytes, within: Path | None = None) -> None:
    """Put new content in place of a file, which keeps its owner, group, attributes and mode.

    A symbolic link stays one: its target is replaced. Raises FileError, and leaves the file as it
    is, where it no longer holds the `expected` bytes, is read-only, has other names (hard links),
    lies outside of the folder `within`, or cannot be written.
    """
    change = Change(file, content, expected, within)
    with _staged_change(change) as staged, _told(change):
        staged.swap()


def replace_all(changes: Sequence[Change]) -> None:
    """Put new contents in place of several files, as `replace` does: of all, or of none.

    All are written beside the old ones first, so that nothing but the names is left to change.
    Where a name cannot be changed then, the files before it get their old content back. Raises
    FileError, which names the file that stands in the way if there are several.
    """
    named = len(changes) > 1
    with ExitStack() as stack:
        everything = []
        for change in changes:
            with _told(change, named=named):
                everything.append(stack.enter_context(_staged_change(change)))
        swapped: list[_Staged] = []
        try:
            for staged in everything:
                with _told(staged.change, named=named):
                    staged.compare()
            for staged in everything:
                with _told(staged.change, named=named):
                    staged.swap()
                swapped.append(staged)
        except BaseException:
            for staged in swapped:
                staged.restore()
            raise


@dataclass(frozen=True, slots=True)
class _Staged:
    """A new content that is written beside the old one, in its folder."""

    change: Change
    folder: Folder
    name: str
    temporary: str
    before: Look

    def compare(self) -> None:
        """Raise FileError where the file is not what it was."""
        now = self.folder.look(self.name)
        if (now.state, now.content) != (self.before.state, self.change.expected):
            raise FileError(_CHANGED)

    def swap(self) -> None:
        """Give the new content the file's name."""
        self.compare()
        self.folder.rename(self.temporary, self.name)
        self.folder.sync()

    def restore(self) -> None:
        """Put the old content back, as far as that is possible."""
        dress = partial(metadata.apply, self.before.metadata)
        with (
            suppress(OSError),
            _staged(self.folder, self.name, self.before.content, dress) as temporary,
        ):
            self.folder.rename(temporary, self.name)


@contextmanager
def _staged_change(change: Change) -> Iterator[_Staged]:
    target = _target(change.file, change.within)
    with _told(change):
        folder = Folder(target.parent)
    with folder, ExitStack() as stack:
        with _told(change):
            before = folder.look(target.name)
            require_writable(change.file, change.within)
            if before.content != change.expected:
                raise FileError(_CHANGED)
            dress = partial(metadata.apply, before.metadata)
            written = _staged(folder, target.name, change.content, dress)
            temporary = stack.enter_context(written)
        yield _Staged(change, folder, target.name, temporary, before)


@contextmanager
def _told(change: Change, *, named: bool = False) -> Iterator[None]:
    """Tell what the system refuses as a FileError; `named` puts the file before its message."""
    try:
        try:
            yield
        except OSError as error:
            if error.errno in _GONE:
                raise FileError(_CHANGED) from error
            raise FileError(f"the file cannot be written: {error.strerror or error}") from error
    except FileError as error:
        if not named:
            raise
        raise FileError(f"{change.file}: {error.message}") from error


def require_writable(file: Path, within: Path | None = None) -> None:
    """Raise FileError where a file may not be replaced, with the cause and the way out."""
    target = _target(file, within)
    try:
        names = target.stat().st_nlink
    except OSError as error:
        raise FileError(f"the file cannot be found: {error.strerror or error}") from error
    if not os.access(target, os.W_OK):
        raise FileError("the file is read-only; make it writable and run again")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise FileError(f"folder {file.parent} is not writable; make it so and run again")
    _require_one_name(names)


def _require_one_name(names: int) -> None:
    if names > 1:
        raise FileError(
            f"the file has {names} names (hard links), and a repair would part them; write the "
            "repaired text elsewhere with -o FILE and copy it over with cp, which keeps them"
        )


def _target(file: Path, within: Path | None) -> Path:
    """Return where a file really lies; raises FileError where that is outside of `within`."""
    try:
        target = file.resolve()
        outside = within is not None and not target.is_relative_to(within.resolve())
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before 3.13
        raise FileError("its links cannot be followed; run again") from error
    if outside:
        raise FileError(
            f"it leads to {target}, outside of {within}, and is left; to repair that file, name it"
        )
    return target


def create(file: Path, content: bytes, *, private: bool = False, mode: int | None = None) -> None:
    """Write a file that was asked for, over one that may be there.

    `private`: only its owner may read it. `mode`: the mode that it has. Either whatever it had.
    Raises FileError where it cannot be written.
    """
    target = _target(file, None)
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(content)  # /dev/stdout and its like, or a folder: an error
            return
        with Folder(target.parent) as folder:
            before = folder.look(target.name) if target.exists() else None
            dress = _dress(before, private, mode)
            with _staged(folder, target.name, content, dress) as temporary:
                folder.rename(temporary, target.name)
            folder.sync()
    except OSError as error:
        raise FileError(f"cannot be written: {error.strerror or error}") from error


def _dress(before: Look | None, private: bool, mode: int | None) -> Callable[[int], None]:
    """Return what gives a new file, by its handle, all but its content."""

    def dress(handle: int) -> None:
        wanted = 0o600 if private else mode
        if before is not None:
            _require_one_name(before.names)
            metadata.apply(before.metadata, handle)
        elif wanted is None:
            wanted = 0o666 & ~_umask()
        if wanted is not None:
            metadata.set_mode(handle, wanted)

    return dress


def sweep(folder: Path) -> None:
    """Remove the temporary files that a killed run left in a folder; those in use stay."""
    with suppress(OSError), Folder(folder) as opened:  # what it holds is in nobody's way
        for name in opened.names():
            if _TEMPORARY.fullmatch(name):
                with suppress(OSError):
                    if opened.is_abandoned(name):
                        opened.remove(name)


@contextmanager
def _staged(
    folder: Folder, name: str, content: bytes, dress: Callable[[int], None]
) -> Iterator[str]:
    """Write a content to a file beside one, and give its name; it is removed on an error."""
    temporary = f".{name[:_NAME]}.remediator-{os.urandom(4).hex()}.tmp"
    handle = folder.create(temporary)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            dress(handle)
            os.fsync(handle)
            if os.name == "nt":
                stream.close()  # Windows renames no open file; elsewhere it stays locked
            yield temporary
    except BaseException:
        folder.remove(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0o022)  # there is no other way to read it
    os.umask(mask)
    return mask
