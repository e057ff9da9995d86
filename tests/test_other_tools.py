"""Suppressions of cfn-lint, cfn_nag and checkov are told where a repair made them pointless."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from remediator import registry
from remediator.document import Document
from remediator.engine import inspect, remediate
from remediator.model import Context
from remediator.results import FileResult, Status

CASE = Path(__file__).parent / "cases" / "all" / "suppressions-of-other-tools"
TRANSFORMS = registry.builtin_transforms()
CONTEXT = Context(registry.catalogue())

TEMPLATE = """\
Parameters:
  Password: {Type: String, NoEcho: true}
  Other: {Type: String, NoEcho: true}
Conditions:
  Large: !Equals [!Ref AWS::Region, eu-west-1]
Resources:
  Warehouse:
    Type: AWS::Redshift::Cluster
    Metadata: {METADATA}
    Properties: {MasterUsername: a, MasterUserPassword: !Ref Password}
  Users:
    Type: AWS::AmazonMQ::Broker
    Metadata: {cfn_nag: {rules_to_suppress: [{id: F52}]}}
    Properties: {PROPERTIES}
"""


def told(result: FileResult) -> list[str]:
    """Return what of other tools is to be removed, without why."""
    fixes = [each.finding.fix for each in result.outcomes if each.finding.fix]
    steps = [step for fix in fixes for step in fix.follow_ups]
    return [
        step.removesuffix(": nothing there needs it any more")
        for step in steps
        if " F" in step or " W" in step or "CKV" in step
    ]


def run(metadata: str = "{}", properties: str = "{}") -> list[str]:
    text = TEMPLATE.replace("{METADATA}", metadata).replace("{PROPERTIES}", properties)
    result = remediate(Document.parse(text), TRANSFORMS, CONTEXT)
    assert result.status is Status.FIXED
    assert all(line in result.new for line in text.splitlines() if "Metadata" in line)
    return told(result)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("{cfn_nag: {rules_to_suppress: [{id: F35, reason: x}]}}", ["F35"]),
        ("{cfn_nag: {rules_to_suppress: [{id: F23}, {id: F24}, {id: W60}]}}", []),
        ("{cfn-lint: {config: {ignore_checks: [W1011, E3012, W2501]}}}", ["W1011", "W2501"]),
        ("{cfn-lint: {config: {ignore_checks: W1011}}}", []),
        ("{cfn-lint: [W1011], cfn_nag: {rules_to_suppress: [[F35], F35]}}", ["F35"]),
        ("{checkov: {skip: [{id: CKV_AWS_64}]}}", []),
    ],
)
def test_rules_that_speak_of_what_was_repaired(metadata: str, expected: list[str]) -> None:
    found = run(metadata)
    assert [step.split()[1] for step in found] == expected
    assert all("from Resources.Warehouse.Metadata." in step for step in found)


@pytest.mark.parametrize(
    ("users", "is_told"),
    [
        ("[{Username: a, Password: !Ref Password}]", True),
        ("[{Username: a, Password: !If [Large, !Ref Password, !Ref AWS::NoValue]}]", True),
        ("[{Username: a, Password: !Ref Password}, {Username: b, Password: !Ref Other}]", True),
        (
            "[{Username: a, Password: !Ref Password}, {Username: b, Password: !ImportValue b}]",
            False,
        ),
        (
            "[{Username: a, Password: !Ref Password}, !If [Large, {Password: !ImportValue b}, {}]]",
            False,
        ),
        ("[{Username: a, Password: !Ref Password}, !Transform {Name: AWS::Include}]", False),
    ],
)
def test_only_where_every_reason_is_gone(users: str, is_told: bool) -> None:
    expected = ["Remove F52 from Resources.Users.Metadata.cfn_nag.rules_to_suppress"]
    assert run(properties=f"{{Users: {users}}}") == (expected if is_told else [])


def test_a_rule_of_the_template_is_needed_as_long_as_one_resource_needs_it() -> None:
    metadata = "Metadata: {cfn-lint: {config: {ignore_checks: [W1011, W2501]}}}\n"
    text = TEMPLATE.replace("{METADATA}", "{}").replace("{PROPERTIES}", "{}")
    expected = [
        f"Remove {rule} from Metadata.cfn-lint.config.ignore_checks" for rule in ("W1011", "W2501")
    ]
    assert told(remediate(Document.parse(metadata + text), TRANSFORMS, CONTEXT)) == expected
    # A password that no catalogue knows of: W2501 goes by the name of the property.
    text += "  More: {Type: Custom::User, Properties: {A: [{Password: !Ref Other}]}}\n"
    assert told(remediate(Document.parse(metadata + text), TRANSFORMS, CONTEXT)) == expected[:1]


def test_nothing_is_told_where_nothing_was_repaired() -> None:
    metadata = "{cfn_nag: {rules_to_suppress: [{id: F35}]}}"
    text = TEMPLATE.replace("{METADATA}", metadata).replace("{PROPERTIES}", "{}")
    assert not told(inspect(Document.parse(text), TRANSFORMS, CONTEXT))
    kept = "# remediator: ignore[*] x\n" + text
    assert not told(remediate(Document.parse(kept), TRANSFORMS, CONTEXT))


def test_each_is_told_by_the_repair_of_its_resource() -> None:
    result = remediate(Document.parse((CASE / "before.yaml").read_text()), TRANSFORMS, CONTEXT)
    by_transform = {
        each.transform: [
            step.split()[1] for step in each.finding.fix.follow_ups if step.startswith("Remove")
        ]
        for each in result.outcomes
        if each.finding.fix
    }
    assert by_transform == {
        "password-parameters": ["W1011", "W2501", "W1011", "F35"],
        "literal-passwords": ["F35", "CKV_SECRET_6"],
    }


@pytest.mark.judges
def test_cfn_lint_agrees() -> None:
    """Without what is told to be removed, it reports none of these rules."""
    from cfnlint.api import lint  # type: ignore[import-untyped]

    def rules(text: str) -> set[str]:
        bare = re.sub(r"\[W1011, W2501, W3005\]|\n +- W1011", " []", text)
        return {match.rule.id for match in lint(bare)} & {"W1011", "W2501"}

    assert rules((CASE / "before.yaml").read_text()) == {"W1011", "W2501"}
    assert not rules((CASE / "after.yaml").read_text())
