"""Passwords that stand in a template as text are reported.

A literal in a credential property is readable by whoever reads the template, its repository or
the stack. This version reports it; it repairs passwords that come from parameters.

Why
    The value is in the history of git, in every copy of the template and in `GetTemplate`.

Consequence
    None yet: nothing is changed. Make it a parameter without a default, and `password-parameters`
    turns it into a generated secret.

Not repaired
    Every literal; the finding names the place, and reports mask the value.

See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/security-best-practices.html
"""

from __future__ import annotations

from collections.abc import Iterator

from remediator.conditions import literal
from remediator.model import Context, Finding, Path, Refusal, Value, value_at
from remediator.template import Template
from remediator.transform import Transform

from ._uses import slots


def check(template: Template, context: Context) -> Iterator[Finding]:
    """Yield a finding for every literal in a credential property."""
    for slot in slots(template, context.catalogue):
        if slot.credential.generatable == "no":
            continue
        for path, text in _literals(value_at(template.document.data, slot.path), slot.path):
            generated = slot.credential.generatable == "yes"
            way_out = (
                "make it a String parameter with NoEcho, and remediator generates it"
                if generated and slot.credential.repaired
                else "store it in Secrets Manager and write {{resolve:secretsmanager:…}} here"
            )
            refusal = Refusal(
                "literal-not-supported-yet",
                f"this version does not repair literals: {way_out}; the old value stays in git",
            )
            message = f"{slot.label} is written out in the template"
            yield Finding(path, message, refusal=refusal, masked=(text,))


def _literals(value: Value, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the literals that a property may have, in any branch of `Fn::If`."""
    branches = value.get("Fn::If") if isinstance(value, dict) else None
    if isinstance(branches, list):
        for index, branch in list(enumerate(branches))[1:]:
            yield from _literals(branch, (*path, "Fn::If", index))
        return
    text = literal(value)
    if text and not isinstance(value, bool) and "{{resolve:" not in text:
        yield path, text


TRANSFORM = Transform(
    id="literal-passwords",
    title="A password that stands in the template is reported",
    check=check,
    reads_catalogue=True,
)
