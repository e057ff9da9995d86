"""Finds the files that a run looks at: PATHs expanded, each file once, nothing outside a tree."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

NEVER_SEARCHED = frozenset({"node_modules", "__pycache__", "site-packages"})
"""Folders of other people's files; hidden ones are never searched either."""


@dataclass(frozen=True, slots=True)
class Input:
    """A file to look at. `named`: it was given as a PATH itself, not met in a folder."""

    folder: Path
    name: str
    named: bool
    root: Path
    """The PATH that led here (a file's own folder): the tree, where no `.git` says better."""

    @classmethod
    def of(cls, file: Path, *, named: bool, root: Path) -> Input:
        """Return the input that a path stands for."""
        return cls(file.parent, file.name, named, root)

    @property
    def file(self) -> Path:
        """Its path. It is made when asked for: it takes four times as much as what it is made of,
        and a run knows all its inputs from the beginning to the end."""
        return self.folder / self.name

    @property
    def limit(self) -> Path:
        """The folder that no link may lead out of: the tree of a named file, else the PATH."""
        return tree_of(self.file, self.root) if self.named else self.root


class Unusable(NamedTuple):
    """A PATH that cannot be looked at, and why."""

    path: Path
    reason: str


def expand(paths: Sequence[Path]) -> Iterator[Input | Unusable]:
    """Yield the files of these PATHs in a fixed order, each file once.

    Folders are searched recursively, save hidden ones and those of `NEVER_SEARCHED`. Links met
    there are not followed: one inside the tree leads to a file that is met anyway, one outside
    of it is not ours to change.
    """
    seen: set[Path] = set()
    for path in paths:
        try:
            found = list(_below(path))
        except OSError as error:
            yield Unusable(path, f"cannot be read: {error.strerror or error}")
            continue
        for entry in found:
            if isinstance(entry, Input) and len(paths) > 1:
                real = entry.file.resolve()
                if real in seen:
                    continue
                seen.add(real)
            yield entry


def _below(path: Path) -> Iterator[Input | Unusable]:
    if path.is_dir():
        for entry in _walked(path):
            if isinstance(entry, Unusable):
                yield entry
            else:
                folder, name = entry
                # Interned, as the parts of paths are: what a tree knows of the file shares it.
                yield Input(folder, sys.intern(name), named=False, root=path)
    elif path.is_file():
        yield Input.of(path, named=True, root=path.parent)
    elif path.exists():
        yield Unusable(path, "is neither a file nor a folder")
    elif path.is_symlink():
        yield Unusable(path, "is a link that leads nowhere, or in a circle")
    else:
        yield Unusable(path, "no such file or folder")


def walk(folder: Path, hidden: Container[str] = ()) -> Iterator[Path | Unusable]:
    """Yield the regular files below a folder that are not hidden, sorted; links not followed.

    Files of the names in `hidden` count, though they are hidden.
    """
    for entry in _walked(folder, hidden):
        yield entry if isinstance(entry, Unusable) else entry[0] / entry[1]


def _walked(folder: Path, hidden: Container[str] = ()) -> Iterator[tuple[Path, str] | Unusable]:
    """Yield such files as the folder that each is in, and its name there."""
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield Unusable(here, f"the folder cannot be read: {error.strerror or error}")
            continue
        folders = []
        for entry in listed:
            if entry.name.startswith("."):
                if entry.name in hidden and entry.is_file(follow_symlinks=False):
                    yield here, entry.name
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in NEVER_SEARCHED:
                    folders.append(here / entry.name)
            elif entry.is_file(follow_symlinks=False):
                yield here, entry.name
        waiting.extend(reversed(folders))


def is_tree(folder: Path) -> bool:
    """Whether a folder is the root of a git work tree."""
    return (folder / ".git").exists()


def tree_of(file: Path, root: Path, is_tree: Callable[[Path], bool] = is_tree) -> Path:
    """Return the tree a file belongs to: the nearest folder above with `.git`, else `root`.

    `is_tree` may remember what it has seen.
    """
    here = file.absolute()
    if ".." in here.parts:  # else `../x.yaml` would seem to lie below the current folder
        here = here.parent.resolve() / here.name
    return next((folder for folder in here.parents if is_tree(folder)), root.absolute())
