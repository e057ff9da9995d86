"""What is no template, or cannot be read: one clear line, the others go on, exit 2."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from remediator.cli import app

BROKEN = Path(__file__).parent / "broken"
GOOD = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\nOutputs:\n  Arn:\n    Value: !Ref Topic\n"

# File -> whether it is reported when met in a folder, and a word of its line.
FILES = {
    "not-yaml.yaml": (True, ":4:"),
    "no-template.yaml": (False, "is not a template"),
    "empty.yaml": (False, "is empty"),
    "duplicate-keys.yaml": (True, ":6"),
    "undefined-alias.yaml": (True, ":5:"),
    "several-documents.yaml": (True, ":6"),
    "list.json": (False, ""),
    "invalid-utf8.yaml": (True, ":4"),
    "utf16.yaml": (True, "UTF-8"),
    "nul.yaml": (True, ":"),
    "serverless.yml": (False, "is a file of the Serverless Framework"),
    "serverless-broken.yml": (False, "is not valid YAML"),
    "playbook.yaml": (False, "its top level is not a mapping"),
    "assembly.json": (False, "it has no mapping Resources"),
    "indented.yaml": (True, "it has no mapping Resources"),
    "below-globals.yaml": (True, "it has no mapping Resources"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_named_file_that_cannot_be_handled_is_one_line_and_exit_2(
    tmp_path: Path, name: str
) -> None:
    file = tmp_path / name
    shutil.copy(BROKEN / name, file)
    good = tmp_path / "good.yaml"
    good.write_text(GOOD)
    result = CliRunner().invoke(app, ["fix", str(file), str(good)])
    assert result.exit_code == 2, result.output
    lines = [line for line in result.stdout.splitlines() if "error: " in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"{file}:")
    assert FILES[name][1] in lines[0]
    assert "Traceback" not in result.output
    assert file.read_bytes() == (BROKEN / name).read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_met_in_a_folder_only_what_looks_like_a_template_is_an_error(
    tmp_path: Path, name: str
) -> None:
    shutil.copy(BROKEN / name, tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD)
    result = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert result.exit_code == (2 if FILES[name][0] else 0), result.output


def test_every_broken_file_is_tested() -> None:
    assert {file.name for file in BROKEN.iterdir()} == {*FILES, "unknown-tags.yaml"}


def test_unknown_tags_just_work(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    shutil.copy(BROKEN / "unknown-tags.yaml", file)
    assert CliRunner().invoke(app, ["check", str(file)]).exit_code == 0


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["fix", str(tmp_path / "absent.yaml")])
    assert result.exit_code == 2
    assert "no such file or folder" in result.stdout


def test_a_folder_without_templates(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("nothing")
    result = CliRunner().invoke(app, ["fix", str(tmp_path)])
    assert result.exit_code == 2
    assert "holds no CloudFormation templates" in result.stdout


@pytest.mark.parametrize("target", ["absent", "circle"])
def test_a_link_that_leads_nowhere(tmp_path: Path, target: str) -> None:
    (tmp_path / "circle").symlink_to(target)
    result = CliRunner().invoke(app, ["fix", str(tmp_path / "circle")])
    assert result.exit_code == 2
    assert "is a link that leads nowhere" in result.stdout
