"""Operations on texts: each trap of block YAML, flow YAML and JSON, with the bytes it must give.

Most tests speak of a `Properties` mapping: `edit` puts a source there, and gives back what became
of it. It also checks that the new data is the old with the plan's JSON Patch applied.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from textwrap import dedent
from typing import Any

import jsonpatch
import pytest

from remediator import splice
from remediator.document import Document
from remediator.errors import EditError
from remediator.model import Add, Operation, Path, Remove, Replace, Value, json_patch
from remediator.verify import prove

HEAD = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n    Properties:\n"
AT: Path = ("Resources", "Topic", "Properties")
REFERENCE: Value = {"Fn::Sub": "{{resolve:secretsmanager:${Secret}::password}}"}


def apply(text: str, *operations: Operation) -> str:
    """Return the new text, after checking that its data is what the operations say."""
    document = Document.parse(text)
    new = splice.apply(document, operations)
    expected = patched(document.data, operations)
    found = document.with_text(new).data
    assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)
    return new


def patched(data: Any, operations: Sequence[Operation]) -> Any:
    patch: Any = json_patch(operations)
    return jsonpatch.apply_patch(copy.deepcopy(data), patch)


def edit(source: str, *operations: Operation) -> str:
    """Return what becomes of the source of a resource's properties, six columns to the left."""
    margin = " " * 6
    source = dedent(source)
    lines = [margin + line if line.strip() else line for line in source.splitlines(keepends=True)]
    new = apply(HEAD + "".join(lines), *operations)
    assert new.startswith(HEAD)
    return "".join(
        line.removeprefix(margin) for line in new.removeprefix(HEAD).splitlines(keepends=True)
    )


def at(*steps: str | int) -> Path:
    return (*AT, *steps)


def refusal(text: str, *operations: Operation) -> str:
    with pytest.raises(EditError) as caught:
        splice.apply(Document.parse(text), operations)
    return caught.value.message


# --- additions in block mappings -------------------------------------------------------------


def test_an_entry_is_added_at_the_end() -> None:
    assert edit("A: 1\nB: 2\n", Add(at("C"), "x")) == "A: 1\nB: 2\nC: x\n"


def test_an_entry_is_added_before_and_after_its_sibling() -> None:
    source = "A: 1  # one\nB: 2\n"
    assert edit(source, Add(at("C"), "x", before="B")) == "A: 1  # one\nC: x\nB: 2\n"
    assert edit(source, Add(at("C"), "x", after="A")) == "A: 1  # one\nC: x\nB: 2\n"
    assert edit(source, Add(at("C"), "x", before="A")) == "C: x\nA: 1  # one\nB: 2\n"


def test_additions_at_one_place_keep_their_order() -> None:
    operations: list[Operation] = [Add(at(name), 1, before="B") for name in "XVZ"]
    assert edit("A: 1\nB: 2\n", *operations) == "A: 1\nX: 1\nV: 1\nZ: 1\nB: 2\n"
    operations = [Add(at(name), 1, after="B") for name in "XVZ"]
    assert edit("A: 1\nB: 2\n", *operations) == "A: 1\nB: 2\nX: 1\nV: 1\nZ: 1\n"


def test_an_addition_can_stand_beside_another() -> None:
    operations: list[Operation] = [Add(at("V"), 1, after="X"), Add(at("X"), 1, before="B")]
    assert edit("A: 1\nB: 2\n", *operations) == "A: 1\nX: 1\nV: 1\nB: 2\n"
    operations = [Add(at("W"), 1, before="X"), Add(at("X"), 1, after="A")]
    assert edit("A: 1\nB: 2\n", *operations) == "A: 1\nW: 1\nX: 1\nB: 2\n"


def test_additions_that_name_each_other_are_refused() -> None:
    operations: list[Operation] = [Add(at("V"), 1, after="X"), Add(at("X"), 1, after="V")]
    assert "name each other" in refusal(HEAD + "      A: 1\n", *operations)


def test_a_comment_right_above_belongs_to_the_entry_below() -> None:
    source = "A: 1\n\n# about B\nB: 2\n"
    assert edit(source, Add(at("C"), 3, before="B")) == "A: 1\n\nC: 3\n\n# about B\nB: 2\n"


def test_a_banner_stays_above_a_new_entry() -> None:
    source = "A: 1\n\n# Database settings\n\nB: 2\n\nC: 3\n"
    new = "A: 1\n\n# Database settings\n\nX: 0\n\nB: 2\n\nC: 3\n"
    assert edit(source, Add(at("X"), 0, before="B")) == new
    source = "A: 1\n\n# ======\n# Database\n# ======\nB: 2\n\nC: 3\n"
    new = "A: 1\n\n# ======\n# Database\n# ======\nX: 0\n\nB: 2\n\nC: 3\n"
    assert edit(source, Add(at("X"), 0, before="B")) == new


def test_after_a_sibling_is_above_the_next_banner() -> None:
    source = "A: 1\n\n# ======\nB: 2\n\nC: 3\n"
    assert edit(source, Add(at("X"), 0, after="A")) == "A: 1\n\nX: 0\n\n# ======\nB: 2\n\nC: 3\n"


def test_blank_lines_separate_new_entries_as_they_do_the_others() -> None:
    source = "A: 1\n\nB: 2\n\nC: 3\n"
    assert edit(source, Add(at("D"), 4)) == source + "\nD: 4\n"
    assert edit(source, Add(at("D"), 4, before="A")) == "D: 4\n\n" + source
    assert edit(source, Add(at("D"), 4, after="A")) == "A: 1\n\nD: 4\n\nB: 2\n\nC: 3\n"


def test_a_new_entry_joins_the_group_of_its_sibling() -> None:
    source = "A: 1\nB: 2\n\nC: 3\nD: 4\n"
    assert edit(source, Add(at("X"), 0, before="C")) == "A: 1\nB: 2\n\nX: 0\nC: 3\nD: 4\n"
    assert edit(source, Add(at("X"), 0, after="B")) == "A: 1\nB: 2\nX: 0\n\nC: 3\nD: 4\n"


def test_a_section_of_one_entry_takes_the_blank_lines_of_the_others() -> None:
    text = (
        "Parameters:\n  A:\n    Type: String\n\n" + HEAD + "      B: 1\n\n  Other:\n    Type: x\n"
    )
    new = apply(text, Add(("Parameters", "C"), {"Type": "String"}))
    assert "  A:\n    Type: String\n\n  C:\n    Type: String\n\nResources" in new


