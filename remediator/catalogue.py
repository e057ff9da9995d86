"""The catalogue of credentials, read from its file: the rows of a type when it is asked for.

Most runs meet a few types of three hundred, and reading all of them takes longer than all else
that a small template needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .errors import ConfigError
from .model import Credential

_ROW = "\n[[credential]]\n"
_TYPE = re.compile(r'type = "([\w:]+)"\n')


class Rows(Mapping[str, tuple[Credential, ...]]):
    """Resource type -> its properties that hold a credential, as a text in TOML has them.

    Each row of it is a `[[credential]]` whose first key is its `type`. Raises ConfigError where one
    is not, and, when its type is asked for, where a row holds a key that is none of Credential's.
    """

    def __init__(self, text: str) -> None:
        self._texts: dict[str, list[str]] = {}
        self._read: dict[str, tuple[Credential, ...]] = {}
        for row in text.split(_ROW)[1:]:
            kind = _TYPE.match(row)
            if kind is None:
                raise ConfigError("credentials.toml: a row does not begin with its type")
            self._texts.setdefault(kind[1], []).append(row)

    def __getitem__(self, kind: str) -> tuple[Credential, ...]:
        if kind not in self._read:
            rows = self._texts[kind]
            import tomllib  # where a template has a type that is here

            self._read[kind] = tuple(_credential(tomllib.loads(row)) for row in rows)
        return self._read[kind]

    def __contains__(self, kind: object) -> bool:
        return kind in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def _credential(row: Mapping[str, Any]) -> Credential:
    mandatory = set(Credential._fields) - Credential._field_defaults.keys()
    wrong = [*sorted(row.keys() - set(Credential._fields)), *sorted(mandatory - row.keys())]
    if wrong:
        where = f"{row.get('type', '?')} {row.get('property', '?')}"
        raise ConfigError(f"credentials.toml: {where}: {wrong[0]} is unknown or missing")
    values = dict(row)
    for name in ("property", "user", "server"):
        if name in row:
            values[name] = tuple(row[name].split("/"))
    for name in ("max_length", "engine_forbidden"):
        if name in row:
            by_engine = row[name] if isinstance(row[name], dict) else {"*": row[name]}
            values[name] = tuple(sorted(by_engine.items(), key=lambda item: item[0] == "*"))
    if "where" in row:
        values["where"] = tuple((key, tuple(globs)) for key, globs in row["where"].items())
    if "requires" in row:
        values["requires"] = tuple(row["requires"])
    return Credential(**values)
