"""The physical names of secrets: by the settings, by the template's own pattern, or none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from remediator.conditions import literal
from remediator.model import Context, Refusal, Value
from remediator.template import SUB_VARIABLE, Template, sub_variables

from ._conventions import kebab, name_by, naming_pattern
from ._secrets import SECRET, flattened

_STACK = "AWS::StackName"
_SAME_IN_A_REGION = ("AWS::Region", "AWS::AccountId")
_ALLOWED = re.compile(r"[A-Za-z0-9/_+=.@-]*")  # AWS: CreateSecret
# A name that ends like the ending of an ARN is misread where a part of the ARN is looked up
# (AWS: CreateSecret).
_LIKE_AN_ARN = re.compile(r"-[^-]{6}")


def name_of_new(template: Template, context: Context, secret: str, deletion: str) -> Value:
    """Return the Name of a secret that the template makes; None where it has none.

    By the template's own pattern a retained secret has none: its name would block the next
    stack. A prefix of the settings is followed by what is the stack's alone, its UUID.
    """
    words = secret.removesuffix("Secret")
    prefix = context.settings.secret_name_prefix
    if prefix:
        own: Value = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
        return {"Fn::Sub": [f"{prefix}{kebab(words)}-${{StackUuid}}", {"StackUuid": own}]}
    pattern = naming_pattern(template) if deletion == "Delete" else None
    return None if pattern is None else {"Fn::Sub": name_by(pattern, words)}


def name_to_read(template: Template, context: Context, words: str, parameter: str) -> str | Refusal:
    """Return the name, a text of `Fn::Sub`, of a secret that is to be made before the stack.

    `words` say what it holds, `parameter` is the one that goes, if any. The name differs from
    stack to stack.
    """
    prefix = context.settings.secret_name_prefix
    pattern = None if prefix else naming_pattern(template)
    name = "" if pattern is None else name_by(pattern, words)
    if not _can_be_written(template, name, parameter):
        name = f"{prefix}${{{_STACK}}}-{kebab(words)}"
    if any(_LIKE_AN_ARN.fullmatch(end[-7:]) for end in _endings(template, name)):
        name += "-value"
    alike = [p for p in template.parameters if p != parameter and kebab(p) == kebab(words)]
    if alike or _is_taken(template, name):
        by = f"the parameter {alike[0]}" if alike else "another secret of this template"
        return Refusal("name-taken", f"{by} has the name that the secret would have, {name}")
    return name


def defaults(template: Template, name: str) -> tuple[tuple[str, str], ...]:
    """Return the parameters in the name of a secret, with their defaults; empty without one."""
    return tuple(
        (variable, literal(template.parameter(variable).get("Default")) or "")
        for variable in sub_variables(name)
        if variable in template.parameters
    )


def _can_be_written(template: Template, name: str, parameter: str) -> bool:
    """Tell whether a person can write a name down before the stack is there, one for each stack."""
    variables = sub_variables(name)
    plain = [v for v in variables if v != parameter and _is_plain(template, v)]
    known = {_STACK, *_SAME_IN_A_REGION, *plain}
    return (
        bool(plain or _STACK in variables)
        and set(variables) <= known
        and _ALLOWED.fullmatch(SUB_VARIABLE.sub("", name)) is not None
    )


def _is_plain(template: Template, name: str) -> bool:
    parameter = template.parameter(name)
    hidden = str(parameter.get("NoEcho")).lower() == "true"
    return parameter.get("Type") == "String" and not hidden and "${" not in name


def _endings(template: Template, name: str) -> Iterator[str]:
    """Yield how a name may end: a variable at its end has the values that are known of it."""
    last = re.search(r"\$\{([^}]*)\}$", name)
    if last is None:
        yield name
        return
    definition = template.parameter(last[1])
    allowed = definition.get("AllowedValues")
    for value in (definition.get("Default"), *(allowed if isinstance(allowed, list) else ())):
        yield name[: last.start()] + (literal(value) or "")


def _is_taken(template: Template, name: str) -> bool:
    text = template.document.text
    start = "{{resolve:secretsmanager:" + name
    made = (template.properties(each).get("Name") for each in template.of_type(SECRET))
    return f"{start}}}}}" in text or f"{start}:" in text or name in map(flattened, made)
