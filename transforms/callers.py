"""What a template no longer takes is no longer given to it.

Another repair may take a parameter away. Who gives it a value loses that in the same run: a parent
stack its argument, with the parameter that it came from if nothing else uses that, up to the root;
a parameter file or the settings of a deployment tool its entry. All of these files change, or none.

Why
    CloudFormation refuses a value for a parameter that a template does not declare: `Parameters:
    [DBPassword] do not exist in the template`.

Consequence
    `safe` by itself: what it means is said with the repair that took the parameter away. A password
    that was written out there stays in the history of git, and must not be used again.

Not repaired
    A value that is already a reference to a secret or to the parameter store; one that also goes
    to what would keep the old password; one that a macro may use. Then the parameter stays where
    it is. Scripts, workflows and documents are not changed: they are named, with their lines.

See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from remediator.model import (
    OLD_PASSWORD,
    Add,
    Context,
    Fate,
    Finding,
    Fix,
    Path,
    Refusal,
    Remove,
    Value,
    value_at,
)
from remediator.template import Kind, Template, flattened, section_of
from remediator.transform import Transform

from ._findings import caller_refusal, macro_refusal, tell_gone
from ._plan import Draft
from ._rules import rule_edits, twins_of

_PRODUCT = "AWS::ServiceCatalog::CloudFormationProvisionedProduct"
"""https://docs.aws.amazon.com/servicecatalog/latest/adminguide/productmgmt-update.html"""


class Gone(NamedTuple):
    """An argument that is no longer taken: the place of its entry, and of its value."""

    path: Path
    value: Path
    stack: str
    parameter: str
    sources: frozenset[str]
    """The parameters of the template itself that its value comes from."""


def check(template: Template, context: Context) -> Iterator[Finding]:
    """Yield a finding for all arguments that come from one parameter, and for each other one."""
    for group in _groups(_gone(template, context)):
        message = _message(context, group)
        found = _repair(template, context, group)
        if isinstance(found, Refusal):
            for each in group:
                masked = tuple(_literals(value_at(template.data, each.value)))
                yield Finding(each.path, message, refusal=found, masked=masked)
        else:
            values = (value_at(template.data, each.value) for each in group)
            masked = tuple(text for value in values for text in _literals(value))
            yield Finding(group[0].path, message, fix=found, masked=masked)


def _literals(value: Value) -> Iterator[str]:
    """Yield what is written out in the value of a password, of all branches of an `Fn::If`."""
    if isinstance(value, str) and "{{resolve:" not in value:
        yield value
    branches = value.get("Fn::If") if isinstance(value, dict) else None
    for branch in branches[1:] if isinstance(branches, list) else ():
        yield from _literals(branch)


def _gone(template: Template, context: Context) -> Iterator[Gone]:
    if not context.family.nested:
        return
    from remediator.arguments import arguments

    for stack in template.resources:
        nested = context.family.nested.get(stack)
        for each in arguments(template, stack) if nested is not None else ():
            if nested is not None and each.name in nested.gone:
                sources = frozenset(
                    name for name in template.parameters if _used_below(template, name, each.value)
                )
                yield Gone(each.path, each.value, stack, each.name, sources)


def _used_below(template: Template, name: str, path: Path) -> bool:
    return any(each.path[: len(path)] == path for each in template.references_to(name))


def _groups(arguments: Iterator[Gone]) -> list[list[Gone]]:
    """Return the arguments by what they come from: those with a source in common stay together."""
    groups: list[list[Gone]] = []
    for argument in arguments:
        akin = [g for g in groups if any(each.sources & argument.sources for each in g)]
        groups = [g for g in groups if g not in akin]
        groups.append([each for g in akin for each in g] + [argument])
    return groups


def _message(context: Context, group: list[Gone]) -> str:
    nested = context.family.nested
    names = [
        f"{each.stack} passes {each.parameter}, which {nested[each.stack].template} takes no more"
        for each in group
    ]
    return "; ".join(dict.fromkeys(names))


