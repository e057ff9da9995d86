"""A scalar that becomes another: its quotes, its lines and its comment stay where they can.

Each attempt is read back before it is taken; where none holds, the value is rendered anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TypeAlias

from .document import Node, scalar_value
from .layout import Entry, Layout
from .long_form import STR
from .model import Value
from .render import Renderer
from .style import is_plain

Span: TypeAlias = tuple[int, int, str]
"""Characters from and to, and the text in their place."""

_BREAK = re.compile("\r\n|[\n\r]")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|[\r\n])|[^\r\n]+")


def rewritten(
    layout: Layout, entry: Entry, renderer: Renderer, value: Value, *, flow: bool = False
) -> list[Span] | None:
    """Return the changes that turn an entry's scalar into another in its own style.

    None where the old or the new value is no scalar, or has to be rendered anew.
    """
    node = entry.node
    new = renderer.as_scalar(value)
    if node.id != "scalar" or new is None:
        return None
    tag, text = new
    old_tag = node.tag if node.tag.startswith("!") and node.tag != "!" else None
    start = layout.content(node)
    if old_tag is None and start > entry.value_start:
        return None  # `!!str x`
    raw = layout.text[start : entry.end]
    if tag == old_tag and (tag is not None or node.tag == STR):
        within = _within(layout, entry, raw, text, flow=flow)
        if within is not None:
            return [(start, entry.end, within)]
    if not raw and entry.value_start == entry.end:
        return None  # nothing stands there whose style could be kept
    if node.style in ("|", ">") or _BREAK.search(raw):
        return None
    style = _style(node, renderer, tag, text, flow=flow)
    if style == "|":
        return None
    if tag != old_tag:
        return [(entry.value_start, entry.end, renderer.scalar_text(text, tag, style))]
    space = " " if tag and start == entry.value_start + len(tag) else ""
    return [(start, entry.end, space + renderer.scalar_text(text, None, style))]


def rewritten_json(node: Node, raw: str, value: Value) -> str | None:
    """Return a JSON string with only what differs changed: other escapes stay as they are."""
    if not isinstance(value, str) or node.tag != STR or "\\" not in raw:
        return None
    candidate = _part(raw, node.value, value)
    try:
        return candidate if candidate is not None and json.loads(candidate) == value else None
    except ValueError:
        return None


def _style(node: Node, renderer: Renderer, tag: str | None, text: str, *, flow: bool) -> str | None:
    chosen = renderer.choose(text, tag, flow=flow)
    if chosen == "|":
        return chosen
    if node.style in ("'", '"'):
        if tag not in (None, "!Sub", node.tag) and chosen is None:
            return None  # `"a"` becomes `!Ref B`
        if chosen == '"' and renderer.needs_escapes(text):
            return chosen
        return "'" if node.style == "'" or '"' in text else '"'
    if node.tag == (tag or node.tag) and is_plain(text, flow=flow):
        return None
    return (
        chosen if chosen is not None or is_plain(text, flow=flow) or tag else renderer.quote(text)
    )


def _within(layout: Layout, entry: Entry, raw: str, new: str, *, flow: bool) -> str | None:
    """Return a scalar's source with only what differs changed, None where that cannot be told."""
    node = entry.node
    old = node.value
    plain = not raw.startswith(("'", '"', "|", ">"))
    if old == new:
        return raw
    if plain and not _BREAK.search(raw):
        return None
    candidates: list[str | None] = []
    if raw.startswith("|"):
        candidates.append(_lines(layout, raw, old, new))
    indirect = raw[:1] in ("|", ">") or _BREAK.search(raw) or "\\" in raw or "''" in raw
    if indirect and not (plain and flow and re.search(r"[,\[\]{}]", new)):
        candidates += [*_without_a_line(raw, len(old) - len(new)), _part(raw, old, new)]
    margin = " " * layout.column(entry.start)
    lead = margin + ("k: " if entry.key is not None else "- ")
    close = "" if entry.end == len(layout.text) else "\n"
    for candidate in candidates:
        if candidate is not None and scalar_value(lead + candidate + close) == new:
            return candidate
    return None


def _lines(layout: Layout, raw: str, old: str, new: str) -> str | None:
    """Change the lines of a literal block: each line of the value is one of the source."""
    breaks = _BREAK.findall(raw)
    header, *body = _BREAK.split(raw)
    if not body:
        return None
    old_lines, new_lines = old.split("\n"), new.split("\n")
    indents = [len(line) - len(line.lstrip(" ")) for line in body if line.strip(" ")]
    if not indents:
        return None
    indent = min(indents)
    head = 0
    while head < min(len(old_lines), len(new_lines)) and old_lines[head] == new_lines[head]:
        head += 1
    tail = 0
    least = min(len(old_lines), len(new_lines)) - head
    while tail < least and old_lines[-1 - tail] == new_lines[-1 - tail]:
        tail += 1
    # The value's last line is empty where it ends in a line break, and has none in the source.
    extra = len(old_lines) - len(body)
    if extra not in (0, 1) or head > len(body):
        return None
    changed = [
        " " * indent + line if line else "" for line in new_lines[head : len(new_lines) - tail]
    ]
    rest = body[len(old_lines) - tail :] if tail else []
    newline = breaks[0] if breaks else layout.document.newline
    return newline.join([header, *body[:head], *changed, *rest])


def _part(raw: str, old: str, new: str) -> str | None:
    """Change the one place of the source that holds what differs."""
    head, tail = _shared(old, new)
    start = len(_BREAK.split(raw)[0]) if raw.startswith(("|", ">")) else 0
    # Grow the part until the source holds it as often as the value.
    left, right = head, len(old) - tail
    while True:
        part = old[left:right]
        source = _escaped(raw, part)
        if part and raw.count(source, start) == old.count(part):
            break
        grown = False
        if left > 0 and not old[left - 1].isspace():
            left, grown = left - 1, True
        if right < len(old) and not old[right].isspace():
            right, grown = right + 1, True
        if not grown:
            return None
    exchange = old[left:head] + new[head : len(new) - tail] + old[len(old) - tail : right]
    place = raw.find(source, start)
    for _ in range(old.count(part, 0, left)):
        place = raw.find(source, place + len(source))
    if place < 0:
        return None
    return raw[:place] + _escaped(raw, exchange) + raw[place + len(source) :]


def _without_a_line(raw: str, shorter: int) -> Iterator[str]:
    """Yield the source without one of its lines, where that may be all that the new value lacks:
    it is shorter by that line, and perhaps by what parts it from the next."""
    lines = _LINE.findall(raw)
    for number, line in enumerate(lines if len(lines) > 1 else ()):
        if shorter - 1 <= len(line.strip()) <= shorter:
            rest = "".join([*lines[:number], *lines[number + 1 :]])
            yield (rest.rstrip("\r\n") if number + 1 == len(lines) else rest).lstrip()


def _shared(old: str, new: str) -> tuple[int, int]:
    """Return how many characters two texts share at their start, and at their end."""
    head = tail = 0
    least = min(len(old), len(new))
    while head < least and old[head] == new[head]:
        head += 1
    while tail < least - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return head, tail


def _escaped(raw: str, text: str) -> str:
    if raw.startswith('"'):
        return json.dumps(text, ensure_ascii=False)[1:-1]
    return text.replace("'", "''") if raw.startswith("'") else text
