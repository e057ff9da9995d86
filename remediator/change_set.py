"""Asks CloudFormation what an update of a stack would do; executes nothing, leaves nothing behind.

A change set is made, read and deleted again, whatever happens meanwhile. boto3 (extra `aws`) is
loaded here alone, and only when somebody asks.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .aws_errors import told
from .changes import Change, ChangeSet, undeleted
from .errors import ChangeSetError
from .limits import MOST_INLINE

CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
DELAY = 2
"""Seconds between two looks at a change set that is being made."""
ATTEMPTS = 150
"""Looks at it before we give up: five minutes."""
_REQUESTS = 5
"""How often a request is sent at the most, with growing pauses, where AWS is busy or not there."""
_UNCHANGED = ("didn't contain changes", "No updates are to be performed")
_STUCK = {
    "REVIEW_IN_PROGRESS": "it was never deployed; deploy it once, or leave --change-set away",
    "ROLLBACK_COMPLETE": "its creation failed; delete it and deploy it anew",
    "ROLLBACK_FAILED": "its creation failed; delete it and deploy it anew",
    "DELETE_FAILED": "it is half deleted; delete it and deploy it anew",
    "DELETE_COMPLETE": "it is deleted; deploy it anew",
    "UPDATE_ROLLBACK_FAILED": "run `aws cloudformation continue-update-rollback` first",
}
"""States that take no change set, each with what to do; so do all others that are in progress."""


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """The stack to ask about, and where it is; None leaves it to the AWS configuration."""

    name: str
    region: str | None = None
    profile: str | None = None
    endpoint: str | None = None


def connect(stack: DeployedStack) -> Any:
    """Return a client of CloudFormation for a stack.

    Raises ChangeSetError where boto3, the profile, the region or the address is missing or wrong.
    """
    try:
        import boto3  # type: ignore[import-untyped]
        from botocore.config import Config  # type: ignore[import-untyped]
        from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]
    except ImportError as error:
        raise ChangeSetError(
            "--change-set needs boto3: install it with `pipx install --force 'remediator[aws]'` "
            "or `pip install 'remediator[aws]'`"
        ) from error
    patience = Config(
        connect_timeout=10, retries={"mode": "standard", "total_max_attempts": _REQUESTS}
    )
    # The aws command heeds AWS_REGION, boto3 only AWS_DEFAULT_REGION and the profile.
    region = stack.region or os.environ.get("AWS_REGION") or None
    try:
        session = boto3.Session(profile_name=stack.profile, region_name=region)
        return session.client("cloudformation", endpoint_url=stack.endpoint, config=patience)
    except BotoCoreError as error:
        raise told(error, stack.name) from error
    except ValueError as error:
        raise ChangeSetError(
            "--endpoint-url is no address: it begins with http:// or https://"
        ) from error


def propose(client: Any, stack: str, text: str, parameters: Iterable[str]) -> ChangeSet:
    """Return what an update of a stack to this template would do.

    `parameters` are those of the template: what the stack has of them keeps its value. Raises
    ChangeSetError, with what to do, where that cannot be told.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    size = len(text.encode())
    if size > MOST_INLINE:
        raise ChangeSetError(
            f"the repaired template has {size} bytes, and a change set takes {MOST_INLINE} "
            "directly: write it with --output, upload it to S3 and make the change set yourself "
            "(`aws cloudformation create-change-set --template-url`)"
        )
    try:
        return _ask(client, stack, text, _kept(client, stack, parameters))
    except (BotoCoreError, ClientError) as error:
        raise told(error, stack) from error