def test_comments_in_deeper_columns_belong_to_the_entry_above() -> None:
    source = "A:\n  B: 1\n  # C: 2\nD: 3\n"
    assert edit(source, Add(at("X"), 0, after="A")) == "A:\n  B: 1\n  # C: 2\nX: 0\nD: 3\n"
    assert edit(source, Remove(at("A"))) == "D: 3\n"


def test_an_entry_is_added_behind_a_value_of_every_kind() -> None:
    for value in (
        "",
        " x  # c",
        " |\n  a\n\n  b",
        " >-\n  a",
        " 'a\n  b'",
        " [a,\n  b]",
        " !Ref X",
        "\n- a\n-",
        "\n  B:\n    C:",
    ):
        source = f"A:{value}\n"
        assert edit(source, Add(at("X"), 0)) == source + "X: 0\n"


def test_the_first_entry_behind_a_dash() -> None:
    source = "L:\n  - A: 1\n    B: 2\n"
    assert edit(source, Add(at("L", 0, "X"), 0, before="A")) == "L:\n  - X: 0\n    A: 1\n    B: 2\n"
    assert edit(source, Remove(at("L", 0, "A"))) == "L:\n  - B: 2\n"
    operations: list[Operation] = [Remove(at("L", 0, "A")), Add(at("L", 0, "X"), 0, before="A")]
    assert edit(source, *operations) == "L:\n  - X: 0\n    B: 2\n"
    operations = [Remove(at("L", 0, "A")), Remove(at("L", 0, "B")), Add(at("L", 0, "X"), 0)]
    assert edit(source, *operations) == "L:\n  - X: 0\n"


def test_a_comment_below_the_first_entry_behind_a_dash_is_kept() -> None:
    source = "L:\n  - A: 1\n    # about B\n    B: 2\n"
    assert edit(source, Remove(at("L", 0, "A"))) == "L:\n  - # about B\n    B: 2\n"


# --- additions in lists ----------------------------------------------------------------------


@pytest.mark.parametrize("indent", ["", "  ", "    "])
def test_items_are_added_in_the_style_of_their_list(indent: str) -> None:
    source = f"L:\n{indent}- a\n{indent}- b\nM: 1\n"
    assert edit(source, Add(at("L", 1), "x")) == source.replace(
        f"{indent}- b", f"{indent}- x\n{indent}- b"
    )
    assert edit(source, Add(at("L", 2), "x")) == source.replace("b\n", f"b\n{indent}- x\n")
    assert edit(source, Add(at("L", 0), "x")) == source.replace("L:\n", f"L:\n{indent}- x\n")


def test_a_mapping_becomes_an_item() -> None:
    source = "L:\n  - Key: a\n    Value: b\n"
    value: Value = {"Key": "c", "Value": {"Ref": "D"}}
    assert edit(source, Add(at("L", 1), value)) == source + "  - Key: c\n    Value: !Ref D\n"


def test_a_list_in_a_list() -> None:
    assert (
        edit("L:\n  - - a\n    - b\n", Add(at("L", 0, 0), "x")) == "L:\n  - - x\n    - a\n    - b\n"
    )
    assert edit("L:\n  - - a\n    - b\n", Remove(at("L", 0, 0))) == "L:\n  - - b\n"


def test_several_additions_at_one_index_keep_their_order() -> None:
    operations: list[Operation] = [Add(at("L", 1), name) for name in "xvz"]
    assert edit("L: [a, b]\n", *operations) == "L: [a, x, v, z, b]\n"
    assert edit("L:\n- a\n- b\n", *operations) == "L:\n- a\n- x\n- v\n- z\n- b\n"


# --- how a new value is written --------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("x", "x"),
        ("", "''"),
        ("yes", "'yes'"),
        ("12", "'12'"),
        ("1:30", "'1:30'"),
        ("0o17", "'0o17'"),
        ("1e3", "'1e3'"),
        ("2010-09-09", "'2010-09-09'"),
        ("null", "'null'"),
        ("y", "'y'"),
        ("a: b", "'a: b'"),
        ("a #b", "'a #b'"),
        ("- a", "'- a'"),
        ("*a", "'*a'"),
        ("a:", "'a:'"),
        ("arn:aws:x", "arn:aws:x"),
        (" a", "' a'"),
        ('"@/\\', "'\"@/\\'"),
        ("it's", "it's"),
        ("'it", '"\'it"'),
        ("a\tb\x07", '"a\\tb\\a"'),
        ("{{resolve:ssm:x}}", "'{{resolve:ssm:x}}'"),
        (True, "true"),
        (None, "null"),
        (12, "12"),
        (1.5, "1.5"),
        ([], "[]"),
        ({}, "{}"),
        ("a\nb\n", "|\n  a\n  b"),
        ("a\nb", "|-\n  a\n  b"),
        (["a", {"Ref": "B"}], "\n  - a\n  - !Ref B"),
        ({"B": {"C": 1}}, "\n  B:\n    C: 1"),
        ({"Ref": "B"}, "!Ref B"),
        ({"Ref": "AWS::Region"}, "!Ref AWS::Region"),
        ({"Fn::GetAtt": ["B", "C.D"]}, "!GetAtt B.C.D"),
        ({"Fn::GetAtt": ["B.C", "D"]}, "!GetAtt [B.C, D]"),
        ({"Fn::GetAtt": ["B", {"Ref": "C"}]}, "!GetAtt [B, !Ref C]"),
        ({"Fn::GetAtt": "B.C"}, "\n  Fn::GetAtt: B.C"),
        ({"Fn::Sub": '{"username": "${U}"}'}, '!Sub \'{"username": "${U}"}\''),
        (REFERENCE, "!Sub '{{resolve:secretsmanager:${Secret}::password}}'"),
        ({"Fn::Sub": ["${a}", {"a": 1}]}, "!Sub\n  - '${a}'\n  - a: 1"),
        ({"Fn::If": ["C", "a", {"Ref": "B"}]}, "!If [C, a, !Ref B]"),
        ({"Fn::If": ["C", {"D": 1}, "b"]}, "!If\n  - C\n  - D: 1\n  - b"),
        ({"Fn::Base64": {"Fn::Sub": "x"}}, "\n  Fn::Base64: !Sub 'x'"),
        ({"Fn::Transform": {"Name": "B"}}, "!Transform\n  Name: B"),
        ({"Condition": "C"}, "\n  Condition: C"),
        ({"Fn::Or": [{"Condition": "C"}, {"Condition": "D"}]}, "!Or [!Condition C, !Condition D]"),
        ({"!Foo": "x"}, "!Foo x"),
        ({"Ref": ["B"]}, "\n  Ref:\n    - B"),
    ],
)
def test_a_value_is_written_as_a_person_would(value: Value, source: str) -> None:
    written = edit("A: 1\n", Add(at("X"), value)).removeprefix("A: 1\n")
    lead = "" if source.startswith("\n") else " "
    expected = f"X:{lead}{source}\n"
    if value == {"Fn::Base64": {"Fn::Sub": "x"}}:
        expected = "X:\n  Fn::Base64: !Sub x\n"
    if value == {"Fn::Sub": ["${a}", {"a": 1}]}:
        expected = "X: !Sub\n  - ${a}\n  - a: 1\n"
    assert written == expected


