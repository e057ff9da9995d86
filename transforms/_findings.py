"""What a check says of a password: why it has to stay, or the plan that repairs it."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace

from remediator.conditions import TooManyConditions, literal
from remediator.model import (
    Caller,
    Consequence,
    Context,
    Fate,
    Finding,
    Fix,
    Mention,
    Path,
    Refusal,
)
from remediator.template import Macro, Template

from ._groups import groups
from ._placeholders import preprocessed
from ._plan import Draft
from ._positions import is_run_by_a_machine, together
from ._rules import twins_of
from ._uses import Role, Use

_FEW = 5
"""Files that are named where a parameter is mentioned; the report as JSON names all."""


def parameter_refusal(
    template: Template, context: Context, name: str, uses: tuple[Use, ...]
) -> Refusal | None:
    """Return why a parameter must stay whatever its secret would be: a use, a caller, a macro."""
    refused = _use_refusal(template, name, uses)
    if refused is not None and context.settings.strategy != "generated":
        return replace(refused, advice="")  # it would name a secret that is not made then
    if refused is not None:
        return refused
    if name in template.parameters and template.parameter(name).get("Type") != "String":
        return Refusal("parameter-type", f"{name} is not of the type String")
    if "AllowedValues" in template.parameter(name):
        return Refusal("allowed-values", f"{name} may only be one of its AllowedValues")
    owners = (use.resource for use in uses if use.slot is not None)
    refused = macro_refusal(template, name) or preprocessed(template, owners)
    if refused is not None:
        return refused
    for each in (name, *twins_of(template, name)):
        refused = context.family.kept.get(each) or caller_refusal(context, each)
        if refused is not None:
            return refused
    return None


def caller_refusal(context: Context, name: str) -> Refusal | None:
    """Return why a parameter must stay because of who gives it its value."""
    callers = [each for each in context.callers.get(name, ()) if each.fate is Fate.BLOCKS]
    if not callers:
        return None
    reasoned = next((each for each in callers if each.code), None)
    if reasoned is not None:
        place = f"{reasoned.file}:{reasoned.line} ({reasoned.how})"
        return Refusal(reasoned.code, f"{place} {reasoned.why}")
    places = ", ".join(f"{c.file}:{c.line} ({c.how})" for c in callers[:3])
    more = f" and {len(callers) - 3} more" if len(callers) > 3 else ""
    names, breaks = ("names", "breaks") if len(callers) == 1 else ("name", "break")
    way = next((f"{each.why}, or " for each in callers if each.why), "")
    return Refusal(
        "passed-by-caller",
        f"{places}{more} {names} {name} for this template, and {breaks} when the parameter is "
        f"gone: {way}remove it there, then run again",
    )


def tell_gone(draft: Draft, context: Context, name: str, known: Container[str] = ()) -> None:
    """Tell what is to be done about a parameter that goes, and about those that only confirmed it:
    their callers, their old defaults, and where else they are named, but for the `known` names."""
    for each in (name, *twins_of(draft.template, name)):
        draft.follow_ups += [
            _follow_up(each, caller)
            for caller in context.callers.get(each, ())
            if caller.fate is not Fate.EDITED
        ]
        if literal(draft.template.parameter(each).get("Default")):
            draft.follow_ups.append(
                f"The default of {each} stays in the history of git: use it nowhere else"
            )
        mentions = () if each in known else context.mentions(each)
        if mentions:
            draft.mentions += mentions
            draft.follow_ups.append(f"Bring up to date what names {each}: {_places(mentions)}")


def _places(mentions: tuple[Mention, ...]) -> str:
    """Return the places of some mentions: `README.md:3, 12, docs/a.md:4 and 2 more files`."""
    lines: dict[str, list[int]] = {}
    for mention in mentions:
        lines.setdefault(mention.file, []).append(mention.line)
    places = [f"{file}:{', '.join(map(str, own[:3]))}" for file, own in lines.items()]
    more = len(places) - _FEW
    further = f" and {more} more file{'s' if more > 1 else ''}" if more > 0 else ""
    return ", ".join(places[:_FEW]) + further


def _follow_up(name: str, caller: Caller) -> str:
    place = f"{caller.file}:{caller.line} ({caller.how})"
    fails = "before the deployment: it fails once the parameter is gone"
    if caller.guess:
        what = f"take {name} out of it {fails}" if caller.breaks else f"drop {name} from it"
        return f"If {place} means this template, {what}"
    if not caller.breaks:
        return f"Drop {name} from {place}, which ignores it from now on"
    return f"Take {name} out of {place} {fails}"


def _use_refusal(template: Template, name: str, uses: tuple[Use, ...]) -> Refusal | None:
    """Return why the uses of a parameter keep it, with what to paste if one secret serves all."""
    refused = together(template, name, [use.refusal for use in uses if use.refusal is not None])
    owners = dict.fromkeys(use.resource for use in uses if use.role is Role.CREDENTIAL)
    if refused is None or not refused.advice or not owners:
        return refused
    found = groups(template, uses)
    if not isinstance(found, tuple):
        return refused
    if len(found) > 1:
        reason = f"{', '.join(owners)} would get a secret each: first give each a parameter of its "
        return Refusal(refused.code, f"{refused.reason}; {reason}own")
    [group] = found
    for use in uses:
        if not is_run_by_a_machine(use.path):
            continue
        if not template.conditions.implies((template.presence(use.path),), group.presence):
            reason = f"{use.resource} stands also where {' and '.join(owners)} takes no password "
            reason += "from here and no secret is there to read: keep the parameter, or give it "
            return Refusal(refused.code, f"{refused.reason}; {reason}the same condition first")
    return refused


def macro_refusal(template: Template, name: str) -> Refusal | None:
    """Return why a macro keeps a password as it is, if the template has one that is unknown."""
    macro = next((m for m in template.macros if not _known_macro(m)), None)
    if macro is None:
        return None
    if macro.name == "AWS::Include":
        return Refusal(
            "macro",
            f"AWS::Include puts in {macro.location}, which may name {name} and cannot be seen "
            "from here",
        )
    return Refusal(
        "macro", f"what the macro {macro.name} does with {name} cannot be seen from the template"
    )


def _known_macro(macro: Macro) -> bool:
    if macro.name == "AWS::Include":
        return not macro.location  # a bare name in a list of transforms: it includes nothing
    return macro.name.startswith(
        ("AWS::Serverless", "AWS::LanguageExtensions", "AWS::SecretsManager")
    )


def left(path: Path, message: str, refusal: Refusal, masked: tuple[str, ...]) -> Finding:
    """Return a finding on a password that stays."""
    return Finding(path, message, refusal=refusal, masked=masked)


def decided(
    path: Path, message: str, masked: tuple[str, ...], repair: Callable[[], Finding | Refusal]
) -> Finding:
    """Return what a repair comes to: its finding, or one that is left with the reason."""
    try:
        found = repair()
    except TooManyConditions as error:
        found = Refusal("too-many-conditions", error.message)
    return left(path, message, found, masked) if isinstance(found, Refusal) else found


def fixed(
    draft: Draft,
    path: Path,
    message: str,
    title: str,
    effect: tuple[Consequence, str],
    masked: tuple[str, ...],
) -> Finding:
    """Return a finding on a password with the plan that repairs it."""
    operations = draft.plan()
    follow_ups, seeds = tuple(draft.follow_ups), tuple(draft.seeds)
    fix = Fix(title, operations, effect[0], effect[1], follow_ups, seeds, tuple(draft.mentions))
    return Finding(path, message, fix=fix, masked=masked)
