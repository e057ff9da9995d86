"""What the resources of a template pass to other templates.

Nested stacks and applications, stack sets and products of Service Catalog: each takes parameters,
as a mapping or as a list of pairs, some within `Fn::If`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .model import Path, Value
from .template import Template


class Argument(NamedTuple):
    """A parameter that a resource passes: where its entry stands, and where the value does."""

    resource: str
    name: str
    path: Path
    value: Path


def arguments(template: Template, resource: str) -> Iterator[Argument]:
    """Yield what a resource passes to the template that it is made from."""
    properties = template.properties(resource)
    place: Path = ("Resources", resource, "Properties")
    yield from _given(resource, properties.get("Parameters"), (*place, "Parameters"))
    provisioning = (*place, "ProvisioningParameters")
    yield from _pairs(resource, properties.get("ProvisioningParameters"), provisioning, "")
    groups = properties.get("StackInstancesGroup")
    for number, group in enumerate(groups if isinstance(groups, list) else ()):
        path = (*place, "StackInstancesGroup", number, "ParameterOverrides")
        overrides = group.get("ParameterOverrides") if isinstance(group, dict) else None
        yield from _pairs(resource, overrides, path, "Parameter")


def argument_at(template: Template, path: Path) -> Argument | None:
    """Return the argument whose value holds the place at a path; None where none does."""
    if path[:1] != ("Resources",) or len(path) < 2:
        return None
    found = arguments(template, str(path[1]))
    return next((each for each in found if path[: len(each.value)] == each.value), None)


def _given(resource: str, value: Value, path: Path) -> Iterator[Argument]:
    if isinstance(value, list):
        yield from _pairs(resource, value, path, "Parameter")
    elif isinstance(value, dict):
        branches = value.get("Fn::If") if len(value) == 1 else None
        for number, branch in enumerate(branches if isinstance(branches, list) else ()):
            if number:
                yield from _given(resource, branch, (*path, "Fn::If", number))
        for name in value:
            if name != "Ref" and not name.startswith("Fn::"):
                yield Argument(resource, name, (*path, name), (*path, name))


def _pairs(resource: str, value: Value, path: Path, prefix: str) -> Iterator[Argument]:
    for number, pair in enumerate(value if isinstance(value, list) else ()):
        if isinstance(pair, dict) and isinstance(name := pair.get(f"{prefix}Key"), str):
            here, key = (*path, number), f"{prefix}Value"
            yield Argument(resource, name, here, (*here, key) if key in pair else here)
