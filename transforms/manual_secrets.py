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
    stack, and where the database reads the secret already: its text stays, so CloudFormation does
    not update it, and somebody must give it the new password. `replaces` where a property that
    cannot be changed takes the password too.

Not repaired
    A secret with several passwords, with the password inside another text, with an attachment or
    a rotation already, that is read as a whole, or that names the database in any other way than
    by its own endpoint; a secret whose password nothing in the template is created with.

See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-secretsmanager-secret-generatesecretstring.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from remediator.conditions import literal
from remediator.model import (
    OLD_PASSWORD,
    Consequence,
    Context,
    Finding,
    Path,
    Refusal,
    Remove,
    value_at,
)
from remediator.template import Kind, Reference, Template
from remediator.transform import Transform

from ._create_only import with_replaced
from ._findings import (
    decided,
    fixed,
    left,
    macro_refusal,
    parameter_refusal,
    tell_gone,
)
from ._groups import Group, groups
from ._handmade import HandMade, convert, key_of, read, replace, secret_constants
from ._literals import Written, branches, slot_refusal, used_elsewhere, written_out
from ._placeholders import filled_in, is_placeholder, preprocessed
from ._plan import Draft, circular, group_limits
from ._secrets import SECRET, secret_of
from ._slots import Slot, slots
from ._strategies import hand_made
from ._uses import (
    Role,
    Use,
    external_refusal,
    feeds,
    logs_in,
    password_parameters,
    place_of,
)
from ._uses import uses as uses_of
from ._wording import consequence, follow_ups

# Compiled where a secret is written out: few templates have one.
_PLACEHOLDER = (
    r"(?i)chang\w*[ _-]?me|replac|place[ _-]?holder|to[ _-]?do|dummy|example|sample|x{4}|<.*>|"
    r"\.\.\.|fill|update|insert|your|tbd|not[ _-]?set|initial|temp|^value$"
)


def check(template: Template, context: Context) -> Iterator[Finding]:
    """Yield a finding for every password that stands in a hand-made secret."""
    secrets = [n for n in template.of_type(SECRET) if "SecretString" in template.properties(n)]
    if not secrets:
        return
    all_slots = tuple(slots(template, context.catalogue))
    yield from _parameters(template, context, all_slots)
    holding = {name: found for name in secrets if (found := secret_constants(template, name))}
    written = written_out(template, all_slots) if holding else ()
    for secret, texts in holding.items():
        yield from _literals(template, context, all_slots, secret, texts, written)


def _parameters(
    template: Template, context: Context, all_slots: tuple[Slot, ...]
) -> Iterator[Finding]:
    feeding = dict(password_parameters(template, all_slots))
    for name in (*template.parameters, *template.undefined):
        if not any(r.path[3:4] == ("SecretString",) for r in template.references_to(name)):
            continue
        uses = feeding.get(name) or uses_of(template, all_slots, name)
        inside = [use for use in uses if use.role is Role.SECRET]
        if not inside or _is_user_name(name in feeding, uses):
            continue
        secret = inside[0].resource
        reading = _reading(template, all_slots, secret, key_of(template, secret, "${%s}" % name))
        masked = tuple(filter(None, [literal(template.parameter(name).get("Default"))]))
        masked += tuple(t for use in inside for t in secret_constants(template, use.resource))
        path = place_of(template, name, uses)
        if name in feeding or reading:
            uses = (*uses, *reading)
            message = f"{feeds(template, name, uses)} and the hand-made secret {secret}"
            if name not in feeding:
                message = f"{feeds(template, name, uses)} through the hand-made secret {secret}"
            repair = partial(
                _repair_parameter, template, context, name, uses, reading, message, masked
            )
            yield decided(path, message, masked, repair)
        elif str(template.parameter(name).get("NoEcho")).lower() == "true":
            message = f"the parameter {name} is put into the secret {secret}"
            refusal = _from_elsewhere(template, name, secret, uses)
            refusal = refusal or _carrier(template, secret, "${%s}" % name, name)
            yield left(path, message, refusal, masked)


def _is_user_name(feeding: bool, uses: tuple[Use, ...]) -> bool:
    """Tell whether a parameter is only the name of a user, hidden as it may be."""
    codes = {use.refusal.code for use in uses if use.refusal is not None}
    return not feeding and "is-user-name" in codes


