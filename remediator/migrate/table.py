"""Reads the tables of a campaign file: every value is looked at, a mistake is told by its line."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from ..errors import ConfigError
from ..toml_file import parsed, text_of

_HEADER = re.compile(r"\s*\[+\s*([\w.-]+)\s*\]+\s*(?:#.*)?")
_KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*[=.]""")
_FENCE = re.compile(r'"""|\'\'\'')


@dataclass(slots=True)
class Table:
    """A table of a file.

    Every method raises ConfigError, with the file and the line, for a value of another kind.
    """

    file: Path
    name: str
    values: Mapping[str, Any]
    lines: Mapping[tuple[str, str], int]

    @classmethod
    def read(cls, file: Path) -> Table:
        """Return the outermost table of a file; raises ConfigError where it cannot be read."""
        text = text_of(file)
        return cls(file, "", parsed(file, text), _lines(text))

    def fail(self, key: str, what: str) -> NoReturn:
        """Raise ConfigError about a key of this table."""
        line = self.lines.get((self.name, key)) or self.lines.get((self.name, ""))
        where = f"{self.file}:{line}" if line else f"{self.file}"
        raise ConfigError(f"{where}: {self._called(key)} {what}", line=line)

    def has(self, key: str) -> bool:
        """Whether a key is there."""
        return key in self.values

    def text(self, key: str, default: str = "") -> str:
        """Return a text that is not empty, on any number of lines; the default where none is."""
        value = self._get(key, default)
        if not isinstance(value, str):
            self.fail(key, f"must be a text, not {_kind(value)}")
        if key in self.values and not value.strip():
            self.fail(key, "is empty; leave it out or say something")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, none of them empty; an empty one where there is none."""
        value = self._get(key, [])
        if not isinstance(value, list):
            self.fail(key, f'must be a list of texts such as ["…"], not {_kind(value)}')
        for item in value:
            if not isinstance(item, str) or not item.strip():
                self.fail(key, f"must be a list of texts; {reprlib.repr(item)} is none")
        return tuple(value)

    def choice(self, key: str, choices: Iterable[str], default: str) -> str:
        """Return one of these texts."""
        value = self._get(key, default)
        if value not in choices:
            known = " or ".join(f'"{choice}"' for choice in choices)
            self.fail(key, f"must be {known}, not {reprlib.repr(value)}")
        return str(value)

    def flag(self, key: str, default: bool = False) -> bool:
        """Return true or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            self.fail(key, f"must be true or false, not {_kind(value)}")
        return value

    def number(self, key: str, default: float, least: float) -> float:
        """Return a number that is not smaller than `least`."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
            self.fail(key, f"must be a number, {least:g} or more, not {reprlib.repr(value)}")
        return value

    def count(self, key: str, default: int, least: int = 1) -> int:
        """Return a whole number that is not smaller than `least`."""
        value = self.number(key, default, least)
        if not isinstance(value, int):
            self.fail(key, f"must be a whole number, not {value}")
        return value

    def time(self, key: str) -> str:
        """Return a time with its offset as ISO 8601; empty where there is none."""
        value = self._get(key, "")
        if isinstance(value, str) and value:
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                self.fail(key, f"must be a time such as 2026-01-31T12:00:00Z, not {value!r}")
        if isinstance(value, datetime):
            if value.tzinfo is None:
                self.fail(key, f"needs an offset: {value.isoformat()}Z")
            return value.replace(microsecond=0).isoformat()
        if value != "":
            self.fail(key, f"must be a time such as 2026-01-31T12:00:00Z, not {_kind(value)}")
        return ""

    def table(self, key: str) -> Table:
        """Return a table within; an empty one where there is none."""
        value = self._get(key, {})
        if not isinstance(value, dict):
            self.fail(key, f"must be a table [{key}], not {_kind(value)}")
        return Table(self.file, key, value, self.lines)

    def examine(self, known: Iterable[str]) -> None:
        """Raise ConfigError where another key than these stands here."""
        for key in self.values:
            if key not in known:
                self.fail(key, f"is no key that is known here; these are: {', '.join(known)}")

    def _get(self, key: str, default: Any) -> Any:
        return self.values.get(key, default)

    def _called(self, key: str) -> str:
        return f"[{self.name}] {key}" if self.name else key


def _lines(text: str) -> dict[tuple[str, str], int]:
    """Return the line of each key by its table, and of each table by the empty key.

    Python's reader of TOML tells no places: this one looks for how a line begins, outside of texts
    of several lines. What it does not find is told without a line.
    """
    found: dict[tuple[str, str], int] = {}
    table, fence = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        if not fence:
            header, key = _HEADER.fullmatch(line), _KEY.match(line)
            if header:
                table = header[1]
                found.setdefault((table, ""), number)
                found.setdefault(("", table), number)
            elif key:
                found.setdefault((table, key[1]), number)
        for mark in _FENCE.findall(line.partition("#")[0] if not fence else line):
            fence = "" if fence == mark else fence or mark
    return found


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    kinds = ((int | float, "a number"), (str, "a text"), (list, "a list"), (dict, "a table"))
    return next((kind for type_, kind in kinds if isinstance(value, type_)), "a time")