def test_what_stays_in_brackets_keeps_its_indentation() -> None:
    text = 'A: [\n      a,\n    b,\n  "c",\n      d\n  ]\n'
    assert edit(text, Remove(at("A", 0))) == text.replace("      a,\n", "")
    assert edit(text, Remove(at("A", 1))) == text.replace("    b,\n", "")
    assert edit(text, Remove(at("A", 1)), Remove(at("A", 2))) == "A: [\n      a,\n      d\n  ]\n"
    text = text.replace("      a,\n    b,", "a, b,")
    assert edit(text, Remove(at("A", 0))) == text.replace("a, ", "")


def test_a_comment_below_becomes_no_line_of_a_text() -> None:
    text = "A:\n\n    # deeper\nB: 1\n"
    assert edit(text, Replace(at("A"), "a\nb")) == text.replace("A:", 'A: "a\\nb"')
    text = text.replace("    #", "#")
    assert edit(text, Replace(at("A"), "a\nb")) == text.replace("A:", "A: |-\n  a\n  b")


@pytest.mark.parametrize(
    "value",
    [{"!!binary": "x"}, {"!Ref(AWS::Region": ""}, {"!Foo": {"Ref": "B"}}, {"!Foo": 1}, {"!": "x"}],
)
def test_a_tag_that_cannot_be_written_as_it_was_read(value: Value) -> None:
    assert refusal(HEAD + "      A: 1\n", Add(at("X"), value))


def test_a_tag_of_somebody_else_stays_a_tag() -> None:
    text = "A:\n  Fn::Sub: x\n"
    assert edit(text, Add(at("X"), {"!Foo": "x"})) == text + "X: !Foo x\n"
    braces = '{"Resources": {"T": {"Type": "AWS::SNS::Topic", "A": !Foo x}}}\n'
    assert "no long form" in refusal(braces, Add(("Resources", "T", "B"), {"!Foo": "x"}))


def test_a_condition_is_a_function_among_the_arguments_of_one_only() -> None:
    text = HEAD + "      A: 1\nConditions:\n  C: !Or\n    - !Condition A\n    - !Condition B\n"
    new = apply(text, Add(("Conditions", "C", "Fn::Or", 2), {"Condition": "D"}))
    assert new == text + "    - !Condition D\n"
    new = apply(text, Add(("Conditions", "D"), {"Condition": "C"}))
    assert new == text + "  D: !Condition C\n"
    new = apply(text, Add(("Resources", "X"), {"Type": "T", "Condition": "D"}))
    assert "    Condition: D\n" in new


def test_the_quotes_that_prevail() -> None:
    source = 'A: "x y"\nB: "z"\nC: plain\n'
    assert edit(source, Add(at("X"), REFERENCE)).endswith(
        'X: !Sub "{{resolve:secretsmanager:${Secret}::password}}"\n'
    )
    value: Value = {"Fn::Sub": '{"username": "${U}"}'}
    assert edit(source, Add(at("X"), value)).endswith('X: !Sub \'{"username": "${U}"}\'\n')


def test_a_document_that_quotes_everything() -> None:
    text = '"Resources":\n  "T":\n    "Type": "AWS::SNS::Topic"\n    "A": "b"\n'
    new = apply(text, Add(("Resources", "T", "B"), {"C": "d", "E": 1}))
    assert new == text + '    "B":\n      "C": "d"\n      "E": 1\n'


def test_sub_strings_are_plain_where_the_document_has_them_plain() -> None:
    source = "A: !Sub ${X}-y\nB: !Sub a-${X}\n"
    assert edit(source, Add(at("C"), {"Fn::Sub": "b-${X}"})) == source + "C: !Sub b-${X}\n"


def test_the_long_form_in_a_document_of_long_forms() -> None:
    source = "A:\n  Ref: B\n"
    new = source + "X:\n  Fn::Sub: a\nV:\n  Fn::GetAtt:\n  - B\n  - C\n"
    operations: list[Operation] = [
        Add(at("X"), {"Fn::Sub": "a"}),
        Add(at("V"), {"Fn::GetAtt": ["B", "C"]}),
    ]
    assert edit(source + "L:\n- a\n", *operations) == source + "L:\n- a\n" + new.removeprefix(
        source
    )


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_the_indentation_of_the_neighbours(step: int) -> None:
    margin = " " * step
    text = f"Resources:\n{margin}T:\n{margin * 2}Type: AWS::X\n{margin * 2}P:\n{margin * 3}A: 1\n"
    new = apply(text, Add(("Resources", "T", "Q"), {"B": {"C": 1}}))
    assert new == text + f"{margin * 2}Q:\n{margin * 3}B:\n{margin * 4}C: 1\n"


def test_functions_in_several_lines_where_the_document_has_them_so() -> None:
    source = "A: !If\n  - C\n  - a\n  - b\n"
    value: Value = {"Fn::If": ["C", "x", "v"]}
    assert edit(source, Add(at("X"), value)) == source + "X: !If\n  - C\n  - x\n  - v\n"


