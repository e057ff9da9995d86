"""remediator as a library: a text in, a result out; nothing is printed, read or written."""

from __future__ import annotations

from . import registry
from .document import Document
from .engine import inspect, remediate
from .garbage import no_collection
from .hidden import with_hidden
from .model import Context, Settings
from .results import FileResult

_DEFAULTS = Settings()


def fix(text: str, *, name: str = "template", settings: Settings = _DEFAULTS) -> FileResult:
    """Return what becomes of a template; `result.new` is the repaired and proven text.

    `name` is what messages and the ids of repairs call the template. Whether an output shows a
    literal secret is the caller's to decide: `result.masked` names them. Raises TemplateError where
    the text cannot be read as a template, ConfigError for settings that are wrong.
    """
    transforms, context = registry.load(settings), _context(settings)
    with no_collection():
        document = Document.parse(text, name)
        result = remediate(document, transforms, context, path=name, file=name)
        return with_hidden(document, result, context.catalogue)


def check(text: str, *, name: str = "template", settings: Settings = _DEFAULTS) -> FileResult:
    """Return what is found in a template; nothing is carried out. Raises as `fix` does."""
    transforms, context = registry.load(settings), _context(settings)
    with no_collection():
        document = Document.parse(text, name)
        result = inspect(document, transforms, context, path=name, file=name)
        return with_hidden(document, result, context.catalogue)


def _context(settings: Settings) -> Context:
    return Context(
        registry.catalogue(),
        settings,
        required=registry.required_properties,
        create_only=registry.create_only_properties,
    )
