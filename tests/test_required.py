"""What resource types require: transforms/required.json against the schemas that cfn-lint ships.

`python tests/test_required.py` writes the file anew from the installed schemas, which are AWS's
own: https://github.com/aws-cloudformation/resource-provider-enhanced-schemas
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).parent.parent / "transforms" / "required.json"
SOURCE = "AWS's provider schemas (resource-provider-enhanced-schemas), as cfn-lint ships them"

# Not in the file: SAM reads these types before CloudFormation does.
_SAM = "AWS::Serverless::"


def schemas() -> Path:
    """Return the folder of cfn-lint's schemas."""
    found = find_spec("cfnlint")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "data" / "schemas"


def read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


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
    providers = sorted((schemas() / "providers").glob("*-*.json"))  # a file a Region
    digests = {pair for provider in providers for pair in read(provider).items()}
    types: dict[str, set[str]] = {}
    for kind, digest in digests:
        if kind.startswith(("AWS::", "Alexa::")) and not kind.startswith(_SAM):
            schema = read(schemas() / "resources" / f"{digest}.json")
            types.setdefault(kind, set()).update(names(schema))
    services: dict[str, dict[str, str]] = {}
    for kind in sorted(types):
        service, _, name = kind.rpartition("::")
        services.setdefault(service, {})[name] = " ".join(sorted(types[kind]))
    date = read(schemas() / "version.json")["schema_date"]
    return {"source": SOURCE, "schema_date": date, "services": services}


def text(content: dict[str, Any]) -> str:
    """Return the file's text: one line a service."""
    head = [f"  {json.dumps(k)}: {json.dumps(content[k])}," for k in ("source", "schema_date")]
    services = content["services"].items()
    lines = [f"    {json.dumps(service)}: {json.dumps(kinds)}" for service, kinds in services]
    return "\n".join(["{", *head, '  "services": {', ",\n".join(lines), "  }", "}"]) + "\n"


def by_type(content: dict[str, Any]) -> dict[str, str]:
    return {
        f"{service}::{kind}": required
        for service, kinds in content["services"].items()
        for kind, required in kinds.items()
    }


@pytest.fixture(scope="module")
def installed() -> dict[str, Any]:
    return from_schemas()


def test_file_is_what_the_schemas_say(installed: dict[str, Any]) -> None:
    """Of the same date word for word; other versions of the schemas differ in a few types."""
    content = read(FILE)
    if content["schema_date"] == installed["schema_date"]:
        assert FILE.read_text(encoding="utf-8") == text(installed)
    here, there = by_type(content), by_type(installed)
    shared = here.keys() & there.keys()
    assert len(shared) > 1000
    other = sorted(kind for kind in shared if here[kind] != there[kind])
    assert len(other) <= len(shared) // 20, other


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
    assert not [kind for kind in by_type(read(FILE)) if kind.startswith(_SAM)]


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