def _literals(
    template: Template,
    context: Context,
    all_slots: tuple[Slot, ...],
    secret: str,
    texts: tuple[str, ...],
    found: tuple[Written, ...],
) -> Iterator[Finding]:
    """Yield a finding for every password that is written out in a hand-made secret.

    `texts` are those of the secret, `found` those of the template's credential properties.
    """
    for text in dict.fromkeys(texts):
        path: Path = ("Resources", secret, "Properties", "SecretString")
        same = next((each for each in found if each.texts == (text,)), Written((text,)))
        reading = _reading(template, all_slots, secret, key_of(template, secret, text))
        if not same.places and not reading:
            if is_placeholder(text) or re.search(_PLACEHOLDER, text):
                continue  # a tool fills it in before the deployment, or a person after it
            message = f"{secret} holds a secret that is written out in the template"
            yield left(path, message, _carrier(template, secret, text, "it"), (text,))
            continue
        labels = same.labels or ", ".join(use.slot.label for use in reading if use.slot)
        message = f"{labels} is written out in the template, in the hand-made secret {secret}"
        repair = partial(_repair_literal, template, context, secret, same, reading, message)
        yield decided(path, message, (text,), repair)


def _reading(
    template: Template, all_slots: tuple[Slot, ...], secret: str, key: str | None
) -> tuple[Use, ...]:
    """Return the credentials that take a key of a secret already (None: no such key)."""
    found = []
    for slot in all_slots if key is not None else ():
        if slot.credential.generatable == "no":
            continue
        for path, value in branches(value_at(template.document.data, slot.path), slot.path):
            if secret_of(template, value) == (secret, key):
                presence = template.presence(path)
                role, refusal = Role.CREDENTIAL, None
                if slot.credential.generatable == "external":
                    role = Role.EXTERNAL
                    if not logs_in(template, slot, presence):
                        role, refusal = Role.REFUSED, external_refusal(slot)
                found.append(Use(Reference(path, secret, Kind.SUB), role, presence, slot, refusal))
    return tuple(found)


def _from_elsewhere(
    template: Template, name: str, secret: str, uses: tuple[Use, ...]
) -> Refusal | None:
    """Return why a parameter that feeds a credential is not generated: nobody types it in."""
    taking = (use.slot for use in uses if use.slot is not None)
    labels = ", ".join(slot.label for slot in taking if slot.credential.generatable != "no")
    if not labels:
        return None
    definition = template.parameter(name)
    kind = str(definition.get("Type"))
    way = f"let what reads {secret} read it where it comes from"
    if kind.startswith("AWS::SSM::"):
        return Refusal(
            "parameter-type",
            f"{name}, which {labels} takes too, comes from the parameter store ({kind}), so that "
            f"it is not generated: {way}, or make {name} a String",
        )
    return Refusal(
        "reference-in-secret",
        f"the default of {name}, which {labels} takes too, is a dynamic reference, which {secret} "
        f"must not hold: {way}",
    )


def _carrier(template: Template, secret: str, password: str, name: str) -> Refusal:
    """Return why what only a secret holds is not generated: where it comes from is unknown."""
    key = key_of(template, secret, password)
    reference = "{{resolve:secretsmanager:<its ARN>%s}}" % (f":SecretString:{key}" if key else "")
    return Refusal(
        "carrier-only",
        f"nothing in this template creates the credential from {name}: make the secret outside of "
        f"the template and let a parameter take its ARN, in place of !Ref {secret}; where the "
        f"value itself is needed, that is {reference}",
    )


def _repair_parameter(
    template: Template,
    context: Context,
    name: str,
    uses: tuple[Use, ...],
    reading: tuple[Use, ...],
    message: str,
    masked: tuple[str, ...],
) -> Finding | Refusal:
    refused = hand_made(context, uses) or parameter_refusal(template, context, name, uses)
    if refused is not None:
        return refused
    inside = {use.resource for use in uses if use.role is Role.SECRET}
    if len(inside) > 1:
        ids = ", ".join(sorted(inside))
        return Refusal("several-secrets", f"{ids} all hold {name}, and can only generate one each")
    draft = Draft(template)
    made = _generate(draft, context, name, inside.pop(), "${%s}" % name, uses)
    if isinstance(made, Refusal):
        return made
    group, secret, new_id = made
    draft.drop_parameter(name)
    tell_gone(draft, context, name)
    effect = _effect(draft, context, group, new_id, reading)
    effect = with_replaced(template, context, (*uses, *draft.redirected), effect)
    path = place_of(template, name, uses)
    return fixed(draft, path, message, _title(secret, name, new_id), effect, masked)


