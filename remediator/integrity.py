"""What holds of a template as a whole: nothing dangles, runs in a circle or is left empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .model import Add, Operation, Path, Remove, Value, pointer, value_at
from .template import Kind, Template, section_of


def unresolved_references(template: Template) -> frozenset[str]:
    """Return what a template refers to and does not define, in words.

    Looked at are Resources, Outputs, Conditions and Rules, and the names in the console's
    interface; a name that a macro would create counts too, so compare before with after.
    """
    parameters = template.parameters
    known = {*parameters, *template.resources}
    conditions = template.conditions.expressions
    found = set()
    for reference in template.references:
        if reference.path[0] not in ("Resources", "Outputs", "Conditions", "Rules", "Metadata"):
            continue
        if reference.target.startswith("AWS::"):
            continue
        if reference.kind is Kind.CONDITION:
            missing, words = reference.target not in conditions, f"condition {reference.target}"
        elif reference.kind is Kind.NAME:
            missing, words = reference.target not in parameters, f"parameter {reference.target}"
        else:
            missing, words = reference.target not in known, reference.target
        if missing:
            found.add(words)
    return frozenset(found | _lookups_in_vain(template))


def _lookups_in_vain(template: Template) -> set[str]:
    """Return the `Fn::FindInMap` whose map or last key is a constant that no map has."""
    maps = section_of(template.data, "Mappings")
    found = set()
    for _, value in template.document.mappings:
        lookup = value.get("Fn::FindInMap")
        if not isinstance(lookup, list) or len(lookup) != 3:
            continue  # a fourth argument is a default
        name, _, key = lookup
        if not isinstance(name, str):
            continue
        entries = section_of(maps, name).values()
        keys = {each for entry in entries if isinstance(entry, dict) for each in entry}
        if name not in maps or (isinstance(key, str) and key not in keys):
            found.add(f"mapping {name}" + (f".{key}" if isinstance(key, str) else ""))
    return found


def cycles(template: Template) -> frozenset[frozenset[str]]:
    """Return the groups of resources that depend on one another in a circle.

    Tarjan's algorithm with a stack of its own: a template may chain thousands of resources.
    """
    graph = template.dependencies
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found = []
    for root in graph:
        work = [(root, iter(sorted(graph[root])))] if root not in index else []
        while work:
            name, following = work[-1]
            if name not in index:
                index[name] = low[name] = len(index)
                stack.append(name)
                on_stack.add(name)
            for target in following:
                if target not in index:
                    work.append((target, iter(sorted(graph[target]))))
                    break
                if target in on_stack:
                    low[name] = min(low[name], low[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    group = set()
                    while name not in group:
                        group.add(stack[-1])
                        on_stack.discard(stack.pop())
                    if len(group) > 1 or name in graph[name]:
                        found.append(frozenset(group))
    return frozenset(found)


def needed_parameters(data: Mapping[str, Value]) -> tuple[str, ...]:
    """Return the parameters without a default: a deployment must be given a value for each."""
    parameters = section_of(data, "Parameters")
    return tuple(
        name for name, p in parameters.items() if isinstance(p, dict) and "Default" not in p
    )


_DROPPABLE = ("Parameters", "Conditions", "Rules", "Metadata", "Mappings", "Outputs")


def prune(data: Mapping[str, Value], operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """Return the operations with removals that would empty a container folded into its own.

    `Parameters:` with nothing below it is refused by CloudFormation, and a group of the console's
    interface without parameters is only its heading. Neither do empty `Properties` say anything.
    """
    plan = list(operations)
    while True:
        removed: dict[Path, set[str | int]] = {}
        for operation in plan:
            if isinstance(operation, Remove):
                removed.setdefault(operation.path[:-1], set()).add(operation.path[-1])
        touched = {op.path[:-1] for op in plan if isinstance(op, Add)}
        emptied = {p for p, steps in removed.items() if _falls(data, p, steps, touched)}
        if not emptied:
            return tuple(plan)
        outermost = [p for p in emptied if not _below_any(p[:-1], emptied)]
        plan = [op for op in plan if not _below_any(op.path, emptied)]
        plan += [Remove(p) for p in sorted(outermost, key=pointer)]


def _passes_parameters(path: Path) -> bool:
    """Tell whether a place holds what a resource passes to another template."""
    return path[:1] + path[2:3] == ("Resources", "Properties") and (
        path[3:] in (("Parameters",), ("ProvisioningParameters",))
        or (path[3:4] == ("StackInstancesGroup",) and path[5:] == ("ParameterOverrides",))
    )


def _below_any(path: Path, places: set[Path]) -> bool:
    """Tell whether a path is one of some places, or leads to below one."""
    return any(path[:length] in places for length in range(1, len(path) + 1))


def _falls(
    data: Mapping[str, Value], path: Path, removed: set[str | int], touched: set[Path]
) -> bool:
    """Tell whether a container has nothing left and may be dropped with its key."""
    resource = len(path) == 3 and path[0] == "Resources"
    attribute = resource and path[2] in ("DependsOn", "Properties")
    attribute = attribute or _passes_parameters(path)
    if not path or path in touched or not (path[0] in _DROPPABLE or attribute):
        return False
    value = value_at(dict(data), path)
    if isinstance(value, list):
        return len(removed) == len(value)
    if not isinstance(value, dict):
        return False
    if len(path) == 4 and path[2] == "ParameterGroups" and "Parameters" in removed:
        return True
    return len(removed) == len(value)
