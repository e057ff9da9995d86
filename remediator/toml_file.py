"""Reads a settings file that anybody may have written: it may be large, deep, or no TOML at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import plain_toml, regular
from .errors import ConfigError

MAX_BYTES = 1_000_000
"""Bytes of a settings file at the most."""


def text_of(file: Path) -> str:
    """Return the text of a settings file, without a byte order mark.

    Raises ConfigError where it cannot be read, is too large, or is not UTF-8.
    """
    try:
        return regular.read(file, MAX_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not UTF-8") from error


def parsed(file: Path, text: str) -> Mapping[str, Any]:
    """Return what the text of a file holds; raises ConfigError, which names the file."""
    try:
        return plain_toml.loads(text)
    except ValueError as error:
        raise ConfigError(f"{file}: is not valid TOML: {error}") from error
