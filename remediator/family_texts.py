"""The templates of a tree as they are, and as the results so far make them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath as Place

from .document import Document
from .repository import Repository
from .results import FileResult
from .template import Template


@dataclass
class Texts:
    """Reads templates of a tree; a text is parsed once. `results` are those of the members."""

    tree: Repository
    results: dict[Place, FileResult] = field(default_factory=dict)
    _parsed: dict[tuple[Place, str], Template] = field(default_factory=dict)

    def old(self, place: Place) -> Template:
        """Return a template as it is."""
        return self._template(place, self.tree.text(place))

    def new(self, place: Place) -> Template:
        """Return a template as it will be."""
        result = self.results.get(place)
        changed = result is not None and result.old != result.new
        text = result.new if result is not None and changed else self.tree.text(place)
        return self._template(place, text)

    def _template(self, place: Place, text: str) -> Template:
        key = place, text
        if key not in self._parsed:
            document = Document.parse(text.removeprefix("\ufeff"), str(place))
            self._parsed[key] = Template(document)
        return self._parsed[key]
