"""Databases and what decides whether a password belongs to one: modes, users, servers."""

from __future__ import annotations

import re

from remediator.conditions import ALWAYS, Case, Presence, inline, literal
from remediator.model import Refusal, Value, value_at
from remediator.template import Template, references

from ._secrets import NO_VALUE, flattened, resolved
from ._slots import Slot

# Where one of these is given, the service takes the credential from elsewhere: from a snapshot,
# from the source of a replica, or it makes one itself (AWS: resource reference of each type).
_RESTORED = (
    "DBSnapshotIdentifier",
    "DBClusterSnapshotIdentifier",
    "SnapshotIdentifier",
    "SnapshotName",
    "SnapshotArn",
    "SourceDBInstanceIdentifier",
    "SourceDBInstanceAutomatedBackupsArn",
    "SourceDbiResourceId",
    "SourceDBClusterIdentifier",
    "ReplicationSourceIdentifier",
)
_MANAGED = ("ManageMasterUserPassword", "ManageMasterPassword", "ManageAdminPassword")
NEVER: Presence = ()


def given(template: Template, value: Value, presence: Presence = ALWAYS) -> Presence:
    """Return when a property is given: not when it is empty, false or AWS::NoValue."""
    if value is None or value == NO_VALUE or literal(value) in ("", "false", "False", "no"):
        return NEVER
    if isinstance(value, dict) and len(value) == 1:
        both = template.conditions.both
        branches = value.get("Fn::If")
        if isinstance(branches, list) and len(branches) == 3 and isinstance(branches[0], str):
            then = both(presence, (frozenset({(branches[0], True)}),))
            otherwise = both(presence, (frozenset({(branches[0], False)}),))
            return given(template, branches[1], then) + given(template, branches[2], otherwise)
        name = value.get("Ref")
        if isinstance(name, str) and literal(template.parameter(name).get("Default")) == "":
            empty = inline({"Fn::Equals": [{"Ref": name}, ""]})
            return both(presence, (frozenset({(empty, False)}),))
    return presence


def elsewhere(template: Template, database: str, presence: Presence) -> Presence:
    """Return when a database takes its password from elsewhere, within a presence."""
    return _given(template, database, presence, (*_RESTORED, *_MANAGED))


def ignores_password(template: Template, database: str, presence: Presence) -> bool:
    """Tell whether a database never takes the password that it is given under a presence.

    An RDS instance that is restored or replicated is given it afterwards: its handler modifies the
    instance then (aws-cloudformation-resource-providers-rds, `shouldUpdateAfterCreate`). All
    others keep the one they had.
    """
    instance = template.type_of(database) == "AWS::RDS::DBInstance"
    modes = _MANAGED if instance else (*_RESTORED, *_MANAGED)
    return not template.conditions.without(presence, _given(template, database, presence, modes))


def _given(
    template: Template, database: str, presence: Presence, names: tuple[str, ...]
) -> Presence:
    properties = template.properties(database) if is_database(template, database) else {}
    found: Presence = NEVER
    for name in names:
        if name in properties:
            found += given(template, properties[name], presence)
    return tuple(case for case in found if template.conditions.satisfiable((case,)))


def owner(template: Template, slot: Slot) -> str | Refusal:
    """Return the database whose password a slot really is: that of a member is its cluster's, that
    of a replica its source's."""
    properties = template.properties(slot.resource)
    source = properties.get("SourceDBInstanceIdentifier")
    of_source = {r.target for r in references({"": source}) if r.target in template.resources}
    name_of_source = flattened(source)
    if source is not None and not of_source and "\0" not in name_of_source:
        of_source = {
            name
            for name in template.of_type("AWS::RDS::DBInstance")
            if name != slot.resource
            and flattened(template.properties(name).get("DBInstanceIdentifier")) == name_of_source
        }
    if slot.credential.type == "AWS::RDS::DBInstance" and len(of_source) == 1:
        return of_source.pop()
    member = properties.get("DBClusterIdentifier")
    if slot.credential.type != "AWS::RDS::DBInstance" or member is None:
        return slot.resource
    targets = {r.target for r in references({"": member}) if r.target in template.resources}
    if len(targets) == 1:
        return targets.pop()
    return Refusal(
        "member-of-cluster",
        f"{slot.resource} is a member of a cluster that this template does not hold: the "
        "password is the cluster's",
    )


def user_name(template: Template, slot: Slot, presence: Presence) -> Value | Refusal:
    """Return the user-name expression that belongs to a credential, as it is under a presence.

    A credential that has no user name gives None.
    """
    expression = user_expression(template, slot, presence)
    if expression is None:
        return None
    if "{{resolve:" in flattened(expression):
        return Refusal(
            "user-name-is-reference",
            f"the user name of {slot.resource} is a dynamic reference, which the secret's own "
            "text must not hold",
        )
    lost = sorted({r.target for r in references({"": expression})} & set(template.undefined))
    if lost:
        reason = f"the user name of {slot.resource} refers to {lost[0]}, which nothing defines"
        return Refusal("no-user-name", reason)
    return expression


