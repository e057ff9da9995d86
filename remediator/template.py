"""CloudFormation's view of a document: sections, intrinsic functions, references. Read-only."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from .conditions import Case, Conditions, case, literal
from .data import holds_null as holds_null
from .data import mappings as mappings
from .data import walk as walk
from .document import Document
from .model import Credential, Path, Value, value_at
from .raw_text import ANCHOR as ANCHOR
from .raw_text import plain_parameters as plain_parameters

_LOGICAL_ID = re.compile(r"[A-Za-z0-9]+")
_NAME = re.compile(r"[\w:]+")  # not `Function.Version`, which `Fn::Sub` takes for an attribute
SUB_VARIABLE = re.compile(r"\$\{\s*([^!${}\s](?:[^${}]*[^${}\s])?)\s*\}")
"""A variable of `Fn::Sub`; `${!Literal}` is none. (Not `*?`: a text of blanks would be tried at all
their pairs.)"""


class Kind(StrEnum):
    """How a reference is written."""

    REF = "Ref"
    GET_ATT = "Fn::GetAtt"
    SUB = "Fn::Sub"
    DEPENDS_ON = "DependsOn"
    CONDITION = "Condition"
    NAME = "name"
    """A bare parameter name in `Metadata.AWS::CloudFormation::Interface`."""


class Reference(NamedTuple):
    """One mention of a parameter, resource or condition.

    `path` is that of the whole function (`{"Ref": …}`, `{"Fn::Sub": …}`), of the string in
    `DependsOn`, or of the entry that holds a bare name. `attribute` is what a `GetAtt` asks for.
    """

    path: Path
    target: str
    kind: Kind
    attribute: str = ""


class Macro(NamedTuple):
    """A macro of `Transform` or `Fn::Transform`, and the `Location` it is given, if any."""

    name: str
    location: str = ""


class Template:
    """A document read as a CloudFormation template."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.data = document.data
        self.parameters = section_of(self.data, "Parameters")
        self.resources = section_of(self.data, "Resources")
        self.outputs = section_of(self.data, "Outputs")
        self.conditions = Conditions(section_of(self.data, "Conditions"), self.parameters)

    def type_of(self, logical_id: str) -> str:
        """Return the `Type` of a resource, or an empty string."""
        resource = self.resources.get(logical_id)
        kind = resource.get("Type") if isinstance(resource, dict) else None
        return kind if isinstance(kind, str) else ""

    def properties(self, logical_id: str) -> Mapping[str, Value]:
        """Return the `Properties` of a resource; an empty mapping where it has none."""
        resource = self.resources.get(logical_id)
        return section_of(resource, "Properties") if isinstance(resource, dict) else {}

    def of_type(self, *types: str) -> Iterator[str]:
        """Yield the logical ids of the resources of the types."""
        return (name for name in self.resources if self.type_of(name) in types)

    def parameter(self, name: str) -> Mapping[str, Value]:
        """Return the definition of a parameter; an empty mapping where there is none."""
        return section_of(self.parameters, name)

    def presence(self, path: Path) -> Case:
        """Return when the value at a path takes effect: its resource's condition, its branches.

        Raises KeyError where the path leads nowhere.
        """
        pairs: list[tuple[str, bool]] = []
        if len(path) > 1 and path[0] in ("Resources", "Outputs"):
            owner = section_of(self.data, str(path[0])).get(str(path[1]))
            condition = owner.get("Condition") if isinstance(owner, dict) else None
            if isinstance(condition, str):
                pairs.append((condition, True))
        value: Value = self.data
        for step, following in zip(path, (*path[1:], None), strict=True):
            value = value_at(value, (step,))
            if step == "Fn::If" and isinstance(value, list) and following in (1, 2):
                name = value[0] if value else None
                if isinstance(name, str):
                    pairs.append((name, following == 1))
        return case(pairs)

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """Every reference of the template, in the order of the text."""
        return tuple(_references(self.document.mappings))

    @cached_property
    def _by_target(self) -> Mapping[str, tuple[Reference, ...]]:
        found: dict[str, list[Reference]] = {}
        for reference in self.references:
            if reference.kind is not Kind.CONDITION:
                found.setdefault(reference.target, []).append(reference)
        return {target: tuple(each) for target, each in found.items()}

    @cached_property
    def _by_place(self) -> Mapping[Path, tuple[Reference, ...]]:
        found: dict[Path, list[Reference]] = {}
        for reference in self.references:
            for length in range(2, min(len(reference.path), 4) + 1):
                found.setdefault(reference.path[:length], []).append(reference)
        return {path: tuple(each) for path, each in found.items()}

    def references_below(self, path: Path) -> tuple[Reference, ...]:
        """Return the references below an entry of a section, or one or two levels deeper."""
        return self._by_place.get(path, ())

    def references_to(self, target: str) -> tuple[Reference, ...]:
        """Return the references to a parameter or resource, in the order of the text."""
        return self._by_target.get(target, ())

    @cached_property
    def undefined(self) -> tuple[str, ...]:
        """The names that properties refer to whole (`Ref`, `Fn::Sub`) and nothing defines.

        A loop's own variables are none, nor what a module, a loop or SAM may make, whose names
        begin as theirs do.
        """
        known = {*self.parameters, *self.resources}
        makers = tuple(filter(None, map(self._begins, self.resources)))
        return tuple(
            dict.fromkeys(
                reference.target
                for reference in self.references
                if reference.kind in (Kind.REF, Kind.SUB)
                and reference.path[0] == "Resources"
                and not reference.attribute
                and reference.target not in known
                and _LOGICAL_ID.fullmatch(reference.target)
                and not reference.target.startswith(makers)
                and not str(reference.path[1]).startswith("Fn::ForEach")
            )
        )

    def _begins(self, logical_id: str) -> str:
        """Return how the names begin that a resource may make; empty where it makes none."""
        if logical_id.startswith("Fn::ForEach"):
            loop = self.resources[logical_id]
            body = loop[2] if isinstance(loop, list) and len(loop) > 2 else None
            return next(iter(body)).partition("$")[0] if isinstance(body, dict) and body else ""
        kind = self.type_of(logical_id)
        makes = kind.endswith("::MODULE") or kind.startswith("AWS::Serverless::")
        return logical_id if makes else ""

    @cached_property
    def dependencies(self) -> Mapping[str, frozenset[str]]:
        """Resource -> the resources it refers to, directly."""
        found: dict[str, set[str]] = {name: set() for name in self.resources}
        for reference in self.references:
            inside = reference.path[0] == "Resources" and reference.kind is not Kind.CONDITION
            if inside and reference.target in found:
                found[str(reference.path[1])].add(reference.target)
        return {name: frozenset(targets) for name, targets in found.items()}

    def depends(self, logical_id: str, other: str) -> bool:
        """Tell whether a resource depends on another, directly or not."""
        seen: set[str] = set()
        waiting = [logical_id]
        while waiting:
            for following in self.dependencies.get(waiting.pop(), ()):
                if following == other:
                    return True
                if following not in seen:
                    seen.add(following)
                    waiting.append(following)
        return False

    @cached_property
    def macros(self) -> tuple[Macro, ...]:
        """The macros of `Transform` and of every `Fn::Transform`."""
        top = self.data.get("Transform")
        found: list[Value] = list(top) if isinstance(top, list) else [top]
        found += [
            value["Fn::Transform"]
            for _, value in self.document.mappings
            if "Fn::Transform" in value
        ]
        return tuple(_macro(item) for item in found if item is not None)


