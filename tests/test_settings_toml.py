"""What stands where in a TOML text, and in the texts that the SAM CLI takes several values from."""

from __future__ import annotations

from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from remediator import plain_toml, settings_toml, toml_text
from remediator.errors import EditError, ProofError
from remediator.model import Remove, Replace
from remediator.overrides import assignments, less, spans_of

TEXT = '''\
version = 0.1
a . b."c.d" = 1.5 # x = 2
'e' = { f = "g", "h i" = [1, 2], j.k = {l = 3} }
[default.deploy.parameters]
text = "a\\"b\\\\ \\u00e9\\U0001F600 # no comment"
literal = 'a\\b # no comment'
empty = ""
lines = """
A=1 \\

   B=2 "quoted" ""\\"
"""
ends = """a""""
raw = \'\'\'
it\'\'s\'\'\'\'
list = [ "A=1", # one, two
  'B=2', [1, [2]], {x = 1, y = "a,b"}, 2020-01-01 00:00:00,
]
[[x]]
a = 1
[x.y]
b = true
[[x]]
a = 3
[[x.z]]
c = -inf
[  "q.r" . s ]
t=1'''


def at(data: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        data = data[step]
    return data


def check(text: str) -> int:
    """Compare what is found in a text with what Python's own reader reads there."""
    data = plain_toml.loads(text)
    found = toml_text.pairs(text)
    for pair in found:
        value = at(data, pair.path)
        source = text[slice(*pair.value)]
        again = plain_toml.loads(f"x = {source}")["x"]
        assert repr(again) == repr(value)
        assert text[pair.start] not in " \t\r\n[#"
        if isinstance(value, str):
            content, places = toml_text.string(text, pair.value)
            assert content == value
            assert len(places) == len(content) + 1
            assert places == sorted(places)
        elif isinstance(value, list):
            spans = toml_text.items(text, pair.value)
            items = [plain_toml.loads(f"x = {text[slice(*span)]}")["x"] for span in spans]
            assert repr(items) == repr(value)
        else:
            with pytest.raises(ValueError, match="no string"):
                toml_text.string(text, pair.value)
    return len(found)


def test_pairs_stand_where_they_are_read() -> None:
    assert check(TEXT) == 19
    assert check(TEXT.replace("\n", "\r\n")) == 19


@pytest.mark.parametrize("text", ["a = 'b", "a = \x00", 'a = "\\q"'])
def test_a_text_that_is_none(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any will do
        toml_text.string(text, toml_text.pairs(text)[0].value)


def test_nesting_has_an_end() -> None:
    with pytest.raises(ValueError, match="deep"):
        toml_text.pairs("a = " + "{a = " * 100 + "1" + "}" * 100)


KEYS = st.one_of(st.sampled_from(["a", "b-c", "parameter_overrides", "1"]), st.text(max_size=3))
SCALARS = st.one_of(
    st.text(max_size=12),
    st.text("\"'\\\n =#,[]{}ab", max_size=12),
    st.integers(-9, 9),
    st.booleans(),
    st.floats(allow_nan=False),
)
DATA = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


@settings(max_examples=200, deadline=None)
@given(DATA, st.booleans())
def test_any_pair_stands_where_it_is_read(data: dict[str, Any], carriage_return: bool) -> None:
    try:
        text = tomlkit.dumps(data)
        plain_toml.loads(text)
    except ValueError:
        return  # tomlkit writes some characters that TOML forbids
    if carriage_return and "\r" not in text:
        text = text.replace("\n", "\r\n")
    check(text)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *('"""', "'''", '"', "'", "\\", "\n", "\r\n", " ", "a", "=", "\\u0041"),
                *('""', "''", "\\\n  ", "#", "é"),
            ]
        ),
        max_size=9,
    )
)
def test_any_string_is_read_character_by_character(parts: list[str]) -> None:
    for quote in ('"', "'", '"""', "'''"):
        text = f"x = {quote}{''.join(parts)}{quote} # c\n"
        try:
            data = plain_toml.loads(text)
        except ValueError:
            continue
        if list(data) == ["x"] and isinstance(data["x"], str):
            check(text)


# --- several values in one text --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("A=1", ["A"]),
        ("A=1 B=2  C=3", ["A", "B", "C"]),
        ("A=\"1 2\" B='3 4'", ["A", "B"]),
        ('A="1 \\" 2" B=3\\ 4', ["A", "B"]),
        ("A=1=2 B=", ["A"]),
        ('"A"=1', ["A"]),
        ("ParameterKey=A,ParameterValue=1 ParameterKey=B,ParameterValue=2", ["A", "B"]),
        ("ParameterKey=A,ParameterValue=1 B=2", ["A"]),  # either all are long, or none is
        ("A=1\nB=2", ["A"]),  # only a space parts two
        ("A=1 \n B=2", ["A", "B"]),
        ("--flag A=1", ["A"]),
        ("file://parameters.json", []),
    ],
)
def test_assignments_as_the_sam_cli_reads_them(text: str, names: list[str]) -> None:
    found = assignments(text)
    assert [each.name for each in found] == names
    assert all(text[each.start : each.end].strip() for each in found)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("X=1", ""),
        ("  X=1 ", ""),
        ("X=1 X=2", ""),
        ("X=1 A=2", "A=2"),
        ("A=1 X=1", "A=1"),
        ("A=1  X=1   B=2", "A=1   B=2"),
        (" X=1  A=2 ", " A=2 "),
        ("X=1 X=2 A=1 X=3 B=2 X=4", "A=1 B=2"),
        ("A=1\n  X=1 B=2", "A=1\n  B=2"),  # the line end is A's
        (
            "ParameterKey=X,ParameterValue=1 ParameterKey=A,ParameterValue=2",
            "ParameterKey=A,ParameterValue=2",
        ),
    ],
)
def test_an_assignment_goes_with_what_parts_it(text: str, rest: str) -> None:
    assert less(text, spans_of(text, {"X"})) == rest


