"""Nulls that CloudFormation refuses go, with their keys.

`null` and `~` are nulls, and so is nothing behind a key. Where the key is known to be optional it
is removed: a section but `Resources`; an attribute of a parameter, resource or output; a property
that the resource's type does not require; a part of the console's interface. A section with
comments below it becomes `{}`, so that they stay. `Fn::GetAZs` of nothing becomes that of `""`,
which means the same: the stack's Region.

Why
    CloudFormation refuses the template: `[/Resources/Web/Properties/Tags] 'null' values are not
    allowed in templates`.

Consequence
    `safe`: a template in this state was never deployed.

Not repaired
    A null that the template needs a value for (a `Type`, a `Value`, a required property), that
    stands in a list or within a property, or that may mean something (a state machine, an event
    pattern, metadata, what a custom resource gets). An empty `Default` or `NoEcho`: what was meant
    decides whether somebody has to type a value, and who may read it. A property with nothing at
    all behind it: `BucketEncryption:` may be the beginning of something that is missing, and
    without the key the template would deploy without it. So with a `Condition` and the policies
    that decide whether a resource survives its stack.

    Not looked at is what a macro may see: a template with another `Transform` than SAM's or
    `AWS::Include` (`AWS::LanguageExtensions` removes nulls itself), what stands beside an
    `Fn::Transform`, and the resources and globals of SAM, which takes some nulls for nothing.

See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from remediator.model import (
    Context,
    Finding,
    Fix,
    Operation,
    Path,
    Refusal,
    Remove,
    Replace,
    Value,
    value_at,
)
from remediator.template import Template, holds_null, walk
from remediator.transform import Transform

INTERFACE: Path = ("Metadata", "AWS::CloudFormation::Interface")
_SECTIONS = {
    *("AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings"),
    *("Conditions", "Transform", "Outputs", "Hooks"),
}
_MAY_BE_EMPTY = {"Metadata", "Parameters", "Mappings", "Conditions", "Outputs", "Properties"}
_ATTRIBUTES = {
    "Parameters": {
        *("AllowedPattern", "AllowedValues", "ConstraintDescription", "Description"),
        *("MaxLength", "MaxValue", "MinLength", "MinValue"),
    },
    "Resources": {
        *("DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"),
        *("CreationPolicy", "UpdatePolicy"),
    },
    "Outputs": {"Description", "Condition"},
}
_NEEDED = {"Parameters": "Type", "Resources": "Type", "Outputs": "Value"}
_UNDECIDED = {
    "Default": "without the key somebody has to give a value, `''` is the empty text: write which "
    "is meant",
    "NoEcho": "without the key everybody may read the value: write true or false",
}
# What decides whether a resource exists, and whether it survives its stack.
_DECISIVE = {"Condition", "DeletionPolicy", "UpdateReplacePolicy"}
# Properties that hold a language of their own, in which a null may be a word.
_FREE_FORM = re.compile(r"(Definition|Document|Pattern|Body|Policy|Schema)s?(V2)?$")


def check(template: Template, context: Context) -> Iterator[Finding]:
    """Yield a finding for every null that can go, and one for the others of each place."""
    left: dict[tuple[Path, str], _Left] = {}
    for path in _nulls(template):
        repair = _repair(template, context, path)
        if isinstance(repair, Refusal):
            place = path[:4] if path[2:3] == ("Properties",) else path[:2]
            left.setdefault((place, repair.code), _Left(repair, [])).paths.append(path)
        elif isinstance(repair, Remove):
            title = f"{_name(path)} goes, which has no value"
            yield Finding(path, _message(path), fix=Fix(title, (repair,)))
        else:
            value = "''" if repair.value == "" else "{}"
            title = f"{_name(path)} becomes {value}, which means the same"
            yield Finding(path, _message(path), fix=Fix(title, (repair,)))
    for each in left.values():
        first, *others = each.paths
        more = f" (and {len(others)} more places there)" if others else ""
        yield Finding(first, _message(first) + more, refusal=each.refusal)


class _Left(NamedTuple):
    """The nulls of one property, or one entry of a section, that are left for the same reason."""

    refusal: Refusal
    paths: list[Path]


def _message(path: Path) -> str:
    return f"{_name(path)} has no value, and CloudFormation refuses a null"


def _name(path: Path) -> str:
    return ".".join(map(str, path))


def _nulls(template: Template) -> Iterator[Path]:
    """Yield where the template has a null that CloudFormation sees as it stands."""
    if not holds_null(template.data):
        return  # nearly always, and found in a fraction of the time
    if not all(map(_keeps_nulls, _macros(template.data.get("Transform")))):
        return
    hidden: Path | None = None
    for path, value in walk(template.data):
        if hidden is not None and path[: len(hidden)] == hidden:
            continue
        if _is_hidden(template, path, value):
            hidden = path
        elif value is None and not _is_of_export(path):
            yield path


def _macros(transform: Value) -> Iterator[Value]:
    for each in transform if isinstance(transform, list) else [transform]:
        yield each.get("Name") if isinstance(each, dict) else each


def _keeps_nulls(macro: Value) -> bool:
    return macro is None or macro == "AWS::Include" or str(macro).startswith("AWS::Serverless-")


def _is_hidden(template: Template, path: Path, value: Value) -> bool:
    """Tell whether a macro sees a value before CloudFormation does."""
    if path == ("Globals",) or (isinstance(value, dict) and "Fn::Transform" in value):
        return True
    of_sam = template.type_of(str(path[1])) if len(path) == 2 and path[0] == "Resources" else ""
    return of_sam.startswith("AWS::Serverless::")


def _is_of_export(path: Path) -> bool:
    return path[0] == "Outputs" and path[2:] in (("Export",), ("Export", "Name"))


def _repair(template: Template, context: Context, path: Path) -> Operation | Refusal:
    """Return what takes a null away, or why it has to stay."""
    if path[-1] == "Fn::GetAZs":
        return Replace(path, "")
    if path[:2] == INTERFACE and path[-2] != "Parameters":
        return _without(template, path)
    if len(path) == 1:
        return _without(template, path) if path[0] in _SECTIONS else _unknown("no section has it")
    if path[0] in ("Parameters", "Outputs") and len(path) == 3:
        return _attribute(template, path)
    if path[0] == "Resources" and len(path) == 3:
        properties = path[2] == "Properties"
        return _properties(template, context, path) if properties else _attribute(template, path)
    if path[0] == "Resources" and len(path) == 4 and path[2] == "Properties":
        return _properties(template, context, path)
    return _inner(template, path)


def _attribute(template: Template, path: Path) -> Operation | Refusal:
    section, attribute = str(path[0]), str(path[2])
    owner = value_at(template.data, path[:2])
    if attribute in _UNDECIDED and section == "Parameters":
        return Refusal("null-undecided", _UNDECIDED[attribute])
    if not isinstance(owner, dict) or owner.get(_NEEDED[section]) is None:
        return _needed(path)
    if attribute not in _ATTRIBUTES[section]:
        return _unknown(f"{section} have no attribute {attribute}")
    if attribute in _DECISIVE and not _is_written(template, path):
        return _unfinished()
    return _without(template, path)


def _needed(path: Path) -> Refusal:
    needed = _NEEDED[str(path[0])]
    return Refusal("null-required", f"{path[1]} needs a {needed}: write it, or remove {path[1]}")


def _properties(template: Template, context: Context, path: Path) -> Operation | Refusal:
    """Decide on `Properties` or one of them by what the type requires."""
    kind = template.type_of(str(path[1]))
    required = context.required().get(kind)
    if _is_custom(kind):
        if len(path) == 3:
            reason = f"{kind} needs at least its ServiceToken"
            return Refusal("null-required", reason)
        return _meaning(f"what the function behind {kind} makes of it is not known")
    if required is None:
        return _unknown(f"what {kind or 'a resource without a Type'} requires is not known")
    if path[-1] in required or (len(path) == 3 and required):
        names = path[-1] if len(path) == 4 else ", ".join(sorted(required))
        return Refusal("null-required", f"{kind} may not do without {names}: write a value")
    if not _is_written(template, path):
        return _unfinished()
    return _without(template, path)


def _unfinished() -> Refusal:
    reason = "nothing is written behind it, so a value may be missing: write it, or remove the key"
    return Refusal("null-unfinished", reason)


def _is_written(template: Template, path: Path) -> bool:
    """Tell whether a null is there as a word; one that a merge key brings counts as such."""
    try:
        node = template.document.node(path)
    except KeyError:
        return True
    return bool(node.start_mark.index != node.end_mark.index)


def _inner(template: Template, path: Path) -> Refusal:
    """Return why a null below an attribute, a property or a section stays."""
    if isinstance(path[-1], int):
        branch = path[-2] == "Fn::If"
        way = "write `!Ref AWS::NoValue`" if branch else "remove the item, or write its value"
        return Refusal("null-in-list", f"it stands in a list, where its place may count: {way}")
    if len(path) == 2 and path[0] in _NEEDED:
        return _needed(path)
    if path[0] in ("Mappings", "Conditions", "Rules"):
        what = "value, if only `''`" if path[0] == "Mappings" else "definition"
        return Refusal("null-required", f"it needs a {what}: write it, or remove the whole entry")
    if str(path[-1]).startswith("Fn::") or path[-1] == "Ref":
        return Refusal("null-required", f"{path[-1]} needs an argument")
    custom = path[0] == "Resources" and _is_custom(template.type_of(str(path[1])))
    steps = path[3:-1] if path[0] == "Resources" else path
    if custom or "Metadata" in path or any(_FREE_FORM.search(str(step)) for step in steps):
        return _meaning("it may mean something to what reads it")
    return _unknown("whether it may be left out there is not known")


def _is_custom(kind: str) -> bool:
    return kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource"


def _meaning(why: str) -> Refusal:
    return Refusal("null-free-form", f"{why}: write the whole as JSON text, or remove the key")


def _unknown(why: str) -> Refusal:
    return Refusal("null-unknown", f"{why}: remove the key, or write a value")


def _without(template: Template, path: Path) -> Operation | Refusal:
    """Return what removes an entry, and no comment that stands below it."""
    if not _has_comments_below(template, path):
        return Remove(path)
    if path[-1] in _MAY_BE_EMPTY:
        return Replace(path, {})
    reason = "the comments below it would go with it: write a value, or move them and run again"
    return Refusal("null-above-comments", reason)


def _has_comments_below(template: Template, path: Path) -> bool:
    """Tell whether comments in deeper columns follow a key: what it once held, most often."""
    if template.document.is_json:
        return False
    line, column = template.document.place(path)
    lines = template.document.lines
    while line < len(lines):
        content = lines[line].lstrip(" ")
        if content.startswith("#"):
            return len(lines[line]) - len(content) >= column
        if content:
            return False
        line += 1
    return False


def _look(text: str) -> bool:
    from ._null_look import may_hold_null  # what is named is parsed without a look

    return may_hold_null(text)


TRANSFORM = Transform(
    id="null-values",
    title="A null that CloudFormation refuses goes",
    check=check,
    triggers=(_look,),
)
