"""What makes a diff readable on a page: lines that belong together, words, kinds of tokens.

All of it is read from the diff itself, after its secrets were masked, so that nothing else can
reach the page. Lengths and offsets are in UTF-16 code units, as JavaScript counts.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

from pygments.lexer import Lexer
from pygments.lexers.data import JsonLexer, YamlLexer
from pygments.token import Comment, Keyword, Name, Number, String, Token, _TokenType

_ALIKE = 0.5
"""From this likeness on two lines are taken for the old and the new form of one."""
_MOST_PAIRS = 900
_LONGEST = 1000
_LARGEST_HUNK = 100_000
_KEY = re.compile(r"""[ ]*(?:- )*(?P<quote>["']?)(?P<name>[\w:.-]+)(?P=quote)[ ]*:(?=\s|$)""")
_WORD = re.compile(r"\w+|\s+|.", re.DOTALL)
_KINDS = (
    (Name.Tag, "k"),
    (Comment, "c"),
    (Keyword.Type, "t"),
    (Name.Label, "t"),
    (Keyword, "n"),
    (Number, "n"),
    (String, "s"),
    (Token.Literal, "s"),
)

Line: TypeAlias = tuple[int, str]
"""The number of a line in the diff, and its text without sign and line end."""


@dataclass
class _Hunk:
    old: list[Line] = field(default_factory=list)
    new: list[Line] = field(default_factory=list)
    blocks: list[tuple[list[Line], list[Line]]] = field(default_factory=list)


def highlighted(diff: str, *, is_json: bool) -> dict[str, Any]:
    """Return what belongs to the lines of one file's unified diff, as plain data.

    `pairs`: numbers of a removed line and of the added one that it became. `words`: the number of
    a line -> where its changed words begin and end. `tokens`: the number of a line -> lengths and
    kinds (k key, s scalar, n constant, c comment, t tag, empty for others) in turn.
    """
    lexer: Lexer = JsonLexer() if is_json else YamlLexer()
    tokens: dict[int, list[int | str]] = {}
    words: dict[int, list[int]] = {}
    pairs = []
    for hunk in _hunks(diff):
        for side in (hunk.old, hunk.new):  # what both sides hold is overwritten by the new one
            tokens.update(_tokens(side, lexer))
        for removed, added in hunk.blocks:
            for (number, old), (other, new) in _pairs(removed, added):
                pairs.append([number, other])
                words[number], words[other] = _changed(old, new)
    return {"pairs": pairs, "words": words, "tokens": tokens}


def _hunks(diff: str) -> Iterator[_Hunk]:
    hunk: _Hunk | None = None
    sign_before = ""
    for number, line in enumerate(diff.split("\n")):
        sign, text = line[:1], line[1:].rstrip("\r")
        if sign == "@":
            if hunk is not None:
                yield hunk
            hunk = _Hunk()
        elif hunk is None:
            continue
        elif sign == " ":
            hunk.old.append((number, text))
            hunk.new.append((number, text))
        elif sign in ("-", "+"):
            if sign != sign_before and (sign_before, sign) != ("-", "+"):
                hunk.blocks.append(([], []))
            hunk.blocks[-1][sign == "+"].append((number, text))
            (hunk.old if sign == "-" else hunk.new).append((number, text))
        if sign != "\\":  # "No newline at end of file" stands within a block
            sign_before = sign
    if hunk is not None:
        yield hunk


# --- lines and words -------------------------------------------------------------------------


def _pairs(removed: Sequence[Line], added: Sequence[Line]) -> list[tuple[Line, Line]]:
    """Return the lines that are most alike, in an order that both sides have."""
    if not removed or not added or len(removed) * len(added) > _MOST_PAIRS:
        return []
    best: list[list[tuple[float, list[tuple[Line, Line]]]]]
    best = [[(0.0, [])] * (len(added) + 1) for _ in range(len(removed) + 1)]
    for row, old in enumerate(removed, 1):
        for column, new in enumerate(added, 1):
            without = max(best[row - 1][column], best[row][column - 1], key=lambda each: each[0])
            likeness = _likeness(old[1], new[1])
            score, pairs = best[row - 1][column - 1]
            if likeness >= _ALIKE and score + likeness > without[0]:
                without = (score + likeness, [*pairs, (old, new)])
            best[row][column] = without
    return best[-1][-1][1]


def _likeness(old: str, new: str) -> float:
    """Return how alike two lines are, from 0 to 1; 0 for entries of different keys.

    An entry keeps its key and its depth, whatever its value becomes. A `Type` that differs is
    that of another entry: no repair changes one.
    """
    if max(len(old), len(new)) > _LONGEST:
        return 0.0
    keys = _KEY.match(old), _KEY.match(new)
    matcher = difflib.SequenceMatcher(None, old.split(), new.split(), False)
    if keys[0] is None or keys[1] is None:
        return matcher.ratio() if keys[0] is keys[1] else 0.0
    if keys[0][0] != keys[1][0] or keys[0]["name"] == "Type":
        return 0.0
    return max(matcher.ratio(), _ALIKE)


def _changed(old: str, new: str) -> tuple[list[int], list[int]]:
    """Return where the changed words of two lines begin and end."""
    old_words, new_words = _words(old), _words(new)
    old_at, new_at = _offsets(old_words), _offsets(new_words)
    spans: tuple[list[int], list[int]] = ([], [])
    matcher = difflib.SequenceMatcher(None, old_words, new_words, False)
    for kind, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if kind != "equal":
            if old_from < old_to:
                spans[0].extend((old_at[old_from], old_at[old_to]))
            if new_from < new_to:
                spans[1].extend((new_at[new_from], new_at[new_to]))
    return spans


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _offsets(words: Sequence[str]) -> list[int]:
    offsets = [0]
    for word in words:
        offsets.append(offsets[-1] + _length(word))
    return offsets


def _length(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


# --- tokens ----------------------------------------------------------------------------------


def _tokens(lines: Sequence[Line], lexer: Lexer) -> dict[int, list[int | str]]:
    text = "\n".join(line for _, line in lines)
    if len(text) > _LARGEST_HUNK:
        return {}
    found: dict[int, list[int | str]] = {number: [] for number, _ in lines}
    position = 0
    # Not `get_tokens`: that changes line ends and blank lines before it reads.
    for _, token, value in lexer.get_tokens_unprocessed(text):
        kind = _kind(token)
        for index, piece in enumerate(value.split("\n")):
            position += index > 0
            if piece and position < len(lines):
                _append(found[lines[position][0]], _length(piece), kind)
    return found


@cache
def _kind(token: _TokenType) -> str:
    return next((name for known, name in _KINDS if known in token.split()), "")


def _append(runs: list[int | str], length: int, kind: str) -> None:
    if runs and runs[-1] == kind:
        runs[-2] = int(runs[-2]) + length
    else:
        runs.extend((length, kind))