def _macro(item: Value) -> Macro:
    if not isinstance(item, dict):
        return Macro(str(item))
    location = section_of(item, "Parameters").get("Location")
    if isinstance(location, dict):
        text = sub_parts(location.get("Fn::Sub"))[0] or "what its Location names"
    else:
        text = str(location or "")
    return Macro(str(item.get("Name")), text)


def section_of(data: Mapping[str, Value], name: str) -> Mapping[str, Value]:
    """Return a mapping below a key; an empty one where there is none."""
    section = data.get(name)
    return section if isinstance(section, dict) else {}


def sub_variables(text: str) -> tuple[str, ...]:
    """Return the variables of an `Fn::Sub` text, each once."""
    return tuple(dict.fromkeys(SUB_VARIABLE.findall(text)))


def references(data: Mapping[str, Value]) -> Iterator[Reference]:
    """Yield every reference of a template's data, in the order of the text."""
    return _references(mappings(dict(data)))


def _references(among: Iterable[tuple[Path, dict[str, Value]]]) -> Iterator[Reference]:
    for path, value in among:
        if len(value) == 1:
            [(function, argument)] = value.items()
            yield from _of_function(path, function, argument)
        if len(path) == 2 and path[0] in ("Resources", "Outputs"):
            yield from _of_attributes(path, value)
        if path == ("Metadata", "AWS::CloudFormation::Interface"):
            yield from _of_interface(path, value)


def _of_function(path: Path, function: str, argument: Value) -> Iterator[Reference]:
    if function == "Ref" and isinstance(argument, str):
        yield Reference(path, argument, Kind.REF)
    elif function == "Fn::GetAtt":
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if isinstance(parts, list) and parts and isinstance(parts[0], str):
            attribute = ".".join(part for part in parts[1:] if isinstance(part, str))
            yield Reference(path, parts[0], Kind.GET_ATT, attribute)
    elif function == "Fn::Sub":
        text, local = sub_parts(argument)
        for variable in sub_variables(text):
            if variable not in local:
                target, _, attribute = variable.partition(".")
                yield Reference(path, target, Kind.SUB, attribute)
    elif function == "Fn::If" and isinstance(argument, list) and argument:
        if isinstance(argument[0], str):
            yield Reference(path, argument[0], Kind.CONDITION)
    elif function == "Condition" and isinstance(argument, str) and len(path) > 2:
        yield Reference(path, argument, Kind.CONDITION)


