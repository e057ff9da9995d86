"""CloudFormation's limits: whether a repair takes a template beyond one that it would refuse.

A template that was beyond a limit before and is not taken further is none of our business. Only
what stands in the template is counted, not what a macro or `Fn::ForEach` makes of it.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
and, for names of exports, https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/outputs-section-structure.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from .data import texts
from .model import Add, Operation, Path, Refusal, Remove, Value, value_at
from .template import SUB_VARIABLE, sub_parts, walk

MOST_INLINE = 51_200
"""Bytes of a template that is passed in the request itself, not from S3."""
MOST_BYTES = 1_000_000
"""Bytes of a template from S3: the page says 1 MB, the service "may not exceed 1000000 bytes"."""
MOST_REPAIRED = 2 * MOST_BYTES
"""Bytes of a template that is still repaired: one that is too large may be made smaller."""
LONGEST_NAME = 255
"""Characters of a logical id, and of the name of an export."""

_DYNAMIC = "dynamic references"
_MOST = {
    "Resources": (500, "too-many-resources"),
    "Parameters": (200, "too-many-parameters"),
    "Outputs": (200, "too-many-outputs"),
    _DYNAMIC: (60, "too-many-references"),
}
_NAMED = ("Parameters", "Resources", "Conditions", "Mappings", "Outputs")


class Held:
    """How many of each limited kind a template's data holds, counted once for all that is tried."""

    def __init__(self, data: Mapping[str, Value]) -> None:
        self.data = data

    def number(self, kind: str) -> int:
        """Return how many of a kind there are."""
        if kind == _DYNAMIC:
            return self._references
        section = self.data.get(kind)
        return len(section) if isinstance(section, dict | list) else 0

    @cached_property
    def _references(self) -> int:
        return sum(text.count("{{resolve:") for text in texts(dict(self.data)))


def crossed(held: Held, operations: Sequence[Operation]) -> Refusal | None:
    """Return why operations would take a template beyond a limit; None where they do not."""
    change: Counter[str] = Counter()
    for operation in operations:
        if not isinstance(operation, Add):
            change.subtract(_counts(operation.path, value_at(dict(held.data), operation.path)))
        if not isinstance(operation, Remove):
            change.update(_counts(operation.path, operation.value))
    for kind, (most, code) in _MOST.items():
        number = held.number(kind) + change[kind] if change[kind] > 0 else 0
        if number > most:
            reason = (
                f"the template would have {number} {kind.lower()}, and CloudFormation takes {most}"
            )
            return Refusal(code, reason)
    return next(_long_names(operations), None)


def _counts(path: Path, value: Value) -> Counter[str]:
    """Return how many entries of each limited kind a value at a path brings."""
    found: Counter[str] = Counter()
    for place, inner in walk(value, path):
        if len(place) == 2 and place[0] in _MOST:
            found[str(place[0])] += 1
        elif isinstance(inner, str):
            found[_DYNAMIC] += inner.count("{{resolve:")
    return found


def _long_names(operations: Sequence[Operation]) -> Iterator[Refusal]:
    for operation in operations:
        if isinstance(operation, Remove):
            continue
        for place, inner in walk(operation.value, operation.path):
            if len(place) == 2 and place[0] in _NAMED and isinstance(operation, Add):
                yield from _too_long(f"the name {place[1]}", len(str(place[1])))
            if len(place) == 4 and place[0] == "Outputs" and place[2:] == ("Export", "Name"):
                yield from _too_long(f"the export of {place[1]}", _shortest(inner))


def _too_long(what: str, length: int) -> Iterator[Refusal]:
    if length > LONGEST_NAME:
        reason = f"{what} would have {length} characters or more; CloudFormation takes"
        yield Refusal("name-too-long", f"{reason} {LONGEST_NAME}")


def _shortest(name: Value) -> int:
    """Return how long a name is at least: the text around its variables."""
    body = name.get("Fn::Sub") if isinstance(name, dict) else name
    return len(SUB_VARIABLE.sub("", sub_parts(body)[0]))


def too_large(text: str) -> Refusal | None:
    """Return why a text is too large to be repaired at all; None where it is not.

    The proof takes some seconds a megabyte, and no deployment takes so large a template.
    """
    size = len(text.encode())
    if size <= MOST_REPAIRED:
        return None
    reason = f"the template has {size} bytes, and CloudFormation takes {MOST_BYTES}: take it apart"
    return Refusal("template-too-large", reason)


def outgrown(size: int, new_size: int) -> Refusal | None:
    """Return why a text of so many bytes is too large for CloudFormation; None where it is not, or
    was no smaller before."""
    if new_size <= max(MOST_BYTES, size):
        return None
    reason = f"the template would have {new_size} bytes, and CloudFormation takes {MOST_BYTES}"
    return Refusal("template-too-large", reason)
