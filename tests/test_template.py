"""CloudFormation's view of a document."""

from __future__ import annotations

from dataclasses import replace

import pytest

from remediator.conditions import case
from remediator.document import Document
from remediator.integrity import cycles, needed_parameters, prune, unresolved_references
from remediator.model import Add, Operation, Remove, Replace, Value
from remediator.template import Kind, Macro, Template, mappings, walk

TEXT = """
Transform: [AWS::LanguageExtensions, {Name: AWS::Include}]
Metadata:
  AWS::CloudFormation::Interface:
    ParameterGroups:
      - {Label: {default: Both}, Parameters: [A, B]}
      - {Label: {default: One}, Parameters: [A]}
    ParameterLabels: {A: {default: the A}}
Parameters:
  A: {Type: String}
  B: {Type: String, Default: b}
Conditions:
  IsA: !Equals [!Ref A, a]
  Not: !Not [!Condition IsA]
Resources:
  One:
    Type: AWS::SNS::Topic
    Condition: IsA
    DependsOn: [Two, Three]
    Properties:
      TopicName: !Sub '${A}-${Two.Arn}-${!Literal}-${Local}'
      DisplayName: !Sub ['${Local}', {Local: !If [IsA, !Ref B, !If [Not, !GetAtt Two.Arn, x]]}]
  Two: {Type: AWS::SNS::Topic, DependsOn: Three}
  Three: {Type: AWS::SNS::Topic}
Outputs:
  Out: {Condition: Not, Value: !GetAtt [One, TopicName]}
"""


@pytest.fixture
def template() -> Template:
    return Template(Document.parse(TEXT))


def test_references(template: Template) -> None:
    found = [(r.kind, r.target, r.attribute) for r in template.references]
    assert found == [
        (Kind.NAME, "A", ""),
        (Kind.NAME, "B", ""),
        (Kind.NAME, "A", ""),
        (Kind.NAME, "A", ""),
        (Kind.REF, "A", ""),
        (Kind.CONDITION, "IsA", ""),
        (Kind.CONDITION, "IsA", ""),
        (Kind.DEPENDS_ON, "Two", ""),
        (Kind.DEPENDS_ON, "Three", ""),
        (Kind.SUB, "A", ""),
        (Kind.SUB, "Two", "Arn"),
        (Kind.SUB, "Local", ""),
        (Kind.CONDITION, "IsA", ""),
        (Kind.REF, "B", ""),
        (Kind.CONDITION, "Not", ""),
        (Kind.GET_ATT, "Two", "Arn"),
        (Kind.DEPENDS_ON, "Three", ""),
        (Kind.CONDITION, "Not", ""),
        (Kind.GET_ATT, "One", "TopicName"),
    ]
    assert [r.path[:2] for r in template.references_to("B")] == [
        ("Metadata", "AWS::CloudFormation::Interface"),
        ("Resources", "One"),
    ]


def test_a_walk_is_in_the_order_of_the_text(template: Template) -> None:
    found = list(walk(template.data))
    assert found[0] == ((), template.data)
    assert [path for path, _ in found[1:4]] == [
        ("Transform",),
        ("Transform", 0),
        ("Transform", 1),
    ]
    places = [template.document.node(path).start_mark.index for path, _ in found if _has_node(path)]
    assert places == sorted(places)
    assert list(mappings(template.data)) == [each for each in found if isinstance(each[1], dict)]
    assert list(mappings(["a"], ("x",))) == []
    assert list(mappings({}, ("x",))) == [(("x",), {})]


def _has_node(path: tuple[str | int, ...]) -> bool:
    return not any(step == "Fn::GetAtt" for step in path)  # `!GetAtt A.B` is one node


def test_presence_is_the_condition_and_the_branches(template: Template) -> None:
    place = ("Resources", "One", "Properties", "DisplayName", "Fn::Sub", 1, "Local")
    assert template.presence((*place, "Fn::If", 1)) == case([("IsA", True)])
    nested = (*place, "Fn::If", 2, "Fn::If", 1)
    assert template.presence(nested) == case([("IsA", True), ("IsA", False), ("Not", True)])
    assert template.presence(("Outputs", "Out", "Value")) == case([("Not", True)])
    assert template.presence(("Resources", "Two")) == frozenset()


def test_dependencies(template: Template) -> None:
    assert template.dependencies["One"] == {"Two", "Three"}
    assert template.depends("One", "Three")
    assert not template.depends("Three", "One")


