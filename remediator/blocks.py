"""Entries of block collections added and removed, with their comments and blank lines.

A collection is seen as a row of *items*: its entries, each with the comments that belong to it,
and between them the comments that belong to none. Between items there is nothing but blank lines.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from .document import Node
from .edits import Edit
from .errors import EditError
from .layout import Entry, Layout
from .model import Path, pointer

# A ruled line: `#=====`, `# -----`, `#####`.
_RULE = re.compile(r"#\s*([-=*~+_#])\1{2,}|#{3,}")


@dataclass(frozen=True, slots=True)
class Item:
    """Lines of a collection: an entry with its comments, or comments of no entry (`entry` None).

    `start` is the start of its first line (the entry's own where that follows a dash), `end` the
    end of its last line, in front of the line break.
    """

    start: int
    end: int
    entry: int | None


@dataclass(slots=True)
class Insertions:
    """New entries for one place between two items: those that follow the one, and precede the
    other. Each is a list of lines without indentation."""

    after: list[list[str]] = field(default_factory=list)
    before: list[list[str]] = field(default_factory=list)

    @property
    def all(self) -> list[list[str]]:
        """All of them."""
        return self.after + self.before


def emptied(layout: Layout, path: Path, node: Node) -> list[Edit]:
    """Return the edits that leave nothing of a block collection but `{}` or `[]`.

    Comments that belong to none of its entries stay. Raises EditError where that is unsound.
    """
    empty = "{}" if node.id == "mapping" else "[]"
    if len(path) == int(layout.document.is_stream):  # a whole document: nothing introduces it
        return Block(layout, node).emptied(empty, None, len(path))
    entry = layout.entry_of(layout.find(path)[2][-1], node)
    if entry.key is not None and layout.text[entry.head - 1] != ":":
        raise EditError(f"the key {entry.key} has no colon behind it")
    if layout.content(node) != entry.value_start:
        raise EditError(f"{pointer(path)} has a tag or an anchor, and would be empty")
    return Block(layout, node).emptied(empty, entry.head, len(path))


class Block:
    """A block collection as a row of items. Raises EditError where it cannot be edited."""

    def __init__(self, layout: Layout, node: Node) -> None:
        self.layout = layout
        self.text = layout.text
        self.entries = layout.entries(node)
        first = self.entries[0]
        self.column = layout.column(first.start)
        self.compact = not layout.first_on_line(first.start)
        """Whether the first entry follows a dash on its line: `- Key: a`."""
        self._refuse_odd_lines()
        self.items = self._items()

    def _refuse_odd_lines(self) -> None:
        first, *others = self.entries
        prefix = self.text[self.layout.line_start(first.start) : first.start]
        if prefix.strip(" -"):
            what = "a tab" if "\t" in prefix else "something else"
            raise EditError(f"{what} stands in front of an entry on its line")
        for entry in self.entries:
            if entry.key is not None and self.text[entry.head - 1] != ":":
                raise EditError(f"the key {entry.key} has no colon behind it")
            if self.text[entry.start] in "&!":
                raise EditError(f"the key {entry.key} has a tag or an anchor")
        if any(not self.layout.first_on_line(entry.start) for entry in others):
            raise EditError("an entry does not stand on a line of its own")

    # --- items -------------------------------------------------------------------------------

    def _items(self) -> list[Item]:
        items: list[Item] = []
        after = self._opening()
        for index, entry in enumerate(self.entries):
            start = entry.start
            if not (self.compact and index == 0):
                start, comments = self._lead(after, self.layout.line_start(entry.start))
                if comments is not None:
                    items.append(comments)
            following = self.entries[index + 1 : index + 2]
            items.append(Item(start, self._tail(entry, following), index))
            after = items[-1].end
        return items

    def _opening(self) -> int:
        """Return the end of the line that opens the collection, 0 at the start of the text."""
        line = self.layout.line_start(self.entries[0].start)
        while line > 0:
            above = self.layout.line_start(line - 1)
            content = self.text[above : self.layout.line_end(above)].strip()
            if content and not content.startswith("#"):
                return self.layout.line_end(above)
            line = above
        return 0

    def _lead(self, after: int, line: int) -> tuple[int, Item | None]:
        """Return where an entry with its own comments starts, and the comments above of no entry.

        Its own are those directly above it in its column; a ruled comment heads a group.
        """
        start = line
        margin = " " * self.column + "#"
        while start > after:
            above = self.layout.line_start(start - 1)
            if above < after or not self.text.startswith(margin, above):
                break
            start = above
        last_above = self.text[:start].rstrip().rpartition("\n")[2]
        heads_text = not self.column and last_above in ("", "---")
        if heads_text or _RULE.search(self.text[start:line]):
            start = line  # it speaks of what follows as a whole: a licence, a group
        between = self.text[after:start]
        if not between.strip():
            return start, None
        first = self.layout.line_start(after + len(between) - len(between.lstrip()))
        last = self.layout.line_end(after + len(between.rstrip()) - 1)
        return start, Item(first, last, None)

    def _tail(self, entry: Entry, following: Sequence[Entry]) -> int:
        """Return the end of an entry's lines: comments in deeper columns below are its own."""
        end = self.layout.line_end(entry.end)
        limit = self.layout.line_start(following[0].start) if following else len(self.text)
        line = self.layout.next_line(entry.end)
        while line < limit:
            stop = self.layout.line_end(line)
            content = self.text[line:stop].lstrip(" ")
            if content.startswith("#") and stop - line - len(content) > self.column:
                end = stop
            elif content.strip():
                break
            if self.layout.next_line(line) <= line:
                break
            line = self.layout.next_line(line)
        return end

    def separation(self) -> int | None:
        """Return the blank lines that prevail between the entries; None where there is but one."""
        counts: Counter[int] = Counter()
        for one, other in pairwise(self.items):
            if one.entry is not None:
                counts[self._blanks(one.end, other.start)] += 1
        return max(counts, key=lambda count: (counts[count], count)) if counts else None

    @property
    def entry_is_a_line(self) -> bool:
        """Whether the first entry stands in one line."""
        first = self.entries[0]
        return self.layout.lines_between(first.start, first.end) == 0

    def _blanks(self, start: int, end: int) -> int:
        return max(self.layout.lines_between(start, end) - 1, 0)

    def _size(self, start: int, end: int) -> tuple[int, int]:
        return self.layout.lines_between(start, end), end - start

    def place(self, entry: int) -> int:
        """Return the number of the item that holds an entry."""
        return self._places[entry]

    @cached_property
    def _places(self) -> dict[int, int]:
        return {item.entry: n for n, item in enumerate(self.items) if item.entry is not None}

    # --- edits -------------------------------------------------------------------------------

    def edits(
        self, removed: set[int], insertions: dict[int, Insertions], separation: int, depth: int
    ) -> list[Edit]:
        """Return the edits that remove entries, and insert new ones in front of items.

        `insertions` maps an item's number (or their count, for the end) to what comes there.
        """
        edits: list[Edit] = []
        place = 0
        while place <= len(self.items):
            until = place
            while until < len(self.items) and self.items[until].entry in removed:
                until += 1
            new = [insertions[at] for at in range(place, until + 1) if at in insertions]
            if until > place:
                takes_place = place in insertions and bool(insertions[place].before)
                blocks = [block for group in new for block in (*group.after, *group.before)]
                start = self._start_of_exchange(self.items[place], takes_place)
                edits.append(self._exchange(place, until, blocks, start, separation, depth))
            else:
                for group in new:
                    edits.extend(self._insert(place, group, separation, depth))
            place = until + 1
        return edits

    def emptied(self, empty: str, head: int | None, depth: int) -> list[Edit]:
        """Return the edits that remove all entries, and put `empty` in their place.

        `head` is the end of the key or dash that introduces the collection, None for a text's
        root: where lines lie between it and the first entry, `empty` stands beside it.
        """
        beside = head is not None and not self.compact
        edits = [Edit(head, head, f" {empty}", depth)] if head is not None and beside else []
        above = self._opening()
        place = 0
        while place < len(self.items):
            until = place
            while until < len(self.items) and self.items[until].entry is not None:
                until += 1
            if until == place:
                above = self.items[place].end
                place += 1
                continue
            first, last = self.items[place], self.items[until - 1]
            if not beside:
                edits.append(Edit(first.start, last.end, empty, depth))
                beside = True
            elif until < len(self.items):
                edits.append(Edit(first.start, self.items[until].start, "", depth))
            else:
                edits.append(Edit(above, last.end, "", depth))
            place = until
        return edits

    def _start_of_exchange(self, item: Item, takes_place: bool) -> int:
        """Return where an entry that goes starts: a new one put before it inherits its comment."""
        if not takes_place or item.entry is None:
            return item.start
        line = self.layout.line_start(self.entries[item.entry].start)
        return max(item.start, line)

    def _exchange(
        self,
        place: int,
        until: int,
        blocks: list[list[str]],
        start: int,
        separation: int,
        depth: int,
    ) -> Edit:
        """Remove the items from `place` up to `until`, and put new entries there."""
        first, last = self.items[place], self.items[until - 1]
        above = self.items[place - 1] if place else None
        self._refuse_open_text(above, last.end)
        if blocks:
            body = self._body(blocks, first.start, separation)
            return Edit(start, last.end, self._unindented(body, place), depth)
        below = self.items[until] if until < len(self.items) else None
        if below is None:
            if above is None:
                raise EditError("would leave the collection empty")
            return Edit(above.end, last.end, "", depth)
        if self.compact and place == 0:
            # The next line moves up behind the dash.
            end = below.start
            return Edit(first.start, end + len(self._margin(end)), "", depth)
        if above is None or above.entry is None:
            return Edit(first.start, below.start, "", depth)
        # The larger of the two gaps stays: it is what separates groups.
        if self._size(above.end, first.start) >= self._size(last.end, below.start):
            return Edit(first.start, below.start, "", depth)
        return Edit(above.end, last.end, "", depth)

    def _refuse_open_text(self, above: Item | None, end: int) -> None:
        """Refuse what would change a block scalar above: its end is the next line's business."""
        if above is None or above.entry is None:
            return
        header = self.layout.block_header(self.entries[above.entry].node)
        if header is None:
            return
        if "+" in header:
            raise EditError(f"a text block {header} keeps the blank lines below it, which change")
        if end == len(self.text) and "-" not in header:
            raise EditError("a text block ends the template, which has no line end there")

    def _margin(self, line: int) -> str:
        content = self.text[line : self.layout.line_end(line)]
        return content[: len(content) - len(content.lstrip(" "))]

    def _insert(self, place: int, group: Insertions, separation: int, depth: int) -> list[Edit]:
        above = self.items[place - 1] if place else None
        below = self.items[place] if place < len(self.items) else None
        self._refuse_open_text(above, above.end if above is not None else 0)
        edits = []
        blanks = separation
        if above is not None and below is not None and above.entry is not None:
            blanks = min(separation, self._blanks(above.end, below.start))
        if group.after and above is not None:
            newline = self.layout.newline(above.end)
            body = self._body(group.after, above.end, blanks)
            edits.append(Edit(above.end, above.end, newline * (blanks + 1) + body, depth))
        if group.before and below is not None:
            newline = self.layout.newline(below.start)
            body = self._unindented(self._body(group.before, below.start, blanks), place)
            gap = newline * (blanks + 1)
            if self.compact and place == 0:
                gap += " " * self.column
            edits.append(Edit(below.start, below.start, body + gap, depth))
        return edits

    def _unindented(self, body: str, place: int) -> str:
        return body[self.column :] if self.compact and place == 0 else body

    def _body(self, blocks: list[list[str]], near: int, blanks: int) -> str:
        newline = self.layout.newline(near)
        margin = " " * self.column
        rendered = [
            newline.join(margin + line if line else "" for line in lines) for lines in blocks
        ]
        return (newline * (blanks + 1)).join(rendered)
