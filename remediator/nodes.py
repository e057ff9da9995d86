"""Composed nodes of any YAML or JSON text, gone through: each once, however many aliases it has."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import yaml

from . import jinja
from .document import ANCHOR, Loader
from .errors import TemplateError
from .garbage import no_collection
from .long_form import shared_nodes
from .model import Path
from .nesting import is_flat

_MAX_DEPTH = 200  # libyaml's binding overruns the C stack on deeper texts


def compose(source: str) -> list[yaml.Node]:
    """Return the documents of a YAML or JSON text as nodes; none where it cannot be read, or where
    its aliases stand for more than is read. Jinja expressions may stand bare in it."""
    plain = jinja.hidden(source)
    try:
        with no_collection():
            if not is_flat(plain) and _depth_of_events(plain) > _MAX_DEPTH:
                return []
            documents = list(yaml.compose_all(plain, Loader=Loader))
        for document in documents:
            if _is_deep(document):
                return []
            if ANCHOR.search(plain):  # else nothing is shared
                shared_nodes(document)
    except (yaml.YAMLError, ValueError, TemplateError):
        return []
    if plain != source:
        for node in chain.from_iterable(map(scalars, documents)):
            span = slice(node.start_mark.index, node.end_mark.index)
            node.value = jinja.shown(node.value, plain[span], source[span])
    return documents


def _depth_of_events(text: str) -> int:
    """Return how deep a text nests: events do not nest themselves, nodes do."""
    depth = deepest = 0
    for event in yaml.parse(text, Loader=Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        deepest = max(deepest, depth)
    return deepest


def _is_deep(root: yaml.Node) -> bool:
    """Tell whether nodes nest deeper than is read; an alias's target counts where it stands."""
    waiting = [(root, 1)]
    seen: set[int] = set()
    while waiting:
        node, depth = waiting.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        if depth > _MAX_DEPTH:
            return True
        seen.add(id(node))
        pairs = isinstance(node, yaml.MappingNode)
        inner = list(chain.from_iterable(node.value)) if pairs else node.value
        waiting.extend(
            (each, depth + 1) for each in reversed(inner) if not isinstance(each, yaml.ScalarNode)
        )
    return False


def entries(node: yaml.Node | None) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    """Yield the keys of a mapping that are scalars, with their values; of other nodes nothing."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield key, value


def get(node: yaml.Node | None, name: str) -> yaml.Node | None:
    """Return the value of a key, None where it is not there."""
    return next((value for key, value in entries(node) if key.value == name), None)


def text(node: yaml.Node | None) -> str:
    """Return the text of a scalar; of other nodes none."""
    return node.value if isinstance(node, yaml.ScalarNode) else ""


def nodes(root: yaml.Node | None) -> Iterator[yaml.Node]:
    """Yield all nodes below, each once, however often it is an alias's target."""
    waiting = [] if root is None else [root]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
            waiting.extend(child for pair in reversed(node.value) for child in reversed(pair))
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(reversed(node.value))


def scalars(root: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    """Yield the scalars below a node, each once."""
    return (node for node in nodes(root) if isinstance(node, yaml.ScalarNode))


def all_entries(root: yaml.Node | None, name: str) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    """Yield the entries of this name in all mappings below a node."""
    for node in nodes(root):
        yield from ((key, value) for key, value in entries(node) if key.value == name)


def walk(root: yaml.Node, path: Path = ()) -> Iterator[tuple[Path, yaml.Node]]:
    """Yield a node and all below it with their places, each once as `nodes` does."""
    waiting: list[tuple[Path, yaml.Node]] = [(path, root)]
    seen: set[int] = set()
    while waiting:
        place, node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield place, node
        below: list[tuple[Path, yaml.Node]] = []
        if isinstance(node, yaml.MappingNode):
            below = [((*place, key.value), value) for key, value in entries(node)]
        elif isinstance(node, yaml.SequenceNode):
            below = [((*place, number), item) for number, item in enumerate(node.value)]
        waiting.extend(reversed(below))
