"""Where parameter files and the settings of deployment tools give a template its parameters.

Each kind of file is known by its name or by keys that only it has. Where it is plain which part
gives parameters, an entry can be taken out; what merely looks like one is told, never edited.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TypeAlias

import yaml

from . import given
from .given import Given
from .model import Path
from .nodes import entries, get, nodes, scalars, text, walk
from .sites import SAM_TEMPLATES, Site, template_names

_PARAMETERS = frozenset(
    {"parameters", "template_parameters", "parameter_overrides", "parameteroverrides"}
)
_ANSIBLE_SET = re.compile(r"(?:\w+\.)*cloudformation_stack_set$")
_TEMPLATE_KEYS = ("template", "template_url", "template_body")


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a file that gives parameters, tied to templates where the file says which.

    `shared`: it is for all of these templates, not for one of them.
    """

    found: Iterable[Given]
    templates: frozenset[str] = frozenset()
    shared: bool = False


_Kind: TypeAlias = tuple[str, bool, list[_Part]]
"""What a file is, in words; whether its next use fails; and its parts."""


def in_settings(documents: Sequence[yaml.Node], name: str) -> Iterator[Site]:
    """Yield what a parameter file or a tool's settings, of this name, give in YAML or JSON.

    Where there are several documents, the first step of each place is the document's number.
    """
    for number, root in enumerate(documents):
        yield from _in_document(root, name, (number,) if len(documents) > 1 else ())


def _in_document(root: yaml.Node, name: str, place: Path) -> Iterator[Site]:
    how, breaks, parts = _kind(root, PurePosixPath(name).name.lower(), place)
    mentioned = _templates(root)
    found = [(each, part) for part in parts for each in part.found]
    if how != "parameter file":
        told = {(each.name, each.line) for each, _ in found}
        others = (replace(each, sound=False) for each in _elsewhere(root, how))
        found += [(each, _Part(())) for each in others if (each.name, each.line) not in told]
    names = frozenset(each.name for each, _ in found)
    for each, part in found:
        places, edit = ((each.place,), "yaml") if each.sound else ((), "")
        yield Site(
            each.name,
            each.line,
            how,
            breaks,
            part.templates or mentioned,
            names,
            places,
            each.value,
            edit,
            part.shared and bool(part.templates),
        )


def _elsewhere(root: yaml.Node, how: str) -> Iterator[Given]:
    """Yield what stands below keys that mean parameters in other files, wherever they are."""
    keys = {"parameters", "template_parameters", "parameter_overrides"}
    if how == "SAM configuration":
        keys.remove("parameters")  # those of the command
    for path, node in walk(root):
        if path and path[-1] in keys:
            yield from given.anyhow(node, path)


def _templates(*roots: yaml.Node | None) -> frozenset[str]:
    return frozenset(
        name for root in roots for node in scalars(root) for name in template_names(node.value)
    )


def _kind(root: yaml.Node, base: str, place: Path) -> _Kind:
    if "taskcat" in base and "override" not in base:
        return "taskcat configuration", False, list(_taskcat(root, place))
    if base.startswith("samconfig."):
        return "SAM configuration", False, list(_sam(root, place))
    template = get(root, "template")
    if get(root, "template_path") is not None or text(get(template, "path")):
        named = _templates(get(root, "template_path"), template)
        return "Sceptre configuration", True, list(_top(root, place, named))
    if get(root, "template-file-path") is not None:
        named = _templates(get(root, "template-file-path"))
        return "Git sync deployment file", True, list(_top(root, place, named))
    keys = {key.value for node in nodes(root) for key, _ in entries(node)}
    if "template_parameters" in keys or any(map(_ANSIBLE_SET.match, keys)):
        return "Ansible task", True, list(_ansible(root, place))
    return "parameter file", True, list(_parameter_file(root, place))


def _top(root: yaml.Node, place: Path, templates: frozenset[str]) -> Iterator[_Part]:
    """Yield the top level's `parameters`, as Sceptre and Git sync have them.

    https://docs.sceptre-project.org/latest/docs/stack_config.html#parameters
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/git-sync-concepts-terms.html
    """
    if (node := get(root, "parameters")) is not None:
        yield _Part(given.mapping(node, (*place, "parameters")), templates)


