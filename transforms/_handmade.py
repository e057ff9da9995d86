"""A `SecretString` written by hand: what it holds, and how it becomes a generated one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from remediator.conditions import literal
from remediator.model import Add, Context, Refusal, Remove, Replace, Value, value_at
from remediator.template import Kind, Reference, Template, references, walk

from ._databases import other_user, user_name
from ._generator import Limits
from ._groups import Group
from ._plan import Draft, add_attachments, add_secret, attached_when, restored_refusal
from ._secrets import (
    ROTATION,
    WRITTEN_BY_ATTACHMENT,
    attachments_of,
    deletion_policies,
    flattened,
    json_template,
    names,
    readers,
    secret_entries,
)
from ._uses import Role, Use

# What an attachment writes under a key, as the template's author wrote it: `${DB.Endpoint.Port}`.
_ENDPOINTS = {
    "host": ("${%s.Endpoint.Address}", "${%s.Endpoint}"),
    "port": ("${%s.Endpoint.Port}", "${%s.Port}"),
    "dbInstanceIdentifier": ("${%s}",),
    "dbClusterIdentifier": ("${%s}",),
}
# What belongs to a secret follows it: that it is replaced changes nothing for anybody.
_OF_SECRETS = "AWS::SecretsManager::"


class HandMade(NamedTuple):
    """A hand-made secret that can generate its password.

    `key` is the password's, empty where the secret is nothing but the password. `kept` go into
    the template of the generated secret; `attached` are keys that an attachment will write.
    """

    logical_id: str
    key: str
    kept: Mapping[str, Value]
    attached: frozenset[str]


def read(
    template: Template, context: Context, secret: str, password: str, group: Group
) -> HandMade | Refusal:
    """Return a hand-made secret, or why it must stay.

    `password` is what it holds, as a text of `Fn::Sub`: `${Parameter}`, or a literal.
    """
    refused = restored_refusal(template, group)
    if refused is not None:
        return refused
    attachments = attachments_of(template, secret)
    targets = {each for name in attachments for each in template.dependencies[name]} - {secret}
    if attachments and not (context.settings.new and targets <= set(group.owners)):
        return Refusal(
            "secret-attached",
            f"{secret} has the attachment {attachments[0]}, which would not run again at the next "
            "deployment: its keys would be lost. If nothing is deployed yet, use --new",
        )
    for rotation in template.of_type(ROTATION):
        if names(template.properties(rotation).get("SecretId"), secret):
            return Refusal("secret-rotated", f"{secret} is rotated by {rotation} already")
    if not template.conditions.implies(group.presence, (template.presence(("Resources", secret)),)):
        return Refusal("secret-conditional", f"{secret} does not exist wherever it would be read")
    if _read_by_name(template, secret):
        return Refusal("secret-read-by-name", f"{secret} is read by its name, not by reference")
    if any(reader.secret == secret and not reader.key for reader in readers(template)):
        return Refusal("secret-read-whole", f"{secret} is read as a whole, and would hold more")
    value = template.properties(secret).get("SecretString")
    if flattened(value).strip() == password:
        return HandMade(secret, "", {}, frozenset())
    entries = secret_entries(value)
    if entries is None:
        return Refusal("secret-not-json", f"the SecretString of {secret} cannot be read as JSON")
    return _read(template, secret, password, group, entries)


def _read(
    template: Template, secret: str, password: str, group: Group, entries: Mapping[str, Value]
) -> HandMade | Refusal:
    keys = [key for key, value in entries.items() if flattened(value) == password]
    others = {key: value for key, value in entries.items() if key not in keys}
    parameter = password[2:-1] if password.startswith("${") else ""
    if len(keys) != 1 or any(
        password in flattened(value) or names(value, parameter) for value in others.values()
    ):
        what = parameter or "the password"
        return Refusal(
            "password-embedded", f"{secret} holds {what} more than once, or within a text"
        )
    if group.owners and keys[0] != "password":
        return Refusal(
            "secret-without-user",
            f"{secret} keeps the password under {keys[0]}; an attachment needs it under password",
        )
    kept: dict[str, Value] = {}
    attached = set()
    for key, value in others.items():
        named = {r.target for r in references({"": value})}
        hidden = [n for n in named if str(template.parameter(n).get("NoEcho")).lower() == "true"]
        if (hidden and key.lower() not in _USER_KEYS) or is_secret_constant(key, value):
            return Refusal("several-passwords", f"{secret} holds another secret under {key}")
        if any(
            flattened(unquoted(value)) == form % db
            for db in group.owners
            for form in _ENDPOINTS.get(key, ())
        ):
            attached.add(key)
            continue
        if group.owners and key == "host":
            return Refusal(
                "secret-has-own-host",
                f"the host in {secret} is not the endpoint of the database, and an attachment "
                "would overwrite it",
            )
        late = next((n for n in sorted(named) if _after(template, n, secret, group)), None)
        if late is not None:
            return Refusal(
                "secret-needs-database",
                f"{secret} needs {late} under {key}, which exists only after the database that "
                "reads the secret; an attachment does not write that",
            )
        kept[key] = value
    found = HandMade(secret, keys[0], kept, frozenset(attached))
    return _attachable(template, found, group) if group.owners else found


def _attachable(template: Template, secret: HandMade, group: Group) -> HandMade | Refusal:
    """Return a secret that its database can be attached to, or why that would go wrong."""
    name, kept = secret.logical_id, secret.kept
    user = user_name(template, group.main, group.presence)
    if isinstance(user, Refusal) or user is None:
        return user or Refusal("no-user-name", f"{name} has no user name to be attached with")
    if "username" in kept and flattened(kept["username"]) != flattened(user):
        return other_user(name, kept["username"], user)
    for database in group.owners:
        properties = template.properties(database)
        for key, other in (("dbname", "DBName"), ("dbname", "DatabaseName"), ("port", "Port")):
            differs = flattened(unquoted(kept.get(key))) != flattened(properties.get(other))
            if key in kept and other in properties and differs:
                return Refusal(
                    "secret-has-own-keys",
                    f"{name} holds another {key} than {database}, and the attachment's would "
                    "take its place",
                )
        exists = (template.presence(("Resources", name)),)
        attached_always = template.conditions.implies(
            exists, attached_when(template, group, database)
        )
        if secret.attached and len(group.owners) == 1 and not attached_always:
            return Refusal(
                "secret-conditional",
                f"{name} would lose {', '.join(sorted(secret.attached))} where {database} is not "
                "attached",
            )
    return secret._replace(kept=kept if "username" in kept else {"username": user, **kept})


def _read_by_name(template: Template, secret: str) -> bool:
    """Tell whether a dynamic reference names the secret by its physical name."""
    name = flattened(template.properties(secret).get("Name"))
    if not name or "\0" in name:
        return False
    mention = re.compile(r"\{\{resolve:secretsmanager:%s[:}]" % re.escape(name))
    return any(
        mention.search(flattened(value) if isinstance(value, dict) else value)
        for _, value in walk(template.document.data)
        if isinstance(value, str) or (isinstance(value, dict) and len(value) == 1)
    )


_USER_KEYS = frozenset({"username", "user", "login", "dbuser", "db_user", "dbusername"})
_TELLING = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)


def is_secret_constant(key: str, value: Value) -> bool:
    """Tell whether a key of a hand-made secret holds another secret, written out."""
    written = isinstance(value, str) and value != "" and "{{resolve:" not in value
    return written and _TELLING.search(key) is not None


def secret_constants(template: Template, secret: str) -> tuple[str, ...]:
    """Return the secrets that a hand-made secret holds written out, to be masked."""
    value = template.properties(secret).get("SecretString")
    entries = secret_entries(value)
    if entries is None:
        text = literal(value)
        return (text,) if text and "{{resolve:" not in text else ()
    return tuple(str(value) for key, value in entries.items() if is_secret_constant(key, value))


def key_of(template: Template, secret: str, password: str) -> str | None:
    """Return the key under which a hand-made secret holds a password, empty where it is nothing
    else; None where that cannot be told.

    `password` is written as in `read`.
    """
    value = template.properties(secret).get("SecretString")
    if flattened(value).strip() == password:
        return ""
    entries = secret_entries(value) or {}
    keys = [key for key, each in entries.items() if flattened(each) == password]
    return keys[0] if len(keys) == 1 else None


def unquoted(value: Value) -> Value:
    """Return an expression without the mark that it stands without quotes in the JSON text."""
    bare = isinstance(value, dict) and set(value) == {"Bare"}
    return value["Bare"] if isinstance(value, dict) and bare else value


def _after(template: Template, name: str, secret: str, group: Group) -> bool:
    """Tell whether a resource exists only once the secret or what reads it does."""
    users = {secret, *(use.resource for use in group.uses)}
    return name in users or any(template.depends(name, user) for user in users)


def convert(
    draft: Draft, context: Context, parameter: str, group: Group, secret: HandMade, allowed: Limits
) -> str | Refusal:
    """Let a hand-made secret generate its password in place; return its id, or why it cannot."""
    template, name = draft.template, secret.logical_id
    text = json_template(secret.kept) if secret.key else None
    if isinstance(text, Refusal):
        return text
    generated = allowed.generate(text, secret.key)
    if isinstance(generated, Refusal):
        return generated
    place = ("Resources", name, "Properties")
    draft.operations.append(Add((*place, "GenerateSecretString"), generated, before="SecretString"))
    draft.operations.append(Remove((*place, "SecretString")))
    refused = _free_of_database(draft, name, group)
    if refused is not None:
        return refused
    if secret.key:
        add_attachments(draft, group, name)
    refused = _redirect_readers(draft, secret, group)
    if refused is not None:
        return refused
    draft.point(group.uses, name, secret.key)
    resource = template.resources[name]
    kept = deletion_policies(template, tuple(group.owners))[0] != "Delete"
    if kept and isinstance(resource, dict) and "DeletionPolicy" not in resource:
        draft.follow_ups.append(
            f"{name} goes with the stack while its database or a snapshot of it stays: consider "
            "DeletionPolicy: RetainExceptOnCreate for it"
        )
    return name


def _free_of_database(draft: Draft, secret: str, group: Group) -> Refusal | None:
    """Drop the secret's `DependsOn` on its database, which now depends on the secret."""
    for reference in draft.template.references:
        if reference.kind is Kind.DEPENDS_ON and reference.path[:2] == ("Resources", secret):
            if reference.target in group.owners:
                draft.operations.append(Remove(reference.path))
            elif _after(draft.template, reference.target, secret, group):
                return Refusal(
                    "secret-needs-database",
                    f"{secret} waits for {reference.target}, which waits for the database",
                )
    kept = {key: v for key, v in draft.template.properties(secret).items() if key != "SecretString"}
    named = {r.target for r in references({"": kept})}
    late = {name for name in named if _after(draft.template, name, secret, group)}
    if late:
        return Refusal("secret-needs-database", f"{secret} needs {', '.join(sorted(late))} itself")
    return None


