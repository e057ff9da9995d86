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
from functools import cached_property

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


class Script:
    """The text of a script, Makefile, workflow or program, looked through for many parameters."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._named: dict[int, frozenset[str]] = {}

    @cached_property
    def templates(self) -> frozenset[str]:
        """The templates that it names."""
        return frozenset(template_names(self._text))

    @cached_property
    def _commands(self) -> list[re.Match[str]]:
        return list(_COMMAND.finditer(self._text))

    @cached_property
    def _starts(self) -> list[int]:
        return [command.start() for command in self._commands]

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self._text)

    @cached_property
    def _whole(self) -> list[int]:
        """Where its lines start, one that goes on in the next one together with that."""
        starts = [0]
        for line in re.finditer(r"[^\n]*\n", self._text):
            if not line[0].rstrip().endswith(_CONTINUES):
                starts.append(line.end())
        return starts

    def _beside(self, position: int) -> frozenset[str]:
        """Return the templates that the command at a character names; all, where it names none."""
        number = bisect_right(self._whole, position) - 1
        if number not in self._named:
            end = self._whole[number + 1] if number + 1 < len(self._whole) else len(self._text)
            own = template_names(self._text[self._whole[number] : end])
            self._named[number] = frozenset(own) or self.templates
        return self._named[number]

    def sites(self, parameter: str) -> Iterator[Site]:
        """Yield where it gives this parameter, once a kind of command and the templates it names.

        Only where the text speaks of CloudFormation's commands: a variable that just has the same
        name is no caller.
        """
        name = re.escape(parameter)
        key = rf"ParameterKey[\"']?\s*[:=]\s*[\"']?{name}\b"
        value = rf"(?<![\w$.{{-]){name}[\"']?\s*(?:=(?!=)|:(?!:))"
        seen: set[tuple[bool, str, frozenset[str]]] = set()
        for match in re.finditer(rf"{key}|{value}", self._text):
            # The command that a place belongs to is the nearest before it, else the first after.
            nearest = max(bisect_right(self._starts, match.start()) - 1, 0)
            command = self._commands[nearest] if self._commands else None
            if command is None and not match[0].startswith("ParameterKey"):
                continue
            if _COMMENT.match(self._text, self._lines.start(match.start())):
                continue
            breaks = command is None or command["ignores"] is None
            how = f"`{' '.join(command[0].split())}`" if command else "list of parameters"
            templates = self._beside(match.start())
            if (breaks, how, templates) not in seen:
                seen.add((breaks, how, templates))
                line = self._lines.number(match.start())
                yield Site(parameter, line, how, breaks, templates)
