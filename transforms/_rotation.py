"""The option `rotation`: a new secret gets another password every so many days.

The function that rotates is Secrets Manager's own (`HostedRotationLambda`), made by a macro of the
template in the network of the database. What took a copy of the password at the deployment would
not log in any more, so only a secret that nothing else reads is rotated.
"""

from __future__ import annotations

import json

from remediator.model import Add, Context, Replace, Value
from remediator.template import Template

from ._generator import engines_of, excluded
from ._groups import Group
from ._plan import Draft
from ._secrets import ATTACHMENT, ROTATION

MACRO = "AWS::SecretsManager-2024-09-16"
# The beginning of an engine -> the function. It makes 32 characters, for Oracle 30, whatever the
# secret says; each service takes that many (AWS: Secrets Manager rotation function templates).
_TYPES = (
    ("aurora-mysql", "MySQLSingleUser"),
    ("aurora-postgresql", "PostgreSQLSingleUser"),
    ("aurora", "MySQLSingleUser"),
    ("mysql", "MySQLSingleUser"),
    ("postgres", "PostgreSQLSingleUser"),
    ("mariadb", "MariaDBSingleUser"),
    ("oracle", "OracleSingleUser"),
    ("sqlserver", "SQLServerSingleUser"),
)
_OF_TYPE = {
    "AWS::DocDB::DBCluster": "MongoDBSingleUser",
    "AWS::Redshift::Cluster": "RedshiftSingleUser",
}
# Resource type -> the property that names its subnet group, and the type of that.
_SUBNET_GROUPS = {
    "AWS::RDS::DBInstance": ("DBSubnetGroupName", "AWS::RDS::DBSubnetGroup"),
    "AWS::RDS::DBCluster": ("DBSubnetGroupName", "AWS::RDS::DBSubnetGroup"),
    "AWS::DocDB::DBCluster": ("DBSubnetGroupName", "AWS::DocDB::DBSubnetGroup"),
    "AWS::Redshift::Cluster": ("ClusterSubnetGroupName", "AWS::Redshift::ClusterSubnetGroup"),
}
_SECURITY_GROUPS = {"AWS::RDS::DBInstance": "VPCSecurityGroups"}


def add_rotation(draft: Draft, context: Context, group: Group, secret: str) -> None:
    """Add the rotation of a secret that the draft adds, or a follow-up that says why there is none.

    Nothing happens where the settings ask for none.
    """
    days = context.settings.rotation
    if not days:
        return
    hosted = _hosted(draft, group, secret)
    if isinstance(hosted, str):
        draft.follow_ups.append(f"{secret} is not rotated: {hosted}")
        return
    [attached] = _attachments(draft, secret)
    name = draft.unique(f"{attached.path[1]}".removesuffix("Attachment") + "RotationSchedule")
    condition = attached.value.get("Condition") if isinstance(attached.value, dict) else None
    value: dict[str, Value] = {
        "Type": ROTATION,
        **({"Condition": condition} if condition else {}),
        "Properties": {
            "SecretId": {"Ref": str(attached.path[1])},
            "HostedRotationLambda": hosted,
            "RotationRules": {"AutomaticallyAfterDays": days},
        },
    }
    draft.operations.append(Add(("Resources", name), value, after=str(attached.path[1])))
    _add_macro(draft)
    database = next(iter(group.owners))
    draft.follow_ups += [
        "Deploy with --capabilities CAPABILITY_AUTO_EXPAND CAPABILITY_IAM: the rotation is made by "
        "a macro, as a nested stack; a service-managed stack set takes none",
        f"Let the security groups of {database} admit themselves on its port, and let its subnets "
        "reach Secrets Manager (a NAT gateway or an interface endpoint): the rotation runs there",
    ]


def _attachments(draft: Draft, secret: str) -> list[Add]:
    return [
        each
        for each in draft.operations
        if isinstance(each, Add)
        and isinstance(each.value, dict)
        and each.value.get("Type") == ATTACHMENT
        and _properties(each).get("SecretId") == {"Ref": secret}
    ]


