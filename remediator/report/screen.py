"""Text for a screen: nothing from a template or a file's name may steer what shows it.

An escape sequence can hide lines or fill the clipboard, a carriage return writes over what stands
there, and bidirectional controls show characters in another order than they have
(https://trojansource.codes); a line of a log may be an order to the pipeline. They are shown as
Python spells them: `\\x1b`, `\\u202e`. Every format that a person reads on a terminal or in a log
goes through here; files that were asked for by name
hold the exact characters, and JSON its own escapes for them.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from io import StringIO
from typing import Any, TypeVar

from ..model import Finding, Fix, Refusal

# All controls but newline and tab; of what has no glyph, what changes order or hides: U+200C and
# U+200D join letters in many scripts and stay. \r belongs to a line end, or is a control.
_UNSEEN = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]|\r(?!\n)"
)
# What a line of a log makes the machine do that runs a pipeline: `::error …` and `##vso[…`.
# https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
_ORDER = re.compile(r"(?<!\S):(?=:[a-zA-Z])|#(?=#(?:vso|teamcity)?\[)")
_STEERING = re.compile(f"{_UNSEEN.pattern}|{_ORDER.pattern}")
_ON_ONE_LINE = re.compile(rf"{_STEERING.pattern}|[\n\r\t]")

# What is not for the eye (positions count in the exact text), and what may have several lines.
_EXACT = frozenset({"old", "new", "patch", "operations"})
_SEVERAL_LINES = (Finding, Fix, Refusal)

T = TypeVar("T")


def visible(text: str) -> str:
    """Return a text with every character that steers a terminal escaped; its lines stay."""
    return _STEERING.sub(_escaped, text)


def visible_line(text: str) -> str:
    """Return a text on one line: line ends and tabs are escaped, too."""
    return _ON_ONE_LINE.sub(_escaped, text)


def json_text(value: object, *, ascii_only: bool) -> str:
    """Return plain data as JSON, with such characters as JSON's own escapes."""
    text = StringIO()  # json.dumps has a list of all pieces, which takes four times the text
    text.writelines(json.JSONEncoder(indent=2, ensure_ascii=ascii_only).iterencode(value))
    return _STEERING.sub(lambda match: _in_json(match[0]), text.getvalue()) + "\n"


def safe(result: T) -> T:
    """Return a result, or any other frozen value, with all texts in it safe for a screen.

    Texts of findings keep their line ends, all others are on one line. A template's own text and
    the plan of a fix stay exact.
    """
    safe_value: T = _safe(result, several_lines=False)
    return safe_value


def _safe(value: Any, *, several_lines: bool) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return visible(value) if several_lines else visible_line(value)
    if isinstance(value, tuple):
        return tuple(_safe(item, several_lines=several_lines) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        lines = several_lines or isinstance(value, _SEVERAL_LINES)
        changes = {
            each.name: _safe(getattr(value, each.name), several_lines=lines)
            for each in fields(value)
            if each.name not in _EXACT
        }
        return replace(value, **changes)
    return value


def _escaped(match: re.Match[str]) -> str:
    if match[0] in ":#":
        return f"\\x{ord(match[0]):02x}"
    return match[0].encode("unicode_escape").decode("ascii")


def _in_json(character: str) -> str:
    if character in ":#":
        return f"\\u{ord(character):04x}"
    return json.dumps(character)[1:-1]
