"""Exports without a name get one.

An `Export` needs a `Name`. One that was left empty gets the name that another template of the
repository imports, if just one fits the output; else the one that the other exports of the
template follow; else the stack's name and the output's. A name in the place of the mapping moves
into it: `Export: !Sub '${AWS::StackName}-Arn'` becomes `Export:` with that `Name`.

Why
    CloudFormation refuses the template: `[/Outputs/KMSKeyId/Export] 'null' values are not allowed
    in templates`, or `The Name field of every Export member must be specified`.

Consequence
    `safe`: a template in this state was never deployed, so nothing imports the export yet.

Not repaired
    An export that has a name, even a wrong one: other stacks may import it. Reported is a name
    that CloudFormation is sure to refuse: one that two outputs share, that holds other characters
    than letters, digits, colons and hyphens, or that depends on a resource. An export that is no
    mapping and no name.

See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/outputs-section-structure.html
"""

from __future__ import annotations

from collections.abc import Iterator

from remediator.model import Context, Finding, Fix, Operation, Path, Refusal, Replace, Value
from remediator.template import Template
from remediator.transform import Transform

from ._export_names import Names, name_refusal
from ._secrets import NO_VALUE


def check(template: Template, context: Context) -> Iterator[Finding]:
    """Yield a finding for every export without a name, or with one that is sure to be refused."""
    names = Names(template, context)
    for output, definition in template.outputs.items():
        if not isinstance(definition, dict) or "Export" not in definition:
            continue
        export = definition["Export"]
        path: Path = ("Outputs", output, "Export")
        if isinstance(export, dict) and _is_name(export.get("Name")):
            refused = name_refusal(template, names, output, export["Name"])
            if refused is not None:
                message = f"the export of {output} has a name that CloudFormation refuses"
                yield Finding((*path, "Name"), message, refusal=refused)
        elif _is_function(export) or (isinstance(export, str) and export):
            yield _moved(template, names, output, export)
        elif _is_empty(export):
            yield _named(names, output, export)
        else:
            reason = "what stands there is no export: write a mapping with the key Name"
            message = f"the export of {output} has no name"
            yield Finding(path, message, refusal=Refusal("export-malformed", reason))


def _is_name(value: Value) -> bool:
    """Tell whether a value is meant as a name, right or wrong."""
    if isinstance(value, (str, int, float)):
        return value != ""
    return _is_function(value) and value != NO_VALUE


def _is_function(value: Value) -> bool:
    return (
        isinstance(value, dict)
        and len(value) == 1
        and all(key == "Ref" or key.startswith("Fn::") for key in value)
    )


def _is_empty(export: Value) -> bool:
    if isinstance(export, dict) and set(export) <= {"Name"}:
        return export.get("Name") in (None, "", NO_VALUE)
    return export in (None, "")


def _moved(template: Template, names: Names, output: str, export: Value) -> Finding:
    """Return the finding for a name that stands where its mapping should."""
    path: Path = ("Outputs", output, "Export")
    message = f"the export of {output} is a name, not a mapping with one"
    if export == NO_VALUE:
        return _named(names, output, None)
    refused = name_refusal(template, names, output, export)
    if refused is not None:
        return Finding(path, message, refusal=refused)
    fix = Fix("the name moves below Export, as its Name", (Replace(path, {"Name": export}),))
    return Finding(path, message, fix=fix)


def _named(names: Names, output: str, export: Value) -> Finding:
    """Return the finding for an export without any name."""
    path: Path = ("Outputs", output, "Export")
    message = f"the export of {output} has no name"
    name = names.new(output)
    if isinstance(name, Refusal):
        return Finding(path, message, refusal=name)
    value: Value = {"Fn::Sub": name} if "${" in name else name
    fix = Fix(f"the export is named {name}", (_operation(path, export, value),))
    return Finding(path, message, fix=fix)


def _operation(path: Path, export: Value, name: Value) -> Operation:
    if isinstance(export, dict) and "Name" in export:
        return Replace((*path, "Name"), name)
    return Replace(path, {"Name": name})


def _look(text: str) -> bool:
    from ._export_look import may_be_unnamed  # what is named is parsed without a look

    return may_be_unnamed(text)


TRANSFORM = Transform(
    id="export-names",
    title="An export without a name gets one",
    check=check,
    triggers=(_look,),
)
