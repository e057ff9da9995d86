"""What a report looks like on the stream that it goes to: its colours, and what that can take."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .report.formats import FORMATS, View

if TYPE_CHECKING:
    from .request import Request
    from .results import RunResult


def rendered(
    result: RunResult, request: Request, report_format: str, *, diff: bool, colour: bool
) -> str:
    """Return the report of a run in one of `FORMATS`; `diff`: the text report holds the diffs."""
    from .model import Settings
    from .registry import load

    stream = sys.stderr if request.paths == ("-",) and not request.check else sys.stdout
    view = View(
        colour=colour,
        diff=diff,
        new=bool(request.options.new),
        ascii_only=(stream.encoding or "").lower().replace("-", "") != "utf8",
        transforms=lambda: load(Settings(plugins=request.options.plugins)),
    )
    return FORMATS[report_format](result, view)


def writable(text: str, to_stderr: bool = False) -> str:
    """Escape what the stream cannot take: another encoding, or a file's name that is no UTF-8."""
    encoding = getattr(sys.stderr if to_stderr else sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def has_colour(wanted: bool | None, to_stderr: bool) -> bool:
    """Whether a report is coloured: as it is wanted, else on a terminal that shows colours."""
    if wanted is not None:
        return wanted
    stream = sys.stderr if to_stderr else sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
