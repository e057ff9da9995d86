"""A parameter file or a tool's settings as they were read: YAML or JSON of any shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import yaml

from . import jinja
from .document import MAX_LENGTH, Loader, json_depth, refuse_depth, template_error
from .errors import TemplateError
from .long_form import MAX_DEPTH, SEQ, Conversion, Node, shared_nodes, too_deep
from .text import Text


@dataclass(frozen=True)
class SettingsText(Text):
    """A YAML or JSON text of any shape; several documents are the entries of a list.

    Bare Jinja expressions are read as plain text.
    """

    documents: int
    """How many YAML documents it is."""

    @property
    def is_stream(self) -> bool:
        """Whether it is several YAML documents, each an entry of a list that is not written out."""
        return self.documents > 1

    @cached_property
    def plain(self) -> str:
        """The text as a YAML parser takes it, with every character at its place."""
        return jinja.hidden(self.text)

    @classmethod
    def parse(cls, text: str, name: str) -> SettingsText:
        """Read a text. Raises TemplateError where it is none, without anything that it says."""
        bom = text.startswith("\ufeff")
        text = text.removeprefix("\ufeff")
        if len(text) > MAX_LENGTH:
            raise TemplateError(
                f"has {len(text):,} characters; more than {MAX_LENGTH:,} are not read"
            )
        plain = jinja.hidden(text)
        depth = json_depth(text)
        if depth is None or depth > MAX_DEPTH:
            refuse_depth(plain)
        documents = _documents(plain, depth is not None)
        root = documents[0] if len(documents) == 1 else _list(documents)
        conversion = Conversion(plain)
        try:
            shared, data = shared_nodes(root), conversion.value(root)
        except RecursionError:
            raise too_deep(text, root.start_mark) from None
        return cls(
            name=name,
            text=text,
            bom=bom,
            is_json=depth is not None,
            root=root,
            data=data,
            problems=tuple(conversion.problems),
            shared=shared,
            documents=len(documents),
        )


def _documents(text: str, is_json: bool) -> list[Node]:
    try:
        documents: list[Node] = list(yaml.compose_all(text, Loader=Loader))
    except yaml.YAMLError as error:
        raise template_error(text, is_json, error) from error
    if not documents:
        raise TemplateError("is empty")
    return documents


def _list(documents: list[Node]) -> Node:
    first, last = documents[0].start_mark, documents[-1].end_mark
    return yaml.SequenceNode(SEQ, documents, first, last, flow_style=False)
