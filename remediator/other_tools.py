"""Suppressions of other tools that a repair has made pointless. They are told, never edited.

What counts is the difference of the two templates: a rule is needed where a password of the
properties that it looks at is anything but a dynamic reference. That is wider than what the tools
themselves report, so that none is called pointless which may still be needed.

Sources, for where a suppression stands: https://github.com/aws-cloudformation/cfn-lint#metadata,
https://github.com/stelligent/cfn_nag#per-resource-rule-suppression and
https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html; checkov looks for one
on a secret only in comments on its line and those beside it. For the properties: the catalogue
(`source`), and for W2501 the names in cfn-lint's rules/resources/properties/Password.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from .comments import Comments
from .document import Document
from .model import Catalogue, Credential, Path, Value, pointer, value_at
from .results import FileResult, Outcome, Status
from .template import Template, walk

_RULE = re.compile(r"\b(?:[FW]\d+)\b")
_BY_NAME = "W2501"
_NAMES = frozenset(
    {
        *("AccountPassword", "AdminPassword", "ADDomainJoinPassword", "Password", "DbPassword"),
        *("CrossRealmTrustPrincipalPassword", "KdcAdminPassword", "MasterUserPassword"),
        "PasswordParam",
    }
)
_CHECKOV = re.compile(r"checkov:skip=(CKV_SECRET_\d+)")
_WORDS = ("cfn-lint", "cfn_nag", "checkov")
_LEFT = (Status.LEFT, Status.SUPPRESSED)


def with_follow_ups(
    result: FileResult, old: Document, new: Document, catalogue: Catalogue
) -> FileResult:
    """Return a result whose repairs name the suppressions that they have made pointless.

    Each is a follow-up of the first repair that changes the resource it stands in.
    """
    outcomes = list(result.outcomes)
    for resource, step in pointless(old, new, catalogue):
        entry: Path = ("Resources", resource) if resource else ()
        repairs = [i for i, each in enumerate(outcomes) if each.status not in _LEFT]
        own = [i for i in repairs if _changes(outcomes[i], entry)]
        for index in (own or repairs)[:1]:
            fix = outcomes[index].finding.fix
            if fix is not None:
                fix = replace(fix, follow_ups=(*fix.follow_ups, step))
                finding = replace(outcomes[index].finding, fix=fix)
                outcomes[index] = replace(outcomes[index], finding=finding)
    return replace(result, outcomes=tuple(outcomes))


def _changes(outcome: Outcome, entry: Path) -> bool:
    operations = outcome.finding.fix.operations if outcome.finding.fix else ()
    return any(operation.path[: len(entry)] == entry for operation in operations)


def pointless(old: Document, new: Document, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Yield what to remove because nothing needs it any more: a resource, and a sentence.

    The resource is empty where the suppression is the template's.
    """
    if old.text == new.text or not any(word in new.text for word in _WORDS):
        return
    before, after = Template(old), Template(new)
    for name in ("", *after.resources):
        owner: Path = ("Resources", name) if name else ()
        for rule, path in _suppressed(new.data, owner):
            names = [name] if name else list(after.resources)
            needed = any(_needs(before, each, rule, catalogue) for each in names)
            if needed and not any(_needs(after, each, rule, catalogue) for each in names):
                place = ".".join(map(str, path))
                yield name, f"Remove {rule} from {place}: nothing there needs it any more"
    yield from _in_comments(before, after, catalogue)


def _suppressed(data: Value, owner: Path) -> Iterator[tuple[str, Path]]:
    """Yield the rules of cfn-lint and cfn_nag that the Metadata of an owner suppresses."""
    for steps in (("cfn-lint", "config", "ignore_checks"), ("cfn_nag", "rules_to_suppress")):
        path = (*owner, "Metadata", *steps)
        try:
            entries = value_at(data, path)
        except KeyError:
            continue
        for entry in entries if isinstance(entries, list) else ():
            rule = entry.get("id") if isinstance(entry, dict) else entry
            if isinstance(rule, str):
                yield rule, path


def _in_comments(
    before: Template, after: Template, catalogue: Catalogue
) -> Iterator[tuple[str, str]]:
    """Yield the comments for checkov that speak of a credential which was written out before."""
    if not _CHECKOV.search(after.document.text):
        return
    for comment in Comments(after.document).all:
        match = _CHECKOV.search(comment.text)
        entry = comment.entry or ()
        if match is None or len(entry) < 2 or entry[0] != "Resources":
            continue
        name = str(entry[1])
        known = {path for path, _ in _credentials(after, name, catalogue)}
        if entry not in known or _is_secret(value_at(dict(after.data), entry)):
            continue
        was = next((v for path, v in _credentials(before, name, catalogue) if path == entry), None)
        if isinstance(was, str) and _is_secret(was):
            place = f"the comment on {pointer(entry)}"
            yield name, f"Remove {match[1]} from {place}: nothing there needs it any more"


def _needs(template: Template, name: str, rule: str, catalogue: Catalogue) -> bool:
    """Tell whether a resource holds a password that a rule looks at and may report."""
    found = _credentials(template, name, catalogue, rule)
    if any(_is_secret(value) for _, value in found):
        return True
    if rule != _BY_NAME:
        return False
    properties = dict(template.properties(name))
    return any(path and path[-1] in _NAMES and _is_secret(each) for path, each in walk(properties))


def _credentials(
    template: Template, name: str, catalogue: Catalogue, rule: str = ""
) -> Iterator[tuple[Path, Value]]:
    """Yield the credentials of a resource with their places; those of one rule if it is given."""
    for row in catalogue.get(template.type_of(name), ()):
        if not rule or rule in _rules(row):
            properties = dict(template.properties(name))
            yield from _at(properties, row.property, ("Resources", name, "Properties"))


@cache
def _rules(row: Credential) -> frozenset[str]:
    return frozenset(_RULE.findall(row.source))


def _at(value: Value, steps: tuple[str, ...], path: Path) -> Iterator[tuple[Path, Value]]:
    """Yield what stands at the steps of a property, or the function that stands in its way."""
    function = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else ""
    if steps and function == "Fn::If":
        branches = value[function] if isinstance(value, dict) else None
        for index, branch in enumerate(branches if isinstance(branches, list) else ()):
            if index:
                yield from _at(branch, steps, (*path, function, index))
    elif not steps or function == "Ref" or function.startswith("Fn::"):
        yield path, value
    elif steps[0] == "*" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _at(item, steps[1:], (*path, index))
    elif steps[0] == "{}" and isinstance(value, dict):
        for key, item in value.items():
            yield from _at(item, steps[1:], (*path, key))
    elif isinstance(value, dict) and steps[0] in value:
        yield from _at(value[steps[0]], steps[1:], (*path, steps[0]))


def _is_secret(value: Value) -> bool:
    """Tell whether a value is, in some branch, anything but a dynamic reference."""
    if isinstance(value, dict) and len(value) == 1:
        [(function, argument)] = value.items()
        if function == "Fn::If" and isinstance(argument, list):
            return any(map(_is_secret, argument[1:]))
        if function in ("Fn::Sub", "Fn::Join"):
            texts = [each for _, each in walk(argument) if isinstance(each, str)]
            return not any("{{resolve:" in text for text in texts)
        return value != {"Ref": "AWS::NoValue"}
    return not (isinstance(value, str) and value.startswith("{{resolve:"))
