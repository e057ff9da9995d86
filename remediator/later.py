"""Answers that cost something: none is worked out before it is asked for, and each only once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from .model import Caller


class Answers(Mapping[str, tuple[Caller, ...]]):
    """Who gives each of some parameters a value; one without callers is no key.

    `ask` returns those of one parameter.
    """

    def __init__(self, names: tuple[str, ...], ask: Callable[[str], tuple[Caller, ...]]) -> None:
        self._names = names
        self._ask = ask
        self._known: dict[str, tuple[Caller, ...]] = {}

    def __getitem__(self, name: str) -> tuple[Caller, ...]:
        if name not in self._known:
            self._known[name] = self._ask(name)
        if not self._known[name]:
            raise KeyError(name)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._names if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Later(Iterable[str]):
    """Texts that are gathered when they are gone through."""

    def __init__(self, ask: Callable[[], Iterable[str]]) -> None:
        self._ask = ask

    def __iter__(self) -> Iterator[str]:
        return iter(self._ask())
