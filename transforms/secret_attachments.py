"""Databases that read a generated secret are attached to it.

A `SecretTargetAttachment` writes engine, host and port of a database into its secret: rotation
needs them, and so does whoever logs in with the secret alone.

Why
    A generated secret without an attachment holds a user name and a password, but not of what.

Consequence
    `safe`: the secret gets more keys, its password stays.

Not repaired
    A secret that has no user name, that holds a host, port or engine of its own, that is read as
    a whole, or that several databases share; replicas and members of a cluster, whose source or
    cluster is what a secret belongs to; databases that take their password from a snapshot.

See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secrettargetattachment.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from remediator.conditions import Presence, TooManyConditions
from remediator.model import Add, Context, Finding, Fix, Refusal, Value, value_at
from remediator.template import Template, walk
from remediator.transform import Transform

from ._databases import elsewhere, other_user, owner, user_expression
from ._plan import Draft
from ._secrets import (
    attachment,
    attachments_of,
    flattened,
    names,
    readers,
    secret_entries,
    secret_of,
    short_of,
)
from ._slots import Slot, slots


def check(template: Template, context: Context) -> Iterator[Finding]:
    """Yield a finding for every database that reads a generated secret and is not attached."""
    fed: dict[str, list[tuple[Slot, str, Presence]]] = {}
    for slot in slots(template, context.catalogue):
        if slot.credential.target_type is None:
            continue
        for path, value in walk(value_at(template.document.data, slot.path), slot.path):
            source = secret_of(template, value) if isinstance(value, dict) else None
            if source is not None and _generated(template, source[0]) is not None:
                each = (slot, source[1], (template.presence(path),))
                fed.setdefault(source[0], []).append(each)
    for secret, databases in fed.items():
        if attachments_of(template, secret):
            continue
        for slot, key, presence in databases:
            path = ("Resources", slot.resource)
            message = f"{slot.resource} reads the generated secret {secret} but is not attached"
            try:
                count = len({each.resource for each, _, _ in databases})
                repair = _repair(template, secret, key, slot, presence, count)
            except TooManyConditions as error:
                repair = Refusal("too-many-conditions", error.message)
            if isinstance(repair, Refusal):
                yield Finding(path, message, refusal=repair)
            elif repair is not None:
                yield Finding(path, message, fix=repair)


def _generated(template: Template, secret: str) -> dict[str, Value] | None:
    generated = template.properties(secret).get("GenerateSecretString")
    return generated if isinstance(generated, dict) else None


def _repair(
    template: Template, secret: str, key: str, slot: Slot, presence: Presence, count: int
) -> Fix | Refusal | None:
    """Return the repair, why there is none, or None where an attachment has no place."""
    if not key and not _could_be_attached(template, slot, presence):
        return None
    refused = _secret_refusal(template, secret, key)
    if refused is not None:
        return refused
    if count > 1:
        return Refusal(
            "shared-secret", f"{secret} is read by several databases, and has one target"
        )
    user = user_expression(template, slot, presence)
    entries = secret_entries((_generated(template, secret) or {}).get("SecretStringTemplate")) or {}
    mine = entries.get("username")
    if user is not None and not names(user, secret) and flattened(user) != flattened(mine):
        return other_user(secret, mine, user)
    database = owner(template, slot)
    if isinstance(database, Refusal):
        return database
    if database != slot.resource:
        return Refusal("member-of-cluster", f"{slot.resource} is a member of {database}")
    presence = template.conditions.without(presence, elsewhere(template, database, presence))
    if not presence:
        return None  # always restored: what an attachment writes would not be its credentials
    draft = Draft(template)
    short = short_of(secret)
    name = draft.unique(f"{short}SecretAttachment", f"{database}SecretAttachment")
    condition = draft.condition(presence, f"Create{name}")
    target = slot.credential.target_type or ""
    value: Value = attachment(secret, database, target, condition)
    draft.operations.append(Add(("Resources", name), value, after=database))
    operations = draft.plan()
    return Fix(f"{name} attaches {secret}", operations)


def _could_be_attached(template: Template, slot: Slot, presence: Presence) -> bool:
    """Tell whether a database would have what an attachment completes: a user, its own password."""
    taken = elsewhere(template, slot.resource, presence)
    own = template.conditions.without(presence, taken)
    return bool(own) and user_expression(template, slot, presence) is not None


def _secret_refusal(template: Template, secret: str, key: str) -> Refusal | None:
    generated = _generated(template, secret) or {}
    if not key:
        reason = (
            f"{secret} is nothing but the password, as its readers expect: an attachment needs "
            "JSON with username and password, and any change of the secret makes a new password"
        )
        return Refusal("secret-without-user", reason)
    text = generated.get("SecretStringTemplate")
    entries = secret_entries(text)
    if entries is None:
        reason = f"the SecretStringTemplate of {secret} cannot be read as JSON"
        return Refusal("secret-without-user", reason)
    if key != "password" or "username" not in entries:
        reason = f"{secret} must have the keys username and password for an attachment"
        return Refusal("secret-without-user", reason)
    own = sorted({"engine", "host", "port"} & set(entries))
    if own:
        reason = f"{secret} holds {', '.join(own)} itself, which an attachment would overwrite"
        return Refusal("secret-has-own-keys", reason)
    if any(reader.secret == secret and not reader.key for reader in readers(template)):
        return Refusal("secret-read-whole", f"{secret} is read as a whole, and would hold more")
    return None


# The types that a secret can be attached to, without their first word, which all have.
_ATTACHABLE = re.compile(r"::(?:RDS|DocDB|DocDBElastic|Redshift|RedshiftServerless)::")


def _reads_generated(text: str) -> bool:
    """Tell whether a raw text may have a database that reads a generated secret."""
    return (
        "GenerateSecretString" in text
        and "resolve:" in text
        and _ATTACHABLE.search(text) is not None
    )


TRANSFORM = Transform(
    id="secret-attachments",
    title="A database that reads a generated secret is attached to it",
    check=check,
    triggers=(_reads_generated,),
)
