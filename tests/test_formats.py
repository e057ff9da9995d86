"""Every format over every case: against its schema, applied, and without secrets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
from formats import (
    GROUPS,
    ROOT,
    applied_by_bytes,
    applied_by_lines,
    dry,
    problems,
    results,
    secrets,
)
from test_cli import remediator

from remediator.changes import Change, ChangeSet
from remediator.document import Document
from remediator.model import Value
from remediator.registry import builtin_transforms
from remediator.report import diff, markdown, sarif
from remediator.report import json as json_report
from remediator.report.formats import FORMATS, View
from remediator.results import FileResult, RunResult, Status, Validation, Validator

RESULT = "remediator/report/result.schema.json"
SARIF = "tests/schemas/sarif-2.1.0.json"
VIEW = View(transforms=builtin_transforms)


@pytest.mark.parametrize("group", GROUPS)
def test_every_case_in_every_format(group: str) -> None:
    files = results(group)
    assert problems(RESULT, json_report.report(dry(*files))) == []
    log = sarif.log(dry(*files), builtin_transforms())
    assert problems(SARIF, log) == []
    assert fixes_applied(log, files) == [
        file.path for file in files if file.old != file.new and not shows_secret(file)
    ]
    comment = markdown.render(dry(*files))
    assert len(comment) < 65_536
    for file in files:
        assert patched(file) == data(file.new)
        for name, render in FORMATS.items():
            shown = render(dry(file), VIEW)
            assert not [each for each in secrets(file) if each in shown], (name, file.path)


def shows_secret(file: FileResult) -> bool:
    return diff.of_file(file) != diff.of_file(file, masked=False)


def fixes_applied(log: dict[str, Any], files: list[FileResult]) -> list[str]:
    """Apply every fix to the old texts, and return the names of the files that have one."""
    by_name = {file.path: file for file in files}
    names = []
    for result in log["runs"][0]["results"]:
        for fix in result.get("fixes", ()):
            (change,) = fix["artifactChanges"]
            file = by_name[change["artifactLocation"]["uri"]]
            assert applied_by_lines(file.old, change["replacements"]) == file.new
            assert applied_by_bytes(file.old, change["replacements"]) == file.new
            names.append(file.path)
    return names


def data(text: str) -> Value:
    return Document.decode(text.encode(), "t").data


def patched(file: FileResult) -> Any:
    """Apply a JSON Patch to the plain data of the old file, by `jsonpatch` alone."""
    return jsonpatch.apply_patch(data(file.old), json.loads(json.dumps(file.patch)))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("command", ["check", "fix"])
def test_examples_and_broken_files_in_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, name: str
) -> None:
    shutil.copytree(ROOT / "tests" / "broken", tmp_path / "broken")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    result = remediator(command, "--format", name, *sorted(tmp_path.glob("broken/*")), "examples")
    assert result.exit_code == 2
    assert "duplicate" in result.stdout
    assert "rds-minimal.yaml" in result.stdout
    if name in ("json", "sarif"):
        assert problems(RESULT if name == "json" else SARIF, json.loads(result.stdout)) == []


def test_the_help_and_the_check_of_formats_come_from_one_table() -> None:
    for command in ("check", "fix"):
        helped = remediator(command, "--help")
        assert "|".join(FORMATS) in helped.stdout.replace("\n", "")
    wrong = remediator("check", "--format", "xml", str(ROOT / "examples"))
    assert wrong.exit_code == 2
    assert all(name in wrong.stderr for name in FORMATS)


def test_every_field_of_the_schema_is_described_and_none_is_open() -> None:
    def visit(schema: Any, place: str) -> None:
        if not isinstance(schema, dict):
            return
        if "properties" in schema and "type" in schema:
            assert schema["additionalProperties"] is False, place
        for name, value in schema.get("properties", {}).items():
            if "type" in schema:
                assert value["description"].endswith((".", ".)")), f"{place}/{name}"
            visit(value, f"{place}/{name}")
        visit(schema.get("items"), f"{place}[]")

    schema = json.loads((ROOT / RESULT).read_text(encoding="utf-8"))
    visit(schema, "")
    assert schema["description"]
    report = json_report.report(dry())
    assert problems(RESULT, report) == []
    assert problems(RESULT, report | {"more": 1})
    assert problems(RESULT, report | {"version": 2})


def test_the_schema_knows_what_few_results_have() -> None:
    file = FileResult("t", Status.CLEAN, fresh=True)
    run = RunResult(
        (file,),
        "fix",
        settings=(("remediator.toml", "new"),),
        policy="x.json is the IAM policy.",
        unknown=("0123456789",),
        unmasked="x.diff holds passwords in clear.",
        change_set=ChangeSet("s", (Change("Modify", "A", "AWS::X::Y", "True", ("B",)),), "left"),
        validation=Validation(Validator.ASKED, ("t",)),
        interrupted=1,
    )
    report = json_report.report(run)
    assert problems(RESULT, report) == []
    assert problems(RESULT, report | {"validation": {"validator": "asked"}})
    assert problems(RESULT, report | {"files": [report["files"][0] | {"status": "error"}]})
