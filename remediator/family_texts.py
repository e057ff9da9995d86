"""The templates of a tree as they are, and as the results so far make them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath as Place
from typing import Protocol, TypeAlias

from .document import Document
from .results import FileResult
from .template import Template


class Tree(Protocol):
    """What has to be known of a tree to read its templates."""

    def text(self, place: Place) -> str:
        """Return the text of a file as it was read; raises FileError where it is not UTF-8."""

    def children(self, parent: Place, stack: str) -> Iterable[Place]:
        """Return the templates that a nested stack of a parent may be made from."""

    def hides(self, parameter: str) -> bool:
        """Tell whether a template has a parameter of this name that must not be shown."""


Parsed: TypeAlias = dict[tuple[Place, str], Template]
"""Templates by their place and text."""


@dataclass(eq=False, repr=False)
class Texts:
    """Reads templates of a tree; a text is parsed once, also for others who share what is `parsed`.
    `results` are those of the members."""

    tree: Tree
    parsed: Parsed
    results: dict[Place, FileResult] = field(default_factory=dict)

    def old(self, place: Place) -> Template:
        """Return a template as it is."""
        text = self.tree.text(place)
        key = place, text
        if key not in self.parsed:
            document = Document.parse(text.removeprefix("\ufeff"), str(place))
            self.parsed[key] = Template(document)
        return self.parsed[key]

    def new(self, place: Place) -> Template:
        """Return a template as it will be."""
        result = self.results.get(place)
        if result is None or result.old == result.new:
            return self.old(place)
        key = place, result.new
        if key not in self.parsed:
            text = result.new.removeprefix("\ufeff")
            self.parsed[key] = Template(self.old(place).document.with_text(text))
        return self.parsed[key]
