"""A template as CloudFormation resolves it, in every combination of its conditions.

Written for the second opinion (`meaning`) and shared with nothing that plans a repair: `conditions`
reasons with formulas, this module tries values.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from .errors import RemediatorError
from .model import Value

MOST = 4096
"""Combinations of values that are tried at the most."""
MOST_STEPS = 1_000_000
"""Expressions that are evaluated for all of them at the most: a second or two."""

Resolved: TypeAlias = 'str | list["Resolved"] | dict[str, "Resolved"] | None'
"""A value with its branches taken: a function is the text it writes, with `${Name}` for what only a
deployment knows; what `AWS::NoValue` leaves out is not there."""

MOST_CHARACTERS = 1_000_000
"""Characters of a text that functions write, at the most."""
VARIABLE = re.compile(r"\$\{(!?)([^{}]*)\}")
"""A variable of `Fn::Sub`, with blanks around its name; with a `!` it is a literal."""
_OTHER = "\0other"  # a value that no condition of the template names
_NO_VALUE = "${AWS::NoValue}"
_MOST_NESTED = 50  # functions within one condition
_MOST_NAMED = 100  # conditions that name one another, one after the other


class TooManyWorlds(RemediatorError):
    """There are more combinations of values than can be tried, or longer texts."""


@dataclass(frozen=True, slots=True)
class World:
    """One combination: which conditions hold in the old template and in the new one."""

    old: Mapping[str, bool]
    new: Mapping[str, bool]
    empty: frozenset[str] = frozenset()
    """The parameters that have the empty text as their value, as far as a condition asks."""

    def words(self) -> str:
        """Return the combination for a person, empty where there are no conditions."""
        return ", ".join(
            f"{name} is {'true' if truth else 'false'}" for name, truth in sorted(self.new.items())
        )


def section(data: Mapping[str, Value], name: str) -> Mapping[str, Value]:
    """Return a mapping below a key; an empty one where there is none."""
    found = data.get(name)
    return found if isinstance(found, dict) else {}


# --- conditions ------------------------------------------------------------------------------


def worlds(
    old: Mapping[str, Value], new: Mapping[str, Value], names: Iterable[str]
) -> Iterator[World]:
    """Yield each distinct combination of these conditions, of both templates at once.

    Raises TooManyWorlds.
    """
    wanted = sorted(set(names))
    atoms = _Atoms({**section(new, "Parameters"), **section(old, "Parameters")})
    readers = [_Reader(section(data, "Conditions"), atoms) for data in (old, new)]
    for reader in readers:  # gathers the atoms
        _truths(reader, wanted)
    domains = atoms.domains()
    combinations = math.prod(map(len, domains.values()))
    if combinations > MOST or combinations * sum(reader.steps for reader in readers) > MOST_STEPS:
        raise TooManyWorlds(
            f"the conditions {', '.join(wanted[:5])}{' …' if wanted[5:] else ''} ask about more "
            "combinations of values than can be tried"
        )
    seen = set()
    for values in itertools.product(*domains.values()):
        assignment = dict(zip(domains, values, strict=True))
        for reader in readers:
            reader.start(assignment)
        before, after = (_truths(reader, wanted) for reader in readers)
        empty = frozenset(filter(None, (_empty(atom, assignment) for atom in assignment)))
        key = tuple(before.values()), tuple(after.values()), empty
        if key not in seen:
            seen.add(key)
            yield World(before, after, empty)


def _truths(reader: _Reader, names: Iterable[str]) -> dict[str, bool]:
    return {name: reader.named(name) for name in names}


def _empty(atom: str, assignment: Mapping[str, str]) -> str:
    """Return the parameter of an atom whose value is the empty text, else an empty text."""
    expression = json.loads(atom) if not atom.startswith("?") and assignment[atom] == "" else None
    return str(expression.get("Ref", "")) if isinstance(expression, dict) else ""


@dataclass
class _Atoms:
    """What conditions ask about, with the values that make a difference."""

    parameters: Mapping[str, Value]
    values: dict[str, set[str]] = field(default_factory=dict)

    def domains(self) -> dict[str, list[str]]:
        return {atom: self._domain(atom) for atom in sorted(self.values)}

    def _domain(self, atom: str) -> list[str]:
        if atom.startswith("?"):
            return ["false", "true"]
        expression = json.loads(atom)
        name = expression.get("Ref") if isinstance(expression, dict) else None
        parameter = self.parameters.get(name) if isinstance(name, str) else None
        allowed = parameter.get("AllowedValues") if isinstance(parameter, dict) else None
        if isinstance(allowed, list) and allowed:
            return sorted({_scalar(each) or "" for each in allowed})
        return sorted({*self.values[atom], _OTHER})


@dataclass
class _Reader:
    """The conditions of one template, evaluated for values of the atoms.

    `given` are the values of one combination, or None to gather the atoms. Each condition is
    evaluated once a combination, so that what many name costs no more.
    """

    conditions: Mapping[str, Value]
    atoms: _Atoms
    given: Mapping[str, str] | None = None
    steps: int = 0
    _known: dict[str, bool] = field(default_factory=dict)
    _depth: int = 0

    def start(self, given: Mapping[str, str] | None) -> None:
        """Begin another combination."""
        self.given = given
        self._known = {}

    def _holds(self, name: str) -> bool:
        if name not in self._known:
            if self._depth > _MOST_NAMED:
                raise TooManyWorlds(
                    f"conditions name one another over more than {_MOST_NAMED} steps"
                )
            self._known[name] = False  # where it names itself, which CloudFormation refuses
            self._depth += 1
            self._known[name] = self._evaluate(self.conditions[name], 0)
            self._depth -= 1
        return self._known[name]

    def _evaluate(self, expression: Value, depth: int) -> bool:
        self.steps += 1
        if isinstance(expression, dict) and len(expression) == 1 and depth <= _MOST_NESTED:
            [(function, argument)] = expression.items()
            if function == "Condition" and isinstance(argument, str):
                return self.named(argument)
            if function in ("Fn::And", "Fn::Or", "Fn::Not") and isinstance(argument, list):
                parts = [self._evaluate(part, depth + 1) for part in argument]
                if function == "Fn::Not":
                    return not any(parts)
                return all(parts) if function == "Fn::And" else any(parts)
            if function == "Fn::Equals" and isinstance(argument, list) and len(argument) == 2:
                return self._equal(argument[0], argument[1])
        return self._atom("?" + _key(expression), "true")

    def named(self, name: str) -> bool:
        """Return whether a condition holds; one that is not defined holds or not, as it likes."""
        if name in self.conditions:
            return self._holds(name)
        return self._atom("?" + _key({"Condition": name}), "true")

    def _equal(self, left: Value, right: Value) -> bool:
        a, b = _scalar(left), _scalar(right)
        if a is not None and b is not None:
            return a == b
        if a is None and b is None:
            if _key(left) == _key(right):
                return True
            return self._atom("?" + "=".join(sorted((_key(left), _key(right)))), "true")
        return self._atom(_key(left if a is None else right), (b if a is None else a) or "")

    def _atom(self, atom: str, value: str) -> bool:
        if self.given is None:
            self.atoms.values.setdefault(atom, set()).add(value)
            return False
        return self.given[atom] == value


def _scalar(value: Value) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None or isinstance(value, (dict, list)) else str(value)


def _key(value: Value) -> str:
    return json.dumps(value, sort_keys=True)


# --- values ----------------------------------------------------------------------------------


def conditions_in(value: Value) -> Iterator[str]:
    """Yield the conditions that decide about a value: of `Condition` and `Fn::If`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "Condition" and isinstance(inner, str):
                yield inner
            elif key == "Fn::If" and isinstance(inner, list):
                yield from (name for name in inner[:1] if isinstance(name, str))
            yield from conditions_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from conditions_in(inner)


