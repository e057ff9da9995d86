"""Parameters in one text, as `sam deploy --parameter-overrides` takes them: `A=1 B="x y"`.

The SAM CLI reads either `ParameterKey=A,ParameterValue=1` throughout, or `A=1` throughout; only a
space parts two of them, and what neither is, it passes over.
https://github.com/aws/aws-sam-cli/blob/develop/samcli/cli/types.py (CfnParameterOverridesType)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise

from .errors import EditError
from .model import Span

_KEY = r"""(?P<key>[A-Za-z0-9"']++)"""
_VALUE = r"""(?P<value>"(?:\\.|[^"\\]++)*"|'(?:\\.|[^'\\]++)*'|(?:\\.|[^ "\\]++)+)"""
_LONG = re.compile(rf"ParameterKey={_KEY},ParameterValue={_VALUE}")
_SHORT = re.compile(rf"(?:\A\s*| ){_KEY}={_VALUE}")


@dataclass(frozen=True, slots=True)
class Assignment:
    """A parameter and its value as they are written, from `start` to `end` of the text."""

    name: str
    value: str = field(repr=False)
    start: int
    end: int


def assignments(text: str) -> list[Assignment]:
    """Return the parameters that the SAM CLI finds in a text, in their order."""
    text = text.rstrip()
    found = list(_LONG.finditer(text))
    if found:
        return [Assignment(each["key"].strip("\"'"), each["value"], *each.span()) for each in found]
    return [
        Assignment(each["key"].strip("\"'"), each["value"], each.start("key"), each.end())
        for each in _SHORT.finditer(text)
    ]


def spans_of(text: str, names: Set[str]) -> list[Span]:
    """Return what has to go of a text so that these parameters are no longer given, and no other
    is given another value; all of the text where it gives no other.

    Raises EditError where that cannot be told.
    """
    found = assignments(text)
    places = [0, *(place for each in found for place in (each.start, each.end)), len(text)]
    if any(text[start:end].strip() for start, end in list(pairwise(places))[::2]):
        raise EditError("the values stand in a text of which the SAM CLI reads but a part")
    if not names <= {each.name for each in found}:
        raise EditError(f"{', '.join(sorted(names))} cannot be told from the other values")
    kept = [(each.name, each.value) for each in found if each.name not in names]
    if not kept:
        return [(0, len(text))]
    for before in (True, False):
        spans = list(_with_gaps(text, found, names, before=before))
        if [(each.name, each.value) for each in assignments(less(text, spans))] == kept:
            return spans
    raise EditError(f"without {', '.join(sorted(names))} the SAM CLI would read another value")


def _with_gaps(
    text: str, found: Sequence[Assignment], names: Set[str], *, before: bool
) -> Iterator[Span]:
    """Yield the assignments of these names, each with what parts it from one that stays."""
    staying = [number for number, each in enumerate(found) if each.name not in names]
    for number, each in enumerate(found):
        if each.name not in names:
            continue
        if number > staying[-1] or (before and number > staying[0]):
            yield len(text[: each.start].rstrip()), each.end
        else:
            yield each.start, found[number + 1].start


def less(text: str, spans: Sequence[Span]) -> str:
    """Return a text without some of its parts, which stand in their order."""
    for start, end in reversed(spans):
        text = text[:start] + text[end:]
    return text