def test_what_yaml_cannot_hold_is_refused() -> None:
    text = HEAD + "      A: 1\n"
    assert "cannot" in refusal(text, Add(at("X"), "\ud800"))
    assert "none in YAML 1.1" in refusal(text, Add(at("X"), 1e300))
    assert "cannot be written" in refusal(text, Add(at("X"), float("nan")))
    assert "too long" in refusal(text, Add(at("k" * 1100), 1))
    json_text = json.dumps(Document.parse(text).data)
    assert "JSON" in refusal(json_text, Add(at("X"), float("inf")))


# --- removals --------------------------------------------------------------------------------


def test_an_entry_goes_with_its_comments() -> None:
    source = "A: 1\n# about B\n# too\nB: 2  # beside\nC: 3\n"
    assert edit(source, Remove(at("B"))) == "A: 1\nC: 3\n"


def test_a_comment_of_another_column_or_a_blank_line_away_stays() -> None:
    assert edit("A: 1\n# section\n\nB: 2\nC: 3\n", Remove(at("B"))) == "A: 1\n# section\n\nC: 3\n"
    text = HEAD + "      A: 1\n  # less\n      B: 2\n      C: 3\n"
    assert apply(text, Remove(at("B"))) == HEAD + "      A: 1\n  # less\n      C: 3\n"


@pytest.mark.parametrize("rule", ["# =====", "#----", "#####", "# *****"])
def test_a_banner_stays(rule: str) -> None:
    source = f"A: 1\n{rule}\n# Group\nB: 2\nC: 3\n"
    assert edit(source, Remove(at("B"))) == f"A: 1\n{rule}\n# Group\nC: 3\n"


def test_the_blank_lines_that_separate_stay() -> None:
    source = "A: 1\n\nB: 2\n\nC: 3\n"
    assert edit(source, Remove(at("A"))) == "B: 2\n\nC: 3\n"
    assert edit(source, Remove(at("B"))) == "A: 1\n\nC: 3\n"
    assert edit(source, Remove(at("C"))) == "A: 1\n\nB: 2\n"
    assert edit(source, Remove(at("A")), Remove(at("B"))) == "C: 3\n"
    assert edit(source, Remove(at("A")), Remove(at("C"))) == "B: 2\n"
    assert edit("A: 1\nB: 2\n\n\nC: 3\n", Remove(at("B"))) == "A: 1\n\n\nC: 3\n"


def test_blank_lines_behind_the_last_entry_of_a_parent_stay() -> None:
    text = HEAD + "      A: 1\n      B: 2\n\nOutputs:\n  X:\n    Value: 1\n"
    new = HEAD + "      A: 1\n\nOutputs:\n  X:\n    Value: 1\n"
    assert apply(text, Remove(at("B"))) == new


def test_the_last_entry_in_braces_goes_with_the_blanks_behind_it() -> None:
    text = '{"Resources": {"A": {\n  "Type": "AWS::SNS::Topic",\n  "DependsOn": null \t\n}}}\n'
    old = Document.parse(text)
    remove = Remove(("Resources", "A", "DependsOn"))
    new = old.with_text(apply(text, remove))
    prove(old, new, [remove])
    assert new.text == '{"Resources": {"A": {\n  "Type": "AWS::SNS::Topic"\n}}}\n'


def test_a_block_scalar_goes_whole_and_its_hashes_are_no_comments() -> None:
    source = "A: |\n  # not a comment\n  x\n\nB: 2\nC: |\n  # no comment\nD: 4\n"
    assert edit(source, Remove(at("A"))) == "B: 2\nC: |\n  # no comment\nD: 4\n"
    assert (
        edit(source, Remove(at("D")))
        == "A: |\n  # not a comment\n  x\n\nB: 2\nC: |\n  # no comment\n"
    )


def test_all_but_a_new_entry_may_go() -> None:
    operations: list[Operation] = [Remove(at("A")), Remove(at("B")), Add(at("X"), 0)]
    assert edit("A: 1\n\n# about B\nB: 2\n", *operations) == "X: 0\n"


def test_an_addition_beside_a_removal() -> None:
    source = "A: 1\n\nB: 2\n\nC: 3\n"
    operations: list[Operation] = [Remove(at("A")), Add(at("X"), 0, before="B")]
    assert edit(source, *operations) == "X: 0\n\nB: 2\n\nC: 3\n"
    operations = [Remove(at("B")), Add(at("X"), 0, before="B")]
    assert edit(source, *operations) == "A: 1\n\nX: 0\n\nC: 3\n"
    operations = [Remove(at("C")), Add(at("X"), 0)]
    assert edit(source, *operations) == "A: 1\n\nB: 2\n\nX: 0\n"


def test_items_of_lists_go() -> None:
    source = "L:\n- a # a\n# about b\n- b\n- c\nM: 1\n"
    assert edit(source, Remove(at("L", 0))) == "L:\n# about b\n- b\n- c\nM: 1\n"
    assert edit(source, Remove(at("L", 1))) == "L:\n- a # a\n- c\nM: 1\n"
    assert edit(source, Remove(at("L", 2))) == "L:\n- a # a\n# about b\n- b\nM: 1\n"


def test_the_only_entry_of_a_block_is_not_removed() -> None:
    text = HEAD + "      A:\n        B: 1\n"
    assert "would leave /Resources/Topic/Properties/A empty" in refusal(text, Remove(at("A", "B")))


def test_the_first_and_the_last_section_go() -> None:
    text = "# head\n\nDescription: x\n\n" + HEAD + "      A: 1\n\nOutputs:\n  X:\n    Value: 1\n"
    new = apply(text, Remove(("Description",)))
    assert new == "# head\n\n" + HEAD + "      A: 1\n\nOutputs:\n  X:\n    Value: 1\n"
    new = apply(text, Remove(("Outputs",)))
    assert new == "# head\n\nDescription: x\n\n" + HEAD + "      A: 1\n"


# --- replacements ----------------------------------------------------------------------------


def test_a_reference_becomes_another_and_its_comment_stays() -> None:
    source = "A: !Ref Password  # secret\nB: 2\n"
    new = "A: !Sub '{{resolve:secretsmanager:${Secret}::password}}'  # secret\nB: 2\n"
    assert edit(source, Replace(at("A"), REFERENCE)) == new


