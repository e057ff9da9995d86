from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from remediator.model import Consequence, Finding, Fix, Refusal, Replace
from remediator.report import diff, text
from remediator.report import json as json_report
from remediator.report.mask import MASK, mask
from remediator.results import FileResult, Outcome, RunResult, Status

SECRET = 'it\'s "hunter2"'
PATH = ("Resources", "Database", "Properties", "MasterUserPassword")


def repaired(status: Status = Status.FIXED) -> FileResult:
    fix = Fix(
        f"replace {SECRET} by a generated secret",
        (Replace(PATH, SECRET),),
        Consequence.ROTATES,
        because=f"the password is no longer {SECRET}",
        follow_ups=(f"Forget {SECRET}.",),
    )
    refusal = Refusal("used-in-userdata", "UserData cannot resolve a secret; read it there.")
    return FileResult(
        "db.yaml",
        status,
        (
            Outcome("password-parameters", Finding(PATH, f"is {SECRET}", fix, masked=(SECRET,)),
                    Status.FIXED, 3, 5),
            Outcome("password-parameters", Finding(PATH, "feeds a script", refusal=refusal),
                    Status.LEFT, 9, 1, refusal),
        ),
        patch=[{"op": "replace", "path": "/a", "value": {"k": [SECRET]}}],
        old="a: 'it''s \"hunter2\"'\nb: 1\n",
        new="a: 1\nb: 1\n",
        needs_before=("DBPassword",),
    )  # fmt: skip


RESULT = RunResult((repaired(),), "fix", scanned=3, skipped=2)


def test_no_report_shows_a_secret() -> None:
    for shown in (
        text.render(RESULT),
        text.render(RESULT, colour=True),
        diff.unified(RESULT),
        json_report.render(RESULT),
    ):
        assert "hunter2" not in shown
        assert MASK in shown
    assert "hunter2" in diff.unified(RESULT, masked=False)


@pytest.mark.parametrize(
    ("shown", "secrets", "expected"),
    [
        ("a: hunter2", ["hunter2"], f"a: {MASK}"),
        ('"a\\"b\\u00e9"', ['a"bé'], f'"{MASK}"'),
        ("'it''s'", ["it's"], f"'{MASK}'"),
        ("version: 1, a1", ["1"], "version: 1, a1"),
        ("the password of admin", ["password", "Admin"], "the password of admin"),
        ("+ BEGIN\n+ a-line\n", ["BEGIN\na-line\n"], f"+ {MASK}\n+ {MASK}\n"),
        ("passw0rd12", ["passw0rd", "passw0rd12"], MASK),
    ],
)  # fmt: skip
def test_a_secret_is_masked_however_it_is_spelled(
    shown: str, secrets: list[str], expected: str
) -> None:
    assert mask(shown, secrets) == expected


def test_the_text_report_says_what_was_done_what_is_left_and_what_to_do() -> None:
    shown = text.render(RESULT)
    assert "db.yaml:3  password-parameters  replace ******** by a generated secret" in shown
    assert "[rotates]" in shown
    assert "because: the password is no longer" in shown
    assert "db.yaml:9  password-parameters  left: feeds a script  [used-in-userdata]" in shown
    assert "UserData cannot resolve a secret" in shown
    assert "1. db.yaml:3: Forget ********." in shown
    assert "1 finding repaired in 1 file, 1 left for a person, 2 other files skipped." in shown
    assert "1 rotates: live credentials become others" in shown
    assert "db.yaml now deploys without input." in shown
    assert "git diff" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown


def test_an_error_has_its_place_and_clean_files_no_line() -> None:
    files = (
        FileResult("a.yaml", Status.ERROR, error="is not YAML", error_line=4, error_column=2),
        *(FileResult(f"clean-{number}.yaml", Status.CLEAN) for number in range(2000)),
    )
    shown = text.render(RunResult(files, "fix"))
    assert shown == (
        "a.yaml:4:2: error: is not YAML\n\n"
        "1 input could not be handled, 2000 templates clean.\n"
    )  # fmt: skip


