"""Reading: positions, the long form, and every text that cannot be read, in words of its own."""

from __future__ import annotations

import json

import pytest
import yaml

from remediator.document import Document
from remediator.errors import TemplateError
from remediator.model import Path, Value

RESOURCES = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n"


def error_of(text: str | bytes) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        Document.decode(text if isinstance(text, bytes) else text.encode(), "template.yaml")
    return caught.value


def properties(source: str) -> Value:
    """Return the data of `source` standing as the Properties of a resource."""
    indented = source.replace("\n", "\n      ")
    document = Document.parse(f"{RESOURCES}    Properties:\n      {indented}\n")
    resources = document.data["Resources"]
    assert isinstance(resources, dict)
    topic = resources["Topic"]
    assert isinstance(topic, dict)
    return topic["Properties"]


# --- the long form ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("A: !Ref X", {"A": {"Ref": "X"}}),
        ("A: !Condition X", {"A": {"Condition": "X"}}),
        ("A: !Sub 'a-${B}'", {"A": {"Fn::Sub": "a-${B}"}}),
        ("A: !Sub 012", {"A": {"Fn::Sub": "012"}}),
        ("A: !GetAtt B.C", {"A": {"Fn::GetAtt": ["B", "C"]}}),
        ("A: !GetAtt B.C.D", {"A": {"Fn::GetAtt": ["B", "C.D"]}}),
        ("A: !GetAtt [B, C]", {"A": {"Fn::GetAtt": ["B", "C"]}}),
        ("A: !If [C, !Ref B, x]", {"A": {"Fn::If": ["C", {"Ref": "B"}, "x"]}}),
        ("A: !Transform {Name: B}", {"A": {"Fn::Transform": {"Name": "B"}}}),
        ("A: !Rain::Embed x", {"A": {"!Rain::Embed": "x"}}),
        ("A: !!str 12", {"A": "12"}),
        ("A:\n  Fn::Sub: x", {"A": {"Fn::Sub": "x"}}),
        ("A: &x 1\nB: *x", {"A": 1, "B": 1}),
        ("A: &x {B: 1}\nC:\n  <<: *x\n  D: 2", {"A": {"B": 1}, "C": {"B": 1, "D": 2}}),
        (
            "A: &x {B: 1, C: 2}\nD:\n  <<: *x\n  B: 3",
            {"A": {"B": 1, "C": 2}, "D": {"B": 3, "C": 2}},
        ),
    ],
)
def test_functions_become_the_long_form(source: str, value: Value) -> None:
    assert properties(source) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("012", "012"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("-0", "-0"),
        ("1:30", "1:30"),
        ("1.5", 1.5),
        ("1.50", "1.50"),
        (".inf", ".inf"),
        ("2010-09-09", "2010-09-09"),
        ("yes", True),
        ("Off", False),
        ("true", True),
        ("N", "N"),
        ("~", None),
        ("", None),
        ("null", None),
        ('"12"', "12"),
        ("=", "="),
    ],
)
def test_scalars_are_themselves_only_where_python_spells_them_so(source: str, value: Value) -> None:
    found = properties(f"A: {source}")
    assert found == {"A": value}
    assert isinstance(found, dict)
    assert type(found["A"]) is type(value)


def test_keys_are_their_source_text() -> None:
    assert properties("yes: 1\n012: 2") == {"yes": 1, "012": 2}


def test_every_block_scalar_keeps_its_value() -> None:
    assert properties("A: |\n  a\n\n  b\n\nB: >-\n  a\n  b") == {"A": "a\n\nb\n", "B": "a b"}


# --- places ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (1, 1)),
        (("Resources",), (1, 1)),
        (("Resources", "Topic"), (2, 3)),
        (("Resources", "Topic", "Properties", "A"), (5, 7)),
        (("Resources", "Topic", "Properties", "A", "Fn::GetAtt", 0), (5, 7)),
        (("Resources", "Topic", "Properties", "B", 1), (8, 11)),
        (("Resources", "Topic", "Properties", "Missing"), (4, 5)),
        (("Resources", "Gone", "Type"), (1, 1)),
    ],
)
def test_place_is_that_of_the_key_or_of_the_nearest_parent(
    path: Path, place: tuple[int, int]
) -> None:
    text = (
        RESOURCES
        + "    Properties:\n      A: !GetAtt B.C\n      B:\n        - 1\n        - !Ref D\n"
    )
    assert Document.parse(text).place(path) == place


def test_lines_are_those_of_editors_whatever_yaml_counts() -> None:
    text = "# a\u2028# b\x85# c\n" + RESOURCES.replace("\n", "\r\n")
    document = Document.parse(text)
    assert document.place(("Resources", "Topic", "Type")) == (4, 5)


