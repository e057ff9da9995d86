"""What fills in a template before CloudFormation sees it, told from a text."""

from __future__ import annotations

import sys

import pytest

from remediator import registry

registry.builtin_transforms()
placeholders = sys.modules["remediator.transforms._placeholders"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(("{{ password }}", "{{ … }}"), ("{{password}}", "{{ … }}"), ("a{% if b %}", "{{ … }}")),
        *(("<%= password %>", "<% … %>"), ("a-<%=\n b %>", "<% … %>")),
        *(("${self:custom.password}", "${…}"), ("a-${B}", "${…}"), ("$(Password)", "$(…)")),
        *(("#{Password}#", "#{…}"), ("@PASSWORD@", "@…@"), ("@@a_b@@", "@…@")),
        *(("%PASSWORD%", "%…%"), ("__password__", "__…__")),
    ],
)
def test_a_placeholder(text: str, kind: str) -> None:
    assert placeholders.placeholder(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        *("", "hunter2", "{{resolve:ssm:/db}}", "{{ resolve:ssm:/db }}", "a{b}c", "p$(w", "${"),
        *("$x", "@home", "a@b@c", "100%", "%a%b", "__a", "<password>", "#1{", "a%b%"),
    ],
)
def test_no_placeholder(text: str) -> None:
    assert placeholders.placeholder(text) == ""
