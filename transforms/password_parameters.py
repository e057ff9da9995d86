"""Password parameters become generated secrets.

A parameter that feeds a credential makes a person type a password at every deployment, and lets
it travel through pipelines and parameter files. Secrets Manager can generate it instead: the
template gets a secret, the credential reads it with a dynamic reference, a database is attached
to its secret, and the parameter goes. By the strategy `reference` the template reads a secret
that exists already; by `managed` the database's service makes the password.

Why
    A `NoEcho` parameter without a default stops every pipeline: `Parameters: [DBPassword] must
    have values`. cfn-lint reports it as W1011 and W2501, cfn_nag as F23 and others. The user name
    stays as it is, against cfn_nag's F24: a reference there would replace a deployed database.

Consequence
    `rotates`: at the next deployment the live password becomes the generated one. `external`
    where something else must be given the generated value: the server, mostly outside the stack,
    that a DMS endpoint or Glue connection logs in to, a message broker that ignores the change, the
    caller of a webhook. `replaces` where the property cannot be changed, or another one that takes
    the password too, with `reference` as well. New stacks: none. With `reference` it is `safe`
    else: the same value arrives by another way.

Not repaired
    A parameter stays as it is, all of its uses, when one of them cannot read a secret: UserData,
    resource metadata, custom resources, outputs, conditions, rules on other parameters, inline
    code, nested stacks, macros and loops, names of resources; when another file of the repository
    passes it; when the limits of its uses and its own, or those of parents and stacks that share
    it, leave no password. The finding names every use that is in the way, and what to paste there.

See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from remediator.conditions import literal
from remediator.model import Context, Finding, Refusal, value_at
from remediator.template import Template
from remediator.transform import Transform

from ._findings import decided, fixed, left, parameter_refusal, tell_gone
from ._groups import Group
from ._plan import Draft
from ._repair import first_owner
from ._shared import check_shared
from ._slots import looped, slots
from ._strategies import Password, repair, usable
from ._uses import Role, Use, feeds, password_parameters, place_of


def check(template: Template, context: Context) -> Iterator[Finding]:
    """Yield a finding for every parameter that feeds a credential, but those in a hand-made
    secret, which `manual-secrets` repairs."""
    for slot in looped(template, context.catalogue):
        message = f"{slot.resource} makes credentials in a loop"
        reason = "a loop is not repaired: write its resources out, or let each read a secret"
        masked = tuple(filter(None, [literal(value_at(template.document.data, slot.path))]))
        yield left(slot.path, message, Refusal("within-loop", reason), masked)
    all_slots = tuple(slots(template, context.catalogue))
    yield from check_shared(template, context, all_slots)
    if not all_slots:
        return
    for name, uses in password_parameters(template, all_slots):
        if name in context.family.secrets or any(use.role is Role.SECRET for use in uses):
            continue
        message = feeds(template, name, uses)
        masked = tuple(filter(None, [literal(template.parameter(name).get("Default"))]))
        work = partial(_repair, template, context, name, usable(context, uses), message, masked)
        yield decided(place_of(template, name, uses), message, masked, work)


def _repair(
    template: Template,
    context: Context,
    name: str,
    uses: tuple[Use, ...],
    message: str,
    masked: tuple[str, ...],
) -> Finding | Refusal:
    refused = parameter_refusal(template, context, name, uses)
    if refused is not None:
        return refused
    draft = Draft(template)

    def logical_id(group: Group, several: bool) -> str:
        return f"{name}{first_owner(group) if several else ''}Secret"

    repaired = repair(draft, context, Password(name, uses, name, logical_id))
    if isinstance(repaired, Refusal):
        return repaired
    draft.drop_parameter(name)
    tell_gone(draft, context, name)
    title = f"{name} becomes {repaired.becomes}"
    return fixed(draft, place_of(template, name, uses), message, title, repaired.effect, masked)


TRANSFORM = Transform(
    id="password-parameters",
    title="A parameter that feeds a credential becomes a generated secret",
    check=check,
    reads_catalogue=True,
)