def other_user(secret: str, mine: Value, user: Value) -> Refusal:
    """Return why a secret with one user name is not that of a database with another one, which is
    sure only where both are constants."""
    theirs = flattened(user)
    reason = f"{secret} holds the user {flattened(mine)}, the database has another one"
    if literal(mine) is None or literal(user) is None:
        name = re.sub(r"\$\{(.*?)\}", r"\1", theirs)
        which = "" if "\0" in theirs else f" ({name})"
        reason = reason.replace("has another one", f"may have another one{which}")
    return Refusal("other-user", reason)


def user_expression(template: Template, slot: Slot, presence: Presence) -> Value:
    """Return the user-name expression of a credential as the template has it; None without one."""
    credential = slot.credential
    if credential.fixed_user is not None:
        return credential.fixed_user
    if credential.user is None:
        return None
    expression = resolved(template, _sibling(template, slot, credential.user), presence)
    return None if expression == NO_VALUE else expression


def _sibling(template: Template, slot: Slot, pattern: tuple[str, ...]) -> Value:
    """Return the value beside a slot: in the same list items and branches, by another leaf."""
    shared = 0
    while slot.credential.property[shared] == pattern[shared] and shared < len(pattern) - 1:
        shared += 1
    value: Value = dict(template.properties(slot.resource))
    steps, matched = iter(slot.path[3:]), 0
    while matched < shared:
        step = next(steps)
        value = value_at(value, (step, next(steps)) if step == "Fn::If" else (step,))
        matched += step != "Fn::If"
    for step in steps:  # the branches that hold both
        if step != "Fn::If":
            break
        value = value_at(value, (step, next(steps)))
    for name in pattern[shared:]:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def server(template: Template, slot: Slot, presence: Case) -> tuple[str | None, Value]:
    """Return the database of this template that an external password logs in to, where that can
    be told, and the server's name as the template has it.

    The endpoint of a cluster's member stands for its cluster, that of a replica for its source.
    """
    value: Value = None
    if slot.credential.server is not None:
        value = _sibling(template, slot, slot.credential.server)
    if value is None:
        value = template.properties(slot.resource).get("ServerName")
    expression = resolved(template, value, (presence,))
    if isinstance(expression, dict) and "Fn::If" in expression:
        return None, value  # another server in another mode
    targets = {r.target for r in references({"": expression}) if r.target in template.resources}
    if len(targets) != 1:
        return None, value
    target = targets.pop()
    properties = template.properties(target)
    for key in ("DBClusterIdentifier", "SourceDBInstanceIdentifier"):
        named = {r.target for r in references({"": properties.get(key)})}
        if len(named) == 1 and named <= set(template.resources):
            target = named.pop()
            break
    return target, value


# A constant beside a credential with which the service does not take it: the path of the property
# and the value (AWS: the resource references of the types).
_NOT_TAKEN = {
    "AWS::ElastiCache::User": (("NoPasswordRequired",), "true"),
    "AWS::ElastiCache::ReplicationGroup": (("TransitEncryptionEnabled",), "false"),
    "AWS::OpenSearchService::Domain": (
        ("AdvancedSecurityOptions", "InternalUserDatabaseEnabled"),
        "false",
    ),
    "AWS::Elasticsearch::Domain": (
        ("AdvancedSecurityOptions", "InternalUserDatabaseEnabled"),
        "false",
    ),
}


def misplaced(template: Template, slot: Slot) -> Refusal | None:
    """Return why a credential is none where it stands, by another property of its resource."""
    value: Value = dict(template.properties(slot.resource))
    path, text = _NOT_TAKEN.get(slot.credential.type, ((), ""))
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if path and (literal(value) or "").lower() == text:
        return Refusal(
            "credential-not-taken",
            f"{slot.label} is not taken while {'.'.join(path)} is {text}: remove one of them",
        )
    by = template.properties(slot.resource).get("AuthType")
    elastic = slot.credential.type == "AWS::DocDBElastic::Cluster"
    if elastic and by is not None and literal(by) is None:
        return Refusal(
            "unclear-credential",
            f"{slot.label} is a password or a secret's ARN, by AuthType, which is no constant: "
            "write PLAIN_TEXT or SECRET_ARN there",
        )
    return None


def is_database(template: Template, logical_id: str) -> bool:
    """Tell whether a resource is a database whose endpoint others log in to."""
    return template.type_of(logical_id).startswith(("AWS::RDS::", "AWS::Redshift", "AWS::DocDB"))