def _repair(template: Template, context: Context, group: list[Gone]) -> Fix | Refusal:
    for argument in group:
        refused = _argument_refusal(template, context, argument)
        if refused is not None:
            return refused
    draft = Draft(template)
    draft.operations += [Remove(argument.path) for argument in group]
    for argument in group:
        for name, value in context.family.nested[argument.stack].added:
            place = argument.path[:-1]
            add = Add((*place, name), value, after=argument.parameter)
            if name not in section_of(template.properties(argument.stack), "Parameters"):
                draft.operations += [] if add in draft.operations else [add]
    for stack in dict.fromkeys(each.stack for each in group):
        if template.type_of(stack) == _PRODUCT:
            name = context.family.nested[stack].template
            draft.follow_ups.append(
                f"Publish a new version of the product, made from {name}, and name it in {stack} "
                "(ProvisioningArtifactName): an older one keeps the template that it was made from"
            )
    if any(any(_literals(value_at(template.data, each.value))) for each in group):
        draft.follow_ups.append(OLD_PASSWORD)
    gone = []
    for source in sorted({source for argument in group for source in argument.sources}):
        places = [argument.path for argument in group]
        if _served_only(template, source, places):
            gone += _drop(draft, context, source, {each.parameter for each in group})
        elif asking := _asking(template, source, places):
            draft.follow_ups.append(
                f"{source} passes its value to nobody any more, and stays since {asking} for it: "
                "a switch of its own would say what is meant"
            )
    lost = dict.fromkeys(f"{each.stack} no longer gets {each.parameter}" for each in group)
    added = [each.path for each in draft.operations if isinstance(each, Add)]
    title = ", ".join((*lost, *(f"{path[1]} gets {path[-1]} instead" for path in added)))
    if gone:
        several = len(gone) > 1
        title += f"; the parameter{'s' if several else ''} {' and '.join(gone)} "
        title += "go" if several else "goes"
    return Fix(
        title,
        draft.plan(),
        follow_ups=tuple(draft.follow_ups),
        mentions=tuple(draft.mentions),
    )


def _argument_refusal(template: Template, context: Context, argument: Gone) -> Refusal | None:
    """Return why an argument has to stay: what it comes from is no password that somebody types."""
    text = flattened(value_at(template.document.data, argument.value))
    if "{{resolve:" in text:
        return Refusal(
            "given-a-reference",
            f"{argument.stack} passes a dynamic reference as {argument.parameter}: its password "
            "is in a secret already",
        )
    for source in sorted(argument.sources):
        definition = template.parameter(source)
        kind, default = str(definition.get("Type")), str(definition.get("Default"))
        if kind.startswith("AWS::SSM::") or "{{resolve:" in default:
            return Refusal(
                "given-a-reference",
                f"{argument.stack} gets {argument.parameter} from {source}, which reads it from "
                "where it is kept already",
            )
        refused = context.family.kept.get(source) or macro_refusal(template, source)
        if refused is None:
            refused = caller_refusal(context, source)
            if refused is not None and refused.code == "passed-by-caller":
                refused = None  # the parameter stays, but passes its value to nobody
        if refused is not None:
            return refused
    return None


def _served_only(template: Template, source: str, gone: list[Path]) -> bool:
    """Tell whether a parameter serves nothing but what goes."""
    rules = rule_edits(template, source) is not None
    return all(
        each.kind is Kind.NAME
        or (each.path[0] == "Rules" and rules)
        or any(each.path[: len(path)] == path for path in gone)
        for each in template.references_to(source)
    )


def _asking(template: Template, source: str, gone: list[Path]) -> str:
    """Return which conditions and rules ask for a parameter that serves nothing else any more,
    with their verb; empty where something else uses it."""
    uses = [
        each.path
        for each in template.references_to(source)
        if each.kind is not Kind.NAME and not any(each.path[: len(path)] == path for path in gone)
    ]
    if any(path[0] not in ("Conditions", "Rules") for path in uses):
        return ""
    names = list(dict.fromkeys(str(path[1]) for path in uses))
    return f"{' and '.join(names)} {'asks' if len(names) == 1 else 'ask'}"


def _drop(draft: Draft, context: Context, source: str, taken: set[str]) -> list[str]:
    """Drop a parameter that serves nothing any more, unless somebody goes on giving it a value.

    Where else a name stands is told with the template that lost it first: that of a nested stack
    that has `taken` one of the same name.
    """
    names = (source, *twins_of(draft.template, source))
    blocked = [c for n in names for c in context.callers.get(n, ()) if c.fate is Fate.BLOCKS]
    if blocked:
        places = ", ".join(f"{c.file}:{c.line} ({c.how})" for c in blocked[:3])
        draft.follow_ups.append(
            f"{source} serves nothing any more: take it out of {places}, then of this template"
        )
        return []
    draft.drop_parameter(source)
    tell_gone(draft, context, source, taken)
    return [source]


TRANSFORM = Transform(
    id="callers",
    title="What a template no longer takes is no longer given to it",
    check=check,
)
