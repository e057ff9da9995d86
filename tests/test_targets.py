"""What a run is asked to write: never over a template, and known to work before it starts."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from test_cli import BROKEN_EXPORT, remediator, write


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("option", ["--diff", "--patch", "--deploy-policy", "--seed-script", "-o"])
def test_a_template_is_never_overwritten(here: Path, option: str) -> None:
    write(here, name="a.yaml")
    write(here, name="b.yaml")
    result = remediator("fix", "-q", option, "a.yaml", "a.yaml" if option == "-o" else "b.yaml")
    assert result.exit_code == 2
    if option == "--diff":
        assert "--diff a.yaml: is a template; name a new file for the diff" in result.stderr
    assert result.stdout == ""
    assert (here / "a.yaml").read_text() == (here / "b.yaml").read_text() == BROKEN_EXPORT


@pytest.mark.parametrize(
    "option", ["--diff", "--patch", "--deploy-policy", "--seed-script", "--report", "-o"]
)
def test_a_dash_is_no_file_to_write(here: Path, option: str) -> None:
    write(here, name="a.yaml")
    result = remediator("fix", "-q", option, "-", "a.yaml")
    assert result.exit_code == 2
    assert "-: name a file; nothing was changed" in result.stderr
    assert [file.name for file in here.iterdir()] == ["a.yaml"]
    assert (here / "a.yaml").read_text() == BROKEN_EXPORT


def test_a_link_to_an_input_is_the_input(here: Path) -> None:
    write(here)
    (here / "link").symlink_to("t.yaml")
    assert remediator("fix", "-o", "link", "t.yaml").exit_code == 2
    assert remediator("fix", "--diff", "x", "--patch", "x", "t.yaml").exit_code == 2
    assert (here / "t.yaml").read_text() == BROKEN_EXPORT


def test_a_diff_or_patch_of_an_earlier_run_is_replaced_and_nothing_else(here: Path) -> None:
    write(here)
    files = ("--diff", "x.diff", "--patch", "x.json", "--seed-script", "x.sh")
    arguments = ("fix", "--dry-run", *files, "t.yaml")
    assert remediator(*arguments).exit_code == 0
    assert remediator(*arguments).exit_code == 0
    assert remediator("fix", "--dry-run", "--patch", "x.json", ".").exit_code == 0
    assert remediator("fix", "--dry-run", "--patch", "x.json", ".").exit_code == 0
    for option, content in (
        ("--diff", "notes"),
        ("--diff", "---\na: 1\n"),
        ("--patch", '{"a": 1}'),
        ("--seed-script", "#!/bin/sh\nrm x\n"),
    ):
        (here / "kept").write_text(content)
        result = remediator("fix", option, "kept", "t.yaml")
        assert result.exit_code == 2
        assert "name a new file" in result.stderr
        assert (here / "kept").read_text() == content
    assert (here / "t.yaml").read_text() == BROKEN_EXPORT


@pytest.mark.parametrize("option", ["--diff", "--patch", "--deploy-policy", "--seed-script", "-o"])
def test_a_missing_folder_is_found_before_anything_is_written(here: Path, option: str) -> None:
    write(here)
    result = remediator("fix", option, "nodir/x", "t.yaml")
    assert result.exit_code == 2
    assert "folder nodir does not exist; nothing was changed" in result.stderr
    assert (here / "t.yaml").read_text() == BROKEN_EXPORT
    assert remediator("fix", option, ".", "t.yaml").exit_code == 2


def test_a_diff_applies_from_the_root_of_the_work_tree(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = here / "infra" / "stacks"
    inner.mkdir(parents=True)
    subprocess.run(["git", "init", "-q"], check=True)
    write(inner)
    monkeypatch.chdir(inner)
    for path in ("t.yaml", "../stacks/t.yaml", str(inner)):
        assert remediator("fix", "--dry-run", "--diff", here / "x.diff", path).exit_code == 0
        assert "--- a/infra/stacks/t.yaml\n" in (here / "x.diff").read_text()
        subprocess.run(["git", "apply", "--check", "x.diff"], check=True, cwd=here)


def test_outside_git_a_diff_is_relative_to_the_current_folder(here: Path) -> None:
    (here / "in").mkdir()
    file = write(here / "in")
    remediator("fix", "--dry-run", "--diff", "x.diff", file)
    assert "--- a/in/t.yaml\n" in (here / "x.diff").read_text()
    subprocess.run(["git", "apply", "--check", "x.diff"], check=True)


def test_a_name_that_is_no_utf_8_is_escaped_as_git_does(here: Path) -> None:
    name = os.fsdecode(b"bad\xff.yaml")
    try:
        write(here, name=name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    subprocess.run(["git", "init", "-q"], check=True)
    assert remediator("fix", "--dry-run", "-q", "--diff", "x.diff", ".").exit_code == 0
    assert '--- "a/bad\\377.yaml"' in (here / "x.diff").read_text()
    subprocess.run(["git", "apply", "--check", "x.diff"], check=True)
    remediator("fix", "--dry-run", "-q", "--patch", "x.json", ".")
    assert list(json.loads((here / "x.json").read_text())) == [name]
