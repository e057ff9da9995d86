"""When a resource or a branch exists: the conditions of a template as logic.

A *case* is a set of condition names with the truth each must have, such as the `Condition` of a
resource and the branches of `Fn::If` above a value; a *presence* is several cases of which any
may hold. They are compared by trying every assignment of what the conditions ask about.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypeAlias

from .errors import TransformError
from .model import Value

Case: TypeAlias = frozenset[tuple[str, bool]]
"""Condition names with the truth that each must have; empty: always.

In place of a name may stand an expression that no condition has yet, as `inline` writes it.
"""
Presence: TypeAlias = tuple[Case, ...]
"""Any of the cases; none at all: never."""

ALWAYS: Presence = (frozenset(),)
LIMIT = 4096
"""Assignments that are tried at the most; beyond it, TooManyConditions."""

BUDGET = 5_000_000
"""Comparisons that all questions about one template may take together, some seconds' work."""
DEEPEST = 100
"""Levels that conditions nest at the most, by their functions and by naming one another."""

_MANY_CASES = 16  # from which on cases are simplified before they are multiplied
_OTHER = "\0other"  # any value that no condition of the template names
_Assignment: TypeAlias = Mapping[str, str]
_Formula: TypeAlias = Callable[[_Assignment], bool]


class _Compiled(NamedTuple):
    """An expression as a function, with what it asks about.

    `size` is the number of comparisons that one call takes, `height` how deep they nest.
    """

    holds: _Formula
    variables: frozenset[str] = frozenset()
    size: int = 1
    height: int = 1


_INLINE = "\0"  # no template can hold it


def inline(expression: Value) -> str:
    """Return an expression in the form in which it may stand for a condition's name in a case."""
    return _INLINE + _text(expression)


class TooManyConditions(TransformError):
    """The conditions ask about more combinations than can be tried."""


