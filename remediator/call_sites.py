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
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import yaml

from . import plain_toml
from .errors import TemplateError
from .long_form import shared_nodes
from .model import Path

_RUN = re.compile(r"[\w.${}/:@~+-]+")
_PART = re.compile(r"[\w.-]+")
_NAMED = re.compile(r"[\w.-]+\.(?:ya?ml|json|template|cfn)(?![\w-])", re.I)
_MAX_NAME = 2000
"""Characters of a template's place; S3 takes 1024 for a key."""
_MAX_FILLED = 10_000

_NESTED = {
    "AWS::CloudFormation::Stack": ("TemplateURL", "nested stack"),
    "AWS::CloudFormation::StackSet": ("TemplateURL", "stack set"),
    "AWS::Serverless::Application": ("Location", "nested application"),
}
_IGNORES = r"cloudformation\s+deploy|sam\s+deploy"
_REFUSES = (
    r"(?:create|update)[-_](?:stack(?:[-_](?:set|instances))?|change[-_]set)"
    r"|(?:Create|Update)(?:Stack|ChangeSet)|aws-cloudformation-github-deploy|rain\s+deploy"
    r"|aws_cloudformation_stack|CfnInclude|cfnUpdate|cfnCreateChangeSet|sceptre|stack_master"
)
_COMMAND = re.compile(rf"(?P<ignores>{_IGNORES})|(?P<refuses>{_REFUSES})")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_COMMENT = re.compile(r"[^\S\n]*(?:#|//)")
_MAX_DEPTH = 200  # libyaml's binding overruns the C stack on deeper texts
_PARAMETER_MAPS = frozenset(
    {"parameters", "template_parameters", "parameter_overrides", "parameteroverrides"}
)


@dataclass(frozen=True, slots=True)
class Site:
    """A place that gives a parameter its value.

    `templates` are the names or places of templates that this place is tied to; none where the
    file does not say. `names` are all parameters that the same place gives. `edit` is how the
    value is taken out: `yaml` (JSON too) and `toml` by `settings_files.without`, `template` by an
    edit of the template that it stands in; empty where it can only be told.

    `places` are the entries of the file's data that have to go: an entry of a list, `(3,)`, or of a
    mapping, `("Parameters", "DBPassword")`; or a text that holds several assignments, `("default",
    "deploy", "parameters", "parameter_overrides")`. In a file of several YAML documents the first
    step is the document's number, from 0. `value` is the given text where it is a scalar, behind
    its tag where it has one: `{{resolve:ssm:/db}}`, `!environment_variable DB_PASSWORD`; it may be
    a secret.
    """

    parameter: str
    line: int
    how: str
    breaks: bool = True
    templates: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    places: tuple[Path, ...] = ()
    value: str | None = field(default=None, repr=False)
    edit: str = ""


class _Lines:
    """The line numbers of a text's characters, for all its matches."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def number(self, position: int) -> int:
        """Return the line of a character, from 1."""
        return bisect_right(self._starts, position)

    def start(self, position: int) -> int:
        """Return the first character of a character's line."""
        return self._starts[self.number(position) - 1]


def template_names(text: str) -> Iterator[str]:
    """Yield the names or places of templates: `db.yaml`, `https://…/${Prefix}db.template`."""
    for run in _RUN.finditer(text):
        start = run.start()
        for part in _PART.finditer(text, run.start(), run.end()):
            found = _NAMED.match(text, part.start(), part.end())
            if found is not None:
                if found.end() - start <= _MAX_NAME:
                    yield text[start : found.end()]
                start = found.end()


def base_name(name: str) -> str:
    """Return the file's name at the end of a template's place: of `${Prefix}db.yaml`, `db.yaml`."""
    return re.split(r"[/:}]", name)[-1]


