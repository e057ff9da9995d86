"""A value that becomes the one entry of a new mapping: `a: x` → `a: {key: x}`, `x` as it stands."""

from __future__ import annotations

from .document import Node
from .edits import Edit
from .layout import Entry, Layout
from .long_form import STR
from .model import Value
from .plan import same
from .render import Renderer


def wrapping_key(node: Node, old: Value, new: Value) -> str | None:
    """Return the key under which a new value holds the old one and nothing else, or None.

    None, too, where the old one holds anything but texts: `yes` would be read as it is written,
    the plan says `true`. Of folded texts the proof's second reader keeps the folds.
    """
    if not isinstance(new, dict) or len(new) != 1 or not _holds_texts(node):
        return None
    ((key, inner),) = new.items()
    return key if same(old, inner) else None


def _holds_texts(node: Node) -> bool:
    if node.id == "scalar":
        is_text = node.tag == STR or node.tag.startswith("!")
        return bool(is_text and node.style != ">")
    inner = [value for _, value in node.value] if node.id == "mapping" else node.value
    return all(map(_holds_texts, inner))


def in_block(layout: Layout, entry: Entry, renderer: Renderer, key: str, depth: int) -> list[Edit]:
    """Return the edits that put a key before a block entry's value, on a line of its own.

    The value's further lines move to the right with it, comments among them.
    """
    margin = " " * layout.column(entry.start)
    step = " " * renderer.style.indent
    head = renderer.entry(key, 0)[0].removesuffix("0")
    line = layout.newline(entry.start) + margin + step + head
    if layout.line_start(entry.value_start) == layout.line_start(entry.head - 1):
        edits = [Edit(entry.head, entry.value_start, line, depth)]
    else:
        end = layout.line_end(entry.head)
        edits = [Edit(end, end, line.rstrip(" "), depth)]
    return [*edits, *_moved(layout, edits[0].end, entry.end, step, depth)]


def in_flow(
    layout: Layout, entry: Entry, renderer: Renderer, key: str, depth: int, *, as_json: bool
) -> list[Edit]:
    """Return the edits that put braces and a key around a flow entry's value."""
    start, end = entry.value_start, entry.end
    if not as_json:
        opening, closing = "{" + renderer.flow_entry(key, 0).removesuffix("0"), "}"
        return [Edit(start, start, opening, depth), Edit(end, end, closing, depth)]
    style = renderer.style.json
    head = renderer.json_entry(key, 0, None).removesuffix("0")
    margin = layout.text[layout.line_start(entry.start) : entry.start]
    if margin.strip() or not style.indent:
        space = style.brace
        opening, closing = "{" + space + head, space + "}"
        return [Edit(start, start, opening, depth), Edit(end, end, closing, depth)]
    newline = renderer.newline
    opening = "{" + newline + margin + style.indent + head
    moved = _moved(layout, start, end, style.indent, depth)
    opened = Edit(start, start, opening, depth)
    return [opened, *moved, Edit(end, end, newline + margin + "}", depth)]


def _moved(layout: Layout, start: int, end: int, step: str, depth: int) -> list[Edit]:
    """Return the edits that move the lines below a place to the right, up to an end."""
    edits = []
    line = layout.next_line(start)
    while start < line < end:
        if layout.line_end(line) > line:
            edits.append(Edit(line, line, step, depth))
        start, line = line, layout.next_line(line)
    return edits