@pytest.mark.parametrize(
    ("source", "value", "new"),
    [
        ("A: x", "v", "A: v"),
        ("A:   x", "v", "A:   v"),
        ("A: x", "yes", "A: 'yes'"),
        ("A: 'x'", "y", "A: 'y'"),
        ("A: 'x'", "it's", "A: 'it''s'"),
        ('A: "x"', "y", 'A: "y"'),
        ('A: "x"', 'say "y"', "A: 'say \"y\"'"),
        ('A: "x"', "a\tb", 'A: "a\\tb"'),
        ("A: 'x'", "a\tb", 'A: "a\\tb"'),
        ("A: 1", 2, "A: 2"),
        ("A: 1", "1", "A: '1'"),
        ("A: yes", False, "A: false"),
        ("A: yes", True, "A: yes"),
        ("A: 2010-09-09", "2010-09-09", "A: 2010-09-09"),
        ("A:", "x", "A: x"),
        ("A:  # c", "x", "A: x  # c"),
        ("A: ~", {"Ref": "B"}, "A: !Ref B"),
        ("A: !Sub 'a'", {"Fn::Sub": "b"}, "A: !Sub 'b'"),
        ("A: !Sub a", {"Fn::Sub": "b: c"}, "A: !Sub 'b: c'"),
        ("A: !GetAtt B.C", {"Fn::GetAtt": ["B", "D"]}, "A: !GetAtt B.D"),
        ("A: 'x'", {"Ref": "B"}, "A: !Ref B"),
        ("A: !Ref 'x'", {"Ref": "B"}, "A: !Ref 'B'"),
        ("A: 4.2.0", "4.3.0", "A: 4.3.0"),
        ("A: x # c", {"B": 1}, "A: # c\n  B: 1"),
        ("A: x # c", ["b"], "A: # c\n  - b"),
        ("A:\n  B: 1 # c", "x", "A: x"),
        ("A: # c\n  B: 1", "x", "A: x # c"),
        ("A:\n  # lead\n  - b", {"C": 1}, "A:\n  # lead\n  C: 1"),
        ("A:\n- b", "x", "A: x"),
        ("A: !If\n  - C\n  - b\n  - c", "x", "A: x"),
        ("A: !If\n  - C\n  - b\n  - c", {"Fn::If": ["C", "d", "c"]}, "A: !If\n  - C\n  - d\n  - c"),
        ("A: {B: 1}", "x", "A: x"),
        ("A: {B: 1, C: 2}", {"B": 1, "C": 3}, "A: {B: 1, C: 3}"),
        ("A: |\n  x\n  y", "z", "A: z"),
        ("A: x", "y\nz\n", "A: |\n  y\n  z"),
        ("A:\n  Fn::Sub: x", {"Fn::Sub": "v"}, "A:\n  Fn::Sub: v"),
    ],
)
def test_a_value_becomes_another(source: str, value: Value, new: str) -> None:
    source = f"{source}\nZ: 0\n"
    assert edit(source, Replace(at("A"), value)) == f"{new}\nZ: 0\n"


def test_only_what_differs_in_a_mapping_is_touched() -> None:
    source = "A:\n  B: 'x'  # b\n\n  C: 2\n  D: [1,2]\n"
    value: Value = {"B": "x", "C": 3, "E": 1, "D": [1, 2]}
    new = "A:\n  B: 'x'  # b\n\n  C: 3\n  E: 1\n  D: [1,2]\n"
    assert edit(source, Replace(at("A"), value)) == new
    assert edit(source, Replace(at("A"), {"E": 1, "B": "x"})) == "A:\n  E: 1\n\n  B: 'x'  # b\n"


def test_only_what_differs_in_a_list_is_touched() -> None:
    source = "L:\n- a  # a\n- b\n- c  # c\n"
    assert edit(source, Replace(at("L"), ["a", "x", "c"])) == "L:\n- a  # a\n- x\n- c  # c\n"
    assert edit(source, Replace(at("L"), ["a", "c"])) == "L:\n- a  # a\n- c  # c\n"
    new = "L:\n- a  # a\n- b\n- x\n- v\n- c  # c\n"
    assert edit(source, Replace(at("L"), ["a", "b", "x", "v", "c"])) == new
    assert edit(source, Replace(at("L"), ["p", "q"])) == "L:\n- p\n- q\n"


def test_the_content_of_a_function_is_replaced_below_its_tag() -> None:
    path = at("A", "Fn::Sub")
    assert edit("A: !Sub 'x'\n", Replace(path, "y")) == "A: !Sub 'y'\n"
    assert (
        edit("A: !Sub x\n", Replace(path, ["${a}", {"a": "b"}])) == "A: !Sub\n  - ${a}\n  - a: b\n"
    )
    assert edit("A: !GetAtt B.C\n", Replace(at("A", "Fn::GetAtt", 1), "D")) == "A: !GetAtt B.D\n"
    new = edit("A: !GetAtt B.C\n", Replace(at("A", "Fn::GetAtt", 0), {"Ref": "D"}))
    assert new == "A: !GetAtt [!Ref D, C]\n"
    assert edit("A: !If [C, a, b]\n", Replace(at("A", "Fn::If", 1), "x")) == "A: !If [C, x, b]\n"


def test_the_lines_of_a_literal_block_that_differ_are_changed() -> None:
    source = "A: !Sub |  # c\n  one\n\n    two\n  three  \n\nB: 1\n"
    value: Value = {"Fn::Sub": "one\n\n    2\n    more\nthree  \n"}
    new = source.replace("    two\n", "      2\n      more\n")
    assert edit(source, Replace(at("A"), {"Fn::Sub": "one\n\n  2\n  more\nthree  \n"})) == (
        source.replace("    two\n", "    2\n    more\n")
    )
    assert edit(source, Replace(at("A"), value)) == new
    assert edit(source, Replace(at("A"), {"Fn::Sub": "one\nthree  \n"})) == source.replace(
        "\n\n    two\n", "\n"
    )


def test_the_part_of_a_folded_text_that_differs_is_changed() -> None:
    for source in (
        "A: >-\n  one two\n  three\n\n  four\n",
        "A: one two\n  three\n\n  four\n",
        "A: 'one two\n  three\n\n  four'\n",
        'A: "one two \\\n  three\\n\\\n  four"\n',
    ):
        new = edit(source + "B: 1\n", Replace(at("A"), "one two 3\nfour"))
        assert new == source.replace("three", "3") + "B: 1\n"


