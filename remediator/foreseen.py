"""What is sure to keep a password where it is, as the templates around one show before any repair.

A parent passes one value to two nested stacks, and the template of the second uses it where no
secret can be read: in what a machine runs, in an output, in a condition. It cannot lose it, so the
first must not generate another. Seen early, that saves working out repairs that are given up again.
"""

from __future__ import annotations

from pathlib import PurePosixPath as Place
from typing import Protocol

from . import sharing
from .arguments import Argument, argument_at, arguments
from .errors import FileError, TemplateError
from .family_texts import Texts
from .model import Path
from .sites import Site
from .template import Kind, Template


class Passed(Protocol):
    """A place in a parent that passes a parameter to a nested stack."""

    @property
    def place(self) -> Place:
        """The parent's place in the tree."""

    @property
    def site(self) -> Site:
        """Where in it."""


def obstacle(texts: Texts, call: Passed) -> str:
    """Return why a template keeps the parameter that a parent passes, to be read behind the place
    of that; empty where nothing is sure."""
    try:
        parent = texts.old(call.place)
        own = argument_of(parent, call)
        for use in sharing.others(parent, parent, own.value, texts.tree.hides):
            argument = argument_at(parent, use)
            if argument is not None and argument.path != own.path:
                bound = _bound(texts, call.place, argument)
                if bound:
                    line, _ = parent.document.place(argument.value)
                    return would_keep(argument.resource, call.place, line, bound)
    except (TemplateError, FileError, StopIteration):
        return ""  # what cannot be read is told where it is to be changed
    return ""


def would_keep(reader: str, parent: Place, line: int, why: str) -> str:
    """Return that another resource of a parent gets the same value, in words."""
    return (
        f"passes a value that {reader} gets, too ({parent}:{line}): it would keep the old "
        f"password; {why}"
    )


def argument_of(template: Template, call: Passed) -> Argument:
    """Return the argument that stands at a place of a parent."""
    place = call.site.places[0]
    return next(each for each in arguments(template, str(place[1])) if each.path == place)


def _bound(texts: Texts, parent: Place, argument: Argument) -> str:
    """Return why an argument is sure to stay: the template that takes it can read no secret
    instead, and passes it to no stack of its own."""
    for place in texts.tree.children(parent, argument.resource):
        template = texts.old(place)
        uses = template.references_to(argument.name)
        if any(argument_at(template, each.path) for each in uses):
            continue
        use = unreadable(template, argument.name)
        if use is not None:
            line, _ = template.document.place(use)
            return f"{place}:{line} needs the value itself: let it read a secret first"
    return ""


def unreadable(reader: Template, parameter: str) -> Path | None:
    """Return where a template uses a password and can read no secret in its place; None where all
    uses are in properties of resources, save in what a machine runs. A rule may go with it."""
    for use in reader.references_to(parameter):
        path = use.path
        if use.kind is Kind.NAME or path[0] == "Rules":
            continue
        if path[0] != "Resources" or path[2:3] != ("Properties",) or "UserData" in path:
            return path
    return None
