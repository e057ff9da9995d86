"""Passwords that stand in a template as text become generated secrets.

A literal in a credential property is readable by whoever reads the template, its repository or
the stack. Like a parameter, it becomes a secret that Secrets Manager generates; equal literals
are uses of one password.

Why
    The value is in the history of git, in every copy of the template and in `GetTemplate`.

Consequence
    `rotates`: at the next deployment the live password becomes the generated one; `external`
    where a DMS endpoint logs in with it to a server outside the stack. The old value stays in
    the history of git and must not be used again.

Not repaired
    A literal that stands elsewhere in the template too, where it may be the same password; one
    that a function puts together in a way that cannot be read; tokens, keys and the passwords of
    systems outside the stack; whatever `password-parameters` refuses.

See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/security-best-practices.html
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from remediator.model import Context, Finding, Refusal
from remediator.template import Template
from remediator.transform import Transform

from ._groups import Group
from ._handmade import secret_constants
from ._literals import Written, literal_refusal, mapping_removals, written_out
from ._plan import Draft, decided, fixed, macro_refusal
from ._repair import first_owner, generate
from ._secrets import SECRET
from ._wording import consequence


def check(template: Template, context: Context) -> Iterator[Finding]:
    """Yield a finding for every password written out in a credential property, but those that a
    hand-made secret holds too, which `manual-secrets` repairs."""
    found = written_out(template, context)
    if not found:
        return
    held = {text for name in template.of_type(SECRET) for text in secret_constants(template, name)}
    for written in found:
        if written.mapping is None and held & set(written.texts):
            continue
        message = f"{written.labels} is written out in the template"
        repair = partial(_repair, template, context, written, message)
        yield decided(written.places[0][0], message, written.texts, repair)


def _repair(
    template: Template, context: Context, written: Written, message: str
) -> Finding | Refusal:
    refused = literal_refusal(template, written) or macro_refusal(template, "the password")
    if refused is not None:
        return refused
    draft = Draft(template)

    def logical_id(group: Group, _several: bool) -> str:
        return f"{first_owner(group)}Secret"

    generated = generate(draft, context, "", written.uses(template), logical_id)
    if isinstance(generated, Refusal):
        return generated
    secrets, groups = generated
    draft.follow_ups.append("The old password stays in the history of git: use it nowhere else")
    if written.mapping is not None:
        removals = mapping_removals(template, written.mapping)
        draft.operations += removals
        if not removals:
            draft.follow_ups.append(
                f"The old passwords stay in the mapping {written.mapping[0]}: remove them there"
            )
    title = f"{written.labels} becomes the generated secret {' and '.join(secrets)}"
    path = written.places[0][0]
    effect = consequence(template, groups)
    return fixed(draft, path, message, title, effect, written.texts)


TRANSFORM = Transform(
    id="literal-passwords",
    title="A password that stands in the template becomes a generated secret",
    check=check,
    reads_catalogue=True,
)
