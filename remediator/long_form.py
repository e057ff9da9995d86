"""Composed nodes as plain data in the long form: `!Sub x` is `{"Fn::Sub": "x"}`."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias, cast

from .errors import TemplateError
from .model import Value

Node: TypeAlias = Any
"""A node as PyYAML composes it: `id` is mapping, sequence or scalar; `tag`, `value`, its marks."""

MAX_DEPTH = 200
"""Levels of nesting that are read; CloudFormation's own templates stay far below."""

MAX_NODES = 1_000_000
"""Nodes of a text after its aliases are followed; a few lines of aliases can stand for billions."""

# The functions that CloudFormation knows by a short tag, `!Sub` for `Fn::Sub`.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
FUNCTIONS = (
    *("And", "Base64", "Cidr", "Contains", "EachMemberEquals", "EachMemberIn", "Equals"),
    *("FindInMap", "ForEach", "GetAtt", "GetAZs", "If", "ImportValue", "Join", "Length", "Not"),
    *("Or", "RefAll", "Select", "Split", "Sub", "ToJsonString", "Transform", "ValueOf"),
    "ValueOfAll",
)
LONG_FORM = {f"!{name}": f"Fn::{name}" for name in FUNCTIONS} | {
    "!Ref": "Ref",
    "!Condition": "Condition",
}
"""Short tag -> the key of its long form."""

STANDARD = "tag:yaml.org,2002:"
STR = STANDARD + "str"
MAP = STANDARD + "map"
SEQ = STANDARD + "seq"
MERGE = STANDARD + "merge"
_PLAIN_TAGS = frozenset(STANDARD + name for name in ("str", "map", "seq", "merge"))
_YES = frozenset(("yes", "true", "on"))
LINE_END = re.compile(r"\r\n|\n|\r")


class Problem(NamedTuple):
    """Something that makes any edit unprovable, although the text was read.

    `code` is `duplicate-key`; `line` counts from 1.
    """

    code: str
    message: str
    line: int


def position(text: str, index: int) -> tuple[int, int]:
    """Return line and column, from 1, of a character; lines as editors count them."""
    before = text[:index]
    line = len(LINE_END.findall(before)) + 1
    if before.endswith("\r") and text[index : index + 1] == "\n":
        line -= 1
    return line, index - max(before.rfind("\n"), before.rfind("\r"))


