"""A value of the long form as text, in the style of the document it goes into.

ruamel.yaml's emitter writes the YAML; it is imported when a file changes, so that reading never
pays for it (0.1 s).
"""

from __future__ import annotations

import io
import json
import math
import re
from typing import Any

from .document import LONG_FORM
from .errors import EditError
from .model import Value
from .style import NAMING, Style, is_plain

_STANDARD = "tag:yaml.org,2002:"
_SHORT_FORM = {long: short for short, long in LONG_FORM.items()}
_LOGICAL = frozenset(("Fn::And", "Fn::Or", "Fn::Not", "Fn::If"))
_ESCAPED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_TAG = re.compile(r"![A-Za-z][A-Za-z0-9_.:-]*")  # no `!!binary`, no `!Ref(AWS::Region`
_SHORT_LIST = 60  # characters: what a person still writes in one line
_WIDE = 1 << 20


class Renderer:
    """Renders values for one place in a document."""

    def __init__(
        self, style: Style, newline: str, *, logical: bool = False, literal: bool = True
    ) -> None:
        """`logical`: the place is an argument of Fn::And and its kin, where {"Condition": X} is a
        function; elsewhere it is a resource's attribute. `literal`: texts of several lines may
        become literal blocks."""
        self.literal = literal
        self.style = style
        self.newline = newline
        self.logical = logical

    # --- YAML --------------------------------------------------------------------------------

    def entry(self, key: str, value: Value) -> list[str]:
        """Return the lines of `key: value` in block style, without indentation."""
        node = self._mapping([(self._key(key), self._node(value, self.logical))])
        lines = self._dump(node)
        if lines[0].startswith("? "):
            raise EditError(f"the key {key[:40]}… is too long to be written")
        return lines

    def item(self, value: Value) -> list[str]:
        """Return the lines of `- value` in block style, without indentation."""
        node = self._sequence([self._node(value, self.logical)])
        lines = self._dump(self._mapping([(self._string("k"), node)]))[1:]
        margin = len(lines[0]) - len(lines[0].lstrip(" "))
        return [line[margin:] for line in lines]

    def flow(self, value: Value) -> str:
        """Return a value in one line, in flow style."""
        node = self._sequence([self._node(value, self.logical, flow=True)], flow=True)
        lines = self._dump(node)
        if len(lines) != 1:
            raise EditError("the new value cannot be written in one line")
        return lines[0][1:-1]

    def flow_entry(self, key: str, value: Value) -> str:
        """Return `key: value` in one line, for a flow mapping."""
        pair = (self._key(key, flow=True), self._node(value, self.logical, flow=True))
        lines = self._dump(self._mapping([pair], flow=True))
        if len(lines) != 1 or lines[0].startswith("{? "):
            raise EditError("the new entry cannot be written in one line")
        return lines[0][1:-1]

    def _dump(self, node: Any) -> list[str]:
        from ruamel.yaml import YAML

        writer = YAML(typ="rt", pure=True)
        writer.version = (1, 1)  # as CloudFormation reads: else `yes` and `1:30` lack quotes
        writer.width = _WIDE
        writer.brace_single_entry_mapping_in_flow_sequence = True
        dash = self.style.dash
        writer.indent(mapping=self.style.indent, sequence=dash + 2, offset=dash)
        stream = io.StringIO()
        writer.serialize(node, stream)
        vars(writer).clear()  # its parts refer to it, and would stay until garbage is collected
        text = stream.getvalue()
        _, _, body = text.partition("---")
        lines = body.lstrip(" ").removeprefix("\n").split("\n")
        while lines and lines[-1] in ("", "..."):
            lines.pop()
        return lines

    def _key(self, key: str, *, flow: bool = False) -> Any:
        if self.style.quote_keys:
            return self._string(key, style=self.quote(key))
        return self._string(key, style=None if is_plain(key, flow=flow) else self.quote(key))

    def _node(self, value: Value, logical: bool, *, flow: bool = False) -> Any:
        if isinstance(value, dict):
            function = self._function(value, logical, flow)
            if function is not None:
                return function
            pairs = [
                (self._key(key, flow=flow), self._node(inner, False, flow=flow))
                for key, inner in value.items()
            ]
            if len(value) == 1 and next(iter(value)) in _LOGICAL:
                pairs = self._logical_pairs(value, flow)
            return self._mapping(pairs, flow=flow or not pairs)
        if isinstance(value, list):
            items = [self._node(item, logical, flow=flow) for item in value]
            return self._sequence(items, flow=flow or not items)
        return self._scalar(value, None, flow=flow)

    def _logical_pairs(self, value: dict[str, Value], flow: bool) -> list[tuple[Any, Any]]:
        return [
            (self._key(key, flow=flow), self._node(inner, True, flow=flow))
            for key, inner in value.items()
        ]

    def _function(self, value: dict[str, Value], logical: bool, flow: bool) -> Any | None:
        """Return the node of `!Function …`, None where a short tag cannot say it."""
        if len(value) != 1:
            return None
        ((name, argument),) = value.items()
        if name.startswith("!"):
            _refuse_odd_tag(name, argument)
        elif not self.style.short_tags:
            return None
        tag = name if name.startswith("!") else _SHORT_FORM.get(name)
        if tag is None or (name == "Condition" and not logical):
            return None
        if name == "Fn::GetAtt":
            if isinstance(argument, str) and "." in argument:
                return None  # read again, it would be a list
            if isinstance(argument, list) and _is_attribute(argument):
                return self._scalar(f"{argument[0]}.{argument[1]}", tag, flow=flow)
        if isinstance(argument, str):
            return self._scalar(argument, tag, flow=flow)
        if name in ("Ref", "Condition") or not isinstance(argument, list | dict):
            return None
        if _is_function(argument):
            return None  # two tags cannot stand before one value
        node = self._node(argument, name in _LOGICAL, flow=flow)
        node.ctag = self._tag(tag)
        if isinstance(argument, list) and not flow:
            node.flow_style = self._in_one_line(argument)
        return node

    def _in_one_line(self, items: list[Value]) -> bool:
        if not items:
            return True
        length = self._flow_length(items) if self.style.flow_functions else None
        return length is not None and length <= _SHORT_LIST

    def _flow_length(self, items: list[Value]) -> int | None:
        """Return about how long a list is in one line; None where it cannot stand in one."""
        length = 0
        for item in items:
            if isinstance(item, dict):
                ((key, argument), *more) = item.items() if item else [("", None)]
                inner: int | None = len(str(argument))
                if isinstance(argument, list) and not _is_attribute(argument):
                    inner = self._flow_length(argument)
                elif not self._is_short(argument):
                    inner = None
                if more or key not in _SHORT_FORM or inner is None:
                    return None
                length += inner + 8
            elif isinstance(item, list) or (isinstance(item, str) and "\n" in item):
                return None
            else:
                length += len(str(item)) + 2
        return length

    @staticmethod
    def _is_short(argument: Value) -> bool:
        return (isinstance(argument, str) and "\n" not in argument) or _is_attribute(argument)

    def _scalar(self, value: Value, tag: str | None, *, flow: bool = False) -> Any:
        if isinstance(value, str):
            return self._string(value, tag, self.choose(value, tag, flow=flow))
        if value is None:
            return self._plain("null", "null")
        if isinstance(value, bool):
            return self._plain("true" if value else "false", "bool")
        if isinstance(value, int):
            return self._plain(str(value), "int")
        if isinstance(value, float) and math.isfinite(value):
            if not is_float(repr(value)):
                raise EditError(f"the number {value!r} is none in YAML 1.1")
            return self._plain(repr(value), "float")
        raise EditError(f"{type(value).__name__} {value!r} cannot be written")

    def choose(self, text: str, tag: str | None, *, flow: bool = False) -> str | None:
        """Return the style of a new string: None for plain, a quote, or `|`."""
        if "\n" in text.strip("\n") and self.literal and not flow and _is_literal(text):
            return "|"
        wanted = self.style.quote_values
        if tag == "!Sub":
            wanted = self.style.quote_subs and "${" in text
        elif tag is not None:
            wanted = self.style.quote_names and tag in NAMING
        if not wanted and is_plain(text, flow=flow):
            return None
        if tag is not None and tag != "!Sub" and not wanted and _is_word(text):
            return None  # behind a tag every text is a string
        return self.quote(text)

    def as_scalar(self, value: Value) -> tuple[str | None, str] | None:
        """Return tag and text of a string or of a function that is written as one scalar."""
        if isinstance(value, str):
            return None, value
        if isinstance(value, dict):
            node = self._function(value, self.logical, flow=True)
            if node is not None and node.id == "scalar":
                return str(node.tag), node.value
        return None

    @staticmethod
    def needs_escapes(text: str) -> bool:
        """Whether only double quotes can hold a text in one line."""
        return _ESCAPED.search(text) is not None

    def quote(self, text: str) -> str:
        """Return the quote for a text: the document's, unless that had to escape."""
        if self.needs_escapes(text):
            return '"'
        if self.style.quote == '"' and not re.search(r'["\\]', text):
            return '"'
        if self.style.quote == "'" and "'" in text and not re.search(r'["\\]', text):
            return '"'
        return "'"

    def scalar_text(self, text: str, tag: str | None, style: str | None) -> str:
        """Return a string in one line in a given style, its tag in front."""
        if style is None:
            source = text
        elif style == "'":
            source = "'" + text.replace("'", "''") + "'"
        else:
            source = self._dump(self._sequence([self._string(text, None, '"')], flow=True))[0][1:-1]
        return f"{tag} {source}" if tag else source

    # --- ruamel's nodes ----------------------------------------------------------------------

    def _tag(self, tag: str) -> Any:
        from ruamel.yaml.tag import Tag

        return Tag(suffix=tag)

    def _string(self, text: str, tag: str | None = None, style: str | None = None) -> Any:
        from ruamel.yaml.nodes import ScalarNode

        if re.search("[\ud800-\udfff\ufffe\uffff]", text):
            raise EditError("a text holds a character that YAML cannot")
        return ScalarNode(self._tag(tag or _STANDARD + "str"), text, style=style)

    def _plain(self, text: str, kind: str) -> Any:
        from ruamel.yaml.nodes import ScalarNode

        return ScalarNode(self._tag(_STANDARD + kind), text)

    def _mapping(self, pairs: list[tuple[Any, Any]], *, flow: bool = False) -> Any:
        from ruamel.yaml.nodes import MappingNode

        return MappingNode(self._tag(_STANDARD + "map"), pairs, flow_style=flow)

    def _sequence(self, items: list[Any], *, flow: bool = False) -> Any:
        from ruamel.yaml.nodes import SequenceNode

        return SequenceNode(self._tag(_STANDARD + "seq"), items, flow_style=flow)

    # --- JSON --------------------------------------------------------------------------------

    def json(self, value: Value, margin: str | None) -> str:
        """Return a value as JSON; `margin` is the indentation of its line, None for one line."""
        style = self.style.json
        if margin is not None and not style.indent:
            margin = None
        if not isinstance(value, dict | list):
            try:
                return _json_text(value)
            except ValueError as error:
                raise EditError(f"{value!r} cannot be written as JSON") from error
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        if not value:
            return opening + closing
        inner = None if margin is None or self._is_inline(value) else margin + style.indent
        if isinstance(value, dict):
            if len(value) == 1 and next(iter(value)).startswith("!"):
                raise EditError("a tag that is none of CloudFormation's has no long form")
            parts = [
                _json_text(key) + style.colon + self.json(item, inner)
                for key, item in value.items()
            ]
        else:
            parts = [self.json(item, inner) for item in value]
        if inner is None:
            space = style.brace
            return opening + space + style.comma.join(parts) + space + closing
        lines = ("," + self.newline + inner).join(parts)
        return f"{opening}{self.newline}{inner}{lines}{self.newline}{margin}{closing}"

    def _is_inline(self, value: dict[str, Value] | list[Value]) -> bool:
        style = self.style.json
        if isinstance(value, list):
            return style.inline_lists and not any(isinstance(item, dict | list) for item in value)
        if len(value) != 1 or not style.inline_functions:
            return False
        ((key, argument),) = value.items()
        return key in _SHORT_FORM and (
            isinstance(argument, str) or (style.inline_lists and _is_attribute(argument))
        )

    def json_entry(self, key: str, value: Value, margin: str | None) -> str:
        """Return `"key": value` as JSON."""
        return _json_text(key) + self.style.json.colon + self.json(value, margin)


