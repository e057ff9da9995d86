"""Where the entries of a document truly stand: spans without what libyaml adds to them.

libyaml ends a block collection or block scalar at the *next* token, gives an alias the span of
its anchor, and an empty value a zero-width span at its colon. Computed on demand: only a document
that is edited pays for it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from .document import MERGE, Node, Text, long_name
from .errors import EditError
from .model import Path, pointer

# Every line break of YAML 1.1, as libyaml counts them.
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
# A tag, an anchor, and what may stand between them and the content.
_PROPERTY = re.compile(r"!<[^>]*>|![^\s,\[\]{}]*|&[^\s,\[\]{}]+")
_SPACE = re.compile(r"(?:\s|(?<!\S)#[^\n\r\x85\u2028\u2029]*)*")
_ALIAS = re.compile(r"(?:[\s,:?\[{-]|#[^\n\r\x85\u2028\u2029]*)*(\*[^\s,\[\]{}]+)")
_COLON = re.compile(r"\s*:")
_HEADER = re.compile(r"[|>][-+0-9]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a mapping or list. `start` is its key's, or its dash's in a block list.

    `head` is the end of what introduces the value: behind the colon or the dash. `end` is that of
    the value's last leaf.
    """

    key: str | None
    node: Node
    start: int
    head: int
    value_start: int
    end: int
    alias: bool


