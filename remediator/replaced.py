"""A value that another one takes the place of: its key, and what surrounds it, stay."""

from __future__ import annotations

from .canvas import Canvas
from .document import Node
from .edits import Edit
from .errors import EditError
from .layout import Entry
from .model import Path, Value, pointer, value_at
from .render import Renderer
from .scalars import rewritten, rewritten_json
from .wrap import in_block, in_flow, wrapping_key


def replaced(canvas: Canvas, path: Path, value: Value) -> list[Edit]:
    """Return the edits that put another value in the place of the one at a path.

    Raises EditError with the reason where that cannot be done soundly.
    """
    if not path:
        raise EditError("the whole template cannot be replaced")
    try:
        node, inside, above = canvas.layout.find(path)
    except KeyError:
        raise EditError(f"{pointer(path)} is not there") from None
    if inside:
        value = {str(path[-1]): value}
        path = path[:-1]
    if canvas.layout.holds_shared(node):
        raise EditError(f"an anchor or alias stands in {pointer(path)}")
    parent = above[-1]
    entry = canvas.layout.entry_of(parent, node)
    if entry.alias:
        raise EditError(f"{pointer(path)} is an alias")
    if entry.key is not None and canvas.text[entry.head - 1] != ":":
        raise EditError(f"the key {entry.key} has no colon behind it")
    content = canvas.layout.content(node)
    if "&" in canvas.text[entry.value_start : content]:
        raise EditError(f"{pointer(path)} has an anchor")
    renderer = canvas.renderer(path[:-1], node, near=parent)
    key = wrapping_key(node, value_at(canvas.document.data, path), value)
    if key is not None and entry.key is not None:
        return _wrapped(canvas, entry, parent, renderer, key, len(path))
    if parent.flow_style:
        return [_in_flow(canvas, entry, parent, renderer, value, len(path))]
    kept = rewritten(canvas.layout, entry, renderer, value)
    if kept is not None:
        return [Edit(start, end, text, len(path)) for start, end, text in kept]
    return _in_block(canvas, entry, renderer, path[-1], value)


def _wrapped(
    canvas: Canvas, entry: Entry, parent: Node, renderer: Renderer, key: str, depth: int
) -> list[Edit]:
    if not parent.flow_style:
        return in_block(canvas.layout, entry, renderer, key, depth)
    as_json = canvas.is_json(parent)
    return in_flow(canvas.layout, entry, renderer, key, depth, as_json=as_json)


def _in_flow(
    canvas: Canvas, entry: Entry, parent: Node, renderer: Renderer, value: Value, depth: int
) -> Edit:
    start, end = entry.value_start, entry.end
    if canvas.is_json(parent):
        line = canvas.layout.line_start(entry.start)
        margin = canvas.text[line : entry.start]
        alone = not margin.strip()
        raw = canvas.text[start:end]
        kept_text = rewritten_json(entry.node, raw, value)
        rendered = kept_text or renderer.json(value, margin if alone else None)
    else:
        kept = rewritten(canvas.layout, entry, renderer, value, flow=True)
        if kept is not None and len(kept) == 1:
            return Edit(kept[0][0], kept[0][1], kept[0][2], depth)
        rendered = renderer.flow(value)
    if start == end and start == entry.head and entry.key is not None:
        rendered = " " + rendered  # an empty value stands at its colon
    return Edit(start, end, rendered, depth)


def _in_block(
    canvas: Canvas, entry: Entry, renderer: Renderer, step: str | int, value: Value
) -> list[Edit]:
    if canvas.layout.comment_below(entry.end, canvas.layout.column(entry.start)):
        renderer.literal = False  # the comment would become the last line of a block
    if isinstance(step, str):
        lines = renderer.entry(step, value)
        plain = renderer.entry("k", value)
        lines[0] = plain[0].removeprefix("k:").removeprefix('"k":').removeprefix("'k':")
        lines[1:] = plain[1:]
    else:
        lines = renderer.item(value)
        lines[0] = lines[0].removeprefix("-")
    layout, text = canvas.layout, canvas.text
    margin = " " * layout.column(entry.start)
    newline = layout.newline(entry.start)
    below = "".join(newline + (margin + line if line else "") for line in lines[1:])
    inline = lines[0].removeprefix(" ")
    depth = 1000  # the value ends in front of whatever is inserted behind its entry
    same_line = layout.line_start(entry.value_start) == layout.line_start(entry.head - 1)
    is_block = entry.node.id != "scalar" and not entry.node.flow_style
    end = layout.line_end(entry.end) if is_block and entry.node.value else entry.end
    if same_line:
        empty = entry.value_start == entry.end
        # Lines below `- a: 1` keep their columns only behind the dash and one space.
        behind = empty or not inline or (entry.key is None and bool(below))
        start = entry.head if behind else entry.value_start
        first = (" " if start == entry.head and inline else "") + inline
        if not below:
            return [Edit(start, end, first, depth)]
        stop = layout.line_end(end)
        comment = text[end:stop]
        return [Edit(start, stop, first + comment.rstrip() + below, depth)]
    head_end = layout.line_end(entry.head)
    if inline:
        insert = Edit(entry.head, entry.head, " " + inline, depth)
        return [insert, Edit(head_end, end, below, depth)]
    first_line = layout.line_start(entry.value_start)
    return [Edit(first_line, end, below[len(newline) :], depth)]