def _kept(client: Any, stack: str, parameters: Iterable[str]) -> list[str]:
    """Return the parameters that the stack has too; refuse a stack that takes no change set."""
    (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    status = found["StackStatus"]
    if status in _STUCK:
        raise ChangeSetError(f"stack {stack} takes no change set ({status}): {_STUCK[status]}")
    if status.endswith("_IN_PROGRESS"):
        raise ChangeSetError(
            f"stack {stack} takes no change set ({status}): run again when that is done"
        )
    known = {each["ParameterKey"] for each in found.get("Parameters", [])}
    return [name for name in parameters if name in known]


def _ask(client: Any, stack: str, text: str, kept: list[str]) -> ChangeSet:
    from botocore.exceptions import ClientError

    name = f"remediator-{uuid.uuid4().hex}"
    made = True  # until the service says that it is not: without an answer it may be
    try:
        try:
            client.create_change_set(
                StackName=stack,
                ChangeSetName=name,
                ChangeSetType="UPDATE",
                ClientToken=name,  # a request that is sent again asks for the same one
                Description="What a repair would do. Made by remediator, which deletes it again.",
                TemplateBody=text,
                Parameters=[{"ParameterKey": each, "UsePreviousValue": True} for each in kept],
                Capabilities=list(CAPABILITIES),
            )
        except ClientError as error:
            made = error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
            raise
        changes = _changes(client, stack, name)
        return ChangeSet(stack, changes, "" if _deleted(client, stack, name) else name)
    except BaseException as error:  # Ctrl-C too
        if made and not _deleted(client, stack, name):
            raise ChangeSetError(f"{_cause(error, stack)}; {undeleted(stack, name)}") from error
        raise


def _changes(client: Any, stack: str, name: str) -> tuple[Change, ...]:
    from botocore.exceptions import WaiterError

    names = {"StackName": stack, "ChangeSetName": name}
    config = {"Delay": DELAY, "MaxAttempts": ATTEMPTS}
    try:
        client.get_waiter("change_set_create_complete").wait(**names, WaiterConfig=config)
    except WaiterError as error:
        last = error.last_response
        if last.get("Status") == "FAILED":
            reason = " ".join(str(last.get("StatusReason", "")).split())
            if any(each in reason for each in _UNCHANGED):
                return ()
            raise ChangeSetError(
                f"CloudFormation could not make the change set of stack {stack}; see to what it "
                f"says: {reason or 'no reason'}"
            ) from error
        if "Error" in last:
            raise
        raise ChangeSetError(
            f"the change set of stack {stack} was not ready after {DELAY * ATTEMPTS} seconds, and "
            "was given up: run again"
        ) from error
    pages = client.get_paginator("describe_change_set").paginate(**names)
    return tuple(
        _change(each["ResourceChange"])
        for page in pages
        for each in page["Changes"]
        if "ResourceChange" in each
    )


def _change(found: dict[str, Any]) -> Change:
    replacement = found.get("Replacement")
    causes: dict[str, None] = {}
    for detail in found.get("Details", []):
        target = detail.get("Target", {})
        forces = target.get("RequiresRecreation") in ("Always", "Conditionally")
        if forces or replacement not in ("True", "Conditional"):
            name = target.get("Name") or target.get("Attribute")
            causes |= {name: None} if name else {}
    return Change(
        found["Action"],
        found["LogicalResourceId"],
        found["ResourceType"],
        replacement,
        tuple(causes),
    )


def _cause(error: BaseException, stack: str) -> str:
    if isinstance(error, ChangeSetError):
        return error.message
    return told(error, stack).message if isinstance(error, Exception) else "interrupted"


def _deleted(client: Any, stack: str, name: str) -> bool:
    """Delete a change set, once it is no longer being made; return whether that was possible."""
    from botocore.exceptions import BotoCoreError, ClientError

    for _ in range(ATTEMPTS):
        try:
            client.delete_change_set(StackName=stack, ChangeSetName=name)
            return True
        except ClientError as error:
            code = str(error.response["Error"]["Code"])
            if not code.startswith("InvalidChangeSetStatus"):
                return code.startswith("ChangeSetNotFound")
            time.sleep(DELAY)
        except BotoCoreError:
            return False
    return False
