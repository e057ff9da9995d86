"""A YAML or JSON text with its nodes and their positions, whatever it is for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from .long_form import LINE_END, LONG_FORM, Lines, Node, Problem, long_name
from .model import Path, Value

# Compiled where they are asked for: few texts are.
_SHORT_TAG = r"(?<![^\s\[{,-])!(?:" + "|".join(tag[1:] for tag in LONG_FORM) + r")\b"
_LONG_TAG = (
    r"""(?m)^[ \t-]*['"]?(?:Ref|Fn::\w+)['"]?[ \t]*:|\{[ \t]*['"]?(?:Ref|Fn::\w+)['"]?[ \t]*:"""
)


@dataclass(frozen=True, eq=False)
class Text:
    """A YAML or JSON text as it was read. `text` has no byte order mark, its line ends untouched.

    What edits and proves it needs to know no more: a template is one, a settings file too.
    """

    name: str
    text: str = field(repr=False)
    bom: bool
    is_json: bool
    """Whether the text is strict JSON; flow YAML that is not, is YAML."""
    root: Node = field(repr=False)
    data: Value = field(repr=False)
    """The long form. A bool, int or float is one only where Python spells it as the source does
    (any YAML 1.1 boolean is one); all else is its source text: `012`, `1:30`, dates."""
    problems: tuple[Problem, ...]
    shared: frozenset[int] = field(repr=False)
    """The ids of the nodes that aliases stand for too."""

    @property
    def is_stream(self) -> bool:
        """Whether it is several YAML documents, each an entry of a list that is not written out."""
        return False

    @property
    def plain(self) -> str:
        """The text as a YAML parser takes it, with every character at its place."""
        return self.text

    @property
    def encoded(self) -> bytes:
        """The bytes of the file: UTF-8, with the byte order mark if there was one."""
        return (("\ufeff" if self.bom else "") + self.text).encode("utf-8")

    @cached_property
    def newline(self) -> str:
        """The line end that prevails."""
        counts = Counter(LINE_END.findall(self.text))
        return max(counts, key=lambda end: counts[end], default="\n")

    @cached_property
    def lines(self) -> Sequence[str]:
        """The lines of the text as editors count them, without their ends."""
        return LINE_END.split(self.text)

    @cached_property
    def short_tags(self) -> bool:
        """Whether new functions are written as `!Sub`: YAML that does, or uses no function."""
        if self.is_json:
            return False
        return bool(re.search(_SHORT_TAG, self.text)) or not re.search(_LONG_TAG, self.text)

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