def resolve(value: Value, truths: Mapping[str, bool]) -> Resolved:
    """Return a value as it is where these conditions hold."""
    if isinstance(value, dict):
        if len(value) == 1:
            [(function, argument)] = value.items()
            if function in ("Ref", "Condition") or function.startswith("Fn::"):
                return _function(function, argument, truths)
        entries = ((key, resolve(inner, truths)) for key, inner in value.items())
        return {key: inner for key, inner in entries if inner != _NO_VALUE}
    if isinstance(value, list):
        return [found for inner in value if (found := resolve(inner, truths)) != _NO_VALUE]
    text = _scalar(value)
    return None if text is None else text.replace("${", "$!{")  # only functions have variables


def _function(function: str, argument: Value, truths: Mapping[str, bool]) -> Resolved:
    if function == "Fn::If" and isinstance(argument, list) and len(argument) == 3:
        return resolve(argument[1 if truths.get(str(argument[0])) else 2], truths)
    if function == "Ref" and isinstance(argument, str):
        return "${%s}" % argument
    if function == "Fn::GetAtt" and isinstance(argument, (str, list)):
        path = argument if isinstance(argument, list) else [argument]
        return "${%s}" % ".".join(text_of(resolve(step, truths)) for step in path)
    if function == "Fn::Sub":
        return _substituted(argument, truths)
    if function == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:
        parts = resolve(argument[1], truths)
        if isinstance(parts, list):
            return _bounded(map(text_of, parts), text_of(resolve(argument[0], truths)))
    return {function: resolve(argument, truths)}


def _substituted(argument: Value, truths: Mapping[str, bool]) -> str:
    pieces = argument if isinstance(argument, list) else [argument]
    body = pieces[0] if pieces else ""
    given = pieces[1] if len(pieces) > 1 and isinstance(pieces[1], dict) else {}
    if not isinstance(body, str):
        return text_of({"Fn::Sub": _key(body)})
    texts = {name: text_of(resolve(value, truths)) for name, value in given.items()}
    parts = []
    shown = 0
    for match in VARIABLE.finditer(body):
        escaped, name = match[1], match[2].strip()
        text = "$!{%s}" % name if escaped else texts.get(name, "${%s}" % name)
        parts += [body[shown : match.start()], text]
        shown = match.end()
    return _bounded([*parts, body[shown:]])


def _bounded(parts: Iterable[str], between: str = "") -> str:
    """Return the parts of a text as one; texts within texts may grow beyond all bounds."""
    parts = list(parts)
    if sum(map(len, parts)) + len(between) * len(parts) > MOST_CHARACTERS:
        raise TooManyWorlds(
            f"functions within functions write a text of more than {MOST_CHARACTERS:,} characters"
        )
    return between.join(parts)


def text_of(value: Resolved) -> str:
    """Return a resolved value as a part of a text; what is none becomes one variable."""
    if isinstance(value, str):
        return value
    return "${%s}" % json.dumps(value, sort_keys=True).translate(_PLAIN)


_PLAIN = str.maketrans({'"': "'", "\\": "|", "{": "(", "}": ")"})
