"""When something exists: conditions as logic."""

from __future__ import annotations

import pytest

from remediator.conditions import (
    ALWAYS,
    Conditions,
    Presence,
    TooManyConditions,
    case,
    inline,
    literal,
)
from remediator.model import Value

PARAMETERS: dict[str, Value] = {
    "Stage": {"Type": "String", "AllowedValues": ["dev", "test", "prod"]},
    "Snapshot": {"Type": "String", "Default": ""},
}
EXPRESSIONS: dict[str, Value] = {
    "IsDev": {"Fn::Equals": [{"Ref": "Stage"}, "dev"]},
    "IsTest": {"Fn::Equals": ["test", {"Ref": "Stage"}]},
    "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
    "NotProd": {"Fn::Not": [{"Condition": "IsProd"}]},
    "DevOrTest": {"Fn::Or": [{"Condition": "IsDev"}, {"Condition": "IsTest"}]},
    "HasSnapshot": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Snapshot"}, ""]}]},
    "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "HasSnapshot"}]},
    "Constant": {"Fn::Equals": ["a", "a"]},
    "Opaque": {"Fn::Contains": [["a"], {"Ref": "Stage"}]},
    "Circular": {"Fn::Not": [{"Condition": "Circular"}]},
    "SameRef": {"Fn::Equals": [{"Ref": "Stage"}, {"Ref": "Snapshot"}]},
    "SameRefAgain": {"Fn::Equals": [{"Ref": "Snapshot"}, {"Ref": "Stage"}]},
}


@pytest.fixture
def conditions() -> Conditions:
    return Conditions(EXPRESSIONS, PARAMETERS)


def when(*names: str) -> Presence:
    """One case: the names hold, those with a leading `-` do not."""
    return (case((name.lstrip("-"), not name.startswith("-")) for name in names),)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (when("NotProd"), when("-IsProd"), True),
        (when("NotProd"), when("DevOrTest"), True),  # the allowed values leave nothing else
        (when("NotProd"), when("IsDev"), False),
        (when("Both"), when("IsProd", "HasSnapshot"), True),
        (when("IsDev") + when("IsTest") + when("IsProd"), ALWAYS, True),
        (when("Constant"), ALWAYS, True),
        (when("SameRef"), when("SameRefAgain"), True),
        (when("Opaque"), ALWAYS, False),
        (when("Missing"), when("Missing"), True),
        (when(inline({"Fn::Equals": [{"Ref": "Snapshot"}, ""]})), when("-HasSnapshot"), True),
    ],
)
def test_equivalence(conditions: Conditions, one: Presence, other: Presence, same: bool) -> None:
    assert conditions.equivalent(one, other) is same
    assert conditions.equivalent(other, one) is same


def test_implication_and_exclusion(conditions: Conditions) -> None:
    assert conditions.implies(when("Both"), when("IsProd"))
    assert not conditions.implies(when("IsProd"), when("Both"))
    assert conditions.exclusive(when("IsDev"), when("IsProd"))
    assert not conditions.exclusive(when("HasSnapshot"), when("IsProd"))
    assert conditions.satisfiable(when("HasSnapshot", "IsDev"))
    assert not conditions.satisfiable(when("IsDev", "IsTest"))


def test_a_condition_that_names_itself_ends(conditions: Conditions) -> None:
    assert conditions.satisfiable(when("Circular"))


def test_what_is_left_without_a_presence(conditions: Conditions) -> None:
    left = conditions.without(ALWAYS, when("Both"))
    assert conditions.equivalent(left, when("-IsProd") + when("-HasSnapshot"))
    assert conditions.without(when("IsProd"), ALWAYS) == ()
    assert conditions.without(when("IsProd"), ()) == when("IsProd")


def test_the_simplest_presence(conditions: Conditions) -> None:
    assert conditions.simplified(when("Both", "IsProd", "NotProd")) == ()
    assert conditions.simplified(when("IsDev", "NotProd")) == when("IsDev")
    assert conditions.simplified(when("IsDev") + when("DevOrTest")) == when("DevOrTest")


def test_the_name_of_a_presence(conditions: Conditions) -> None:
    assert conditions.named(when("-IsProd")) == "NotProd"
    assert conditions.named(when("HasSnapshot", "IsProd")) == "Both"
    assert conditions.named(when("IsDev", "HasSnapshot")) is None


def test_the_expression_of_a_presence(conditions: Conditions) -> None:
    assert conditions.expression(when("IsProd")) == {"Condition": "IsProd"}
    assert conditions.expression(when("-HasSnapshot", "IsProd") + when("IsDev")) == {
        "Fn::Or": [
            {
                "Fn::And": [
                    {"Condition": "IsProd"},
                    {"Fn::Not": [{"Condition": "HasSnapshot"}]},
                ]
            },
            {"Condition": "IsDev"},
        ]
    }
    equals: Value = {"Fn::Equals": [{"Ref": "Snapshot"}, ""]}
    assert conditions.expression(when(inline(equals))) == equals


def test_too_many_combinations_are_refused() -> None:
    names = [f"C{number}" for number in range(13)]
    many: dict[str, Value] = {name: {"Fn::Equals": [{"Ref": name}, "x"]} for name in names}
    with pytest.raises(TooManyConditions, match="4096 combinations"):
        Conditions(many, {}).equivalent(when(*names), ALWAYS)


def test_a_condition_about_too_much_is_not_the_one_sought() -> None:
    names = [f"C{number}" for number in range(13)]
    many: dict[str, Value] = {name: {"Fn::Equals": [{"Ref": name}, "x"]} for name in names}
    many = {"All": {"Fn::And": [{"Condition": name} for name in names]}, **many}
    assert Conditions(many, {}).named(when("C3")) == "C3"


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (3, "3"), ("a", "a"), (None, None), ([], None), ({}, None)],
)
def test_literals_compare_as_strings(value: Value, text: str | None) -> None:
    assert literal(value) == text
