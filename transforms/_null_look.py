"""A look at a raw text: whether a null may stand there, so that it has to be parsed.

Nearly every line of YAML ends in a key that has its value below: how deep the next line stands
tells whether it has one. Texts where that takes more than a glance are left to patterns.
"""

from __future__ import annotations

import re

# A line's end behind a colon, the blank and comment lines below, and how the next line begins.
_KEY_END = re.compile(r":[ \t]*(?:\n[ \t]*(?:#[^\n]*)?(?=\n|\Z))*(?:\Z|\n( *)(-(?![^ \n]))?)")
_MARKED = re.compile(r":[ \t]+[#&]")
_COMMENT = re.compile(r":[ \t]+#[^\n]*")
_DASH_END = re.compile(r"-(?<![^ \n]-)[ \t]*(?:[#&\n]|\Z)")

# A block scalar, behind a plain key or a dash.
_INDICATORS = tuple("|>-+123456789")
_INDICATOR = re.compile(r"[|>][-+1-9]*\Z")
_PLAIN_KEY = re.compile(r"""(?:[\w./$-]+|"[^"]*"|'[^']*'):\Z""")
_DASHES = re.compile(r"^(?:- +)+")

# The line whose key or dash has no value, and the blank and comment lines below. It is matched
# whole or not at all: a look-ahead keeps what it has found (possessive quantifiers would say so
# more plainly, but Python reads them wrongly before 3.11.5).
_REST = (
    r"(?=(?P<rest>[ \t]*(?:(?<=[ \t])&\S+[ \t]*)?(?:(?<=[ \t])#[^\n]*)?"
    r"(?:\n[ \t]*(?:#[^\n]*)?(?=\n|\Z))*))(?P=rest)(?:\Z|\n"
)
_END = r"[ \t]*(?:[,\]}#\n]|\Z)"
# A key at a line's end, and no deeper line or dash below it.
_KEY = re.compile(
    r"^(?P<margin> *)(?:-(?P<more> +))?[^\s#-][^\n#]*(?:(?<=\S)#[^\n#]*)*:"
    rf"{_REST}(?!(?P=margin)(?(more) (?P=more))[ -]))",
    re.MULTILINE,
)
_DASH = re.compile(rf"^(?P<margin> *)-{_REST}(?!(?P=margin) ))", re.MULTILINE)
_WORDS = tuple(
    re.compile(pattern)
    for pattern in (
        # Each sought by letters that are rare: several times as fast as one pattern.
        rf"ull(?<=[-:,\[\s][nN]ull){_END}",
        rf"NULL(?<=[-:,\[\s]NULL){_END}",
        rf"~(?<=[-:,\[\s]~){_END}",
        "!!null",
        # In braces: `{a: , b: }` and `{a}`.
        r":(?:\s*,|\s+[}\]]|\}(?!\})|(?<=[\"']:)\})",
        r"\{(?<=[:,-][ \t]\{|.\[\{)\s*[A-Za-z][\w.:-]*\s*[,}]",
        r",(?<=[\w\"'}\]],)[ \t]+[A-Za-z][\w.-]*[ \t]*\}",
    )
)


def may_hold_null(text: str) -> bool:
    """Tell whether a raw text may hold a null, in any of the ways to write one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _seems_to_hold_null(text) and _seems_to_hold_null(_without_block_scalars(text))


def _seems_to_hold_null(text: str) -> bool:
    if any(pattern.search(text) for pattern in _WORDS):
        return True
    if _DASH_END.search(text) and _DASH.search(text):
        return True
    if _MARKED.search(text):
        text = _COMMENT.sub(_without_comment, text)
        if _MARKED.search(text):
            return _KEY.search(text) is not None
    return _has_key_without_value(text)


def _without_comment(match: re.Match[str]) -> str:
    """Return a colon without the comment behind it; one with quotes may be none, within them."""
    return match[0] if '"' in match[0] or "'" in match[0] else ":"


def _without_block_scalars(text: str) -> str:
    """Return a text without the lines of its block scalars: programs, most often, which hold what
    looks like a null: `f"failed: {error}"`.

    What may be a part of a quoted text stays: there, a line only looks as if one began.
    """
    kept: list[str] = []
    scalar: list[str] = []
    column: int | None = None  # of the entry whose block scalar this is
    for line in [*text.split("\n"), "end"]:
        content = line.lstrip(" ")
        if column is not None and (not content or len(line) - len(content) > column):
            scalar.append(line)
            continue
        inner = "".join(scalar)
        if inner.count('"') % 2 or inner.count("'") % 2:
            kept += scalar
        scalar = []
        kept.append(line)
        column = _column_of_block_scalar(line) if line.endswith(_INDICATORS) else None
    return "\n".join(kept[:-1])


def _column_of_block_scalar(line: str) -> int | None:
    """Return the column of the entry that begins a block scalar in a line; None where none does."""
    content = line.lstrip(" ")
    dashes = _DASHES.match(content)
    start = len(line) - len(content) + (dashes.end() if dashes else 0)
    words = line[start:].split()
    if not words or not _INDICATOR.match(words.pop()):
        return None
    key = words.pop(0) if words and words[0][:1] not in "!&" else ""
    if any(word[:1] not in "!&" for word in words) or (key and not _PLAIN_KEY.match(key)):
        return None
    if key:
        return start
    return line.rindex("-", 0, start) if dashes else None


def _has_key_without_value(text: str) -> bool:
    """Tell whether a key at a line's end has no deeper line or dash below it."""
    for match in _KEY_END.finditer(text):
        start = text.rfind("\n", 0, match.start()) + 1
        line = text[start : match.start()]
        key = line.lstrip(" ")
        if key[:1] == "-":
            key = _DASHES.sub("", key)
        column, below = len(line) - len(key), len(match[1] or "")
        if (match[1] is not None and below > column) or (below == column and match[2]):
            continue
        if key and key[0] not in "#-" and " #" not in key and "\t#" not in key:
            return True
    return False
