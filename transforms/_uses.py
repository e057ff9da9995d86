"""Where a value goes: every use of a parameter, and what it takes the value for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from itertools import pairwise
from typing import NamedTuple

from remediator.conditions import Case
from remediator.errors import TemplateError
from remediator.model import Path, Refusal, Value, value_at
from remediator.template import Kind, Reference, Template, references, sub_parts

from ._databases import is_database, misplaced, server
from ._positions import position_refusal
from ._rules import rule_edits
from ._secrets import SECRET, flattened, names
from ._slots import Slot, by_resource

MOST = 200
"""Password parameters of a template, and uses of one, that are weighed against each other."""


class Role(Enum):
    """What a use takes the value for."""

    CREDENTIAL = auto()
    """AWS creates the credential from it."""
    EXTERNAL = auto()
    """It logs in, later, to something that exists already."""
    CARRIED = auto()
    """A property that a dynamic reference can feed as well."""
    SECRET = auto()
    """The `SecretString` of a secret written by hand."""
    INTERFACE = auto()
    """The console's interface, or a rule on its shape: goes with the parameter."""
    REFUSED = auto()
    """Nothing else can stand there."""


class Use(NamedTuple):
    """One use of a parameter, and what it takes the value for."""

    reference: Reference
    role: Role
    presence: Case = frozenset()
    slot: Slot | None = None
    refusal: Refusal | None = None

    @property
    def path(self) -> Path:
        """Where the reference stands."""
        return self.reference.path

    @property
    def resource(self) -> str:
        """The logical id of the resource that holds it; empty outside of resources."""
        return str(self.path[1]) if self.path[0] == "Resources" else ""


def uses(template: Template, all_slots: tuple[Slot, ...], parameter: str) -> tuple[Use, ...]:
    """Return every use of a parameter, in the order of the text.

    `all_slots` are the credential properties of the template.
    """
    references = template.references_to(parameter)
    own = by_resource(all_slots)
    if len(references) > MOST:
        # CloudFormation takes 60 dynamic references, so there is nothing to weigh.
        reason = (
            f"{len(references)} places name {parameter}, and CloudFormation takes 60 references"
        )
        slotted = ((each, _slot(template, each, own)) for each in references)
        first, slot = next((pair for pair in slotted if pair[1]), (references[0], None))
        return (
            Use(first, Role.REFUSED, slot=slot, refusal=Refusal("too-many-references", reason)),
        )
    goes = rule_edits(template, parameter) is not None
    return tuple(_use(template, reference, own, goes=goes) for reference in references)


def _use(
    template: Template,
    reference: Reference,
    all_slots: Mapping[str, tuple[Slot, ...]],
    *,
    goes: bool,
) -> Use:
    path = reference.path
    if reference.kind is Kind.NAME or (path[0] == "Rules" and goes):
        return Use(reference, Role.INTERFACE)
    if path[2:3] == ("Properties",) and template.type_of(str(path[1])) == SECRET:
        return _use_in_secret(reference, template.presence(path))
    slot = _slot(template, reference, all_slots)
    presence = template.presence(path)
    if _is_user_name(template, path, all_slots):
        reason = f"{path[1]}: it is the user name too, which must not become a reference"
        return Use(reference, Role.REFUSED, presence, refusal=Refusal("is-user-name", reason))
    refused = position_refusal(template, reference)
    if refused is not None:
        return Use(reference, Role.REFUSED, slot=slot, refusal=refused)
    if slot is None or slot.credential.generatable == "no":
        return Use(reference, Role.CARRIED, presence)
    refused = _slot_refusal(template, reference, slot, presence)
    if refused is not None:
        return Use(reference, Role.REFUSED, presence, slot, refused)
    role = Role.CREDENTIAL if slot.credential.generatable == "yes" else Role.EXTERNAL
    return Use(reference, role, presence, slot)


def _slot(
    template: Template, reference: Reference, all_slots: Mapping[str, tuple[Slot, ...]]
) -> Slot | None:
    """Return the credential property that takes the reference, if any.

    A parameter within a dynamic reference (`{{resolve:secretsmanager:${SecretArn}}}`) says where
    the credential is; it is none.
    """
    path = reference.path
    own = _of_resource(all_slots, path)
    slot = next((s for s in own if path[: len(s.path)] == s.path), None)
    if slot is None:
        return None
    length = len(slot.path)
    while path[length : length + 1] == ("Fn::If",):
        length += 2
    inside = "{{resolve:" in flattened(value_at(template.document.data, path[:length]))
    return None if inside else slot


def _of_resource(all_slots: Mapping[str, tuple[Slot, ...]], path: Path) -> tuple[Slot, ...]:
    """Return the credential properties of the resource that a path leads into."""
    return all_slots.get(str(path[1]), ()) if path[0] == "Resources" and len(path) > 1 else ()


def _is_user_name(
    template: Template, path: Path, all_slots: Mapping[str, tuple[Slot, ...]]
) -> bool:
    """Tell whether a path is in the user name of a credential.

    That is create-only for databases: a dynamic reference there would replace the database.
    """
    properties = tuple(s for s in path[3:] if isinstance(s, str) and s != "Fn::If")
    return any(
        slot.credential.user is not None and properties[: len(named)] == named
        for slot in _of_resource(all_slots, path)
        for named in (tuple(step for step in slot.credential.user or () if step != "*"),)
    )


