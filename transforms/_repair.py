"""One password's repair: a secret for each group of its uses, attached, and read by them."""

from __future__ import annotations

from collections.abc import Callable

from remediator.model import Context, Refusal

from ._groups import Group, groups
from ._outputs import add_outputs
from ._plan import Draft, add_attachments, add_secret, group_limits, keys_beside, restored_refusal
from ._positions import is_run_by_a_machine
from ._reuse import fitting_secret
from ._rotation import add_rotation
from ._uses import Use
from ._wording import follow_ups


def generate(
    draft: Draft,
    context: Context,
    parameter: str,
    uses: tuple[Use, ...],
    logical_id: Callable[[Group, bool], str],
) -> tuple[list[str], tuple[Group, ...]] | Refusal:
    """Let all uses of a password read generated secrets; return these, or why that cannot be.

    `parameter` is where the password came from, empty for a literal. `logical_id` names the
    secret of a group, and is told whether there are several.
    """
    template = draft.template
    found = groups(template, uses)
    if isinstance(found, Refusal):
        return found
    secrets = []
    for group in found:
        wanted = logical_id(group, len(found) > 1)
        awaited = template.references_to(wanted)  # by what a person has pasted
        pasted = any(is_run_by_a_machine(each.path) for each in awaited)
        allowed = group_limits(template, context, parameter, group, plain=pasted)
        refused = restored_refusal(template, group)
        keys = keys_beside(template, group)
        if isinstance(keys, Refusal):
            return keys
        fitting = group.secret or (None if awaited else fitting_secret(template, group, allowed))
        secret, key = fitting or (draft.unique(wanted), "" if keys is None else "password")
        if fitting is None:
            refused = refused or add_secret(draft, context, parameter, group, secret, allowed, keys)
        if refused is not None:
            return refused
        if key:
            add_attachments(draft, group, secret)
        draft.point(group.uses, secret, key)
        add_rotation(draft, context, group, secret)
        draft.follow_ups += follow_ups(template, group, secret)
        secrets.append(secret)
    add_outputs(draft, context, secrets, asked=parameter in context.family.shown)
    return secrets, found


def first_owner(group: Group) -> str:
    """Return the database of a group, or the resource that logs in with its password."""
    return next(iter(group.owners), group.main.resource)
