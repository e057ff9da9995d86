"""Reads where a file gives parameters to a template: parent stacks, parameter files, scripts.

Pure: text goes in, `Site`s come out; which template each is meant for is decided by
`repository`. What CloudFormation does with a parameter that the template no longer has: create
and update calls are refused (`Parameters: [X] do not exist in the template`), while
`aws cloudformation deploy` and `sam deploy` send only what the template declares.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

TEMPLATE_NAME = re.compile(r"[\w.${}/:@~+-]*?[\w.-]+\.(?:ya?ml|json|template|cfn)(?![\w-])", re.I)
"""A template's name or place wherever it stands: `db.yaml`, `https://…/${Prefix}db.template`."""

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
_MAX_DEPTH = 200  # libyaml's binding overruns the C stack on deeper texts
_PARAMETER_MAPS = frozenset(
    {"parameters", "template_parameters", "parameter_overrides", "parameteroverrides"}
)


@dataclass(frozen=True, slots=True)
class Site:
    """A place that gives a parameter its value.

    `templates` are the names or places of templates that this place is tied to; none where the
    file does not say. `names` are all parameters that the same place gives.
    """

    parameter: str
    line: int
    how: str
    breaks: bool = True
    templates: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


def base_name(name: str) -> str:
    """Return the file's name at the end of a template's place: of `${Prefix}db.yaml`, `db.yaml`."""
    return re.split(r"[/:}]", name)[-1]


def compose(text: str) -> list[yaml.Node]:
    """Return the documents of a YAML or JSON text as nodes; none where it cannot be read."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader):  # events do not nest, nodes do
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                return []
        return list(yaml.compose_all(text, Loader=loader))
    except (yaml.YAMLError, ValueError):
        return []


def in_template(root: yaml.Node) -> Iterator[Site]:
    """Yield what a parent template gives to nested stacks, stack sets and pipeline actions."""
    defaults = _defaults(root)
    for _, resource in _entries(_get(root, "Resources")):
        kind = _text(_get(resource, "Type"))
        properties = _get(resource, "Properties")
        if kind in _NESTED:
            key, how = _NESTED[kind]
            templates = _template_names(_get(properties, key), defaults)
            yield from _given(_get(properties, "Parameters"), how, templates)
        elif kind == "AWS::CodePipeline::Pipeline":
            yield from _pipeline(properties)


def _pipeline(properties: yaml.Node | None) -> Iterator[Site]:
    for _, configuration in _all_entries(properties, "Configuration"):
        templates = _template_names(_get(configuration, "TemplatePath"), {})
        overrides = _get(configuration, "ParameterOverrides")
        for scalar in _scalars(overrides):
            line = scalar.start_mark.line
            for match in re.finditer(r'["\'](\w+)["\']\s*:', scalar.value):
                offset = scalar.value.count("\n", 0, match.start()) + (scalar.style in ("|", ">"))
                yield Site(match[1], line + offset + 1, "pipeline action", True, templates)


def in_settings(root: yaml.Node, name: str) -> Iterator[Site]:
    """Yield what a parameter file or a tool's configuration gives, whole file by whole file."""
    how, breaks = _kind_of(root, name)
    found = list(_given(_parameters_of(root), how, frozenset(), breaks))
    if how != "parameter file":
        found += [site for node in _parameter_maps(root) for site in _given(node, how, frozenset())]
    templates = frozenset(
        match[0] for scalar in _scalars(root) for match in TEMPLATE_NAME.finditer(scalar.value)
    )
    names = frozenset(site.parameter for site in found)
    for site in found:
        yield Site(site.parameter, site.line, how, breaks, templates, names)


def in_toml(text: str) -> Iterator[Site]:
    """Yield what a samconfig.toml gives; SAM sends only what the template declares."""
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
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
    for parameter in re.findall(r"(?:ParameterKey=)?\b(\w+)=", " ".join(map(str, given))):
        if match := re.search(rf"\b{parameter}=|ParameterKey={parameter}\b", text):
            yield Site(parameter, _line(text, match.start()), "SAM configuration", False, tied)


def in_script(text: str, parameter: str) -> Iterator[Site]:
    """Yield where a script, Makefile, workflow or program gives this parameter, once a command.

    Only where the text speaks of CloudFormation's commands: a variable that just has the same
    name is no caller.
    """
    name = re.escape(parameter)
    key = rf"ParameterKey[\"']?\s*[:=]\s*[\"']?{name}\b"
    value = rf"(?<![\w$.{{-]){name}[\"']?\s*(?:=(?!=)|:(?!:))"
    templates = frozenset(match[0] for match in TEMPLATE_NAME.finditer(text))
    seen: set[tuple[bool, str]] = set()
    for match in re.finditer(rf"{key}|{value}", text):
        line = _line(text, match.start())
        start = text.rfind("\n", 0, match.start()) + 1
        if text[start : match.start()].lstrip().startswith(("#", "//")):
            continue
        command = _command(text, match.start())
        if command is None and not match[0].startswith("ParameterKey"):
            continue
        breaks = command is None or command["ignores"] is None
        how = f"command `{' '.join(command[0].split())}`" if command else "list of parameters"
        if (breaks, how) not in seen:
            seen.add((breaks, how))
            yield Site(parameter, line, how, breaks, templates)


def _command(text: str, position: int) -> re.Match[str] | None:
    """Return the command that a place belongs to: the nearest before it, else the first after."""
    before = None
    for match in _COMMAND.finditer(text):
        if match.start() > position:
            return before or match
        before = match
    return before


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


def _template_names(node: yaml.Node | None, defaults: dict[str, str]) -> frozenset[str]:
    """Return the template names that a URL, `Fn::Sub`, `Fn::Join` or `Ref` may come to."""
    names: set[str] = set()
    for scalar in _scalars(node):
        text = str(defaults.get(scalar.value, scalar.value))
        for name, default in defaults.items():
            text = text.replace(f"${{{name}}}", default)
        names |= {match[0] for match in TEMPLATE_NAME.finditer(text)}
    return frozenset(names)


def _defaults(root: yaml.Node) -> dict[str, str]:
    """Return the parameters' defaults that are names of templates, or end one."""
    found = {}
    for key, parameter in _entries(_get(root, "Parameters")):
        default = _text(_get(parameter, "Default"))
        if default and TEMPLATE_NAME.search(default):
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


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def taskcat_inputs(root: yaml.Node) -> Iterator[tuple[str, str]]:
    """Yield what an old taskcat configuration pairs: a parameter file and its template."""
    for node in _nodes(root):
        given = _text(_get(node, "parameter_input"))
        template = _text(_get(node, "template_file"))
        if given and template:
            yield given, template
