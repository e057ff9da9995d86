"""Where a null may stand, what triggers the search for it, and what its removal needs to know."""

from __future__ import annotations

import pytest

from remediator import registry
from remediator.document import Document
from remediator.model import Context, Required
from remediator.template import Template, walk

HEAD = "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties:\n      "
(NULLS,) = (each for each in registry.builtin_transforms() if each.id == "null-values")
triggered = registry.trigger([NULLS], {})


def has_null(text: str) -> bool:
    return any(value is None for _, value in walk(Document.parse(text).data))


@pytest.mark.parametrize(
    "value",
    [
        *("Tags:", "Tags:\n", "Tags: \n", "Tags: # why", "Tags:\n\n\n", "Tags:\n      # - a\n"),
        *("Tags:\n      TopicName: a", "Tags:\n    DependsOn: B", "Tags:\n# x\nOutputs: {}"),
        *("Tags: &a\n      TopicName: a", '"Tags": # : x\n      TopicName: a', "T#s:\n      A: a"),
        "B: # it's\n        C: d\n      Tags:",
        "B: # x\n        C: d\n      Tags: # y\n      D: e",
        *("B: # x: 'y\n        C: d'\n      Tags: # y'\n      D: e", "B: 'c: # d'\n      Tags:"),
        *("Tags: ~", "Tags: null", "Tags: Null # x", "Tags: NULL", "Tags:   null\n"),
        *("Tags: !!null x", "Tags:\n        -", "Tags:\n      -\n      - a"),
        *("Tags: [a, null]", "Tags: [~]", "Tags: [ ~, a]", "Tags:\n      - ~"),
        *("Tags:\n      - Key:\n        Value: a", "Tags:\n      -   Key:\n          Value: a"),
        *("Tags:\n      - Value: a\n        Key:\n      - b", "Tags:\n      - null\n"),
        *("Tags: {Key: }", "Tags: {Key: , Value: a}", "Tags: {Key}", "Tags: {Value: a, Key}"),
        *("Tags: |\n        {a}\n      A: {Key}", "A:\n      - |\n        b:\n      - Key:\n"),
        *("A:\n      - B: |\n          c\n        Key:\n", "A: # b: |\n        Key:\n      B: c"),
        *("A: |\n        a\n    DependsOn:\n", "A:\n      - - Key:\n        - b"),
        *("Tags: [Key: ]", "Tags: {Key: }", 'Tags: [{"Key":}]', "Tags: {A: {Key: }}"),
        'A: {B: "usage: |\n          foo", Key: null}',
        'A: {\n        B: "usage: |\n          c", Key: }',
        *("? A\n      : B: |\n          foo\n        Key:", 'A: "x: |\n        y"\n      B:\n'),
        *("Tags: [{Key}]", "Tags: {Key:\n        }", "Tags: {Key: ~}", "Tags: {Key: null, A: a}"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_spelling_triggers(value: str, end: str) -> None:
    text = (HEAD + value).replace("\n", end)
    assert has_null(text)
    assert triggered(text)


@pytest.mark.parametrize(
    "value", ['{"Tags":null}', '{"Tags": null}', '{"Tags":[null]}', "[1,null]"]
)
def test_every_spelling_of_json_triggers(value: str) -> None:
    text = '{"Resources":{"A":{"Type":"AWS::SNS::Topic","Properties":%s}}}' % value
    assert has_null(text)
    assert triggered(text)


@pytest.mark.parametrize(
    "value",
    [
        *("Tags: []", "Tags:\n        - a", "Tags:\n      - a", "Tags: # x\n        a: b"),
        *("Tags:\n\n\n        a: b", "Tags:\n      # x\n        # y\n        - a", "A: ''"),
        *("Tags:\n      - Key:\n          a", "Tags:\n      - Key:\n        - a", "Tags: nullable"),
        *('A: "null"', "A: '~'", "A: /dev/null", "A: ~/x", "A: !Sub '${B}'", "A: {B: c}"),
        *("A: |\n        b:\n        {c}\n      B: c", "A:\n      - |\n       {c}\n      - b"),
        *("A:\n      - B: !Sub |-\n          {c}\n", "A:\n      - - Key:\n          - b"),
        *("Tags:\n      -\n        a", "A: '{{resolve:ssm:b}}'", "A: [b, c]", "A: {B: [c], D: e}"),
    ],
)
def test_what_is_no_null_triggers_nothing(value: str) -> None:
    assert not has_null(HEAD + value)
    assert not triggered(HEAD + value)


def test_a_long_text_is_searched_in_no_time() -> None:
    """Each part is read a fixed number of times; a pattern that goes back would not come to end."""
    many = 100_000
    for text in (
        "a" + "#:" * many,
        "a: " + "#: " * many,
        "a: " + "#: " * many + "'",
        "a:\n" + "# x\n" * many,
        "a: &" + "b:" * many,
        "a: null\n" + "- " * many + "x |",
        "a: null\n" + "&a: " * many + "x |",
        "a: null\n" + "a: |\n  b\n" * many,
    ):
        assert triggered(text + "\n  b: c") == text.startswith("a: null")


# --- what types require ----------------------------------------------------------------------


def findings(text: str) -> tuple[int, int]:
    """Return how often null-values finds something, and asks what types require."""
    asked = 0

    def required() -> Required:
        nonlocal asked
        asked += 1
        return {"AWS::SNS::Topic": frozenset()}

    template = Template(Document.parse(text))
    return len(list(NULLS.check(template, Context({}, required=required)))), asked


def test_what_types_require_is_read_for_a_null_only() -> None:
    assert findings(HEAD + "TopicName: a\nOutputs:\n") == (1, 0)
    assert findings(HEAD + "Tags:\n") == (1, 1)


def test_what_types_require_comes_from_the_file() -> None:
    required = registry.required_properties()
    assert required["AWS::SNS::Subscription"] == {"Protocol", "TopicArn"}
    assert required["AWS::S3::Bucket"] == frozenset()
    assert registry.required_properties() is required