def compose(text: str) -> list[yaml.Node]:
    """Return the documents of a YAML or JSON text as nodes; none where it cannot be read, or where
    its aliases stand for more than is read."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader):  # events do not nest, nodes do
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                return []
        documents = list(yaml.compose_all(text, Loader=loader))
        for document in documents:
            shared_nodes(document)
    except (yaml.YAMLError, ValueError, TemplateError):
        return []
    return documents


def in_template(root: yaml.Node) -> Iterator[Site]:
    """Yield what a parent template gives to nested stacks, stack sets and pipeline actions."""
    named = _Named(_defaults(root))
    for _, resource in _entries(_get(root, "Resources")):
        kind = _text(_get(resource, "Type"))
        properties = _get(resource, "Properties")
        if kind in _NESTED:
            key, how = _NESTED[kind]
            templates = named.below(_get(properties, key))
            for site in _given(_get(properties, "Parameters"), how, templates):
                here = ("Resources", _.value, "Properties", "Parameters", site.parameter)
                yield replace(site, places=(here,), edit="template")
        elif kind == "AWS::CodePipeline::Pipeline":
            yield from _pipeline(properties, named)


def _pipeline(properties: yaml.Node | None, named: _Named) -> Iterator[Site]:
    for _, configuration in _all_entries(properties, "Configuration"):
        templates = named.below(_get(configuration, "TemplatePath"))
        overrides = _get(configuration, "ParameterOverrides")
        for scalar in _scalars(overrides):
            line = scalar.start_mark.line + (scalar.style in ("|", ">"))
            lines = _Lines(scalar.value)
            for match in re.finditer(r'["\'](\w+)["\']\s*:', scalar.value):
                number = line + lines.number(match.start())
                yield Site(match[1], number, "pipeline action", True, templates)


def in_settings(root: yaml.Node, name: str) -> Iterator[Site]:
    """Yield what a parameter file or a tool's configuration gives, whole file by whole file."""
    how, breaks = _kind_of(root, name)
    found = list(_given(_parameters_of(root), how, frozenset(), breaks))
    if how != "parameter file":
        found += [site for node in _parameter_maps(root) for site in _given(node, how, frozenset())]
    templates = frozenset(
        name for scalar in _scalars(root) for name in template_names(scalar.value)
    )
    names = frozenset(site.parameter for site in found)
    for site in found:
        yield Site(site.parameter, site.line, how, breaks, templates, names)


def in_toml(text: str) -> Iterator[Site]:
    """Yield what a samconfig.toml gives; SAM sends only what the template declares."""
    try:
        content = plain_toml.loads(text)
    except ValueError:
        return
    given: list[str] = []
    templates: set[str] = set()
    waiting: list[object] = [content]
    while waiting:
        value = waiting.pop()
        if not isinstance(value, dict):
            continue
        waiting.extend(value.values())
        overrides = value.get("parameter_overrides", [])
        given += overrides if isinstance(overrides, list) else [overrides]
        templates |= {str(value[key]) for key in ("template", "template_file") if key in value}
    tied = frozenset(templates or {"template.yaml", "template.yml", "template.json"})
    lines = _Lines(text)
    places: dict[str, int] = {}
    for match in re.finditer(r"\bParameterKey=(\w+)|\b(\w+)=", text):
        places.setdefault(match[1] or match[2], match.start())
    for parameter in re.findall(r"(?:ParameterKey=)?\b(\w+)=", " ".join(map(str, given))):
        if parameter in places:
            number = lines.number(places[parameter])
            yield Site(parameter, number, "SAM configuration", False, tied)


def in_script(text: str, parameter: str) -> Iterator[Site]:
    """Yield where a script, Makefile, workflow or program gives this parameter, once a command.

    Only where the text speaks of CloudFormation's commands: a variable that just has the same
    name is no caller.
    """
    name = re.escape(parameter)
    key = rf"ParameterKey[\"']?\s*[:=]\s*[\"']?{name}\b"
    value = rf"(?<![\w$.{{-]){name}[\"']?\s*(?:=(?!=)|:(?!:))"
    templates = frozenset(template_names(text))
    commands = list(_COMMAND.finditer(text))
    starts = [command.start() for command in commands]
    lines = _Lines(text)
    seen: set[tuple[bool, str]] = set()
    for match in re.finditer(rf"{key}|{value}", text):
        # The command that a place belongs to is the nearest before it, else the first after.
        nearest = max(bisect_right(starts, match.start()) - 1, 0)
        command = commands[nearest] if commands else None
        if command is None and not match[0].startswith("ParameterKey"):
            continue
        if _COMMENT.match(text, lines.start(match.start())):
            continue
        breaks = command is None or command["ignores"] is None
        how = f"command `{' '.join(command[0].split())}`" if command else "list of parameters"
        if (breaks, how) not in seen:
            seen.add((breaks, how))
            yield Site(parameter, lines.number(match.start()), how, breaks, templates)


