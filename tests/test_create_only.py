"""What replaces a resource: transforms/create_only.json against the schemas that cfn-lint ships.

`python tests/test_create_only.py` writes the file anew from the installed schemas. For each type
it names the properties that are create-only, in every case or in some, by their paths without the
places in lists; with `=`, those that the physical name is made of where all of them are given.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from provider_schemas import SAM, TRANSFORMS, by_type, check_fresh, read, schemas, table, text

from remediator.registry import create_only_properties

FILE = TRANSFORMS / "create_only.json"


def paths(schema: dict[str, Any], *keys: str) -> set[str]:
    """Return the paths that a schema lists, without the places in lists."""
    found = (path for key in keys for path in schema.get(key, ()))
    return {path.removeprefix("/properties/").replace("/*", "") for path in found}


def fixed(schema: dict[str, Any]) -> set[str]:
    """Return the paths of the properties that no update changes, always or in some cases."""
    return paths(schema, "createOnlyProperties", "conditionalCreateOnlyProperties")


def named(kind: str, schema: dict[str, Any]) -> set[str]:
    """Return the properties that make the physical name, if a person may give them all.

    Those of the primary identifier; where the service makes that, the one that is called like the
    type. None where the old resource is deleted before the new one is made.
    """
    if schema.get("replacementStrategy") == "delete_then_create":
        return set()
    identifier = paths(schema, "primaryIdentifier")
    if identifier and not identifier & paths(schema, "readOnlyProperties"):
        return identifier
    return fixed(schema) & {kind.rpartition("::")[2] + "Name"}


def shortest(found: Iterable[str]) -> set[str]:
    """Return paths without those that lead below another one."""
    kept: set[str] = set()
    for path in sorted(found):
        steps = path.split("/")
        if not any("/".join(steps[:count]) in kept for count in range(1, len(steps))):
            kept.add(path)
    return kept


def from_schemas() -> dict[str, Any]:
    """Return what the file is to hold."""
    types: dict[str, set[str]] = {}
    names: dict[str, set[str]] = {}
    for kind, schema in schemas():
        types.setdefault(kind, set()).update(fixed(schema))
        names.setdefault(kind, set()).update(named(kind, schema))
    found: dict[str, str] = {}
    for kind, own in types.items():
        marked = {f"{name}=" for name in names[kind]} if own - names[kind] else set()
        found[kind] = " ".join(sorted(shortest(own - names[kind]) | marked))
    return table(found)


def test_file_is_what_the_schemas_say() -> None:
    check_fresh(FILE, from_schemas())


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("AWS::EMR::Cluster", "Configurations"),
        ("AWS::ImageBuilder::Component", "Data"),
        ("AWS::SageMaker::Model", "PrimaryContainer"),
        ("AWS::SSM::Document", "Content"),  # in some cases
        ("AWS::ECS::TaskDefinition", "ContainerDefinitions"),
        ("AWS::Glue::Connection", "ConnectionInput/Name"),
        ("AWS::MSK::Replicator", "ReplicationInfoList/TargetKafkaClusterArn"),  # in a list
    ],
)
def test_what_is_fixed(kind: str, path: str) -> None:
    assert tuple(path.split("/")) in create_only_properties()[kind].paths


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("AWS::Lambda::Function", "Environment"),
        ("AWS::EC2::LaunchTemplate", "LaunchTemplateData"),
        ("AWS::Batch::JobDefinition", "ContainerProperties"),
        ("AWS::Glue::Connection", "ConnectionInput"),
    ],
)
def test_what_can_be_changed(kind: str, path: str) -> None:
    assert tuple(path.split("/")) not in create_only_properties()[kind].paths


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("AWS::SSM::Document", {"Name"}),
        ("AWS::AutoScaling::LaunchConfiguration", {"LaunchConfigurationName"}),
        ("AWS::SageMaker::Model", {"ModelName"}),  # the identifier is an ARN
        ("AWS::ApiGateway::Model", {"RestApiId", "Name"}),
        ("AWS::EMR::Cluster", set()),  # several may have one name
        ("AWS::ECS::TaskDefinition", set()),  # a family has many revisions
        ("AWS::Logs::MetricFilter", set()),  # is deleted before it is made anew
    ],
)
def test_what_makes_a_name(kind: str, names: set[str]) -> None:
    assert create_only_properties()[kind].names == names


def test_what_sam_reads_is_not_there() -> None:
    assert not [kind for kind in by_type(read(FILE)) if kind.startswith(SAM)]


def test_paths_below_others_are_left_out() -> None:
    assert shortest({"A", "A/B", "AB", "C/D"}) == {"A", "AB", "C/D"}


if __name__ == "__main__":
    FILE.write_text(text(from_schemas()), encoding="utf-8")
