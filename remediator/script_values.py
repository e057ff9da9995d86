"""What a script, Makefile, workflow or program writes behind the name of a parameter or variable.

Pure: text goes in, assignments come out, and where a value comes from as far as one text tells.
Only a single token counts: a variable, an expression of a CI system, a text. Whatever a shell or a
program would put together cannot be compared with anything.

The texts are anybody's: each is gone through once, and no pattern may try a place in two ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

_KEY = (
    r"ParameterKey\\?[\"']?\s*+[:=]\s*+\\?[\"']?(?P<key>\w++)\\?[\"']?\s*+,?\s*+"
    r"\\?[\"']?ParameterValue\\?[\"']?\s*+[:=]"
)
_NAME = r"(?<![\w$.{-])(?P<name>\w++)\\?[\"']?[^\S\n]*+(?:[?:+]?=(?!=)|:(?![:=]))"
_ASSIGNMENT = re.compile(rf"{_KEY}|{_NAME}")
_VALUE = re.compile(
    r"[^\S\n]*+(?:(?P<mark>\\?[\"'])(?P<quoted>[^\"'\\\n]{0,300}+)(?P=mark)"
    r"|(?P<bare>(?:\$\{\{[^{}\n]{0,200}+\}\}|\$\{[^{}\n]{0,200}+\}|\$\(\w{0,99}+\)"
    r"|[^\s\"'`\\,;|&<>(){}\[\]]{1,99}+){1,4}))"
    r"(?=\\?[\"']?(?:[\s,;|&<>)\]}\\`]|\Z))"
)
_VARIABLE = re.compile(
    r"\$\$?(?P<plain>\w+)|\$\{(?P<braced>\w+)(?::?[-?=][^{}]*)?\}|\$\((?P<made>\w+)\)|%(?P<cmd>\w+)%"
    r"|\$\{?env:(?P<env>\w+)\}?|\$\{\{\s*(?:secrets|vars|env)\.(?P<ci>\w+)\s*\}\}"
    r"|!environment_variable\s+(?P<sceptre>\w+)"
)
_READ = re.compile(r"(?<![\w.-])read[ \t]([^\n;|&]*)")
_EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}|((?:var|local)\.\w+)")
_NOT_A_TEXT = re.compile(
    r"[$`]|\{\{|^\s|\s$|^%\w?$|^(?:none|null|nil|undefined|true|false)?$", re.I
)
PROGRAMS = frozenset({".py", ".rb", ".js", ".mjs", ".ts", ".go", ".groovy", ".tf", ".hcl"})
"""How the names of files end in which a text stands in quotes; what has none is a variable."""


class Assignment(NamedTuple):
    """A name with a value in a text: where the name's assignment begins, and the value as it is
    written, without its quotes; None where it is no single token."""

    name: str
    position: int
    value: str | None = None


class Source(NamedTuple):
    """What a value is taken from: two places with the same one give the same value.

    `word` is a variable's name, or the text itself. `scope` is the file that alone knows a
    variable: None for one of the environment, which all have in common, and for texts.
    """

    word: str
    is_text: bool
    scope: PurePosixPath | None = None


def assignments(text: str, suffix: str = "") -> Iterator[Assignment]:
    """Yield what a file's text, its name ending like this, assigns to any name."""
    for match in _ASSIGNMENT.finditer(text):
        yield Assignment(
            match["key"] or match["name"], match.start(), _token(text, match.end(), suffix)
        )


def read_in(text: str) -> Iterator[str]:
    """Yield the variables that a shell asks a person for, `read -s DB_PASSWORD`: each is its
    script's own."""
    for match in _READ.finditer(text):
        yield from match[1].split()[-1:]


def value_behind(text: str, position: int, suffix: str = "") -> str | None:
    """Return the value of the assignment that begins at a position; None as `Assignment` says."""
    match = _ASSIGNMENT.match(text, position)
    of_pair = match is not None and match["name"] == "ParameterKey"  # its value is the key
    return _token(text, match.end(), suffix) if match is not None and not of_pair else None


def _token(text: str, position: int, suffix: str) -> str | None:
    match = _VALUE.match(text, position)
    if match is None:
        return None
    value = match["quoted"] if match["bare"] is None else match["bare"]
    if _VARIABLE.fullmatch(value) or _EXPRESSION.fullmatch(value):
        return value
    if _NOT_A_TEXT.search(value) or (match["quoted"] is None and suffix in PROGRAMS):
        return None
    return value


def source_of(value: str) -> Source:
    """Return what a value stands for in a file that assigns no variables, as settings."""
    match = _VARIABLE.fullmatch(value.strip())
    if match is None:
        return Source(value.strip(), is_text=True)
    return Source(match[match.lastgroup or 0], is_text=False)


def source_in(
    value: str, place: PurePosixPath, assigned: Mapping[str, frozenset[str | None]]
) -> Source:
    """Return what a value stands for in a script at a place, with all that it assigns."""
    for _ in range(2):  # one step: `env: {PASSWORD: ${{ secrets.DB_PASSWORD }}}`
        match = _VARIABLE.fullmatch(value)
        if match is None:
            is_text = _EXPRESSION.fullmatch(value) is None
            return Source(value if is_text else _inner(value), is_text, None if is_text else place)
        name = match[match.lastgroup or 0]
        if match["ci"] and "env." not in value:
            return Source(name, is_text=False)
        own = {each for each in assigned.get(name, ()) if each is None or not _is_own(each, name)}
        if not own:
            local = name.isdigit() or (place.suffix.lower() == ".ps1" and match["env"] is None)
            return Source(name, is_text=False, scope=place if local else None)
        only = next(iter(own)) if len(own) == 1 else None
        if only is None or not (_VARIABLE.fullmatch(only) or _EXPRESSION.fullmatch(only)):
            return Source(name, is_text=False, scope=place)
        value = only
    return Source(name, is_text=False, scope=place)


def _inner(expression: str) -> str:
    match = _EXPRESSION.fullmatch(expression)
    return next(filter(None, match.groups())) if match is not None else expression


def _is_own(value: str, name: str) -> bool:
    """Tell whether a value is the variable itself: `PASSWORD=${PASSWORD:?}`, `Pw=$Pw`."""
    match = _VARIABLE.fullmatch(value)
    return match is not None and match[match.lastgroup or 0] == name and not match["ci"]
