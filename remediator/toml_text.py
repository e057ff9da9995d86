"""Where the keys and values of a TOML text stand, which no TOML reader tells.

Only for texts that `plain_toml` has read: what it takes for granted is not checked again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from . import plain_toml
from .model import Path, Span

# No possessive groups: before 3.11.5 Python matches too little with them (cpython 106052).
_TOKEN = re.compile(
    r'''(?P<space>[ \t]++)
    |(?P<line>\r\n|\n)
    |(?P<comment>\#[^\n]*+)
    |(?P<string>"""(?:[^"\\]++|\\.|"(?!""))*"{3,5}|\'\'\'(?:[^']++|'(?!\'\'))*'{3,5}
        |"(?:[^"\\\n]++|\\.)*"|'[^'\n]*+')
    |(?P<mark>[][{},=.])
    |(?P<bare>[^][{},=.\s\#"']++)''',
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = dict(zip('btnfr"\\', '\b\t\n\f\r"\\', strict=True))
_PLAIN = re.compile(r"\r\n|.", re.DOTALL)
_ESCAPED = re.compile(
    r"\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[ \t]*\r?\n[ \t\r\n]*|.)|\r\n|.", re.DOTALL
)
_MAX_NESTED = 64


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a TOML text: its kind is a group of the pattern."""

    kind: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A key and its value. `start` is that of the key; in an inline table `inline` is true."""

    path: Path
    start: int
    value: Span
    inline: bool


def tokens(text: str, start: int = 0, end: int | None = None) -> Iterator[Token]:
    """Yield the pieces of a text, or of a part of it. Raises ValueError where it is no TOML."""
    place, stop = start, len(text) if end is None else end
    while place < stop:
        match = _TOKEN.match(text, place, stop)
        if match is None:
            raise ValueError(f"no TOML at character {place}")
        yield Token(match.lastgroup or "", match.start(), match.end(), match[0])
        place = match.end()


def pairs(text: str) -> list[Pair]:
    """Return the keys of a text with their values, those in inline tables too, in their order.

    A step into an array of tables is the number of the table. Raises ValueError where the text
    cannot be gone through.
    """
    return list(_Reader(text).pairs())


def comments(text: str) -> Iterator[int]:
    """Yield where the comments of a text start."""
    return (token.start for token in tokens(text) if token.kind == "comment")


def items(text: str, value: Span) -> list[Span]:
    """Return the entries of an array or an inline table, without what stands around them."""
    found: list[Span] = []
    first: Token | None = None
    last: Token | None = None
    depth = 0
    for token in tokens(text, *value):
        if token.kind in ("space", "line", "comment"):
            continue
        opens, closes = token.text in ("[", "{"), token.text in ("]", "}")
        depth -= token.kind == "mark" and closes
        if token.kind == "mark" and (depth == 0 or (depth == 1 and token.text == ",")):
            if first is not None and last is not None:
                found.append((first.start, last.end))
            first = None
        elif depth:
            first, last = first or token, token
        depth += token.kind == "mark" and opens
    return found


def string(text: str, value: Span) -> tuple[str, list[int]]:
    """Return the content of a string, and where in the text each of its characters stands; behind
    them where the string ends. Raises ValueError where the value is no string.

    What stands for no character, as a line that a backslash folds, belongs to the one before it.
    """
    source = text[slice(*value)]
    quote = source[:3] if source[:3] in ('"""', "'''") else source[:1]
    if quote[:1] not in ('"', "'") or not quote:
        raise ValueError("the value is no string")
    start, end = value[0] + len(quote), value[1] - len(quote)
    if len(quote) == 3:
        start = re.compile(r"\r?\n|").match(text, start).end()  # type: ignore[union-attr]
    content: list[str] = []
    places: list[int] = []
    unit = _ESCAPED if quote[0] == '"' else _PLAIN
    for match in unit.finditer(text, start, end):
        decoded = _decoded(match[0])
        content.append(decoded)
        places += [match.start()] * len(decoded)
    return "".join(content), [*places, end]


def _decoded(unit: str) -> str:
    if unit == "\r\n":
        return "\n"
    if not unit.startswith("\\") or len(unit) == 1:
        return unit
    if unit[1:].isspace():
        return ""
    if unit[1] in "uU":
        return chr(int(unit[2:], 16))
    if unit[1] not in _ESCAPES:
        raise ValueError("a string has an escape that is not known")
    return _ESCAPES[unit[1]]


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tables: dict[Path, int] = {}
        """How many tables an array of them has, by the path of the array."""

    def pairs(self) -> Iterator[Pair]:
        table: Path = ()
        line: list[Token] = []
        depth = 0
        for token in [*tokens(self._text), Token("line", len(self._text), len(self._text), "")]:
            if token.kind == "mark":
                depth += (token.text in ("[", "{")) - (token.text in ("]", "}"))
            if token.kind == "line" and depth == 0:
                if line and line[0].text == "[":
                    table = self._header(line)
                elif line:
                    yield from self._pair(table, line, inline=False, level=0)
                line = []
            elif token.kind not in ("space", "line", "comment"):
                line.append(token)

    def _header(self, line: list[Token]) -> Path:
        many = line[1].text == "[" and line[1].start == line[0].end
        inner = line[2:-2] if many else line[1:-1]
        names = [_name(token) for token in inner if token.text != "."]
        path: Path = ()
        for name in names[:-1]:
            path = self._below((*path, name))
        path = (*path, names[-1])
        if not many:
            return self._below(path)
        self._tables[path] = self._tables.get(path, -1) + 1
        return self._below(path)

    def _below(self, path: Path) -> Path:
        number = self._tables.get(path)
        return path if number is None else (*path, number)

    def _pair(self, table: Path, line: list[Token], *, inline: bool, level: int) -> Iterator[Pair]:
        if level > _MAX_NESTED:
            raise ValueError("it nests too deep")
        sign = next(n for n, token in enumerate(line) if token.text == "=")
        path = table
        for token in line[:sign]:
            if token.text != "." or token.kind != "mark":
                path = (*path, _name(token))
        value = line[sign + 1].start, line[-1].end
        yield Pair(path, line[0].start, value, inline)
        if line[sign + 1].text == "{":
            for span in items(self._text, value):
                inner = [
                    token
                    for token in tokens(self._text, *span)
                    if token.kind not in ("space", "line", "comment")
                ]
                yield from self._pair(path, inner, inline=True, level=level + 1)


def _name(token: Token) -> str:
    if token.kind == "bare":
        return token.text
    return next(iter(plain_toml.loads(f"{token.text} = 0")))
