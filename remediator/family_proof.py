"""The proof of a family: its templates fit together as well as they did before.

Each template's edit is proven by itself. What is between them is looked at here, in the new texts
alone and whatever the plan was: a nested stack must be given nothing that its template does not
declare, and everything that it needs; an output that a parent reads must be there. What was wrong
before is none of this.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath as Place

from .errors import ProofError
from .template import Kind, Template, section_of

STACKS = ("AWS::CloudFormation::Stack", "AWS::Serverless::Application")

Read = Callable[[Place], Template]
"""Returns the template at a place of the tree."""
Children = Callable[[Place, str], Iterable[Place]]
"""Returns the templates that a nested stack of a parent may be made from."""


def prove_family(parents: Iterable[Place], children: Children, old: Read, new: Read) -> None:
    """Raise ProofError where parents and the templates of their nested stacks fit together worse
    in their `new` texts than in the `old` ones."""
    for parent in parents:
        before = set(_misfits(parent, children, old))
        for misfit in _misfits(parent, children, new):
            if misfit not in before:
                raise ProofError(misfit)


def _misfits(parent: Place, children: Children, read: Read) -> Iterator[str]:
    """Yield what does not fit between a parent and its nested stacks, in words."""
    template = read(parent)
    for stack in template.of_type(*STACKS):
        given = template.properties(stack).get("Parameters")
        passed = set(given) if isinstance(given, dict) else set()
        for place in children(parent, stack):
            child = read(place)
            for name in sorted(passed - child.parameters.keys()):
                yield f"{parent}: {stack} passes {name}, which {place} does not declare"
            needed = {name for name in child.parameters if "Default" not in child.parameter(name)}
            for name in sorted(needed - passed):
                yield f"{parent}: {stack} does not pass {name}, which {place} needs"
            for reference in template.references_to(stack):
                attribute = reference.attribute or ""
                output = attribute.removeprefix("Outputs.")
                is_output = reference.kind in (Kind.GET_ATT, Kind.SUB) and output != attribute
                if is_output and output not in section_of(child.data, "Outputs"):
                    yield f"{parent}: reads {stack}.{attribute}, which {place} does not output"