def _given(
    node: yaml.Node | None, how: str, templates: frozenset[str], breaks: bool = True
) -> Iterator[Site]:
    """Yield the parameters of `{Name: value}`, `[{ParameterKey: Name, …}]` or `[Name=value]`."""
    if isinstance(node, yaml.MappingNode):
        for key, _ in _entries(node):
            yield Site(key.value, key.start_mark.line + 1, how, breaks, templates)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            name = _get(item, "ParameterKey")
            text = _text(name if name is not None else item)
            if name is None and text and (match := re.match(r"(\w+)=", text)):
                text = match[1]
            elif name is None:
                continue
            if text:
                yield Site(text, item.start_mark.line + 1, how, breaks, templates)
    elif isinstance(node, yaml.ScalarNode):
        for match in re.finditer(r"(?:^|\s)(?:ParameterKey=)?(\w+)=", node.value):
            yield Site(match[1], node.start_mark.line + 1, how, breaks, templates)


def _kind_of(root: yaml.Node, name: str) -> tuple[str, bool]:
    base = PurePosixPath(name).name.lower()
    if "taskcat" in base:
        return "taskcat configuration", True
    if base.startswith("samconfig."):
        return "SAM configuration", False
    if _get(root, "template_path") is not None or _text(_get(_get(root, "template"), "path")):
        return "Sceptre configuration", True
    if any(True for _ in _all_entries(root, "template_parameters")):
        return "Ansible task", True
    return "parameter file", True


def _parameters_of(root: yaml.Node) -> yaml.Node | None:
    """Return the part of a parameter file that gives parameters: the file itself or below a key."""
    for key, value in _entries(root):
        if key.value.lower() in _PARAMETER_MAPS:
            return value
    return root


def _parameter_maps(root: yaml.Node) -> Iterator[yaml.Node]:
    for key in ("parameters", "template_parameters", "parameter_overrides"):
        for _, node in _all_entries(root, key):
            yield node


class _Named:
    """The template names that a URL, `Fn::Sub`, `Fn::Join` or `Ref` may come to."""

    def __init__(self, defaults: dict[str, str]) -> None:
        self._defaults = defaults
        self._known: dict[int, frozenset[str]] = {}

    def below(self, node: yaml.Node | None) -> frozenset[str]:
        """Return the names in a node; a text that aliases repeat is looked at once."""
        names: set[str] = set()
        for scalar in _scalars(node):
            if id(scalar) not in self._known:
                self._known[id(scalar)] = frozenset(template_names(self._filled(scalar.value)))
            names |= self._known[id(scalar)]
        return frozenset(names)

    def _filled(self, text: str) -> str:
        """Return a text with the defaults of the parameters that it refers to."""
        text = self._defaults.get(text, text)
        if len(text) > _MAX_FILLED:
            return text
        return _VARIABLE.sub(lambda match: self._defaults.get(match[1], match[0]), text)


def _defaults(root: yaml.Node) -> dict[str, str]:
    """Return the parameters' defaults that are names of templates, or end one."""
    found = {}
    for key, parameter in _entries(_get(root, "Parameters")):
        default = _text(_get(parameter, "Default"))
        if default and len(default) <= _MAX_NAME and any(template_names(default)):
            found[key.value] = default
    return found


def _entries(node: yaml.Node | None) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield key, value


def _get(node: yaml.Node | None, name: str) -> yaml.Node | None:
    return next((value for key, value in _entries(node) if key.value == name), None)


def _text(node: yaml.Node | None) -> str:
    return node.value if isinstance(node, yaml.ScalarNode) else ""


def _nodes(root: yaml.Node | None) -> Iterator[yaml.Node]:
    """Yield all nodes below, each once, however often it is an alias's target."""
    waiting = [] if root is None else [root]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
            waiting.extend(child for pair in reversed(node.value) for child in reversed(pair))
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(reversed(node.value))


def _scalars(root: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    return (node for node in _nodes(root) if isinstance(node, yaml.ScalarNode))


def _all_entries(root: yaml.Node | None, name: str) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    for node in _nodes(root):
        yield from ((key, value) for key, value in _entries(node) if key.value == name)


def taskcat_inputs(root: yaml.Node) -> Iterator[tuple[str, str]]:
    """Yield what an old taskcat configuration pairs: a parameter file and its template."""
    for node in _nodes(root):
        given = _text(_get(node, "parameter_input"))
        template = _text(_get(node, "template_file"))
        if given and template:
            yield given, template
