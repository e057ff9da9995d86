"""Repairs are chosen by ids, which are the same in every clone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from test_cli import remediator

from remediator.model import repair_id

TEMPLATE = """\
Parameters:
  First: {Type: String, NoEcho: true}
  Second: {Type: String, NoEcho: true}
Resources:
  A:
    Type: AWS::Redshift::Cluster
    Properties: {MasterUsername: a, MasterUserPassword: !Ref First}
  B:
    Type: AWS::Redshift::Cluster
    Properties: {MasterUsername: b, MasterUserPassword: !Ref Second}
Outputs:
  C:
    Value: c
    Export:
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "stacks" / "t.yaml"
    file.parent.mkdir()
    file.write_text(TEMPLATE)
    monkeypatch.chdir(tmp_path)
    return file


def findings(*arguments: str | Path) -> list[dict[str, Any]]:
    report = json.loads(remediator(*arguments, "--format", "json").stdout)
    return [finding for each in report["files"] for finding in each["findings"]]


def ids(file: Path) -> dict[str, str]:
    return {each["pointer"]: each["id"] for each in findings("fix", "--dry-run", file)}


def test_an_id_names_file_transform_and_entry() -> None:
    one = repair_id("t.yaml", "export-names", ("Outputs", "C"))
    assert len(one) == 10
    assert one == repair_id("t.yaml", "export-names", ("Outputs", "C"))
    others = (
        repair_id("u.yaml", "export-names", ("Outputs", "C")),
        repair_id("t.yaml", "null-values", ("Outputs", "C")),
        repair_id("t.yaml", "export-names", ("Outputs", "D")),
    )
    assert len({one, *others}) == 4


def test_an_id_is_the_same_wherever_the_repository_lies_and_however_the_file_is_named(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "elsewhere" / "clone"
    (clone / "stacks").mkdir(parents=True)
    (clone / "stacks" / "t.yaml").write_text(TEMPLATE)
    for root in (tmp_path, clone):
        subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    expected = ids(file)
    assert expected == ids(clone / "stacks" / "t.yaml")
    assert set(expected.values()) == {each["id"] for each in findings("check", file)}
    monkeypatch.chdir(clone / "stacks")
    assert expected == ids(Path("t.yaml"))


def test_only_these_repairs_are_made(file: Path) -> None:
    chosen = ids(file)["/Parameters/First"]
    result = remediator("fix", file, "--only", chosen)
    assert result.exit_code == 0, result.output
    assert chosen in result.stdout
    assert "2 declined" in result.stdout
    text = file.read_text()
    assert "FirstSecret" in text
    assert "SecondSecret" not in text
    assert "Name:" not in text
    again = findings("fix", file, "--dry-run", "--only", ids(file)["/Outputs/C/Export"])
    assert [(each["status"], each.get("code")) for each in again] == [
        ("would-fix", None),
        ("left", "declined"),
    ]


def test_all_but_these_repairs_are_made(file: Path) -> None:
    known = ids(file)
    skipped = f"{known['/Parameters/First']},{known['/Outputs/C/Export']}"
    assert remediator("fix", file, "--skip", skipped).exit_code == 0
    text = file.read_text()
    assert "SecondSecret" in text
    assert "FirstSecret" not in text
    assert remediator("fix", file).exit_code == 0
    assert "FirstSecret" in file.read_text()


def test_an_id_that_no_repair_has_is_told(file: Path) -> None:
    result = remediator("fix", file, "--only", "0123456789")
    assert result.exit_code == 2
    assert "No repair has the id 0123456789" in result.stdout
    assert file.read_text() == TEMPLATE


@pytest.mark.parametrize("option", ["--only", "--select"])
@pytest.mark.parametrize("value", ["", " , "])
def test_a_choice_of_nothing_is_not_one_of_everything(file: Path, option: str, value: str) -> None:
    result = remediator("fix", file, option, value)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"remediator: {option} names nothing")
    assert file.read_text() == TEMPLATE
