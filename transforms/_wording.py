"""What a repair says to a person: descriptions, consequences, what is left to do."""

from __future__ import annotations

import re
from collections.abc import Iterable

from remediator.conditions import literal
from remediator.model import Consequence, Credential, Value
from remediator.template import Template, sub_variables

from ._databases import server, user_name
from ._groups import Group, credentials_of
from ._secrets import flattened, names
from ._uses import Role

_SPEAKS_OF_INPUT = (
    *("must", "character", "letter", "length", "enter", "type ", "specify", "provide", "choose"),
    *("optional", "leave", "blank", "empty", "ignored", "at least", "between", "minimum", "noecho"),
    *("parameter", "please", "you ", "your ", "http", "e.g", "default"),
)


def description(template: Template, parameter: str, group: Group) -> str:
    """Return the description of a secret: the parameter's, unless it tells what to type in."""
    own = template.parameter(parameter).get("Description")
    if isinstance(own, str):
        text = " ".join(own.split()).rstrip(".")
        names_it = " " in text and re.search(r"passw|credential|secret|token", text, re.IGNORECASE)
        asks = any(word in text.lower() for word in _SPEAKS_OF_INPUT)
        if names_it and len(text) <= 200 and not asks:
            return text
    slot = group.main
    if slot.credential.kind != "database-master-password":
        noun = _noun([(slot.resource, slot.credential)])
        return f"{noun[0].upper()}{noun[1:]} of {slot.resource}"
    service = slot.credential.type.split("::")[1]
    engine = literal(template.properties(slot.resource).get("Engine")) or ""
    label = next((name for start, name in _ENGINES if engine.lower().startswith(start)), "")
    words = (_SERVICES.get(service, service), label, f"master password of {slot.resource}")
    return " ".join(filter(None, words))


_SERVICES = {
    "DocDB": "DocumentDB",
    "DocDBElastic": "DocumentDB",
    "OpenSearchService": "OpenSearch",
    "RedshiftServerless": "Redshift",
    "Timestream": "InfluxDB",
}
_ENGINES = (
    ("aurora-mysql", "Aurora MySQL"),
    ("aurora-postgres", "Aurora PostgreSQL"),
    ("aurora", "Aurora"),
    ("mysql", "MySQL"),
    ("mariadb", "MariaDB"),
    ("postgres", "PostgreSQL"),
    ("oracle", "Oracle"),
    ("sqlserver", "SQL Server"),
    ("db2", "Db2"),
)


def consequence(
    template: Template, group_list: Iterable[Group], *, added: bool = False
) -> tuple[Consequence, str]:
    """Return what the repair does to a live stack, and why.

    `added` says that there may have been no credential before.
    """
    group_list = tuple(group_list)
    credentials = [pair for group in group_list for pair in credentials_of(group)]
    noun = _noun(credentials)
    replaced = [name for name, row in credentials if row.replaces]
    if replaced:
        return (
            Consequence.REPLACES,
            f"the {noun} of {_listed(replaced)} cannot be changed, so the resource is replaced by "
            "a new one",
        )
    new = [name for name, row in credentials if row.adding_replaces and added]
    if new:
        return (
            Consequence.REPLACES,
            f"where {_listed(new)} had no {noun}, it is replaced by a new one that has",
        )
    outside = dict.fromkeys(
        (use.resource, _server(template, *server(template, use.slot, use.presence)))
        for group in group_list
        if not group.owners and group.secret is None
        for use in group.others
        if use.role is Role.EXTERNAL and use.slot is not None
    )
    if outside:
        servers = dict.fromkeys(where for _, where in outside)
        return (
            Consequence.EXTERNAL,
            f"{_listed(name for name, _ in outside)} logs in to {' and '.join(servers)}, which "
            "must be given the generated password; whoever else logs in there as the same user "
            "needs it from then on",
        )
    told = {name: row.by_hand for name, row in credentials if _by_hand(template, name, row)}
    if told:
        return (
            Consequence.EXTERNAL,
            "; ".join(f"{name}: {sentence}" for name, sentence in told.items()),
        )
    shared = [group.secret[0] for group in group_list if group.secret is not None]
    if shared:
        users = _listed([name for name, _ in credentials])
        return Consequence.ROTATES, f"{users} logs in with the password in {_listed(shared)}"
    owned = _listed(name for name, row in credentials if row.generatable == "yes")
    return (
        Consequence.ROTATES,
        f"the live {noun} of {owned} becomes the generated one at the next deployment; whoever "
        "holds the old one must read the secret",
    )


def _server(template: Template, resource: str | None, host: Value) -> str:
    """Return what a server is, in words: `host` is its name, and `resource` what that comes from,
    where it can be told."""
    if resource is None:
        inside = any(names(host, each) for each in template.resources)
        return "a server that its conditions choose" if inside else "a server outside this stack"
    if template.type_of(resource) == "AWS::EC2::Instance":
        return f"the server {resource} of this stack"
    return f"the server behind {resource}"


def _by_hand(template: Template, resource: str, row: Credential) -> bool:
    """Tell whether a person has to do something with the generated value."""
    spared = literal(template.properties(resource).get(row.by_hand_unless)) or ""
    return bool(row.by_hand) and spared.lower() != "true"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _noun(credentials: Iterable[tuple[str, Credential]]) -> str:
    kinds = {_NOUNS.get(row.kind, "password") for _, row in credentials}
    return kinds.pop() if len(kinds) == 1 else "credential"


_NOUNS = {"auth-token": "auth token", "api-key": "API key", "webhook-secret": "webhook token"}


def follow_ups(template: Template, group: Group, secret: str) -> list[str]:
    """Return what a person must do with the generated value of a group."""
    found = []
    read = f"aws secretsmanager get-secret-value --secret-id <the ARN of {secret}>"
    for use in group.others if group.secret is None and not group.owners else ():
        if use.role is Role.EXTERNAL and use.slot is not None:
            at, host = server(template, use.slot, use.presence)
            outside = f"server {_words(template, host)}"
            where = outside if at is None else _server(template, at, host)
            user = user_name(template, use.slot, (use.presence,))
            found.append(
                f"After the deployment, read the password ({read}) and set it for user "
                f"{_words(template, user)} on {where}; until then "
                f"{use.resource} cannot log in, and from then on nobody can who has the old one."
            )
    for name, row in credentials_of(group):
        if _by_hand(template, name, row):
            found.append(f"{name}: {row.by_hand}; read it with: {read}")
    return list(dict.fromkeys(found))


def _words(template: Template, value: object) -> str:
    """Return an expression as a person reads it, with the defaults of its parameters."""
    if not isinstance(value, (dict, list, str, int, float)):
        return "(see the template)"
    text = flattened(value)
    if "\0" in text:
        return "(see the template)"
    for name in sub_variables(text):
        default = literal(template.parameter(name).get("Default"))
        if default:
            text = text.replace("${%s}" % name, f"{default} (the default of {name})")
    return text
