"""The credential properties that a template has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from remediator.errors import TemplateError
from remediator.model import Catalogue, Credential, Path, value_at
from remediator.template import Template, applies, places, walk

MOST = 1_000
"""Credential properties of a template that are looked at; CloudFormation takes 500 resources."""
CONTAINER = "secret-container"
"""The kind of `SecretString`: a carrier."""


class Slot(NamedTuple):
    """A credential property that a resource of the template has."""

    resource: str
    credential: Credential
    path: Path

    @property
    def label(self) -> str:
        """The slot as a person names it: `RDSInstance.MasterUserPassword`."""
        return ".".join((self.resource, *map(str, self.path[3:])))


def slots(template: Template, catalogue: Catalogue) -> Iterator[Slot]:
    """Yield the credential properties of a template, in the order of its resources.

    Raises TemplateError where there are more than MOST: each is weighed against the others.
    """
    count = 0
    for name in template.resources:
        for credential in catalogue.get(template.type_of(name), ()):
            root: Path = ("Resources", name, "Properties")
            properties = dict(template.properties(name))
            if credential.kind == CONTAINER:
                continue  # no credential by itself: manual-secrets looks into it
            if credential.generatable == "yes" and properties.get("AuthType") == "SECRET_ARN":
                continue  # DocumentDB Elastic: the property then takes a secret's ARN
            for path in places(properties, root, credential.property):
                if applies(credential, template.document.data, path):
                    count += 1
                    if count > MOST:
                        raise TemplateError(
                            f"has more than {MOST:,} credentials; so many are not looked at "
                            "(CloudFormation takes 500 resources)"
                        )
                    yield Slot(name, credential, path)


def by_resource(all_slots: Iterable[Slot]) -> Mapping[str, tuple[Slot, ...]]:
    """Return resource -> its credential properties."""
    found: dict[str, list[Slot]] = {}
    for slot in all_slots:
        found.setdefault(slot.resource, []).append(slot)
    return {name: tuple(slots) for name, slots in found.items()}


def looped(template: Template, catalogue: Catalogue) -> Iterator[Slot]:
    """Yield the credential properties within `Fn::ForEach`, which no repair reaches."""
    for name, loop in template.resources.items():
        if not name.startswith("Fn::ForEach"):
            continue
        for path, body in walk(loop, ("Resources", name)):
            kind = body.get("Type") if isinstance(body, dict) else None
            if not isinstance(body, dict) or not isinstance(kind, str):
                continue
            for credential in catalogue.get(kind, ()):
                for place in places(
                    body.get("Properties"), (*path, "Properties"), credential.property
                ):
                    text = json.dumps(value_at(template.document.data, place))
                    if credential.generatable != "no" and "{{resolve:" not in text:
                        yield Slot(name, credential, place)
