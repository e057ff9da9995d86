"""Which name an export gets, and which names CloudFormation refuses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import takewhile

from remediator.model import Context, Refusal, Value
from remediator.template import (
    SUB_VARIABLE,
    Kind,
    Template,
    flattened,
    references,
    sub_variables,
    walk,
)

from ._conventions import kebab

LONGEST = 255
"""Characters of an export's name (AWS: quotas)."""
_REFUSED = re.compile(r"[^A-Za-z0-9:-]")
_THE_SAME_EVERYWHERE = ("AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::URLSuffix")
_STACK = "AWS::StackName"


class Names:
    """The names of a template's exports, as texts of `Fn::Sub`: those there, and new ones."""

    def __init__(self, template: Template, context: Context) -> None:
        self._template = template
        self._context = context
        self.given = dict(_given(template))
        """The names that outputs have; those that cannot be told are left out."""
        self._taken = set(self.given.values())

    def new(self, output: str) -> str | Refusal:
        """Return a name for an output's export that no other has, or why there is none."""
        for name in self._candidates(output):
            if name not in self._taken and _is_valid(name):
                self._taken.add(name)
                return name
        reason = f"no name can be made of {output}: write one of letters, digits, `:` and `-`"
        return Refusal("export-name-invalid", reason)

    def _candidates(self, output: str) -> Iterator[str]:
        if output in self._imported:
            yield self._imported[output]
        convention = self._by_convention(output)
        if convention:
            yield convention
        usual = "${%s}-%s" % (_STACK, _REFUSED.sub("-", output).strip("-"))
        yield usual
        for number in range(2, len(self._template.outputs) + 3):
            yield f"{usual}-{number}"

    @cached_property
    def _imported(self) -> Mapping[str, str]:
        """The names that other templates import, by the one output without a name they fit."""
        outputs = [name for name in self._template.outputs if name not in self.given]
        fitting: dict[str, set[str]] = {}
        for text in self._context.imports:
            name = _exported_as(self._template, text)
            key = _letters(SUB_VARIABLE.sub("", text))
            found = [output for output in outputs if _letters(output) == key]
            if name is not None and len(found) == 1:
                fitting.setdefault(found[0], set()).add(name)
        return {output: min(names) for output, names in fitting.items() if len(names) == 1}

    def _by_convention(self, output: str) -> str:
        """Return the name in the way of the others; empty where they have none in common."""
        if self._frame is None:
            return ""
        before, after, lower = self._frame
        return before + (kebab(output) if lower else output) + after

    @cached_property
    def _frame(self) -> tuple[str, str, bool] | None:
        """What stands around the output's key in the names, and whether that is in lower case.

        A convention is a frame that two exports and two thirds of them share, and that differs
        from stack to stack.
        """
        frames: Counter[tuple[str, str, bool]] = Counter()
        for other, name in self.given.items():
            for lower, key in ((False, other), (True, kebab(other))):
                before, found, after = name.partition(key)
                if found and _varies(self._template, before + after):
                    frames[before, after, lower] += 1
                    break
        for frame, count in frames.most_common(1):
            if count >= 2 and count * 3 >= len(self.given) * 2:
                return frame
        return None

    @cached_property
    def by_name(self) -> Mapping[str, tuple[str, ...]]:
        """Name -> the outputs that have it, in the order of the text."""
        found: dict[str, list[str]] = {}
        for output, name in self.given.items():
            found.setdefault(name, []).append(output)
        return {name: tuple(outputs) for name, outputs in found.items()}


def name_refusal(template: Template, names: Names, output: str, name: Value) -> Refusal | None:
    """Return why CloudFormation refuses an export's name, None where that is not certain.

    What a variable will hold is not known, so only the constant parts of a name count.
    """
    wrong = _dependency(template, name)
    if wrong:
        reason = f"the name depends on {wrong}: build it of parameters, AWS::StackName and text"
        return Refusal("export-name-dependent", reason)
    text = flattened(name)
    constant = SUB_VARIABLE.sub("", text).replace("\0", "")
    refused = "" if "{{resolve:" in text else "".join(dict.fromkeys(_REFUSED.findall(constant)))
    if refused or len(constant) > LONGEST:
        what = f"holds {refused!r}" if refused else f"is longer than {LONGEST} characters"
        reason = f"the name {what}: it may have {LONGEST} letters, digits, `:` and `-`"
        return Refusal("export-name-invalid", reason)
    same = takewhile(lambda other: other != output, names.by_name.get(text, ()))
    twin = next((other for other in same if _stand_together(template, output, other)), None)
    if twin is not None:
        reason = f"{twin} has the same name, and an account has it once: rename one of them"
        return Refusal("export-name-twice", reason)
    return None


def _given(template: Template) -> Iterator[tuple[str, str]]:
    for output, definition in template.outputs.items():
        export = definition.get("Export") if isinstance(definition, dict) else None
        bare = not isinstance(export, dict) or "Name" not in export
        name = flattened(export if bare else export.get("Name"))  # type: ignore[union-attr]
        if name and "\0" not in name and name != "${AWS::NoValue}":
            yield output, name


def _is_valid(name: str) -> bool:
    constant = SUB_VARIABLE.sub("", name)
    return not _REFUSED.search(constant) and 0 < len(constant) <= LONGEST


def _exported_as(template: Template, text: str) -> str | None:
    """Return how an export is written that another template imports under a text.

    A variable that names a stack (`${NetworkStackName}`) is this stack's name here; one that is
    the same in every stack, or a parameter here too, is kept. None where it has another one.
    """
    known = {}
    for variable in sub_variables(text):
        is_stack = "stack" in variable.lower()
        if variable in _THE_SAME_EVERYWHERE or (variable in template.parameters and not is_stack):
            known[variable] = variable
        elif variable.startswith("AWS::") or not is_stack or variable in template.parameters:
            return None  # the importing stack's own name, or another stack than this
        else:
            known[variable] = _STACK
    if list(known.values()).count(_STACK) > 1:
        return None
    return SUB_VARIABLE.sub(lambda match: "${%s}" % known[match[1]], text)


def _letters(text: str) -> str:
    return "".join(each for each in text.lower() if each.isalnum())


def _varies(template: Template, text: str) -> bool:
    """Tell whether a text has variables, all of which may stand in an export's name."""
    variables = sub_variables(text)
    return bool(variables) and all(
        each.startswith("AWS::") or each in template.parameters for each in variables
    )


def _dependency(template: Template, name: Value) -> str:
    """Return what a name depends on that none may: a resource, an import, the list of zones."""
    for reference in references({"": name}):
        if reference.kind is not Kind.CONDITION and reference.target in template.resources:
            return f"the resource {reference.target}"
    for _, value in walk(name):
        for function in ("Fn::ImportValue", "Fn::GetAZs"):
            if isinstance(value, dict) and function in value:
                return function
    return ""


def _stand_together(template: Template, output: str, other: str) -> bool:
    """Tell whether two outputs are sure to stand in the same stack: neither has its own mode."""
    one, two = template.outputs[output], template.outputs[other]
    return (
        isinstance(one, dict)
        and isinstance(two, dict)
        and one.get("Condition") == two.get("Condition")
    )
