"""Where a password comes from: the strategy of the settings, for parameters and literals alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from remediator.conditions import literal
from remediator.model import Consequence, Context, Refusal

from ._create_only import with_replaced
from ._groups import Group
from ._managed import effect as managed_effect
from ._managed import manage
from ._plan import Draft
from ._reference import effect as reference_effect
from ._reference import is_only_for_generated, readable, refer
from ._repair import generate
from ._uses import Role, Use
from ._wording import consequence


class Password(NamedTuple):
    """A password that is to come from elsewhere.

    `parameter` is where it came from, empty for a literal. `words` say what it is, in CamelCase.
    `logical_id` names the generated secret of a group, and is told whether there are several.
    """

    parameter: str
    uses: tuple[Use, ...]
    words: str
    logical_id: Callable[[Group, bool], str]


class Repaired(NamedTuple):
    """What a password becomes, in words, and what that does to a live stack."""

    becomes: str
    effect: tuple[Consequence, str]


def usable(context: Context, uses: tuple[Use, ...]) -> tuple[Use, ...]:
    """Return uses as the strategy sees them: an existing secret serves where none is generated."""
    return readable(uses) if context.settings.strategy == "reference" else uses


def stands(context: Context, refusal: Refusal) -> bool:
    """Tell whether a refusal holds under the strategy."""
    return context.settings.strategy != "reference" or not is_only_for_generated(refusal)


def hand_made(context: Context, uses: tuple[Use, ...]) -> Refusal | None:
    """Return why a password that stands in a hand-made secret stays, but where it is generated."""
    strategy = context.settings.strategy
    if strategy == "generated":
        return None
    secrets = ", ".join(dict.fromkeys(use.resource for use in uses if use.role is Role.SECRET))
    way = "let the database and its clients read the service's secret"
    if strategy == "reference":
        way = "let its readers read the secret that is there"
    return Refusal(
        "hand-made-secret",
        f"{secrets} holds the password, and the strategy {strategy} has no secret of the template: "
        f"remove {secrets} and {way}, or use the strategy generated",
    )


def repair(draft: Draft, context: Context, password: Password) -> Repaired | Refusal:
    """Plan where a password comes from; return what it becomes, or why that cannot be."""
    parameter, uses = password.parameter, password.uses
    if context.settings.strategy == "reference":
        name = refer(draft, context, parameter, uses, password.words)
        if isinstance(name, Refusal):
            return name
        effect = with_replaced(draft.template, context, uses, reference_effect(uses))
        return Repaired(f"a reference to the secret {name}", effect)
    if context.settings.strategy == "managed":
        databases = manage(draft, uses)
        if isinstance(databases, Refusal):
            return databases
        named = ", ".join(databases)
        return Repaired(
            f"a password that {named} makes and keeps itself", managed_effect(databases)
        )
    generated = generate(draft, context, parameter, uses, password.logical_id)
    if isinstance(generated, Refusal):
        return generated
    secrets, groups = generated
    template = draft.template
    names = list(dict.fromkeys(secrets))
    becomes = f"the generated secret{'s' if len(names) > 1 else ''} {' and '.join(names)}"
    added = literal(template.parameter(parameter).get("Default")) == ""
    effect = consequence(template, groups, added=added)
    return Repaired(becomes, with_replaced(template, context, uses, effect))
