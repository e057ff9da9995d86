"""Finds the secrets that a template writes out, for no report to show.

What the transforms find is not enough: one may be switched off, or have nothing to say, and the
password would stand in the context of another's diff. So this looks by itself: at the properties of
the catalogue and all that they are put together from, at `NoEcho` parameters, at `SecretString`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from .conditions import literal
from .document import Document
from .model import Catalogue, Path, Value, value_at
from .template import (
    SUB_VARIABLE,
    applies,
    flattened,
    places,
    section_of,
    sub_parts,
    walk,
)

_CONTAINER = "secret-container"
_CARRIER = "other"
_DYNAMIC = re.compile(r"\{\{resolve:(?:[^{}]|\$\{[^{}]*\})*\}\}")
_PAIR = re.compile(r'"([^"\\]{1,200})"\s*:\s*"((?:[^"\\]|\\.)*)"')
_TELLING = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)
_NAMED = re.compile(r"(?:password|passwd|passphrase|pwd)$", re.IGNORECASE)
_NAMES = ("Name", "Key", "ParameterKey", "OptionName")
_VALUES = ("Value", "ParameterValue")
_NO_TEXT = frozenset(
    {"Fn::GetAtt", "Fn::GetAZs", "Fn::ImportValue", "Fn::Transform", "Fn::GetStackOutput"}
)


class Literal(NamedTuple):
    """A secret that is written out, and the place of the value that holds it."""

    path: Path
    text: str


def literals(document: Document, catalogue: Catalogue) -> tuple[Literal, ...]:
    """Return every secret that a template writes out, each place once."""
    return tuple(dict.fromkeys(_Search(document).found(catalogue)))


def named(document: Document) -> tuple[Path, ...]:
    """Return the places of texts that are called a password, wherever they stand.

    `Password: x`, and `Name: DB_PASSWORD` with `Value: x`. Nobody knows what takes them, so they
    are hidden where they stand and nowhere else.
    """
    return tuple(
        (*path, key)
        for path, beside in document.mappings
        for key, value in beside.items()
        if isinstance(value, str) and _is_named(key, beside) and "{{resolve:" not in value
    )


def _is_named(key: str, beside: Mapping[str, Value]) -> bool:
    if _is_password(key):
        return True
    if key not in _VALUES:
        return False
    names = (beside.get(name) for name in _NAMES)
    return any(isinstance(name, str) and _is_password(name) for name in names)


@lru_cache(maxsize=4096)
def _is_password(name: str) -> bool:
    """Tell whether a name is that of a password; templates use the same names all the time."""
    return _NAMED.search(name) is not None


class _Search:
    """The search through one template."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._data = document.data
        self._parameters = section_of(self._data, "Parameters")
        self._mappings = section_of(self._data, "Mappings")
        self._done: set[tuple[str | None, ...]] = set()
        """Parameters and lookups that were followed: thousands may use the same."""

    def found(self, catalogue: Catalogue) -> Iterator[Literal]:
        for name, parameter in self._parameters.items():
            if isinstance(parameter, dict) and str(parameter.get("NoEcho")).lower() == "true":
                yield from self._of_parameter(name)
        for path, body in self._document.mappings:
            kind = body.get("Type")
            if not isinstance(kind, str) or path[:1] != ("Resources",):
                continue
            for credential in catalogue.get(kind, ()):
                if credential.kind == _CARRIER and credential.generatable == "no":
                    continue  # it may hold one: `named` looks there
                root = (*path, "Properties")
                for place in places(body.get("Properties"), root, credential.property):
                    if not applies(credential, self._data, place):
                        continue
                    value = value_at(self._data, place)
                    if credential.kind == _CONTAINER:
                        yield from self._of_container(place, value)
                    else:
                        yield from self._of_value(place, value)

    def _of_value(self, path: Path, value: Value) -> Iterator[Literal]:
        """Yield what a value is put together from, in every branch."""
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._of_value((*path, index), item)
        elif isinstance(value, dict):
            whole = flattened(value)
            if "{{resolve:" in whole:  # a function may put the reference together
                for piece in SUB_VARIABLE.split(_DYNAMIC.sub("\0", whole))[::2]:
                    yield from _pieces(path, piece)
                return
            for key, inner in value.items():
                yield from self._of_function((*path, key), key, inner)
        elif not isinstance(value, bool) and (text := literal(value)):
            yield from _pieces(path, text)

    def _of_function(self, path: Path, key: str, argument: Value) -> Iterator[Literal]:
        if key in _NO_TEXT or key == "Condition":
            return
        if key == "Ref":
            yield from self._of_parameter(argument)
        elif key == "Fn::Sub":
            text, local = sub_parts(argument)
            for name in SUB_VARIABLE.findall(text):
                if name not in local:
                    yield from self._of_parameter(name)
            for piece in SUB_VARIABLE.split(text)[::2]:
                yield from _pieces(path, piece.replace("${!", "${"))
            for name, inner in local.items():
                yield from self._of_value((*path, 1, name), inner)
        elif key == "Fn::FindInMap" and isinstance(argument, list):
            yield from self._of_mapping(argument)
        elif key == "Fn::If" and isinstance(argument, list):
            for index, branch in list(enumerate(argument))[1:]:
                yield from self._of_value((*path, index), branch)
        else:
            yield from self._of_value(path, argument)

    def _of_parameter(self, name: Value) -> Iterator[Literal]:
        parameter = self._parameters.get(name) if isinstance(name, str) else None
        if not isinstance(parameter, dict) or (str(name),) in self._done:
            return
        self._done.add((str(name),))
        for key in ("Default", "AllowedValues"):
            yield from self._of_value(("Parameters", str(name), key), parameter.get(key))

    def _of_mapping(self, argument: list[Value]) -> Iterator[Literal]:
        name, key = (
            (literal(argument[index]) for index in (0, 2)) if len(argument) > 2 else ("", "")
        )
        known = (name, key) in self._done
        self._done.add((name, key))
        for path, value in walk({} if known else dict(self._mappings), ("Mappings",)):
            if len(path) >= 4 and name in (None, path[1]) and key in (None, path[3]):
                yield from self._of_value(path, value)
        for rest in argument[3:]:
            yield from self._of_value((), rest)

    def _of_container(self, path: Path, value: Value) -> Iterator[Literal]:
        """Yield the secrets in a `SecretString`: those of its JSON text, or all of it."""
        branches = value.get("Fn::If") if isinstance(value, dict) else None
        if isinstance(branches, list):
            for index, branch in list(enumerate(branches))[1:]:
                yield from self._of_container((*path, "Fn::If", index), branch)
            return
        for inner_path, inner in walk(value, path):
            if inner_path[-1:] == ("Fn::FindInMap",) and isinstance(inner, list):
                yield from self._of_mapping(inner)
            elif inner_path != path and isinstance(inner, str):
                key = str(inner_path[-1])  # of an object for Fn::ToJsonString
                yield from _pieces(inner_path, inner) if _TELLING.search(key) else ()
        text = flattened(value)
        pairs = _PAIR.findall(text)
        for key, written in pairs:
            if _TELLING.search(key):
                for piece in SUB_VARIABLE.split(written)[::2]:
                    yield from _pieces(path, piece)
                    yield from _pieces(path, _unescaped(piece))
        if not pairs and "{" not in SUB_VARIABLE.sub("", text):
            yield from self._of_value(path, value)


def _pieces(path: Path, text: str) -> Iterator[Literal]:
    """Yield what of a text may be secret: not its dynamic references, no ARN, no asterisks."""
    for piece in _DYNAMIC.split(text):
        for part in piece.split("\0"):
            if part.strip("*").strip() and not part.startswith("arn:"):
                yield Literal(path, part)


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text
