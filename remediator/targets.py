"""The files that a run is asked to write: looked at before anything is done, never over a template.

A forgotten argument must cost nobody a file: in `fix --diff templates/*.yaml` the shell makes the
first template the target. Nor may the tree that is repaired say where a file is written: a link in
it that is called `repair.diff` may lead anywhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .discover import tree_of
from .errors import FileError
from .regular import is_inside
from .report.page import PAGE_HEAD
from .report.seed import SCRIPT_HEAD

_HEAD = 1_000_000
_KINDS = {
    "--diff": "diff",
    "--patch": "patch",
    "--deploy-policy": "policy",
    "--seed-script": "script",
    "--report": "page",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A file that was asked for, by the option of this name."""

    option: str
    file: Path

    @property
    def is_output(self) -> bool:
        """Whether it takes the template itself, not what is told of it."""
        return self.option == "--output"


def examine(targets: Sequence[Target], inputs: Sequence[str]) -> None:
    """Raise FileError where a target cannot be written, or holds something that it would destroy.

    `inputs` are the PATHs of the run.
    """
    seen: dict[Path, str] = {}
    for target in targets:
        where = f"{target.option} {target.file}"
        if target.file == Path("-"):
            raise FileError(f"{where}: name a file; nothing was changed")
        try:
            _examine_place(target.file, where)
            _examine_way(target.file, where, inputs)
            real = target.file.resolve()
            if real in seen:
                raise FileError(f"{where}: is the file of {seen[real]} too; name another")
            seen[real] = target.option
            if target.file.is_file():
                _examine_content(target, where, inputs)
        except OSError as error:
            raise FileError(
                f"{where}: cannot be read: {error.strerror or error}; nothing was changed"
            ) from error


def _examine_place(file: Path, where: str) -> None:
    folder = file.resolve().parent
    if not folder.is_dir():
        raise FileError(f"{where}: folder {file.parent} does not exist; nothing was changed")
    if file.is_dir():
        raise FileError(f"{where}: is a folder; nothing was changed")
    if file.exists() and not file.is_file():
        return  # /dev/stdout and its like
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(f"{where}: folder {file.parent} is not writable; nothing was changed")


def _examine_way(file: Path, where: str, inputs: Sequence[str]) -> None:
    """Refuse a place in the tree of an input that leads out of it, or to a pipe or device."""
    for name in inputs:
        path = _named(Path(name))
        root = tree_of(path / "any", path) if path.is_dir() else tree_of(path, path.parent)
        if not _named(file).is_relative_to(root):
            continue
        if not is_inside(file, root):
            raise FileError(f"{where}: a link there leads out of {root}; name the file it leads to")
        if file.exists() and not file.is_file():
            raise FileError(f"{where}: is no regular file; name a new one")


def _named(file: Path) -> Path:
    """Return a path from the root as it is written, its links not followed."""
    return Path(os.path.normpath(file.absolute()))


def _examine_content(target: Target, where: str, inputs: Sequence[str]) -> None:
    kind = _KINDS.get(target.option, "template")
    is_input = any(_is_same(target.file, Path(name)) for name in inputs)
    if target.is_output:
        if is_input:
            raise FileError(f"{where}: is the input; without {target.option} it is repaired there")
        return
    with target.file.open("rb") as stream:
        head = stream.read(_HEAD).decode("utf-8", errors="replace")
    if is_input or ("Resources" in head.split("\n+++ ")[0] and not _holds("page", head)):
        if is_input or not _holds(kind, head):
            raise FileError(f"{where}: is a template; name a new file for the {kind}")
    elif head and not _holds(kind, head):
        raise FileError(f"{where}: exists and is no {kind}; name a new file for the {kind}")


def _is_same(file: Path, other: Path) -> bool:
    return other.exists() and file.samefile(other)


def _holds(kind: str, text: str) -> bool:
    """Whether a text is of this kind, as an earlier run may have left it."""
    if kind == "script":
        return text.startswith(SCRIPT_HEAD)
    if kind == "page":
        return text.startswith(PAGE_HEAD)
    if kind == "diff":
        first, _, rest = text.partition("\n")
        return first.startswith("diff ") or (first.startswith("--- ") and rest.startswith("+++ "))
    try:
        content = json.loads(text)
    except ValueError:
        return False
    if kind == "policy":
        return isinstance(content, dict) and content.keys() == {"Version", "Statement"}
    patches = content.values() if isinstance(content, dict) else [content]
    return all(
        isinstance(patch, list)
        and all(isinstance(step, dict) and {"op", "path"} <= step.keys() for step in patch)
        for patch in patches
    )
