"""One password for two nested stacks: the one that owns the database shares its secret.

The owner's template tells the ARN of its generated secret in an output, the parent passes that on,
and the other template reads the secret. Where one of these steps is not possible, the password
stays as it is, for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath as Place

from .conditions import TooManyConditions
from .model import Path, Value
from .template import Template

SECRET = "AWS::SecretsManager::Secret"
_STACKS = ("AWS::CloudFormation::Stack", "AWS::Serverless::Application")


@dataclass(frozen=True)
class Link:
    """A nested stack of a parent that reads the secret of another one.

    `owner` and `reader` are their templates; `parameter` and `other` take the password there. The
    reader takes `arn` in its place.
    """

    parent: Place
    owner_stack: str
    owner: Place
    parameter: str
    reader_stack: str
    reader: Place
    other: str
    arn: str


@dataclass(frozen=True)
class Output:
    """The output that tells the ARN of a generated secret, and the key of its password."""

    name: str
    key: str


def obstacle(parent: Template, owned: Path, read: Path) -> str:
    """Return why the stack whose argument is at `read` cannot be given an output of that at
    `owned`; empty where it can."""
    owner, reader = str(owned[1]), str(read[1])
    if not {parent.type_of(owner), parent.type_of(reader)} <= set(_STACKS):
        return f"{owner} and {reader} are not both nested stacks"
    if owned[2:4] != read[2:4] or len(owned) != 5 or len(read) != 5:
        return f"{reader} gets the password as part of another value"
    if parent.depends(owner, reader):
        return f"{owner} needs {reader} to exist before"
    try:
        exists = (parent.presence(("Resources", reader)),)
        if not parent.conditions.implies(exists, (parent.presence(("Resources", owner)),)):
            return f"{reader} is made also where {owner} is not"
    except TooManyConditions as error:
        return error.message
    return ""


def arn_name(reader: Template, parameter: str) -> str:
    """Return the name of the parameter that takes the ARN in place of the password."""
    taken = {*reader.parameters, *reader.resources}
    wanted = f"{parameter}SecretArn"
    numbered = (f"{wanted}{number}" for number in range(2, 1000))
    return next(name for name in (wanted, *numbered) if name not in taken)


def output_of(old: Template, new: Template) -> Output | None:
    """Return the output that a repair added for its one secret; None where there is none such."""
    found = []
    for name, output in new.outputs.items():
        value = output.get("Value") if isinstance(output, dict) else None
        secret = value.get("Ref") if isinstance(value, dict) and len(value) == 1 else None
        if name in old.outputs or not isinstance(secret, str) or secret in old.resources:
            continue
        if new.type_of(secret) == SECRET:
            generated = new.properties(secret).get("GenerateSecretString")
            key = generated.get("GenerateStringKey", "") if isinstance(generated, dict) else ""
            conditional = isinstance(output, dict) and "Condition" in output
            found.append((conditional, Output(name, str(key))))
    if len(found) != 1 or found[0][0]:
        return None
    return found[0][1]


def may_be_read(reader: Template, parameter: str) -> bool:
    """Tell whether all that a template does with a password is in properties of resources: only
    these can read a secret, save in what a machine runs."""
    uses = [use.path for use in reader.references_to(parameter) if use.kind != "name"]
    return all(
        path[0] == "Resources" and path[2:3] == ("Properties",) and "UserData" not in path
        for path in uses
    )


def argument(link: Link, output: Output) -> tuple[str, Value]:
    """Return the new argument of the reader's stack."""
    return link.arn, {"Fn::GetAtt": [link.owner_stack, f"Outputs.{output.name}"]}
