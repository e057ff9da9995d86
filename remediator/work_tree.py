"""Where a file stands in its git work tree, so that `git apply` and `git diff` find it.

git itself is never run: the settings of a repository name programs (fsmonitor, hooks, what a lazy
fetch starts), and no list of those is sure to be complete. Its index is read instead:
https://git-scm.com/docs/index-format
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from . import regular

_MAX_INDEX = 200_000_000
"""Bytes of an index that is read: about a million files."""
_MAX_NAME = 4096
"""Linux: PATH_MAX. In version 4 a few bytes can repeat a name of any length."""
_MAX_LINK = 5_000
_SHA1, _SHA256 = 20, 32


def path_in_diff(file: Path) -> str:
    """Return a file's path from its work tree's root, else from the current folder."""
    try:
        real = file.resolve()
        root = _root(real) or Path.cwd().resolve()
        return real.relative_to(root).as_posix()
    except (OSError, RuntimeError, ValueError):
        return file.as_posix()


def folder_in_diff(folder: Path) -> PurePosixPath:
    """Return what `path_in_diff` begins with for files of a folder that are no links."""
    try:
        real = folder.resolve()
        root = _root(real / "file") or Path.cwd().resolve()
        return PurePosixPath(real.relative_to(root).as_posix())
    except (OSError, RuntimeError, ValueError):
        return PurePosixPath(folder.as_posix())


def untracked(files: Sequence[Path]) -> tuple[Path, ...]:
    """Return those of the files that `git diff` does not show: outside git, new or ignored.

    Where the index cannot be read, all of them.
    """
    by_root: dict[Path | None, list[Path]] = {}
    for file in files:
        by_root.setdefault(_root(file.resolve()), []).append(file)
    known: set[Path] = set()
    for root in by_root:
        if root is not None:
            known |= _tracked(root)
    return tuple(file for file in files if file.resolve() not in known)


def _root(file: Path) -> Path | None:
    return next((folder for folder in file.parents if (folder / ".git").exists()), None)


def _tracked(root: Path) -> set[Path]:
    try:
        index = regular.read(_git_folder(root) / "index", _MAX_INDEX)
        names = list(_names(index))
    except (OSError, ValueError, IndexError, struct.error):
        return set()
    return {root / name.decode("utf-8", "surrogateescape") for name in names}


def _git_folder(root: Path) -> Path:
    """Return where the index is: in `.git`, or where that file of a linked work tree points."""
    dot_git = root / ".git"
    if dot_git.is_dir():
        return dot_git
    content = regular.read(dot_git, _MAX_LINK).decode("utf-8", "surrogateescape")
    return root / content.removeprefix("gitdir:").strip()


def _names(index: bytes) -> Iterator[bytes]:
    """Yield the names of an index. Raises ValueError, IndexError or struct.error for a broken one.

    An entry: 40 bytes of file data, the object's hash, two bytes of flags (two more where bit 14 is
    set), the name, NULs to a multiple of eight; in version 4 one NUL, and the name is given as the
    bytes to take off the end of the one before and those to add.
    """
    signature, version, count = struct.unpack_from(">4sII", index)
    if signature != b"DIRC" or version not in (2, 3, 4):
        raise ValueError("no index that is known")
    to_flags = 40 + _hash_length(index)
    start = 12
    name = b""
    for _ in range(count):
        (flags,) = struct.unpack_from(">H", index, start + to_flags)
        at = start + to_flags + (4 if flags & 0x4000 else 2)
        if version == 4:
            cut, at = _varint(index, at)
            name = name[: len(name) - cut]
        else:
            name = b""
        end = index.index(b"\0", at)
        name += index[at:end]
        if len(name) > _MAX_NAME:
            raise ValueError("a name is longer than a path can be")
        start = end + 1 if version == 4 else start + (end - start + 8) // 8 * 8
        yield name


def _hash_length(index: bytes) -> int:
    """Return how long the hashes are: the first entry's name must begin behind the right one."""
    # The flags hold the length of the name, which a NUL follows.
    for length in (_SHA1, _SHA256):
        (flags,) = struct.unpack_from(">H", index, 12 + 40 + length)
        at = 12 + 40 + length + (4 if flags & 0x4000 else 2)
        if index[7] == 4:
            at = _varint(index, at)[1]
        if flags & 0xFFF and index.find(b"\0", at) == at + (flags & 0xFFF):
            return length
    return _SHA1


def _varint(index: bytes, at: int) -> tuple[int, int]:
    """Return a number as git writes offsets, and the place behind it."""
    value = index[at] & 0x7F
    while index[at] & 0x80:
        at += 1
        value = (value + 1) << 7 | index[at] & 0x7F
    return value, at + 1