class Lines:
    """The lines of a text, looked up by a character: the text is read through but once."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in LINE_END.finditer(self._text))]

    def position(self, index: int) -> tuple[int, int]:
        """Return line and column, from 1, of a character, as the function `position` does."""
        number = bisect_right(self._starts, index)
        return number, index - self._starts[number - 1] + 1


def too_deep(text: str, mark: Any) -> TemplateError:
    """Return the error for a place (the mark of a node or event) beyond the depth that is read."""
    line, column = position(text, mark.index if mark else 0)
    return TemplateError(f"nests deeper than {MAX_DEPTH} levels", line=line, column=column)


def shared_nodes(root: Node) -> frozenset[int]:
    """Return the ids of the nodes with aliases; refuse those that hold themselves or explode."""
    sizes: dict[int, int] = {}
    shared: set[int] = set()
    above: set[int] = set()

    def size(node: Node) -> int:
        known = sizes.get(id(node))
        if known is not None:
            shared.add(id(node))
            return known
        if id(node) in above:
            raise TemplateError(
                "an alias stands within its own anchor", line=node.start_mark.line + 1
            )
        if node.id == "scalar":
            total = 1
        else:
            above.add(id(node))
            pairs = node.value if node.id == "mapping" else [(item,) for item in node.value]
            total = 1 + sum(size(child) for pair in pairs for child in pair)
            above.discard(id(node))
        sizes[id(node)] = total
        return total

    if size(root) > MAX_NODES:
        raise TemplateError(f"its aliases stand for more than {MAX_NODES:,} values", line=1)
    return frozenset(shared)


class Conversion:
    """Composed nodes -> the long form, in one recursion: a third of what composing takes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0
        self.problems: list[Problem] = []
        self.lines = Lines(text)

    def value(self, node: Node) -> Value:
        """Return the data of a node. Raises TemplateError where it nests too deep."""
        tag = node.tag
        content: Value
        if node.id == "scalar":
            if tag == STR:
                return cast(str, node.value)
            known = _SCALARS.get(tag)
            if known is not None:
                return known(node.value)
            if tag == "!GetAtt" and "." in node.value:
                return {"Fn::GetAtt": node.value.split(".", 1)}
            content = node.value
        else:
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise too_deep(self.text, node.start_mark)
            if node.id == "mapping":
                content = self.mapping(node)
            else:
                value = self.value
                content = [
                    item.value if item.tag == STR and item.id == "scalar" else value(item)
                    for item in node.value
                ]
            self.depth -= 1
        name = long_name(tag)
        return content if name is None else {name: content}

    def mapping(self, node: Node) -> dict[str, Value]:
        """Return the data of a mapping, whatever its tag."""
        value = self.value
        pairs = node.value
        try:
            data: dict[str, Value] = {
                key.value: item.value if item.tag == STR and item.id == "scalar" else value(item)
                for key, item in pairs
            }
        except TypeError:  # the key is a list: unhashable
            data = {}
        if len(data) != len(pairs) or "<<" in data:
            return self.odd_mapping(node)
        return data

    def odd_mapping(self, node: Node) -> dict[str, Value]:
        """Return a mapping with merge keys, or keys that are twice there or no text."""
        data: dict[str, Value] = {}
        merged: dict[str, Value] = {}
        lines: dict[str, int] = {}
        for key, item in node.value:
            line = self.lines.position(key.start_mark.index)[0]
            if key.id != "scalar":
                raise TemplateError("a key of a mapping is no plain text", line=line)
            if key.tag == MERGE:
                for source in item.value if item.id == "sequence" else [item]:
                    if source.id != "mapping":
                        raise TemplateError("`<<` merges something else than mappings", line=line)
                    merged = self.mapping(source) | merged
                continue
            if key.value in lines:
                first = lines[key.value]
                self.problems.append(
                    Problem(
                        "duplicate-key",
                        f"the key {key.value} stands twice in one mapping, in lines {first} and "
                        f"{line}; remove one of them",
                        line,
                    )
                )
            lines[key.value] = line
            data[key.value] = self.value(item)
        return merged | data


def long_name(tag: str) -> str | None:
    """Return the key that a tag stands for in the long form, None for YAML's own types."""
    if tag in _PLAIN_TAGS or tag in _SCALARS or not tag:
        return None
    if tag in LONG_FORM:
        return LONG_FORM[tag]
    return "!!" + tag.removeprefix(STANDARD) if tag.startswith(STANDARD) else tag


def _boolean(text: str) -> Value:
    return text.lower() in _YES


def _integer(text: str) -> Value:
    # Only where Python spells the number as the source does; int() also limits the digits.
    spelled = text.isdigit() and text.isascii() and (text[0] != "0" or text == "0")
    negative = text[:1] == "-" and text[1:2] != "0" and text[1:].isdigit() and text.isascii()
    return int(text) if (spelled or negative) and len(text) < 4000 else text


def _float(text: str) -> Value:
    try:
        number = float(text)
    except ValueError:  # `1_000.5`, `1:30.0`
        return text
    return number if repr(number) == text and math.isfinite(number) else text


_SCALARS: dict[str, Callable[[str], Value]] = {
    STANDARD + "null": lambda text: None,
    STANDARD + "bool": _boolean,
    STANDARD + "int": _integer,
    STANDARD + "float": _float,
    STANDARD + "timestamp": lambda text: text,
    STANDARD + "value": lambda text: text,
}
