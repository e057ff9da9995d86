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
        *(("{{ password }}", "{{ … }}"), ("{{password}}", "{{ … }}"), ("a{% if b %}c", "{{ … }}")),
        *(("<%= password %>", "<% … %>"), ("a-<%=\n b %>", "<% … %>"), ("{%- a %}", "{{ … }}")),
        *(("${self:custom.password}", "${…}"), ("a-${B}", "${…}"), ("$(Password)", "$(…)")),
        *(("#{Password}#", "#{…}"), ("@DB_PASSWORD@", "@…@"), ("@@A_B@@", "@…@")),
        *(("%DB_PASSWORD%", "%…%"), ("__password__", "__…__")),
    ],
)
def test_a_placeholder(text: str, kind: str) -> None:
    assert placeholders.placeholder(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        *("", "hunter2", "{{resolve:ssm:/db}}", "{{ resolve:ssm:/db }}", "a{b}c", "p$(w", "${"),
        *("a{{b", "a{%b", "<%a", "@Passw0rd@", "%Passw0rd%", "____", "${${${"),
        *("$x", "@home", "a@b@c", "100%", "%a%b", "__a", "<password>", "#1{", "a%b%"),
    ],
)
def test_no_placeholder(text: str) -> None:
    assert placeholders.placeholder(text) == ""


def test_what_is_a_placeholder_as_a_whole() -> None:
    assert placeholders.is_placeholder(" {{ lookup('env', 'TOKEN') }} ")
    assert not placeholders.is_placeholder("hunter2-{{ stage }}")


@pytest.mark.parametrize("part", ["<%", "{{", "{%", "${", "#{", "$(", "@A", "%A", "__"])
def test_a_long_text_is_looked_at_in_no_time(part: str) -> None:
    assert not placeholders.placeholder(part * 200_000 + "!")
