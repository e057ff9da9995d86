"""Exports without a name get one.

An `Export` needs a `Name`. One that was left empty gets the name that the other exports of the
template follow, or the stack's name and the output's.

Why
    CloudFormation refuses the template: `[/Outputs/KMSKeyId/Export] 'null' values are not allowed
    in templates`, or `The Name field of every Export member must be specified`.

Consequence
    `safe`: a template in this state was never deployed, so nothing imports the export yet.

Not repaired
    An export that has a name, even a wrong one: other stacks may import it. An export that is
    no mapping.

See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/outputs-section-structure.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from remediator.conditions import literal
from remediator.model import Context, Finding, Fix, Operation, Path, Refusal, Replace, Value
from remediator.template import SUB_VARIABLE, Template, sub_variables
from remediator.transform import Transform

from ._conventions import kebab
from ._secrets import NO_VALUE, flattened

LONGEST = 255
"""Characters of an export's name, before its variables are put in (AWS: quotas)."""


def check(template: Template, context: Context) -> Iterator[Finding]:
    """Yield a finding for every export without a name."""
    names = _names(template)
    taken = set(names.values())
    for output, definition in template.outputs.items():
        if not isinstance(definition, dict) or "Export" not in definition:
            continue
        export = definition["Export"]
        path: Path = ("Outputs", output, "Export")
        name = export.get("Name") if isinstance(export, dict) else None
        if name and name != NO_VALUE:
            continue
        message = f"the export of {output} has no name"
        if not (export is None or (isinstance(export, dict) and set(export) <= {"Name"})) or name:
            reason = "what stands there is no export: write a mapping with the key Name"
            yield Finding(path, message, refusal=Refusal("export-malformed", reason))
            continue
        name = _name(template, names, output)
        if name in taken:
            reason = f"the name {name} is taken by another export of this template"
            yield Finding(path, message, refusal=Refusal("name-taken", reason))
            continue
        taken.add(name)
        fix = Fix(f"the export is named {name}", (_operation(path, export, {"Fn::Sub": name}),))
        yield Finding(path, message, fix=fix)


def _operation(path: Path, export: Value, name: Value) -> Operation:
    if isinstance(export, dict) and "Name" in export:
        return Replace((*path, "Name"), name)
    return Replace(path, {"Name": name})


def _names(template: Template) -> Mapping[str, str]:
    """Return the names that the exports of a template have, as texts of `Fn::Sub`."""
    found = {}
    for output, definition in template.outputs.items():
        export = definition.get("Export") if isinstance(definition, dict) else None
        name = flattened(export.get("Name")) if isinstance(export, dict) else "\0"
        if name and "\0" not in name:
            found[output] = name
    return found


def _name(template: Template, names: Mapping[str, str], output: str) -> str:
    """Return the name that the convention of the others gives, else the stack's and the output's.

    A convention is a frame around the output's key that two exports and two thirds of them
    share, and that differs from stack to stack.
    """
    frames: Counter[tuple[str, str, bool]] = Counter()
    for other, name in names.items():
        for lower, key in ((False, other), (True, kebab(other))):
            before, found, after = name.partition(key)
            if found and _varies(template, before + after):
                frames[before, after, lower] += 1
                break
    for (before, after, lower), count in frames.most_common(1):
        if count >= 2 and count * 3 >= len(names) * 2:
            name = before + (kebab(output) if lower else output) + after
            if len(name) <= LONGEST:
                return name
    return "${AWS::StackName}-" + output


def _varies(template: Template, text: str) -> bool:
    """Tell whether a text has variables, all of which may stand in an export's name."""
    variables = sub_variables(text)
    parts = SUB_VARIABLE.sub("", text)
    return (
        bool(variables)
        and all(v.startswith("AWS::") or v in template.parameters for v in variables)
        and (literal(parts) or "").isascii()
    )


TRANSFORM = Transform(
    id="export-names",
    title="An export without a name gets one",
    check=check,
    triggers=("Export",),
)
