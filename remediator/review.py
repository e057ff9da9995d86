"""What the review page needs besides the result: command line, places, documentation."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import __version__, registry
from .discover import tree_of
from .report.page import About, render
from .results import RunResult

_STDIN = "-"
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\udc80-\udcff]")


def page(result: RunResult, paths: Sequence[str], options: Sequence[str]) -> str:
    """Return the page of a run over these PATHs with these options."""
    names = registry.builtin_transforms()
    about = About(
        command=" ".join(["remediator fix", *map(_quoted, options)]),
        paths=" ".join(_separated([_quoted(path) for path in paths])),
        places=_places(result, paths),
        documentation={each.id: each.documentation for each in names},
        version=__version__,
    )
    return render(result, about)


def _separated(paths: Sequence[str]) -> list[str]:
    """Return PATHs so that none is taken for an option."""
    like_options = any(path.startswith("-") and path != _STDIN for path in paths)
    return ["--", *paths] if like_options else list(paths)


def _quoted(word: str) -> str:
    """Return a word quoted for a shell, on one line whatever it holds."""
    if not _UNPRINTABLE.search(word):
        return shlex.quote(word)
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + _UNPRINTABLE.sub(_octal, escaped) + "'"


def _octal(match: re.Match[str]) -> str:
    return "".join(f"\\{byte:03o}" for byte in match[0].encode("utf-8", "surrogateescape"))


def _places(result: RunResult, paths: Sequence[str]) -> Mapping[str, tuple[str, str]]:
    """Return the repository of each file and its path in there, where there is more than one.

    The repository is the nearest folder with `.git`, else the PATH that led to the file. It is
    called by its folder's name, by all of its path where two have the same name.
    """
    given = [Path(path) for path in paths if path != _STDIN]
    trees: dict[Path, Path] = {}
    roots: dict[str, Path] = {}
    for file in result.files:
        here = Path(file.path)
        root = next((path for path in given if here.is_relative_to(path)), here.parent)
        folder = here.parent
        if file.path != _STDIN:
            trees.setdefault(folder, tree_of(here, root if root != here else folder))
            roots[file.path] = trees[folder]
    several = len(set(roots.values())) > 1
    names = Counter(root.name for root in set(roots.values()))
    places = {}
    for path, root in roots.items():
        inside = Path(path).absolute()
        if several and inside.is_relative_to(root):
            name = root.name if names[root.name] == 1 else str(root)
            places[path] = (name, inside.relative_to(root).as_posix())
    return places
