"""The unified diff of a run, as `git apply` takes it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from ..results import FileResult, RunResult
from .mask import mask, mask_spans

_BARE = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"})

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
    hunks = list(difflib.unified_diff(_lines(old), _lines(new), n=3, lineterm="\n"))[2:]
    body = "".join(_with_end(hunks))
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


def _with_end(lines: list[str]) -> Iterator[str]:
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