@pytest.mark.parametrize(
    "text", ["A=1", "", "A=1\nX=2", "X=1 --flag", "ParameterKey=X,ParameterValue=1 A=2", "X=1;A=2"]
)
def test_an_assignment_that_cannot_be_told_stays(text: str) -> None:
    if text == "X=1;A=2":
        assert spans_of(text, {"X"}) == [(0, len(text))]  # it is all X's value
        return
    with pytest.raises(EditError):
        spans_of(text, {"X"})


PIECES = st.lists(
    st.tuples(
        st.sampled_from("XABC"),
        st.sampled_from(["1", '"a b"', "'c d'", 'x\\ "y"', "a=b,c", "\n", '"\\""']),
        st.sampled_from([" ", "  ", " \n "]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=300, deadline=None)
@given(PIECES, st.booleans())
def test_the_others_stay_what_they_were(pieces: list[tuple[str, str, str]], long: bool) -> None:
    form = "ParameterKey={},ParameterValue={}{}" if long else "{}={}{}"
    text = "".join(form.format(*piece) for piece in pieces)
    try:
        rest = less(text, spans_of(text, {"X"}))
    except EditError:
        return
    assert [(each.name, each.value) for each in assignments(rest)] == [
        (each.name, each.value) for each in assignments(text) if each.name != "X"
    ]


# --- edits -----------------------------------------------------------------------------------

PLACE = ("a", "b", "parameters", "parameter_overrides")


def test_a_string_that_ends_in_quotes_stays_one() -> None:
    text = '[a.b.parameters]\nparameter_overrides = """A=1 X=2 B=\\"3""""\n'
    new, operations = settings_toml.without(text, {PLACE: {"X"}})
    assert new == text.replace(" X=2", "")
    assert operations == (Replace(PLACE, 'A=1 B="3"'),)


def test_what_looks_like_a_comment_above_is_told_from_one() -> None:
    text = "[a.b.parameters]\nx = '''\n# y'''\nparameter_overrides = ['X=1']\n"
    new, _ = settings_toml.without(text.replace("['X=1']", "'X=1'"), {PLACE: {"X"}})
    assert new == "[a.b.parameters]\nx = '''\n# y'''\n"


def test_keys_that_share_a_blank_line_go_together() -> None:
    text = "[a]\n\nX = 1\n\nY = 1\n\n\nz = 1\n"
    new, operations = settings_toml.without(text, {("a", "X"): {"X"}, ("a", "Y"): {"Y"}})
    assert new == "[a]\n\n\n\nz = 1\n"
    assert operations == (Remove(("a", "X")), Remove(("a", "Y")))


def test_a_dotted_key_goes_where_its_table_stays() -> None:
    text = "a.b.X = 1\na.b.y = 1\n[c]\nX.d = 1\n"
    new, _ = settings_toml.without(text, {("a", "b", "X"): {"X"}})
    assert new == text.replace("a.b.X = 1\n", "")
    with pytest.raises(EditError, match="all that its table is made of"):
        settings_toml.without(text, {("a", "b", "X"): {"X"}, ("a", "b", "y"): {"y"}})


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("a = {X = 1}\n", ("a", "X"), "within a line"),
        ("a = [{X = '1'}]\n", ("a", 0, "X"), "within a line"),
        ("a = [['X=1 A=2']]\n", ("a", 0, 0), "cannot be edited"),
        ("a.X = 1\n", ("a", "X"), "all that its table is made of"),
        ("a = 1\n", ("b",), "is not there"),
        ("a = 1\n", ("a", "b"), "is not there"),
    ],
)
def test_what_cannot_be_edited(text: str, place: tuple[str | int, ...], reason: str) -> None:
    with pytest.raises(EditError, match=reason):
        settings_toml.without(text, {place: {"X"}})


def test_what_the_second_reader_refuses_is_not_edited(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "[a]\nX = 1\ny = 2\n"
    calls = []

    def refuse(text: str) -> Any:
        calls.append(text)
        if len(calls) == limit:
            raise tomlkit.exceptions.ParseError(1, 1)
        return tomlkit.document()

    monkeypatch.setattr(tomlkit, "parse", refuse)
    limit = 1
    with pytest.raises(EditError, match="tomlkit refuses the text"):
        settings_toml.without(text, {("a", "X"): {"X"}})
    calls.clear()
    limit = 2
    with pytest.raises(ProofError, match="tomlkit refuses the new text"):
        settings_toml.without(text, {("a", "X"): {"X"}})
