"""The SARIF log: regions, fixes, rules, and what is hidden."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from formats import applied_by_bytes, applied_by_lines, dry, problems
from hypothesis import given
from hypothesis import strategies as st
from test_cli import remediator

from remediator.model import Consequence, Finding, Fix, Refusal, Replace
from remediator.registry import builtin_transforms
from remediator.report import sarif
from remediator.report.refusals import REFUSALS
from remediator.report.replacements import replacements
from remediator.results import FileResult, Outcome, RunResult, Status

SCHEMA = "tests/schemas/sarif-2.1.0.json"
LEFT = Refusal("used-in-userdata", "UserData holds it.")
FIX = Fix("x becomes y", (Replace(("a",), 1),), Consequence.ROTATES, "it is live", ("Tell Ann.",))


def outcome(status: Status = Status.WOULD_FIX, line: int = 1, column: int = 1) -> Outcome:
    left = status is Status.LEFT
    finding = Finding(("a",), "x is found", None if left else FIX, LEFT if left else None)
    return Outcome("export-names", finding, status, line, column, finding.refusal, f"{line:010x}")


def file(old: str, new: str, *outcomes: Outcome, path: str = "t.yaml") -> FileResult:
    return FileResult(path, Status.WOULD_FIX, outcomes or (outcome(),), old=old, new=new)


def run_of(*files: FileResult) -> dict[str, Any]:
    log = sarif.log(dry(*files), builtin_transforms())
    assert problems(SCHEMA, log) == []
    run: dict[str, Any] = log["runs"][0]
    return run


# --- regions and fixes -----------------------------------------------------------------------

LINES = st.lists(
    st.tuples(
        st.sampled_from(["", "a: 1", "b: \U0001f512é", "\tc", "  - d", "# \u2028 x"]),
        st.sampled_from(["\n", "\r\n", "\r"]),
    ),
    max_size=7,
)
END = st.sampled_from(["", "", "tail", "\U0001f512"])
TEXT = st.builds(lambda lines, end: "".join(a + b for a, b in lines) + end, LINES, END)


@given(TEXT, TEXT, st.booleans())
def test_replacements_give_the_new_text_byte_for_byte(old: str, new: str, bom: bool) -> None:
    # A carriage return at the end of one line and a line feed on the next would be one line end.
    start = "\ufeff" if bom else ""
    made = replacements(FileResult("t", Status.FIXED, old=start + old, new=start + new))
    assert applied_by_lines(start + old, made) == start + new
    assert applied_by_bytes(start + old, made) == start + new


@pytest.mark.parametrize(
    ("old", "new", "region", "text"),
    [
        ("a\nb\nc\n", "a\nB\nc\n", (2, 1, 3, 1, 2, 2), "B\n"),
        ("\ufeffé\r\nb\r\nc", "\ufeffé\r\nB\r\nc", (2, 1, 3, 1, 7, 3), "B\r\n"),
        ("\U0001f512", "x", (1, 1, 1, 3, 0, 4), "x"),
        # At the end the last line end stays, so that no region lies on a line that is not there.
        ("a\nb\n", "a\nB\n", (2, 1, 2, 2, 2, 1), "B"),
        ("a\r\n", "a\r\nb\r\n", (1, 2, 1, 2, 1, 0), "\r\nb"),
        ("a\nb\n", "a\n", (1, 2, 2, 2, 1, 2), ""),
        ("a", "a\n", (1, 1, 1, 2, 0, 1), "a\n"),
        ("a\n", "a", (1, 1, 1, 3, 0, 2), "a"),
        ("", "a\n", (1, 1, 1, 1, 0, 0), "a\n"),
    ],
)
def test_regions_count_lines_utf16_columns_and_bytes(
    old: str, new: str, region: tuple[int, ...], text: str
) -> None:
    (made,) = replacements(FileResult("t", Status.FIXED, old=old, new=new))
    assert tuple(made["deletedRegion"].values()) == region
    assert made["insertedContent"] == {"text": text}


def test_one_repair_has_the_change_as_its_own() -> None:
    run = run_of(file("a\n", "b\n"))
    (result,) = run["results"]
    (fix,) = result["fixes"]
    assert fix["description"]["text"] == "x becomes y."
    (artifact,) = run["artifacts"]
    assert artifact["length"] == 2
    assert artifact["location"] == fix["artifactChanges"][0]["artifactLocation"]


def test_several_repairs_have_their_change_at_the_first_which_says_so() -> None:
    left = outcome(Status.LEFT)
    results = run_of(file("a\n", "b\n", left, outcome(line=2), outcome(line=3)))["results"]
    assert [len(each.get("fixes", ())) for each in results] == [0, 1, 0]
    told = results[1]["fixes"][0]["description"]["text"]
    assert told.startswith(
        "All 2 repairs of this file together; `remediator fix --only 0000000002`"
    )


def test_a_repair_that_is_made_has_no_fix() -> None:
    (result,) = run_of(file("a\n", "b\n", outcome(Status.FIXED)))["results"]
    assert "fixes" not in result
    assert "Repaired: x becomes y." in result["message"]["text"]


def test_a_secret_is_hidden_and_leaves_no_fix() -> None:
    finding = Finding(("a",), "is Tr0ub4dor", FIX, masked=("Tr0ub4dor",))
    made = Outcome("export-names", finding, Status.WOULD_FIX, 1, 1)
    run = run_of(file("a: Tr0ub4dor\n", "a: 1\n", made))
    assert "Tr0ub4dor" not in json.dumps(run)
    assert run["artifacts"] == []
    (result,) = run["results"]
    assert "fixes" not in result
    assert result["message"]["text"].endswith("as it would show a literal secret.")


def test_a_secret_beside_the_change_leaves_the_fix_but_no_hash() -> None:
    finding = Finding(("a",), "x", FIX, masked=("Tr0ub4dor",))
    made = Outcome("export-names", finding, Status.WOULD_FIX, 1, 1)
    far = "# far away\n" * 9 + "b: Tr0ub4dor\n"
    run = run_of(file("a: 0\n" + far, "a: 1\n" + far, made))
    assert run["results"][0]["fixes"]
    assert "hashes" not in run["artifacts"][0]
    assert "Tr0ub4dor" not in json.dumps(run)


# --- results and rules -----------------------------------------------------------------------


def test_a_result_has_its_place_level_message_and_fingerprint() -> None:
    run = run_of(
        file("# \U0001f512 a\n", "# \U0001f512 b\n", outcome(column=5), path="in/ä b.yaml")
    )
    (result,) = run["results"]
    assert run["columnKind"] == "utf16CodeUnits"
    physical = result["locations"][0]["physicalLocation"]
    assert physical["region"] == {"startLine": 1, "startColumn": 6}
    assert physical["artifactLocation"] == {"uri": "in/%C3%A4%20b.yaml", "uriBaseId": "%SRCROOT%"}
    assert "%SRCROOT%" in run["originalUriBaseIds"]
    assert result["level"] == "note"
    assert result["message"]["text"] == (
        "x is found. Repair: x becomes y. Consequence rotates: it is live. Tell Ann."
    )
    assert result["partialFingerprints"] == {sarif.FINGERPRINT: "0000000001"}


def test_what_is_left_is_a_warning_in_the_committed_text() -> None:
    made = file("a\nb\nc\n", "new\nnew\na\nB\nc\n", outcome(), outcome(Status.LEFT, 5, 3))
    result = run_of(made)["results"][1]
    assert result["level"] == "warning"
    assert result["ruleId"] == "used-in-userdata"
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 3, "startColumn": 3}


def test_rules_hold_the_documentation_of_transforms_and_codes() -> None:
    run = run_of(file("a\n", "b\n", outcome(), outcome(Status.LEFT)))
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [
        *(transform.id for transform in builtin_transforms()),
        "used-in-userdata",
    ]
    assert rules[-1]["help"]["text"] == REFUSALS["used-in-userdata"]
    for transform, rule in zip(builtin_transforms(), rules, strict=False):
        assert rule["help"]["text"] == transform.documentation
        assert rule["helpUri"] in transform.documentation
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])


def test_a_choice_is_a_suppression() -> None:
    declined = replace(outcome(Status.LEFT), refusal=Refusal("declined", "--skip"))
    (result,) = run_of(file("a\n", "a\n", declined))["results"]
    assert result["suppressions"] == [{"kind": "external", "justification": "--skip"}]


def test_an_error_is_a_result_and_a_notification() -> None:
    made = FileResult("/t.yaml", Status.ERROR, error="is no template", error_line=4)
    run = run_of(made)
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == (sarif.UNHANDLED, "error")
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (told,) = invocation["toolExecutionNotifications"]
    assert told["locations"] == result["locations"]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "file:///t.yaml"},
        "region": {"startLine": 4},
    }


def test_standard_input_is_no_file_of_the_repository() -> None:
    (result,) = run_of(file("a\n", "b\n", path="-"))["results"]
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location == {"uri": "-", "description": {"text": "standard input"}}


def test_what_the_whole_run_says() -> None:
    run = RunResult((), "check", scanned=9, interrupted=3, unknown=("0123456789",))
    log = sarif.log(run)
    assert problems(SCHEMA, log) == []
    (invocation,) = log["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "3 of 9" in json.dumps(invocation)
    assert "0123456789" in json.dumps(invocation)


def test_paths_are_those_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.yaml").write_text("Resources: {")
    monkeypatch.chdir(tmp_path / "in")
    shown = remediator("check", "--format", "sarif", "bad.yaml").stdout
    assert '"uri": "in/bad.yaml"' in shown