def test_short_and_long_path_of_a_function_are_one_node() -> None:
    document = Document.parse(RESOURCES + "    Properties:\n      A: !Sub x\n")
    path: Path = ("Resources", "Topic", "Properties", "A")
    assert document.node(path) is document.node((*path, "Fn::Sub"))
    with pytest.raises(KeyError):
        document.node((*path, "Ref"))


def test_nothing_stands_inside_a_dotted_attribute() -> None:
    document = Document.parse(RESOURCES + "    Properties:\n      A: !GetAtt B.C\n")
    with pytest.raises(KeyError):
        document.node(("Resources", "Topic", "Properties", "A", "Fn::GetAtt", 0))


# --- the text --------------------------------------------------------------------------------


def test_a_byte_order_mark_shifts_nothing_and_comes_back() -> None:
    raw = b"\xef\xbb\xbf" + RESOURCES.encode()
    document = Document.decode(raw, "a.yaml")
    assert document.bom
    assert document.text == RESOURCES
    assert document.place(("Resources", "Topic")) == (2, 3)
    assert document.encoded == raw
    assert document.with_text(RESOURCES + "# end\n").bom


@pytest.mark.parametrize(
    ("text", "newline"),
    [("a\nb\n", "\n"), ("a\r\nb\r\n", "\r\n"), ("a\r\nb\nc\r\n", "\r\n"), ("a", "\n")],
)
def test_the_prevailing_line_end(text: str, newline: str) -> None:
    comments = "".join(f"# {line}" for line in text.splitlines(keepends=True))
    resources = RESOURCES.replace("\n", newline)
    assert Document.parse(comments + newline + resources).newline == newline


@pytest.mark.parametrize(
    ("text", "is_json"),
    [
        ('{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}', True),
        ('\n\t{\t"Resources": {\n\t\t"T": {"Type": "AWS::SNS::Topic"}}}', True),
        ("{Resources: {T: {Type: AWS::SNS::Topic}}}", False),
        ('{"Resources": {"T": {"Type": "AWS::SNS::Topic",}}}', False),
        ('{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}} # c', False),
        ('{"Resources": {"T": {"Type": "AWS::SNS::Topic", "A": NaN}}}', False),
        (RESOURCES, False),
    ],
)
def test_json_is_strict_json(text: str, is_json: bool) -> None:
    assert Document.parse(text).is_json is is_json


@pytest.mark.parametrize(
    ("properties", "short"),
    [
        ("A: !Ref X", True),
        ("A: [!Ref X]", True),
        ("A: x", True),
        ("A: {Ref: X}", False),
        ("A:\n        Fn::Sub: x", False),
        ("A:\n        Fn::Join: ['', [!Ref X]]", True),
    ],
)
def test_short_tags(properties: str, short: bool) -> None:
    document = Document.parse(f"{RESOURCES}    Properties:\n      {properties}\n")
    assert document.short_tags is short


def test_json_never_has_short_tags() -> None:
    text = json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic", "A": "!Ref x"}}})
    assert not Document.parse(text).short_tags


