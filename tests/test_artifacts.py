"""The files of --diff and --patch, taken by git and by `jsonpatch`, and the fixes of SARIF."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonpatch
import pytest
from formats import applied_by_bytes, applied_by_lines
from test_cli import BROKEN_EXPORT, remediator

from remediator.document import Document

CRLF = BROKEN_EXPORT.replace("\n", "\r\n")
FILES = {
    "t.yaml": BROKEN_EXPORT.rstrip("\n"),
    "in/a folder/zwei Blätter.yaml": CRLF,
    "ünï/🔒.yaml": "\ufeff" + BROKEN_EXPORT,
    'quo"te.yaml': BROKEN_EXPORT,
    "-t.yaml": CRLF.rstrip() + "  # 🔒 ende",
}


def git(repository: Path, *arguments: str | Path) -> None:
    subprocess.run(["git", "-C", repository, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    repository = tmp_path / "a repository"
    repository.mkdir()
    git(repository, "init", "--quiet")
    return repository


@pytest.mark.parametrize(("name", "text"), FILES.items(), ids=FILES)
def test_git_applies_the_diff_of_a_file_outside_the_current_folder(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    file = repository / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    git(repository, "add", ".")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    made = remediator("fix", "--dry-run", "--diff", "x.diff", "--patch", "x.json", file)
    assert made.exit_code == 0, made.output
    assert file.read_bytes() == text.encode()
    git(repository, "apply", "--check", elsewhere / "x.diff")
    git(repository, "apply", elsewhere / "x.diff")
    applied = file.read_bytes()
    assert applied != text.encode()
    file.write_bytes(text.encode())
    remediator("fix", file)
    assert file.read_bytes() == applied
    patch = json.loads((elsewhere / "x.json").read_text())
    assert jsonpatch.apply_patch(data(text.encode()), patch) == data(applied)
    file.write_bytes(text.encode())
    shown = remediator("fix", "--dry-run", "--format", "sarif", file).stdout
    (result,) = json.loads(shown)["runs"][0]["results"]
    (change,) = result["fixes"][0]["artifactChanges"]
    assert unquote(change["artifactLocation"]["uri"]) == name
    for apply in (applied_by_bytes, applied_by_lines):
        assert apply(text, change["replacements"]).encode() == applied


def data(raw: bytes) -> Any:
    return Document.decode(raw, "t.yaml").data


def test_the_patches_of_a_folder_apply_each_to_its_file(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    for name in ("a.yaml", "b.yaml"):
        Path(name).write_text(BROKEN_EXPORT.replace("TopicArn", name[0].upper()))
    old = {name: data(Path(name).read_bytes()) for name in ("a.yaml", "b.yaml")}
    remediator("fix", "--patch", "x.json", ".")
    patches = json.loads(Path("x.json").read_text())
    assert sorted(patches) == ["a.yaml", "b.yaml"]
    for name, patch in patches.items():
        assert jsonpatch.apply_patch(old[name], patch) == data(Path(name).read_bytes())
