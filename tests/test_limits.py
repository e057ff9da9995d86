"""A repair never takes a template beyond what CloudFormation takes, alone or beside others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from test_engine import run, told, transform

from remediator import registry
from remediator.document import Document
from remediator.edits import Edit
from remediator.engine import inspect, remediate
from remediator.limits import MOST_BYTES, Held, crossed, outgrown
from remediator.model import Add, Context, Finding, Fix, Operation, Path, Remove, Replace, Value
from remediator.results import FileResult
from remediator.template import Template

REFERENCE = "{{resolve:ssm:/a}}"
CLUSTER = """\
  {0}:
    Type: AWS::RDS::DBCluster
    Properties: {{Engine: aurora-mysql, MasterUsername: a, MasterUserPassword: !Ref {0}Password}}
"""


def template(section: str, number: int, value: Value = "x") -> dict[str, Value]:
    return {section: {f"A{index}": value for index in range(number)}}


def refused(data: dict[str, Value], *operations: Operation) -> str:
    refusal = crossed(Held(data), operations)
    return refusal.code if refusal else ""


@pytest.mark.parametrize(
    ("section", "most", "code"),
    [
        ("Resources", 500, "too-many-resources"),
        ("Parameters", 200, "too-many-parameters"),
        ("Outputs", 200, "too-many-outputs"),
    ],
)
def test_the_last_free_place_is_taken_and_no_more(section: str, most: int, code: str) -> None:
    new = [Add((section, f"New{index}"), {"Type": "x"}) for index in range(2)]
    assert refused(template(section, most - 2), *new) == ""
    assert refused(template(section, most - 1), *new) == code
    assert refused(template(section, most - 1), *new, Remove((section, "A7"))) == ""
    assert refused({}, Add((section,), template(section, most)[section])) == ""
    assert refused({}, Add((section,), template(section, most + 1)[section])) == code


def test_dynamic_references_are_counted_wherever_they_stand() -> None:
    data = template("Resources", 59, {"Fn::Sub": REFERENCE})
    place: Path = ("Resources", "A1")
    assert refused(data, Add((*place, "B"), REFERENCE)) == ""
    assert refused(data, Add((*place, "B"), [REFERENCE, REFERENCE])) == "too-many-references"
    assert refused(data, Replace(place, {"Fn::Sub": 2 * REFERENCE})) == ""
    assert refused(data, Replace(place, {"Fn::Sub": 3 * REFERENCE})) == "too-many-references"


def test_a_template_beyond_a_limit_is_our_business_only_where_it_grows() -> None:
    data = template("Resources", 700, {"Fn::Sub": REFERENCE})
    assert refused(data, Replace(("Resources", "A1"), {"Fn::Sub": REFERENCE})) == ""
    assert refused(data, Remove(("Resources", "A1"))) == ""
    assert refused(data, Add(("Outputs",), {"A": {"Value": "x"}})) == ""
    assert refused(data, Add(("Resources", "B"), "x")) == "too-many-resources"


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("Resources", "A" * 255), "x", ""),
        (("Resources", "A" * 256), "x", "name-too-long"),
        (("Conditions",), {"A" * 256: "x"}, "name-too-long"),
        (("Outputs", "A1", "Export"), {"Name": "a" * 255}, ""),
        (("Outputs", "A1", "Export"), {"Name": "a" * 256}, "name-too-long"),
        (("Outputs", "A1", "Export"), {"Name": {"Fn::Sub": "${AWS::StackName}" + "a" * 255}}, ""),
        (
            ("Outputs", "A1", "Export", "Name"),
            {"Fn::Sub": ["${Stage}" + "a" * 256, {"Stage": "x"}]},
            "name-too-long",
        ),
    ],
)
def test_names_have_a_longest(path: Path, value: Value, code: str) -> None:
    data: dict[str, Value] = {"Resources": {}, "Outputs": {"A1": {"Export": {}}}}
    assert refused(data, Add(path, value)) == code


def clusters(number: int, others: int) -> str:
    names = [f"Db{index}" for index in range(number)]
    parameters = "".join(f"  {name}Password: {{Type: String, NoEcho: true}}\n" for name in names)
    topics = "".join(f"  T{index}: {{Type: AWS::SNS::Topic}}\n" for index in range(others))
    databases = "".join(CLUSTER.format(name) for name in names)
    return f"Parameters:\n{parameters}Resources:\n{topics}{databases}"


def results(text: str) -> Iterator[FileResult]:
    """A text repaired and inspected by our own transforms."""
    transforms, known = registry.builtin_transforms(), Context(registry.catalogue())
    yield remediate(Document.parse(text), transforms, known)
    yield inspect(Document.parse(text), transforms, known)


def test_repairs_are_counted_together() -> None:
    # Each needs two resources, and there is room for three: one is repaired, whichever way.
    text = clusters(2, others=500 - 3 - 2)
    for result, done in zip(results(text), ("fixed", "repairable"), strict=True):
        assert told(result) == [
            ("password-parameters", done, ""),
            ("password-parameters", "left", "too-many-resources"),
        ]
    repaired = remediate(
        Document.parse(text), registry.builtin_transforms(), Context(registry.catalogue())
    )
    assert len(Template(Document.parse(repaired.new)).resources) == 499


def test_all_are_repaired_where_all_fit() -> None:
    for result in results(clusters(3, others=500 - 3 - 6)):
        assert len(result.outcomes) == 3
        assert not [outcome for outcome in result.outcomes if outcome.refusal]


def test_a_template_for_s3_has_a_size_too() -> None:
    assert outgrown(0, MOST_BYTES) is None
    beyond = outgrown(0, MOST_BYTES + 1)
    assert beyond is not None
    assert beyond.code == "template-too-large"
    assert outgrown(MOST_BYTES + 2, MOST_BYTES + 1) is None
    assert Edit(0, 1, "éé").growth("éa") == 2


def test_the_repair_that_would_be_too_large_is_left_and_the_others_are_not() -> None:
    pages = "".join(f"# {'page ' * 200}\n" for _ in range(990))
    text = f"{pages}Resources:\n  A: {{Type: AWS::SNS::Topic}}\n  B: {{Type: AWS::SNS::Topic}}\n"
    assert MOST_BYTES - 20_000 < len(text) < MOST_BYTES

    def check(template: Template, _: Context) -> Iterator[Finding]:
        for name, length in (("A", 30_000), ("B", 30)):
            path = ("Resources", name, "Metadata")
            resource = template.resources[name]
            if isinstance(resource, dict) and "Metadata" not in resource:
                yield Finding(path[:2], name, Fix("tell", (Add(path, {"Told": "a" * length}),)))

    result = run(transform(check), text=text)
    assert told(result) == [("fake", "fixed", ""), ("fake", "left", "template-too-large")]
    assert "Told: aaaa" in result.new
    assert len(result.new.encode()) < MOST_BYTES


def test_the_reason_tells_the_number() -> None:
    refusal = crossed(Held(template("Resources", 500)), [Add(("Resources", "B"), "x")])
    assert refusal is not None
    assert refusal.reason == "the template would have 501 resources, and CloudFormation takes 500"
