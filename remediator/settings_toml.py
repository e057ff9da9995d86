"""Takes parameters out of a samconfig.toml, byte for byte, and proves it.

Python's own reader and tomlkit, with which the SAM CLI reads the file, each read the old and the
new text; in each, the old data with the operations carried out must equal the new.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from copy import deepcopy
from typing import Any

from . import plain_toml, toml_text
from .errors import EditError, ProofError
from .model import Operation, Path, Remove, Replace, Span, pointer
from .overrides import less, spans_of
from .toml_text import Pair

_REST = re.compile(r"[ \t]*,?[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")
"""What may stand behind an entry on its line, so that the line is its own."""
_BLANK = re.compile(r"(?:[ \t]*+\r?\n)*")


def without(
    text: str, named: Mapping[Path, Set[str]], *, proven: bool = True
) -> tuple[str, tuple[Operation, ...]]:
    """Return a samconfig.toml without these parameters, and the operations that it comes to.

    `named` are the parameters by the place of a key, an entry of a list, or a text that holds
    several. Without `proven` it is not proven. Raises EditError where that cannot be done soundly,
    ProofError where it went wrong.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(mark)
    try:
        data = plain_toml.loads(text)
        pairs = {pair.path: pair for pair in toml_text.pairs(text)}
        operations = tuple(_operation(data, place, names) for place, names in named.items())
        new = less(text, _merged(_gone(text, pairs, operations, named)))
    except ValueError as error:
        raise EditError("cannot be read as TOML") from error
    if proven:
        _prove(text, new, operations)
    return mark + new, operations


def _operation(data: Any, place: Path, names: Set[str]) -> Operation:
    value = _at(data, place)
    if not isinstance(value, str) or place[-1] in names:
        return Remove(place)
    rest = less(value, spans_of(value, names))
    return Replace(place, rest) if rest else Remove(place)


def _at(data: Any, place: Path) -> Any:
    for step in place:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            raise EditError(f"{pointer(place)} is not there") from None
    return data


# --- the text --------------------------------------------------------------------------------


def _gone(
    text: str,
    pairs: Mapping[Path, Pair],
    operations: Sequence[Operation],
    named: Mapping[Path, Set[str]],
) -> Iterator[Span]:
    """Yield what has to go of the text for these operations."""
    gone: dict[Path, set[int]] = {}
    comments = frozenset(toml_text.comments(text))
    for operation in operations:
        place = operation.path
        if isinstance(operation, Replace):
            content, places = toml_text.string(text, _value(text, pairs, place))
            for start, end in spans_of(content, named[place]):
                yield places[start], places[end]
        elif isinstance(place[-1], int):
            gone.setdefault(place[:-1], set()).add(place[-1])
        else:
            removed = {each.path for each in operations if isinstance(each, Remove)}
            yield _whole_line(text, comments, pairs, place, removed)
    for place, numbers in gone.items():
        yield from _items(text, comments, _value(text, pairs, place), numbers)


def _value(text: str, pairs: Mapping[Path, Pair], place: Path) -> Span:
    """Return where the value at a place stands: that of a key, or an entry of its list."""
    if place in pairs:
        return pairs[place].value
    *above, number = place
    if not isinstance(number, int) or tuple(above) not in pairs:
        raise EditError(f"{pointer(place)} stands where it cannot be edited")
    return toml_text.items(text, pairs[tuple(above)].value)[number]


def _whole_line(
    text: str,
    comments: Set[int],
    pairs: Mapping[Path, Pair],
    place: Path,
    gone: Set[Path],
) -> Span:
    pair = pairs.get(place)
    lines = None
    if pair is not None and _is_all_of_its_table(text, pairs, pair, gone):
        raise EditError(f"{pointer(place)} is all that its table is made of")
    if pair is not None and not pair.inline:
        lines = _lines(text, comments, (pair.start, pair.value[1]))
    if lines is None:
        raise EditError(f"{pointer(place)} stands within a line, and would have to go as a whole")
    return lines


