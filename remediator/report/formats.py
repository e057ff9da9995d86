"""The formats of a report: one table, from which the command line takes its help and its check.

Nothing is imported before a format is asked for, so that the command line may read the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..results import RunResult
    from ..transform import Transform


def _no_transforms() -> Sequence[Transform]:
    return ()


class View(NamedTuple):
    """What a report may depend on besides the result of the run.

    `diff`: the text report holds the diffs. `new`: nothing is deployed yet, so that no
    consequence applies. `ascii_only`: JSON escapes what is not ASCII. `transforms` returns those
    whose documentation a report may quote; it is called by the formats that do.
    """

    colour: bool = False
    diff: bool = True
    new: bool = False
    ascii_only: bool = False
    transforms: Callable[[], Sequence[Transform]] = _no_transforms


def _text(result: RunResult, view: View) -> str:
    from . import text

    return text.render(result, colour=view.colour, new=view.new, diffs=view.diff)


def _json(result: RunResult, view: View) -> str:
    from . import json

    return json.render(result, ascii_only=view.ascii_only)


def _github(result: RunResult, view: View) -> str:
    from . import github

    return github.render(result, new=view.new)


def _sarif(result: RunResult, view: View) -> str:
    from . import sarif

    return sarif.render(result, view.transforms(), ascii_only=view.ascii_only)


def _markdown(result: RunResult, view: View) -> str:
    from . import markdown

    return markdown.render(result, new=view.new)


FORMATS: Mapping[str, Callable[[RunResult, View], str]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "sarif": _sarif,
    "markdown": _markdown,
}
"""The name of each format -> what renders it; all of them hide literal secrets."""