def literal(value: Value) -> str | None:
    """Return a scalar as the string that CloudFormation compares, or None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None


@dataclass(eq=False, repr=False)
class Conditions:
    """The `Conditions` section of a template, with the parameters that they ask about."""

    expressions: Mapping[str, Value]
    parameters: Mapping[str, Value]
    _domains: dict[str, set[str]] = field(default_factory=dict)
    _spent: list[int] = field(default_factory=list)
    """The comparisons that each question has taken so far."""

    def satisfiable(self, presence: Presence) -> bool:
        """Tell whether any assignment makes the presence true."""
        return any(self._holds(presence, a) for a in self._assignments(presence))

    def implies(self, presence: Presence, other: Presence) -> bool:
        """Tell whether `other` holds wherever `presence` does."""
        return all(
            self._holds(other, a)
            for a in self._assignments(presence, other)
            if self._holds(presence, a)
        )

    def equivalent(self, presence: Presence, other: Presence) -> bool:
        """Tell whether both hold in exactly the same assignments."""
        return all(
            self._holds(presence, a) == self._holds(other, a)
            for a in self._assignments(presence, other)
        )

    def exclusive(self, presence: Presence, other: Presence) -> bool:
        """Tell whether no assignment makes both true."""
        return not any(
            self._holds(presence, a) and self._holds(other, a)
            for a in self._assignments(presence, other)
        )

    def both(self, presence: Presence, other: Presence) -> Presence:
        """Return where both hold, without the cases that contradict themselves."""
        if len(presence) * len(other) > LIMIT:
            raise TooManyConditions(f"more than {LIMIT} branches come together")
        joined = dict.fromkeys(a | b for a in presence for b in other)
        return tuple(c for c in joined if not any((name, not truth) in c for name, truth in c))

    def without(self, presence: Presence, other: Presence) -> Presence:
        """Return where `presence` holds and `other` does not."""
        for case in other:
            opposite = tuple(frozenset({(name, not truth)}) for name, truth in sorted(case))
            joined = self.both(presence, opposite)
            presence = tuple(case for case in joined if self.satisfiable((case,)))
            if len(presence) > _MANY_CASES:
                presence = self.simplified(presence)
        return tuple(case for case in presence if self.satisfiable((case,)))

    def simplified(self, presence: Presence) -> Presence:
        """Return the presence without cases and names that add nothing."""
        cases: list[Case] = []
        for case in dict.fromkeys(presence):
            if not self.satisfiable((case,)):
                continue
            for name in sorted(case):
                fewer = case - {name}
                if self.equivalent((fewer,), (case,)):
                    case = fewer
            cases.append(case)
        kept = list(dict.fromkeys(cases))
        for case in tuple(kept):
            others = tuple(other for other in kept if other != case)
            if others and self.implies((case,), others):
                kept.remove(case)
        return tuple(kept)

    def named(self, presence: Presence) -> str | None:
        """Return the name of a condition with just this meaning, the first of the template."""
        for name in self.expressions:
            try:
                if self.equivalent(presence, (frozenset({(name, True)}),)):
                    return name
            except TooManyConditions:
                continue  # this one asks about too much to be the one sought
        return None

    def expression(self, presence: Presence) -> Value:
        """Return the presence as an expression for the `Conditions` section."""
        cases: list[Value] = []
        for case in presence:
            parts: list[Value] = [
                _mention(name) if truth else {"Fn::Not": [_mention(name)]}
                for name, truth in sorted(case, key=lambda item: (not item[1], item[0]))
            ]
            cases.append(parts[0] if len(parts) == 1 else {"Fn::And": parts})
        return cases[0] if len(cases) == 1 else {"Fn::Or": cases}

    def _holds(self, presence: Presence, assignment: _Assignment) -> bool:
        return any(
            all(self._named(name).holds(assignment) == truth for name, truth in case)
            for case in presence
        )

    def _assignments(self, *presences: Presence) -> Iterator[_Assignment]:
        names = {name for presence in presences for case in presence for name, _ in case}
        variables = sorted({v for name in names for v in self._named(name).variables})
        domains = [sorted(self._domain(variable)) for variable in variables]
        number = math.prod(map(len, domains))
        if number > LIMIT:
            raise TooManyConditions(
                f"the conditions {_listed(names)} ask about more than {LIMIT} "
                "combinations of values"
            )
        self._spend(number, presences)
        for values in itertools.product(*domains):
            yield dict(zip(variables, values, strict=True))

    def _spend(self, assignments: int, presences: Iterable[Presence]) -> None:
        """Count a question's work before it starts; refuse it where the template had enough."""
        cases = (case for presence in presences for case in presence)
        size = sum(self._named(name).size for case in cases for name, _ in case)
        spent = sum(self._spent) + assignments * (1 + size)
        if spent > BUDGET:
            raise TooManyConditions("the template's conditions ask about too many combinations")
        self._spent[:] = [spent]

    @cached_property
    def _compiled(self) -> dict[str, _Compiled]:
        return {}

    def _named(self, name: str, above: tuple[str, ...] = (), level: int = 0) -> _Compiled:
        found = self._compiled.get(name)
        if found is None:
            if name.startswith(_INLINE):
                found = self._compile(json.loads(name.removeprefix(_INLINE)), above, level)
            elif name in above or name not in self.expressions:
                return self._opaque({"Condition": name})
            else:
                found = self._compile(self.expressions[name], (*above, name), level)
            self._compiled[name] = found
        if level + found.height > DEEPEST:
            raise _too_deep()
        return found

    def _compile(self, expression: Value, above: tuple[str, ...], level: int) -> _Compiled:
        if level > DEEPEST:
            raise _too_deep()
        if isinstance(expression, dict) and len(expression) == 1:
            [(function, argument)] = expression.items()
            if function == "Condition" and isinstance(argument, str):
                return self._named(argument, above, level + 1)
            if function in ("Fn::And", "Fn::Or", "Fn::Not") and isinstance(argument, list):
                parts = [self._compile(part, above, level + 1) for part in argument]
                if function != "Fn::Not" or len(parts) == 1:
                    return _combined(function, parts)
            if function == "Fn::Equals" and isinstance(argument, list) and len(argument) == 2:
                return self._equals(argument[0], argument[1])
        return self._opaque(expression)

    def _equals(self, left: Value, right: Value) -> _Compiled:
        a, b = literal(left), literal(right)
        if a is not None and b is not None:
            same = a == b
            return _Compiled(lambda _: same)
        if a is None and b is None:
            return self._opaque(["Fn::Equals", *sorted((_text(left), _text(right)))])
        variable, value = (_text(right), a) if b is None else (_text(left), b)
        self._domain(variable).add(value or "")
        return _Compiled(lambda a: a[variable] == (value or ""), frozenset({variable}))

    def _opaque(self, expression: Value) -> _Compiled:
        """What cannot be looked into is true or false, and equal only to itself."""
        variable = "?" + _text(expression)
        self._domains.setdefault(variable, {"false", "true"})
        return _Compiled(lambda a: a[variable] == "true", frozenset({variable}))

    def _domain(self, variable: str) -> set[str]:
        """What a variable may be: the values named by conditions, and any other."""
        if variable not in self._domains:
            self._domains[variable] = {_OTHER}
            allowed = self._allowed(variable)
            if allowed:
                self._domains[variable] = allowed
        return self._domains[variable]

    def _allowed(self, variable: str) -> set[str]:
        expression = json.loads(variable)
        if isinstance(expression, dict) and isinstance(expression.get("Ref"), str):
            parameter = self.parameters.get(expression["Ref"])
            allowed = parameter.get("AllowedValues") if isinstance(parameter, dict) else None
            if isinstance(allowed, list):
                return {text for text in map(literal, allowed) if text is not None}
        return set()


def _combined(function: str, parts: Sequence[_Compiled]) -> _Compiled:
    """Return `Fn::And`, `Fn::Or` or `Fn::Not` of some expressions."""
    formulas = [part.holds for part in parts]
    combine: Mapping[str, _Formula] = {
        "Fn::And": lambda a: all(f(a) for f in formulas),
        "Fn::Or": lambda a: any(f(a) for f in formulas),
        "Fn::Not": lambda a: not formulas[0](a),
    }
    return _Compiled(
        combine[function],
        frozenset(itertools.chain.from_iterable(part.variables for part in parts)),
        1 + sum(part.size for part in parts),
        1 + max((part.height for part in parts), default=0),
    )


def _too_deep() -> TooManyConditions:
    return TooManyConditions(f"the conditions nest deeper than {DEEPEST} levels")


def _listed(names: Iterable[str]) -> str:
    first, rest = sorted(names)[:5], len(sorted(names)[5:])
    return ", ".join(first) + (f" and {rest} more" if rest else "")


def _mention(name: str) -> Value:
    inline = name.startswith(_INLINE)
    expression: Value = json.loads(name.removeprefix(_INLINE)) if inline else {"Condition": name}
    return expression


def _text(value: Value) -> str:
    return json.dumps(value, sort_keys=True)


def case(pairs: Iterable[tuple[str, bool]]) -> Case:
    """Return a case from condition names with their truth."""
    return frozenset(pairs)