def _json_text(value: Value) -> str:
    """Return a scalar as JSON that YAML reads too: it takes fewer characters as they are."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if re.search("[\ud800-\udfff]", text):
        raise EditError("a text holds a character that YAML cannot")
    return _NOT_YAML.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def is_float(text: str) -> bool:
    """Whether YAML 1.1 reads a text as a float: `1e3` is a string there."""
    from .document import implicit_tag

    return implicit_tag(text) == "float"


def _refuse_odd_tag(tag: str, argument: Value) -> None:
    """Refuse a tag that is none of CloudFormation's, unless it can be written as it was read."""
    if not _TAG.fullmatch(tag) or not isinstance(argument, str | list | dict):
        raise EditError(f"{tag[:40]} is no tag that can be written anew")
    if _is_function(argument):
        raise EditError(f"a function stands behind the tag {tag[:40]}, in its long form")


def _is_function(value: Value) -> bool:
    """Whether a value may be written with a tag."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((name, _),) = value.items()
    return name.startswith("!") or name in _SHORT_FORM


def _is_attribute(argument: Value) -> bool:
    """Whether arguments of Fn::GetAtt can be written as `A.B`."""
    return (
        isinstance(argument, list)
        and len(argument) == 2
        and all(isinstance(part, str) and _is_word(part) for part in argument)
        and "." not in str(argument[0])
    )


def _is_word(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.:_-]*", text) is not None and text[-1] != ":"


def _is_literal(text: str) -> bool:
    """Whether a literal block holds a text as it is, in every reader."""
    return (
        not text[0].isspace()
        and not re.search(r"[^\n -~\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]|[ ]\n|[ ]$", text)
        and not text.endswith("\n\n")
    )
