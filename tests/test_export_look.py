"""Whether the exports of a raw text are plainly fine: what is not plain has to be parsed."""

from __future__ import annotations

import pytest

from remediator import registry
from remediator.document import Document
from remediator.model import Context
from remediator.template import Template

(EXPORTS,) = (each for each in registry.builtin_transforms() if each.id == "export-names")
triggered = registry.trigger([EXPORTS], {})
HEAD = """\
Parameters:
  Stage:
    Type: String
Resources:
  Topic:
    Type: AWS::SNS::Topic
Outputs:
  Old:
    Value: a
    Export:
      Name: old
  New:
    Value: b
    Export:
"""


def text(export: str, indent: str = "      ") -> str:
    return HEAD + "".join(f"{indent}{line}\n" for line in export.split("\n"))


@pytest.mark.parametrize(
    "export",
    [
        *("Name: new", "Name: 'new'", "Name: '123'", "Name: !Sub new", "Name:   new-one:two"),
        *("Name: !Sub ${AWS::StackName}-new", "Name: !Sub '${Stage}-new'", "Name: !Sub '${Stage}'"),
        'Name: !Sub "${AWS::Region}-${Stage}"',
    ],
)
def test_plain_names_need_no_look(export: str) -> None:
    assert not triggered(text(export))
    assert not triggered(text(export).replace("\n", "\r\n"))
    template = Template(Document.parse(text(export)))
    assert not list(EXPORTS.check(template, Context({})))


@pytest.mark.parametrize(
    "export",
    [
        *("{}", "''", "Name:", "Name: ''", "Name: ~", "Name: null", "Name: old", "Name: 'old'"),
        *("Name: !Sub old", "Name: a_b", "Name: a b", "Name: !Sub '${Topic}'"),
        *("Name: !Sub '${Topic.Arn}'", "Name: !GetAtt Topic.Arn", "Name: " + 256 * "a"),
        *("Name: new\n  continued", "Name: new\n\n  continued"),
        *("Name: !Sub a_${Stage}", "Name: !Sub '${Stage}_'", "[]", "Nmae: a"),
    ],
)
def test_what_is_to_be_told_is_looked_for(export: str) -> None:
    template = Template(Document.parse(text(export)))
    assert list(EXPORTS.check(template, Context({})))
    assert triggered(text(export))


@pytest.mark.parametrize(
    "export",
    [
        *("Name: !Join ['-', [!Ref AWS::StackName, new]]", "Name: # why\n  new"),
        *("Name: ${Stage}-x", "Name: !ImportValue other", "Name: !Sub\n  - ${A}\n  - A: b"),
    ],
)
def test_what_is_not_plain_is_looked_at(export: str) -> None:
    assert triggered(text(export))


def test_aliases_may_repeat_a_name() -> None:
    aliased = text("Name: new").replace("  Old:\n", "  Old: &old\n") + "  More: *old\n"
    template = Template(Document.parse(aliased))
    assert [each.path[1] for each in EXPORTS.check(template, Context({}))] == ["More"]
    assert triggered(aliased)


@pytest.mark.parametrize("name", ["yes", "true", "on", "null", "12", "-1"])
def test_what_yaml_reads_as_no_text_is_looked_at(name: str) -> None:
    assert triggered(text(f"Name: {name}"))


@pytest.mark.parametrize(
    "parameters",
    [
        'Parameters:\n  "Net":\n    Type: String',  # `Type` is no parameter
        'Description: "x\nParameters:\n  Type:\n  y"\n"Parameters":\n  Net:\n    Type: String',
    ],
)
def test_only_parameters_make_a_name_of_variables(parameters: str) -> None:
    whole = text("Name: !Sub ${Type}").replace(
        "Parameters:\n  Stage:\n    Type: String", parameters
    )
    assert triggered(whole.replace("  Topic:\n", "  Type:\n"))


@pytest.mark.parametrize("alias", ["\n    *old", " *old", " *old-1"])
def test_any_alias_is_looked_at(alias: str) -> None:
    anchor = alias.strip().replace("*", "&")
    whole = text("Name: new").replace("  Old:\n", f"  Old: {anchor}\n")
    assert triggered(f"{whole}  More:{alias}\n")


def test_a_template_without_exports_needs_no_look() -> None:
    assert not triggered("Resources:\n  ExportBucket:\n    Type: AWS::S3::Bucket\n")
