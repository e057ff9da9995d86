"""A password that lives in a secret of another template: its ARN arrives instead of the value.

A parent gave one password to two nested stacks: to that which owns the database, and to one that
logs in. The owner's secret is generated now; the other template takes its ARN as a parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from remediator.model import Add, Consequence, Context, Finding, Refusal, Secret
from remediator.template import Template

from ._create_only import with_replaced
from ._findings import fixed, left, macro_refusal, tell_gone
from ._plan import Draft
from ._positions import together
from ._slots import Slot
from ._uses import Role, Use, uses


def check_shared(
    template: Template, context: Context, all_slots: tuple[Slot, ...]
) -> Iterator[Finding]:
    """Yield a finding for every parameter whose value is in a secret of another template now."""
    for name, secret in context.family.secrets.items():
        if name not in template.parameters:
            continue
        path = ("Parameters", name)
        message = f"the parameter {name} takes a password that another template generates"
        found = uses(template, all_slots, name)
        draft = _draft(template, context, found, name, secret)
        if isinstance(draft, Refusal):
            yield left(path, message, draft, ())
            continue
        because = "what read the old password reads the generated one at the next deployment"
        title = f"{name} becomes {secret.parameter}, the ARN of that secret"
        effect = with_replaced(template, context, found, (Consequence.ROTATES, because))
        finding = fixed(draft, path, message, title, effect, ())
        yield replace(finding, follows=True)


def _draft(
    template: Template,
    context: Context,
    found: tuple[Use, ...],
    name: str,
    secret: Secret,
) -> Draft | Refusal:
    refused = together(template, name, [use.refusal for use in found if use.refusal is not None])
    refused = refused or macro_refusal(template, name)
    if refused is not None:
        return refused
    if any(use.role in (Role.CREDENTIAL, Role.SECRET) for use in found):
        return Refusal("shared-password", f"{name} makes a credential of this template itself")
    if secret.parameter in {*template.parameters, *template.resources}:
        return Refusal("name-taken", f"{secret.parameter} is the name of something else here")
    draft = Draft(template)
    read = tuple(use for use in found if use.role in (Role.CARRIED, Role.EXTERNAL))
    draft.point(read, secret.parameter, secret.key)
    draft.drop_parameter(name)
    description = "ARN of the secret that holds the password"
    parameter = {"Type": "String", "Description": description}
    draft.operations.append(Add(("Parameters", secret.parameter), {**parameter}))
    tell_gone(draft, context, name)
    return draft
