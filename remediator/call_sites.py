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
from pathlib import PurePosixPath

from .nodes import compose as compose
from .sam_sites import in_toml as in_toml
from .script_values import Assignment, Source, assignments, read_in, source_in, value_behind
from .settings_sites import in_settings as in_settings
from .settings_sites import taskcat_inputs as taskcat_inputs
from .sites import Lines, is_end_of, script_template_names
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
_ITEM = re.compile(r"([^\S\n]*)(?:-[^\S\n]+)?")
_OUTWARDS = 3
"""Entries of lists around a line in which its template is looked for: a command, a step, a job."""
_MAX_STEP = 20_000
"""Characters of such an entry."""


class Script:
    """The text of a script, Makefile, workflow or program, looked through for many parameters."""

    def __init__(self, text: str, place: PurePosixPath = PurePosixPath()) -> None:  # noqa: B008
        self._text = text
        self._place = place
        self._suffix = place.suffix.lower()
        self._named: dict[tuple[int, int], frozenset[str]] = {}

    @cached_property
    def templates(self) -> frozenset[str]:
        """The templates that it names."""
        return frozenset(script_template_names(self._text))

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
        starts, end = [0], 0
        for line in self._text.split("\n")[:-1]:
            end += len(line) + 1
            if not line.rstrip().endswith(_CONTINUES):
                starts.append(end)
        return starts

    @cached_property
    def _items(self) -> list[tuple[tuple[int, int], ...]]:
        """For each line the spans around it, innermost first: of entries of lists in YAML, else of
        the block that begins at the margin, as a resource of Terraform, a function, a target."""
        is_yaml = self._suffix in (".yml", ".yaml")
        return list(_entries_around(self._text) if is_yaml else _blocks(self._text))

    def _beside(self, position: int, *, but: PurePosixPath | None = None) -> frozenset[str]:
        """Return the templates that the command at a character names, else the step or block around
        it, `but` for the names of one file; none where neither names any."""
        number = bisect_right(self._whole, position) - 1
        end = self._whole[number + 1] if number + 1 < len(self._whole) else len(self._text)
        around = self._items[self._lines.number(position) - 1]
        for span in ((self._whole[number], end), *around):
            if span not in self._named:
                self._named[span] = frozenset(script_template_names(self._text[slice(*span)]))
            found = (each for each in self._named[span] if but is None or not is_end_of(but, each))
            if others := frozenset(found):
                return others
        return frozenset()

    def fed_with(self, place: PurePosixPath) -> frozenset[str]:
        """Return what the commands that name a parameter file at a place of the tree name beside:
        `--template-body file://app.yaml --parameters file://params.json`."""
        return frozenset(
            template
            for name in self.templates
            if is_end_of(place, name)
            for match in re.finditer(rf"(?<![\w./-]){re.escape(name)}", self._text)
            if not _COMMENT.match(self._text, self._lines.start(match.start()))
            for template in self._beside(match.start(), but=place)
        )

    def sites(self, parameter: str) -> Iterator[Site]:
        """Yield where it gives this parameter, once a kind of command, templates and value.

        Only where the text speaks of CloudFormation's commands: a variable that just has the same
        name is no caller.
        """
        name = re.escape(parameter)
        key = rf"ParameterKey\\?[\"']?\s*[:=]\s*\\?[\"']?{name}\b"
        value = rf"(?<![\w$.{{-]){name}\\?[\"']?\s*(?:=(?!=)|:(?!:))"
        seen: set[tuple[bool, str, frozenset[str], str | None]] = set()
        for match in re.finditer(rf"{key}|{value}", self._text):
            given = value_behind(self._text, match.start(), self._suffix)
            site = self._site(parameter, match.start(), given)
            if site is not None:
                kind = (site.breaks, site.how, site.templates, site.value)
                if kind not in seen:
                    seen.add(kind)
                    yield site

    def giving(self, source: Source) -> Iterator[Site]:
        """Yield where it gives any parameter a value from this source."""
        for each in self._by_source.get(source, ()):
            site = self._site(each.name, each.position, each.value)
            if site is not None:
                yield site

    def source(self, value: str) -> Source:
        """Return what a value that it gives is taken from."""
        return source_in(value, self._place, self._variables)

    @cached_property
    def _assigned(self) -> tuple[Assignment, ...]:
        return tuple(assignments(self._text, self._suffix))

    @cached_property
    def _by_source(self) -> dict[Source, list[Assignment]]:
        found: dict[Source, list[Assignment]] = {}
        for each in self._assigned:
            if each.value is not None:
                found.setdefault(self.source(each.value), []).append(each)
        return found

    @cached_property
    def _variables(self) -> dict[str, frozenset[str | None]]:
        found: dict[str, set[str | None]] = {}
        for each in self._assigned:
            found.setdefault(each.name, set()).add(each.value)
        for name in read_in(self._text):
            found.setdefault(name, set()).add(None)
        return {name: frozenset(values) for name, values in found.items()}

    def _site(self, parameter: str, position: int, value: str | None) -> Site | None:
        """Return an assignment as a place that gives a parameter; None where it is none."""
        # The command that a place belongs to is the nearest before it, else the first after.
        nearest = max(bisect_right(self._starts, position) - 1, 0)
        command = self._commands[nearest] if self._commands else None
        if command is None and not self._text.startswith("ParameterKey", position):
            return None
        if _COMMENT.match(self._text, self._lines.start(position)):
            return None
        breaks = command is None or command["ignores"] is None
        how = f"`{' '.join(command[0].split())}`" if command else "list of parameters"
        templates, line = self._beside(position) or self.templates, self._lines.number(position)
        return Site(parameter, line, how, breaks, templates, value=value, by_script=True)


def _entries_around(text: str) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield, for each line of a text, the spans of the innermost entries of lists that hold it, as
    the indents tell: `- name: deploy` and all below it that stands further to the right."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    open_: list[tuple[int, int]] = []
    ends: dict[int, int] = {}
    around: list[tuple[int, ...]] = []
    for number, line in enumerate(lines):
        mark = _ITEM.match(line)
        indent = len(mark[1]) if mark else 0
        if line.strip():
            while open_ and open_[-1][0] >= indent:
                ends[open_.pop()[1]] = number
            if mark and len(mark[0]) > indent:
                open_.append((indent, number))
        around.append(tuple(start for _, start in open_[: -_OUTWARDS - 1 : -1]))
    for _, start in open_:
        ends[start] = len(lines)
    for items in around:
        spans = [(starts[start], min(starts[ends[start]], len(text))) for start in items]
        yield tuple(span for span in spans if span[1] - span[0] <= _MAX_STEP)


def _blocks(text: str) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield, for each line of a text, the span from the last line that begins at the margin to the
    next one, which does not close a bracket."""
    starts, lines, end = [0], [0], 0
    for line in text.split("\n"):
        if line[:1].strip() and line[0] not in "})]":
            starts.append(end)
        lines.append(len(starts) - 1)
        end += len(line) + 1
    starts.append(len(text))
    for number in lines[1:]:
        span = (starts[number], starts[number + 1])
        yield (span,) if span[1] - span[0] <= _MAX_STEP else ()
