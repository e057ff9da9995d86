"""Which uses of one password share a secret: one secret a database, and who reads with it."""

from __future__ import annotations

from typing import NamedTuple

from remediator.conditions import Presence
from remediator.model import Credential, Refusal
from remediator.template import Template

from ._databases import is_database, owner, server, user_name
from ._generator import PUNCTUATION
from ._secrets import secret_of
from ._slots import Slot
from ._uses import Role, Use


class Group(NamedTuple):
    """The uses that one secret serves.

    `owners` are the databases the password belongs to, each with the uses that set it; none where
    the password belongs to a server outside the stack. `others` only read it. `secret` is what
    they read, with its key, where that is the secret of a database of this template.
    """

    owners: dict[str, tuple[Use, ...]]
    others: tuple[Use, ...] = ()
    secret: tuple[str, str] | None = None

    @property
    def uses(self) -> tuple[Use, ...]:
        """All uses, those of the owners first."""
        return (*(use for uses in self.owners.values() for use in uses), *self.others)

    @property
    def presence(self) -> Presence:
        """When any of the uses takes the password."""
        return tuple(dict.fromkeys(use.presence for use in self.uses))

    def presence_of(self, database: str) -> Presence:
        """When a database takes the password, whatever its members and replicas do."""
        own = (use.presence for use in self.owners[database] if use.resource == database)
        return tuple(dict.fromkeys(own))

    @property
    def main(self) -> Slot:
        """The slot whose user name stands beside the password; raises ValueError without one."""
        for use in self.uses:
            if use.slot is not None and use.role in (Role.CREDENTIAL, Role.EXTERNAL):
                return use.slot
        raise ValueError("a group without a credential")


def groups(template: Template, uses: tuple[Use, ...]) -> tuple[Group, ...] | Refusal:
    """Return the uses of one password by the secret each must read, or why that is unclear."""
    owners: dict[str, tuple[Use, ...]] = {}
    readers: list[Use] = []
    for use in uses:
        if use.role is Role.CREDENTIAL and use.slot is not None:
            database = owner(template, use.slot)
            if isinstance(database, Refusal):
                return database
            owners[database] = (*owners.get(database, ()), use)
        elif use.role in (Role.EXTERNAL, Role.CARRIED):
            readers.append(use)
    for database, theirs in owners.items():
        if all(use.resource != database for use in theirs):
            return Refusal(
                "member-of-cluster",
                f"{theirs[0].resource} is a member of {database}, whose password this is not",
            )
        own = [use for use in theirs if use.resource == database]
        refused = _one_user(template, own)
        if refused is not None:
            return refused
        taken = tuple(use.presence for use in own)
        for use in theirs:  # a member or replica in one mode only
            if not template.conditions.implies((use.presence,), taken):
                return _without_owner(use)
    if not owners:
        return _external(template, tuple(readers))
    return _owned(template, owners, tuple(readers))


def _one_user(template: Template, uses: list[Use]) -> Refusal | None:
    """Return why the users of one service cannot share a secret: it holds one user's name."""
    if len({use.slot.path for use in uses if use.slot is not None}) < 2:
        return None
    names = [user_name(template, use.slot, (use.presence,)) for use in uses if use.slot is not None]
    if all(name == names[0] for name in names):
        return None
    return Refusal(
        "several-users",
        f"several users of {uses[0].resource} share one password: give each one of its own",
    )


def _external(template: Template, readers: tuple[Use, ...]) -> tuple[Group, ...] | Refusal:
    """All that log in to servers outside share a secret, if they do so as the same user."""
    secrets: dict[tuple[str, str] | None, Use] = {}
    for use in readers:
        if use.role is Role.EXTERNAL and use.slot is not None:
            database, _ = server(template, use.slot, use.presence)
            here = database is not None and is_database(template, database)
            found = _secret_of_database(template, str(database), use) if here else None
            if isinstance(found, Refusal):
                return found
            secrets.setdefault(found, use)
    if len(secrets) > 1:
        places = " and ".join(use.resource for use in secrets.values())
        return Refusal("which-server", f"{places} log in to different servers with it")
    [secret] = secrets
    names = [
        user_name(template, use.slot, (use.presence,))
        for use in readers
        if use.slot is not None and use.role is Role.EXTERNAL
    ]
    refused = next((name for name in names if isinstance(name, Refusal)), None)
    if refused is not None:
        return refused
    if any(name != names[0] for name in names):
        return Refusal("several-users", "it is the password of several users outside the stack")
    group = Group({}, readers, secret)
    outside = tuple(use.presence for use in readers if use.role is Role.EXTERNAL)
    for use in readers:
        if not template.conditions.implies((use.presence,), outside):
            return _without_owner(use)
    return (group,)


