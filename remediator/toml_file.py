"""Reads a TOML file that anybody may have written: it may be large, deep, or no TOML at all."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import ConfigError

MAX_BYTES = 1_000_000
MOST_PARTS = 50
"""Parts of a dotted key. tomllib takes minutes for tens of thousands, and none nests so deep."""
_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*"""
_LONG_KEY = re.compile(r"(?<![\w-])(?:%s){%d}" % (_PART, MOST_PARTS))


def text_of(file: Path) -> str:
    """Return the text of a settings file, without a byte order mark.

    Raises ConfigError where it cannot be read, is too large, or is not UTF-8.
    """
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror or error}") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{file}: is larger than {MAX_BYTES // 1_000_000} MB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not UTF-8") from error


def parsed(file: Path, text: str) -> Mapping[str, Any]:
    """Return what the text of a file holds; raises ConfigError, which names the file."""
    try:
        if _LONG_KEY.search(text):
            raise RecursionError
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: is not valid TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{file}: nests too deeply") from error
