"""Passwords that stand in a template as text become generated secrets.

A literal in a credential property is readable by whoever reads the template, its repository or
the stack. Like a parameter, it becomes a secret that Secrets Manager generates; equal literals
are uses of one password. By the strategy `reference` the template reads a secret that exists
already; by `managed` the database's service makes the password.

Why
    The value is in the history of git, in every copy of the template and in `GetTemplate`.

Consequence
    `rotates`: at the next deployment the live password becomes the generated one; `external`
    where a DMS endpoint logs in with it to a server outside the stack. The old value stays in
    the history of git and must not be used again. With `reference` it is `safe`.

Not repaired
    A literal that stands elsewhere in the template too, where it may be the same password; a
    placeholder that something fills in before CloudFormation sees the template; a literal that a
    function puts together in a way that cannot be read; tokens, keys and the passwords of
    systems outside the stack; whatever `password-parameters` refuses.

See
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/security-best-practices.html
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from remediator.model import OLD_PASSWORD, Context, Finding, Refusal
from remediator.template import Template
from remediator.transform import Transform

from ._conventions import kebab
from ._findings import decided, fixed, macro_refusal
from ._groups import Group
from ._handmade import secret_constants
from ._literals import Written, mapping_removals, slot_refusal, used_elsewhere, written_out
from ._placeholders import preprocessed
from ._plan import Draft
from ._repair import first_owner
from ._secrets import SECRET
from ._slots import slots
from ._strategies import Password, repair, stands


def check(template: Template, context: Context) -> Iterator[Finding]:
    """Yield a finding for every password written out in a credential property, but those that a
    hand-made secret holds too, which `manual-secrets` repairs."""
    found = written_out(template, slots(template, context.catalogue))
    if not found:
        return
    held = {text for name in template.of_type(SECRET) for text in secret_constants(template, name)}
    for written, words in zip(found, _words(found), strict=True):
        if written.mapping is None and held & set(written.texts):
            continue
        message = f"{written.labels} is written out in the template"
        work = partial(_repair, template, context, written, message, words)
        yield decided(written.places[0][0], message, written.masked, work)


def _repair(
    template: Template, context: Context, written: Written, message: str, words: str
) -> Finding | Refusal:
    refused = slot_refusal(template, written)
    if refused is None or not stands(context, refused):
        owners = (slot.resource for _, slot in written.places)
        refused = (
            used_elsewhere(template, written)
            or macro_refusal(template, "the password")
            or preprocessed(template, owners)
        )
    if refused is not None:
        return refused
    draft = Draft(template)

    def logical_id(group: Group, _several: bool) -> str:
        return f"{first_owner(group)}Secret"

    repaired = repair(draft, context, Password("", written.uses(template), words, logical_id))
    if isinstance(repaired, Refusal):
        return repaired
    draft.follow_ups.append(OLD_PASSWORD)
    if written.mapping is not None:
        removals = mapping_removals(template, written.mapping)
        draft.operations += removals
        if not removals:
            draft.follow_ups.append(
                f"The old passwords stay in the mapping {written.mapping[0]}: remove them there"
            )
    title = f"{written.labels} becomes {repaired.becomes}"
    return fixed(draft, written.places[0][0], message, title, repaired.effect, written.masked)


def _words(found: tuple[Written, ...]) -> tuple[str, ...]:
    """Return where each literal stands, in CamelCase: `DatabaseMasterUserPassword`.

    No two are the same when they become names; keys may differ by case or punctuation only.
    """
    words: list[str] = []
    taken: set[str] = set()
    for written in found:
        path = written.places[0][0]
        plain = "".join(str(step) for step in (path[1], *path[3:]) if step != "Fn::If")
        numbered = (f"{plain}{number}" for number in range(2, len(found) + 2))
        words.append(next(w for w in (plain, *numbered) if kebab(w) not in taken))
        taken.add(kebab(words[-1]))
    return tuple(words)


TRANSFORM = Transform(
    id="literal-passwords",
    title="A password that stands in the template becomes a generated secret",
    check=check,
    reads_catalogue=True,
)