def _repair_literal(
    template: Template,
    context: Context,
    secret: str,
    written: Written,
    reading: tuple[Use, ...],
    message: str,
) -> Finding | Refusal:
    [text] = written.texts
    path: Path = ("Resources", secret, "Properties", "SecretString")
    uses = (*written.uses(template), *reading)
    refused = (
        hand_made(context, uses)
        or filled_in(text)
        or slot_refusal(template, written)
        or used_elsewhere(template, written, frozenset({path}))
        or next((use.refusal for use in reading if use.refusal is not None), None)
        or macro_refusal(template, "the password")
        or preprocessed(template, (use.resource for use in uses if use.slot is not None))
    )
    if refused is not None:
        return refused
    draft = Draft(template)
    made = _generate(draft, context, "", secret, text, uses)
    if isinstance(made, Refusal):
        return made
    group, found, new_id = made
    draft.follow_ups.append(OLD_PASSWORD)
    effect = _effect(draft, context, group, new_id, reading)
    effect = with_replaced(template, context, draft.redirected, effect)
    return fixed(draft, path, message, _title(found, "", new_id), effect, (text,))


def _generate(
    draft: Draft,
    context: Context,
    parameter: str,
    secret: str,
    password: str,
    uses: tuple[Use, ...],
) -> tuple[Group, HandMade, str] | Refusal:
    """Let a hand-made secret generate its password, or a new one in its place."""
    template = draft.template
    group = _group(template, uses)
    if isinstance(group, Refusal):
        return group
    found = read(template, context, secret, password, group)
    if isinstance(found, Refusal):
        return found
    allowed = group_limits(template, context, parameter, group, (secret, found.key))
    carry_out = replace if context.settings.manual_secrets == "replace" else convert
    new_id = carry_out(draft, context, parameter, group, found, allowed)
    if isinstance(new_id, Refusal):
        return new_id
    users = {use.resource for use in group.uses} | {secret}  # and what reads it already
    for operation in draft.operations:
        if operation.path[:2] == ("Resources", new_id) and not isinstance(operation, Remove):
            refused = circular(template, operation.value, users)
            if refused is not None:
                return refused
    draft.follow_ups += follow_ups(template, group, new_id)
    return group, found, new_id


def _effect(
    draft: Draft, context: Context, group: Group, secret: str, reading: tuple[Use, ...]
) -> tuple[Consequence, str]:
    """Return what the repair does to a live stack, and why.

    What reads the secret already keeps its text, and CloudFormation reads a reference anew only
    when it updates the resource that has it.
    """
    effect = consequence(draft.template, [group])
    touched = {op.path[:2] for op in draft.operations if len(op.path) > 2}
    stale = dict.fromkeys(
        use.resource for use in reading if ("Resources", use.resource) not in touched
    )
    if not stale or effect[0] is Consequence.REPLACES:
        return effect
    names = ", ".join(stale)
    if not context.settings.new:
        draft.follow_ups.append(
            f"Give {names} the new password of {secret} right after the deployment, or change "
            "another property there in the same one, so that it is updated"
        )
    return (
        Consequence.EXTERNAL,
        f"{secret} gets a generated password at the next deployment, but the text of {names} stays "
        "as it is, so that CloudFormation does not update it: it keeps the old password until it "
        "is given the new one",
    )


def _title(secret: HandMade, parameter: str, new_id: str) -> str:
    """Return what becomes of a password; it was written out where it was no parameter's."""
    old = secret.logical_id
    if old == new_id:
        return f"{new_id} generates the password that was {parameter or 'written out'}"
    what = parameter or f"the password written out in {old}"
    return f"{what} becomes the generated secret {new_id}, which takes the place of {old}"


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
    triggers=(re.compile(r"SecretString(?<![\w:]SecretString)[\"']?\s*:"),),
)
