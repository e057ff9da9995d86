"""Placeholders of what fills in a template before CloudFormation sees it.

Jinja (Ansible, Sceptre), the Serverless Framework, envsubst, Terraform's templatefile, ERB, make
and the token replacement of CI systems: what they leave is not known here, and what a repair writes
they may take for theirs.

Sources: https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_templating.html
https://www.serverless.com/framework/docs/guides/variables
https://developer.hashicorp.com/terraform/language/functions/templatefile
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from remediator.model import Refusal
from remediator.template import Kind, Template, walk

_JINJA, _DOLLAR = "{{ … }}", "${…}"
# Closed, for a password may hold `{{` or `<%` as well. A text is gone through once by each.
_WITHIN = {
    _JINJA: re.compile(r"\{\{(?!\s*resolve:)[^{}]*\}\}|\{%[^%{}]*%\}"),
    "<% … %>": re.compile(r"<%[^%<>]*%>"),
    _DOLLAR: re.compile(r"\$\{[^{}]+\}"),
    "$(…)": re.compile(r"\$\([\w.-]+\)"),
    "#{…}": re.compile(r"#\{[^{}]+\}"),
    "@…@": re.compile(r"\A(@{1,2})[A-Z][A-Z0-9]*_[A-Z0-9_]*\1\Z"),
    "%…%": re.compile(r"\A(%{1,2})[A-Z][A-Z0-9]*_[A-Z0-9_]*\1\Z"),
    "__…__": re.compile(r"\A__[A-Za-z]\w*__\Z"),
}


def placeholder(text: str) -> str:
    """Return the kind of placeholder that a text outside of `Fn::Sub` holds; empty for none."""
    return next((kind for kind, pattern in _WITHIN.items() if pattern.search(text)), "")


def is_placeholder(text: str) -> bool:
    """Tell whether a text is a placeholder and nothing else, so that it holds no secret."""
    return any(pattern.fullmatch(text.strip()) for pattern in _WITHIN.values())


def filled_in(text: str) -> Refusal | None:
    """Return why a password stays that is written out only as far as it seems."""
    kind = placeholder(text)
    if not kind:
        return None
    return Refusal(
        "preprocessed",
        f"its text is filled in ({kind}) before CloudFormation sees it, so that it is not known "
        "what it becomes: let the template that is made of this one read a secret",
    )


def preprocessed(template: Template, resources: Iterable[str]) -> Refusal | None:
    """Return why nothing in these resources can read a secret: what fills in the template would
    take the dynamic reference, or the variable within it, for its own."""
    taken = {_JINJA: "{{resolve:" not in template.document.text}
    taken[_DOLLAR] = not any(each.kind is Kind.SUB for each in template.references)
    values = {name: template.properties(name) for name in resources}
    values |= {
        name: {"Default": template.parameter(name)["Default"]}
        for name in template.parameters
        if "Default" in template.parameter(name)
    }
    for name, properties in values.items():
        for path, value in walk(dict(properties)):
            if not isinstance(value, str) or "Fn::Sub" in path:
                continue
            kind = _kind_of_whole(template, value)
            if kind and taken[kind]:
                place = ".".join(map(str, (name, *path)))
                return Refusal(
                    "preprocessed",
                    f"{place} is filled in ({kind}) before CloudFormation sees it, and what does "
                    f"that would take {_WRITTEN[kind]} for its own: repair the template that is "
                    "made of this one, or write the reference by hand as that tool wants it",
                )
    return None


def _kind_of_whole(template: Template, text: str) -> str:
    """Return the kind of placeholder that clashes with what is written, if a text is one as a
    whole. A variable of the template's own is none: its `Fn::Sub` was forgotten."""
    whole = text.strip()
    if _WITHIN[_JINJA].fullmatch(whole):
        return _JINJA
    if not _WITHIN[_DOLLAR].fullmatch(whole):
        return ""
    name = whole[2:-1].partition(".")[0]
    own = name.startswith("AWS::") or name in template.parameters or name in template.resources
    return "" if own else _DOLLAR


_WRITTEN = {_JINJA: "{{resolve:…}}", _DOLLAR: "${…} within a dynamic reference"}
