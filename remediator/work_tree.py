"""Where a file stands in its git work tree, so that `git apply` and `git diff` find it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path


def path_in_diff(file: Path) -> str:
    """Return a file's path from its work tree's root, else from the current folder."""
    try:
        real = file.resolve()
        root = _root(real) or Path.cwd().resolve()
        return real.relative_to(root).as_posix()
    except (OSError, RuntimeError, ValueError):
        return file.as_posix()


def untracked(files: Sequence[Path]) -> tuple[Path, ...]:
    """Return those of the files that `git diff` does not show: outside git, new or ignored."""
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
    # A repository's own settings must not decide what runs here.
    safe = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
    try:
        done = subprocess.run(
            ["git", *safe, "-C", str(root), "ls-files", "-z"],
            capture_output=True,
            check=True,
            timeout=20,
        )
    except (OSError, subprocess.SubprocessError):
        return set()
    names = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    return {root / name for name in names if name}