def test_escapes_that_stay_are_kept() -> None:
    source = 'A: "caf\\xe9 one"\n'
    assert edit(source, Replace(at("A"), "café two")) == 'A: "caf\\xe9 two"\n'


def test_escapes_of_json_that_stay_are_kept() -> None:
    text = '{"Resources": {"T": {"Type": "AWS::SNS::Topic", "A": "\\u003cb\\/ one"}}}'
    new = apply(text, Replace(("Resources", "T", "A"), "<b/ two\t"))
    assert new == text.replace("one", "two\\t")


def test_a_text_that_changes_everywhere_is_written_anew() -> None:
    source = "A: >\n  one\n  two\n\nB: 1\n"
    assert edit(source, Replace(at("A"), "x\ny\n")) == "A: |\n  x\n  y\n\nB: 1\n"


# --- flow collections ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "operation", "new"),
    [
        ("L: [a, b]", Add(at("L", 0), "x"), "L: [x, a, b]"),
        ("L: [a, b]", Add(at("L", 1), "x"), "L: [a, x, b]"),
        ("L: [a, b]", Add(at("L", 2), "x"), "L: [a, b, x]"),
        ("L: [a,b]", Add(at("L", 1), "x"), "L: [a,x,b]"),
        ("L: [ a, b ]", Add(at("L", 2), "x"), "L: [ a, b, x ]"),
        ("L: [a, b,]", Add(at("L", 2), "x"), "L: [a, b, x,]"),
        ("L: []", Add(at("L", 0), "x"), "L: [x]"),
        ("L: [a]", Add(at("L", 1), "x, y"), "L: [a, 'x, y']"),
        ("L: [a]", Add(at("L", 1), {"Ref": "B"}), "L: [a, !Ref B]"),
        ("L: [a]", Add(at("L", 1), {"B": {"C": [1]}}), "L: [a, {B: {C: [1]}}]"),
        ("L: [a]", Add(at("L", 1), "x\ny"), 'L: [a, "x\\ny"]'),
        ("L: [\n  a,\n  b\n]", Add(at("L", 1), "x"), "L: [\n  a,\n  x,\n  b\n]"),
        ("L: [\n  a,\n  b\n]", Add(at("L", 2), "x"), "L: [\n  a,\n  b,\n  x\n]"),
        ("L: [\n  a\n]", Add(at("L", 1), "x"), "L: [\n  a,\n  x\n]"),
        ("M: {A: 1, B: 2}", Add(at("M", "X"), 0, before="B"), "M: {A: 1, X: 0, B: 2}"),
        ("M: {A: 1, B: 2}", Add(at("M", "X"), 0, after="B"), "M: {A: 1, B: 2, X: 0}"),
        ("M: {}", Add(at("M", "X"), 0), "M: {X: 0}"),
        ("L: [a, b, c]", Remove(at("L", 0)), "L: [b, c]"),
        ("L: [a, b, c]", Remove(at("L", 1)), "L: [a, c]"),
        ("L: [a, b, c]", Remove(at("L", 2)), "L: [a, b]"),
        ("L: [a, b, c,]", Remove(at("L", 2)), "L: [a, b,]"),
        ("L: [ a ]", Remove(at("L", 0)), "L: []"),
        ("M: {A: 1}", Remove(at("M", "A")), "M: {}"),
        ("L: [a,\n  b, c]", Remove(at("L", 1)), "L: [a,\n  c]"),
        ("L: [\n  a,\n  b\n]", Remove(at("L", 0)), "L: [\n  b\n]"),
        ("L: [\n  a,\n  b\n]", Remove(at("L", 1)), "L: [\n  a\n]"),
        ("L: [a, b]", Replace(at("L", 0), {"Fn::Sub": "x"}), "L: [!Sub x, b]"),
        ("L: [a, b]", Replace(at("L", 0), "x, y"), "L: ['x, y', b]"),
        ("L: [a, {b: }]", Replace(at("L", 1, "b"), "x"), "L: [a, {b: x}]"),
    ],
)
def test_flow(source: str, operation: Operation, new: str) -> None:
    assert edit(f"{source}\nZ: 0\n", operation) == f"{new}\nZ: 0\n"


def test_an_empty_collection_opens_into_a_block_for_more_than_scalars() -> None:
    value: Value = {"Type": "String"}
    source = "M: {}  # c\nL: []\nZ: 0\n"
    new = "M:  # c\n  A:\n    Type: String\n  B: 1\nL: []\nZ: 0\n"
    assert edit(source, Add(at("M", "A"), value), Add(at("M", "B"), 1)) == new
    new = "M: {}  # c\nL:\n  - Type: String\nZ: 0\n"
    assert edit(source, Add(at("L", 0), value)) == new
    text = HEAD + "      M: {}\n"
    assert "no entry to stand beside" in refusal(text, Add(at("M", "A"), value, before="B"))
    assert "is not there" in refusal(text, Add(at("M", "A"), 1, before="B"))


def test_a_comment_between_brackets_refuses_the_edit_beside_it() -> None:
    text = HEAD + "      L: [a, # one\n        b]\n"
    assert "comment stands between the brackets" in refusal(text, Remove(at("L", 0)))
    assert apply(text, Replace(at("L", 1), "x")) == text.replace("b]", "x]")


def test_a_pair_without_braces_is_not_edited() -> None:
    text = HEAD + "      L: [A: 1]\n"
    assert "without braces" in refusal(text, Add(at("L", 0, "B"), 1))


# --- JSON ------------------------------------------------------------------------------------

DATA: dict[str, Value] = {
    "Parameters": {"P": {"Type": "String"}, "Q": {"Type": "String"}},
    "Resources": {
        "A": {"Type": "AWS::SNS::Topic", "Properties": {"L": ["a", "b"], "R": {"Ref": "P"}}},
        "B": {"Type": "AWS::SNS::Topic", "Properties": {}},
    },
}
PLAN: tuple[Operation, ...] = (
    Remove(("Parameters", "P")),
    Add(("Resources", "S"), {"Type": "T", "Properties": {"N": [1, True, None]}}, before="B"),
    Replace(("Resources", "A", "Properties", "R"), REFERENCE),
    Add(("Resources", "A", "Properties", "L", 1), 'x"y'),
    Add(("Resources", "B", "Properties", "New"), "é"),
    Remove(("Resources", "A", "Type")),
)


