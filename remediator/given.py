"""The parameters that a node of YAML or JSON gives, in each of the shapes that there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from . import overrides
from .long_form import MERGE, STANDARD
from .model import Path
from .nodes import entries, get, text

_ASSIGNED = re.compile(r"(\w+)=")
_FUNCTION = re.compile(r"!|Fn::|Ref$")


@dataclass(frozen=True, slots=True)
class Given:
    """A parameter that a node gives: its name, the entry's line and place in the file's data.

    `value` is as in `Site`. `sound` tells whether the entry stands where it can be taken out.
    """

    name: str
    line: int
    place: Path
    value: str | None = field(default=None, repr=False)
    sound: bool = True


def mapping(node: yaml.Node, place: Path) -> Iterator[Given]:
    """Yield the parameters of `{Name: value}`, those that a merge key brings too."""
    for key, value in entries(node):
        line = key.start_mark.line + 1
        if key.tag == MERGE:
            for given in _merged(value):
                yield Given(given.name, line, place, given.value, sound=False)
        else:
            yield Given(key.value, line, (*place, key.value), shown(value))


def _merged(node: yaml.Node) -> Iterator[Given]:
    for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        yield from mapping(source, ())


def pairs(
    node: yaml.Node, place: Path, keys: tuple[str, str] = ("ParameterKey", "ParameterValue")
) -> Iterator[Given]:
    """Yield the parameters of `[{ParameterKey: Name, ParameterValue: value}]`."""
    for number, item in enumerate(node.value if isinstance(node, yaml.SequenceNode) else ()):
        named = get(item, keys[0])
        name = text(named)
        if named is not None and name:
            line = named.start_mark.line + 1
            yield Given(name, line, (*place, number), shown(get(item, keys[1])))


def assigned(node: yaml.Node, place: Path) -> Iterator[Given]:
    """Yield the parameters of `["Name=value"]`, one an entry, as the AWS CLI takes them."""
    for number, item in enumerate(node.value if isinstance(node, yaml.SequenceNode) else ()):
        if match := _ASSIGNED.match(text(item)):
            value = text(item)[match.end() :]
            yield Given(match[1], item.start_mark.line + 1, (*place, number), value)


def overridden(node: yaml.Node, place: Path) -> Iterator[Given]:
    """Yield the parameters of SAM's `parameter_overrides`: a text, a mapping, or a list of both."""
    if isinstance(node, yaml.MappingNode):
        yield from mapping(node, place)
    for number, item in enumerate(node.value if isinstance(node, yaml.SequenceNode) else ()):
        yield from overridden(item, (*place, number))
    for each in overrides.assignments(text(node)):
        yield Given(each.name, node.start_mark.line + 1, place, each.value.strip("\"'"))


def anyhow(node: yaml.Node | None, place: Path) -> Iterator[Given]:
    """Yield the parameters of a node that may have any of these shapes."""
    if isinstance(node, yaml.MappingNode):
        yield from mapping(node, place)
    elif isinstance(node, yaml.SequenceNode):
        yield from pairs(node, place)
        yield from assigned(node, place)
    elif isinstance(node, yaml.ScalarNode):
        for given in overridden(node, place):
            yield Given(given.name, given.line, place, given.value, sound=False)


def in_function(node: yaml.Node | None, place: Path) -> Iterator[Given]:
    """Yield the parameters of `anyhow`, and those of both branches of an `Fn::If`."""
    branches = None
    if node is not None and node.tag == "!If":
        branches = node
    elif isinstance(node, yaml.MappingNode) and len(node.value) == 1:
        branches = get(node, "Fn::If")
    if branches is None:
        yield from (given for given in anyhow(node, place) if not _FUNCTION.match(given.name))
    elif isinstance(branches, yaml.SequenceNode):
        for number, branch in enumerate(branches.value[1:], start=1):
            yield from in_function(branch, (*place, "Fn::If", number))


def is_plain(node: yaml.Node) -> bool:
    """Whether a node is a mapping of names to values alone: scalars, lists of them, functions."""
    return isinstance(node, yaml.MappingNode) and all(_is_value(value) for _, value in node.value)


def _is_value(node: yaml.Node) -> bool:
    if isinstance(node, yaml.SequenceNode):
        return all(isinstance(item, yaml.ScalarNode) for item in node.value)
    keys = [key.value for key, _ in entries(node)]
    return isinstance(node, yaml.ScalarNode) or (len(keys) == 1 and bool(_FUNCTION.match(keys[0])))


def shown(node: yaml.Node | None) -> str | None:
    """Return a value as `Site` has it: a scalar's text, behind its tag where it has one."""
    if not isinstance(node, yaml.ScalarNode):
        return None
    tag = "" if node.tag.startswith(STANDARD) or node.tag == "!" else f"{node.tag} "
    return f"{tag}{node.value}"