def _properties(addition: Add) -> dict[str, Value]:
    inner = addition.value.get("Properties") if isinstance(addition.value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _hosted(draft: Draft, group: Group, secret: str) -> dict[str, Value] | str:
    """Return the function that rotates a secret, or why it cannot be."""
    if not any(each.path == ("Resources", secret) for each in draft.operations):
        return "it is a secret that stood there before"
    if group.others:
        readers = ", ".join(dict.fromkeys(use.resource for use in group.others))
        return f"{readers} takes a copy of the password at the deployment only"
    if len(group.owners) != 1 or len(_attachments(draft, secret)) != 1:
        return "only a secret that is attached to one database can be"
    [database] = group.owners
    if {use.resource for use in group.uses} != {database}:
        return f"not only {database} has its password"
    rotation_type = _type(draft.template, database)
    if rotation_type is None:
        return f"which function rotates {database} cannot be told"
    network = _network(draft.template, database)
    if isinstance(network, str):
        return network
    hosted: dict[str, Value] = {"RotationType": rotation_type}
    return hosted | {"ExcludeCharacters": _excluded(draft, secret)} | network


def _type(template: Template, database: str) -> str | None:
    kind = template.type_of(database)
    if kind in _OF_TYPE or not kind.startswith("AWS::RDS::"):
        return _OF_TYPE.get(kind)
    engines = engines_of(template, template.properties(database).get("Engine"))
    found = {next((t for start, t in _TYPES if e.lower().startswith(start)), None) for e in engines}
    return found.pop() if len(found) == 1 else None


def _excluded(draft: Draft, secret: str) -> str:
    """Return the characters that the secret excludes: the function that rotates does not look."""
    for each in draft.operations:
        if isinstance(each, Add) and each.path == ("Resources", secret):
            generated = _properties(each).get("GenerateSecretString")
            if isinstance(generated, dict) and "ExcludeCharacters" in generated:
                return str(generated["ExcludeCharacters"])
    return excluded("")


def _network(template: Template, database: str) -> dict[str, Value] | str:
    """Return subnets and security groups of a database, as comma lists."""
    kind, properties = template.type_of(database), template.properties(database)
    key, group_type = _SUBNET_GROUPS[kind]
    name = properties.get(key)
    group = name.get("Ref") if isinstance(name, dict) else None
    if not isinstance(group, str) or template.type_of(group) != group_type:
        return f"the subnets of {database} ({key}) are not those of a group in this template"
    subnets = _comma_list(template.properties(group).get("SubnetIds"))
    key = _SECURITY_GROUPS.get(kind, "VpcSecurityGroupIds")
    security = _comma_list(properties.get(key))
    if subnets is None or security is None:
        where = f"{group}.SubnetIds" if subnets is None else f"{database}.{key}"
        return f"its network cannot be told from {where}"
    return {"VpcSecurityGroupIds": security, "VpcSubnetIds": subnets}


def _comma_list(value: Value) -> Value:
    """Return a list of ids as one text; None where there is none, or not in every mode."""
    if not value or "AWS::NoValue" in json.dumps(value):
        return None
    if isinstance(value, list) and len(value) == 1:
        return value[0]
    return {"Fn::Join": [",", value]} if isinstance(value, (list, dict)) else None


def _add_macro(draft: Draft) -> None:
    """Add the macro that makes the function to the template, unless it is there or planned."""
    template = draft.template
    planned = any(operation.path[0] == "Transform" for operation in draft.operations)
    if planned or any(macro.name.startswith("AWS::SecretsManager-") for macro in template.macros):
        return
    present = template.data.get("Transform")
    if isinstance(present, list):
        draft.operations.append(Add(("Transform", len(present)), MACRO))
    elif "Transform" in template.data:
        both: Value = [present, MACRO] if present else MACRO
        draft.operations.append(Replace(("Transform",), both))
    else:
        heading = ("Description", "AWSTemplateFormatVersion")
        above = next((key for key in heading if key in template.data), None)
        before = None if above else next(iter(template.data))
        draft.operations.append(Add(("Transform",), MACRO, before=before, after=above))
