"""What a change set says of a stack, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """What an update would do to one resource, in CloudFormation's own words.

    Of properties it holds the names, never a value.
    """

    action: str
    """`Add`, `Modify`, `Remove`, `Import` or `Dynamic`."""
    logical_id: str
    type: str
    replacement: str | None = None
    """`True`, `False` or `Conditional`; None where the service does not say."""
    causes: tuple[str, ...] = ()
    """The properties that make it a replacement; where it is none, those that change."""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What an update would do to a stack; no changes where it would do nothing."""

    stack: str
    changes: tuple[Change, ...] = ()
    left_behind: str = ""
    """The name of the change set where it could not be deleted again."""


def undeleted(stack: str, change_set: str) -> str:
    """Return what to say of a change set that could not be deleted."""
    return (
        f"change set {change_set} could not be deleted, do it with `aws cloudformation "
        f"delete-change-set --stack-name {stack} --change-set-name {change_set}`"
    )
