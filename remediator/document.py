"""A template's text with its nodes and their positions, and its data in the long form.

Read by PyYAML's C composer (libyaml 0.2: YAML 1.1, as CloudFormation itself reads templates),
which gives exact character positions at 10 MB/s. The nodes keep libyaml's marks, whose end is the
*next* token for a block collection or scalar; `layout` turns them into true spans when an edit
asks for them, so that reading costs little more than composing.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import yaml

from .data import mappings
from .errors import TemplateError
from .garbage import no_collection
from .long_form import LINE_END as LINE_END
from .long_form import LONG_FORM as LONG_FORM
from .long_form import (
    MAP,
    MAX_DEPTH,
    SEQ,
    STANDARD,
    STR,
    Conversion,
    Lines,
    position,
    shared_nodes,
    too_deep,
)
from .long_form import MERGE as MERGE
from .long_form import Node as Node
from .long_form import Problem as Problem
from .long_form import long_name as long_name
from .model import Path, Value
from .nesting import is_flat
from .plainly import PLAINLY

MAX_LENGTH = 5_000_000
"""Characters of a text that is still read; CloudFormation itself takes 1 MB."""

_ANCHOR = re.compile(r"&(?<![^\s\[{,:?-]&)[^\s,\[\]{}&]")
_UNREADABLE = "[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
_RESOURCE_TYPE = re.compile(r"(?:AWS|Alexa)::\w|Custom::")
_RESOURCES_KEY = re.compile(r"""^\s*["']?Resources["']?\s*:""", re.MULTILINE)
_SHORT_TAG = re.compile(r"(?<![^\s\[{,-])!(?:" + "|".join(tag[1:] for tag in LONG_FORM) + r")\b")
_LONG_TAG = re.compile(
    r"""^[ \t-]*['"]?(?:Ref|Fn::\w+)['"]?[ \t]*:|\{[ \t]*['"]?(?:Ref|Fn::\w+)['"]?[ \t]*:""",
    re.MULTILINE,
)
_JSON_ONLY = re.compile(r'\\u[dD][89a-fA-F]|"(?:[^"\\]|\\.){1024,}"\s*:')


@dataclass(frozen=True)
class Document:
    """A template as it was read. `text` has no byte order mark, and its line ends untouched."""

    name: str
    text: str = field(repr=False)
    bom: bool
    is_json: bool
    """Whether the text is strict JSON; flow YAML that is not, is YAML."""
    root: Node = field(repr=False)
    data: dict[str, Value] = field(repr=False)
    """The long form. A bool, int or float is one only where Python spells it as the source does
    (any YAML 1.1 boolean is one); all else is its source text: `012`, `1:30`, dates."""
    problems: tuple[Problem, ...]
    shared: frozenset[int] = field(repr=False)
    """The ids of the nodes that aliases stand for too."""

    @classmethod
    def parse(cls, text: str, name: str = "template") -> Document:
        """Read a text. Raises TemplateError where it is no CloudFormation template."""
        bom = text.startswith("\ufeff")
        text = text.removeprefix("\ufeff")
        try:
            return _read(text, name, bom)
        except TemplateError as error:
            error.looks_like_template = bool(
                _RESOURCES_KEY.search(text) and _RESOURCE_TYPE.search(text)
            ) or (text.lstrip().startswith("{") and '"Resources"' in text and "AWS::" in text)
            raise

    @classmethod
    def decode(cls, raw: bytes, name: str) -> Document:
        """Read the bytes of a file: UTF-8, with or without a byte order mark.

        Raises TemplateError as `parse` does, and for any other encoding.
        """
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw[:4]:
            plain = raw.replace(b"\0", b"")
            raise TemplateError(
                "is not UTF-8 but UTF-16 or UTF-32; save it as UTF-8",
                line=1,
                looks_like_template=b"Resources" in plain and b"AWS::" in plain,
            )
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            before = raw[: error.start]
            raise TemplateError(
                f"is not UTF-8: the byte 0x{raw[error.start]:02x} is none; save it as UTF-8",
                line=before.count(b"\n") + 1,
                column=len(before) - before.rfind(b"\n"),
                looks_like_template=b"Resources" in raw and b"AWS::" in raw,
            ) from error
        return cls.parse(text, name)

    @property
    def encoded(self) -> bytes:
        """The bytes of the file: UTF-8, with the byte order mark if there was one."""
        return (("\ufeff" if self.bom else "") + self.text).encode("utf-8")

    def with_text(self, new_text: str) -> Document:
        """Read a new text in place of this one. Raises TemplateError as `parse` does."""
        return Document.parse(("\ufeff" if self.bom else "") + new_text, self.name)

    @cached_property
    def newline(self) -> str:
        """The line end that prevails."""
        counts = Counter(LINE_END.findall(self.text))
        return max(counts, key=lambda end: counts[end], default="\n")

    @cached_property
    def short_tags(self) -> bool:
        """Whether new functions are written as `!Sub`: YAML that does, or uses no function."""
        if self.is_json:
            return False
        return bool(_SHORT_TAG.search(self.text)) or not _LONG_TAG.search(self.text)

    @cached_property
    def mappings(self) -> tuple[tuple[Path, dict[str, Value]], ...]:
        """Every mapping of the data with its path, in the order of the text."""
        return tuple(mappings(self.data))

    def node(self, path: Path) -> Node:
        """Return the node at a path of the data.

        `!Sub x` at a path and its content one step below are the same node. Raises KeyError where
        no node stands for the path alone, as inside `!GetAtt A.B`.
        """
        return self._find(path, partly=False)[1]

    def place(self, path: Path) -> tuple[int, int]:
        """Return line and column, from 1, of an entry (of its key, where it has one).

        Where the path has no place of its own, that of the nearest entry above it.
        """
        key, node = self._find(path, partly=True)
        return self.position((key or node).start_mark.index)

    def position(self, index: int) -> tuple[int, int]:
        """Return line and column, from 1, of a character; lines as editors count them."""
        return self._lines.position(index)

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self.text)

    @cached_property
    def _children(self) -> dict[int, dict[str, tuple[Node, Node]]]:
        return {}

    def _child(self, node: Node, step: str | int) -> tuple[Node | None, Node] | None:
        if node.id == "mapping" and isinstance(step, str):
            known = self._children.get(id(node))
            if known is None:  # the last of equal keys is the one the data holds
                known = {key.value: (key, value) for key, value in node.value if key.id == "scalar"}
                self._children[id(node)] = known
            return known.get(step)
        if node.id == "sequence" and isinstance(step, int) and 0 <= step < len(node.value):
            return None, node.value[step]
        return None

    def _find(self, path: Path, *, partly: bool) -> tuple[Node | None, Node]:
        """Return the key (None without) and the node at a path, or at its nearest parent."""
        key: Node | None = None
        node = self.root
        steps = iter(path)
        inside = False  # below the tag of `node`, in its content
        for step in steps:
            name = None if inside else long_name(node.tag)
            if name is not None and step == name:
                inside = True
                continue
            found = None if name is not None else self._child(node, step)
            if found is None:
                if partly:
                    return key, node
                raise KeyError("/" + "/".join(map(str, path)))
            key, node = found
            inside = False
        return key, node


