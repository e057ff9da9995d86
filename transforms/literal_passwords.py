"""Passwords that stand in a template as text become generated secrets.

A literal in a credential property is readable by whoever reads the template, its repository or
the stack. Like a parameter, it becomes a secret that Secrets Manager generates; equal literals
are uses of one password.

Why
    The value is in the history of git, in every copy of the template and in `GetTemplate`.

Consequence
    `rotates`: at the next deployment the live password becomes the generated one; `external`
    where a DMS endpoint logs in with it to a server outside the stack. The old value stays in
    the history of git and must not be used again.

Not repaired
    A literal that stands elsewhere in the template too, where it may be the same password; types
    whose credentials this version does not repair; whatever `password-parameters` refuses.

See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/security-best-practices.html
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from remediator.conditions import literal
from remediator.model import Context, Finding, Path, Refusal, Value, pointer, value_at
from remediator.template import Kind, Reference, Template, references, walk
from remediator.transform import Transform

from ._groups import Group
from ._plan import Draft, decided, fixed, left, macro_refusal
from ._repair import first_owner, generate
from ._secrets import NO_VALUE, SECRET
from ._uses import Role, Slot, Use, slots
from ._wording import consequence

_TELLING = 6  # characters from which on the same text elsewhere is taken for the same password


def check(template: Template, context: Context) -> Iterator[Finding]:
    """Yield a finding for every different literal in a credential property."""
    found: dict[str, list[tuple[Path, Slot]]] = {}
    for slot in slots(template, context.catalogue):
        if slot.credential.generatable != "no":
            for path, text in _literals(value_at(template.document.data, slot.path), slot.path):
                found.setdefault(text, []).append((path, slot))
            yield from _within_functions(template, slot)
    for text, places in found.items():
        labels = ", ".join(dict.fromkeys(slot.label for _, slot in places))
        message = f"{labels} is written out in the template"
        repair = partial(_repair, template, context, text, places, message)
        yield decided(places[0][0], message, (text,), repair)


def _repair(
    template: Template, context: Context, text: str, places: list[tuple[Path, Slot]], message: str
) -> Finding | Refusal:
    refused = _refusal(template, text, places) or macro_refusal(template, "the password")
    if refused is not None:
        return refused
    uses = tuple(
        Use(
            Reference(path, "", Kind.REF),
            Role.CREDENTIAL if slot.credential.generatable == "yes" else Role.EXTERNAL,
            template.presence(path),
            slot,
        )
        for path, slot in places
    )
    draft = Draft(template)

    def logical_id(group: Group, _several: bool) -> str:
        return f"{first_owner(group)}Secret"

    generated = generate(draft, context, "", uses, logical_id)
    if isinstance(generated, Refusal):
        return generated
    secrets, groups = generated
    draft.follow_ups.append("The old password stays in the history of git: use it nowhere else")
    labels = ", ".join(dict.fromkeys(slot.label for _, slot in places))
    title = f"{labels} becomes the generated secret {' and '.join(secrets)}"
    external = any(not group.owners for group in groups)
    return fixed(draft, places[0][0], message, title, consequence(groups, external), (text,))


def _refusal(template: Template, text: str, places: list[tuple[Path, Slot]]) -> Refusal | None:
    for _, slot in places:
        if slot.credential.generatable == "external" and not slot.credential.logs_in_later:
            return Refusal(
                "external-credential",
                f"{slot.label} belongs to something outside the stack: store it in Secrets "
                "Manager and write {{resolve:secretsmanager:<its ARN or name>:SecretString:<key>}}"
                " there; the old value stays in the history of git",
            )
        kind = slot.credential.type
        if kind == SECRET:
            return Refusal(
                "not-supported-yet",
                f"{slot.label} is the text of a secret: let GenerateSecretString make what may be "
                "any password, and put what is given from outside in after the deployment (aws "
                "secretsmanager put-secret-value); the old value stays in the history of git",
            )
        if not slot.credential.repaired:
            return Refusal(
                "not-supported-yet",
                f"{slot.label}: this version does not repair the credentials of {kind}",
            )
    known = {path for path, _ in places}
    for path, value in walk(template.document.data):
        if path not in known and isinstance(value, str) and len(text) >= _TELLING and text in value:
            return Refusal(
                "literal-used-elsewhere",
                f"the same text stands at {pointer(path)}, where it may be the same password",
            )
    return None


def _literals(value: Value, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the literals that a property may have, in any branch of `Fn::If`."""
    for place, each in _branches(value, path):
        text = literal(each)
        if text and not isinstance(each, bool) and "{{resolve:" not in text:
            yield place, text


def _within_functions(template: Template, slot: Slot) -> Iterator[Finding]:
    """Yield a finding for a credential that a function makes of nothing but literals."""
    for path, value in _branches(value_at(template.document.data, slot.path), slot.path):
        if not isinstance(value, dict) or len(value) != 1 or value == NO_VALUE:
            continue
        inner = [each for _, each in walk(value)]
        functions = {key for each in inner if isinstance(each, dict) for key in each}
        named = [r for r in references({"": value}) if r.kind is not Kind.CONDITION]
        if named or functions & _FROM_ELSEWHERE or any("{{resolve:" in str(each) for each in inner):
            continue
        texts = [text for each in inner if (text := literal(each)) and len(text) > 1]
        function = next(iter(value))
        if function == "Fn::FindInMap":
            texts = _mapped(template, value["Fn::FindInMap"])
        reason = f"put a String parameter with NoEcho in place of {function}: it becomes a secret"
        message = f"{slot.label} is written out within {function}"
        refusal = _refusal(template, "", [(path, slot)]) or Refusal("composed-credential", reason)
        yield left(path, message, refusal, tuple(texts))


def _mapped(template: Template, argument: Value) -> list[str]:
    """Return every value that an `Fn::FindInMap` may find, by its map and its last key."""
    name, key = (argument[0], argument[-1]) if isinstance(argument, list) and argument else ("", "")
    return [
        text
        for path, each in walk(template.data.get("Mappings"))
        if path[:1] == (name,) and path[2:3] == (key,) and (text := literal(each))
    ]


_FROM_ELSEWHERE = {"Fn::ImportValue", "Fn::GetStackOutput", "Fn::Transform"}


def _branches(value: Value, path: Path) -> Iterator[tuple[Path, Value]]:
    """Yield what a property may be, in any branch of `Fn::If`."""
    branches = value.get("Fn::If") if isinstance(value, dict) else None
    if isinstance(branches, list):
        for index, branch in list(enumerate(branches))[1:]:
            yield from _branches(branch, (*path, "Fn::If", index))
    else:
        yield path, value


TRANSFORM = Transform(
    id="literal-passwords",
    title="A password that stands in the template becomes a generated secret",
    check=check,
    reads_catalogue=True,
)
