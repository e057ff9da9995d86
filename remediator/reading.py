"""Reads a file that may be a template: how much of it, and whether it looks like one."""

from __future__ import annotations

import os
from pathlib import Path

from .discover import Input
from .errors import FileError

MAX_BYTES = 5_000_000
"""Larger files are not read; CloudFormation itself takes 1 MB."""
_HEAD = 8192
UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_SUFFIXES = frozenset({".yaml", ".yml", ".json", ".template", ".cfn", ".txt", ""})


def read(entry: Input) -> bytes | None:
    """Return a file's bytes; None where it is binary or too large and was not named."""
    try:
        with entry.file.open("rb") as stream:
            head = stream.read(_HEAD)
            size = os.fstat(stream.fileno()).st_size
            if b"\0" in head and not entry.named and not head.startswith(tuple(UTF16)):
                return None
            if size <= MAX_BYTES:
                return head + stream.read()
            head += stream.read(16 * _HEAD)
    except OSError as error:
        raise FileError(f"the file cannot be read: {error.strerror or error}") from error
    if entry.named or (looks_like_template(peek(head)) and has_template_name(entry.name)):
        raise FileError(
            f"the file has {size / 1e6:.1f} MB, remediator reads up to {MAX_BYTES / 1e6:.0f} MB "
            "(CloudFormation takes 1 MB)"
        )
    return None


def peek(raw: bytes) -> str:
    """Return the text of some bytes for a first look; what cannot be decoded is replaced."""
    return raw.decode(UTF16.get(raw[:2], "utf-8"), errors="replace")


def looks_like_template(text: str) -> bool:
    """Whether a text holds the words of a template: a first look that costs nothing."""
    return "Resources" in text and (
        "AWS::" in text or "Custom::" in text or "Alexa::" in text or "Fn::ForEach" in text
    )


def has_template_name(name: str) -> bool:
    """Whether a file that holds a template's words would be one, not prose or code about it."""
    return Path(name).suffix.lower() in _SUFFIXES
