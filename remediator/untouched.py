"""What an edit must leave alone in the text: the bytes around what stays, the comments.

The text is seen as a row of leaves with what stands between them. A leaf that no operation touches
must stand in the new text as it stood in the old, in the same order, and where two such leaves are
neighbours in both texts, so must all that is between them: indentation, commas, blank lines,
comments, line ends.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import TypeAlias

from .document import LINE_END, Text
from .leaves import Changes, Kind, Leaf
from .model import Path, Span

# A `#` that a tag or anchor does not hold starts a comment, also right behind a bracket or a quote.
_COMMENT = re.compile(r"""(?<![^\s,\[\]{}"'])#[^\n\r\x85\u2028\u2029]*""")
_LINE_BREAK = re.compile(r"\n|\r(?!\n)")  # a line keeps the first half of its CRLF
_LAST_BREAK = re.compile(r"(?:\r\n|\r|\n)\Z")
_OPENING = re.compile(r"(?:[\[{]|![^\s,\[\]{}]*)[ \t]*\Z")
_DASH = re.compile(r"^[ \t]*-(?=\s)", re.MULTILINE)
_BRACKET = re.compile(r"[]}]")
_LINE = re.compile(r"[^\n\r\x85\u2028\u2029]*")


def first_change(old: Text, new: Text, before: Sequence[Leaf], after: Sequence[Leaf]) -> str | None:
    """Return what is not as it was around the operations, in words; None where all is.

    `before` and `after` are the leaves of the two texts.
    """
    names, new_names = [leaf.identity for leaf in before], [leaf.identity for leaf in after]
    stayed = [
        (name, leaf) for name, leaf in zip(names, before, strict=True) if leaf.path is not None
    ]
    kept = {name for name, _ in stayed}
    found = [(name, leaf) for name, leaf in zip(new_names, after, strict=True) if name in kept]
    pairs = zip(stayed, found, strict=False)  # the end of the text ends both
    for (name, one), (new_name, other) in pairs:
        if name != new_name:
            return f"{other.words()} does not stand in its old order"
        if old.text[one.start : one.end] != new.text[other.start : other.end]:
            return f"{one.words()} is written in another way than before"
    if _LAST_BREAK.findall(old.text) != _LAST_BREAK.findall(new.text):
        return "the last line end changed"
    known = set(LINE_END.findall(old.text))
    if known and not known.issuperset(LINE_END.findall(new.text)):
        return "the kind of line end changed"
    return _between(old.text, new.text, (before, names), (after, new_names))


_Row: TypeAlias = tuple[Sequence[Leaf], Sequence[object]]
"""The leaves of a text, and the identity of each."""


def _between(old: str, new: str, old_row: _Row, new_row: _Row) -> str | None:
    """Return what changed between leaves that stay and have nothing new between them."""
    (before, names), (after, new_names) = old_row, new_row
    position = {name: index for index, name in enumerate(new_names)}
    first = 0  # the last leaf that stays
    for index, leaf in enumerate(before):
        if leaf.path is None or index == 0:
            continue
        a, found = before[first], position[names[first]]
        next_one = after[found + 1]
        gap = new[after[found].end : next_one.start]
        if new_names[found + 1] == names[index]:
            if first + 1 == index:
                same = gap == old[a.end : leaf.start]
            else:
                places = [one.start for one in before[first + 1 : index + 1]]
                same = _only_shortened(old, a.end, places, gap) or _is_one_cut(
                    old[a.end : leaf.start],
                    gap,
                    (places[0] - a.end, max(one.end for one in before[first + 1 : index]) - a.end),
                )
            if not same:
                return f"the text behind {a.words()} changed"
        elif index == first + 2:
            one, follower = before[index - 1], after[found + 2]
            scalars = one.kind is next_one.kind is Kind.SCALAR and one.start < one.end
            behind, now = old[one.end : leaf.start], new[next_one.end : follower.start]
            if new_names[found + 2] != names[index]:  # something new follows: to the line end only
                scalars = scalars and not _is_below(follower, a)
                behind, now = _rest_of_line(behind), _rest_of_line(now)
            if scalars and one.rewritten and behind != now:
                return f"the text behind the new value of {a.words()} changed"
        first = index
    return None


def _is_below(leaf: Leaf, key: Leaf) -> bool:
    """Tell whether a leaf may belong to the value that follows a key, or any other leaf."""
    if key.kind is not Kind.KEY or key.path is None:
        return True
    return leaf.path is not None and leaf.path[: len(key.path)] == key.path


def _rest_of_line(text: str) -> str:
    """Return what stands behind a value on its line: blanks and a comment, nothing else."""
    found = _LINE.match(text)  # the kind of line end, and whether there is one, are compared apart
    line = found.group() if found else ""
    return line if line.strip()[:1] in ("", "#") else ""


def _only_shortened(text: str, start: int, places: Sequence[int], new: str) -> bool:
    """Tell whether what stands between two leaves is what stood there, less what was removed.

    `places` are where the removed leaves start in the old text, and the one behind them: the
    latter may come to stand where one of the former stood.
    """
    old = text[start : places[-1]]
    characters = iter(old)
    if not all(character in characters for character in new):
        return False
    head, *rest = _LINE_BREAK.split(old)
    first, *following = _LINE_BREAK.split(new)
    if not following:
        return True
    *inner, last = following
    lines = iter(rest)
    before = {
        each
        for place in places
        for each in _openings(text[max(start, _line_start(text, place)) : place])
    }
    if places[-1] == len(text):  # nothing follows: a comment may be the last line, without its end
        before |= {line.rstrip("\r") for line in rest}
        first = first.removesuffix("\r")  # the last line end stays what it was: compared apart
    return (
        (
            any(each.startswith(first) for each in (head, head.replace(",", "", 1)))
            or places[0] <= start + len(head)
        )
        and all(any(line in (each, _without_comma(each)) for each in lines) for line in inner)
        and last in before
    )


def _openings(line: str) -> Iterator[str]:
    """Yield what stands before a leaf on its line, also less the brackets and tags it begins."""
    while True:
        yield line
        opening = _OPENING.search(line)
        if opening is None:
            return
        line = line[: opening.start()]


def _is_one_cut(old: str, new: str, removed: Span) -> bool:
    """Tell whether all that is missing is one piece, up to a line's end or a closing bracket.

    `removed` is where the removed leaves start and end in the old text between what stays; behind
    them and their own brackets no line may end within the piece.
    """
    shared = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), len(new))
    start = min(shared, removed[0])
    end = len(old) - len(new) + start
    ends = old[end:].lstrip(" \t")[:1] in ("]", "}", "\r", "\n")
    behind = _BRACKET.split(old[removed[1] : end])[-1]  # a line that ends there ends still
    whole = end >= removed[1] and not LINE_END.search(behind)
    return whole and ends and old[end:] == new[start:]


