"""Bare Jinja expressions in YAML, `Password: {{ var.password }}`: hidden while it is read.

Sceptre and others render a file before they parse it, so that it need not be YAML as it stands.
"""

from __future__ import annotations

import re

_FILL = "\ue000"
"""A character of the private use area: YAML takes it, and nobody writes it."""
# Compiled where a text holds expressions, as few do.
_FILLED = f"{_FILL}+"
_KEY = r"""(?:[\w.-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+:[ \t]++"""
_BARE = rf"(?m)^[ \t]*+(?:-[ \t]++)*(?:{_KEY})?(?=\{{\{{)[^\n]*+"
"""The lines whose first value, or key, starts with an expression."""
_EXPRESSION = r"(?:\{\{(?:(?!\}\}|\{\{)[^\n])*\}\})+"
_STATEMENT = re.compile(r"^[^\n'\"]*\{%", re.MULTILINE)


def hidden(text: str) -> str:
    """Return a text in which bare expressions are plain characters, each at its old place."""
    if "{{" not in text or _FILL in text:
        return text

    def fill(expression: re.Match[str]) -> str:
        return _FILL * len(expression[0])

    return re.sub(_BARE, lambda line: re.sub(_EXPRESSION, fill, line[0]), text)


def shown(value: str, plain: str, text: str) -> str:
    """Return a scalar's value with the expressions that were hidden: its source is `plain` as it
    was read, and `text` as it stands."""
    if _FILL not in value:
        return value
    expressions = (text[slice(*filled.span())] for filled in re.finditer(_FILLED, plain))
    return re.sub(_FILLED, lambda filled: next(expressions, filled[0]), value)


def has_statements(text: str) -> bool:
    """Whether statements, `{% if … %}`, may part a text, in comments or out of them."""
    return _STATEMENT.search(text) is not None