# --- what cannot be read ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "is empty"),
        (" \n\n", 1, "is empty"),
        ("# Resources\n", 1, "nothing but comments"),
        ("[Resources]\n", 1, "top level is not a mapping"),
        ("Resources\n", 1, "top level is not a mapping"),
        ("Parameters: {}\n", 1, "no mapping Resources"),
        ("Resources: []\n", 1, "no mapping Resources"),
        ("Resources: {A: {Type: x}}\n", 1, "no resource has a Type"),
        ("Resources: {A: {Type: [AWS::X]}}\n", 1, "no resource has a Type"),
        (RESOURCES + "---\n" + RESOURCES, 4, "several YAML documents"),
        (RESOURCES + "  Other: *gone\n", 4, "alias"),
        (RESOURCES + " Other: 1\n", 4, "indented"),
        (RESOURCES + "\tOther: 1\n", 4, "tab"),
        (RESOURCES + "Other: a: b\n", 4, "colon"),
        (RESOURCES + "Other: [a, b\n", 5, "bracket"),
        (RESOURCES + "Other: 'a\n", 5, "quoted"),
        (RESOURCES + "Other: @a\n", 4, "no value can start with"),
        (RESOURCES + "Other: a\x07b\n", 4, "U+0007"),
        (RESOURCES + "? [a, b]\n: c\n", 4, "key"),
        (RESOURCES + "A: &a [*a]\n", 4, "its own anchor"),
        (RESOURCES + "A:\n  <<: x\n", 5, "merges"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(text: str, line: int, words: str) -> None:
    error = error_of(text)
    assert words in error.message
    assert error.line == line
    assert "\n" not in error.message


def test_a_broken_template_looks_like_one_and_other_files_do_not() -> None:
    assert error_of(RESOURCES + "\tOther: 1\n").looks_like_template
    assert error_of(RESOURCES + "---\n" + RESOURCES).looks_like_template
    assert not error_of("kind: Pod\n---\nResources: 1\n").looks_like_template
    assert not error_of("a: [b\n").looks_like_template


@pytest.mark.parametrize(
    ("raw", "line", "words"),
    [
        (RESOURCES.encode("utf-16"), 1, "UTF-16"),
        (RESOURCES.encode("utf-16-le"), 1, "UTF-16"),
        (RESOURCES.encode() + b"# caf\xe9\n", 4, "0xe9"),
        (RESOURCES.encode() + b"# a\x00b\n", 4, "U+0000"),
    ],
)
def test_other_encodings_are_refused(raw: bytes, line: int, words: str) -> None:
    error = error_of(raw)
    assert words in error.message
    assert error.line == line
    assert error.looks_like_template


@pytest.mark.parametrize(
    "source",
    ['"\\ud83d\\ude00"', '{"' + "k" * 1100 + '": 1}'],
    ids=["surrogate escape", "long key"],
)
def test_json_that_no_yaml_parser_reads_is_left_with_that_reason(source: str) -> None:
    text = '{"Resources": {"T": {"Type": "AWS::SNS::Topic", "P": ' + source + "}}}"
    json.loads(text)
    assert "JSON that no YAML parser reads" in error_of(text).message


@pytest.mark.parametrize(
    "deep",
    [
        "A: " + "[" * 5000 + "]" * 5000,
        "A: " + '["]", ' * 3000,
        "A: " + "{a: " * 300 + "1" + "}" * 300,
        "A:\n" + "".join(" " * depth + "a:\n" for depth in range(1, 3000)),
        "A:\n  " + "- " * 3000 + "x",
        'A: |\n  "\nB: ' + '["]", ' * 3000,
        "A: " + "[ !<a]> " * 3000,
        "A: " + "[ ']', " * 3000,
        "A: " + "[ a # ]\n , " * 3000,
        "A: " + "[ {a}: " * 3000,
        "A: " + "[ [a, [b]] : " * 3000,
        "A: " + "{ [a]: " * 3000,
    ],
    ids=[
        *("lists", "brackets in strings", "mappings", "columns", "dashes", "open quote", "tags"),
        *("quotes", "comments", "pairs", "pairs in pairs", "mapping of pairs"),
    ],
)
def test_deep_nesting_is_refused_before_the_parser_recurses(deep: str) -> None:
    assert "nests deeper than 200 levels" in error_of(f"{RESOURCES}{deep}\n").message


def test_deep_json_is_refused() -> None:
    deep = '{"Resources": ' + '{"a": ' * 5000 + "1" + "}" * 5000 + "}"
    assert "nests deeper than 200 levels" in error_of(deep).message


def test_nesting_up_to_the_limit_is_read() -> None:
    deep = "[" * 190 + "]" * 190
    assert Document.parse(f"{RESOURCES}A: {deep}\n").data["A"] is not None


def test_short_lists_are_not_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many brackets that close on their line cannot nest: no events are needed to see that."""
    monkeypatch.setattr(yaml, "parse", None)
    text = RESOURCES + "".join(f"A{n}: [{{B: [!Ref A, !If [C, d, e]]}}]\n" for n in range(2000))
    assert Document.parse(text).data["A7"] == Document.parse(text).data["A8"]


def test_a_huge_text_is_refused() -> None:
    assert "5,000,000" in error_of(RESOURCES + "#" * 5_000_000).message


def test_aliases_that_stand_for_billions_are_refused() -> None:
    lines = ["A0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"A{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert "aliases stand for more than" in error_of(RESOURCES + "\n".join(lines) + "\n").message


# --- problems --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "twice", ["  A: 1\n  B: 2\n  A: 3\n", "  '1': 1\n  B: 2\n  1: 3\n", "  {A: 1, A: 2}\n"]
)
def test_a_key_that_stands_twice_is_a_problem(twice: str) -> None:
    document = Document.parse(f"{RESOURCES}Metadata:\n{twice}")
    (problem,) = document.problems
    assert problem.code == "duplicate-key"
    assert problem.line in (5, 7)
    assert "stands twice" in problem.message


def test_the_last_of_equal_keys_is_the_one_read_and_found() -> None:
    document = Document.parse(f"{RESOURCES}Metadata:\n  A: 1\n  A: 2\n")
    assert document.data["Metadata"] == {"A": 2}
    assert document.place(("Metadata", "A")) == (6, 3)
