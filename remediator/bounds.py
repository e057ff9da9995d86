"""What other templates ask of a password that one of them is to generate.

CloudFormation holds a value against the limits of every parameter that it comes through, from the
root to the database, and against those of what shares it. So must the generated one keep to all:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath as Place
from typing import TypeAlias

from .foreseen import argument_of
from .model import Value, value_at
from .repository import Repository
from .template import Template

Bound: TypeAlias = Mapping[str, Value]
_LIMITS = ("MinLength", "MaxLength", "AllowedPattern")


def bound(template: Template, parameter: str) -> Bound:
    """Return the limits of a parameter, as it is defined; empty where it has none."""
    definition = template.parameter(parameter)
    return {name: definition[name] for name in _LIMITS if name in definition}


def above(
    tree: Repository, template: Callable[[Place], Template], place: Place, parameter: str
) -> Iterator[Bound]:
    """Yield the limits of the parameters of parents, up to the root, that one gets its value from.

    A value that is put together from several is another one: its sources set no limits.
    """
    asked = [(place, parameter)]
    for child, name in asked:
        for call in tree.calls(child, name):
            if call.site.edit != "template":
                continue
            parent = template(call.place)
            source = _source(value_at(parent.data, argument_of(parent, call).value))
            if source in parent.parameters and (call.place, source) not in asked:
                asked.append((call.place, source))
                yield bound(parent, source)


def _source(value: Value) -> str:
    """Return the name of what a value is, unchanged: `Ref`, or `Fn::Sub` of it alone."""
    if not isinstance(value, dict):
        return ""
    text = str(value.get("Fn::Sub", ""))
    alone = text[2:-1] if text.startswith("${") and text.endswith("}") else ""
    return str(value.get("Ref", alone))
