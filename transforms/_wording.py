"""What a repair says to a person: descriptions, consequences, what is left to do."""

from __future__ import annotations

import re
from collections.abc import Iterable

from remediator.conditions import literal
from remediator.model import Consequence
from remediator.template import Template, sub_variables

from ._databases import server, user_name
from ._groups import Group, credentials_of
from ._secrets import flattened
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
        names_it = re.search(r"passw|credential|secret|token", text, re.IGNORECASE)
        if names_it and len(text) <= 200 and not any(w in text.lower() for w in _SPEAKS_OF_INPUT):
            return text
    slot = group.main
    if slot.credential.kind != "database-master-password":
        return f"Password of {slot.resource}"
    service = slot.credential.type.split("::")[1]
    engine = literal(template.properties(slot.resource).get("Engine")) or ""
    label = next((name for start, name in _ENGINES if engine.lower().startswith(start)), "")
    words = (_SERVICES.get(service, service), label, f"master password of {slot.resource}")
    return " ".join(filter(None, words))


_SERVICES = {"DocDB": "DocumentDB", "DocDBElastic": "DocumentDB", "RedshiftServerless": "Redshift"}
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


def consequence(group_list: Iterable[Group], external: bool) -> tuple[Consequence, str]:
    """Return what the repair does to a live stack, and why."""
    credentials = [pair for group in group_list for pair in credentials_of(group)]
    replaced = [name for name, row in credentials if row.replaces]
    owned = [name for name, row in credentials if row.generatable == "yes"]
    if replaced:
        return (
            Consequence.REPLACES,
            f"the password of {', '.join(dict.fromkeys(replaced))} cannot be changed, so the "
            "resource is replaced by a new one",
        )
    if external:
        outside = [name for name, row in credentials if row.generatable == "external"]
        return (
            Consequence.EXTERNAL,
            f"{', '.join(dict.fromkeys(outside))} logs in to a server outside this stack, which "
            "must be given the generated password",
        )
    return (
        Consequence.ROTATES,
        f"the live password of {', '.join(dict.fromkeys(owned))} becomes the generated one at the "
        "next deployment; whoever holds the old one must read the secret",
    )


def external_follow_ups(template: Template, group: Group, secret: str) -> list[str]:
    """Return what a person must do outside the stack for a group without a database of its own."""
    found = []
    for use in group.others:
        if use.role is Role.EXTERNAL and use.slot is not None:
            _, host = server(template, use)
            user = user_name(template, use.slot, (use.presence,))
            found.append(
                f"After the deployment, read the password (aws secretsmanager get-secret-value "
                f"--secret-id <the ARN of {secret}>) and set it for user {_words(template, user)} "
                f"on server {_words(template, host)}; until then {use.resource} cannot log in."
            )
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
