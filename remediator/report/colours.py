"""A unified diff in colours, with the words that differ within a line standing out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

_WORD = re.compile(r"\w+|\s+|.")
_COLOURS = {"red": 31, "green": 32, "yellow": 33, "cyan": 36, "bold": 1, "reverse": 7}
_KEY = re.compile(r"[\s-]*[^\s:]+:")
_FEW = 3
"""Lines that go together at the most for their words to be compared: a block has no counterpart."""
_LONGEST = 400
"""Characters of a line whose words are compared; the time grows with their square."""


def painted(text: str, colour: str) -> str:
    """Return a text in a colour, for a terminal; as it is where the colour is none."""
    if colour not in _COLOURS:
        return text
    body = text.rstrip("\n")
    return f"\x1b[{_COLOURS[colour]}m{body}\x1b[0m{text[len(body) :]}"


def coloured(diff: str) -> str:
    """Return a unified diff with its lines, and the words that differ, in the usual colours."""
    lines = diff.splitlines(keepends=True)
    shown: list[str] = []
    place = 0
    while place < len(lines):
        removed = _run(lines, place, "-")
        added = _run(lines, place + len(removed), "+")
        if removed and added and len(removed) <= _FEW and not removed[0].startswith("---"):
            shown += _pairs(removed, added)
        else:
            added = [] if removed else added
            plain = removed or added or lines[place : place + 1]
            shown += [painted(line, _of_line(line)) for line in plain]
        place += max(1, len(removed) + len(added))
    return "".join(shown)


def _run(lines: Sequence[str], place: int, sign: str) -> list[str]:
    """Return the lines from a place on that begin with a sign."""
    end = place
    while end < len(lines) and lines[end].startswith(sign):
        end += 1
    return list(lines[place:end])


def _of_line(line: str) -> str:
    if line.startswith(("---", "+++")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def _pairs(removed: Sequence[str], added: Sequence[str]) -> Iterator[str]:
    """Yield lines that went and lines that came, each with what differs from its counterpart."""
    spans: dict[tuple[str, int], list[tuple[int, int]]] = {}
    following = 0
    for index, old in enumerate(removed):
        for other in range(following, len(added)):
            found = _differing(old[1:], added[other][1:])
            if found is not None:
                spans["-", index], spans["+", other] = found
                following = other + 1
                break
    for index, line in enumerate(removed):
        yield _marked(line, spans.get(("-", index), []), "red")
    for index, line in enumerate(added):
        yield _marked(line, spans.get(("+", index), []), "green")


def _differing(old: str, new: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]] | None:
    """Return the spans of the words that differ in two values of one key, None where it is not."""
    key, other = _KEY.match(old), _KEY.match(new)
    if max(len(old), len(new)) > _LONGEST or not key or not other or key[0] != other[0]:
        return None
    before, after = _WORD.findall(old), _WORD.findall(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    spans: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for kind, *ends in matcher.get_opcodes():
        if kind == "equal":
            continue
        for side, words, (start, end) in ((0, before, ends[:2]), (1, after, ends[2:])):
            if start < end:
                first = sum(map(len, words[:start]))
                spans[side].append((first, first + sum(map(len, words[start:end]))))
    return spans


def _marked(line: str, spans: Sequence[tuple[int, int]], colour: str) -> str:
    """Return a line of a diff in a colour, these spans of what follows its sign in reverse."""
    body = line.rstrip("\n")
    parts = []
    shown = 0
    for start, end in ((start + 1, end + 1) for start, end in spans):
        parts += [painted(body[shown:start], colour)] if start > shown else []
        parts.append(painted(painted(body[start:end], "reverse"), colour))
        shown = end
    parts += [painted(body[shown:], colour)] if shown < len(body) else []
    return "".join(parts) + line[len(body) :]
