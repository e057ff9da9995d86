"""The catalogue of credentials: whole, sane, and true to AWS's own provider schemas."""

from __future__ import annotations

import contextlib
import functools
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path as File
from typing import Any

import pytest

from remediator.model import Credential

FILE = File(__file__).parent.parent / "transforms" / "credentials.toml"
ROWS: list[dict[str, Any]] = tomllib.loads(FILE.read_text(encoding="utf-8"))["credential"]
MANDATORY = {"type", "property", "kind", "generatable", "update", "source"}
CLASSES = {"upper", "lower", "digit", "symbol"}

GENERATABLE_TYPES = [
    "AWS::AmazonMQ::Broker",
    "AWS::Amplify::App",
    "AWS::Amplify::Branch",
    "AWS::ApiGateway::ApiKey",
    "AWS::CodePipeline::Webhook",
    "AWS::Connect::User",
    "AWS::DirectoryService::MicrosoftAD",
    "AWS::DirectoryService::SimpleAD",
    "AWS::DocDB::DBCluster",
    "AWS::DocDBElastic::Cluster",
    "AWS::EMR::Cluster",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::ElastiCache::User",
    "AWS::Elasticsearch::Domain",
    "AWS::FSx::FileSystem",
    "AWS::FSx::StorageVirtualMachine",
    "AWS::IAM::User",
    "AWS::Lightsail::Database",
    "AWS::ManagedBlockchain::Member",
    "AWS::MemoryDB::User",
    "AWS::OpenSearchService::Domain",
    "AWS::OpsWorksCM::Server",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::Redshift::Cluster",
    "AWS::RedshiftServerless::Namespace",
    "AWS::SES::MailManagerIngressPoint",
    "AWS::SecretsManager::Secret",
    "AWS::Timestream::InfluxDBCluster",
    "AWS::Timestream::InfluxDBInstance",
]

REGIONS = ("us-east-1", "eu-west-1", "me-central-1")
"""Where every type is still, or already, offered: OpsWorks is left in the last of them only."""

NOT_IN_THE_SCHEMAS = {
    "AWS::OpsWorksCM::Server": "its service has ended; templates that name it have stayed",
}


def label(row: dict[str, Any]) -> str:
    return f"{row['type']}.{row['property']}"


def lengths(row: dict[str, Any]) -> list[int]:
    limit = row.get("max_length", [])
    return list(limit.values()) if isinstance(limit, dict) else [limit] if limit else []


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_row_is_complete(row: dict[str, Any]) -> None:
    assert set(row) >= MANDATORY
    assert set(row) <= set(Credential._fields)
    assert all(value != "" for key, value in row.items() if key != "allowed")
    assert row["generatable"] in ("yes", "external", "no")
    assert all(
        row[key] is True for key in ("replaces", "adding_replaces", "logs_in_later") if key in row
    )
    assert "?" not in row["update"] + row.get("note", "") + row["source"]  # nothing unconfirmed
    assert all(step for step in row["property"].split("/"))


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_limits_are_sane(row: dict[str, Any]) -> None:
    assert all(row.get("min_length", 1) <= length for length in lengths(row))
    assert set(row.get("requires", [])) <= CLASSES
    allowed, forbidden = row.get("allowed"), row.get("forbidden", "")
    if allowed is not None:
        assert not any(char.isalnum() for char in allowed)
        assert not set(allowed) & set(forbidden)
        assert allowed or "symbol" not in row.get("requires", [])
    assert len(set(forbidden)) == len(forbidden)
    if isinstance(row.get("max_length"), dict):
        assert list(row["max_length"])[-1] == "*"
        assert row["max_length"]["*"] == min(row["max_length"].values())


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_what_is_generated_says_how(row: dict[str, Any]) -> None:
    if row["generatable"] != "external":
        assert not {"logs_in_later", "server"} & set(row)
    if row["generatable"] != "yes":
        assert not {"by_hand", "adding_replaces", "target_type"} & set(row)
    assert "by_hand" in row or "by_hand_unless" not in row
    if "target_type" in row:
        assert row["target_type"] == row["type"]
        assert row.get("user")
        assert row["min_length"] == 8
        assert lengths(row)
        assert set('/"@ ') <= set(row["forbidden"])
    assert "user" not in row or "fixed_user" not in row
    assert "target_type" not in row or row["kind"] == "database-master-password"