def _owned(
    template: Template, owners: dict[str, tuple[Use, ...]], readers: tuple[Use, ...]
) -> tuple[Group, ...] | Refusal:
    found = [Group({name: uses}) for name, uses in owners.items()]
    if len(found) > 1 and _share(template, found):
        found = [Group(owners)]
    placed: list[list[Use]] = [[] for _ in found]
    for use in readers:
        index = _index(template, found, use)
        if isinstance(index, Refusal):
            return index
        placed[index].append(use)
    result = tuple(
        Group(group.owners, tuple(more)) for group, more in zip(found, placed, strict=True)
    )
    for group in result:
        taken = tuple(p for name in group.owners for p in group.presence_of(name))
        for use in group.others:
            if not template.conditions.implies((use.presence,), taken):
                return _without_owner(use)
    return result


_PASSWORDS = ("MasterUserPassword", "AdminUserPassword")
_USERS = ("MasterUsername", "AdminUsername", "AdminUserName")


def _secret_of_database(template: Template, database: str, use: Use) -> tuple[str, str] | Refusal:
    """Return the secret, with its key, that a database takes its password from, for a use that
    logs in to it as the same user."""
    properties = template.properties(database)
    password = next((key for key in _PASSWORDS if key in properties), "MasterUserPassword")
    source = secret_of(template, properties.get(password))
    if source is None:
        return Refusal(
            "other-password",
            f"{use.resource} logs in to {database}, whose password is another one: give it the "
            "same reference as the database",
        )
    user = next((properties[key] for key in _USERS if key in properties), None)
    if use.slot is None or user_name(template, use.slot, (use.presence,)) != user:
        return Refusal(
            "several-users",
            f"{use.resource} logs in to {database} as another user than its own",
        )
    generated = template.properties(source[0]).get("GenerateSecretString")
    excluded = generated if isinstance(generated, dict) else {}
    plain = str(excluded.get("ExcludePunctuation")).lower() == "true"
    if not plain and not set(PUNCTUATION) <= set(str(excluded.get("ExcludeCharacters", ""))):
        return Refusal(
            "other-password",
            f"the password in {source[0]} may hold punctuation, which {use.resource} misreads: a "
            "secret that stands is not changed",
        )
    return source


def _share(template: Template, found: list[Group]) -> bool:
    """Tell whether databases exclude each other, with one user name: one secret serves all."""
    names = [user_name(template, group.main, group.presence) for group in found]
    return all(name == names[0] for name in names) and all(
        template.conditions.exclusive(a.presence, b.presence)
        for index, a in enumerate(found)
        for b in found[index + 1 :]
    )


def _index(template: Template, found: list[Group], use: Use) -> int | Refusal:
    """Return the group whose database a reader of the password talks to."""
    place = use.slot.label if use.slot is not None else use.resource or str(use.path[0])
    if use.role is Role.EXTERNAL:
        slot = use.slot
        database, _ = server(template, slot, use.presence) if slot is not None else (None, None)
        for index, group in enumerate(found):
            if database in group.owners and slot is not None:
                own = user_name(template, slot, (use.presence,))
                if own == user_name(template, group.main, group.presence):
                    return index
                return Refusal(
                    "several-users", f"{place} logs in to {database} as another user than its own"
                )
        return Refusal(
            "which-server",
            f"{place}: it cannot be told whether its server is the database of this template",
        )
    if len(found) == 1:
        return 0
    names = ", ".join(name for group in found for name in group.owners)
    return Refusal(
        "which-database",
        f"{place} reads one password for {names}, which get one each: which it means is unclear",
    )


def _without_owner(use: Use) -> Refusal:
    return Refusal(
        "used-without-database",
        f"{use.resource or use.path[0]} uses it also where the template makes no such database",
    )


def credentials_of(group: Group) -> list[tuple[str, Credential]]:
    """Return the credential properties of a group, with the resource of each."""
    return [
        (use.resource, use.slot.credential)
        for use in group.uses
        if use.slot is not None and use.role in (Role.CREDENTIAL, Role.EXTERNAL)
    ]
