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
_WITHIN = {
    _JINJA: re.compile(r"\{\{(?!\s*resolve:)|\{%"),
    "<% … %>": re.compile(r"<%.*%>", re.DOTALL),
    _DOLLAR: re.compile(r"\$\{[^}]+\}"),
    "$(…)": re.compile(r"\$\([\w.-]+\)"),
    "#{…}": re.compile(r"#\{[^}]+\}"),
    "@…@": re.compile(r"\A(@{1,2})\w+\1\Z"),
    "%…%": re.compile(r"\A(%{1,2})\w+\1\Z"),
    "__…__": re.compile(r"\A__\w+__\Z"),
}
# A whole value, which CloudFormation could not take for anything but a text.
_WHOLE = {
    _JINJA: re.compile(r"\s*\{\{(?!\s*resolve:)[^{}]*\}\}\s*"),
    _DOLLAR: re.compile(r"\$\{[^{}]+\}"),
}


def placeholder(text: str) -> str:
    """Return the kind of placeholder that a text outside of `Fn::Sub` holds; empty for none."""
    return next((kind for kind, pattern in _WITHIN.items() if pattern.search(text)), "")


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
    values = {("Resources", name): template.properties(name) for name in resources}
    values |= {("Parameters", name): template.parameter(name) for name in template.parameters}
    for where, properties in values.items():
        for path, value in walk(dict(properties)):
            if not isinstance(value, str) or "Fn::Sub" in path:
                continue
            for kind, pattern in _WHOLE.items():
                if taken[kind] and pattern.fullmatch(value):
                    place = ".".join(map(str, (where[1], *path)))
                    return Refusal(
                        "preprocessed",
                        f"{place} is filled in ({kind}) before CloudFormation sees it, and what "
                        f"does that would take {_WRITTEN[kind]} for its own: repair the template "
                        "that is made of this one, or write the reference by hand as that tool "
                        "wants it",
                    )
    return None


_WRITTEN = {_JINJA: "{{resolve:…}}", _DOLLAR: "${…} within a dynamic reference"}
