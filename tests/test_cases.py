"""Every case of tests/cases, and that no transform lacks what it needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from remediator.errors import ConfigError
from remediator.registry import builtin_transforms, catalogue
from remediator.testing import Case, accept, cases, check_case, main
from remediator.transform import Transform

HERE = Path(__file__).parent
CASES = list(cases(HERE / "cases"))
TRANSFORMS = builtin_transforms()
SECTIONS = ("Why", "Consequence", "Not repaired", "See")
by_id = pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda transform: transform.id)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.transform}/{case.folder.name}")
def test_case(case: Case) -> None:
    check_case(case, TRANSFORMS, catalogue())


def test_cases_belong_to_a_transform() -> None:
    assert {case.transform for case in CASES} <= {each.id for each in TRANSFORMS} | {"all"}


@by_id
def test_transform_has_cases_that_change_and_cases_that_do_not(transform: Transform) -> None:
    own = [case for case in CASES if case.transform == transform.id]
    assert own, f"tests/cases/{transform.id} is missing"
    changed = [case for case in own if case.after(new=False) != case.before]
    assert len(changed) < len(own), f"no case shows what {transform.id} leaves alone"


@by_id
def test_transform_is_in_the_changelog(transform: Transform) -> None:
    text = (HERE.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"`{transform.id}`" in text


@by_id
def test_transform_is_documented(transform: Transform) -> None:
    lines = transform.documentation.splitlines()
    assert lines[0].endswith("."), "the first line is a sentence"
    assert [line for line in lines if line in SECTIONS] == list(SECTIONS)
    assert "https://" in transform.documentation.split("\nSee\n")[1]


# --- the harness itself ----------------------------------------------------------------------

TEMPLATE = """\
Resources:
  Topic:
    Type: AWS::SNS::Topic
Outputs:
  Arn: # of the topic
    Value: !Ref Topic
    Export:
"""


@pytest.fixture
def case(tmp_path: Path) -> Case:
    folder = tmp_path / "export-names" / "one"
    folder.mkdir(parents=True)
    (folder / "before.yaml").write_bytes(TEMPLATE.encode())
    made = Case("export-names", folder)
    accept(made, TRANSFORMS, catalogue())
    return made


def check(case: Case) -> None:
    check_case(case, TRANSFORMS, catalogue())


def test_accepted_case_holds(case: Case) -> None:
    assert sorted(file.name for file in case.folder.iterdir()) == [
        "after.yaml",
        "before.yaml",
        "findings.json",
    ]
    check(case)
    assert list(cases(case.folder.parent.parent)) == [case]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("after.yaml", "# of the topic", "# of a topic", "-  Arn: # of a topic"),
        ("after.yaml", "\n", "\r\n", r"\r"),
        ("findings.json", '"safe"', '"rotates"', '"consequence": "rotates"'),
        ("findings.json", "/Outputs/Arn/Export", "/Outputs/Arn", "findings are not as expected"),
        ("findings.json", '"code": null', '"code": null, "reason_contains": "x"', "'x' is not in"),
    ],
)
def test_case_that_differs_is_told(case: Case, file: str, old: str, new: str, message: str) -> None:
    path = case.folder / file
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))
    with pytest.raises(AssertionError) as told:
        check(case)
    assert message.replace("\\\\", "\\") in str(told.value)


@pytest.mark.parametrize("file", ["after.yaml", "findings.json"])
def test_missing_file_is_told(case: Case, file: str) -> None:
    (case.folder / file).unlink()
    with pytest.raises(AssertionError, match=r"not as expected|is missing"):
        check(case)


def test_case_that_must_not_change(case: Case) -> None:
    (case.folder / "settings.toml").write_text("allow = []\n", encoding="utf-8")
    accept(case, TRANSFORMS, catalogue())
    assert not (case.folder / "after.yaml").exists()
    assert (case.folder / "after.new.yaml").exists()  # never deployed: all is allowed
    assert '"not-allowed"' in (case.folder / "findings.json").read_text(encoding="utf-8")
    check(case)


def test_after_that_equals_before_is_told(case: Case) -> None:
    after = case.folder / "after.yaml"
    shutil.copy(after, case.folder / "before.yaml")
    (case.folder / "findings.json").write_text("[]\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="leave it out"):
        check(case)


def test_unknown_setting_and_transform_are_told(case: Case) -> None:
    with pytest.raises(ConfigError, match="no transform nonsense"):
        check_case(Case("nonsense", case.folder), TRANSFORMS, catalogue())
    (case.folder / "settings.toml").write_text("nonsense = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="nonsense"):
        check(case)


def test_script_accepts_and_checks(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(case.folder)]) == 0
    (case.folder / "after.yaml").unlink()
    assert main([str(case.folder)]) == 1
    assert "not as expected" in capsys.readouterr().err
    assert main(["--accept", str(case.folder)]) == 0
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "usage: python -m remediator.testing" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["--plugin", "nobody", str(case.folder)])
    assert "there is no plugin nobody" in capsys.readouterr().err


def test_script_runs_as_a_module(case: Case) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "remediator.testing", str(case.folder)],
        cwd=HERE.parent,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
