"""The plan of a password's repair: a secret, its attachments, and what reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain

from remediator.conditions import ALWAYS, Presence
from remediator.model import (
    Add,
    Context,
    Mention,
    Operation,
    Path,
    Refusal,
    Remove,
    Replace,
    Seed,
    Value,
    value_at,
)
from remediator.template import SUB_VARIABLE, Kind, Template, references

from ._advice import copies
from ._conventions import convention_tags
from ._databases import elsewhere, ignores_password, server, user_name
from ._generator import Limits, limits
from ._groups import Group, credentials_of
from ._naming import name_of_new
from ._rules import rule_edits, twins_of
from ._secrets import (
    SECRET,
    attachment,
    attachments_of,
    deletion_policies,
    json_template,
    readers,
    reference_text,
    secret_of,
    short_of,
)
from ._slots import slots
from ._uses import Role, Use
from ._wording import description


@dataclass(eq=False, repr=False)
class Draft:
    """A plan that grows: operations, names already given, rewritten texts, follow-ups."""

    template: Template
    operations: list[Operation] = field(default_factory=list)
    follow_ups: list[str] = field(default_factory=list)
    seeds: list[Seed] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    redirected: list[Use] = field(default_factory=list)
    """What read a hand-made secret and reads another resource now: its text changes too."""
    _conditions: dict[str, Presence] = field(default_factory=dict)
    _rewritten: dict[Path, Value] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    def unique(self, *candidates: str) -> str:
        """Return the first logical id that is free, and keep it."""
        sections = ("Parameters", "Resources", "Conditions", "Mappings", "Outputs")
        known = {
            name
            for section in sections[:3]
            if isinstance(entries := self.template.data.get(section), dict)
            for name in entries
        } | self._taken
        numbered = (f"{candidates[-1]}{number}" for number in range(2, 1000))
        name = next(name for name in chain(candidates, numbered) if name not in known)
        self._taken.add(name)
        return name

    def condition(self, presence: Presence, name: str) -> str | None:
        """Return the condition of a presence, adding it where the template has none; None where
        it always holds."""
        conditions = self.template.conditions
        simple = conditions.simplified(presence)
        if conditions.equivalent(simple, ALWAYS):
            return None
        existing = conditions.named(simple)
        if existing is not None:
            return existing
        for added, presence in self._conditions.items():
            if conditions.equivalent(simple, presence):
                return added
        added = self.unique(name)
        self._conditions[added] = simple
        return added

    def point(self, uses: tuple[Use, ...], secret: str, key: str) -> None:
        """Let the uses of a parameter read a key of a secret instead."""
        text = reference_text(self.template, secret, key)
        for use in uses:
            if secret_of(self.template, value_at(self.template.document.data, use.path)):
                continue  # it reads the secret already
            if use.reference.target:
                self.rewrite(use.path, use.reference.target, text)
            else:  # a literal
                self.operations.append(Replace(use.path, {"Fn::Sub": text}))
        carried = (use.path for use in uses if use.role is Role.CARRIED)
        self.follow_ups += copies(carried, secret)

    def rewrite(self, path: Path, target: str, text: str) -> None:
        """Put a text of `Fn::Sub` where a function names a target; several may share one text."""
        value = self._rewritten.get(path, value_at(self.template.document.data, path))
        if not isinstance(value, dict):
            raise KeyError(path)
        body = value.get("Fn::Sub")
        if "Ref" in value:
            self._rewritten[path] = {"Fn::Sub": text}
        elif isinstance(body, list):
            self._rewritten[path] = {"Fn::Sub": [_put(str(body[0]), target, text), *body[1:]]}
        else:
            self._rewritten[path] = {"Fn::Sub": _put(str(body), target, text)}

    def plan(self) -> tuple[Operation, ...]:
        """Return all operations; to be called once."""
        data = self.template.document.data
        for path, value in self._rewritten.items():
            old = value_at(data, path)
            if isinstance(old, dict) and isinstance(value, dict) and set(old) == set(value):
                inner, body = (*path, "Fn::Sub"), value["Fn::Sub"]
                if isinstance(body, list):
                    self.operations.append(Replace((*inner, 0), body[0]))
                else:
                    self.operations.append(Replace(inner, body))
            else:
                self.operations.append(Replace(path, value))
        expression = self.template.conditions.expression
        added: dict[str, Value] = {n: expression(p) for n, p in self._conditions.items()}
        if added and "Conditions" not in data:
            self.operations.append(Add(("Conditions",), added, before="Resources"))
        else:
            self.operations += [Add(("Conditions", name), value) for name, value in added.items()]
        return tuple(self.operations)

    def drop_parameter(self, name: str) -> None:
        """Remove a parameter with what only served it: interface entries, assertions, its twin."""
        edits = rule_edits(self.template, name) or ()
        for each in (name, *(twins_of(self.template, name) if edits else ())):
            if each in self.template.parameters:
                self.operations.append(Remove(("Parameters", each)))
            for reference in self.template.references_to(each):
                if reference.kind is Kind.NAME:
                    self.operations.append(Remove(reference.path))
        self.operations += edits


def _put(body: str, target: str, text: str) -> str:
    return SUB_VARIABLE.sub(lambda match: text if match[1] == target else match[0], body)


def add_secret(
    draft: Draft,
    context: Context,
    parameter: str,
    group: Group,
    secret: str,
    allowed: Limits,
    keys: Mapping[str, Value] | None,
) -> Refusal | None:
    """Add a generated secret for a group before its first user; return why it cannot be.

    `keys` stand beside the password; without any (None) the secret is the bare password.
    """
    template = draft.template
    text = None if keys is None else json_template(keys)
    if isinstance(text, Refusal):
        return text
    generated = allowed.generate(text)
    if isinstance(generated, Refusal):
        return generated
    for reader in template.references_to(secret):  # pasted there, as our advice says
        if not template.conditions.implies((template.presence(reader.path),), group.presence):
            place = ".".join(map(str, reader.path[:2]))
            return Refusal(
                "secret-conditional",
                f"{place} reads {secret} also where its database is not made: give it the same "
                "condition",
            )
    condition = draft.condition(group.presence, f"Create{secret}")
    deletion, replacement = deletion_policies(template, tuple(group.owners))
    properties: dict[str, Value] = {}
    name = name_of_new(template, context, secret, deletion)
    if name is not None:
        properties["Name"] = name
    properties["Description"] = description(template, parameter, group)
    key = _kms_key(template, context, group)
    if key is not None:
        properties["KmsKeyId"] = key
    properties["GenerateSecretString"] = generated
    tags = convention_tags(template)
    if tags:
        properties["Tags"] = tags
    value: dict[str, Value] = {
        "Type": SECRET,
        **({"Condition": condition} if condition else {}),
        "DeletionPolicy": deletion,
        "UpdateReplacePolicy": replacement,
        "Properties": properties,
    }
    users = {use.resource for use in group.uses}
    refused = circular(template, value, users)
    if refused is not None:
        return refused
    first = next((name for name in template.resources if name in users), None)
    draft.operations.append(Add(("Resources", secret), value, before=first))
    return None


def circular(template: Template, value: Value, users: set[str]) -> Refusal | None:
    """Return why a secret cannot hold a value: that needs a resource which reads the secret."""
    for target in sorted({reference.target for reference in references({"": value})}):
        if target in users or any(template.depends(target, user) for user in users):
            return Refusal("circular", f"the secret would need {target}, which needs the secret")
    return None


def _kms_key(template: Template, context: Context, group: Group) -> Value:
    if context.settings.secret_kms_key not in ("none", "database"):
        return context.settings.secret_kms_key
    if context.settings.secret_kms_key == "none":
        return None
    keys = [template.properties(name).get("KmsKeyId") for name in group.owners]
    return keys[0] if len(keys) == 1 else None


def keys_beside(template: Template, group: Group) -> dict[str, Value] | Refusal | None:
    """Return what a new secret holds beside its password: the user name, where there is one.

    None stands for a bare password: a database that could be attached but has no user name, as one
    that is restored from a snapshot, has nothing that an attachment could complete.
    """
    user = user_name(template, group.main, group.presence)
    if isinstance(user, Refusal):
        return user
    if group.owners and not any(attached_when(template, group, name) for name in group.owners):
        return None
    if user is not None:
        return {"username": user}
    attachable = any(row.target_type for _, row in credentials_of(group))
    return None if group.owners and attachable else {}


def attached_when(template: Template, group: Group, database: str) -> Presence:
    """Return when a database of a group can be attached: not while it is restored."""
    taken = group.presence_of(database)
    return template.conditions.without(taken, elsewhere(template, database, taken))


def restored_refusal(template: Template, group: Group) -> Refusal | None:
    """Return why the password of a database cannot be ours: it takes another one."""
    for database in group.owners:
        if ignores_password(template, database, group.presence_of(database)):
            return Refusal(
                "restored",
                f"{database} takes its password from elsewhere (a snapshot, a source, the service "
                "itself) and not the one it is given: remove the property",
            )
    return None


def add_attachments(draft: Draft, group: Group, secret: str) -> None:
    """Add an attachment behind every database of a group that can take one."""
    template = draft.template
    if attachments_of(template, secret):
        return
    for database, uses in group.owners.items():
        slot = next(use.slot for use in uses if use.resource == database)
        taken = attached_when(template, group, database)
        if slot is None or slot.credential.target_type is None or not taken:
            continue
        short = short_of(secret)
        wanted = f"{short}SecretAttachment"
        if len(group.owners) > 1:
            wanted = f"{short}{database}SecretAttachment"
        name = draft.unique(wanted, f"{database}SecretAttachment")
        condition = draft.condition(taken, f"Create{name}")
        value = attachment(secret, database, slot.credential.target_type, condition)
        draft.operations.append(Add(("Resources", name), dict(value), after=database))


def group_limits(
    template: Template,
    context: Context,
    parameter: str,
    group: Group,
    secret: tuple[str, str] = ("", ""),
    *,
    plain: bool = False,
) -> Limits:
    """Return what the password of a group must keep to; with `plain`, letters and digits.

    What logs in to its database with a password of its own will read the same secret, and what
    reads the key of a `secret` that is there already reads on.
    """
    fed = {use.path for use in group.uses}
    plain = (
        plain
        or any(use.role in (Role.EXTERNAL, Role.CARRIED) for use in group.others)
        or any(
            slot.credential.generatable == "external"
            and server(template, slot, template.presence(slot.path))[0] in group.owners
            for slot in slots(template, context.catalogue)
        )
    )
    plain = plain or any(
        (reader.secret, reader.key) == secret and reader.path not in fed
        for reader in readers(template)
    )
    plain = plain or parameter in context.family.shown  # another template may put it into a text
    given = (template.parameter(parameter), *context.family.bounds.get(parameter, ()))
    return limits(template, credentials_of(group), *given, plain=plain)
