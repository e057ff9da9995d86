"""The unified diff of a run, as `git apply` takes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..lines import Change, changes
from ..results import FileResult, RunResult
from .mask import mask, mask_spans

_BARE = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"})

_AROUND = 3
"""Lines that are shown around a change, as `git diff` does."""

# Bytes of a file's name that are no UTF-8, as Python holds them, and control characters.
_UNREADABLE = re.compile("[\udc80-\udcff\x00-\x1f\x7f]")


def unified(result: RunResult, *, masked: bool = True) -> str:
    """Return the diff of all files that change; `masked` hides literal secrets.

    A masked diff that had something to hide cannot be applied.
    """
    return "".join(of_file(file, masked=masked) for file in result.files)


def of_file(file: FileResult, *, masked: bool = True) -> str:
    """Return the diff of one file; empty where it does not change."""
    if file.old == file.new:
        return ""
    # Lines end at \n alone: a bare \r, U+2028 or a form feed is within a line, for git too.
    old, new = file.old, file.new
    if masked:
        old, new = mask_spans(old, file.hidden_old), mask_spans(new, file.hidden_new)
    body = "".join(_with_end(_unified(_lines(old), _lines(new))))
    if masked:
        body = mask(body, file.masked)
    name = (file.diff_path or file.path).lstrip("/").removeprefix("./")
    return f"--- {_quoted('a/' + name)}\n+++ {_quoted('b/' + name)}\n{body}"


def is_masked(file: FileResult) -> bool:
    """Whether the diff of a file hides something, so that it cannot be applied."""
    return file.holds_secrets and of_file(file) != of_file(file, masked=False)


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    last = lines.pop()
    return [line + "\n" for line in lines] + ([last] if last else [])


def _unified(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the hunks that make one text of another."""
    for hunk in _hunks(changes(old, new)):
        start = max(hunk[0].start - _AROUND, 0)
        end = min(hunk[-1].end + _AROUND, len(old))
        new_start = start + hunk[0].new_start - hunk[0].start
        new_end = end + hunk[-1].new_end - hunk[-1].end
        yield f"@@ -{_range(start, end)} +{_range(new_start, new_end)} @@\n"
        for change in hunk:
            yield from (" " + line for line in old[start : change.start])
            yield from ("-" + line for line in old[change.start : change.end])
            yield from ("+" + line for line in new[change.new_start : change.new_end])
            start = change.end
        yield from (" " + line for line in old[start:end])


def _hunks(found: Sequence[Change]) -> Iterator[list[Change]]:
    """Yield the changes that are shown together: the lines shown around them overlap or meet."""
    hunk: list[Change] = []
    for change in found:
        if hunk and change.start - hunk[-1].end > 2 * _AROUND:
            yield hunk
            hunk = []
        hunk.append(change)
    if hunk:
        yield hunk


def _range(start: int, end: int) -> str:
    """Return lines as the head of a hunk has them; none are counted from the line above."""
    if end - start == 1:
        return str(end)
    return f"{start + 1 if start < end else start},{end - start}"


def _with_end(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"


def _quoted(name: str) -> str:
    """Return a file's name as git writes it: quoted where needed, with a tab behind blanks."""
    bare = _UNREADABLE.sub(_octal, name.translate(_BARE))
    if bare != name:
        return f'"{bare}"'
    return f"{name}\t" if " " in name else name


def _octal(match: re.Match[str]) -> str:
    return "".join(f"\\{byte:03o}" for byte in match.group().encode("utf-8", "surrogateescape"))
