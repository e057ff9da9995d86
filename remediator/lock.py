"""Keeps two writing runs off one tree: the tree's folder itself is locked, no file is left in it.

The kernel gives a lock (flock) back when its process ends, however that happens. What it does not
do: it keeps off other runs of remediator only, and on a network file system those of the same
machine only. Where there is no flock (Windows, some file systems) nothing is locked; then two runs
may do the same work, but `atomic` still compares before it replaces, so that neither loses what
the other wrote. A child that is forked without exec shares the locks of its parent.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from .discover import is_tree, tree_of
from .errors import FileError

if sys.platform != "win32":
    import fcntl


class _Claim(NamedTuple):
    tree: Path
    folders: frozenset[Path]
    """What is locked for it: the tree and, where no `.git` bounds it, the folders above."""
    handles: ExitStack


class Claims:
    """The trees that a run has for itself, each within the one before; a context.

    A tree is given back when the run goes on outside of it: a PATH above very many trees must not
    use up the file descriptors.
    """

    def __init__(self) -> None:
        self.folder: Path | None = None
        """The folder, as it was found, that the run is at work in."""
        self._claims: list[_Claim] = []
        self._refused: dict[Path, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        while self._claims:
            self._release()

    def enter(self, folder: Path, root: Path) -> None:
        """Claim the tree of a folder, which is `root` where no `.git` says better.

        Both are real paths, without links. Raises FileError where another run has the tree, then
        and for the rest of this run.
        """
        self.folder = None
        tree = tree_of(folder / "any", root)
        while self._claims and not tree.is_relative_to(self._claims[-1].tree):
            self._release()
        if self._claims and self._claims[-1].tree == tree:
            return
        if tree in self._refused:
            raise FileError(self._refused[tree])
        with ExitStack() as handles:
            folders = frozenset(self._locked(tree, handles))
            self._claims.append(_Claim(tree, folders, handles.pop_all()))

    def _locked(self, tree: Path, handles: ExitStack) -> Iterator[Path]:
        """Lock what a tree needs, and yield it."""
        for folder, shared in self._needed(tree):
            try:
                handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
            except PermissionError:  # we may pass a folder, but not read it: so may others
                continue
            except OSError as error:
                message = f"folder {folder} cannot be locked: {error.strerror or error}"
                raise FileError(message) from error
            handles.callback(os.close, handle)
            if not lock(handle, shared=shared):
                message = f"another run of remediator is at work on {folder}"
                self._refused[tree] = f"{message}; run again when it has ended"
                raise FileError(self._refused[tree])
            yield folder

    def _needed(self, tree: Path) -> Iterator[tuple[Path, bool]]:
        """Yield the folders to lock, and whether in common with others.

        Without `.git` a tree is the PATH given, and another run may be given one above or below
        it: so the folders above are locked, too, in common with the runs that do the same.
        """
        yield tree, False
        if not is_tree(tree):
            ours = {folder for claim in self._claims for folder in claim.folders}
            yield from ((folder, True) for folder in tree.parents if folder not in ours)

    def _release(self) -> None:
        self._claims.pop().handles.close()


def lock(handle: int, *, shared: bool = False) -> bool:
    """Lock an open file until it is closed; False where another has it, True without flock."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # this file system has none
    return True