def _use_in_secret(reference: Reference, presence: Case) -> Use:
    if reference.path[3:4] == ("SecretString",):
        return Use(reference, Role.SECRET, presence)
    reason = f"{reference.path[1]}: a secret that is generated already keeps a copy of it"
    return Use(
        reference, Role.REFUSED, presence, refusal=Refusal("used-in-secret-template", reason)
    )


def logs_in(template: Template, slot: Slot, presence: Case) -> bool:
    """Tell whether an external password may be a generated one: what reads it logs in later, or
    to a database of this template, which exists by then."""
    if slot.credential.logs_in_later:
        return True
    database, _ = server(template, slot, presence)
    return database is not None and is_database(template, database)


def external_refusal(slot: Slot) -> Refusal:
    """Return why a credential that belongs to something outside the stack is not generated."""
    return Refusal(
        "external-credential",
        f"{slot.label} belongs to something outside the stack, so it cannot be generated; "
        "store it in a secret of your own and write "
        "{{resolve:secretsmanager:<its ARN or name>:SecretString:<key>}} there",
    )


def _slot_refusal(
    template: Template, reference: Reference, slot: Slot, presence: Case
) -> Refusal | None:
    refused = misplaced(template, slot)
    if refused is not None:
        return refused
    if slot.credential.generatable == "external" and not logs_in(template, slot, presence):
        return external_refusal(slot)
    if not is_whole(value_at(template.document.data, slot.path), reference):
        return Refusal("composed-credential", f"{slot.label} is put together from several parts")
    return None


def is_whole(value: Value, reference: Reference) -> bool:
    """Tell whether a value is nothing but the reference, in any branches of `Fn::If`."""
    if isinstance(value, dict) and len(value) == 1:
        [(function, argument)] = value.items()
        if function == "Fn::If" and isinstance(argument, list):
            return all(
                not names(branch, reference.target) or is_whole(branch, reference)
                for branch in argument[1:]
            )
        if function == "Fn::Sub":
            text, local = sub_parts(argument)
            return text.strip() == "${%s}" % reference.target and not local
        return function == "Ref" and argument == reference.target
    return False


def password_parameters(
    template: Template, all_slots: tuple[Slot, ...]
) -> Iterator[tuple[str, tuple[Use, ...]]]:
    """Yield the parameters that feed a credential, with their uses.

    One that is referred to and not defined is among them: somebody has removed the parameter
    only. A parameter that reads the Systems Manager parameter store, or whose default is a dynamic
    reference, needs no repair: nobody types it in.
    """
    own, count = by_resource(all_slots), 0
    for name in (*template.parameters, *template.undefined):
        definition = template.parameter(name)
        if str(definition.get("Type")).startswith("AWS::SSM::"):
            continue
        if "{{resolve:" in str(definition.get("Default")):
            continue
        named = template.references_to(name)
        taken = (_slot(template, each, own) for each in named)
        if not any(slot is not None and slot.credential.generatable != "no" for slot in taken):
            continue
        count += 1
        if count > MOST:
            raise TemplateError(
                f"has more than {MOST} password parameters; so many are not looked at "
                "(CloudFormation takes 200 parameters)"
            )
        if len(named) <= MOST and not any(_is_password(template, each, own) for each in named):
            continue
        found = uses(template, all_slots, name)
        slotted = (use.slot for use in found if use.slot is not None)
        if any(slot.credential.generatable != "no" for slot in slotted):
            yield name, found


NAMES_PASSWORD = re.compile(r"pass(?:word|wd|phrase)?|pwd|secret|token", re.IGNORECASE)
"""A word in the name of a parameter or property that says that a password may be meant."""


def _is_password(
    template: Template, reference: Reference, all_slots: Mapping[str, tuple[Slot, ...]]
) -> bool:
    """Tell whether a reference gives a credential its value: no key of a mapping, nor what only
    stands beside a parameter that is hidden or called a password."""
    slot, path = _slot(template, reference, all_slots), reference.path
    if slot is None or slot.credential.generatable == "no":
        return False
    if any(step == "Fn::FindInMap" and at in (0, 1, 2) for step, at in pairwise(path)):
        return False
    name, value = reference.target, value_at(template.document.data, slot.path)
    if _is_hidden(template, name) or is_whole(value, reference):
        return True
    return not any(
        _is_hidden(template, each.target)
        for each in references({"": value})
        if each.target not in (name, *template.resources)
    )


def _is_hidden(template: Template, parameter: str) -> bool:
    """Tell whether a parameter is hidden from who looks at the stack, or is called a password."""
    by_name = NAMES_PASSWORD.search(parameter) is not None
    return by_name or str(template.parameter(parameter).get("NoEcho")).lower() == "true"


def feeds(template: Template, name: str, uses: tuple[Use, ...]) -> str:
    """Return what a parameter is, in words."""
    labels = ", ".join(dict.fromkeys(use.slot.label for use in uses if use.slot is not None))
    if name in template.parameters:
        return f"the parameter {name} feeds {labels}"
    return f"{name}, which nothing defines, feeds {labels}"


def place_of(template: Template, name: str, uses: tuple[Use, ...]) -> Path:
    """Return where a person should look at a parameter: its definition, else its first use."""
    return ("Parameters", name) if name in template.parameters else uses[0].path
