"""Four times the template is some four times the work: counted in calls, never in seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from remediator import limits, readers, registry
from remediator.candidates import Found
from remediator.conditions import ALWAYS, BUDGET, Conditions, TooManyConditions
from remediator.document import Document
from remediator.integrity import prune
from remediator.model import Finding, Fix, Remove, Settings, Value
from remediator.report import diff, github, json, markdown, page, sarif, text
from remediator.results import FileResult, RunResult, Status
from remediator.runner import Runner
from remediator.suppression import part

PARAMETER = "Parameters:\n  P: {Type: String, NoEcho: true}\n"
DATABASE = (
    "Resources:\n  Db:\n    Type: AWS::RDS::DBInstance\n    Properties:\n"
    "      MasterUsername: admin\n      MasterUserPassword: !Ref P\n"
)


def nulls(count: int) -> str:
    topics = (
        f"  T{n}:\n    Type: AWS::SNS::Topic\n    Properties: {{Tags: null, TopicName: t{n}}}\n"
        for n in range(count)
    )
    return "Resources:\n" + "".join(topics)


def exports(count: int) -> str:
    outputs = (f"  O{n}:\n    Value: !Ref T\n    Export:\n" for n in range(count))
    return "Resources:\n  T: {Type: AWS::SNS::Topic}\nOutputs:\n" + "".join(outputs)


def named_exports(count: int) -> str:
    outputs = (f"  O{n}:\n    Value: x\n    Export: {{Name: x-{n}}}\n" for n in range(count))
    return "Resources:\n  T: {Type: AWS::SNS::Topic}\nOutputs:\n" + "".join(outputs)


def the_same_key(count: int) -> str:
    return PARAMETER + DATABASE + "X:\n" + "  a: b\n" * count


def rules(count: int) -> str:
    lines = (f"  R{n}: {{Assertions: [{{Assert: !Equals [!Ref P, x]}}]}}\n" for n in range(count))
    return PARAMETER + "Rules:\n" + "".join(lines) + DATABASE


def groups(count: int) -> str:
    group = "      - Label: {default: x}\n        Parameters: [P]\n"
    head = "Metadata:\n  AWS::CloudFormation::Interface:\n    ParameterGroups:\n"
    return PARAMETER + head + group * count + DATABASE


def mapping(count: int) -> str:
    entries = "".join(f"    k{n}: {{a: correct-horse-{n}}}\n" for n in range(count))
    lookup = DATABASE.replace("!Ref P", "!FindInMap [M, !Ref K, b]")
    return f"Mappings:\n  M:\n{entries}{lookup}"


def resources(count: int) -> str:
    topics = (f"  T{n}:\n    Type: AWS::SNS::Topic\n    DependsOn: Db\n" for n in range(count))
    return PARAMETER + DATABASE + "".join(topics)


def aliases(count: int) -> str:
    return PARAMETER + DATABASE + "X: [&a v" + ", *a" * count + "]\n"


def one_guilty(count: int) -> str:
    """Return nulls of which one stands in what is used twice, so that it cannot go."""
    guilty = "  A: &a {Type: AWS::SNS::Topic, Properties: {Tags: null}}\n  B: *a\n"
    return nulls(count) + guilty


def suppressed(count: int) -> str:
    """Return nulls of which every other one is to stay."""
    mark = "  # remediator: ignore[null-values] wanted\n"
    head, *topics = nulls(count).split("\n  T")
    return head + "".join(f"\n{mark * (n % 2)}  T{topic}" for n, topic in enumerate(topics))


def calls(work: Callable[[], Any]) -> int:
    """Return how many functions are called, Python's and C's."""
    count = 0

    def counting(_: FrameType, event: str, __: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counting)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def handle(template: str) -> FileResult | None:
    settings = Settings()
    runner = Runner(registry.load(settings), registry.catalogue(), settings)
    readers._recent = readers.Recent()  # what was read before would not be read again
    return runner.text(template.encode(), "template.yaml")


KINDS = (
    *(nulls, exports, named_exports, the_same_key, rules, groups, mapping, resources, aliases),
    one_guilty,
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_work_grows_with_the_template(kind: Callable[[int], str]) -> None:
    small, large = kind(25), kind(100)
    handle(small)  # loads what is loaded once
    assert calls(lambda: handle(large)) < 5 * calls(lambda: handle(small))


@pytest.mark.parametrize("room", [0, 20], ids=["for-none", "for-half"])
def test_work_grows_with_what_has_no_room(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    def work(count: int) -> FileResult | None:
        template = exports(count)
        monkeypatch.setattr(limits, "MOST_BYTES", len(template) + room * count)
        return handle(template)

    result = work(50)
    assert result is not None
    left = [each for each in result.outcomes if each.status is Status.LEFT]
    assert len(left) == 50 if room == 0 else 10 < len(left) < 40
    assert calls(lambda: work(200)) < 5 * calls(lambda: work(50))


FORMATS: dict[str, Callable[[RunResult], str]] = {
    "text": lambda result: text.render(result, diffs=True),
    "json": json.render,
    "html": lambda result: page.render(result, page.About()),
    "sarif": lambda result: sarif.render(result, ()),
    "github": github.render,
    "markdown": markdown.render,
    "diff": diff.unified,
}


@pytest.mark.parametrize("kind", [nulls, exports], ids=lambda kind: str(kind.__name__))
@pytest.mark.parametrize("name", FORMATS)
def test_a_report_grows_with_the_template(name: str, kind: Callable[[int], str]) -> None:
    def rendered(count: int) -> Callable[[], Any]:
        file = handle(kind(count))
        assert file is not None
        assert len(file.outcomes) == count
        return lambda: FORMATS[name](RunResult((file,), command="fix"))

    small, large = rendered(100), rendered(400)
    small()  # loads what is loaded once
    assert calls(large) < 5 * calls(small)


def test_questions_about_conditions_are_bounded() -> None:
    expressions: dict[str, Value] = {
        f"C{number}": {"Fn::Equals": [{"Ref": "X"}, str(number)]} for number in range(1000)
    }
    conditions = Conditions(expressions, {})
    case = frozenset({("C1", True), ("C2", True)})
    asked = 0

    def ask() -> None:
        nonlocal asked
        while asked < BUDGET:
            asked += 1
            assert not conditions.satisfiable((case,))
            conditions.named(ALWAYS)

    with pytest.raises(TooManyConditions):
        ask()
    assert asked < BUDGET / 1000


def steps(work: Callable[[], Any]) -> int:
    """Return how many lines of Python are run, those of loops each time."""
    count = 0

    def tracing(_: FrameType, event: str, __: Any) -> Any:
        nonlocal count
        count += event in ("line", "call")
        return tracing

    before = sys.gettrace()
    sys.settrace(tracing)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def _lookups(count: int) -> Callable[[], Any]:
    names = [f"T{n}" for n in range(count)]
    lines = "".join(f"  {name}:\n    Type: AWS::SNS::Topic\n" for name in names)
    document = Document.parse("Resources:\n" + lines)
    return lambda: [document.node(("Resources", name)) for name in names]


def _removals(count: int) -> Callable[[], Any]:
    group: Value = {"Label": {"default": "x"}, "Parameters": ["P"]}
    data: dict[str, Value] = {"Metadata": {"I": {"ParameterGroups": [group] * count}}}
    place = ("Metadata", "I", "ParameterGroups")
    plan = [Remove((*place, n, "Parameters", 0)) for n in range(count)]
    return lambda: prune(data, plan)


def _suppressions(count: int) -> Callable[[], Any]:
    document = Document.parse(suppressed(count))
    places = [("Resources", f"T{n}", "Properties", "Tags") for n in range(count)]
    found = [Found("null-values", Finding(p, "x", Fix("x", (Remove(p),)))) for p in places]

    def work() -> None:
        parted = part(document, found, {"null-values"}, frozenset())
        assert len(parted.found) == len(parted.suppressed) == count / 2

    return work


@pytest.mark.parametrize("kind", [_lookups, _removals, _suppressions])
def test_steps_grow_with_the_template(kind: Callable[[int], Callable[[], Any]]) -> None:
    assert steps(kind(400)) < 5 * steps(kind(100))
