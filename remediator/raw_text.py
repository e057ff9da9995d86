"""What can be told of a template from its raw text, before it is parsed."""

from __future__ import annotations

import re

ANCHOR = re.compile(r"&(?<![^\s\[{,:?-]&)[^\s,\[\]{}&]")
"""Where an anchor may stand; in a text without, no alias can."""

_PARAMETERS = re.compile(r"Parameters[ \t]*:[ \t]*(?:\r?\n(?:[ #][^\r\n]*)?)+")
_TOP_KEY = re.compile(r"\w+[ \t]*:|\Z")
# A line's start as a character is found several times as fast as by `^`.
_SECTION = re.compile(r"\n[\"']?Parameters[\"']?[ \t]*:")
_ODD_LINE = re.compile(r"\n[?&!*{]")
# One between two letters is an apostrophe: a quoted text neither begins nor ends there.
_QUOTE = re.compile(r"(?<!\w)'|'(?!\w)")


def plain_parameters(text: str) -> str | None:
    """Return the section of a YAML template that declares its parameters; None where it is not
    sure that it is the only one, and that it ends where a line begins that is no deeper."""
    lines = "\n" + text
    first = _SECTION.search(lines)
    if first is None or _SECTION.search(lines, first.end()) or _ODD_LINE.search(lines):
        return None
    section = _PARAMETERS.match(text, first.start())  # behind the line end, which is not in `text`
    if section is None or section[0].count('"') % 2 or len(_QUOTE.findall(section[0])) % 2:
        return None  # a quoted text may go on in lines of any depth
    return section[0] if _TOP_KEY.match(text, section.end()) else None
