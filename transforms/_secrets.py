"""Secrets and attachments: how they are written, and how a template's own ones are read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from remediator.conditions import Presence, literal
from remediator.model import Path, Refusal, Value
from remediator.template import SUB_VARIABLE, Template, references, sub_parts, walk
from remediator.template import flattened as flattened

SECRET = "AWS::SecretsManager::Secret"
ATTACHMENT = "AWS::SecretsManager::SecretTargetAttachment"
ROTATION = "AWS::SecretsManager::RotationSchedule"
WRITTEN_BY_ATTACHMENT = frozenset(
    {"engine", "host", "port", "dbname", "dbInstanceIdentifier", "dbClusterIdentifier"}
)
"""Keys that an attachment puts into its secret (AWS: JSON structure of database credentials)."""
NO_VALUE: Value = {"Ref": "AWS::NoValue"}

_DYNAMIC = re.compile(r"\{\{resolve:secretsmanager:((?:\$\{[^{}]*\}|[^{}])*)\}\}")


class Reader(NamedTuple):
    """A dynamic reference to a secret of the same template; an empty `key` reads all of it."""

    path: Path
    secret: str
    key: str


def readers(template: Template) -> Iterator[Reader]:
    """Yield the dynamic references that read a secret of the same template."""
    for path, value in walk(template.document.data):
        if (
            isinstance(value, dict)
            and len(value) == 1
            and ("Fn::Sub" in value or "Fn::Join" in value)
        ):
            for match in _DYNAMIC.finditer(flattened(value)):
                secret = re.match(r"\$\{(\w+)(?:\.Id)?\}(.*)", match[1], re.DOTALL)
                if secret is not None and secret[1] in template.resources:
                    parts = secret[2].split(":")
                    yield Reader(path, secret[1], parts[2] if len(parts) > 2 else "")


def secret_of(template: Template, value: Value) -> tuple[str, str] | None:
    """Return secret and key that a credential is read from; None where that is not the whole
    value, or no secret of the template."""
    match = _DYNAMIC.fullmatch(flattened(value).strip())
    secret = re.match(r"\$\{(\w+)(?:\.Id)?\}(.*)", match[1], re.DOTALL) if match else None
    if secret is None or template.type_of(secret[1]) not in (SECRET, ATTACHMENT):
        return None
    parts = secret[2].split(":")
    return secret[1], parts[2] if len(parts) > 2 else ""


def reference(template: Template, secret: str, key: str) -> Value:
    """Return a dynamic reference to a key of a secret, in the form that the template uses."""
    return {"Fn::Sub": reference_text(template, secret, key)}


def reference_text(template: Template, secret: str, key: str) -> str:
    """Return the same as a text within `Fn::Sub`; without a key it reads the whole secret."""
    if not key:
        return "{{resolve:secretsmanager:${%s}}}" % secret
    word = "SecretString" if ":SecretString:" in template.document.text else ""
    return "{{resolve:secretsmanager:${%s}:%s:%s}}" % (secret, word, key)


def json_template(entries: Mapping[str, Value]) -> Value | Refusal:
    """Return a JSON object as a text, with `Fn::Sub` where it holds expressions.

    A `Bare` value stands without quotes. Raises nothing: an expression that would break the JSON
    is a refusal.
    """
    variables: dict[str, Value] = {}
    parts = []
    dynamic = False
    for key, value in entries.items():
        bare = isinstance(value, dict) and set(value) == {"Bare"}
        inner = value["Bare"] if isinstance(value, dict) and bare else value
        if isinstance(inner, (dict, list)):
            dynamic = True
            text = flattened(inner)
            if "\0" in text:
                name = _variable_name(key, variables)
                variables[name] = inner
                text = "${%s}" % name
            if "{{resolve:" in text:
                return Refusal(
                    "reference-in-secret",
                    f"{key} is a dynamic reference, which a secret's own text must not hold",
                )
            if re.search(r'["\\\n]|\$\{', SUB_VARIABLE.sub("", text).replace("${!", "")):
                return Refusal("breaks-json", f"{key} holds characters that would break the JSON")
            parts.append(f"{json.dumps(key)}: {text}" if bare else f'{json.dumps(key)}: "{text}"')
        else:
            parts.append(f"{json.dumps(key)}: {_escaped(inner)}")
    body = "{%s}" % ", ".join(parts)
    if not dynamic:
        return body.replace("${!", "${")
    return {"Fn::Sub": [body, variables] if variables else body}


def _escaped(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False).replace("${", "${!")


def _variable_name(key: str, taken: Mapping[str, Value]) -> str:
    name = re.sub(r"\W", "", key[:1].upper() + key[1:]) or "Value"
    while name in taken:
        name += "2"
    return name


def secret_entries(value: Value) -> dict[str, Value] | None:
    """Return the keys of a secret's JSON text with their expressions, or None where it is none.

    Expressions stand as `{"Fn::Sub": …}` or `{"Ref": …}`; without quotes as `{"Bare": …}`.
    """
    if isinstance(value, dict) and set(value) == {"Fn::ToJsonString"}:
        inner = value["Fn::ToJsonString"]
        plain = isinstance(inner, dict) and all(map(_is_scalar_or_function, inner.values()))
        return dict(inner) if isinstance(inner, dict) and plain else None
    pieces: list[Value] = []

    def mark(piece: Value) -> str:
        pieces.append(piece)
        return f"\1{len(pieces) - 1}\2"

    text = _marked(value, mark)
    if text is None:
        return None
    text = _BARE.sub('"\3\\1\2"', text)
    try:
        data = json.loads(text, strict=False)
    except (ValueError, RecursionError):  # a hostile text nests a thousand levels deep
        return None
    if not isinstance(data, dict) or not all(
        isinstance(v, (str, int, float)) for v in data.values()
    ):
        return None
    return {key: _unmarked(item, pieces) for key, item in data.items()}


def _is_scalar_or_function(value: Value) -> bool:
    if isinstance(value, dict):
        return len(value) == 1 and all(key == "Ref" or key.startswith("Fn::") for key in value)
    return isinstance(value, (str, int, float))


def _marked(value: Value, mark: Callable[[Value], str]) -> str | None:
    text = literal(value)
    if text is not None:
        return text if isinstance(value, str) else None
    if isinstance(value, dict) and "Fn::Sub" in value:
        body, local = sub_parts(value["Fn::Sub"])
        return SUB_VARIABLE.sub(
            lambda m: mark(local[m[1]] if m[1] in local else _expression(m[1])), body
        ).replace("${!", "${")
    join = value.get("Fn::Join") if isinstance(value, dict) else None
    if isinstance(join, list) and len(join) == 2 and isinstance(join[1], list):
        parts = [part if isinstance(part, str) else mark(part) for part in join[1]]
        return (literal(join[0]) or "").join(parts)
    return None


# Between private marks while the text is read as JSON: an expression within quotes (1 to 2), one
# without (3 to 2), which has to be quoted to be JSON at all.
_BARE = re.compile("(?<=:)\\s*\1(\\d+)\2(?=\\s*[,}])")


def _expression(variable: str) -> Value:
    target, dot, attribute = variable.partition(".")
    return {"Fn::GetAtt": [target, attribute]} if dot else {"Ref": target}


def _unmarked(item: Value, pieces: list[Value]) -> Value:
    if not isinstance(item, str):
        return item
    whole = re.fullmatch("([\1\3])(\\d+)\2", item)
    if whole is not None:
        piece = pieces[int(whole[2])]
        return piece if whole[1] == "\1" else {"Bare": piece}
    if "\1" not in item:
        return item
    text = re.sub("\1(\\d+)\2", lambda m: flattened(pieces[int(m[1])]), item.replace("${", "${!"))
    return {"Fn::Sub": text}


def short_of(secret: str) -> str:
    """Return what a secret's logical id says beside `Password` and `Secret`."""
    return re.sub(r"Secret\d*$", "", secret).removesuffix("Password")


