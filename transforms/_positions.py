"""Where a dynamic reference works, and why it does not where it does not."""

from __future__ import annotations

from remediator.model import Path, Refusal
from remediator.template import Reference, Template

_NESTED = {
    "AWS::CloudFormation::Stack": "passed-to-nested-stack",
    "AWS::Serverless::Application": "passed-to-nested-stack",
    "AWS::CloudFormation::StackSet": "passed-to-stack-set",
    "AWS::ServiceCatalog::CloudFormationProvisionedProduct": "passed-to-product",
}
_SECTIONS = {
    "Outputs": ("used-in-output", "an output shows it, and a reference there stays plain text"),
    "Conditions": (
        "used-in-condition",
        "a condition asks for its value, and an empty one often means something",
    ),
    "Rules": ("used-in-rule", "a rule ties it to other parameters"),
    "Metadata": ("used-in-metadata", "the metadata name it, where no reference is resolved"),
}


def position_refusal(template: Template, reference: Reference) -> Refusal | None:
    """Return why no dynamic reference can stand at a place, or None where one can."""
    path = reference.path
    place = ".".join(map(str, path[:4] if path[0] == "Resources" else path[:2]))
    if path[0] == "Globals":
        return _function_refusal(path[1:], place)
    if path[0] != "Resources":
        code, reason = _SECTIONS.get(str(path[0]), ("used-elsewhere", "it is used there"))
        return Refusal(code, f"{place}: {reason}")
    kind = template.type_of(str(path[1]))
    resource = f"{path[1]} ({kind})"
    if path[2:3] == ("Metadata",):
        return Refusal(
            "used-in-metadata", f"{place}: references are not resolved in resource metadata"
        )
    if path[2:3] != ("Properties",):
        return Refusal("used-elsewhere", f"{place}: only properties resolve references")
    if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
        return Refusal(
            "used-in-custom-resource", f"{resource}: a custom resource gets references unresolved"
        )
    if kind.endswith("::MODULE"):
        return Refusal("used-in-module", f"{resource}: what the module does with it is not known")
    if kind in _NESTED:
        return Refusal(_NESTED[kind], f"{resource} passes it on, and the value with it, in clear")
    if "UserData" in path:
        return Refusal("used-in-userdata", f"{resource}: references are not resolved in UserData")
    if "ZipFile" in path or "InlineCode" in path:
        return Refusal("used-in-inline-code", f"{resource}: references stay text in inline code")
    return _function_refusal(path[3:], place)


def _function_refusal(steps: Path, place: str) -> Refusal | None:
    """Return why the functions around a use forbid a reference: they would work on its text."""
    for index, function in enumerate(steps):
        following = steps[index + 1] if index + 1 < len(steps) else None
        if not isinstance(function, str) or not function.startswith(("Fn::", "!")):
            continue
        if function == "Fn::If" and following in (1, 2):
            continue
        if function in ("Fn::Join", "Fn::Sub") and following == 1:
            continue
        return Refusal(
            "used-in-function", f"{place}: {function} would work on the reference, not its value"
        )
    return None
