"""Walks through plain data: every value with its path, in the order of the text."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Path, Value

_CONTAINERS = (dict, list)


def walk(value: Value, path: Path = ()) -> Iterator[tuple[Path, Value]]:
    """Yield every value below one, itself first, with its path, in the order of the text."""
    # With a stack of its own: what nested generators yield goes through each of them.
    waiting = [(path, value)]
    while waiting:
        here = waiting.pop()
        yield here
        path, value = here
        if isinstance(value, dict):
            waiting += [((*path, key), inner) for key, inner in reversed(value.items())]
        elif isinstance(value, list):
            for index in range(len(value) - 1, -1, -1):
                waiting.append(((*path, index), value[index]))


def mappings(value: Value, path: Path = ()) -> Iterator[tuple[Path, dict[str, Value]]]:
    """Yield the mappings among what `walk` yields: a third of it, in less than half the time."""
    waiting = [(path, value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            yield path, value
            for key, inner in reversed(value.items()):
                if isinstance(inner, _CONTAINERS):
                    waiting.append(((*path, key), inner))
        elif isinstance(value, list):
            for index in range(len(value) - 1, -1, -1):
                if isinstance(value[index], _CONTAINERS):
                    waiting.append(((*path, index), value[index]))


def texts(value: Value) -> Iterator[str]:
    """Yield the texts among what `walk` yields, in no order."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def holds_null(value: Value) -> bool:
    """Tell whether a value holds a null anywhere."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif value is None:
            return True
    return False
