"""Where a dynamic reference works, and why it does not where it does not.

CloudFormation resolves a reference in the properties of resources, and nowhere else. It does not in
custom resources, and not for what a machine or a function runs: UserData, inline code. Source:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html and
.../dynamic-references-secretsmanager.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from remediator.model import Path, Refusal, Value, value_at
from remediator.template import Reference, Template

from . import _advice as advice
from ._secrets import flattened

_NESTED = {
    "AWS::CloudFormation::Stack": "passed-to-nested-stack",
    "AWS::Serverless::Application": "passed-to-nested-stack",
    "AWS::CloudFormation::StackSet": "passed-to-stack-set",
    "AWS::ServiceCatalog::CloudFormationProvisionedProduct": "passed-to-product",
}
_CODE = ("ZipFile", "InlineCode", "FunctionCode")
_CODE_OF = {
    "AWS::AppSync::FunctionConfiguration": "Code",
    "AWS::AppSync::Resolver": "Code",
    "AWS::Synthetics::Canary": "Script",
}
_NAME = re.compile(r"(?:Name|Identifier|Id)$")
_ONLY_PROPERTIES = "only properties resolve references; remove it there"
_FINAL = ("external-credential", "composed-credential")
"""Reasons that hold whatever else the parameter is used for."""


def together(template: Template, parameter: str, refusals: Sequence[Refusal]) -> Refusal | None:
    """Return the refusals of all uses of a parameter as one, that names every place; None for
    none. A reason that no edit of another use takes away stands alone."""
    if not refusals:
        return None
    final = next((each for each in refusals if each.code in _FINAL), None)
    if final is not None:
        return final
    first, *more = dict.fromkeys(refusals)
    places = list(dict.fromkeys(each.reason.partition(": ")[0] for each in more))
    also = ", ".join(places[:4]) + (f" and {len(places) - 4} more" if len(places) > 4 else "")
    reason = f"{first.reason}; also in the way: {also}" if also else first.reason
    pieces = advice.joined(template, parameter, (each.advice for each in refusals))
    return Refusal(first.code, reason, pieces)


def position_refusal(template: Template, reference: Reference) -> Refusal | None:
    """Return why no dynamic reference can stand at a place, or None where one can."""
    path = reference.path
    if path[0] == "Globals":
        return _value_refusal(template, reference, 1)
    if path[0] != "Resources":
        return _section_refusal(template, reference)
    kind = template.type_of(str(path[1]))
    if str(path[1]).startswith("Fn::ForEach"):
        return _loop_refusal(str(path[1]))
    if path[2:3] != ("Properties",):
        return _attribute_refusal(template, reference)
    return _type_refusal(template, reference, kind) or _value_refusal(template, reference, 3)


def is_run_by_a_machine(path: Path) -> bool:
    """Tell whether a place holds what a machine runs when it starts: UserData, or cfn-init's.

    What is read there goes through shells, into configurations and statements of SQL, of which
    each has characters of its own that would have to be escaped.
    """
    return "UserData" in path or (path[:1] == ("Resources",) and path[2:3] == ("Metadata",))


def _place(path: Path) -> str:
    return ".".join(map(str, path[:4] if path[0] == "Resources" else path[:2]))


def _section_refusal(template: Template, reference: Reference) -> Refusal:
    """Return why no reference can stand outside of the resources."""
    section, place = str(reference.path[0]), _place(reference.path)
    if len(reference.path) < 2:
        return Refusal("used-elsewhere", f"{place}: {_ONLY_PROPERTIES}")
    if section == "Outputs":
        return Refusal(
            "used-in-output",
            f"{place}: an output shows it, and a reference there stays text; output the ARN",
            advice.for_output(template, reference),
        )
    if section == "Conditions":
        steps = advice.for_condition(template, reference)
        asks = "whether it is empty, which often means something" if steps else "for its value"
        return Refusal(
            "used-in-condition",
            f"{place}: a condition asks {asks}; let it ask for a parameter of its own",
            steps,
        )
    if section == "Rules":
        return Refusal(
            "used-in-rule",
            f"{place}: a rule ties it to others: take it out, or give it an assertion of its own",
        )
    if section == "Metadata":
        return Refusal(
            "used-in-metadata", f"{place}: references are not resolved in metadata; remove it there"
        )
    return Refusal("used-elsewhere", f"{place}: {_ONLY_PROPERTIES}")


def _attribute_refusal(template: Template, reference: Reference) -> Refusal:
    """Return why no reference can stand in an attribute of a resource that is no property."""
    path, place = reference.path, _place(reference.path)
    if path[2:3] != ("Metadata",):
        return Refusal("used-elsewhere", f"{place}: {_ONLY_PROPERTIES}")
    reason = f"{place}: references are not resolved in resource metadata"
    if path[3:4] == ("AWS::CloudFormation::Init",):
        where = f"In a command of cfn-init on {path[1]} that writes what needs the password:"
        steps = advice.at_boot(template, reference, where)
        return Refusal("used-in-metadata", f"{reason}; read the secret when it starts", steps)
    if path[3:4] == ("AWS::CloudFormation::Authentication",):
        way = "let cfn-init log in with the instance's role (type S3, roleName)"
        return Refusal("used-in-metadata", f"{reason}; {way}")
    return Refusal("used-in-metadata", f"{reason}; remove it there")


def _type_refusal(template: Template, reference: Reference, kind: str) -> Refusal | None:
    """Return why the type of a resource, or one of its properties, takes no reference."""
    path = reference.path
    resource = f"{path[1]} ({kind})"
    if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
        return Refusal(
            "used-in-custom-resource",
            f"{resource}: a custom resource gets references unresolved; pass the secret's ARN",
            advice.for_custom_resource(template, reference),
        )
    if kind.endswith("::MODULE"):
        return Refusal(
            "used-in-module",
            f"{resource}: what the module does with it is not known; let it take the ARN",
        )
    if kind in _NESTED:
        code = _NESTED[kind]
        steps = advice.for_nested(template, reference) if code == "passed-to-nested-stack" else ""
        return Refusal(
            code, f"{resource}: passes it on, and the value with it, in clear; pass the ARN", steps
        )
    if kind.startswith("AWS::CloudFormation::"):
        return Refusal(
            "used-elsewhere", f"{resource}: belongs to CloudFormation itself, and takes no password"
        )
    if "UserData" in path:
        return Refusal(
            "used-in-userdata",
            f"{resource}: references are not resolved in UserData; read the secret at boot",
            advice.at_boot(template, reference, f"In the UserData of {path[1]}, near its top:"),
        )
    if any(step in path for step in (*_CODE, _CODE_OF.get(kind, "ZipFile"))):
        function = kind in ("AWS::Lambda::Function", "AWS::Serverless::Function")
        steps = advice.for_function(template, reference) if function else ""
        return Refusal(
            "used-in-inline-code",
            f"{resource}: references stay text in inline code; let it read the secret when it runs",
            steps,
        )
    inner = [step for step in path[4:] if isinstance(step, str) and not step.startswith("Fn::")]
    if path[3:] and _NAME.search(str(path[3])) and not inner:
        return Refusal(
            "used-in-name", f"{_place(path)}: a name or identifier shows it to everyone; change it"
        )
    return None


def _loop_refusal(place: str) -> Refusal:
    return Refusal(
        "within-loop", f"{place}: an edit in a loop counts for every turn; take it out of the loop"
    )


def _value_refusal(template: Template, reference: Reference, start: int) -> Refusal | None:
    """Return why the functions around a use forbid a reference: they would work on its text.

    `start` is where the steps begin that are within the value.
    """
    path, place, data = reference.path, _place(reference.path), template.document.data
    for index, function in enumerate(path[start:], start):
        if not isinstance(function, str) or not function.startswith(("Fn::", "!")):
            continue
        if function.startswith("Fn::ForEach"):
            return _loop_refusal(".".join(map(str, path[: index + 1])))
        if function == "Fn::Transform":
            return _macro_refusal(place, value_at(data, path[: index + 1]))
        following = path[index + 1] if index + 1 < len(path) else None
        allowed = {"Fn::If": (1, 2), "Fn::Join": (1,), "Fn::Sub": (1,)}.get(function, ())
        if following not in allowed:
            return Refusal(
                "used-in-function",
                f"{place}: {function} would work on the reference, not its value; use it plain",
            )
    inside = re.compile(r"\{\{resolve:[^}]*(?:\$\{%s\}|\0)" % re.escape(reference.target))
    values = (value_at(data, path[:index]) for index in range(start, len(path) + 1))
    if any(inside.search(flattened(value)) for value in values):
        return Refusal("used-in-function", f"{place}: it stands within another dynamic reference")
    return None


def _macro_refusal(place: str, macro: Value) -> Refusal:
    name = macro.get("Name") if isinstance(macro, dict) else None
    return Refusal("macro", f"{place}: the macro {name} would get the reference, not its value")
