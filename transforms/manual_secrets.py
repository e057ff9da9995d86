"""Secrets written by hand around a password parameter generate the password themselves.

A `SecretString` that is put together from a password parameter keeps its logical id, its name,
its tags and its readers; `GenerateSecretString` takes its place, the credential reads the secret,
and the database's host and port come from a `SecretTargetAttachment`.

Why
    Such a secret needs a person who types the password, and where it names the endpoint of the
    database that should read it, it is a circular dependency: `Circular dependency between
    resources: [DBSecret, RDSInstance]`.

Consequence
    `rotates`: at the next deployment the secret gets a new version with a generated password, and
    the database gets the same. `external` where the password belongs to a server outside the
    stack.

Not repaired
    A secret with several passwords, with the password inside another text, with an attachment or
    a rotation already, that is read as a whole, or that names the database in any other way than
    by its own endpoint; a secret whose password nothing in the template is created with.

See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-secretsmanager-secret-generatesecretstring.html
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from remediator.conditions import literal
from remediator.model import Context, Finding, Refusal, value_at
from remediator.template import Template
from remediator.transform import Transform

from ._groups import Group, credentials_of, groups
from ._handmade import HandMade, convert, read, replace, secret_constants
from ._plan import (
    Draft,
    decided,
    fixed,
    group_limits,
    left,
    parameter_refusal,
)
from ._secrets import secret_of
from ._strategies import hand_made
from ._uses import Role, Slot, Use, feeds, password_parameters, slots
from ._uses import uses as uses_of
from ._wording import consequence, external_follow_ups
from .password_parameters import follow_ups


def check(template: Template, context: Context) -> Iterator[Finding]:
    """Yield a finding for every password parameter that stands in a hand-made secret."""
    all_slots = tuple(slots(template, context.catalogue))
    if not all_slots:
        return
    for name, uses in password_parameters(template, all_slots):
        inside = [use for use in uses if use.role is Role.SECRET]
        if not inside:
            continue
        message = f"{feeds(name, uses)} and the hand-made secret {inside[0].resource}"
        masked = tuple(filter(None, [literal(template.parameter(name).get("Default"))]))
        masked += tuple(t for use in inside for t in secret_constants(template, use.resource))
        repair = partial(_repair, template, context, name, uses, message, masked)
        yield decided(("Parameters", name), message, masked, repair)
    yield from _carriers(template, all_slots)


def _carriers(template: Template, all_slots: tuple[Slot, ...]) -> Iterator[Finding]:
    """Yield a finding for what is typed into a secret and creates no credential here.

    That it stands in a secret says nothing of where the value comes from, so it is not generated.
    """
    known = {name for name, _ in password_parameters(template, all_slots)}
    for name in template.parameters:
        if name in known or str(template.parameter(name).get("NoEcho")).lower() != "true":
            continue
        for use in uses_of(template, all_slots, name):
            if use.role is Role.SECRET:
                refusal = _carrier_refusal(template, all_slots, use.resource)
                message = f"the parameter {name} is put into the secret {use.resource}"
                masked = tuple(filter(None, [literal(template.parameter(name).get("Default"))]))
                yield left(("Parameters", name), message, refusal, masked)
                break


def _carrier_refusal(template: Template, all_slots: tuple[Slot, ...], secret: str) -> Refusal:
    for slot in all_slots:
        source = secret_of(template, value_at(template.document.data, slot.path))
        if source is not None and source[0] == secret:
            return Refusal(
                "not-supported-yet",
                f"{slot.label} reads {secret} already: write GenerateSecretString in place of its "
                "SecretString, and remove the parameter",
            )
    return Refusal(
        "carrier-only",
        "nothing in this template creates the credential from it: create the secret outside of "
        "the template and pass its ARN",
    )


def _repair(
    template: Template,
    context: Context,
    name: str,
    uses: tuple[Use, ...],
    message: str,
    masked: tuple[str, ...],
) -> Finding | Refusal:
    refused = hand_made(context, uses) or parameter_refusal(template, context, name, uses)
    if refused is not None:
        return refused
    group = _group(template, uses)
    if isinstance(group, Refusal):
        return group
    inside = {use.resource for use in uses if use.role is Role.SECRET}
    if len(inside) > 1:
        ids = ", ".join(sorted(inside))
        return Refusal("several-secrets", f"{ids} all hold {name}, and can only generate one each")
    secret = read(template, inside.pop(), name, group)
    if isinstance(secret, Refusal):
        return secret
    draft = Draft(template)
    allowed = group_limits(template, name, group, credentials_of(group))
    carry_out = replace if context.settings.manual_secrets == "replace" else convert
    new_id = carry_out(draft, context, name, group, secret, allowed)
    if isinstance(new_id, Refusal):
        return new_id
    draft.drop_parameter(name)
    if not group.owners:
        draft.follow_ups += external_follow_ups(template, group, new_id)
    draft.follow_ups += follow_ups(template, context, name)
    effect = consequence([group], external=not group.owners)
    return fixed(draft, ("Parameters", name), message, _title(secret, name, new_id), effect, masked)


def _title(secret: HandMade, name: str, new_id: str) -> str:
    if secret.logical_id == new_id:
        return f"{new_id} generates the password that was {name}"
    return f"{name} becomes the generated secret {new_id}, which takes the place of " + (
        secret.logical_id
    )


def _group(template: Template, uses: tuple[Use, ...]) -> Group | Refusal:
    found = groups(template, tuple(use for use in uses if use.role is not Role.SECRET))
    if isinstance(found, Refusal):
        return found
    if len(found) > 1:
        names = ", ".join(owner for group in found for owner in group.owners)
        return Refusal("several-databases", f"{names} share the password of one hand-made secret")
    return found[0]


TRANSFORM = Transform(
    id="manual-secrets",
    title="A secret written by hand around a password parameter generates it instead",
    check=check,
    triggers=("SecretString",),
)