def _redirect_readers(draft: Draft, secret: HandMade, group: Group) -> Refusal | None:
    """Let readers of a key that the attachment writes wait for the attachment."""
    attached = [
        str(op.path[1])
        for op in draft.operations
        if isinstance(op, Add) and op.path[0] == "Resources" and op.after is not None
    ] or list(attachments_of(draft.template, secret.logical_id))
    for reference in draft.template.references_to(secret.logical_id):
        key = _key_read(draft.template, reference)
        if key not in secret.attached or reference.path[0] != "Resources":
            continue
        reader = str(reference.path[1])
        if len(attached) != 1 or reader in group.owners or _before(draft.template, reader, group):
            return Refusal(
                "read-before-attachment",
                f"{reader} reads {key} of {secret.logical_id} before the attachment writes it",
            )
        _redirect(draft, reference, attached[0])
    return None


def _before(template: Template, reader: str, group: Group) -> bool:
    return any(template.depends(database, reader) for database in group.owners)


def _key_read(template: Template, reference: Reference) -> str | None:
    """Return the key that the text around a reference reads: `${Secret}:SecretString:host`."""
    whole: Value = dict(template.data)
    texts = []
    for step in reference.path:
        whole = value_at(whole, (step,))
        if isinstance(whole, dict) and set(whole) & {"Fn::Sub", "Fn::Join"}:
            texts.append(flattened(whole))
    for text in texts:
        found = re.search(r"\$\{%s(?:\.Id)?\}:(?:SecretString)?:?(\w+)" % reference.target, text)
        if found:
            return found[1]
    return None