def _without_comma(line: str) -> str:
    """Return a line as it is once the entry behind it is gone, with its own line end."""
    return re.sub(r",[ \t]*(?=\r?$)", "", line)


# --- comments --------------------------------------------------------------------------------


def lost_comment(
    old: Text, new: Text, changes: Changes, row: Sequence[Leaf], after: Sequence[Leaf]
) -> int | None:
    """Return the line of the old text's first comment that is gone with no block it belongs to.

    `row` and `after` are the leaves of the two texts.
    A comment may go with an entry that goes: within it, within a value that goes, beside it (unless
    something that stays is on its line), in the lines right above it, and below it if indented
    deeper.
    """
    starts = [leaf.start for leaf in row]
    whole = changes.rewritten | {p[:-1] for p in changes.rewritten if _is_behind_tag(old, p)}
    rewritten = {changes.new_path(path) for path in whole}
    left = Counter(_as_it_stands(new.text, *span) for span in comments(new, after))
    for start, end in comments(old, row):
        following = bisect_right(starts, start)
        if _may_go(old.text, start, end, row, following):
            continue
        above = row[following - 1]
        if above.kind is Kind.KEY and above.path in rewritten:
            continue  # between a key and its value, which goes as a whole
        comment = _as_it_stands(old.text, start, end)
        left[comment] -= 1
        if left[comment] < 0:
            return old.position(start)[0]
    return None


def _is_behind_tag(document: Text, path: Path) -> bool:
    """Tell whether a value is the argument of `!Function`: a tag is no leaf, as a key is."""
    try:
        return document.node(path) is document.node(path[:-1])
    except KeyError:
        return False


def _as_it_stands(text: str, start: int, end: int) -> str:
    """Return a comment, with its indentation where it has a line of its own."""
    margin = text[_line_start(text, start) : start]
    return ("" if margin.strip() else margin) + text[start:end].rstrip()


def comments(document: Text, row: Sequence[Leaf]) -> Iterator[tuple[int, int]]:
    """Yield start and end of every comment outside scalars."""
    text, place = document.text, 0
    for leaf in row:
        if leaf.kind is Kind.EMPTY:
            continue
        if text.find("#", place, leaf.start) >= 0:  # of the gaps between leaves, few have one
            for match in _COMMENT.finditer(text, place, leaf.start):
                yield match.span()
        place = max(place, leaf.end)
        if leaf.kind is Kind.BLOCK:  # the line of its `|` may end in a comment
            head = _LINE.match(text, leaf.start)
            for match in _COMMENT.finditer(text, leaf.start, head.end() if head else 0):
                yield match.span()


def _may_go(text: str, start: int, end: int, row: Sequence[Leaf], following: int) -> bool:
    """Tell whether a comment belongs to what an operation takes; `following` is the next leaf."""
    above, below = row[following - 1], row[following]
    if above.end > start:
        return above.path is None  # within a leaf: beside its `|`, or in an empty collection
    if above.path is None and below.path is None:
        return True
    line = _line_start(text, start)
    alone = not text[line:start].strip(" \t-")
    if below.path is None:
        if _DASH.search(text, above.end, start):
            return True  # between the dash and the value of what goes
        between = text[end : below.start].splitlines()[1:-1]
        return alone and all(other.lstrip().startswith("#") for other in between)
    if above.path is not None:
        return False
    if not alone:
        if above.rewritten and above.kind is Kind.SCALAR:
            return False
        return not any(leaf.path is not None and leaf.start >= line for leaf in row[1:following])
    gone = takewhile(lambda leaf: leaf.path is None, reversed(row[:following]))
    return start - line > min(_indentation(text, leaf.start) for leaf in gone)


def _indentation(text: str, index: int) -> int:
    """Return the blanks in front of a leaf on its line, or of what stands before it there."""
    margin = text[_line_start(text, index) : index]
    return len(margin) - len(margin.lstrip(" "))


def _line_start(text: str, index: int) -> int:
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
