"""The proof that an edited text is what its plan says, and nothing else.

Two parsers that share no code, PyYAML's libyaml and ruamel.yaml (or `json` for strict JSON), each
read the old and the new text; in each, the old data with the plan's JSON Patch applied must equal
the new. They are never compared with one another: they differ on `Yes` and `012`. What data cannot
express is compared in the text: order, placement, comments, and every byte around what stays.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from .document import Document, Text, long_name
from .errors import EditError, ProofError
from .integrity import cycles, unresolved_references
from .leaves import Changes, leaves
from .model import Add, Operation, Path, Remove, Replace, Value, json_patch, pointer, value_at
from .template import Template
from .untouched import first_change, lost_comment

_STANDARD = "tag:yaml.org,2002:"

Long: TypeAlias = 'str | list["Long"] | dict[str, "Long"]'
"""Data in the long form in which a scalar is the text `tag:text`: where every leaf is a string,
`==` is exact, while `1 == True` among Python's own values."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That an edit was proven, and the difference of the data in words, without any value."""

    differences: tuple[str, ...]


def prove(old: Document, new: Document, operations: Sequence[Operation]) -> Proof:
    """Prove that `new` is `old` with the operations carried out, and nothing else.

    Raises ProofError with what was found where it is not, and EditError where the second parser
    does not take the old text, so that nothing can be proven.
    """
    proof = prove_text(old, new, operations)
    _sound_references(old, new)
    return proof


def prove_text(old: Text, new: Text, operations: Sequence[Operation]) -> Proof:
    """Prove the same of a text that need not be a template; raises as `prove` does."""
    patch = json_patch(operations)
    _same_kind(old, new)
    _same_data("PyYAML", _long(old.root), _long(new.root), patch)
    if old.is_json:
        _same_data("json", _json(old.text), _json(new.text), patch)
    else:
        before = _ruamel_old(old.plain)
        try:
            _same_data("ruamel.yaml", before, _ruamel_new(new.plain), patch)
        except ProofError:
            _refuse_two_readings(old)
            raise
    _same_text(old, new, Changes(operations))
    return Proof(tuple(_words(old.data, operations)))


def _same_kind(old: Text, new: Text) -> None:
    if old.is_json and not new.is_json:
        raise ProofError("the new text is no longer JSON")
    if old.bom != new.bom:
        raise ProofError("the byte order mark changed")
    if new.problems:
        problem = new.problems[0]
        raise ProofError(f"the new text has a problem: {problem.message}", line=problem.line)


# --- the data, twice -------------------------------------------------------------------------


def _same_data(reader: str, before: Long, after: Long, patch: list[dict[str, Value]]) -> None:
    """Compare the old data with the patch applied to it (which uses it up) with the new data."""
    import jsonpatch  # lazily: only a file that changes pays for it
    import jsonpointer

    entries: list[Any] = [
        entry | {"value": _planned(entry["value"])} if "value" in entry else entry
        for entry in patch
    ]
    try:
        expected = jsonpatch.JsonPatch(entries).apply(cast(Any, before), in_place=True)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
        # The error's own words may quote what stands there, which may be a secret.
        raise ProofError(f"{reader}: the patch does not apply to the old text") from error
    place = _first_difference(expected, after, ())
    if place is not None:
        raise ProofError(f"{reader} reads something else than planned at {pointer(place) or '/'}")


def _first_difference(expected: Long, found: Long, path: Path) -> Path | None:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in [*expected, *(key for key in found if key not in expected)]:
            if key not in expected or key not in found:
                return (*path, key)
            place = _first_difference(expected[key], found[key], (*path, key))
            if place is not None:
                return place
        return None
    if isinstance(expected, list) and isinstance(found, list):
        for index, (one, other) in enumerate(zip(expected, found, strict=False)):
            place = _first_difference(one, other, (*path, index))
            if place is not None:
                return place
        shorter = min(len(expected), len(found))
        return None if len(expected) == len(found) else (*path, shorter)
    return None if expected == found else path


def _refuse_two_readings(old: Text) -> None:
    """Refuse a text whose keys and lists the two parsers read in two ways, as `!Ref(A, b`: what one
    of them plans, the other cannot find."""
    place = _first_difference(_shape(_long(old.root)), _shape(_ruamel_old(old.plain)), ())
    if place is not None:
        raise EditError(
            f"cannot be proven: the two parsers read {pointer(place) or 'the text'} in two ways"
        )


def _shape(value: Long) -> Long:
    """Return data without its scalars."""
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    return [_shape(inner) for inner in value] if isinstance(value, list) else ""