class Layout:
    """The true spans of a document's nodes, and its lines."""

    def __init__(self, document: Text) -> None:
        self.document = document
        self.text = document.text
        self._starts = [0, *(match.end() for match in _BREAK.finditer(document.text))]
        self._entries: dict[int, tuple[Entry, ...]] = {}
        self._indexes: dict[int, dict[str, list[int]]] = {}
        self._entry_of: dict[int, Entry] = {}

    # --- lines -------------------------------------------------------------------------------

    def line_start(self, index: int) -> int:
        """Return the first character of the line that holds a character."""
        return self._starts[bisect_right(self._starts, index) - 1]

    def line_end(self, index: int) -> int:
        """Return the end of a character's line, in front of its line break."""
        number = bisect_right(self._starts, index)
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        start = self._starts[number - 1]
        line = self.text[start:end]
        if line.endswith("\r\n"):
            return end - 2
        return end - 1 if line and _BREAK.fullmatch(line[-1]) else end

    def next_line(self, index: int) -> int:
        """Return the start of the line after a character's; the text's length after the last."""
        number = bisect_right(self._starts, index)
        return self._starts[number] if number < len(self._starts) else len(self.text)

    def newline(self, index: int) -> str:
        """Return the line end of a character's line, or of the line above the last."""
        end = self.line_end(index)
        found = self.text[end : self.next_line(index)]
        if not found and self.line_start(index):
            above = self.line_start(index) - 1
            found = self.text[self.line_end(above) : self.next_line(above)]
        return found if found in ("\n", "\r\n", "\r") else self.document.newline

    def column(self, index: int) -> int:
        """Return the column of a character, from 0, in characters as YAML counts indentation."""
        return index - self.line_start(index)

    def lines_between(self, start: int, end: int) -> int:
        """Return the number of line breaks between two characters."""
        return bisect_right(self._starts, end) - bisect_right(self._starts, start)

    def first_on_line(self, index: int) -> bool:
        """Whether nothing but spaces stands before a character on its line."""
        return not self.text[self.line_start(index) : index].strip(" ")

    def comment_below(self, index: int, column: int) -> bool:
        """Whether the next line that is not blank is a comment in a deeper column than one."""
        line = self.next_line(index)
        while line < len(self.text) and not self.text[line : self.line_end(line)].strip(" "):
            line = self.next_line(line)
        content = self.text[line : self.line_end(line)]
        bare = content.lstrip(" ")
        return bare.startswith("#") and len(content) - len(bare) > column

    # --- nodes -------------------------------------------------------------------------------

    def find(self, path: Path) -> tuple[Node, bool, list[Node]]:
        """Return the node at a path, whether the path ends below its tag, and those above it.

        Raises KeyError where no node stands for it, EditError where an edit there would be
        unsound: inside an anchored or merged node, or below a key that stands twice.
        """
        node = self.document.root
        above: list[Node] = []
        inside = False
        for index, step in enumerate(path):
            name = None if inside else long_name(node.tag)
            if name is not None:
                if step != name:
                    raise KeyError(pointer(path))
                inside = True
                continue
            above.append(node)
            node = self._child(node, step, path[: index + 1])
            inside = False
            if id(node) in self.document.shared:
                raise EditError(f"{pointer(path[: index + 1])} has an anchor that aliases repeat")
        return node, inside, above

    def _child(self, node: Node, step: str | int, path: Path) -> Node:
        if node.id == "mapping" and isinstance(step, str):
            found = self.indexes(node, step)
            if len(found) > 1:
                raise EditError(f"the key {pointer(path)} stands twice")
            if found:
                return node.value[found[0]][1]
            if any(key.tag == MERGE for key, _ in node.value):
                raise EditError(f"{pointer(path)} comes from a merge key (<<)")
        elif node.id == "sequence" and isinstance(step, int) and 0 <= step < len(node.value):
            return node.value[step]
        raise KeyError(pointer(path))

    def indexes(self, node: Node, key: str) -> list[int]:
        """Return where a key stands among the entries of a mapping: once, unless it is odd."""
        known = self._indexes.get(id(node))
        if known is None:
            known = self._indexes[id(node)] = {}
            for index, (each, _) in enumerate(node.value):
                known.setdefault(each.value, []).append(index)
        return known.get(key, [])

    def content(self, node: Node) -> int:
        """Return where the content of a node starts, behind its tag and anchor."""
        index: int = node.start_mark.index
        if node.id != "scalar" and not node.flow_style and node.value:
            first = node.value[0][0] if node.id == "mapping" else None
            if first is not None:
                return int(first.start_mark.index)
        while match := _PROPERTY.match(self.text, index):
            end = _SPACE.match(self.text, match.end())
            index = end.end() if end else match.end()
            if node.id == "scalar" and index > node.end_mark.index:
                return match.end()  # a tag with nothing behind it
        return index

    def end(self, node: Node) -> int:
        """Return the end of a node: of its closing bracket, or of its last leaf.

        Raises EditError where that is a key alone, `? Key`, whose value libyaml finds at the next
        token, wherever that is.
        """
        while node.id != "scalar" and node.value and not node.flow_style:
            key, child = node.value[-1] if node.id == "mapping" else (None, node.value[-1])
            at, end = child.start_mark.index, child.end_mark.index
            if key is not None and at == end and self.text[at - 1] != ":":
                raise EditError(f"the key {key.value} has no colon behind it")
            if id(child) in self.document.shared:
                return self.entries(node)[-1].end  # it may be an alias
            node = child
        if node.id == "scalar" and node.style in ("|", ">"):
            return self._block_scalar_end(node)
        return int(node.end_mark.index)

    def block_header(self, node: Node) -> str | None:
        """Return the header of the block scalar that a node ends in, `|-`; None without one."""
        while node.id != "scalar" and node.value and not node.flow_style:
            node = node.value[-1][1] if node.id == "mapping" else node.value[-1]
        if node.id != "scalar" or node.style not in ("|", ">"):
            return None
        header = _HEADER.match(self.text, self.content(node))
        return header.group() if header else None

    def _block_scalar_end(self, node: Node) -> int:
        start, end = self.content(node), min(node.end_mark.index, len(self.text))
        header = _HEADER.match(self.text, start)
        head = header.group() if header else "|"
        first = self.line_end(start)
        if "+" in head:  # the blank lines below are content
            last = self.line_start(end) - 1 if self.line_start(end) == end else end
            return max(first, self.line_end(max(first, last)))
        indent = self._block_indent(start, head, end)
        last = first
        line = self.next_line(start)
        while line < end:
            stop = self.line_end(line)
            content = self.text[line:stop]
            if content.strip(" ") or len(content) > indent:
                last = stop
            line = self.next_line(line)
            if stop == len(self.text):
                break
        if last == first and header:
            return header.end()
        return last

    def _block_indent(self, start: int, head: str, end: int) -> int:
        """Return the column of a block scalar's lines."""
        line = self.next_line(start)
        while line < end:
            content = self.text[line : self.line_end(line)]
            if content.strip(" "):
                return len(content) - len(content.lstrip(" "))
            if self.next_line(line) == line:
                break
            line = self.next_line(line)
        return 10**9  # nothing but blank lines

    def entries(self, node: Node) -> tuple[Entry, ...]:
        """Return the entries of a mapping or list, in their order in the text."""
        known = self._entries.get(id(node))
        if known is None:
            known = tuple(self._pairs(node) if node.id == "mapping" else self._items(node))
            self._entries[id(node)] = known
            for entry in known:
                self._entry_of.setdefault(id(entry.node), entry)
        return known

    def entry_of(self, parent: Node, node: Node) -> Entry:
        """Return the entry of a collection that holds a node."""
        self.entries(parent)
        return self._entry_of[id(node)]

    def _pairs(self, node: Node) -> list[Entry]:
        entries = []
        for key, value in node.value:
            key_end = key.end_mark.index
            colon = _COLON.match(self.text, key_end)
            head = colon.end() if colon else key_end
            entries.append(self._entry(str(key.value), value, key.start_mark.index, head, key_end))
        return entries

    def _items(self, node: Node) -> list[Entry]:
        entries: list[Entry] = []
        place = self.content(node) + (1 if node.flow_style else 0)
        for value in node.value:
            if node.flow_style:
                start = value.start_mark.index
                entry = self._entry(None, value, start, start, place)
                if entry.alias:
                    start = entry.value_start
                    entry = Entry(None, value, start, start, start, entry.end, True)
            else:
                space = _SPACE.match(self.text, place)
                dash = space.end() if space else place
                if self.text[dash : dash + 1] != "-":
                    raise EditError("a list is written in a way that cannot be edited")
                entry = self._entry(None, value, dash, dash + 1, dash)
            place = entry.end
            entries.append(entry)
        return entries

    def _entry(self, key: str | None, value: Node, start: int, head: int, after: int) -> Entry:
        if value.start_mark.index < after:  # an alias: its node stands at the anchor, above
            alias = _ALIAS.match(self.text, after)
            if alias is None:
                raise EditError("an alias stands where it cannot be told from its anchor")
            return Entry(key, value, start, head, alias.start(1), alias.end(), True)
        return Entry(key, value, start, head, value.start_mark.index, self.end(value), False)

    def holds_shared(self, node: Node) -> bool:
        """Whether an anchor that is used, or its alias, stands in a node."""
        shared = self.document.shared
        if not shared:
            return False
        if id(node) in shared:
            return True
        if node.id == "mapping":
            return any(self.holds_shared(child) for pair in node.value for child in pair)
        return node.id == "sequence" and any(self.holds_shared(item) for item in node.value)