def test_what_was_held_back_names_the_flag() -> None:
    fix = Fix("x", (Replace(PATH, 1),), Consequence.REPLACES, because="create-only")
    outcome = Outcome("t", Finding(PATH, "m", fix), Status.LEFT, 1, 1, Refusal("not-allowed", "r"))
    shown = text.render(RunResult((FileResult("a", Status.LEFT, (outcome,)),), "fix"))
    assert "--allow safe,rotates,external,replaces" in shown


def test_the_json_report_is_version_1() -> None:
    report = json.loads(json_report.render(RESULT))
    assert report["version"] == 1
    (file,) = report["files"]
    assert file["status"] == "fixed"
    assert file["applicable"] is False
    assert file["patch"] == [{"op": "replace", "path": "/a", "value": {"k": [MASK]}}]
    fixed, left = file["findings"]
    assert fixed["pointer"] == "/Resources/Database/Properties/MasterUserPassword"
    assert (fixed["line"], fixed["column"], fixed["status"]) == (3, 5, "fixed")
    assert fixed["consequence"] == "rotates"
    assert left["code"] == "used-in-userdata"
    assert left["reason"].startswith("UserData")
    assert left["follow_ups"] == []
    assert report["summary"]["fixed"] == 1
    assert report["summary"]["findings"]["left"] == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\nb\nc\n", "a\nB\nc\n"),
        ("a\nb", "a\nB"),
        ("a\nb", "a\nb\n"),
        ("a\n", ""),
        ("a\r\nb\r\nc\r\n", "a\r\nB\r\nc\r\n"),
        ("\ufeffa\nb\n", "\ufeffA\nb\n"),
        ("a\u2028b\nc\x0cd\re\n", "a\u2028B\nc\x0cd\re\n"),
    ],
)
@pytest.mark.parametrize("name", ["t.yaml", "./in/a b.yaml", 'ü"\\.yaml'])
def test_git_applies_the_diff(tmp_path: Path, name: str, old: str, new: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(old.encode())
    shown = diff.of_file(FileResult(name, Status.FIXED, old=old, new=new))
    (tmp_path / "x.diff").write_bytes(shown.encode())
    subprocess.run(["git", "apply", "--whitespace=nowarn", "x.diff"], cwd=tmp_path, check=True)
    assert file.read_bytes() == new.encode()


def test_an_unchanged_file_has_no_diff() -> None:
    assert diff.of_file(FileResult("t", Status.CLEAN, old="a", new="a")) == ""


def advised(number: int, advice: str) -> str:
    refusal = Refusal("used-in-userdata", "no reference there", advice)
    outcomes = tuple(
        Outcome("password-parameters", Finding(PATH, "it", refusal=refusal, masked=(SECRET,)),
                Status.LEFT, line, 1, refusal)
        for line in range(1, number + 1)
    )  # fmt: skip
    file = FileResult("db.yaml", Status.LEFT, outcomes)
    run = RunResult((file,), "fix", scanned=1)
    found = json.loads(json_report.render(run))["files"][0]["findings"]
    assert {each["advice"] for each in found} == {mask(advice, [SECRET])}
    return text.render(run)


def test_advice_is_shown_as_it_is_where_few_are_left() -> None:
    advice = f"In X:\n    {'a' * 90}\n\nThen {SECRET}."
    shown = advised(3, advice)
    assert shown.count(f"\n      In X:\n          {'a' * 90}\n      Then {MASK}.\n") == 3
    assert "aaa" not in advised(4, advice)


def test_advice_that_is_long_is_cut_between_its_pieces() -> None:
    shown = advised(1, "\n\n".join(f"piece {n}\n" + "    line\n" * 9 for n in range(3)))
    assert "piece 1" in shown
    assert "piece 2" not in shown
    assert "--format json" in shown