def _planned(value: Value) -> Long:
    """Return what the plan writes as its readers must find it."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return {key: _planned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_planned(inner) for inner in value]
    if value is None:
        return "null:"
    if isinstance(value, bool):
        return "bool:true" if value else "bool:false"
    kinds = {int: "int", float: "float", str: "str"}
    return f"{kinds[type(value)]}:{value}"


def _long(node: Any) -> Long:
    """Return a composed node, of either parser, in the long form."""
    function = long_name(str(node.tag))
    if function is None:
        return _content(node)
    if node.id != "scalar":
        return {function: _content(node)}
    if node.tag == "!GetAtt" and "." in node.value:
        resource, _, attribute = node.value.partition(".")
        return {function: [f"str:{resource}", f"str:{attribute}"]}
    return {function: f"str:{_text(node)}"}


def _content(node: Any) -> Long:
    if node.id == "sequence":
        return [_long(item) for item in node.value]
    if node.id == "mapping":
        content = {_key(key): _long(value) for key, value in node.value}
        if len(content) < len(node.value):
            raise EditError("cannot be proven: a mapping has the same key twice")
        return content
    kind = str(node.tag).removeprefix(_STANDARD)
    return "null:" if kind == "null" else f"{kind}:{_text(node)}"


def _text(node: Any) -> str:
    """Return the value of a scalar; ruamel.yaml marks with a bell where it folded a line."""
    value = str(node.value)
    return value.replace("\a", "") if node.style == ">" else value


def _key(node: Any) -> str:
    if node.id != "scalar":
        raise EditError("cannot be proven: the key of a mapping is not a scalar")
    return str(node.value)


def _ruamel_old(text: str) -> Long:
    from ruamel.yaml.error import YAMLError

    try:
        return _ruamel(text)
    except (YAMLError, RecursionError, NotImplementedError) as error:
        problem = getattr(error, "problem", None) or type(error).__name__
        raise EditError(
            f"cannot be proven: ruamel.yaml, the second reader, refuses the text ({problem})"
        ) from error


def _ruamel_new(text: str) -> Long:
    from ruamel.yaml.error import YAMLError

    try:
        return _ruamel(text)
    except NotImplementedError as error:
        raise EditError(
            "cannot be proven: ruamel.yaml, the second reader, has no place for two comments that "
            "would stand beside one another"
        ) from error
    except (YAMLError, RecursionError, EditError) as error:
        raise ProofError("ruamel.yaml refuses the new text, and took the old") from error


def _ruamel(text: str) -> Long:
    """Return a text as ruamel.yaml's round-trip parser composes it: YAML 1.1, as CloudFormation.

    Of several documents it is the list.
    """
    from ruamel.yaml import YAML

    reader = YAML(typ="rt", pure=True)
    reader.version = (1, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an anchor that is used again is legal
        documents = [_long(document) for document in reader.compose_all(text)]
    vars(reader).clear()  # its parts refer to it, and would stay until garbage is collected
    return documents[0] if len(documents) == 1 else documents


class _Number(str):
    """A number of a JSON text, as a leaf that keeps its spelling."""

    __slots__ = ()


def _json(text: str) -> Long:
    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise EditError("cannot be proven: an object has the same key twice")
        return dict(pairs)

    return _planned(
        json.loads(
            text,
            object_pairs_hook=mapping,
            parse_int=lambda number: _Number(f"int:{number}"),
            parse_float=lambda number: _Number(f"float:{number}"),
        )
    )


# --- the text --------------------------------------------------------------------------------


def _same_text(old: Text, new: Text, changes: Changes) -> None:
    """What no operation touches stands as it stood, comments too, and additions in their place."""
    before, after = leaves(old, changes), leaves(new)
    changed = first_change(old, new, before, after)
    if changed is not None:
        raise ProofError(changed)
    line = lost_comment(old, new, changes, before, after)
    if line is not None:
        raise ProofError(f"the comment in line {line} of the old text is lost")
    for operation in changes.operations:
        if isinstance(operation, Add):
            _placed(new.data, operation, changes)


def _placed(data: Value, addition: Add, changes: Changes) -> None:
    """Refuse an addition that something old parts from the sibling it is to stand beside."""
    parent = changes.new_path(addition.path[:-1])
    entries = None if parent is None else value_at(data, parent)
    sibling = addition.before if addition.before is not None else addition.after
    if parent is None or not isinstance(entries, dict) or sibling is None:
        return
    keys, key = list(entries), str(addition.path[-1])
    if sibling not in keys:  # it goes in the same plan
        return
    place, target = keys.index(key), keys.index(sibling)
    between = keys[min(place, target) + 1 : max(place, target)]
    added = changes.added[addition.path[:-1]]
    if (place < target) != (addition.before is not None) or not set(between) <= set(added):
        side = "before" if addition.before is not None else "after"
        raise ProofError(f"{pointer((*parent, key))} does not stand {side} {sibling}")


# --- the meaning -----------------------------------------------------------------------------


def _sound_references(old: Document, new: Document) -> None:
    """Every reference that resolved still does, and no resource waits for itself anew."""
    before, after = Template(old), Template(new)
    dangling = unresolved_references(after) - unresolved_references(before)
    if dangling:
        raise ProofError(f"refers to what is not there: {', '.join(sorted(dangling))}")
    known = cycles(before)
    for cycle in cycles(after):
        if not any(cycle <= other for other in known):
            raise ProofError(f"depend on one another in a circle: {', '.join(sorted(cycle))}")


def _words(data: Value, operations: Sequence[Operation]) -> Iterator[str]:
    """Yield what changes in words, by place and kind; a value may be a secret and is not told."""
    from deepdiff import DeepDiff

    replaced = [operation for operation in operations if isinstance(operation, Replace)]
    for operation in operations:
        if isinstance(operation, Remove):
            yield f"{_dotted(operation.path)} removed"
        elif isinstance(operation, Add):
            yield f"{_dotted(operation.path)} {_happened('_added', operation.value)}"
    # Only the changed subtrees: a whole template of 10 000 resources takes deepdiff 12 s.
    before = {_dotted(each.path): value_at(data, each.path) for each in replaced}
    after = {_dotted(each.path): each.value for each in replaced}
    for report, items in sorted(DeepDiff(before, after, view="tree").items()):
        for item in items:
            yield f"{_dotted(item.path(output_format='list'))} {_happened(report, item.t2)}"


def _happened(report: str, value: Value) -> str:
    if report.endswith("_removed"):
        return "removed"
    if not report.endswith("_added"):
        return "changed"
    if isinstance(value, dict):
        kind = value.get("Type")
        return f"added ({kind if isinstance(kind, str) else ', '.join(value)})"
    names = {bool: "boolean", int: "number", float: "number", str: "text", list: "list"}
    return f"added ({names.get(type(value), 'null')})"


def _dotted(path: Sequence[str | int]) -> str:
    return ".".join(map(str, path))
