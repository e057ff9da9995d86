"""Where a samconfig.toml gives a template its parameters.

The SAM CLI sends only what the template declares, so that nothing fails where one is left.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-config.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from . import plain_toml, toml_text
from .model import Path, Span
from .overrides import assignments
from .sites import SAM_TEMPLATES, Lines, Site
from .toml_text import Pair

_KEY = "parameter_overrides"


@dataclass(frozen=True, slots=True)
class _Given:
    name: str
    position: int
    place: Path
    value: str | None = field(default=None, repr=False)


def in_toml(text: str) -> Iterator[Site]:
    """Yield what a samconfig.toml gives: in a text, in a list of them, or key by key."""
    try:
        plain_toml.loads(text)
        pairs = toml_text.pairs(text)
        templates = _templates(text, pairs)
        found = [each for pair in pairs for each in _given(text, pair)]
    except ValueError:
        return
    named = frozenset().union(*templates.values()) or SAM_TEMPLATES
    names = frozenset(each.name for each in found)
    lines = Lines(text)
    for each in found:
        sound = each.place[2:4] == ("parameters", _KEY)
        yield Site(
            each.name,
            lines.number(each.position),
            "SAM configuration",
            False,
            templates.get(each.place[:3], named),
            names,
            (each.place,) if sound else (),
            each.value,
            "toml" if sound else "",
        )


def _templates(text: str, pairs: list[Pair]) -> dict[Path, frozenset[str]]:
    """Return the template that each table names."""
    return {
        pair.path[:-1]: frozenset({toml_text.string(text, pair.value)[0]})
        for pair in pairs
        if pair.path[-1] in ("template", "template_file") and text[pair.value[0]] in "\"'"
    }


def _given(text: str, pair: Pair) -> Iterator[_Given]:
    if pair.path[-1] == _KEY:
        yield from _in_text(text, pair.value, pair.path)
        if text[pair.value[0]] == "[":
            for number, item in enumerate(toml_text.items(text, pair.value)):
                yield from _in_text(text, item, (*pair.path, number))
    elif pair.path[-2:-1] == (_KEY,):
        value = toml_text.string(text, pair.value)[0] if text[pair.value[0]] in "\"'" else None
        yield _Given(str(pair.path[-1]), pair.start, pair.path, value)


def _in_text(text: str, value: Span, place: Path) -> Iterator[_Given]:
    if text[value[0]] not in "\"'":
        return
    content, places = toml_text.string(text, value)
    for each in assignments(content):
        yield _Given(each.name, places[each.start], place, each.value.strip("\"'"))
