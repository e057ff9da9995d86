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

from remediator.model import Add, Context, Finding, Fix, Refusal, Value
from remediator.template import Template
from remediator.transform import Transform

# UpdateReplacePolicy knows no RetainExceptOnCreate: what is replaced was created before.
AT_REPLACEMENT = {"Retain": "Retain", "RetainExceptOnCreate": "Retain", "Snapshot": "Snapshot"}


def check(template: Template, context: Context) -> Iterator[Finding]:
    """Yield a finding for every resource that is kept by one of the two policies alone."""
    for name, resource in template.resources.items():
        if not isinstance(resource, dict):
            continue  # a loop (Fn::ForEach)
        deletion, replacement = resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")
        if "UpdateReplacePolicy" not in resource:
            keeps = isinstance(deletion, str) and deletion in AT_REPLACEMENT
            if keeps or isinstance(deletion, dict):
                yield _kept_at_deletion(name, deletion)
        elif replacement in AT_REPLACEMENT.values() and "DeletionPolicy" not in resource:
            yield _kept_at_replacement(name)


def _kept_at_deletion(name: str, policy: Value) -> Finding:
    message = f"{name} has a DeletionPolicy that keeps it and no UpdateReplacePolicy"
    if not isinstance(policy, str):
        reason = "its DeletionPolicy is a function: write the UpdateReplacePolicy beside it"
        refusal = Refusal("policy-not-constant", reason)
        return Finding(("Resources", name, "DeletionPolicy"), message, refusal=refusal)
    same = AT_REPLACEMENT[policy]
    add = Add(("Resources", name, "UpdateReplacePolicy"), same, after="DeletionPolicy")
    fix = Fix(f"{name} gets UpdateReplacePolicy: {same}", (add,))
    return Finding(("Resources", name), message, fix=fix)


def _kept_at_replacement(name: str) -> Finding:
    message = f"{name} has an UpdateReplacePolicy that keeps it and no DeletionPolicy"
    reason = "whether it may outlive its stack is not said: write its DeletionPolicy"
    refusal = Refusal("deletion-policy-missing", reason, advice="DeletionPolicy: Retain")
    return Finding(("Resources", name, "UpdateReplacePolicy"), message, refusal=refusal)


TRANSFORM = Transform(
    id="replace-policies",
    title="What is kept at its deletion is kept at its replacement",
    check=check,
    triggers=("DeletionPolicy", "UpdateReplacePolicy"),
)
