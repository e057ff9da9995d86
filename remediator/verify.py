"""The proof that an edited text is what its plan says, and nothing else.

Two parsers that share no code, PyYAML's libyaml and ruamel.yaml (or `json` for strict JSON), each
read the old and the new text; in each, the old data with the plan's JSON Patch applied must equal
the new. They are never compared with one another: they differ on `Yes` and `012`. What data cannot
express is compared in the text: order, placement, comments, and every byte around what stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from .document import Document, Text
from .errors import EditError, ProofError
from .integrity import cycles, unresolved_references
from .leaves import Changes, leaves
from .model import Add, Operation, Path, Remove, Replace, Value, json_patch, pointer, value_at
from .readers import Long, by_json, by_pyyaml, by_ruamel, planned
from .template import Template
from .untouched import first_change, lost_comment


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
    _same_data("PyYAML", by_pyyaml(old), by_pyyaml(new), patch)
    if old.is_json:
        _same_data("json", by_json(old.text), by_json(new.text), patch)
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
        entry | {"value": planned(entry["value"])} if "value" in entry else entry for entry in patch
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
    place = _first_difference(_shape(by_pyyaml(old)), _shape(_ruamel_old(old.plain)), ())
    if place is not None:
        raise EditError(
            f"cannot be proven: the two parsers read {pointer(place) or 'the text'} in two ways"
        )


def _shape(value: Long) -> Long:
    """Return data without its scalars."""
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    return [_shape(inner) for inner in value] if isinstance(value, list) else ""


def _ruamel_old(text: str) -> Long:
    from ruamel.yaml.error import YAMLError

    try:
        return by_ruamel(text)
    except (YAMLError, RecursionError, NotImplementedError) as error:
        problem = getattr(error, "problem", None) or type(error).__name__
        raise EditError(
            f"cannot be proven: ruamel.yaml, the second reader, refuses the text ({problem})"
        ) from error


def _ruamel_new(text: str) -> Long:
    from ruamel.yaml.error import YAMLError

    try:
        return by_ruamel(text)
    except NotImplementedError as error:
        raise EditError(
            "cannot be proven: ruamel.yaml, the second reader, has no place for two comments that "
            "would stand beside one another"
        ) from error
    except (YAMLError, RecursionError, EditError) as error:
        raise ProofError("ruamel.yaml refuses the new text, and took the old") from error


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
    for operation in operations:
        if isinstance(operation, Remove):
            yield f"{_dotted(operation.path)} removed"
        elif isinstance(operation, Add):
            yield f"{_dotted(operation.path)} {_happened('_added', operation.value)}"
    replaced = [operation for operation in operations if isinstance(operation, Replace)]
    if not replaced:  # to import deepdiff takes as long as to repair a template
        return
    from deepdiff import DeepDiff

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
