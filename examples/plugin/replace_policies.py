"""What a stack keeps when it is deleted, it keeps when it is replaced as well.

A resource with `DeletionPolicy: Retain`, `RetainExceptOnCreate` or `Snapshot` and without an
`UpdateReplacePolicy` gets the one that means the same.

Why
    `DeletionPolicy` does not speak of replacements. Whoever changes a property that cannot be
    changed in place gets a new, empty resource, and the old one is deleted with its data, although
    its author wanted that kept. cfn-lint reports it as W3011.

Consequence
    `safe`: the policy is read when a resource is replaced, and not before.

Not repaired
    A policy that is a function, as `AWS::LanguageExtensions` allows. The other way round, an
    `UpdateReplacePolicy` alone: whether anything may outlive the stack is for a person to say.

See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html
"""

from __future__ import annotations

from collections.abc import Iterator

from remediator.model import Add, Context, Finding, Fix, Refusal
from remediator.template import Template
from remediator.transform import Transform

# UpdateReplacePolicy knows no RetainExceptOnCreate: what is replaced was created before.
AT_REPLACEMENT = {"Retain": "Retain", "RetainExceptOnCreate": "Retain", "Snapshot": "Snapshot"}


def check(template: Template, context: Context) -> Iterator[Finding]:
    """Yield a finding for every resource that has one of the two policies and needs the other."""
    for name, resource in template.resources.items():
        if not isinstance(resource, dict):
            continue  # a loop (Fn::ForEach)
        deletion, replacement = resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")
        if deletion is not None and "UpdateReplacePolicy" not in resource:
            policy = AT_REPLACEMENT.get(deletion) if isinstance(deletion, str) else None
            message = f"{name} has a DeletionPolicy that keeps it and no UpdateReplacePolicy"
            if policy is not None:
                place = ("Resources", name, "UpdateReplacePolicy")
                add = Add(place, policy, after="DeletionPolicy")
                fix = Fix(f"{name} gets UpdateReplacePolicy: {policy}", (add,))
                yield Finding(("Resources", name), message, fix=fix)
            elif isinstance(deletion, dict):
                reason = "its DeletionPolicy is a function: write the UpdateReplacePolicy beside it"
                refusal = Refusal("policy-not-constant", reason)
                yield Finding(("Resources", name, "DeletionPolicy"), message, refusal=refusal)
        elif replacement in ("Retain", "Snapshot") and "DeletionPolicy" not in resource:
            reason = "whether it may outlive its stack is not said: write its DeletionPolicy"
            yield Finding(
                ("Resources", name, "UpdateReplacePolicy"),
                f"{name} has an UpdateReplacePolicy that keeps it and no DeletionPolicy",
                refusal=Refusal("deletion-policy-missing", reason, "DeletionPolicy: Retain"),
            )


TRANSFORM = Transform(
    id="replace-policies",
    title="What is kept at its deletion is kept at its replacement",
    check=check,
    triggers=("DeletionPolicy", "UpdateReplacePolicy"),
)
