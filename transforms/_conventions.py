"""What a template's authors do everywhere: how they name, and how they tag."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator

from remediator.conditions import literal
from remediator.model import Value
from remediator.template import SUB_VARIABLE, Template, flattened, sub_parts

_LEAST = 3  # fewer resources than this make no convention

# Properties that set the physical name of their resource, in the order of preference.
_NAME_PROPERTIES = (
    "Name",
    "DBInstanceIdentifier",
    "DBClusterIdentifier",
    "ClusterIdentifier",
    "ReplicationInstanceIdentifier",
    "ReplicationTaskIdentifier",
    "ReplicationSubnetGroupIdentifier",
    "EndpointIdentifier",
    "GroupName",
    "AlarmName",
    "AliasName",
    "AutoScalingGroupName",
    "BucketName",
    "ClusterName",
    "DBSubnetGroupName",
    "FunctionName",
    "InstanceProfileName",
    "LaunchTemplateName",
    "LogGroupName",
    "ManagedPolicyName",
    "QueueName",
    "RepositoryName",
    "RoleName",
    "ServiceName",
    "TableName",
    "TopicName",
)


def naming_pattern(template: Template) -> tuple[str, str] | None:
    """Return what stands before and after the own part of the template's physical names.

    Three resources and two thirds of those that are named must share it, and it must hold a
    variable (`${EnvironmentSuffix}`), so that two stacks do not collide. None where there is none.
    """
    names = list(_names(template))
    counts: Counter[tuple[str, str]] = Counter()
    for name in names:
        counts.update(_frames(name))
    shared = (
        frame
        for frame, count in counts.items()
        if count >= _LEAST and count * 3 >= len(names) * 2 and "${" in "".join(frame)
    )
    return max(shared, key=lambda frame: len(frame[0]) + len(frame[1]), default=None)


def name_by(pattern: tuple[str, str], words: str) -> str:
    """Return the physical name that a pattern gives to a thing, `DBPassword` as `db-password`."""
    before, after = pattern
    separator = next((c for c in reversed(before or after) if c in "-_/."), "-")
    return before + kebab(words).replace("-", "-" if separator in "/." else separator) + after


def kebab(words: str) -> str:
    """Return CamelCase words in lower case with hyphens: `OnPremisesDBPassword`,
    `on-premises-db-password`."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|\d+", words)
    return "-".join(part.lower() for part in parts)


def _names(template: Template) -> Iterator[str]:
    for logical_id in template.resources:
        properties = template.properties(logical_id)
        for key in _NAME_PROPERTIES:
            text = _pattern_text(properties.get(key))
            if text:
                yield text
                break


def _pattern_text(value: Value) -> str:
    """Return a name as the text of an `Fn::Sub`; empty where it names nothing by itself."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and len(value) == 1:
        if "Fn::Sub" in value:
            text, local = sub_parts(value["Fn::Sub"])
            bare = SUB_VARIABLE.sub("", text)
            return text if bare and not local else ""
        join = value.get("Fn::Join")
        if isinstance(join, list) and len(join) == 2 and isinstance(join[1], list):
            return (literal(join[0]) or "").join(map(_part, join[1]))
    return ""


def _part(value: Value) -> str:
    if isinstance(value, dict) and isinstance(value.get("Ref"), str):
        return flattened({"Ref": value["Ref"]})
    return literal(value) or "\0"


def _frames(name: str) -> Iterator[tuple[str, str]]:
    """Yield every way to see a name as something between a beginning and an end."""
    tokens = re.findall(r"\$\{[^}]*\}|[-_/.]|[^-_/.$]+|\$", name)
    separators = [i for i, token in enumerate(tokens) if token in ("-", "_", "/", ".")]
    for start in (0, *(i + 1 for i in separators)):
        for stop in (*separators, len(tokens)):
            if start < stop:
                own = "".join(tokens[start:stop])
                if not own.startswith("$") and (start or stop < len(tokens)):
                    yield "".join(tokens[:start]), "".join(tokens[stop:])


def convention_tags(template: Template) -> list[Value]:
    """Return the tags that three resources and two thirds of the tagged share with their value."""
    tagged = [
        tags
        for logical_id in template.resources
        if isinstance(tags := template.properties(logical_id).get("Tags"), list)
    ]
    counts: Counter[str] = Counter()
    seen: dict[str, Value] = {}
    for tags in tagged:
        for tag in tags:
            if isinstance(tag, dict) and isinstance(tag.get("Key"), str) and "Value" in tag:
                plain: Value = {"Key": tag["Key"], "Value": tag["Value"]}
                text = json.dumps(plain, sort_keys=True)
                seen.setdefault(text, plain)
                counts[text] += 1
    return [seen[text] for text, n in counts.items() if n >= _LEAST and n * 3 >= len(tagged) * 2]
