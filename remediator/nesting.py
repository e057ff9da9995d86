"""How deep a text may nest, told from its letters: before the parser, whose recursion that limits.

libyaml's binding recurses in C: at 2 000 levels it crashes the process in a small thread.
"""

from __future__ import annotations

import re

# A bracket opens a flow collection at the start of a token only (not in `${Name}`); a block
# collection goes two levels a column at most (`- ` may stand at the column of its key).
_MAX_BRACKETS = 500
_OPENERS = re.compile(r"(?:^|(?<=[\s\[{,:?-]))[\[{]", re.MULTILINE)
_DEEP_LINE = re.compile(r"\n[ \t?-]{200}")
# Brackets on one line around no brackets, quotes, comments or `!<tags>` close what they open, or
# open nothing: without them, level by level, the others bound the depth.
_PAIR = re.compile(r"""\[[^\[\]{}"'#<\r\n]*\]|\{[^\[\]{}"'#<\r\n]*\}""")
_PAIRS_WITHIN_PAIRS = 8


def is_flat(text: str) -> bool:
    """Tell whether a text is sure to nest less deep than libyaml's recursion may.

    Texts of which that is not sure must be read as events, which do not nest, and which take as
    long as composing.
    """
    lines = "\n" + (text if "\n" in text else text.replace("\r", "\n"))
    if _DEEP_LINE.search(lines):
        return False
    if text.count("[") + text.count("{") - text.count("${") < _MAX_BRACKETS:
        return True
    for level in range(_PAIRS_WITHIN_PAIRS):
        if len(_OPENERS.findall(text)) + level < _MAX_BRACKETS:
            return True
        text = _PAIR.sub("", text)
    return False