@pytest.mark.parametrize("indent", [None, 1, 2, 4, "\t"])
@pytest.mark.parametrize("separators", [None, (",", ":")])
def test_json_is_written_as_it_was(
    indent: int | str | None, separators: tuple[str, str] | None
) -> None:
    def dump(data: Value) -> str:
        return json.dumps(data, indent=indent, separators=separators, ensure_ascii=False)

    expected = patched(DATA, PLAN)
    # A patch appends; the plan says before which entry.
    resources = expected["Resources"]
    expected["Resources"] = {key: resources[key] for key in ("A", "S", "B")}
    assert apply(dump(DATA), *PLAN) == dump(expected)


def test_json_in_one_line_stays_in_it_among_longer_ones() -> None:
    text = dedent("""\
        {
          "Resources" : {
            "T" : {
              "Type" : "AWS::SNS::Topic",
              "A" : { "Ref" : "P" },
              "B" : { "Fn::GetAtt" : [ "X", "Y" ] }
            }
          }
        }
    """)
    at_type: Path = ("Resources", "T")
    new = apply(text, Add((*at_type, "C"), {"Fn::Sub": "x"}, before="B"))
    assert new == text.replace('      "B"', '      "C" : { "Fn::Sub" : "x" },\n      "B"')
    assert apply(text, Replace((*at_type, "A"), {"Ref": "Q"})) == text.replace('"P"', '"Q"')


def test_the_only_entry_of_an_object_leaves_it_empty() -> None:
    text = '{"Resources": {"T": {"Type": "AWS::SNS::Topic", "P": {\n  "A": 1\n}}}}'
    assert apply(text, Remove(("Resources", "T", "P", "A"))) == text.replace('{\n  "A": 1\n}', "{}")


def test_json_without_a_last_line_end() -> None:
    text = json.dumps(DATA, indent=2)
    new = apply(text, Add(("Outputs",), {"X": {"Value": 1}}))
    assert new == text[:-2] + ',\n  "Outputs": {\n    "X": {\n      "Value": 1\n    }\n  }\n}'


# --- the text around -------------------------------------------------------------------------


def test_line_ends_are_those_of_the_neighbours() -> None:
    text = (HEAD + "      A: 1\n\n      B: 2\n").replace("\n", "\r\n")
    value: Value = {"C": ["a", "b\nc\n"]}
    new = apply(text, Add(at("X"), value), Replace(at("A"), {"D": 1}))
    assert "\n" not in new.replace("\r\n", "")
    mixed = HEAD.replace("\n", "\r\n") + "      A: 1\n      B: 2\n"
    new = apply(mixed, Add(at("X"), 0))
    assert new == mixed + "      X: 0\n"
    new = apply(mixed, Add(("Resources", "Topic", "X"), 0, before="Properties"))
    assert "    X: 0\r\n" in new


def test_a_text_without_a_last_line_end_keeps_none() -> None:
    text = HEAD + "      A: 1\n      B: 2"
    assert apply(text, Add(at("C"), 3)) == text + "\n      C: 3"
    assert apply(text, Remove(at("B"))) == HEAD + "      A: 1"
    assert apply(text, Replace(at("B"), {"C": 1})) == HEAD + "      A: 1\n      B:\n        C: 1"
    assert apply(text, Add(at("C"), "a\nb\n")) == text + '\n      C: "a\\nb\\n"'


def test_a_block_text_at_an_open_end_is_not_disturbed() -> None:
    text = HEAD + "      A: |\n        a\n      B: |\n        b"
    assert "no line end" in refusal(text, Add(at("C"), 3))
    assert "no line end" in refusal(text, Remove(at("B")))


def test_a_block_text_that_keeps_its_blank_lines_is_not_disturbed() -> None:
    text = HEAD + "      A: |+\n        a\n\n      B: 2\n      C: 3\n"
    assert "keeps the blank lines" in refusal(text, Remove(at("B")))
    assert apply(text, Remove(at("C"))) == text.replace("      C: 3\n", "")


def test_a_byte_order_mark_is_not_part_of_the_text() -> None:
    document = Document.parse("\ufeff" + HEAD + "      A: 1\n")
    assert splice.apply(document, [Add(at("B"), 2)]) == HEAD + "      A: 1\n      B: 2\n"


def test_documents_with_markers_and_directives() -> None:
    text = "%YAML 1.1\n---\n" + HEAD + "      A: 1\n...\n"
    assert apply(text, Add(at("B"), 2)) == text.replace("A: 1\n", "A: 1\n      B: 2\n")
    assert apply(text, Add(("Outputs",), {"X": 1})).endswith("A: 1\nOutputs:\n  X: 1\n...\n")


def test_lines_that_only_yaml_counts() -> None:
    text = "# a\u2028# b\n" + HEAD + '      A: "x\u2028y"\n      B: 2\n'
    assert apply(text, Add(at("C"), 1, before="B")) == text.replace("B: 2", "C: 1\n      B: 2")


def test_nested_additions_at_one_point_of_the_text() -> None:
    text = HEAD + "      A: 1\n"
    new = apply(text, Add(("Resources", "X"), {"Type": "T"}), Add(at("B"), 2))
    assert new == text + "      B: 2\n  X:\n    Type: T\n"


