"""The strategy `reference`: the template reads a secret that holds the current password.

Nothing rotates: the same value arrives by another way. The secret is not the stack's, so a person
makes it before the deployment, with a script that asks for the value.
"""

from __future__ import annotations

from remediator.model import Consequence, Context, Refusal, Replace, Seed, value_at
from remediator.template import sub_parts, sub_variables

from ._create_only import is_replaced
from ._naming import defaults, name_to_read
from ._plan import Draft
from ._secrets import SECRET
from ._uses import Role, Use

# What stands in the way of a generated password only.
_ONLY_GENERATED = frozenset({"external-credential", "composed-credential"})


def is_only_for_generated(refusal: Refusal) -> bool:
    """Tell whether a refusal says no more than that the password cannot be a generated one."""
    return refusal.code in _ONLY_GENERATED


def readable(uses: tuple[Use, ...]) -> tuple[Use, ...]:
    """Return uses without the refusals that are only for generated passwords."""
    return tuple(
        use._replace(role=Role.EXTERNAL, refusal=None)
        if use.refusal is not None and is_only_for_generated(use.refusal)
        else use
        for use in uses
    )


def refer(
    draft: Draft, context: Context, parameter: str, uses: tuple[Use, ...], words: str
) -> str | Refusal:
    """Let all uses of a password read one secret by its name; return that, or why it cannot be.

    `words` say what the secret holds, in CamelCase.
    """
    template = draft.template
    inside = next((use.resource for use in uses if template.type_of(use.resource) == SECRET), None)
    if inside is not None:
        return Refusal(
            "hand-made-secret",
            f"{inside} holds the password itself, and no reference is resolved within a secret: "
            f"make {inside} outside of the template and let its readers read it by its name",
        )
    name = name_to_read(template, context, words, parameter)
    if isinstance(name, Refusal):
        return name
    text = "{{resolve:secretsmanager:%s}}" % name
    for use in uses:
        if use.role is Role.INTERFACE:
            continue
        value = value_at(template.document.data, use.path)
        if not use.reference.target or not isinstance(value, dict):  # a literal
            draft.operations.append(Replace(use.path, {"Fn::Sub": text}))
            continue
        _, local = sub_parts(value.get("Fn::Sub"))
        if set(local) & set(sub_variables(name)):
            where = f"{use.resource}.{use.path[3]}"
            return Refusal("name-taken", f"{where}: a variable of Fn::Sub hides one in {name}")
        draft.rewrite(use.path, use.reference.target, text)
    draft.seeds.append(_seed(draft, name, parameter, uses))
    draft.follow_ups += _follow_ups(draft, context, name, parameter, uses)
    return name


def _labels(uses: tuple[Use, ...]) -> str:
    return ", ".join(dict.fromkeys(use.slot.label for use in uses if use.slot is not None))


def _seed(draft: Draft, name: str, parameter: str, uses: tuple[Use, ...]) -> Seed:
    label = f"the parameter {parameter}" if parameter else _labels(uses)
    kinds = {use.slot.credential.kind for use in uses if use.slot is not None}
    several_lines = bool(kinds & {"private-key", "certificate"})
    return Seed(name, label, defaults(draft.template, name), several_lines)


def _follow_ups(
    draft: Draft, context: Context, name: str, parameter: str, uses: tuple[Use, ...]
) -> list[str]:
    found = [
        f"Before the deployment, make the secret {name} with the current value of "
        f"{parameter or _labels(uses)}, as it is and not as JSON: the script that --seed-script "
        "writes asks for it"
    ]
    unsure = [use for use in uses if is_replaced(draft.template, context, use) is None]
    if unsure:
        names = ", ".join(dict.fromkeys(use.resource for use in unsure))
        found.append(
            f"Look at the change set: the value of {names} stays, its text changes, and a property "
            "that cannot be changed makes CloudFormation replace its resource"
        )
    return found


def effect(uses: tuple[Use, ...]) -> tuple[Consequence, str]:
    """Return what reading the same value from a secret does to a live stack, and why."""
    replaced = [u.resource for u in uses if u.slot is not None and u.slot.credential.replaces]
    if not replaced:
        return Consequence.SAFE, ""
    names = ", ".join(dict.fromkeys(replaced))
    return (
        Consequence.REPLACES,
        f"CloudFormation compares texts, and this property of {names} cannot be changed, so the "
        "resource is replaced by a new one though its value stays",
    )
