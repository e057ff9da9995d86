"""What resource types require: transforms/required.json against the schemas that cfn-lint ships.

`python tests/test_required.py` writes the file anew from the installed schemas.
"""

from __future__ import annotations

from typing import Any

import pytest
from provider_schemas import SAM, TRANSFORMS, by_type, check_fresh, read, schemas, table, text

FILE = TRANSFORMS / "required.json"


def names(schema: dict[str, Any]) -> set[str]:
    """Return the properties that a schema may require: alone, or where others do not stand."""
    keys = ("required", "requiredOr", "requiredXor")
    found = {name for key in keys for name in schema.get(key, ())}
    parts = [part for key in ("allOf", "anyOf", "oneOf") for part in schema.get(key, ())]
    parts += [schema[key] for key in ("if", "then", "else") if key in schema]
    for key in ("dependentRequired", "dependencies"):
        for each in schema.get(key, {}).values():
            parts.append(each if isinstance(each, dict) else {"required": each})
    return found.union(*(names(part) for part in parts if isinstance(part, dict)))


def from_schemas() -> dict[str, Any]:
    """Return what the file is to hold."""
    types: dict[str, set[str]] = {}
    for kind, schema in schemas():
        types.setdefault(kind, set()).update(names(schema))
    return table({kind: " ".join(sorted(required)) for kind, required in types.items()})


def test_file_is_what_the_schemas_say() -> None:
    check_fresh(FILE, from_schemas())


@pytest.mark.parametrize(
    ("kind", "required"),
    [
        ("AWS::S3::Bucket", ""),
        ("AWS::IAM::Role", "AssumeRolePolicyDocument"),
        ("AWS::Events::Rule", "EventPattern ScheduleExpression"),  # either of them
        ("AWS::Lambda::Function", "Code Role"),
    ],
)
def test_known_types(kind: str, required: str) -> None:
    assert by_type(read(FILE))[kind] == required


def test_what_sam_reads_is_not_there() -> None:
    assert not [kind for kind in by_type(read(FILE)) if kind.startswith(SAM)]


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ({"required": ["A"], "properties": {"X": {"required": ["B"]}}}, {"A"}),
        ({"anyOf": [{"required": ["A"]}, {"allOf": [{"required": ["B"]}]}]}, {"A", "B"}),
        ({"dependentRequired": {"A": ["B"]}, "requiredXor": ["C", "D"]}, {"B", "C", "D"}),
        ({"if": {"required": ["A"]}, "then": {"required": ["B"]}}, {"A", "B"}),
    ],
)
def test_names_of_a_schema(schema: dict[str, Any], found: set[str]) -> None:
    assert names(schema) == found


if __name__ == "__main__":
    FILE.write_text(text(from_schemas()), encoding="utf-8")
