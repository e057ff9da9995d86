"""Reads TOML that nobody vouches for: what would exhaust Python's own reader is refused first."""

from __future__ import annotations

import re
from typing import Any

# Python's tomllib takes memory by the square of a dotted key's steps: 100 000 of them, in 200 kB,
# ask for tens of gigabytes.
_MAX_STEPS = 64
_STEP = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*"""
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_STEP}){{{_MAX_STEPS}}}")


def loads(text: str) -> dict[str, Any]:
    """Return the content of a TOML text; raises ValueError where it cannot be read."""
    if _LONG_KEY.search(text):
        raise ValueError(f"a key has more than {_MAX_STEPS} steps")
    import tomllib  # where there is a file to read

    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except RecursionError as error:
        raise ValueError("it nests too deep") from error
