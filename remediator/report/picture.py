"""What a repair does to the resources around it: who feeds whom, before and after.

Drawn from the operations of the repair and from the references of the old and new template.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from ..document import Document
from ..errors import TemplateError
from ..model import Add, Fix, Operation, Path, Remove, Replace, Value, value_at
from ..results import FileResult
from ..template import Kind, Template, flattened, references

_SECRET = "AWS::SecretsManager::Secret"
_TIED = ("AWS::SecretsManager::SecretTargetAttachment", "AWS::SecretsManager::RotationSchedule")
_FEEDS = (Kind.REF, Kind.GET_ATT, Kind.SUB)
_MOST = 10
_WORDS = {
    "parameter": "parameter",
    "secret": "secret",
    "text": "written out",
    "outside": "secret outside the template",
    "service": "secret of the service",
    "tie": "attachment",
}

Node: TypeAlias = tuple[str, str, str]
"""Its name, its kind (a key of `_WORDS`, or `resource`), its type as it is shown."""
Edge: TypeAlias = tuple[str, str, str]
"""What feeds, what is fed (an attachment ties), and the property."""
Guest: TypeAlias = tuple[Node, str, str]
"""What feeds and is no entry of the template, what is fed, and the property."""


def pictures(file: FileResult) -> dict[str, dict[str, Any]]:
    """Return the pictures of a file's repairs by their ids, as plain data.

    `before` and `after` have `nodes` (name, kind, type) and `edges` (from, to, property), `more`
    says how many nodes were left out, `text` all of it in words. A repair that connects nothing
    has no picture. Raises nothing: a text that cannot be read has no pictures.
    """
    if file.old == file.new:
        return {}
    try:
        old, new = Template(Document.parse(file.old)), Template(Document.parse(file.new))
    except TemplateError:  # proven text is readable; a result made by hand may not be
        return {}
    edges = _Edges(_edges(old)), _Edges(_edges(new))
    drawn = {
        outcome.id: _picture(outcome.finding.fix, (old, new), edges)
        for outcome in file.outcomes
        if outcome.finding.fix is not None and outcome.refusal is None
    }
    return {name: picture for name, picture in drawn.items() if picture}


class _Edges:
    """The edges of a template, found by what they begin or end at: a file has many pictures."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        self._all = list(edges)
        self._at: dict[str, set[int]] = {}
        for number, (source, target, _) in enumerate(self._all):
            self._at.setdefault(source, set()).add(number)
            self._at.setdefault(target, set()).add(number)

    def of(self, names: Iterable[str]) -> list[Edge]:
        """Return the edges that begin or end at one of these, in the order of the template."""
        found: set[int] = set()
        for name in names:
            found |= self._at.get(name, set())
        return [self._all[number] for number in sorted(found)]


def _picture(
    fix: Fix, templates: tuple[Template, Template], edges: tuple[_Edges, _Edges]
) -> dict[str, Any] | None:
    old, new = templates
    names = _names(fix.operations, new, edges[1])
    before = _side(names, old, edges[0], _literals(fix.operations, old))
    after = _side(names, new, edges[1], _not_ours(fix))
    if not before["edges"] and not after["edges"]:
        return None
    words = f"Before: {_in_words(before)}. After: {_in_words(after)}."
    return {"before": before, "after": after, "text": words}


def _names(operations: Sequence[Operation], new: Template, edges: _Edges) -> list[str]:
    """Return what is touched, and the resources that a new one speaks of."""
    places = [each.path for each in operations if each.path[0] in ("Parameters", "Resources")]
    names = dict.fromkeys(str(path[1]) for path in places if len(path) > 1)
    added = {str(each.path[1]) for each in operations if isinstance(each, Add) and _is_new(each)}
    for source, target, _ in edges.of(added):
        names |= dict.fromkeys(name for name in (source, target) if name in new.resources)
    return list(names)


def _is_new(operation: Add) -> bool:
    return operation.path[0] == "Resources" and len(operation.path) == 2