def implicit_tag(text: str) -> str:
    """Return what YAML 1.1 makes of a plain scalar: `str`, `int`, `bool`, `null` …"""
    resolve: Callable[..., str] = _RESOLVER.resolve
    return resolve(yaml.nodes.ScalarNode, text, (True, False)).removeprefix(STANDARD)


def scalar_value(source: str) -> str | None:
    """Return the value of the one scalar in `key: scalar` or `- scalar`, None where it is none."""
    try:
        root: Node = yaml.compose(source, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return None
    if root is None or root.id == "scalar" or len(root.value) != 1:
        return None
    node = root.value[0][1] if root.id == "mapping" else root.value[0]
    return cast(str, node.value) if node.id == "scalar" else None


_RESOLVER = yaml.resolver.Resolver()
_IMPLICIT = _RESOLVER.yaml_implicit_resolvers


class _Loader(yaml.CSafeLoader):
    """PyYAML's composer with its own rules for plain scalars, found in a third of the time."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        """Return the tag of a node without one."""
        if kind is yaml.nodes.ScalarNode:
            if implicit[0]:
                for tag, pattern in _IMPLICIT.get(value[:1], ()):
                    if pattern.match(value):
                        return tag
            return STR
        return MAP if kind is yaml.nodes.MappingNode else SEQ

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        """Resolve nothing by its path."""

    def ascend_resolver(self) -> None:
        """Resolve nothing by its path."""


# --- reading ---------------------------------------------------------------------------------


def _read(text: str, name: str, bom: bool) -> Document:
    if not text.strip():
        raise TemplateError("is empty", line=1)
    if len(text) > MAX_LENGTH:
        raise TemplateError(
            f"has {len(text):,} characters; more than {MAX_LENGTH:,} are not read "
            "(CloudFormation takes 1 MB)",
            line=1,
        )
    if "Resources" not in text:
        raise TemplateError("is not a template: it has no mapping Resources", line=1)
    depth = _json_depth(text)
    is_json = depth is not None
    with no_collection():
        if depth is None or depth > MAX_DEPTH:
            _refuse_depth(text)
        root = _compose(text, is_json)
        conversion = Conversion(text)
        try:
            shared = shared_nodes(root) if _ANCHOR.search(text) else frozenset()
            data = conversion.value(root)
        except RecursionError:
            raise too_deep(text, root.start_mark) from None
    if not isinstance(data, dict) or root.id != "mapping":
        raise TemplateError("is not a template: its top level is not a mapping", line=1)
    _refuse_others(data)
    return Document(
        name=name,
        text=text,
        bom=bom,
        is_json=is_json,
        root=root,
        data=data,
        problems=tuple(conversion.problems),
        shared=shared,
    )


def _json_depth(text: str) -> int | None:
    """Return how deep strict JSON nests, None where the text is none."""
    if not text.lstrip(" \t\r\n").startswith("{"):
        return None
    try:
        level = [json.loads(text, parse_constant=_refuse_constant)]
    except (ValueError, RecursionError):
        return None
    depth = 0
    while level := [item for item in level if item.__class__ is dict or item.__class__ is list]:
        depth += 1
        level = [
            inner for item in level for inner in (item.values() if item.__class__ is dict else item)
        ]
    return depth


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _refuse_depth(text: str) -> None:
    """Refuse nesting that libyaml's recursion may not survive, before it starts."""
    if is_flat(text):
        return
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise too_deep(text, event.start_mark)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.YAMLError as error:
        if "maximum nesting depth" in str(error):  # libyaml 0.2.6 has a limit of its own, 1 000
            raise too_deep(text, getattr(error, "problem_mark", None)) from error
        return  # composing stops at the same place, and its message is made there


def _compose(text: str, is_json: bool) -> Node:
    start = len(text) - len(text.lstrip())
    if is_json and "\t" in text[:start]:  # JSON takes it there, YAML does not
        text = text[:start].replace("\t", " ") + text[start:]
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise _template_error(text, is_json, error) from error
    if root is None:
        raise TemplateError("is empty: it holds nothing but comments", line=1)
    return root


def _template_error(text: str, is_json: bool, error: yaml.YAMLError) -> TemplateError:
    unreadable = re.search(_UNREADABLE, text)
    if isinstance(error, yaml.reader.ReaderError) and unreadable:
        line, column = position(text, unreadable.start())
        code = ord(unreadable.group())
        return TemplateError(
            f"holds the control character U+{code:04X}, which YAML forbids",
            line=line,
            column=column,
        )
    problem = str(getattr(error, "problem", None) or error)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = position(text, mark.index) if mark else (1, 1)
    context = str(getattr(error, "context", None) or "")
    if "single document" in context or "single document" in problem:
        return TemplateError(
            "holds several YAML documents; a template is one", line=line, column=column
        )
    if is_json and _JSON_ONLY.search(text):
        return TemplateError(
            "is JSON that no YAML parser reads: a surrogate escape such as \\ud83d, or a key of "
            "more than 1,024 characters; write the character itself",
            line=line,
            column=column,
        )
    plainly = next((words for start, words in PLAINLY if start in problem), problem)
    kind = "JSON or YAML" if text.lstrip().startswith("{") else "YAML"
    return TemplateError(f"is not valid {kind}: {plainly}", line=line, column=column)


def _refuse_others(data: dict[str, Any]) -> None:
    resources = data.get("Resources")
    if not isinstance(resources, dict):
        raise TemplateError("is not a template: it has no mapping Resources", line=1)
    for key, resource in resources.items():
        kind = resource.get("Type") if isinstance(resource, dict) else None
        if key.startswith("Fn::ForEach") or (isinstance(kind, str) and _RESOURCE_TYPE.match(kind)):
            return
    raise TemplateError("is not a template: no resource has a Type of AWS's", line=1)
