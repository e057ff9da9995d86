"""Resources that are replaced because a property that cannot be changed carries the password.

CloudFormation compares the texts of create-only properties: another text replaces the resource,
whether its value is another one or not, and no resource whose physical name stays. Sources:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from remediator.conditions import literal
from remediator.model import Consequence, Context, Path, Value
from remediator.template import Template

from ._secrets import NO_VALUE
from ._uses import Role, Use

# What is never changed, but followed by its next version: its replacement is how it is changed, and
# what refers to it takes the new one in the same deployment. Not among them: what runs again when
# it is replaced (a step of EMR), and what others may name from outside by the number of its version
# (a layer or a version of Lambda, which goes when it is replaced). Job definitions of Batch and
# launch templates need not stand here: their properties can be changed.
_VERSIONS = frozenset(
    {
        "AWS::AppConfig::HostedConfigurationVersion",
        "AWS::AutoScaling::LaunchConfiguration",
        "AWS::ECS::TaskDefinition",
        "AWS::Greengrass::ConnectorDefinitionVersion",
        "AWS::Greengrass::CoreDefinitionVersion",
        "AWS::Greengrass::DeviceDefinitionVersion",
        "AWS::Greengrass::FunctionDefinitionVersion",
        "AWS::Greengrass::LoggerDefinitionVersion",
        "AWS::Greengrass::ResourceDefinitionVersion",
        "AWS::Greengrass::SubscriptionDefinitionVersion",
    }
)
# A label or name of such a version, with which there may be no second one.
_LABELS = ("VersionLabel",)
# The constant beside a property with which an update makes a new version of the same resource, so
# that its name may stay (AWS: the schema of the type).
_IN_PLACE = {"AWS::SSM::Document": ("UpdateMethod", "NewVersion")}
# Where the name that must be another one is one with a version, which is easier to raise: Image
# Builder finds that what has both is there already
# (https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/927).
_NAMED_AND_VERSIONED = "AWS::ImageBuilder::"


def with_replaced(
    template: Template,
    context: Context,
    uses: Iterable[Use],
    effect: tuple[Consequence, str],
) -> tuple[Consequence, str]:
    """Return what a repair does to a live stack, and why, with what it replaces.

    `effect` is what it does besides.
    """
    labels: dict[str, dict[str, None]] = {}
    for use in uses:
        if is_replaced(template, context, use):
            labels.setdefault(use.resource, {})[f"{use.resource}.{use.path[3]}"] = None
    if not labels:
        return effect
    because = [effect[1]] if effect[1] else []
    for resource, own in labels.items():
        because.append(
            f"the text of {', '.join(own)} changes too, and cannot be changed in place, so "
            f"{resource} is replaced by a new one{_name_in_the_way(template, context, resource)}"
        )
    return Consequence.REPLACES, "; ".join(because)


def is_replaced(template: Template, context: Context, use: Use) -> bool | None:
    """Tell whether a use that merely carries the password is in a property that cannot be changed.

    None where that is not known, and where a replacement is how the resource is changed.
    """
    if use.role is not Role.CARRIED or use.path[2:3] != ("Properties",):
        return False
    kind, properties = template.type_of(use.resource), template.properties(use.resource)
    known = context.create_only().get(kind)
    if known is None:
        return None
    steps = tuple(_steps(use.path[3:]))
    if not any(steps[:length] in known.paths for length in range(1, len(steps) + 1)):
        return False
    if kind in _VERSIONS and not _names(template, use.resource, {*known.names, *_LABELS}):
        return None
    name, value = _IN_PLACE.get(kind, ("", ""))
    return not name or literal(properties.get(name)) != value


def _steps(path: Path) -> Iterator[str]:
    """Yield the keys of a path below Properties, without the places in lists and the branches."""
    steps = iter(path)
    for step in steps:
        if step == "Fn::If":
            next(steps, None)
        elif isinstance(step, str):
            if step.startswith("Fn::"):
                return
            yield step


def _names(template: Template, resource: str, names: Iterable[str]) -> list[str]:
    """Return those of some properties that a resource is given."""
    properties = template.properties(resource)
    return [name for name in sorted(names) if not _is_missing(properties.get(name))]


def _is_missing(value: Value) -> bool:
    return value is None or value == NO_VALUE


def _name_in_the_way(template: Template, context: Context, resource: str) -> str:
    """Return what else has to be done, as a name that stays keeps a resource from replacement."""
    kind = template.type_of(resource)
    names = context.create_only()[kind].names
    given = _names(template, resource, names)
    if names and len(given) == len(names):
        which, verb = " and ".join(given), "stays" if len(given) == 1 else "stay"
        return f", which fails while {which} {verb}: change that in the same deployment"
    if kind.startswith(_NAMED_AND_VERSIONED) and _names(template, resource, ("Version",)):
        return ", which may fail while Name and Version stay: raise Version in the same deployment"
    return ""
