"""Texts of others within Markdown: nothing in them becomes a link, a mention, an image or HTML.

The rules are those of GitHub Flavored Markdown, https://github.github.com/gfm/. Mentions and
references are looked for in the text that a reader sees, so an escape does not prevent them: a
space of no width does.
"""

from __future__ import annotations

import html
import re

_BACKTICKS = re.compile(r"`+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_MARKS = re.compile(r"[\\`*_\[\]#~]|^[-+=]")
_NUMBER = re.compile(r"^(\d+)(?=[.)])")
_LINKS = re.compile(r"@|#(?=\d)|:/|/(?=/)|\bwww(?=\.)|\b(?:mailto|xmpp)(?=:)|\bGH(?=-)", re.I)
_NO_WIDTH = "\u200b"


def code(text: str) -> str:
    """Return a text as a code span on one line, in a table too."""
    text = _one_line(text)
    if "|" in text:  # whether a backslash saves a bar from the table depends on the backslashes
        return "<code>" + "".join(map(_entity, text)) + "</code>"
    fence = "`" * (_longest(text) + 1)
    if not text.strip() or text.startswith("`") or text.endswith("`"):
        text = f" {text} "
    return fence + text + fence


def plain(text: str) -> str:
    """Return a text that reads as it is, on one line, in a table too."""
    text = _LINKS.sub(lambda match: _apart(match.group()), " ".join(_one_line(text).split()))
    text = _NUMBER.sub(r"\1\\", _MARKS.sub(r"\\\g<0>", text))
    text = html.escape(text, quote=False).replace("|", "&#124;")
    return text.replace("$", "<span>$</span>")  # two of them would begin and end a formula


def block(text: str, language: str = "") -> str:
    """Return a text as a fenced code block."""
    fence = "`" * max(3, _longest(text) + 1)
    end = "" if text.endswith("\n") else "\n"
    return f"{fence}{language}\n{text}{end}{fence}"


def in_html(text: str) -> str:
    """Return a text for an HTML element that stands on one line."""
    return html.escape(_one_line(text))


def _one_line(text: str) -> str:
    """Return a text without line ends, and without what UTF-8 does not hold."""
    return _CONTROL.sub(" ", text.encode("utf-8", "backslashreplace").decode())


def _apart(link: str) -> str:
    return link + _NO_WIDTH if len(link) != 2 or link.isalpha() else link[0] + _NO_WIDTH + link[1]


def _entity(character: str) -> str:
    return character if character.isalnum() else f"&#{ord(character)};"


def _longest(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)
