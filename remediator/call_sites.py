"""Reads where a file gives parameters to a template: parent stacks, parameter files, scripts.

Pure: text goes in, `Site`s come out; which template each is meant for is decided by
`repository`. What CloudFormation does with a parameter that the template no longer has: create
and update calls are refused (`Parameters: [X] do not exist in the template`), while
`aws cloudformation deploy` and `sam deploy` send only what the template declares.

The texts are anybody's: each is gone through a fixed number of times, never once for every match,
and no pattern may try a place in more than one way.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from .nodes import compose as compose
from .sam_sites import in_toml as in_toml
from .settings_sites import in_settings as in_settings
from .settings_sites import taskcat_inputs as taskcat_inputs
from .sites import Lines, template_names
from .sites import Site as Site
from .sites import base_name as base_name
from .template_sites import in_template as in_template

_IGNORES = r"cloudformation\s+deploy|sam\s+deploy"
_REFUSES = (
    r"(?:create|update)[-_](?:stack(?:[-_](?:set|instances))?|change[-_]set)"
    r"|(?:Create|Update)(?:Stack|ChangeSet)|aws-cloudformation-github-deploy|rain\s+deploy"
    r"|aws_cloudformation_stack|CfnInclude|cfnUpdate|cfnCreateChangeSet|sceptre|stack_master"
)
_COMMAND = re.compile(rf"(?P<ignores>{_IGNORES})|(?P<refuses>{_REFUSES})")
_COMMENT = re.compile(r"[^\S\n]*(?:#|//)")
_CONTINUES = ("\\", "`", "^")
"""How a line ends that goes on in the next one: in shells and Makefiles, PowerShell, cmd."""


def in_script(text: str, parameter: str) -> Iterator[Site]:
    """Yield where a script, Makefile, workflow or program gives this parameter, once a command.

    Only where the text speaks of CloudFormation's commands: a variable that just has the same
    name is no caller.
    """
    name = re.escape(parameter)
    key = rf"ParameterKey[\"']?\s*[:=]\s*[\"']?{name}\b"
    value = rf"(?<![\w$.{{-]){name}[\"']?\s*(?:=(?!=)|:(?!:))"
    named = _Named(text)
    commands = list(_COMMAND.finditer(text))
    starts = [command.start() for command in commands]
    lines = Lines(text)
    seen: set[tuple[bool, str, frozenset[str]]] = set()
    for match in re.finditer(rf"{key}|{value}", text):
        # The command that a place belongs to is the nearest before it, else the first after.
        nearest = max(bisect_right(starts, match.start()) - 1, 0)
        command = commands[nearest] if commands else None
        if command is None and not match[0].startswith("ParameterKey"):
            continue
        if _COMMENT.match(text, lines.start(match.start())):
            continue
        breaks = command is None or command["ignores"] is None
        how = f"`{' '.join(command[0].split())}`" if command else "list of parameters"
        templates = named.beside(match.start())
        if (breaks, how, templates) not in seen:
            seen.add((breaks, how, templates))
            yield Site(parameter, lines.number(match.start()), how, breaks, templates)


class _Named:
    """The templates that a script names: those of one command, where that names any, else all.

    A command reaches over lines that go on in the next one.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0]
        for line in re.finditer(r"[^\n]*\n", text):
            if not line[0].rstrip().endswith(_CONTINUES):
                self._starts.append(line.end())
        self._all = frozenset(template_names(text))
        self._known: dict[int, frozenset[str]] = {}

    def beside(self, position: int) -> frozenset[str]:
        """Return the templates that the command at a character is for."""
        number = bisect_right(self._starts, position) - 1
        if number not in self._known:
            end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self._text)
            own = template_names(self._text[self._starts[number] : end])
            self._known[number] = frozenset(own) or self._all
        return self._known[number]
