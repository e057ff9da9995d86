"""Who else gets the value of an argument that goes: it would keep the old password.

An application that logs in with the password of its parent stack's parameter stops working as soon
as the database's is a generated one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from .arguments import argument_at
from .conditions import literal
from .model import Path, Value, is_telling, value_at
from .template import Kind, Reference, Template, references, walk

_NO_VALUE = frozenset({"Conditions", "Rules", "Metadata"})
"""Sections that ask for a value and pass it to nobody."""
_PASSWORD = re.compile(r"pass(?!ive|age|thr)|pwd|pw(?![a-z])|secret|credential|token", re.I)
_LOOKUP = "Fn::FindInMap"
_PLACEHOLDER = re.compile(
    r"\$\[taskcat_gen|^(?:change|replace)[-_ ]?(?:me|it|this)|^override$|^<.*>$", re.I
)


def others(
    old: Template, new: Template, path: Path, hides: Callable[[str], bool] = lambda _: False
) -> Iterator[Path]:
    """Yield where a new template still uses what an argument of the old one, at a path, came from.

    Conditions and rules do not count: they pass the value to nobody. `hides` tells whether a
    parameter of that name is one that must not be shown.
    """
    value = value_at(old.data, path)
    text = literal(value)
    if text is not None:
        yield from _same_literal(new, text, () if new is not old else path, hides)
        return
    yield from _same_function(new, value, () if new is not old else path)
    for source in _sources(old, list(references({"": value}))):
        default = old.parameter(source.target).get("Default")
        if isinstance(default, str):
            yield from _same_literal(new, default, (), hides)
        for use in new.references_to(source.target):
            same = use.attribute == source.attribute
            if (
                same
                and use.kind not in (Kind.NAME, Kind.DEPENDS_ON)
                and use.path[0] not in _NO_VALUE
            ):
                yield use.path


def is_imported(template: Template, path: Path) -> bool:
    """Tell whether the value at a path comes from another stack's export, at least in part."""
    found = walk(value_at(template.data, path))
    return any(isinstance(value, dict) and "Fn::ImportValue" in value for _, value in found)


def _sources(template: Template, found: list[Reference]) -> list[Reference]:
    """Return what a value comes from: its hidden parameters, where it has such."""
    hidden = [
        each
        for each in found
        if str(template.parameter(each.target).get("NoEcho")).lower() == "true"
    ]
    plain = [each for each in found if not each.target.startswith("AWS::")]
    return hidden or [each for each in plain if each.kind is not Kind.CONDITION]


def _same_function(template: Template, value: Value, path: Path) -> Iterator[Path]:
    """Yield where resources and outputs have the functions of a value, but for that at the path.

    What a mapping or a function of constants says has no parameter to be known by.
    """
    wanted = [each for _, each in walk(value) if isinstance(each, dict) and _LOOKUP in each]
    if isinstance(value, dict) and any(name.startswith("Fn::") for name in value):
        wanted.append(value)
    found = walk({name: template.data.get(name) for name in ("Resources", "Outputs")})
    for place, each in found if wanted else ():
        if each in wanted and (not path or place[: len(path)] != path):
            yield place


def _same_literal(
    template: Template, text: str, path: Path, hides: Callable[[str], bool]
) -> Iterator[Path]:
    """Yield where the resources of a template hold a text, but for the value at a path.

    An argument of that value whose name speaks of something else is only alike: a user name may
    be what the password is.
    """
    if not is_telling(text):
        return
    for place, value in walk(dict(template.resources), ("Resources",)):
        if literal(value) == text and place != path:
            argument = argument_at(template, place)
            if argument is None or names_password(argument.name) or hides(argument.name):
                yield place


def is_used(template: Template, parameter: str) -> bool:
    """Tell whether a template does anything with a parameter."""
    return any(each.kind is not Kind.NAME for each in template.references_to(parameter))


def is_password(value: str) -> bool:
    """Tell whether a value may be a password that two places have in common, and no placeholder.

    A common word may be one too: a weak password, of which an application loses its database.
    """
    return bool(value.strip()) and not _PLACEHOLDER.search(value.strip())


def names_password(parameter: str) -> bool:
    """Tell whether a parameter's name says that it takes a password."""
    return _PASSWORD.search(parameter) is not None


def is_secret(parameter: str, hides: Callable[[str], bool]) -> bool:
    """Tell whether the name of a parameter, or a template that has it, says that it is secret."""
    return names_password(parameter) or hides(parameter)