def test_no_operations_change_nothing() -> None:
    assert apply(HEAD + "      A: 1 # c") == HEAD + "      A: 1 # c"


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "operation", "words"),
    [
        ("A: &x 1\nB: *x\n", Replace(at("A"), 2), "anchor"),
        ("A: &x 1\nB: *x\n", Replace(at("B"), 2), "anchor"),
        ("A: &x 1\nB: *x\n", Remove(at("A")), "anchor"),
        ("A: &x {C: 1}\nB: *x\n", Replace(at("B", "C"), 2), "anchor"),
        ("A: &x {C: 1}\nB: *x\n", Add(at("A", "D"), 2), "anchor"),
        ("A: &x 1\nB: 2\n", Replace(at("A"), 2), "anchor"),
        ("A: &x {C: 1}\nB:\n  <<: *x\n  D: 1\n", Replace(at("B", "C"), 2), "merge key"),
        ("A: &x {C: 1}\nB:\n  <<: *x\n  D: 1\n", Remove(at("B", "D")), "merge key"),
        ("A: 1\nB: 2\nA: 3\n", Remove(at("B")), "stands twice"),
        ("A: {C: 1}\nA: {C: 2}\n", Replace(at("A", "C"), 3), "stands twice"),
        ("A: 1\n", Add(at("A"), 2), "is there already"),
        ("A: 1\n", Remove(at("B")), "is not there"),
        ("A: 1\n", Replace(at("B"), 1), "is not there"),
        ("A: 1\n", Add(at("B", "C"), 1), "is not there"),
        ("A: 1\n", Add(at("B"), 1, before="C"), "is not there"),
        ("A: 1\n", Add(at("A", "B"), 1), "holds no entries"),
        ("A: !Ref B\n", Add(at("A", "B"), 1), "holds no entries"),
        ("A: !Ref B\n", Remove(at("A", "Ref")), "holds no entries"),
        ("A: !If [C, a, b]\n", Remove(at("A", "Fn::If")), "holds no entries"),
        ("L: [a]\n", Add(at("L", 2), 1), "beyond the end"),
        ("L: [a]\n", Add(at("L", "A"), 1), "a list has no keys"),
        ("A: {B: 1}\n", Add(at("A", 0), 1), "an index is no key"),
        ("? A\n: 1\nB: 2\n", Remove(at("B")), "front of an entry"),
        ("&k A: 1\nB: 2\n", Remove(at("B")), "tag or an anchor"),
        ("A: 1\n", Replace((), {}), "whole template"),
        ("A: 1\n", Remove(()), "whole template"),
    ],
)
def test_what_cannot_be_done_soundly_is_refused(
    source: str, operation: Operation, words: str
) -> None:
    text = HEAD + "".join(f"      {line}\n" for line in source.splitlines())
    assert words in refusal(text, operation)


@pytest.mark.parametrize(
    "operations",
    [
        (Remove(at("A")), Replace(at("A"), 1)),
        (Remove(at("A")), Remove(at("A"))),
        (Remove(at("A")), Replace(at("A", "B"), 1)),
        (Replace(at("A"), 1), Add(at("A", "C"), 1)),
        (Add(at("X"), 1), Add(at("X"), 2)),
        (Remove(at("A")), Add(at("A"), 1)),
    ],
)
def test_operations_that_overlap_are_refused(operations: tuple[Operation, ...]) -> None:
    assert "operation" in refusal(HEAD + "      A: {B: 1}\n      Z: 1\n", *operations)


def test_an_anchor_elsewhere_is_no_obstacle() -> None:
    source = "A: &x {C: 1}\nB: *x  # alias\nD: 4\n"
    assert edit(source, Add(at("E"), 5, after="B")) == source.replace("D:", "E: 5\nD:")
    assert edit(source, Replace(at("D"), 5)) == source.replace("4", "5")
    source = "A: &x a\nL:\n- *x\n- b\nM: [*x, c]\n"
    assert edit(source, Add(at("L", 2), "d")) == source.replace("- b\n", "- b\n- d\n")
    assert edit(source, Add(at("M", 1), "d")) == source.replace("*x, c", "*x, d, c")


def test_a_tab_in_front_of_an_entry_is_refused() -> None:
    text = HEAD + "      L:\n      -\ta: 1\n"
    try:
        document = Document.parse(text)
    except Exception:  # noqa: BLE001  # libyaml may refuse it already
        return
    with pytest.raises(EditError, match="tab"):
        splice.apply(document, [Add(at("L", 0, "b"), 1)])


# --- the rarer turns -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "operation", "words"),
    [
        ("L: []\nZ: 0\n", Add(at("L", 1), {"A": 1}), "no entry to stand beside"),
        ("A: &x b\nL: &y\n- *x\nM: *y\n", Add(at("L", 0), 1), "anchor"),
        ("A: !Sub 'x'\nZ: 0\n", Replace(at("A", "Ref"), 1), "is not there"),
        ("A: &x {B: 1}\nC:\n  D: *x\n", Replace(at("C"), {"E": 1}), "anchor"),
        ("A: !GetAtt B.C\nZ: 0\n", Replace(at("A", "Fn::GetAtt", 2), "x"), "is not there"),
        ("A: !GetAtt B.C\nZ: 0\n", Add(at("A", "Fn::GetAtt", 2), "x"), "holds no entries"),
        ("A: &x {F: [1]}\nB:\n  <<: *x\n", Replace(at("B", "F"), [1, 2]), "merge key"),
        ("A: &x {F: {G: 1}}\nB:\n  <<: *x\n", Replace(at("B", "F"), {"G": 2}), "merge key"),
        ("M: {A, B: 1}\nZ: 0\n", Remove(at("M", "B")), "no colon"),
        ("M: {A, B: 1}\nZ: 0\n", Replace(at("M", "A"), 1), "no colon"),
        ("M:\n  ? A\nZ: 0\n", Replace(at("M"), 1), "no colon"),
        ("M:\n  ? A\nZ: 0\n", Add(at("N"), 1, after="M"), "no colon"),
    ],
)
def test_rarer_refusals(source: str, operation: Operation, words: str) -> None:
    text = HEAD + "".join(f"      {line}\n" for line in source.splitlines())
    assert words in refusal(text, operation)


def test_a_whole_entry_may_change_beside_the_removal_of_its_neighbours() -> None:
    source = "L:\n- a\n- b\n- c\n- d\n"
    assert edit(source, Replace(at("L"), ["a", "x", "d"])) == "L:\n- a\n- x\n- d\n"


def test_the_dashes_of_a_function_tell_the_style_of_lists() -> None:
    source = "A: !If\n- C\n- b: 1\n- c\n"
    value: Value = {"Fn::If": ["C", {"d": 1}, "e"]}
    assert edit(source, Add(at("X"), value)) == source + "X: !If\n- C\n- d: 1\n- e\n"


def test_a_list_of_objects_in_json_grows_by_an_object() -> None:
    text = json.dumps({"Resources": {"T": {"Type": "AWS::X", "L": [{"A": 1}], "M": []}}}, indent=2)
    path: Path = ("Resources", "T")
    new = apply(text, Add((*path, "L", 1), {"B": [1]}), Add((*path, "M", 0), {"C": "d"}))
    data = Document.parse(new).data
    assert new == json.dumps(data, indent=2)
