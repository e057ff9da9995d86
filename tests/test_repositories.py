"""Small repositories, before and after: what a repair changes in the files around a template.

    tests/repositories/<case>/
        before/         the repository
        after/          what it becomes, byte for byte; none: nothing changes
        findings.json   every finding, with what it changes elsewhere and what is left to do
        arguments.json  further arguments of `remediator fix`, optional; `.` is the PATH if none is

`python tests/test_repositories.py CASE…` writes after/ and findings.json anew, for their author to
review.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from remediator.cli import app

CASES = Path(__file__).parent / "repositories"
NAMES = sorted(each.name for each in CASES.iterdir())


def files(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder, by their names."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def fix(folder: Path, case: Path, *options: str) -> dict[str, Any]:
    """Run `remediator fix` in a folder as the case says; returns its JSON report."""
    return run("fix", folder, case, "-q", "--no-validate", *options)


def run(command: str, folder: Path, case: Path, *options: str) -> dict[str, Any]:
    """Run a command of remediator in a folder as the case says; returns its JSON report."""
    file = case / "arguments.json"
    given = json.loads(file.read_text()) if file.is_file() else []
    paths = [] if any(not each.startswith("-") for each in given) else ["."]
    before = Path.cwd()
    os.chdir(folder)
    try:
        arguments = [command, "--format", "json", *options, *given, *paths]
        result = CliRunner().invoke(app, arguments)
    finally:
        os.chdir(before)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def findings(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the findings of a report as a case writes them down."""
    found = []
    for file in report["files"]:
        if file["status"] == "error":
            found.append({"path": file["path"], "error": file["error"]["message"]})
        for finding in file["findings"]:
            kept = ("transform", "pointer", "status", "consequence", "code", "reason")
            entry = {"path": file["path"], **{key: finding[key] for key in kept if key in finding}}
            if finding["follow_ups"]:
                entry["follow_ups"] = finding["follow_ups"]
            if "edits" in finding:
                entry["edits"] = [f"{each['path']}:{each['line']}" for each in finding["edits"]]
            found.append(entry)
    return found


def copied(case: Path, folder: Path) -> Path:
    """Copy the repository of a case to a folder; it is the root of its work tree there."""
    tree = shutil.copytree(case / "before", folder / "repository")
    (tree / ".git").mkdir()
    return tree


def expected(case: Path) -> Path:
    """Return the folder that says what the repository becomes."""
    after = case / "after"
    return after if after.is_dir() else case / "before"


@pytest.mark.parametrize("name", NAMES)
def test_repository(name: str, tmp_path: Path) -> None:
    case = CASES / name
    tree = copied(case, tmp_path)
    report = fix(tree, case)
    wanted = files(expected(case))
    assert files(tree).keys() == wanted.keys()
    for file, content in files(tree).items():
        assert content.decode() == wanted[file].decode(), file
    assert findings(report) == json.loads((case / "findings.json").read_text())
    fix(tree, case)
    assert files(tree) == wanted, "a second run changes something"


def test_what_changes_along_is_not_called_skipped(tmp_path: Path) -> None:
    tree = copied(CASES / "shared-by-arn", tmp_path)
    assert fix(tree, CASES / "shared-by-arn")["summary"]["skipped"] == 0
    assert fix(tree, CASES / "shared-by-arn")["summary"]["skipped"] == 1  # params.json


@pytest.mark.parametrize("name", NAMES)
def test_a_dry_run_says_the_same_and_its_diff_applies(name: str, tmp_path: Path) -> None:
    case = CASES / name
    tree = copied(case, tmp_path)
    before = files(tree)
    diff = tmp_path / "all.diff"
    report = fix(tree, case, "--dry-run", "--diff", str(diff))
    assert files(tree) == before
    told = json.dumps(report).replace("would-fix", "fixed")
    wanted = json.loads((case / "findings.json").read_text())
    assert findings(json.loads(told)) == wanted
    if diff.is_file() and diff.read_text():
        subprocess.run(["git", "apply", "--unsafe-paths", str(diff)], cwd=tree, check=True)
    assert files(tree) == files(expected(case))


def without_status(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in each.items() if key != "status"} for each in found]


def chooses(case: Path) -> bool:
    """Tell whether a case names repairs by their ids, which a check does not take."""
    arguments = case / "arguments.json"
    return arguments.is_file() and bool(
        {"--only", "--skip"} & set(json.loads(arguments.read_text()))
    )


ONLY_THE_PROOF_TELLS = "parent-that-cannot-be-proven"
"""The case whose repair a check plans, and only its proof refuses."""


@pytest.mark.parametrize(
    "name",
    [each for each in NAMES if not chooses(CASES / each) and each != ONLY_THE_PROOF_TELLS],
)
def test_a_check_says_the_same_and_changes_nothing(name: str, tmp_path: Path) -> None:
    case = CASES / name
    tree = copied(case, tmp_path)
    report = run("check", tree, case)
    assert files(tree) == files(case / "before")
    wanted = json.loads((case / "findings.json").read_text())
    assert without_status(findings(report)) == without_status(wanted)
    assert all(file["diff"] == "" and file["patch"] == [] for file in report["files"])


def test_a_check_proves_nothing(tmp_path: Path) -> None:
    case = CASES / ONLY_THE_PROOF_TELLS
    tree = copied(case, tmp_path)
    report = run("check", tree, case)
    assert files(tree) == files(case / "before")
    assert {each["status"] for each in findings(report)} == {"repairable"}
    assert {each["status"] for each in json.loads((case / "findings.json").read_text())} == {"left"}


def test_what_a_parent_passes_nobody_has_to_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = copied(CASES / "shared-by-arn", tmp_path)
    monkeypatch.chdir(tree)
    told = CliRunner().invoke(app, ["fix", "-q", "--no-validate", "."]).stdout
    assert "parent.yaml now deploys without input." in told
    assert "needs a value" not in told


@pytest.mark.parametrize("blocked", ["database-test.json", "relational.yaml"])
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_where_one_file_cannot_be_written_none_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocked: str, dry: list[str]
) -> None:
    name = "parameter-files" if blocked.endswith("json") else "four-levels"
    tree = copied(CASES / name, tmp_path)
    before = files(tree)
    monkeypatch.setattr(os, "access", lambda path, *_, **__: Path(path).name != blocked)
    report = fix(tree, CASES / name, *dry)
    assert files(tree) == before
    assert len(report["files"]) >= 5
    for file in report["files"]:
        assert file["status"] == "error"
        assert file["error"]["message"].endswith(
            f"{blocked}: the file is read-only; make it writable and run again"
        )
        assert [finding["status"] for finding in file["findings"]] == ["left"]
        assert not [finding for finding in file["findings"] if "edits" in finding]


def accept(case: Path) -> None:
    """Write down what becomes of a case."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        tree = copied(case, Path(folder))
        report = fix(tree, case)
        shutil.rmtree(case / "after", ignore_errors=True)
        if files(tree) != files(case / "before"):
            shutil.copytree(tree, case / "after", ignore=shutil.ignore_patterns(".git"))
        text = json.dumps(findings(report), indent=2, ensure_ascii=False)
        (case / "findings.json").write_text(text + "\n")


if __name__ == "__main__":
    for each in sys.argv[1:]:
        accept(CASES / each)
