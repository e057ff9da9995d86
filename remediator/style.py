"""How a document is written: what a new fragment has to look like to belong there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .document import Node, Text, implicit_tag

_STR = "tag:yaml.org,2002:str"
_JSON_COLON = re.compile(r'"([ \t]*:[ \t]*)(?=["\[{\w-])')
_JSON_FUNCTION = re.compile(r'\{(\s*)"(?:Ref|Fn::\w+)"\s*:')
_JSON_LIST = re.compile(r"\[(\s*)(?=[\"\w{-])")
NAMING = frozenset({"!Ref", "!GetAtt", "!Condition", "!ImportValue"})
"""Functions that name something, behind a tag."""
_MAJORITY = 0.8  # above it, a habit is taken for the rule of the document


@dataclass(frozen=True, slots=True)
class Style:
    """The habits of a document, or of the part of it that a fragment goes into."""

    short_tags: bool
    quote: str
    """The quote that prevails, where one is needed: ' or \"."""
    quote_values: bool
    """Whether strings are quoted that need it not."""
    quote_keys: bool
    quote_subs: bool
    """Whether the strings of Fn::Sub are quoted."""
    quote_names: bool
    """Whether what other functions name is quoted: `!Ref 'A'`."""
    flow_functions: bool
    """Whether short lists of arguments stand in one line."""
    indent: int
    """Columns from a key to the keys below it."""
    dash: int
    """Columns from a key to the dashes of its list; 0 for lists that are not indented."""
    json: JsonStyle


@dataclass(frozen=True, slots=True)
class JsonStyle:
    """The habits of JSON text."""

    indent: str
    """One step of indentation; empty where the text is compact."""
    colon: str
    comma: str
    inline_functions: bool
    """Whether `{"Ref": "X"}` stands in one line."""
    inline_lists: bool
    """Whether a list of scalars stands in one line."""
    brace: str
    """What stands inside the braces of an inline object, a space or nothing."""


class Habits:
    """The habits of a document, counted once for all its new fragments."""

    def __init__(self, document: Text) -> None:
        self._document = document
        self._everywhere = _Count(document.root)
        self._json = _measure_json(document.text)
        self._styles: dict[int, Style] = {}

    def near(self, node: Node) -> Style:
        """Return the style of the document; indentation as in a node, where that tells it."""
        if id(node) not in self._styles:
            self._styles[id(node)] = _style(self._document, self._everywhere, node, self._json)
        return self._styles[id(node)]


def _style(document: Text, everywhere: _Count, near: Node, json: JsonStyle) -> Style:
    locally = _Count(near)
    step = _first(locally.flow_indents, everywhere.flow_indents, 2)
    quotes = everywhere.quotes
    plain, quoted = everywhere.values
    key_plain, key_quoted = everywhere.keys
    sub_plain, sub_quoted = everywhere.subs
    name_plain, name_quoted = everywhere.names
    indent = _first(locally.indents, everywhere.indents, 2)
    dash = _first(locally.dashes, everywhere.dashes, indent)
    return Style(
        short_tags=document.short_tags,
        quote="'" if quotes["'"] >= quotes['"'] else '"',
        quote_values=quoted > _MAJORITY * (plain + quoted),
        quote_keys=key_quoted > _MAJORITY * (key_plain + key_quoted),
        # Without a habit: `!Sub '${A}-b'`, which shows where the string ends.
        quote_subs=sub_quoted >= sub_plain,
        quote_names=name_quoted > _MAJORITY * (name_plain + name_quoted),
        flow_functions=everywhere.flow_functions >= everywhere.block_functions,
        indent=indent,
        dash=dash,
        json=replace(json, indent=" " * step) if json.indent == " " else json,
    )


def _first(locally: Counter[int], everywhere: Counter[int], default: int) -> int:
    for counter in (locally, everywhere):
        if counter:
            return max(counter, key=lambda step: (counter[step], -step))
    return default


