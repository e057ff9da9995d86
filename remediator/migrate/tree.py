"""Which files of a repository the work needs, and how they come into a private folder.

Only what `remediator fix` would look at in a clone: what may be a template, what may call one, and
settings. Links are not made: `fix` does not follow those that it meets in a tree either. It does
follow a settings file that is one; here that is refused, else its owners' wishes would be missed.
What is in a submodule belongs to another repository.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ..config import OWN_FILE, PROJECT_FILE
from ..errors import RemoteError
from ..tree_files import SUFFIXES, is_found
from .git import Git

MOST_FILES = 100_000
MOST_BYTES = 2_000_000_000
"""Of all files together that are written into the folder."""
TEMPLATE_SUFFIXES = frozenset({"", ".txt", ".cf", ".cform", ".cloudformation", ".tpl", ".tmpl"})
"""How the names of templates end besides those that may call one."""
_FILE = re.compile(rb"(\d{6}) blob ([0-9a-f]{40,64})\t(.*)", re.DOTALL)
_REGULAR = {b"100644": "100644", b"100664": "100644", b"100755": "100755"}
_LONGEST = 4096
"""Linux: PATH_MAX."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file of a commit: its mode, the id of its content, and its path."""

    mode: str
    blob: str
    path: str


def entries(git: Git, commit: str) -> tuple[Entry, ...]:
    """Return the files of a commit that the work needs.

    Raises RemoteError where one has a path that leads out of the tree or into git's own folder, or
    where they are too many.
    """
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit)
    found = tuple(_needed(listed.split(b"\0")))
    if len(found) > MOST_FILES:
        raise RemoteError(f"the repository holds more than {MOST_FILES:,} files to look at")
    return found


def _needed(lines: Iterable[bytes]) -> Iterator[Entry]:
    for line in lines:
        match = _FILE.fullmatch(line)
        if match is None:
            continue  # a submodule
        path = os.fsdecode(match[3])
        if match[1] not in _REGULAR:
            if PurePosixPath(path).name == OWN_FILE:
                raise RemoteError(f"{path} is a link, which is not followed; make it a file")
            continue
        if _is_needed(PurePosixPath(path)):
            if not _is_sound(path):
                raise RemoteError(f"the repository holds a path that may not be: {path!r}")
            yield Entry(_REGULAR[match[1]], match[2].decode(), path)


def _is_needed(path: PurePosixPath) -> bool:
    if path.name in (OWN_FILE, PROJECT_FILE):
        return True
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES and suffix not in TEMPLATE_SUFFIXES:
        return False
    return is_found(path)


def _is_sound(path: str) -> bool:
    """Whether a path stays below the folder, and out of git's own however it is spelled."""
    parts = path.split("/")
    bare = [re.sub(r"[\s.]+$", "", part.partition(":")[0]).lower() for part in parts]
    return (
        len(os.fsencode(path)) <= _LONGEST
        and "\\" not in path
        and not any(part in ("", ".", "..") for part in parts)
        and not any(part in (".git", "git~1") for part in bare)
    )


def write(git: Git, found: Sequence[Entry], folder: Path) -> None:
    """Write the files into a folder that is empty; a file that cannot be read ends it.

    Raises RemoteError, and OSError where the disk is full.
    """
    wanted = "".join(f"{entry.blob}\n" for entry in found).encode()
    left = MOST_BYTES
    with git.stream("cat-file", "--batch", given=wanted) as output:
        for entry in found:
            size = _size(output.readline(), entry)
            left -= size
            if left < 0:
                raise RemoteError(f"the files to look at have more than {MOST_BYTES:,} bytes")
            _copy(output, folder / entry.path, size, entry.mode)
            output.read(1)


def _size(header: bytes, entry: Entry) -> int:
    words = header.split()
    if len(words) != 3 or words[:2] != [entry.blob.encode(), b"blob"]:
        raise RemoteError(f"{entry.path} cannot be read from the repository", retryable=True)
    return int(words[2])


def _copy(source: IO[bytes], target: Path, size: int, mode: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(target, flags, 0o700 if mode == "100755" else 0o600)
    except FileExistsError as error:
        name = target.name
        raise RemoteError(f"two files differ by the case of their names alone: {name}") from error
    with open(handle, "wb") as stream:  # noqa: PTH123 - a descriptor is no path
        while size:
            chunk = source.read(min(size, 1_000_000))
            if not chunk:
                raise RemoteError("the repository cannot be read to its end", retryable=True)
            stream.write(chunk)
            size -= len(chunk)
