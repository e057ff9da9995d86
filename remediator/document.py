"""A template's text with its nodes and their positions, and its data in the long form.

Read by PyYAML's C composer (libyaml 0.2: YAML 1.1, as CloudFormation itself reads templates),
which gives exact character positions at 10 MB/s. The nodes keep libyaml's marks, whose end is the
*next* token for a block collection or scalar; `layout` turns them into true spans when an edit
asks for them, so that reading costs little more than composing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import yaml

from .data import mappings
from .errors import OtherFile, TemplateError
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
from .raw_text import ANCHOR as ANCHOR
from .text import Text as Text

MAX_LENGTH = 5_000_000
"""Characters of a text that is still read; CloudFormation itself takes 1 MB."""

_UNREADABLE = "[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
_RESOURCE_TYPE = re.compile(r"(?:AWS|Alexa)::\w|Custom::")
_SECTIONS = frozenset(
    {"AWSTemplateFormatVersion", "Transform", "Globals", "Parameters", "Mappings"}
    | {"Conditions", "Rules", "Outputs"}
)
"""Keys at the top that say that a text is meant as a template."""
_RESOURCES_KEY = re.compile(r"""^\s*["']?Resources["']?\s*:""", re.MULTILINE)
_SERVERLESS = (
    re.compile(r"^service\s*:", re.MULTILINE),
    re.compile(r"^provider\s*:", re.MULTILINE),
)
_JSON_ONLY = re.compile(r'\\u[dD][89a-fA-F]|"(?:[^"\\]|\\.){1024,}"\s*:')


@dataclass(frozen=True, eq=False)
class Document(Text):
    """A template as it was read."""

    data: dict[str, Value] = field(repr=False)
    _later: dict[str, Document] = field(default_factory=dict, repr=False)
    """What new texts in its place were read into."""

    @classmethod
    def parse(cls, text: str, name: str = "template") -> Document:
        """Read a text. Raises TemplateError where it is no CloudFormation template."""
        bom = text.startswith("\ufeff")
        text = text.removeprefix("\ufeff")
        try:
            return _read(text, name, bom)
        except OtherFile:
            raise
        except TemplateError as error:
            error.looks_like_template = not _is_serverless(text) and (
                bool(_RESOURCES_KEY.search(text) and _RESOURCE_TYPE.search(text))
                or (text.lstrip().startswith("{") and '"Resources"' in text and "AWS::" in text)
            )
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

    def with_text(self, new_text: str) -> Document:
        """Read a new text in place of this one, once. Raises TemplateError as `parse` does."""
        known = self._read_before(new_text)
        if known is None:
            known = Document.parse(("\ufeff" if self.bom else "") + new_text, self.name)
            self._later[new_text] = known
        return known

    def _read_before(self, text: str) -> Document | None:
        """Return what a text in place of this one, or of one that came after, was read into."""
        if text in self._later:
            return self._later[text]
        found = (later._read_before(text) for later in self._later.values())
        return next((each for each in found if each is not None), None)

    @cached_property
    def mappings(self) -> tuple[tuple[Path, dict[str, Value]], ...]:
        """Every mapping of the data with its path, in the order of the text."""
        return tuple(mappings(self.data))


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


class Loader(yaml.CSafeLoader):
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
        raise _other_file(text)
    depth = json_depth(text)
    is_json = depth is not None
    with no_collection():
        if depth is None or depth > MAX_DEPTH:
            refuse_depth(text)
        root = _compose(text, is_json)
        conversion = Conversion(text)
        try:
            shared = shared_nodes(root) if ANCHOR.search(text) else frozenset()
            data = conversion.value(root)
        except RecursionError:
            raise too_deep(text, root.start_mark) from None
    if not isinstance(data, dict) or root.id != "mapping":
        raise OtherFile("is not a template: its top level is not a mapping", line=1)
    if "Resources" not in data and _SECTIONS.isdisjoint(data):
        raise _other_file(text)
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


def json_depth(text: str) -> int | None:
    """Return how deep strict JSON nests, None where the text is none."""
    if not text.lstrip(" \t\r\n").startswith(("{", "[")):
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


def refuse_depth(text: str) -> None:
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
        root = yaml.compose(text, Loader=Loader)
    except yaml.YAMLError as error:
        raise template_error(text, is_json, error) from error
    if root is None:
        raise TemplateError("is empty: it holds nothing but comments", line=1)
    return root


def template_error(text: str, is_json: bool, error: yaml.YAMLError) -> TemplateError:
    """Return a parser's error in words, without anything of the text."""
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


def _is_serverless(text: str) -> bool:
    """Tell whether a text is a file of the Serverless Framework, as its keys tell.

    https://www.serverless.com/framework/docs/providers/aws/guide/serverless.yml
    """
    return all(key.search(text) for key in _SERVERLESS)


def _other_file(text: str) -> OtherFile:
    if _is_serverless(text):
        return OtherFile(
            "is a file of the Serverless Framework: remediator repairs CloudFormation templates, "
            "not the files they are made from; `serverless package` shows what this one becomes",
            line=1,
        )
    return OtherFile("is not a template: it has no mapping Resources", line=1)


def _refuse_others(data: dict[str, Any]) -> None:
    resources = data.get("Resources")
    if not isinstance(resources, dict):
        raise TemplateError("is not a template: it has no mapping Resources", line=1)
    for key, resource in resources.items():
        kind = resource.get("Type") if isinstance(resource, dict) else None
        if key.startswith("Fn::ForEach") or (isinstance(kind, str) and _RESOURCE_TYPE.match(kind)):
            return
    raise TemplateError("is not a template: no resource has a Type of AWS's", line=1)