class _Count:
    """One walk over a node that counts habits."""

    def __init__(self, node: Node) -> None:
        self.quotes: Counter[str] = Counter()
        self.values = [0, 0]
        self.keys = [0, 0]
        self.subs = [0, 0]
        self.names = [0, 0]
        self.flow_functions = 0
        self.block_functions = 0
        self.indents: Counter[int] = Counter()
        self.dashes: Counter[int] = Counter()
        self.flow_indents: Counter[int] = Counter()
        for key, value in _walk(node):
            self.scalar(value)
            if key is not None:
                self.key(key, value)

    def scalar(self, node: Node) -> None:
        if (
            node.id == "sequence"
            and node.tag.startswith("!")
            and len(node.value) < 6
            and all(item.id == "scalar" for item in node.value)
        ):
            self.flow_functions += bool(node.flow_style)
            self.block_functions += not node.flow_style
        if node.id != "scalar":
            return
        if node.style in ("'", '"'):
            self.quotes[node.style] += 1
        if node.style in (None, "", "'", '"') and node.value:
            quoted = node.style in ("'", '"')
            if node.tag == "!Sub":
                self.subs[quoted] += 1
            elif node.tag in NAMING and "::" not in node.value and is_plain(node.value):
                self.names[quoted] += 1
            elif node.tag == _STR and (not quoted or is_plain(node.value)):
                self.values[quoted] += 1

    def key(self, key: Node, value: Node) -> None:
        if key.id != "scalar":
            return
        self.keys[key.style in ("'", '"')] += 1
        if value.id == "scalar" or not value.value:
            return
        if value.flow_style:
            if value.id == "mapping":
                self.flow_key(key, value.value[0][0])
            return
        first = value.value[0][0] if value.id == "mapping" else value
        if value.tag.startswith("!") and value.id == "sequence":
            # Its mark is that of the tag; the first item tells, behind its dash and a space.
            item = value.value[0]
            if item.start_mark.line > key.start_mark.line:
                self.dashes[max(item.start_mark.column - key.start_mark.column - 2, 0)] += 1
            return
        if first.start_mark.line == key.start_mark.line:
            return
        step = first.start_mark.column - key.start_mark.column
        if value.id == "mapping" and step > 0:
            self.indents[step] += 1
        elif value.id == "sequence" and step >= 0:
            self.dashes[step] += 1

    def flow_key(self, key: Node, first: Node) -> None:
        """Count the step from a key to the first key of the braces behind it, as in JSON."""
        step = first.start_mark.column - key.start_mark.column
        if first.start_mark.line > key.start_mark.line and step > 0:
            self.flow_indents[step] += 1


def _walk(root: Node) -> Iterator[tuple[Node | None, Node]]:
    seen: set[int] = set()
    todo: list[tuple[Node | None, Node]] = [(None, root)]
    while todo:
        key, node = todo.pop()
        yield key, node
        if id(node) in seen:
            continue
        if node.id == "mapping":
            seen.add(id(node))
            todo.extend(node.value)
        elif node.id == "sequence":
            seen.add(id(node))
            todo.extend((None, item) for item in node.value)


def _measure_json(text: str) -> JsonStyle:
    """Return the style of JSON; its indent is one space, a tab or nothing, yet to be measured."""
    colons = Counter(_JSON_COLON.findall(text))
    functions = [bool("\n" in space) for space in _JSON_FUNCTION.findall(text)]
    spaces = [space for space in _JSON_FUNCTION.findall(text) if "\n" not in space]
    lists = ["\n" in space for space in _JSON_LIST.findall(text)]
    tab = re.search(r"^\t+\S", text, re.MULTILINE)
    return JsonStyle(
        indent="\t" if tab else " " if "\n" in text.strip() else "",
        colon=max(colons, key=lambda colon: colons[colon], default=": "),
        comma=", " if not colons or any(" " in colon for colon in colons) else ",",
        inline_functions=not functions or sum(functions) * 2 < len(functions),
        inline_lists=bool(lists) and sum(lists) * 2 < len(lists),
        brace=" " if spaces and sum(space == " " for space in spaces) * 2 > len(spaces) else "",
    )


_INDICATOR = re.compile(r"""[-?:](?:\s|$)|[,\[\]{}#&*!|>'"%@`]|---|\.\.\.""")
_NUMBER = re.compile(r"[-+]?(?:0o[0-7]+|0x[0-9a-fA-F]+|(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?)")
_UNSAFE = re.compile(r": |:$|\s#|[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]|^\s|\s$")


def is_plain(text: str, *, flow: bool = False) -> bool:
    """Whether a string can stand without quotes, and stays a string in YAML 1.1 and 1.2."""
    if not text or _INDICATOR.match(text) or _UNSAFE.search(text):
        return False
    if flow and (re.search(r"[,\[\]{}]|:(?=[,\[\]{}])", text) or text[0] in "-?:"):
        return False
    # 1.2 reads `0o17`, 1.1 `1:30`; `y` and `n` are booleans to some readers of 1.1.
    if _NUMBER.fullmatch(text) or text in ("y", "Y", "n", "N"):
        return False
    return implicit_tag(text) == "str"
