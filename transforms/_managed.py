"""The strategy `managed`: the database's service makes the password, keeps and rotates it.

Only where nothing else needs the password: it changes every seven days, and what took a copy at
the deployment could not log in any more.
"""

from __future__ import annotations

from collections.abc import Iterator

from remediator.conditions import Presence, literal
from remediator.model import Add, Consequence, Path, Refusal, Remove, Value, value_at
from remediator.template import Template

from ._databases import NEVER, elsewhere, given, owner
from ._generator import engines_of
from ._plan import Draft
from ._secrets import ATTACHMENT, NO_VALUE, flattened, names
from ._slots import Slot
from ._uses import Role, Use

_SOURCES = (
    "SourceDBInstanceIdentifier",
    "SourceDBClusterIdentifier",
    "ReplicationSourceIdentifier",
)
_GLOBAL = ("AWS::RDS::GlobalCluster", "AWS::DocDB::GlobalCluster")


def manage(draft: Draft, uses: tuple[Use, ...]) -> list[str] | Refusal:
    """Let the service of every database keep its password; return these, or why it cannot be."""
    template = draft.template
    slots = {u.slot.path: u.slot for u in uses if u.role is Role.CREDENTIAL and u.slot is not None}
    others = [use for use in uses if use.role not in (Role.CREDENTIAL, Role.INTERFACE)]
    if others:
        return _not_alone(others[0]) if slots else _no_service(others)
    taken = {use.path for use in uses}
    for slot in slots.values():
        presence = tuple(use.presence for use in uses if use.slot == slot)
        reason = next(_reasons(template, slot, presence), None)
        if reason is not None:
            return Refusal("managed-not-possible", reason)
        switch = _switched(value_at(template.document.data, slot.path), slot.path, taken)
        if isinstance(switch, Refusal):
            return switch
        _write(draft, slot, switch)
    return [slot.resource for slot in slots.values()]


def _not_alone(use: Use) -> Refusal:
    place = use.slot.label if use.slot is not None else ".".join(map(str, use.path[1:4]))
    return Refusal(
        "managed-used-elsewhere",
        f"{place} needs the password too: the service changes it every seven days, and a copy "
        "that is taken at the deployment goes stale; let it read the secret when it runs, or use "
        "another strategy",
    )


def _no_service(uses: list[Use]) -> Refusal:
    slot = next(use.slot for use in uses if use.slot is not None)
    return Refusal("managed-not-possible", _unkept(slot))


def _unkept(slot: Slot) -> str:
    return f"{slot.label}: {slot.credential.type} has no password that its service keeps"


def _reasons(template: Template, slot: Slot, presence: Presence) -> Iterator[str]:
    """Yield why the service cannot keep a password that is taken under a presence.

    AWS: the limitations of password management with Secrets Manager, in the guides of RDS, Aurora,
    DocumentDB and Redshift.
    """
    database, row = slot.resource, slot.credential
    properties = template.properties(database)
    if not row.managed_property:
        yield _unkept(slot)
        return
    if row.managed_property in properties:
        yield f"{database} says {row.managed_property} already: remove one of the two"
    if owner(template, slot) != database:
        yield f"{database} has its password from another database: remove the property"
    if elsewhere(template, database, presence):
        yield (
            f"{database} may take its password from a snapshot or a source: give it one by !If "
            "only where it does not"
        )
    if given(template, properties.get("GlobalClusterIdentifier"), presence) != NEVER:
        yield f"{database} is part of a global database, which has no such password"
    if literal(properties.get("EngineMode", "provisioned")) != "provisioned":
        yield (
            f"{database} may not be provisioned (EngineMode), and Aurora Serverless v1 has no such "
            "password"
        )
    engine = properties.get("Engine")
    if any(name.startswith("custom-") for name in engines_of(template, engine)):
        yield f"{database} is RDS Custom, which has no such password"
    yield from _by_others(template, database)


def _by_others(template: Template, database: str) -> Iterator[str]:
    """Yield why other resources of the template need the database to have a password of its own."""
    own = template.properties(database)
    known = {flattened({"Ref": database})} | {
        flattened(own[key]) for key in ("DBInstanceIdentifier", "DBClusterIdentifier") if key in own
    }
    engine = engines_of(template, own.get("Engine"))
    sql_server = bool(engine) and all(name.startswith("sqlserver") for name in engine)
    for other in template.resources:
        properties = template.properties(other)
        sources = [properties[key] for key in _SOURCES if key in properties]
        is_source = any(names(each, database) or flattened(each) in known for each in sources)
        kind = template.type_of(other)
        if is_source and kind in _GLOBAL:
            yield f"{database} is part of the global database {other}, which has no such password"
        elif is_source and other != database and not sql_server:
            yield f"{other} is a replica of {database}, which must have a password of its own then"
        if kind == ATTACHMENT and names(properties.get("TargetId"), database):
            yield f"{other} attaches a secret to {database}, which would hold another password"


def _switched(value: Value, path: Path, taken: set[Path]) -> Value | Refusal:
    """Return a password's expression with `true` wherever the password stood."""
    if path in taken:
        return True
    branches = value.get("Fn::If") if isinstance(value, dict) else None
    if isinstance(branches, list) and len(branches) == 3:
        found: list[Value] = [branches[0]]
        for index in (1, 2):
            branch = _switched(branches[index], (*path, "Fn::If", index), taken)
            if isinstance(branch, Refusal):
                return branch
            found.append(branch)
        return {"Fn::If": found}
    if value == NO_VALUE:
        return value
    place = ".".join(map(str, path[1:4]))
    return Refusal("managed-not-possible", f"{place} may be another password too, by Fn::If")


def _write(draft: Draft, slot: Slot, switch: Value) -> None:
    """Put the switch in the place of the password, and the key of the database behind it."""
    row, properties = slot.credential, draft.template.properties(slot.resource)
    *parent, password = slot.path
    added: dict[str, Value] = {row.managed_property: switch}
    key, *inner = row.managed_key.split("/")
    if "KmsKeyId" in properties and key not in properties:
        value: Value = properties["KmsKeyId"]
        for step in reversed(inner):
            value = {step: value}
        added[key] = _where(switch, value)
    for name, each in added.items():
        draft.operations.append(Add((*parent, name), each, before=str(password)))
    draft.operations.append(Remove(slot.path))
    read = (
        f"!GetAtt {slot.resource}.{row.managed_arn}" if row.managed_arn else "shown by its service"
    )
    draft.follow_ups.append(
        f"Let whoever logs in to {slot.resource} read the service's secret, with username and "
        f"password only; its ARN is {read}"
    )


def _where(switch: Value, value: Value) -> Value:
    """Return a value wherever a switch is true."""
    if switch is True:
        return value
    if isinstance(switch, dict) and isinstance(branches := switch.get("Fn::If"), list):
        return {"Fn::If": [branches[0], *(_where(branch, value) for branch in branches[1:])]}
    return switch


def effect(databases: list[str]) -> tuple[Consequence, str]:
    """Return what a managed password does to a live stack, and why."""
    return (
        Consequence.ROTATES,
        f"the live password of {', '.join(databases)} becomes one that its service makes at the "
        "next deployment, and again every seven days; whoever holds the old one must read the "
        "service's secret",
    )
