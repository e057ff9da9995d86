"""The IAM policy that lets a role deploy what the repairs of a run add."""

from __future__ import annotations

import json
from typing import Any

from ..results import Permission, RunResult
from .mask import mask

MOST_CHARACTERS = 6144
"""Of a managed policy, white space not counted: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
_ANY = "*"


def render(result: RunResult) -> str:
    """Return the policy document as JSON text; empty where the repairs need no action, as a policy
    without statements is none."""
    statements = [_statement(permission) for permission in together(result)]
    if not statements:
        return ""
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2) + "\n"


def together(result: RunResult) -> tuple[Permission, ...]:
    """Return the permissions of all files of a run, each statement once."""
    merged: dict[str, Permission] = {}
    for file in result.files:
        for each in file.deployment.permissions:
            known = merged.get(each.sid, Permission(each.sid, each.actions, (), each.condition))
            # The asterisks of the mask are what a policy has for any characters.
            named = (mask(resource, file.masked) for resource in each.resources)
            resources = {*known.resources, *named}
            merged[each.sid] = Permission(
                each.sid,
                tuple(sorted({*known.actions, *each.actions})),
                (_ANY,) if _ANY in resources else tuple(sorted(resources)),
                each.condition,
            )
    return tuple(merged.values())


def _statement(permission: Permission) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Sid": permission.sid,
        "Effect": "Allow",
        "Action": list(permission.actions),
        "Resource": list(permission.resources),
    }
    condition = as_condition(permission)
    return statement if condition is None else statement | {"Condition": condition}


def as_condition(permission: Permission) -> dict[str, dict[str, str]] | None:
    """Return the condition of a permission as a policy has it."""
    if permission.condition is None:
        return None
    operator, key, value = permission.condition
    return {operator: {key: value}}


def is_too_long(text: str) -> bool:
    """Whether a policy is longer than IAM takes for one managed policy."""
    return len("".join(text.split())) > MOST_CHARACTERS