def _of_attributes(path: Path, value: Mapping[str, Value]) -> Iterator[Reference]:
    if isinstance(value.get("Condition"), str):
        yield Reference((*path, "Condition"), str(value["Condition"]), Kind.CONDITION)
    depends = value.get("DependsOn")
    if isinstance(depends, str):
        yield Reference((*path, "DependsOn"), depends, Kind.DEPENDS_ON)
    elif isinstance(depends, list):
        for index, name in enumerate(depends):
            if isinstance(name, str):
                yield Reference((*path, "DependsOn", index), name, Kind.DEPENDS_ON)


def _of_interface(path: Path, interface: Mapping[str, Value]) -> Iterator[Reference]:
    groups = interface.get("ParameterGroups")
    for index, group in enumerate(groups if isinstance(groups, list) else ()):
        names = group.get("Parameters") if isinstance(group, dict) else None
        for position, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str):
                place = (*path, "ParameterGroups", index, "Parameters", position)
                yield Reference(place, name, Kind.NAME)
    for name in section_of(interface, "ParameterLabels"):
        yield Reference((*path, "ParameterLabels", name), name, Kind.NAME)


def sub_parts(argument: Value) -> tuple[str, Mapping[str, Value]]:
    """Return text and variable map of the argument of `Fn::Sub`; an empty text if malformed."""
    if isinstance(argument, str):
        return argument, {}
    if isinstance(argument, list) and argument and isinstance(argument[0], str):
        variables = argument[1] if len(argument) > 1 else None
        return argument[0], variables if isinstance(variables, dict) else {}
    return "", {}


LONGEST_TEXT = 1_000_000
"""Characters of what functions write as one text; a template itself may have no more."""


def flattened(value: Value) -> str:
    """Return what `Ref`, `Fn::Sub` and `Fn::Join` write as one text of an `Fn::Sub`.

    Anything else in it is a NUL character, which no template can hold; so is a text of more than
    LONGEST_TEXT characters, as nested functions may write without end.
    """
    if isinstance(value, dict) and len(value) == 1:
        [(function, argument)] = value.items()
        if function == "Ref" and isinstance(argument, str):
            return "${%s}" % argument if _NAME.fullmatch(argument) else "\0"
        if function == "Fn::GetAtt" and isinstance(argument, list):
            texts = [part for part in argument if isinstance(part, str)]
            return "${%s}" % ".".join(texts) if len(texts) == len(argument) > 1 else "\0"
        if function == "Fn::GetAtt" and isinstance(argument, str):
            return "${%s}" % argument
        if function == "Fn::Sub":
            text, local = sub_parts(argument)
            given = {name: flattened(local[name]) for name in sub_variables(text) if name in local}
            if sum(len(given.get(name, "")) for name in SUB_VARIABLE.findall(text)) > LONGEST_TEXT:
                return "\0"
            return SUB_VARIABLE.sub(lambda m: given.get(m[1], "${%s}" % m[1]), text)
        if function == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:
            delimiter, parts = literal(argument[0]) or "", argument[1]
            if isinstance(parts, list):
                texts = list(map(flattened, parts))
                longer = len(delimiter) * len(texts) + sum(map(len, texts)) > LONGEST_TEXT
                return "\0" if longer else delimiter.join(texts)
        return "\0"
    text_or_none = literal(value)
    return "\0" if text_or_none is None else text_or_none


def applies(credential: Credential, data: Value, path: Path) -> bool:
    """Tell whether the keys beside a property say that it holds the credential."""
    for key, globs in credential.where:
        beside = value_at(data, path[:-1])
        text = literal(beside.get(key)) if isinstance(beside, dict) else None
        if text is None or not any(fnmatch.fnmatchcase(text, glob) for glob in globs):
            return False
    return True


def places(value: Value, path: Path, pattern: Sequence[str]) -> Iterator[Path]:
    """Yield the paths that a pattern of the catalogue has below a value, through `Fn::If` too."""
    if not pattern:
        yield path
        return
    if isinstance(value, dict) and len(value) == 1:
        branches = value.get("Fn::If")
        if isinstance(branches, list):
            for index, branch in list(enumerate(branches))[1:]:
                yield from places(branch, (*path, "Fn::If", index), pattern)
            return
    step, rest = pattern[0], pattern[1:]
    if step == "*":
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from places(item, (*path, index), rest)
        elif isinstance(value, dict) and not rest:
            yield path  # a function makes the whole list
    elif isinstance(value, dict):
        for key in value if step == "{}" else (step,):
            if key in value:
                yield from places(value[key], (*path, key), rest)