def test_macros(template: Template) -> None:
    names = [macro.name for macro in template.macros]
    assert names == ["AWS::LanguageExtensions", "AWS::Include"]
    assert not any(macro.location for macro in template.macros)


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("s3://bucket/a.yaml", "s3://bucket/a.yaml"),
        ("!Sub 's3://${Bucket}/a.yaml'", "s3://${Bucket}/a.yaml"),
        ("!Join ['', [a, b]]", "what its Location names"),
    ],
)
def test_an_include_tells_its_location(location: str, shown: str) -> None:
    body = f"Fn::Transform: {{Name: AWS::Include, Parameters: {{Location: {location}}}}}"
    template = Template(Document.parse(f"Resources:\n  A: {{Type: AWS::SNS::Topic}}\n  {body}\n"))
    assert template.macros == (Macro("AWS::Include", shown),)


@pytest.mark.parametrize(
    ("data", "missing"),
    [
        ({"Resources": {"R": {"Properties": {"A": {"Ref": "Gone"}}}}}, {"Gone"}),
        ({"Resources": {"R": {"Condition": "Gone"}}}, {"condition Gone"}),
        ({"Resources": {"R": {"DependsOn": "Gone"}}}, {"Gone"}),
        ({"Resources": {"R": {"A": {"Fn::Sub": "${Gone.Arn}${AWS::Region}"}}}}, {"Gone"}),
        ({"Resources": {"R": {"A": {"Fn::Sub": ["${X}", {"X": "y"}]}}}}, set()),
        ({"Outputs": {"O": {"Value": {"Fn::GetAtt": "Gone.Arn"}}}}, {"Gone"}),
        (
            {
                "Metadata": {
                    "AWS::CloudFormation::Interface": {
                        "ParameterLabels": {"Gone": {}},
                        "ParameterGroups": [None, {"Parameters": "x"}, {"Parameters": [1]}],
                    }
                }
            },
            {"parameter Gone"},
        ),
        ({"Mappings": {"M": {"Ref": "Gone"}}}, set()),
        ({"Resources": None, "Outputs": [], "Conditions": "x", "Parameters": 3}, set()),
    ],
)
def test_unresolved_references(data: dict[str, Value], missing: set[str]) -> None:
    assert unresolved_references(_template(data)) == missing


def _template(data: dict[str, Value]) -> Template:
    """Return data as a template, whether it would be read as one or not."""
    return Template(replace(Document.parse(TEXT), data=data))


def _chain(links: dict[str, str]) -> Template:
    resources: dict[str, Value] = {}
    for name, targets in links.items():
        resources[name] = {"DependsOn": list(targets)}
    return _template({"Resources": resources})


def test_cycles() -> None:
    assert cycles(_chain({"A": "B", "B": "C", "C": ""})) == frozenset()
    assert cycles(_chain({"A": "A"})) == {frozenset("A")}
    found = cycles(_chain({"A": "B", "B": "A", "C": "AD", "D": "E", "E": "CA"}))
    assert found == {frozenset("AB"), frozenset("CDE")}


def test_a_long_chain_is_no_recursion() -> None:
    resources: dict[str, Value] = {}
    for n in range(5001):
        resources[f"R{n}"] = {"DependsOn": f"R{(n + 1) % 5001}"}
    assert [len(group) for group in cycles(_template({"Resources": resources}))] == [5001]


def test_needed_parameters(template: Template) -> None:
    assert needed_parameters(template.data) == ("A",)


GROUPS = ("Metadata", "AWS::CloudFormation::Interface", "ParameterGroups")


@pytest.mark.parametrize(
    ("operations", "pruned"),
    [
        ([Remove(("Parameters", "A"))], [Remove(("Parameters", "A"))]),
        (
            [Remove(("Parameters", "A")), Remove(("Parameters", "B"))],
            [Remove(("Parameters",))],
        ),
        (
            [Remove(("Parameters", "A")), Remove(("Parameters", "B")), Add(("Parameters", "C"), 1)],
            [Remove(("Parameters", "A")), Remove(("Parameters", "B")), Add(("Parameters", "C"), 1)],
        ),
        ([Remove((*GROUPS, 1, "Parameters", 0))], [Remove((*GROUPS, 1))]),
        ([Remove((*GROUPS, 0, "Parameters", 0))], [Remove((*GROUPS, 0, "Parameters", 0))]),
        (
            [
                Remove((*GROUPS, 1, "Parameters", 0)),
                Remove((*GROUPS, 0, "Parameters", 0)),
                Remove((*GROUPS, 0, "Parameters", 1)),
                Remove((*GROUPS[:2], "ParameterLabels", "A")),
            ],
            [Remove(("Metadata",))],
        ),
        (
            [Remove(("Resources", "One", "DependsOn", 0))],
            [Remove(("Resources", "One", "DependsOn", 0))],
        ),
        (
            [Remove(("Resources", "One", "DependsOn", n)) for n in (0, 1)],
            [Remove(("Resources", "One", "DependsOn"))],
        ),
        ([Replace(("Parameters", "A"), 1)], [Replace(("Parameters", "A"), 1)]),
    ],
)
def test_prune(template: Template, operations: list[Operation], pruned: list[Operation]) -> None:
    assert list(prune(template.data, operations)) == pruned