def _redirect(draft: Draft, reference: Reference, target: str) -> None:
    use = Use(reference, Role.CARRIED)
    if not draft.template.type_of(use.resource).startswith(_OF_SECRETS):
        draft.redirected.append(use)
    if reference.kind is Kind.SUB:
        old = reference.target + (f".{reference.attribute}" if reference.attribute else "")
        draft.rewrite(reference.path, old, "${%s}" % target)
    elif reference.kind is Kind.DEPENDS_ON:
        draft.operations.append(Replace(reference.path, target))
    else:
        draft.operations.append(Replace(reference.path, {"Ref": target}))


def replace(
    draft: Draft, context: Context, parameter: str, group: Group, secret: HandMade, allowed: Limits
) -> str | Refusal:
    """Put one new generated secret in place of a hand-made one; return its id, or why not.

    For stacks that were never deployed: whoever knows the old secret by its name loses it.
    """
    template, old = draft.template, secret.logical_id
    if not secret.key or not group.owners:
        return Refusal("secret-not-json", f"{old} can only be converted in place")
    new = draft.unique(f"{parameter or next(iter(group.owners))}Secret")
    keys = {k: v for k, v in secret.kept.items() if k not in WRITTEN_BY_ATTACHMENT}
    refused = add_secret(draft, context, parameter, group, new, allowed, keys)
    if refused is not None:
        return refused
    if not attachments_of(template, old):  # else they are redirected with all references
        add_attachments(draft, group, new)
    _inherit(draft, old, new)
    draft.operations.append(Remove(("Resources", old)))
    for reference in template.references_to(old):
        if reference.path[:2] == ("Resources", old):
            continue
        presence = (template.presence(reference.path),)
        key = _key_read(template, reference)
        if key in WRITTEN_BY_ATTACHMENT and key in {*secret.attached, *secret.kept}:
            return Refusal(
                "read-before-attachment",
                f"{reference.path[1]} reads {key} of {old}, which only the attachment writes; "
                "convert it in place",
            )
        if not template.conditions.implies(presence, group.presence):
            return Refusal("secret-conditional", f"{old} is read where {new} does not exist")
        _redirect(draft, reference, new)
    draft.point(group.uses, new, "password")
    return new


def _inherit(draft: Draft, old: str, new: str) -> None:
    """Give a new secret the key and the tags of the one whose place it takes."""
    for operation in draft.operations:
        if isinstance(operation, Add) and operation.path == ("Resources", new):
            properties = value_at(operation.value, ("Properties",))
            if isinstance(properties, dict):
                kept = draft.template.properties(old)
                inherited = ("KmsKeyId", "ReplicaRegions", "Tags")
                properties |= {key: kept[key] for key in inherited if key in kept}
                resource = draft.template.resources[old]
                if isinstance(operation.value, dict) and isinstance(resource, dict):
                    policies = ("DeletionPolicy", "UpdateReplacePolicy")
                    operation.value.update({k: resource[k] for k in policies if k in resource})
