"""Operations checked, and made as small as they can be, before the text is touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .document import Text
from .errors import EditError
from .model import Add, Operation, Path, Remove, Replace, Value, pointer, value_at


def minimal(document: Text, operations: Sequence[Operation]) -> list[Operation]:
    """Return operations that do the same and touch less.

    Raises EditError where operations overlap or speak of places that are not there.
    """
    _refuse_overlap(operations)
    smaller: list[Operation] = []
    for operation in operations:
        if not isinstance(operation, Replace):
            smaller.append(operation)
            continue
        try:
            old = value_at(document.data, operation.path)
        except KeyError:
            raise EditError(f"{pointer(operation.path)} is not there") from None
        operation = _liftable(document, operation)
        old = value_at(document.data, operation.path)
        smaller.extend(_difference(document, operation.path, old, operation.value))
    _refuse_overlap(smaller)
    return smaller


def _refuse_overlap(operations: Sequence[Operation]) -> None:
    taken = {operation.path for operation in operations if not _into_list(operation)}
    seen: set[Path] = set()
    for operation in operations:
        path = operation.path
        if not path:
            raise EditError("the whole template cannot be changed at once")
        if not _into_list(operation):
            if path in seen:
                raise EditError(f"two operations change {pointer(path)}")
            seen.add(path)
        for length in range(1, len(path)):
            if path[:length] in taken:
                raise EditError(
                    f"one operation changes {pointer(path)}, another {pointer(path[:length])}"
                )


def _into_list(operation: Operation) -> bool:
    # Such a path names the place in front of an entry, not the entry.
    return (
        isinstance(operation, Add) and bool(operation.path) and isinstance(operation.path[-1], int)
    )


def _liftable(document: Text, operation: Replace) -> Replace:
    """Turn a change inside `!GetAtt A.B`, which has no place of its own, into one of the whole."""
    *outer, function, index = operation.path if len(operation.path) > 1 else ("", "")
    arguments: Value = None
    if function == "Fn::GetAtt" and isinstance(index, int):
        arguments = value_at(document.data, operation.path[:-1])
    if not isinstance(arguments, list) or not isinstance(index, int):
        return operation
    try:
        node = document.node(tuple(outer))
    except KeyError:
        return operation  # below a merge key: refused later
    if node.id != "scalar":
        return operation
    changed = [*arguments[:index], operation.value, *arguments[index + 1 :]]
    return Replace(tuple(outer), {"Fn::GetAtt": changed})


def _difference(document: Text, path: Path, old: Value, new: Value) -> Iterator[Operation]:
    """Yield the operations that make an old value the new one, entry by entry where they share."""
    if same(old, new):
        return
    if _splits(document, path, old, new):
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _mapping_difference(document, path, old, new)
            return
        if isinstance(old, list) and isinstance(new, list):
            yield from _list_difference(document, path, old, new)
            return
    yield Replace(path, new)


def _splits(document: Text, path: Path, old: Value, new: Value) -> bool:
    """Whether the entries of a value stand in the text one by one, and some of them stay."""
    if isinstance(old, dict) and isinstance(new, dict):
        if not any(key in new for key in old):
            return False
        try:
            node = document.node(path)
        except KeyError:
            return False
        if node.tag.startswith("!"):
            return list(old) == list(new) and node.id != "scalar"
        return bool(node.id == "mapping")
    if isinstance(old, list) and isinstance(new, list) and old and new:
        if len(old) != len(new) and not (same(old[0], new[0]) or same(old[-1], new[-1])):
            return False
        try:
            return bool(document.node(path).id == "sequence")
        except KeyError:
            return False
    return False


def _mapping_difference(
    document: Text, path: Path, old: dict[str, Value], new: dict[str, Value]
) -> Iterator[Operation]:
    for key, value in old.items():
        if key not in new:
            yield Remove((*path, key))
        else:
            yield from _difference(document, (*path, key), value, new[key])
    before: str | None = None
    following = next((key for key in new if key in old), None)
    for key, value in new.items():
        if key in old:
            before = key
        elif before is None:
            yield Add((*path, key), value, before=following)
        else:
            yield Add((*path, key), value, after=before)


def _list_difference(
    document: Text, path: Path, old: list[Value], new: list[Value]
) -> Iterator[Operation]:
    if len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _difference(document, (*path, index), one, other)
        return
    head = 0
    while head < min(len(old), len(new)) and same(old[head], new[head]):
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and same(old[-1 - tail], new[-1 - tail]):
        tail += 1
    shared = min(len(old), len(new)) - head - tail
    for index in range(head, head + shared):
        yield from _difference(document, (*path, index), old[index], new[index])
    for index in range(head + shared, len(old) - tail):
        yield Remove((*path, index))
    for value in new[head + shared : len(new) - tail]:
        yield Add((*path, len(old) - tail), value)


def same(old: Value, new: Value) -> bool:
    """Whether two values are equal, types included: `1 == True` among Python's own."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(same, old, new))
    return type(old) is type(new) and old == new
