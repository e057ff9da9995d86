"""One password for two nested stacks: the one that owns the database shares its secret.

The owner's template tells the ARN of its generated secret in an output, the parent passes that on,
and the other template reads the secret. Where one of these steps is not possible, the password
stays as it is, for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath as Place

from .arguments import Argument
from .conditions import TooManyConditions
from .family_proof import STACKS
from .family_texts import Texts
from .foreseen import argument_of
from .model import Path, Refusal, Secret, Value, value_at
from .repository import Call, Repository
from .template import Template

_SECRET = "AWS::SecretsManager::Secret"


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
    if not {parent.type_of(owner), parent.type_of(reader)} <= set(STACKS):
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
        if new.type_of(secret) == _SECRET:
            generated = new.properties(secret).get("GenerateSecretString")
            key = generated.get("GenerateStringKey", "") if isinstance(generated, dict) else ""
            conditional = isinstance(output, dict) and "Condition" in output
            found.append((conditional, Output(name, str(key))))
    if len(found) != 1 or found[0][0]:
        return None
    return found[0][1]


def stack_of(call: Call) -> str:
    """Return the logical id of the resource that passes a parameter."""
    return str(call.site.places[0][1])


class Links:
    """The links of a tree: made where a password is shared, given up where a step fails."""

    def __init__(self, tree: Repository, texts: Texts, members: frozenset[Place]) -> None:
        self._tree = tree
        self.made: tuple[Link, ...] = ()
        self._texts = texts
        self._members = members
        self._broken: dict[tuple[Place, str, str], str] = {}
        """What cannot be linked, by parent, stack and parameter of the reader, and why."""

    def added(self, parent: Place, stack: str) -> tuple[tuple[str, Value], ...]:
        """Return the new arguments of a nested stack."""
        return tuple(
            (link.arn, {"Fn::GetAtt": [link.owner_stack, f"Outputs.{output.name}"]})
            for link in self.made
            if (link.parent, link.reader_stack) == (parent, stack)
            and (output := self._output(link)) is not None
        )

    def secrets(self, reader: Place) -> dict[str, Secret]:
        """Return the parameters of a template whose password is in a secret of another one."""
        return {
            link.other: Secret(link.arn, output.key)
            for link in self.made
            if link.reader == reader and (output := self._output(link)) is not None
        }

    def shown(self, owner: Place) -> frozenset[str]:
        """Return the parameters of a template whose secret others read."""
        return frozenset(link.parameter for link in self.made if link.owner == owner)

    def obstacle(self, call: Call, argument: Argument) -> str:
        """Return why an argument beside a call was not linked; empty where nothing is known."""
        return self._broken.get((call.place, argument.resource, argument.name), "")

    def join(self, call: Call, after: Template, argument: Argument, use: Path) -> bool:
        """Link the reader of a shared password with the stack that owns it, if that is possible.

        `call` passes the password to the owner; the parent, as it is `after` its repair, passes it
        on as another `argument` as well, by the function at `use`.
        """
        stack, name = argument.resource, argument.name
        if (call.place, stack, name) in self._broken:
            return False
        why = self._why_not(call, after, argument, use)
        if why:
            self._broken[call.place, stack, name] = why
            return False
        (owner,) = self._tree.targets(call)
        (reader,) = self._tree.children(call.place, stack)
        arn = arn_name(self._texts.old(reader), name)
        parameter = call.site.parameter
        link = Link(call.place, stack_of(call), owner, parameter, stack, reader, name, arn)
        self.made = (*self.made, link)
        return True

    def _why_not(self, call: Call, after: Template, argument: Argument, use: Path) -> str:
        """Return why there can be no link, as far as the parent shows it."""
        stack, name = argument.resource, argument.name
        if any(
            (each.parent, each.reader_stack, each.other) == (call.place, stack, name)
            for each in self.made
        ):
            return "two stacks own a database with it"
        before = self._texts.old(call.place)
        why = obstacle(before, call.site.places[0], argument.path)
        if why:
            return why
        owners = self._tree.targets(call)
        readers = self._tree.children(call.place, stack)
        if not readers:
            return "its template is not in this repository"
        if len(owners) != 1 or len(readers) != 1 or not readers <= self._members:
            return "which template it is made from is not certain"
        own = argument_of(before, call).value
        if use != argument.value or value_at(after.data, use) != value_at(before.data, own):
            return "it gets the password as part of another value"
        return ""

    def give_up(self) -> None:
        """Give up the links whose steps are not all possible, with the reason."""
        kept = []
        for link in self.made:
            why = self._why_broken(link)
            if why:
                self._broken[link.parent, link.reader_stack, link.other] = why
            else:
                kept.append(link)
        self.made = tuple(kept)

    def _why_broken(self, link: Link) -> str:
        linked = {(each.parent, each.reader_stack) for each in self.made}
        for call in self._tree.calls(link.reader, link.other):
            if call.site.edit != "template" or (call.place, stack_of(call)) not in linked:
                return f"{call.place}:{call.site.line} ({call.site.how}) gives it a password, too"
        if self._output(link) is None:
            refusal = self._refusal(link.owner, link.parameter)
            if refusal is not None:
                return f"{link.owner} cannot generate it: {refusal.reason}"
            return f"{link.owner} has no single secret whose ARN it could output"
        refusal = self._refusal(link.reader, link.other)
        if refusal is not None:
            return refusal.reason
        if link.arn not in self._texts.new(link.reader).parameters:
            return f"{link.reader} cannot be changed along"
        return ""

    def _refusal(self, place: Place, parameter: str) -> Refusal | None:
        """Return why a parameter of a template is left, if it is."""
        path = ("Parameters", parameter)
        found = (each for each in self._texts.results[place].outcomes if each.finding.path == path)
        return next((each.refusal for each in found if each.refusal is not None), None)

    def _output(self, link: Link) -> Output | None:
        """Return the output of the owner of a secret, as far as it has one by now."""
        if link.owner not in self._texts.results:
            return None
        return output_of(self._texts.old(link.owner), self._texts.new(link.owner))