def test_no_row_stands_twice_and_types_are_in_order() -> None:
    assert [name for name, times in Counter(map(label, ROWS)).items() if times > 1] == []
    types = [row["type"] for row in ROWS]
    assert types == sorted(types)


def test_every_generatable_type_is_there() -> None:
    types = {row["type"] for row in ROWS if row["generatable"] == "yes"}
    assert types == set(GENERATABLE_TYPES)


def test_registry_loads_every_row() -> None:
    from remediator.registry import catalogue

    loaded = {
        (credential.type, "/".join(credential.property)): credential
        for credentials in catalogue().values()
        for credential in credentials
    }
    assert len(loaded) == len(ROWS)
    for row in ROWS:
        credential = loaded[row["type"], row["property"]]
        assert credential.generatable == row["generatable"]
        assert "/".join(credential.user or ()) == row.get("user", "")
        assert [length for _, length in credential.max_length] == lengths(row)
        assert credential.requires == tuple(row.get("requires", ()))
        assert credential.allowed == row.get("allowed")
        assert dict(credential.engine_forbidden) == row.get("engine_forbidden", {})


@functools.cache
def schema_of(resource_type: str) -> dict[str, Any] | None:
    """Return the provider schema that the installed cfn-lint has for a type, if any."""
    from cfnlint.schema import (  # type: ignore[import-untyped]
        PROVIDER_SCHEMA_MANAGER,
        ResourceNotFoundError,
    )

    for region in REGIONS:
        with contextlib.suppress(ResourceNotFoundError):
            schema: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(
                region, resource_type
            ).schema
            return schema
    return None


def has(root: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Tell whether a schema knows a path of the catalogue."""
    level = [root]
    for step in path:
        level = [child for schema in level for child in below(root, schema, step)]
    return bool(level)


def below(root: dict[str, Any], schema: Any, step: str) -> Iterator[dict[str, Any]]:
    """Yield what a schema says of a key, of every list entry (`*`) or of any key (`{}`)."""
    for variant in variants(root, schema):
        properties = variant.get("properties", {})
        if step == "*":
            items = variant.get("items")
            yield from items if isinstance(items, list) else [items] if items else []
        elif step == "{}":
            yield from free_values(variant)
        elif step in properties:
            yield properties[step]
        elif not properties:
            yield from free_values(variant)


def free_values(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a schema says of the values of a free-form map."""
    yield from schema.get("patternProperties", {}).values()
    further = schema.get("additionalProperties")
    if isinstance(further, dict):
        yield further
    elif "object" in schema.get("type", "") and not schema.get("properties"):
        yield {}


def variants(root: dict[str, Any], schema: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and the alternatives in it, following its references."""
    if not isinstance(schema, dict):
        return
    while "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = target
    yield schema
    for key in ("oneOf", "anyOf", "allOf"):
        for alternative in schema.get(key, []):
            yield from variants(root, alternative)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_paths_stand_in_the_provider_schemas(row: dict[str, Any]) -> None:
    schema = schema_of(row["type"])
    if row["type"] in NOT_IN_THE_SCHEMAS:
        assert schema is None, "the excuse is no longer needed"
        return
    assert schema is not None
    for path in (row[key] for key in ("property", "user", "server") if key in row):
        assert has(schema, tuple(path.split("/"))), path


@pytest.mark.parametrize(
    "path", ["MasterPassword", "MasterUserPassword/*", "MasterUserPassword/{}", "Tags/Value"]
)
def test_a_wrong_path_is_not_found_in_a_schema(path: str) -> None:
    schema = schema_of("AWS::RDS::DBInstance")
    assert schema is not None
    assert not has(schema, tuple(path.split("/")))


@pytest.mark.parametrize("row", [row for row in ROWS if "managed_property" in row], ids=label)
def test_what_the_service_keeps_stands_in_the_provider_schemas(row: dict[str, Any]) -> None:
    schema = schema_of(row["type"])
    assert schema is not None
    assert has(schema, (row["managed_property"],))
    assert has(schema, tuple(row["managed_key"].split("/")))
    read_only = {path.removeprefix("/properties/") for path in schema["readOnlyProperties"]}
    if "managed_arn" in row:
        assert row["managed_arn"].replace(".", "/") in read_only
    assert row["managed_property"] in row["managed"]


def test_every_service_that_keeps_passwords_is_known() -> None:
    assert [row["type"] for row in ROWS if "managed_property" in row] == [
        "AWS::DocDB::DBCluster",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::Redshift::Cluster",
        "AWS::RedshiftServerless::Namespace",
    ]
