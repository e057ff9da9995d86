"""Places in plain data, and the operations that change it: a plan, and as JSON Patch.

Plain data of a template is always in the *long form*: `!Ref X` is `{"Ref": "X"}`, `!GetAtt A.B` is
`{"Fn::GetAtt": ["A", "B"]}`, whatever the text uses, so that one plan serves YAML and JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = 'bool | int | float | str | list["Value"] | dict[str, "Value"] | None'
Path: TypeAlias = tuple[str | int, ...]
"""A place in the long-form data of a template: mapping keys and list indexes from the root."""


def pointer(path: Path) -> str:
    """Return the JSON Pointer (RFC 6901) of a path."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def value_at(data: Value, path: Path) -> Value:
    """Return the value at a path; raises KeyError where there is none."""
    for step in path:
        if isinstance(data, dict) and step in data:
            data = data[str(step)]
        elif isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data):
            data = data[step]
        else:
            raise KeyError(pointer(path))
    return data


@dataclass(frozen=True, slots=True)
class Add:
    """A new entry of a mapping (the last step is its key) or list (the index it will have).

    In a mapping it stands before or after the sibling named, else at the end. In a list it is
    put before the entry that has the index now; the list's length appends.
    """

    path: Path
    value: Value
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Replace:
    """Another value for an existing entry; its key and what surrounds it stay."""

    path: Path
    value: Value


@dataclass(frozen=True, slots=True)
class Remove:
    """An existing entry of a mapping or list goes, with the comments that belong to it."""

    path: Path


Operation: TypeAlias = Add | Replace | Remove
"""All operations of a plan speak of the *original* data: indexes are those before the plan."""


def json_patch(operations: Iterable[Operation]) -> list[dict[str, Value]]:
    """Return a plan as a JSON Patch (RFC 6902), in an order that keeps list indexes true."""

    # Patches apply one after the other: later places first, then no index has shifted yet. At
    # one index a removal or replacement speaks of the old entry, so it comes before an addition.
    def order(operation: Operation) -> tuple[tuple[tuple[int, int, str], ...], bool]:
        steps = tuple(
            (1, step, "") if isinstance(step, int) else (0, 0, step) for step in operation.path
        )
        return steps, not isinstance(operation, Add)

    patch: list[dict[str, Value]] = []
    # Additions at one index are applied last to first: then they stand in the order given.
    for operation in sorted(operations, key=order)[::-1]:
        if isinstance(operation, Remove):
            patch.append({"op": "remove", "path": pointer(operation.path)})
        else:
            kind = "add" if isinstance(operation, Add) else "replace"
            patch.append({"op": kind, "path": pointer(operation.path), "value": operation.value})
    return patch
