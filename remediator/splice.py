"""Operations on the data of a document, carried out on its text.

Every byte that no operation needs to touch stays. Operations speak of the original data, so they
are all planned on the original positions and then carried out together, the last first. What
cannot be done soundly is refused with an EditError that says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .blocks import Block, Insertions, emptied
from .canvas import Canvas
from .document import MERGE, Node, Text, long_name
from .edits import Edit, carry_out, in_order
from .errors import EditError
from .flows import Flow
from .layout import Entry
from .model import Add, Operation, Path, Remove, Replace, Value, pointer
from .plan import minimal
from .replaced import replaced


def apply(document: Text, operations: Sequence[Operation], *, may_empty: bool = False) -> str:
    """Return the document's text with all operations carried out, as `Splicer.apply` does."""
    return Splicer(document, may_empty=may_empty).apply(operations)


@dataclass(slots=True)
class _Group:
    """The entries that one collection gains and loses."""

    adds: list[Add]
    removes: list[Remove]


class Splicer:
    """Carries out plans on a document; several may be tried on the same one.

    With `may_empty`, what loses its last entry becomes `{}` or `[]`; no template's section may.
    """

    def __init__(self, document: Text, *, may_empty: bool = False) -> None:
        self.document = document
        self.may_empty = may_empty
        self.canvas = Canvas(document)
        self.layout = self.canvas.layout

    def apply(self, operations: Sequence[Operation]) -> str:
        """Return the document's text with all operations carried out, without a byte order mark.

        Raises EditError with the reason where one of them cannot be carried out soundly; then none
        is.
        """
        return carry_out(self.document.text, self.edits(operations))

    def edits(self, operations: Sequence[Operation]) -> list[Edit]:
        """Return the edits that carry out all operations; raises EditError as `apply` does."""
        return in_order(self._edits(minimal(self.document, operations)))

    def _edits(self, operations: Iterable[Operation]) -> list[Edit]:
        groups: dict[Path, _Group] = {}
        edits: list[Edit] = []
        for operation in operations:
            if isinstance(operation, Replace):
                edits.extend(replaced(self.canvas, operation.path, operation.value))
                continue
            group = groups.setdefault(operation.path[:-1], _Group([], []))
            if isinstance(operation, Add):
                group.adds.append(operation)
            else:
                group.removes.append(operation)
        for path, group in groups.items():
            edits.extend(self._regroup(path, group))
        return edits

    # --- entries come and go -----------------------------------------------------------------

    def _regroup(self, path: Path, group: _Group) -> list[Edit]:
        node, entries = self._collection(path)
        removed = {self._index(node, operation.path) for operation in group.removes}
        for index in removed:
            # An alias may go: what it repeats stands elsewhere.
            if not entries[index].alias and self.layout.holds_shared(entries[index].node):
                raise EditError(
                    f"{pointer(path) or '/'}: an anchor or alias stands in what would go"
                )
        if node.id == "mapping":
            self._refuse_twice(path, node, group.adds)
        if not entries and self._opens(node, group.adds):
            return replaced(self.canvas, self._own_path(path), self._filled(path, node, group.adds))
        if node.flow_style or not entries:
            return self._regroup_flow(path, node, removed, group.adds)
        if len(removed) == len(entries) and not group.adds:
            if not self.may_empty:
                raise EditError(f"would leave {pointer(path) or 'the template'} empty")
            return emptied(self.layout, path, node)
        return self._regroup_block(path, node, removed, group.adds)

    def _opens(self, node: Node, adds: list[Add]) -> bool:
        """Whether an empty `{}` becomes a block: its new entries are more than scalars."""
        if self.canvas.is_json(node) or self.canvas.is_flow:
            return False
        return any(isinstance(add.value, dict | list) and add.value for add in adds)

    def _own_path(self, path: Path) -> Path:
        """Return the path of a node with its tag, where the path ends below the tag."""
        return path[:-1] if self.layout.find(path)[1] else path

    def _filled(self, path: Path, node: Node, adds: list[Add]) -> Value:
        """Return what an empty collection holds after the additions."""
        ordered = self._ordered(path, adds)
        value: Value
        if node.id == "sequence":
            if any(add.path[-1] != 0 for add in adds):
                raise EditError(f"{pointer(path)} is empty, and has no entry to stand beside")
            value = [add.value for add in ordered]
        else:
            if any(add.before is not None or add.after is not None for add in ordered):
                raise EditError(f"{pointer(path)} is empty, and has no entry to stand beside")
            value = {str(add.path[-1]): add.value for add in ordered}
        return {str(path[-1]): value} if self._own_path(path) != path else value

    def _collection(self, path: Path) -> tuple[Node, tuple[Entry, ...]]:
        """Return a mapping or list whose entries may change."""
        try:
            node, inside, _ = self.layout.find(path)
        except KeyError:
            raise EditError(f"{pointer(path)} is not there") from None
        if id(node) in self.document.shared:
            raise EditError(f"{pointer(path)} has an anchor that aliases repeat")
        if node.id == "scalar" or (not inside and long_name(node.tag) is not None):
            raise EditError(f"{pointer(path)} holds no entries")
        if node.id == "mapping":
            keys = [key.value for key, _ in node.value]
            if len(set(keys)) < len(keys):
                raise EditError(f"a key stands twice in {pointer(path)}")
            if any(key.tag == MERGE for key, _ in node.value):
                raise EditError(f"{pointer(path)} has a merge key (<<)")
        return node, self.layout.entries(node)

    def _index(self, node: Node, path: Path) -> int:
        step = path[-1]
        if node.id == "mapping":
            found = self.layout.indexes(node, str(step))
            if found and isinstance(step, str):
                return found[0]
        elif isinstance(step, int) and 0 <= step < len(node.value):
            return step
        raise EditError(f"{pointer(path)} is not there")

    @staticmethod
    def _refuse_twice(path: Path, node: Node, adds: list[Add]) -> None:
        keys = {key.value for key, _ in node.value}
        for add in adds:
            if not isinstance(add.path[-1], str):
                raise EditError(f"{pointer(path)} is a mapping, and an index is no key")
            if add.path[-1] in keys:
                raise EditError(f"{pointer(add.path)} is there already")
            keys.add(add.path[-1])

    def _slot(self, node: Node, add: Add) -> tuple[int, bool]:
        """Return the entry that a new one stands beside, and whether it stands in front of it."""
        count = len(node.value)
        step = add.path[-1]
        if isinstance(step, int):
            if node.id != "sequence" or not 0 <= step <= count:
                raise EditError(f"{pointer(add.path)} is beyond the end of the list")
            return (step, True) if step < count else (count - 1, False)
        if node.id != "sequence":
            for sibling, before in ((add.before, True), (add.after, False)):
                if sibling is not None:
                    return self._index(node, (*add.path[:-1], sibling)), before
            return count - 1, False
        raise EditError(f"{pointer(add.path)}: a list has no keys")

    def _ordered(self, path: Path, adds: list[Add]) -> list[Add]:
        """Put additions that name another addition as their sibling right beside it."""
        keys = {add.path[-1] for add in adds}
        ordered: list[Add] = []
        waiting = list(adds)
        while waiting:
            rest = []
            for add in waiting:
                sibling = add.before if add.before is not None else add.after
                if sibling is None or sibling not in keys:
                    ordered.append(add)
                    continue
                place = next((i for i, o in enumerate(ordered) if o.path[-1] == sibling), None)
                if place is None:
                    rest.append(add)
                    continue
                beside = ordered[place]
                moved = replace(add, before=beside.before, after=beside.after)
                ordered.insert(place if add.before is not None else place + 1, moved)
            if len(rest) == len(waiting):
                raise EditError(f"{pointer(path)}: new entries name each other as their place")
            waiting = rest
        return ordered

    def _regroup_block(
        self, path: Path, node: Node, removed: set[int], adds: list[Add]
    ) -> list[Edit]:
        block = Block(self.layout, node)
        renderer = self.canvas.renderer(path, node)
        insertions: dict[int, Insertions] = {}
        for add in self._ordered(path, adds):
            beside, before = self._slot(node, add)
            step = add.path[-1]
            if isinstance(step, str):
                lines = renderer.entry(step, add.value)
            else:
                lines = renderer.item(add.value)
            place = block.place(beside)
            group = insertions.setdefault(place if before else place + 1, Insertions())
            (group.before if before else group.after).append(lines)
        separation = block.separation() if adds else 0
        if separation is None:
            lines_each = (len(new) for group in insertions.values() for new in group.all)
            in_lines = block.entry_is_a_line and max(lines_each) == 1  # conditions, most often
            parted = len(path) == 1 and not in_lines
            separation = self._usual_separation(path) if parted else 0
        return block.edits(removed, insertions, separation, len(path))

    def _usual_separation(self, path: Path) -> int:
        """Return the blank lines between entries of the other sections, for one of one entry."""
        for section in ("Resources", "Parameters", "Outputs", "Conditions", "Mappings"):
            for key, node in self.document.root.value:
                if key.value != section or (section,) == path or node.id != "mapping":
                    continue
                if node.value and not node.flow_style and not node.tag.startswith("!"):
                    found = Block(self.layout, node).separation()
                    if found is not None:
                        return found
        return min(Block(self.layout, self.document.root).separation() or 0, 1)

    def _regroup_flow(
        self, path: Path, node: Node, removed: set[int], adds: list[Add]
    ) -> list[Edit]:
        renderer = self.canvas.renderer(path, node)
        as_json = self.canvas.is_json(node)
        flow = Flow(self.layout, node, renderer.style.json.comma if as_json else ", ")
        margin = flow.margin
        if not flow.entries and as_json and renderer.style.json.indent:
            line = self.layout.line_start(flow.open)
            text = self.document.text
            outer = text[line : self.layout.line_end(line)]
            margin = outer[: len(outer) - len(outer.lstrip())] + renderer.style.json.indent
        insertions: dict[int, list[str]] = {}
        for add in self._ordered(path, adds):
            beside, before = self._slot(node, add)
            step = add.path[-1]
            if as_json:
                rendered = (
                    renderer.json_entry(step, add.value, margin)
                    if isinstance(step, str)
                    else renderer.json(add.value, margin)
                )
            elif isinstance(step, str):
                rendered = renderer.flow_entry(step, add.value)
            else:
                rendered = renderer.flow(add.value)
            insertions.setdefault(beside if before else beside + 1, []).append(rendered)
        if not flow.entries and margin is not None:
            newline = renderer.newline
            inner = ("," + newline + margin).join(insertions.get(0, []))
            outer_margin = margin.removesuffix(renderer.style.json.indent)
            whole = f"{newline}{margin}{inner}{newline}{outer_margin}"
            return [Edit(flow.open, flow.close, whole, len(path))]
        return flow.edits(removed, insertions, len(path))
