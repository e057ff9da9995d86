"""A document that is written into: where all stands in it, and what writes as it is written."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import cast

from .document import Node, Text
from .layout import Layout
from .model import Path
from .render import Renderer
from .style import Habits

_LOGICAL = frozenset(("Fn::And", "Fn::Or", "Fn::Not", "Fn::If"))


class Canvas:
    """A document with its layout, and with a renderer for every place in it."""

    def __init__(self, document: Text) -> None:
        self.document = document
        self.text = document.text
        self.layout = Layout(document)
        self._habits = Habits(document)

    def renderer(self, path: Path, node: Node, near: Node | None = None) -> Renderer:
        """Return what renders entries of the collection at a path, which `node` is or stands in;
        their indentation is that of `near`."""
        logical = path == ("Conditions",) or bool(path and path[-1] in _LOGICAL)
        logical = logical or node.tag == "!Condition"
        return Renderer(
            self._habits.near(node if near is None else near),
            self.layout.newline(node.start_mark.index),
            logical=logical,
            # At the end of a text without a last line end, a literal block would lose its own.
            literal=self.text.endswith(("\n", "\r")),
        )

    def is_json(self, node: Node) -> bool:
        """Whether a flow collection is written as JSON: all keys in double quotes."""
        if self.document.is_json:
            return True
        keys = list(_keys(node))
        return bool(keys) and all(key.style == '"' for key in keys) and self.is_flow

    @cached_property
    def is_flow(self) -> bool:
        """Whether the document as a whole is a flow collection, as JSON is."""
        return bool(self.document.root.flow_style)


def _keys(node: Node) -> Iterable[Node]:
    if node.id == "mapping":
        for key, value in node.value:
            yield cast(Node, key)
            yield from _keys(value)
    elif node.id == "sequence":
        for item in node.value:
            yield from _keys(item)
