"""A value that becomes the one entry of a new mapping, as it stands."""

from __future__ import annotations

import pytest

from remediator import splice
from remediator.document import Document
from remediator.errors import EditError
from remediator.model import Replace, value_at
from remediator.verify import prove

HEAD = "Resources: {A: {Type: AWS::SNS::Topic}}\nOutputs:\n  A:\n"


def wrapped(text: str, key: str = "Name") -> str:
    """Return a text with what stands at /Outputs/A/Export put under a key, proven."""
    old = Document.parse(text)
    path = ("Outputs", "A", "Export")
    operation = Replace(path, {key: value_at(old.data, path)})
    new = old.with_text(splice.apply(old, [operation]))
    prove(old, new, [operation])
    return new.text


@pytest.mark.parametrize(
    ("value", "new"),
    [
        ("Export: a", "Export:\n      Name: a"),
        ("Export:   'a'  # why\n    Value: 1\n", "Export:\n      Name: 'a'  # why\n    Value: 1\n"),
        ('Export: "a\\x41"\n', 'Export:\n      Name: "a\\x41"\n'),
        ("Export: !Ref A # why", "Export:\n      Name: !Ref A # why"),
        ("Export: [a, b]", "Export:\n      Name: [a, b]"),
        ("Export: {a: b}", "Export:\n      Name: {a: b}"),
        ("Export: a\n      b", "Export:\n      Name: a\n        b"),
        ("Export: |\n      a\n\n       b\n", "Export:\n      Name: |\n        a\n\n         b\n"),
        ("Export: |2-\n      a", "Export:\n      Name: |2-\n        a"),
        ("Export:\n      a", "Export:\n      Name:\n        a"),
        ("Export:\n    - a\n    - b", "Export:\n      Name:\n      - a\n      - b"),
        ("Export: # x\n\n      a: b\n      # y\n      c: d\n    Value: 1",
         "Export: # x\n      Name:\n\n        a: b\n        # y\n        c: d\n    Value: 1"),
    ],
)  # fmt: skip
def test_a_block_value_moves_to_the_right(value: str, new: str) -> None:
    assert wrapped(f"{HEAD}    {value}") == f"{HEAD}    {new}"


def test_the_line_ends_stay() -> None:
    text = f"{HEAD}    Export: !Join\n      - ''\n      - [a]\n"
    expected = f"{HEAD}    Export:\n      Name: !Join\n        - ''\n        - [a]\n"
    assert wrapped(text.replace("\n", "\r\n")) == expected.replace("\n", "\r\n")


def test_in_braces() -> None:
    text = "Resources: {A: {Type: AWS::SNS::Topic}}\nOutputs: {A: {Export: !Sub 'a', Value: 1}}"
    assert "{Export: {Name: !Sub 'a'}, Value: 1}" in wrapped(text)


@pytest.mark.parametrize(
    ("value", "new"),
    [
        ('{"Export": "a"}', '{"Export": {"Name": "a"}}'),
        ('{\n   "Export": "a"\n  }', '{\n   "Export": {\n     "Name": "a"\n   }\n  }'),
        ('{\n   "Export": {\n     "a": "b"}\n  }',
         '{\n   "Export": {\n     "Name": {\n       "a": "b"}\n   }\n  }'),
    ],
)  # fmt: skip
def test_in_json(value: str, new: str) -> None:
    head = '{\n  "Resources": {"A": {"Type": "AWS::SNS::Topic"}},\n  "Outputs": {"A": '
    assert wrapped(head + value + "}\n}\n") == head + new + "}\n}\n"


@pytest.mark.parametrize(
    ("value", "new"),
    [
        ("yes", "Name: true"),
        ("[a, 2012-01-01]", "Name:\n        - a\n        - '2012-01-01'"),
        (">-\n      a\n      b", "Name: a b"),
    ],
)
def test_what_holds_more_than_texts_is_written_anew(value: str, new: str) -> None:
    assert wrapped(f"{HEAD}    Export: {value}\n") == f"{HEAD}    Export:\n      {new}\n"


def test_an_anchor_is_refused() -> None:
    with pytest.raises(EditError, match="anchor"):
        wrapped(f"{HEAD}    Export: &a b\n    Value: *a\n")
