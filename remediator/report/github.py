"""Annotations of a pull request: the workflow commands of GitHub Actions, then the summary.

Commands and their escapes:
https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from ..results import FileResult, Outcome, RunResult, Status
from .mask import mask
from .place import Placed, path_of
from .screen import safe
from .summary import follow_ups, summary

_STDIN = "-"
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


def render(result: RunResult, *, new: bool = False) -> str:
    """Return one command for every finding and error, and the summary; secrets are masked.

    Errors are `error`, what is left is `warning`, what is or can be repaired is `notice`; lines are
    those of the file as it is committed. `new` says that nothing is deployed yet.
    """
    result = safe(result)
    commands = [command for file in result.files for command in _of_file(file, new)]
    sections = [list(follow_ups(result)), list(summary(result, _plain, new=new))]
    text = "\n\n".join("\n".join(lines) for lines in sections if lines)
    # The summary holds names of files, and a line that begins as a command would be one. No text
    # can hold the hash of itself, so none ends the pause that it stands in.
    token = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    quoted = [f"::stop-commands::{token}", text, f"::{token}::"]
    return "\n".join([*commands, *quoted]) + "\n"


def _of_file(file: FileResult, new: bool) -> Iterator[str]:
    placed = Placed(file)
    for outcome in file.outcomes:
        if not outcome.is_declined:
            yield _of_outcome(placed, outcome, applies=not new and not file.fresh)
    if file.status is Status.ERROR:
        place = {"line": file.error_line, "col": file.error_column}
        message = mask(file.error, file.masked)
        yield _command("error", file, place, "cannot be handled", message)


def _of_outcome(placed: Placed, outcome: Outcome, *, applies: bool) -> str:
    file, finding, fix = placed.file, outcome.finding, outcome.finding.fix
    line, column = placed.of(outcome)
    lines = [finding.message]
    if outcome.status is Status.LEFT:
        kind = "warning"
        title = outcome.transform
        if outcome.refusal is not None:
            title += f": left, {outcome.refusal.code}"
            code = outcome.refusal.code
            lines += [outcome.refusal.reason, f"`remediator explain {code}` says what to do."]
    else:
        kind = "notice"
        title = f"{outcome.transform}: {outcome.status.replace('-', ' ')}"
        if fix is not None:
            title += f" [{fix.consequence}]" if applies else ""
            because = f"Because: {fix.because}" if fix.because and applies else ""
            lines += [f"{fix.title} ({outcome.id})", because, *fix.follow_ups]
    message = "\n".join(mask(each, file.masked) for each in lines if each)
    return _command(kind, file, {"line": line, "col": column}, title, message)


def _command(
    kind: str, file: FileResult, place: dict[str, int | None], title: str, message: str
) -> str:
    named: dict[str, object] = {} if file.path == _STDIN else {"file": path_of(file)}
    properties = named | place | {"title": f"remediator: {title}"}
    shown = ",".join(
        f"{name}={str(value).translate(_PROPERTY)}"
        for name, value in properties.items()
        if value is not None
    )
    return f"::{kind} {shown}::{message.translate(_DATA)}"


def _plain(text: str, _: str) -> str:
    return text