def attachments_of(template: Template, secret: str) -> tuple[str, ...]:
    """Return the attachments of a secret."""
    return tuple(
        name
        for name in template.of_type(ATTACHMENT)
        if names(template.properties(name).get("SecretId"), secret)
    )


def names(value: Value, target: str) -> bool:
    """Tell whether a value refers to a parameter or resource anywhere."""
    return any(reference.target == target for reference in references({"": value}))


def attachment(
    secret: str, database: str, target_type: str, condition: str | None
) -> dict[str, Value]:
    """Return a `SecretTargetAttachment`."""
    return {
        "Type": ATTACHMENT,
        **({"Condition": condition} if condition else {}),
        "Properties": {
            "SecretId": {"Ref": secret},
            "TargetId": {"Ref": database},
            "TargetType": target_type,
        },
    }


def deletion_policies(template: Template, databases: tuple[str, ...]) -> tuple[str, str]:
    """Return `DeletionPolicy` and `UpdateReplacePolicy` for the secret of some resources.

    CloudFormation deletes secrets at once, so one lives on where a database or its snapshot
    does: RDS clusters and standalone instances are kept as a snapshot by default.
    """
    kept = any(_effective_policy(template, name) != "Delete" for name in databases)
    return ("RetainExceptOnCreate", "Retain") if kept else ("Delete", "Delete")


def _effective_policy(template: Template, logical_id: str) -> Value:
    resource = template.resources[logical_id]
    policy = resource.get("DeletionPolicy") if isinstance(resource, dict) else None
    if policy is not None:
        return policy
    kind = template.type_of(logical_id)
    standalone = template.properties(logical_id).get("DBClusterIdentifier") is None
    by_default = kind == "AWS::RDS::DBCluster" or (kind == "AWS::RDS::DBInstance" and standalone)
    return "Snapshot" if by_default else "Delete"


def resolved(template: Template, value: Value, presence: Presence) -> Value:
    """Return an expression without the branches that cannot be taken under a presence."""
    if isinstance(value, dict) and set(value) == {"Fn::If"}:
        branches = value["Fn::If"]
        if isinstance(branches, list) and len(branches) == 3 and isinstance(branches[0], str):
            name, then, otherwise = branches
            conditions = template.conditions
            taken: Presence = (frozenset({(str(name), True)}),)
            opposite: Presence = (frozenset({(str(name), False)}),)
            if conditions.implies(presence, taken):
                return resolved(template, then, presence)
            if conditions.implies(presence, opposite):
                return resolved(template, otherwise, presence)
            both = conditions.both
            then = resolved(template, then, both(presence, taken))
            otherwise = resolved(template, otherwise, both(presence, opposite))
            if NO_VALUE in (then, otherwise):  # no value there: what it is elsewhere does no harm
                return otherwise if then == NO_VALUE else then
            return {"Fn::If": [name, then, otherwise]}
    return value