def _side(
    names: Sequence[str], template: Template, edges: _Edges, guests: Iterable[Guest]
) -> dict[str, Any]:
    """Return one side: nodes that stand there, and the edges between them."""
    nodes = {name: node for name in names if (node := _node(name, template))}
    kept: list[Edge] = []
    for guest, target, label in guests:
        if target in nodes:
            nodes[guest[0]] = guest
            kept.append((guest[0], target, label))
    kept += [edge for edge in edges.of(nodes) if _is_told(nodes.get(edge[0]), nodes.get(edge[1]))]
    shown = list(nodes.values())[:_MOST]
    known = {name for name, _, _ in shown}
    labels: dict[tuple[str, str], dict[str, None]] = {}
    for source, target, label in kept:
        if source in known and target in known:
            labels.setdefault((source, target), {})[label] = None
    return {
        "nodes": shown,
        "edges": [(*ends, ", ".join(each)) for ends, each in labels.items()],
        "more": len(nodes) - len(shown),
    }


def _is_told(*ends: Node | None) -> bool:
    """Whether both ends are there and one has to do with a secret: others are not our matter."""
    return all(ends) and any(end is not None and end[1] != "resource" for end in ends)


def _node(name: str, template: Template) -> Node | None:
    if name in template.resources:
        type_ = template.type_of(name)
        kind = "secret" if type_ == _SECRET else "tie" if type_ in _TIED else "resource"
        return name, kind, type_.removeprefix("AWS::")
    return (name, "parameter", "") if name in template.parameters else None


def _edges(template: Template) -> Iterator[Edge]:
    """Yield who feeds whom by reference; an attachment points to what it ties."""
    for reference in references(template.data):
        path = reference.path
        if path[0] != "Resources" or len(path) < 4 or path[2] != "Properties":
            continue
        owner, target = str(path[1]), reference.target
        if reference.kind not in _FEEDS or owner == target:
            continue
        is_tie = template.type_of(owner) in _TIED
        ends = (owner, target) if is_tie else (target, owner)
        yield (*ends, str(path[3]))


def _literals(operations: Iterable[Operation], old: Template) -> Iterator[Guest]:
    """Yield the passwords that are written out where a reference to a secret takes their place."""
    for each in operations:
        if isinstance(each, Replace) and _is_property(each.path):
            is_read = any("{{resolve:" in text for text in _texts(each.value))
            if is_read and isinstance(_old_value(each.path, old), str):
                yield (".".join(_ends(each.path)), "text", ""), *_ends(each.path)


def _not_ours(fix: Fix) -> Iterator[Guest]:
    """Yield what feeds a resource and is not made by the template."""
    for each in fix.operations:
        if isinstance(each, Remove) or not _is_property(each.path):
            continue
        if isinstance(each, Add) and str(each.path[-1]).startswith("Manage") and each.value is True:
            yield (f"secret of {each.path[1]}", "service", ""), *_ends(each.path)
        for seed in fix.seeds:
            if any(seed.name in text for text in _texts(each.value)):
                yield (seed.name, "outside", ""), *_ends(each.path)


def _texts(value: Value) -> Iterator[str]:
    """Yield a value as a text of `Fn::Sub`, and every text in it."""
    yield flattened(value)
    inner: Iterable[Value] = value.values() if isinstance(value, Mapping) else ()
    for each in value if isinstance(value, list) else inner:
        yield from _texts(each)


def _is_property(path: Path) -> bool:
    return len(path) > 3 and path[0] == "Resources" and path[2] == "Properties"


def _ends(path: Path) -> tuple[str, str]:
    return str(path[1]), str(path[3])


def _old_value(path: Path, old: Template) -> Value:
    try:
        return value_at(old.data, path)
    except KeyError:  # an earlier repair made the place
        return None


def _in_words(side: Mapping[str, Any]) -> str:
    kinds = {name: (kind, type_) for name, kind, type_ in side["nodes"]}

    def named(name: str) -> str:
        kind, type_ = kinds[name]
        return name if kind == "service" else f"{name} ({_WORDS.get(kind) or type_})"

    sentences = [
        f"{named(source)} ties {named(target)}"
        if kinds[source][0] == "tie"
        else f"{named(source)} feeds {label} of {named(target)}"
        for source, target, label in side["edges"]
    ]
    return "; ".join(sentences) or "nothing is connected"
