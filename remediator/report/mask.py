"""Hides literal secrets: no report, diff on screen or JSON may show them."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import quote

from ..model import Span, Value, is_telling

MASK = "********"
_LONG = 8  # characters from which on a secret is hidden within a longer word, too
_CONTENT = re.compile(r"[^\s](?:[^\r\n]*[^\s])?")


def mask(text: str, secrets: Iterable[str], by: str = MASK) -> str:
    """Return a text without these secrets, however YAML, JSON, a URL or base64 spells them.

    Short values and common words stay: they are hidden where they stand in the template, by
    `mask_spans`, and elsewhere they are no secret.
    """
    for spelling in _all_spellings(tuple(secrets)):
        if len(spelling) >= _LONG:
            text = text.replace(spelling, by)
        elif spelling in text:  # a part of a longer word is another word: `Auto`, `AutoPassword`
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(spelling)}(?![A-Za-z0-9])", by, text)
    return text


def mask_spans(text: str, spans: Sequence[Span], by: str = MASK) -> str:
    """Return a text with these spans masked line by line, so that its lines stay what they are."""
    parts = []
    shown = 0
    for start, end in spans:
        if end > shown:  # one may begin within another
            start = max(start, shown)
            parts += [text[shown:start], _CONTENT.sub(by, text[start:end])]
            shown = end
    return "".join([*parts, text[shown:]])


def mask_value(value: Value, secrets: Sequence[str]) -> Value:
    """Return plain data with the secrets masked in every string and key."""
    if isinstance(value, str):
        return mask(value, secrets)
    if isinstance(value, list):
        return [mask_value(item, secrets) for item in value]
    if isinstance(value, dict):
        return {mask(key, secrets): mask_value(item, secrets) for key, item in value.items()}
    if value is None or isinstance(value, bool):
        return value
    return MASK if str(value) in secrets and is_telling(str(value)) else value


def mask_patch(
    patch: Sequence[Mapping[str, Value]], secrets: Sequence[str]
) -> list[dict[str, Value]]:
    """Return a JSON Patch with the secrets masked; its `op`s stay."""
    return [
        {key: item if key == "op" else mask_value(item, secrets) for key, item in operation.items()}
        for operation in patch
    ]


@lru_cache(maxsize=16)
def _all_spellings(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the spellings of all secrets of a file, longest first."""
    spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
    return tuple(sorted(spellings, key=lambda spelling: (-len(spelling), spelling)))


def _spellings(secret: str) -> Iterable[str]:
    lines = {line.strip() for line in secret.splitlines()} if "\n" in secret else set()
    for part in {secret, *lines}:
        if is_telling(part):
            yield part
            yield part.replace("'", "''")
            yield json.dumps(part)[1:-1]
            yield json.dumps(part, ensure_ascii=False)[1:-1]
            encoded = part.encode("utf-8", "replace")
            yield quote(encoded, safe="")  # in a URL
            yield b64encode(encoded).decode()
