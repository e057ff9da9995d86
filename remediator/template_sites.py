"""Where a template gives parameters to others: nested stacks, stack sets, products, pipelines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import yaml

from . import given
from .given import Given
from .model import Path
from .nodes import all_entries, entries, get, scalars, text, walk
from .sites import MAX_NAME, Lines, Site, template_names

_MAX_FILLED = 10_000
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_NESTED = {
    "AWS::CloudFormation::Stack": ("TemplateURL", "nested stack"),
    "AWS::CloudFormation::StackSet": ("TemplateURL", "stack set"),
    "AWS::Serverless::Application": ("Location", "nested application"),
}
_PRODUCT = "AWS::ServiceCatalog::CloudFormationProvisionedProduct"


def in_template(root: yaml.Node) -> Iterator[Site]:
    """Yield what a parent template gives to nested stacks, stack sets, products of Service Catalog
    and pipeline actions."""
    named = _Named(_defaults(root))
    resources = get(root, "Resources")
    for key, resource in entries(resources):
        kind = text(get(resource, "Type"))
        properties = get(resource, "Properties")
        place: Path = ("Resources", key.value, "Properties")
        if kind in _NESTED:
            location, how = _NESTED[kind]
            templates = named.below(get(properties, location))
            found = [*given.in_function(get(properties, "Parameters"), (*place, "Parameters"))]
            found += _instances(get(properties, "StackInstancesGroup"), place)
            yield from _sites(found, how, templates)
        elif kind == _PRODUCT:
            node = get(properties, "ProvisioningParameters")
            if node is not None:
                templates = named.below(_product(resources, properties))
                path = (*place, "ProvisioningParameters")
                yield from _sites(
                    given.pairs(node, path, ("Key", "Value")), "Service Catalog product", templates
                )
        elif kind == "AWS::CodePipeline::Pipeline":
            yield from _pipeline(properties, named)


def _sites(found: Iterable[Given], how: str, templates: frozenset[str]) -> Iterator[Site]:
    passed = list(found)
    names = frozenset(each.name for each in passed)
    for each in passed:
        places, edit = ((each.place,), "template") if each.sound else ((), "")
        yield Site(
            each.name,
            each.line,
            how,
            templates=templates,
            names=names,
            places=places,
            value=each.value,
            edit=edit,
        )


def _instances(groups: yaml.Node | None, place: Path) -> Iterator[Given]:
    """Yield what a stack set gives to its instances in some accounts and regions alone."""
    for path, node in walk(groups, (*place, "StackInstancesGroup")) if groups is not None else ():
        if path[-1] == "ParameterOverrides":
            yield from given.pairs(node, path)


def _product(resources: yaml.Node | None, properties: yaml.Node | None) -> yaml.Node | None:
    """Return where the product that is provisioned says which templates it has, if it stands in
    the same template."""
    wanted = get(properties, "ProductId")
    reference = text(get(wanted, "Ref")) or (
        text(wanted) if getattr(wanted, "tag", "") == "!Ref" else ""
    )
    name = text(get(properties, "ProductName"))
    for key, resource in entries(resources):
        product = get(resource, "Properties")
        if text(get(resource, "Type")) == "AWS::ServiceCatalog::CloudFormationProduct" and (
            (reference and key.value == reference) or (name and text(get(product, "Name")) == name)
        ):
            return get(product, "ProvisioningArtifactParameters")
    return None


def _pipeline(properties: yaml.Node | None, named: _Named) -> Iterator[Site]:
    for _, configuration in all_entries(properties, "Configuration"):
        templates = named.below(get(configuration, "TemplatePath"))
        overrides = get(configuration, "ParameterOverrides")
        for scalar in scalars(overrides):
            line = scalar.start_mark.line + (scalar.style in ("|", ">"))
            lines = Lines(scalar.value)
            for match in re.finditer(r'["\'](\w+)["\']\s*:', scalar.value):
                number = line + lines.number(match.start())
                yield Site(match[1], number, "pipeline action", True, templates)


class _Named:
    """The template names that a URL, `Fn::Sub`, `Fn::Join` or `Ref` may come to."""

    def __init__(self, defaults: dict[str, str]) -> None:
        self._defaults = defaults
        self._known: dict[int, frozenset[str]] = {}

    def below(self, node: yaml.Node | None) -> frozenset[str]:
        """Return the names in a node; a text that aliases repeat is looked at once."""
        names: set[str] = set()
        for scalar in scalars(node):
            if id(scalar) not in self._known:
                self._known[id(scalar)] = frozenset(template_names(self._filled(scalar.value)))
            names |= self._known[id(scalar)]
        return frozenset(names)

    def _filled(self, value: str) -> str:
        """Return a text with the defaults of the parameters that it refers to."""
        value = self._defaults.get(value, value)
        if len(value) > _MAX_FILLED:
            return value
        return _VARIABLE.sub(lambda match: self._defaults.get(match[1], match[0]), value)


def _defaults(root: yaml.Node) -> dict[str, str]:
    """Return the parameters' defaults that are names of templates, or end one."""
    found = {}
    for key, parameter in entries(get(root, "Parameters")):
        default = text(get(parameter, "Default"))
        if default and len(default) <= MAX_NAME and any(template_names(default)):
            found[key.value] = default
    return found
