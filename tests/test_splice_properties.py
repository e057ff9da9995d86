"""Any plan on any template applies exactly, or is refused; and what is undone leaves no trace.

Templates are put together from lines in random style (indentation, quotes, comments, blank lines,
line ends, flow, JSON), so that no emitter's habits stand between the test and the splicer.
"""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import jsonpatch
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from remediator import splice
from remediator.document import Document
from remediator.errors import EditError
from remediator.model import Add, Operation, Path, Remove, Replace, Value, json_patch
from remediator.style import is_plain

COMMENT = re.compile(r"# comment \d+|# =====")

SETTINGS = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

WORDS = st.sampled_from(
    ["a", "Key", "x y", "yes", "12", "a: b", "# x", "{{r}}", "it's", '"', "${A}", "", "é", "0x1"]
)
TEXTS = st.one_of(
    WORDS, st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)
)
SCALARS: st.SearchStrategy[Value] = st.one_of(
    TEXTS, st.booleans(), st.none(), st.integers(-9, 99), st.sampled_from(["a\nb\n", "a\n\nb"])
)
FUNCTIONS: st.SearchStrategy[Value] = st.sampled_from(
    [
        {"Ref": "X"},
        {"Fn::GetAtt": ["A", "B.C"]},
        {"Fn::Sub": '{"a": "${B}"}'},
        {"Fn::If": ["C", {"Ref": "X"}, "y"]},
        {"Fn::Base64": {"Fn::Sub": "x\ny\n"}},
        {"Fn::Join": ["", ["a", {"Ref": "X"}]]},
        {"Condition": "C"},
    ]
)
KEYS = st.sampled_from(["A", "B", "C", "Some Key", "yes", "x:y", "12"])
VALUES: st.SearchStrategy[Value] = st.recursive(
    st.one_of(SCALARS, FUNCTIONS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)


class Writer:
    """Writes a value as YAML, drawing every matter of style."""

    def __init__(self, draw: DrawFn) -> None:
        self.draw = draw
        self.step = draw(st.integers(1, 4))
        self.dash = draw(st.sampled_from([0, self.step]))
        self.comments = draw(st.booleans())
        self.number = 0

    def pick(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def comment(self) -> str:
        self.number += 1
        return f"# comment {self.number}"

    def beside(self) -> str:
        return f"  {self.comment()}" if self.comments and self.draw(st.integers(0, 5)) == 0 else ""

    def above(self, margin: str) -> list[str]:
        if not self.comments:
            return []
        kind = self.draw(st.integers(0, 12))
        own = [margin + self.comment()]
        kinds = {
            0: own,
            1: ["", *own],
            2: ["", margin + "# =====", *own, ""],
            3: [""],
            4: [*own, ""],
        }
        return kinds.get(kind, [])

    def key(self, text: str) -> str:
        return text if is_plain(text) and self.draw(st.booleans()) else json.dumps(text)

    def text(self, text: str, *, flow: bool = False) -> str:
        single = "'" + text.replace("'", "''") + "'"
        choices = [json.dumps(text)]
        if text.isprintable() and not text.startswith(("\u3000",)):
            choices.append(single)
        if is_plain(text, flow=flow):
            choices.append(text)
        return self.pick(*choices)

    def inline(self, value: Value) -> str:
        if isinstance(value, str):
            return self.text(value, flow=True)
        if isinstance(value, dict):
            pairs = [f"{self.key(key)}: {self.inline(item)}" for key, item in value.items()]
            return "{" + self.pick(", ", ",  ").join(pairs) + "}"
        if isinstance(value, list):
            return "[" + self.pick(", ", " , ").join(map(self.inline, value)) + "]"
        return json.dumps(value)

    def lines(self, value: Value, margin: str) -> list[str]:
        """Return the lines of a value behind a key or dash whose column is `margin`: the first
        follows on its line."""
        if isinstance(value, dict | list) and (not value or self.draw(st.integers(0, 4)) == 0):
            return [" " + self.inline(value) + self.beside()]
        if isinstance(value, dict):
            return [self.beside(), *self.entries(value, margin + " " * self.step)]
        if isinstance(value, list):
            inner = margin + " " * self.dash
            return [self.beside(), *self.items(value, inner)]
        if isinstance(value, str) and "\n" in value and value.isascii() and value[0].isalpha():
            header = "|" if value.endswith("\n") else "|-"
            inner = margin + " " * self.step
            body = value.removesuffix("\n").split("\n")
            return [" " + header, *(inner + line if line else "" for line in body)]
        source = self.text(value) if isinstance(value, str) else json.dumps(value)
        return [" " + source + self.beside()]

    def entries(self, value: dict[str, Value], margin: str) -> list[str]:
        lines: list[str] = []
        for key, item in value.items():
            first, *rest = self.lines(item, margin)
            lines += [*self.above(margin), f"{margin}{self.key(key)}:{first}", *rest]
        return lines

    def items(self, value: list[Value], margin: str) -> list[str]:
        lines: list[str] = []
        for item in value:
            lines += self.above(margin)
            if isinstance(item, dict) and item and self.draw(st.booleans()):
                first, *rest = self.entries(item, margin + "  ")
                while not first.strip() or first.lstrip().startswith("#"):
                    first, *rest = rest  # no comment can stand in front of a dash's own line
                lines += [f"{margin}- {first.lstrip(' ')}", *rest]
            elif isinstance(item, list):
                lines.append(f"{margin}- {self.inline(item)}")
            else:
                first, *rest = self.lines(item, margin)
                lines += [f"{margin}-{first}", *rest]
        return lines


@st.composite
def templates(draw: DrawFn) -> str:
    data: dict[str, Value] = {
        "Resources": {
            "Keep": {"Type": "AWS::SNS::Topic"},
            "One": {"Type": "AWS::SNS::Topic", "Properties": draw(VALUES)},
            "Two": {"Type": "AWS::SNS::Topic", "Metadata": draw(VALUES)},
        },
        "Outputs": draw(st.dictionaries(KEYS, VALUES, min_size=1, max_size=3)),
    }
    if draw(st.integers(0, 3)) == 0:
        indent = draw(st.sampled_from([None, 1, 2, 4, "\t"]))
        return json.dumps(data, indent=indent, ensure_ascii=draw(st.booleans()))
    lines = Writer(draw).entries(data, "")
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    return newline.join(lines) + draw(st.sampled_from([newline, newline, "", newline * 2]))


def places(value: Value, path: Path = ()) -> list[Path]:
    children: list[tuple[str | int, Value]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return [
        place for step, item in children for place in [(*path, step), *places(item, (*path, step))]
    ]


def at(data: Value, path: Path) -> Value:
    for step in path:
        assert isinstance(data, dict | list)
        data = data[step]  # type: ignore[index]
    return data


def is_needed(place: Path) -> bool:
    """Whether the text would be no template without an entry."""
    return place == ("Resources",) or place[:2] == ("Resources", "Keep")


@st.composite
def operation(draw: DrawFn, data: dict[str, Value]) -> Operation:
    place = draw(st.sampled_from([place for place in places(data) if not is_needed(place)]))
    kind = draw(st.integers(0, 2))
    if kind == 0:
        return Replace(place, draw(VALUES))
    if kind == 1:
        return Remove(place)
    parent = at(data, place[:-1])
    if isinstance(parent, list):
        return Add((*place[:-1], draw(st.integers(0, len(parent)))), draw(VALUES))
    key, sibling = draw(st.sampled_from(["New", "Newer"])), str(place[-1])
    beside = draw(st.integers(0, 2))
    return Add(
        (*place[:-1], key),
        draw(VALUES),
        before=sibling if beside == 0 else None,
        after=sibling if beside == 1 else None,
    )


def read(text: str) -> Document:
    try:
        return Document.parse(text)
    except Exception:  # a text that YAML refuses is not this test's business
        assume(False)
        raise


@SETTINGS
@given(st.data())
def test_any_plan_applies_exactly_or_is_refused(data: st.DataObject) -> None:
    document = read(data.draw(templates()))
    operations = data.draw(st.lists(operation(document.data), min_size=1, max_size=4))
    patch: Any = json_patch(operations)
    try:
        new = splice.apply(document, operations)
    except EditError as error:
        event(error.message.split("/")[0])
        return
    expected = jsonpatch.apply_patch(copy.deepcopy(document.data), patch)
    found = document.with_text(new)
    assert json.dumps(found.data, sort_keys=True) == json.dumps(expected, sort_keys=True)
    assert found.is_json == document.is_json
    assert found.text.endswith("\n") == document.text.endswith("\n")
    if "\r" in document.text and "\n" not in document.text.replace("\r\n", ""):
        assert "\n" not in new.replace("\r\n", "")


@SETTINGS
@given(st.data())
def test_an_insertion_leaves_all_lines_and_its_removal_leaves_no_trace(data: st.DataObject) -> None:
    document = read(data.draw(templates()))
    add = data.draw(operation(document.data).filter(lambda drawn: isinstance(drawn, Add)))
    try:
        new = splice.apply(document, [add])
    except EditError as error:
        event(error.message.split("/")[0])
        return
    assert COMMENT.findall(new) == COMMENT.findall(document.text)
    try:
        undone = splice.apply(document.with_text(new), [Remove(add.path)])
    except EditError as error:
        event("not undone: " + error.message.split("/")[0])
        return
    assert undone == document.text


@SETTINGS
@given(st.data())
def test_a_value_replaced_by_itself_changes_nothing(data: st.DataObject) -> None:
    document = read(data.draw(templates()))
    place = data.draw(st.sampled_from(places(document.data)))
    value = copy.deepcopy(at(document.data, place))
    assert splice.apply(document, [Replace(place, value)]) == document.text


@SETTINGS
@given(st.data())
def test_lines_far_from_an_edit_are_untouched(data: st.DataObject) -> None:
    document = read(data.draw(templates()))
    drawn = data.draw(operation(document.data).filter(lambda drawn: drawn.path[0] == "Outputs"))
    assume(drawn.path != ("Outputs",) and not document.is_json)
    try:
        new = splice.apply(document, [drawn])
    except EditError:
        return
    end = document.text.index("Outputs")
    assert new[:end] == document.text[:end]
