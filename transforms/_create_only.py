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

_FEW = 5
"""Resources that are named where many are replaced."""


def with_replaced(
    template: Template,
    context: Context,
    uses: Iterable[Use],
    effect: tuple[Consequence, str],
) -> tuple[Consequence, str]:
    """Return what a repair does to a live stack, and why, with what it replaces.

    `uses` are the places whose text changes, `effect` is what the repair does besides.
    """
    labels: dict[str, dict[str, None]] = {}
    for use in uses:
        if is_replaced(template, context, use):
            labels.setdefault(use.resource, {})[f"{use.resource}.{use.path[3]}"] = None
    if not labels:
        return effect
    reasons = [
        f"the text of {', '.join(own)} changes too, and cannot be changed in place, so {resource} "
        f"is replaced by a new one{_name_in_the_way(template, context, resource)}"
        for resource, own in labels.items()
    ]
    reasons += [
        f"{resource}.{place} refers to {target} and cannot be changed either, so {resource} is "
        f"replaced along{_name_in_the_way(template, context, resource)}"
        for resource, place, target in _along(template, context, labels)
    ]
    more = len(reasons) - _FEW
    further = [f"{more} more resources are replaced too"] if more > 0 else []
    because = filter(None, (effect[1], *reasons[:_FEW], *further))
    return Consequence.REPLACES, "; ".join(because)


def _along(
    template: Template, context: Context, replaced: Iterable[str]
) -> Iterator[tuple[str, str, str]]:
    """Yield what is replaced because it refers to a resource that is: with the property, and that
    resource."""
    queue = [*replaced]
    known = {*queue}
    while queue:
        target = queue.pop(0)
        for reference in template.references_to(target):
            resource = str(reference.path[1]) if len(reference.path) > 3 else target
            if resource not in known and _is_fixed(template, context, reference.path):
                known.add(resource)
                queue.append(resource)
                yield resource, str(reference.path[3]), target


def is_replaced(template: Template, context: Context, use: Use) -> bool | None:
    """Tell whether a use that merely carries the password is in a property that cannot be changed.

    None where that is not known, and where a replacement is how the resource is changed.
    """
    return use.role is Role.CARRIED and _is_fixed(template, context, use.path)


def _is_fixed(template: Template, context: Context, path: Path) -> bool | None:
    """Tell whether another text at a place replaces its resource; None as `is_replaced` does."""
    if path[0] != "Resources" or path[2:3] != ("Properties",):
        return False
    resource = str(path[1])
    kind, properties = template.type_of(resource), template.properties(resource)
    known = context.create_only().get(kind)
    if known is None:
        return None
    steps = tuple(_steps(path[3:]))
    if not any(steps[:length] in known.paths for length in range(1, len(steps) + 1)):
        return False
    if kind in _VERSIONS and not _names(template, resource, {*known.names, *_LABELS}):
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
