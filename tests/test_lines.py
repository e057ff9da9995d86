"""What became of lines: a diff that carries out, no longer than `difflib`'s, and as readable."""

from __future__ import annotations

import difflib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.lines import Change, changes
from remediator.report.diff import of_file
from remediator.results import FileResult, Status

LINES = st.lists(st.sampled_from("aaabbcdefgh"), max_size=20)


def carried_out(old: list[str], new: list[str]) -> list[str]:
    """Return the old lines with the changes made, having checked what stays between them."""
    made: list[str] = []
    place = new_place = 0
    for change in changes(old, new):
        assert made == [] or change.start > place  # something stays between any two
        assert old[place : change.start] == new[new_place : change.new_start]
        made += old[place : change.start] + new[change.new_start : change.new_end]
        place, new_place = change.end, change.new_end
    return made + old[place:]


@given(LINES, LINES)
def test_changes_make_one_text_of_another(old: list[str], new: list[str]) -> None:
    assert carried_out(old, new) == new


@given(st.lists(st.integers(), unique=True, max_size=30), st.data())
def test_where_every_line_stands_once_nothing_that_stays_is_shown(
    lines: list[int], data: st.DataObject
) -> None:
    old = [str(line) for line in lines]
    gone = data.draw(st.sets(st.sampled_from(old), max_size=5)) if old else set()
    new = [each for line in old if line not in gone for each in (line, *added(line, data))]
    found = changes(old, new)
    shown = sum(change.end - change.start for change in found)
    assert shown == len(gone)


def added(line: str, data: st.DataObject) -> list[str]:
    return [f"new {line}"] * data.draw(st.integers(0, 2))


ENTRY = '    "{0}": {{\n      "Type": "String"\n    }},\n'


def test_an_entry_that_goes_is_shown_as_a_whole() -> None:
    old = "".join(map(ENTRY.format, "ABCDEFG")).splitlines()
    assert changes(old, old[:3] + old[6:]) == [Change(3, 6, 3, 3)]


def test_an_entry_that_comes_is_shown_as_a_whole() -> None:
    new = "".join(map(ENTRY.format, "ABCDEFG")).splitlines()
    assert changes(new[:3] + new[6:], new) == [Change(3, 3, 3, 6)]


CASES = sorted(Path(__file__).parent.glob("cases/*/*/before.*"))


@pytest.mark.parametrize("before", CASES, ids=lambda file: f"{file.parts[-3]}/{file.parts[-2]}")
def test_the_diff_of_a_case_is_no_longer_than_that_of_difflib(before: Path) -> None:
    after = before.with_name("after" + before.suffix)
    if not after.exists():
        return
    old, new = (file.read_bytes().decode().split("\n") for file in (before, after))
    theirs = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    assert sum(c.end - c.start for c in changes(old, new)) <= sum(
        last - first for kind, first, last, _, _ in theirs if kind != "equal"
    )


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("moved", ["", "x\n", "\n\n", "x"])
def test_git_applies_the_diff(tmp_path: Path, end: str, moved: str) -> None:
    lines = [f"line {number}" for number in range(60)]
    old = "\n".join(lines) + end
    lines[9:9], lines[20:23], lines[27:28], lines[-1:] = ["a", "b"], [], ["c"], ["z"]
    new = moved + "\n".join(lines) + (moved or end)
    (tmp_path / "t.yaml").write_text(old)
    diff = of_file(FileResult("t.yaml", Status.FIXED, old=old, new=new))
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff, text=True, check=True)
    assert (tmp_path / "t.yaml").read_text() == new


@pytest.mark.parametrize(("old", "new"), [("", "a\n"), ("a\n", ""), ("a", "b"), ("a", "a\n")])
def test_git_applies_what_makes_or_empties_a_text(tmp_path: Path, old: str, new: str) -> None:
    (tmp_path / "t.yaml").write_text(old)
    diff = of_file(FileResult("t.yaml", Status.FIXED, old=old, new=new))
    assert diff.split("\n", 2)[2] == "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in list(difflib.unified_diff(old.splitlines(True), new.splitlines(True)))[2:]
    )