def _taskcat(root: yaml.Node, place: Path) -> Iterator[_Part]:
    """Yield the parameters of a taskcat configuration: for all its tests, and for each.

    A test is given what its template declares; the rest is passed over.
    https://github.com/aws-ia/taskcat/blob/main/taskcat/_config.py (get_rendered_parameters)
    """
    of_project = _templates(get(get(root, "project"), "template"))
    tests = [
        (name.value, test, _templates(get(test, "template")) or of_project)
        for name, test in entries(get(root, "tests"))
    ]
    of_all = frozenset().union(*(templates for _, _, templates in tests)) or of_project
    for level in ("general", "project"):
        if (node := get(get(root, level), "parameters")) is not None:
            yield _Part(given.mapping(node, (*place, level, "parameters")), of_all, shared=True)
    for name, test, templates in tests:
        if (node := get(test, "parameters")) is not None:
            yield _Part(given.mapping(node, (*place, "tests", name, "parameters")), templates)


def _sam(root: yaml.Node, place: Path) -> Iterator[_Part]:
    """Yield the overrides of each environment and command of a samconfig.yaml."""
    commands = [
        ((*place, environment.value, command.value, "parameters"), get(settings, "parameters"))
        for environment, own in entries(root)
        for command, settings in entries(own)
    ]
    named = {
        path: _templates(get(parameters, "template"), get(parameters, "template_file"))
        for path, parameters in commands
    }
    otherwise = frozenset().union(*named.values()) or SAM_TEMPLATES
    for path, parameters in commands:
        if (node := get(parameters, "parameter_overrides")) is not None:
            found = given.overridden(node, (*path, "parameter_overrides"))
            yield _Part(found, named[path] or otherwise)


def _ansible(root: yaml.Node, place: Path) -> Iterator[_Part]:
    """Yield the parameters of tasks that create stacks and stack sets.

    https://docs.ansible.com/ansible/latest/collections/amazon/aws/cloudformation_module.html
    """
    for path, node in walk(root, place):
        key = "template_parameters"
        if path and isinstance(path[-1], str) and _ANSIBLE_SET.match(path[-1]):
            key = "parameters"
        elif not any(get(node, each) is not None for each in ("stack_name", *_TEMPLATE_KEYS)):
            continue
        if (parameters := get(node, key)) is not None:
            named = _templates(*(get(node, each) for each in _TEMPLATE_KEYS))
            yield _Part(given.mapping(parameters, (*path, key)), named)


def _parameter_file(root: yaml.Node, place: Path) -> Iterator[_Part]:
    """Yield the parameters of a file that is for nothing else, or of those of its keys that are.

    As the AWS CLI (`--parameters file://`, `--cli-input-json`), CodePipeline (a template
    configuration), Service Catalog and many a script read them.
    """
    keys = [(key.value, node) for key, node in entries(root)]
    marked = [(key, node) for key, node in keys if key.lower() in _PARAMETERS]
    for key, node in marked:
        sound = given.is_plain(node) or isinstance(node, yaml.SequenceNode)
        yield _Part(_if_sound(given.anyhow(node, (*place, key)), sound))
    for key, node in keys:
        if key == "ProvisioningParameters":
            marked.append((key, node))
            yield _Part(given.pairs(node, (*place, key), ("Key", "Value")))
    if not marked:
        sound = given.is_plain(root) or isinstance(root, yaml.SequenceNode)
        yield _Part(_if_sound(given.anyhow(root, place), sound))


def _if_sound(found: Iterable[Given], sound: bool) -> Iterator[Given]:
    return (replace(each, sound=each.sound and sound) for each in found)


def taskcat_inputs(root: yaml.Node) -> Iterator[tuple[str, str]]:
    """Yield what an old taskcat configuration pairs: a parameter file and its template."""
    for node in nodes(root):
        parameters = text(get(node, "parameter_input"))
        template = text(get(node, "template_file"))
        if parameters and template:
            yield parameters, template