def _is_all_of_its_table(
    text: str, pairs: Mapping[Path, Pair], pair: Pair, gone: Set[Path]
) -> bool:
    """Whether a dotted key makes a table, `a.b = 1`, that would be gone with what goes."""
    table = pair.path[:-1]
    key = toml_text.tokens(text, pair.start, pair.value[0])
    return any(token.text == "." for token in key) and not any(
        path[: len(table)] == table and path not in gone for path in pairs
    )


def _lines(text: str, comments: Set[int], span: Span) -> Span | None:
    """Return the lines of an entry with its comments; None where they hold something else too.

    Its comments are that beside it, and those right above it in its column, but not what heads the
    whole text.
    """
    start = text.rfind("\n", 0, span[0]) + 1
    rest = _REST.match(text, span[1])
    margin = text[start : span[0]]
    if margin.strip() or rest is None:
        return None
    first = start
    while first:
        above = text.rfind("\n", 0, first - 1) + 1
        if above + len(margin) not in comments or not text.startswith(margin, above):
            break
        first = above
    if not first:
        first = start
    first, end = _with_a_gap(text, first, rest.end())
    if first and end == len(text) and not text.endswith("\n"):
        # The text keeps having no last line end.
        first -= 2 if text.endswith("\r\n", 0, first) else 1
    return first, end


def _with_a_gap(text: str, start: int, end: int) -> Span:
    """Return lines with the blank ones on one side, where there are some on both: the more stay.

    Where nothing follows, those above go.
    """
    above = start
    while above and not text[text.rfind("\n", 0, above - 1) + 1 : above].strip():
        above = text.rfind("\n", 0, above - 1) + 1
    blank = _BLANK.match(text, end)
    below = blank.end() if blank else end
    fewer_above = text.count("\n", above, start) < text.count("\n", end, below)
    if below == len(text) or fewer_above:
        return above, end
    return start, below if above < start else end


def _items(text: str, comments: Set[int], value: Span, numbers: Set[int]) -> Iterator[Span]:
    """Yield what has to go of a list with some of its entries: their commas too."""
    items = toml_text.items(text, value)
    lines = [_lines(text, comments, items[number]) for number in sorted(numbers)]
    if all(lines):
        # The comma of the entry before may end the list.
        yield from (span for span in lines if span is not None)
        return
    first = 0
    while first < len(items):
        last = first
        while last < len(items) and last in numbers:
            last += 1
        if last > first:
            if last < len(items):
                span = items[first][0], items[last][0]
            elif first:
                span = items[first - 1][1], items[last - 1][1]
            else:
                span = value[0] + 1, value[1] - 1
            if any(span[0] <= comment < span[1] for comment in comments):
                raise EditError("a comment stands in a list where an entry would go")
            yield span
        first = last + 1


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans in their order, those that meet as one: two entries may share a blank line."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            start, end = merged[-1][0], max(end, merged.pop()[1])
        merged.append((start, end))
    return merged


# --- the proof -------------------------------------------------------------------------------


def _prove(old: str, new: str, operations: Sequence[Operation]) -> None:
    for name, read in (("tomllib", plain_toml.loads), ("tomlkit", _tomlkit)):
        try:
            expected = deepcopy(read(old))
        except ValueError as error:
            raise EditError(f"cannot be proven: {name} refuses the text") from error
        try:
            found = read(new)
        except ValueError as error:
            raise ProofError(f"{name} refuses the new text, and took the old") from error
        # Later entries first: then no number of an entry has shifted yet.
        later = sorted(operations, key=lambda each: [f"{step:>9}" for step in each.path])
        for operation in reversed(later):
            parent = _at(expected, operation.path[:-1])
            if isinstance(operation, Replace):
                parent[operation.path[-1]] = operation.value
            else:
                del parent[operation.path[-1]]
        # As texts: 1 is no 1.0 and no true, and the order counts.
        if repr(found) != repr(expected):
            raise ProofError(f"{name} reads something else than planned")


def _tomlkit(text: str) -> Any:
    import tomlkit  # lazily: only a settings file that changes pays for it
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(text.replace("\r\n", "\n")).unwrap()
    except (TOMLKitError, RecursionError) as error:
        raise ValueError("tomlkit refuses the text") from error
