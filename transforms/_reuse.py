"""A generated secret that stands already and fits, so that no second one is needed."""

from __future__ import annotations

import string

from remediator.conditions import literal
from remediator.model import Refusal, Value
from remediator.template import Template

from ._databases import user_name
from ._generator import PUNCTUATION, Limits
from ._groups import Group
from ._secrets import (
    SECRET,
    WRITTEN_BY_ATTACHMENT,
    attachments_of,
    flattened,
    names,
    secret_entries,
)


def fitting_secret(template: Template, group: Group, allowed: Limits) -> tuple[str, str] | None:
    """Return a generated secret of the template, with its key, that a group can use as it is.

    It has the same user, a password within the limits, exists where it is needed, and belongs to
    no other database.
    """
    if len(group.owners) != 1:
        return None
    [database] = group.owners
    user = user_name(template, group.main, group.presence)
    if isinstance(user, Refusal) or user is None:
        return None
    for name in template.of_type(SECRET):
        generated = template.properties(name).get("GenerateSecretString")
        if not isinstance(generated, dict):
            continue
        key = generated.get("GenerateStringKey")
        entries = secret_entries(generated.get("SecretStringTemplate")) or {}
        owner = entries.get("username")
        if (
            isinstance(key, str)
            and owner is not None
            and flattened(owner) == flattened(user)
            and "\0" not in flattened(user)
            and not WRITTEN_BY_ATTACHMENT & set(entries)
            and _within(generated, allowed)
            and template.conditions.implies(
                group.presence, (template.presence(("Resources", name)),)
            )
            and _free(template, name, database)
        ):
            return name, key
    return None


def _within(generated: dict[str, Value], allowed: Limits) -> bool:
    length = literal(generated.get("PasswordLength", 32)) or ""
    if not length.isdigit() or not allowed.minimum <= int(length) <= allowed.maximum:
        return False
    if allowed.patterns or str(generated.get("IncludeSpace")).lower() == "true":
        return False
    if str(generated.get("ExcludePunctuation")).lower() == "true":
        return not allowed.needs_symbol
    excluded = literal(generated.get("ExcludeCharacters", "")) or ""
    left = set(PUNCTUATION) - set(excluded)
    classes = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    return left <= set(allowed.symbols) and all(set(each) - set(excluded) for each in classes)


def _free(template: Template, secret: str, database: str) -> bool:
    """Tell whether nothing refers to a secret but an attachment to this database."""
    attachments = attachments_of(template, secret)
    return all(
        names(template.properties(name).get("TargetId"), database) for name in attachments
    ) and all(str(reference.path[1]) in attachments for reference in template.references_to(secret))
