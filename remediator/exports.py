"""Reads which names a template imports from other stacks, and which it exports."""

from __future__ import annotations

from collections.abc import Iterator

from .document import Document
from .errors import TemplateError
from .model import Value
from .template import flattened, walk


def names(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that a template imports and those that it exports, as texts of `Fn::Sub`.

    A name that other functions make is in neither; a text that is no template has none.
    """
    try:
        data = Document.parse(text).data
    except TemplateError:
        return frozenset(), frozenset()
    imported = (
        value["Fn::ImportValue"]
        for _, value in walk(data)
        if isinstance(value, dict) and "Fn::ImportValue" in value
    )
    return _known(imported), _known(_exported(data.get("Outputs")))


def _exported(outputs: Value) -> Iterator[Value]:
    for output in outputs.values() if isinstance(outputs, dict) else ():
        export = output.get("Export") if isinstance(output, dict) else None
        yield export.get("Name") if isinstance(export, dict) else None


def _known(values: Iterator[Value]) -> frozenset[str]:
    return frozenset(text for text in map(flattened, values) if text and "\0" not in text)
