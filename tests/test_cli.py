from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from remediator import __version__
from remediator.cli import app
from remediator.registry import builtin_transforms

BROKEN_EXPORT = """\
Resources:
  Topic:
    Type: AWS::SNS::Topic
Outputs:
  TopicArn:
    Value: !Ref Topic  # kept
    Export:
"""
REPOSITORIES = Path(__file__).parent / "repositories"
CLEAN = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n"


def remediator(*arguments: str | Path, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def write(folder: Path, text: str = BROKEN_EXPORT, name: str = "t.yaml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_fix_repairs_in_place_and_shows_the_diff(tmp_path: Path) -> None:
    file = write(tmp_path)
    result = remediator("fix", file)
    assert result.exit_code == 0, result.output
    assert "# kept" in file.read_text()
    assert "Name:" in file.read_text()
    assert "+++ b" in result.stdout
    assert "[safe]" in result.stdout
    assert remediator("fix", file).stdout.strip() == "1 template clean."


def test_a_dry_run_writes_nothing_and_exits_as_the_real_run(tmp_path: Path) -> None:
    file = write(tmp_path)
    result = remediator("fix", "--dry-run", file)
    assert result.exit_code == 0
    assert file.read_text() == BROKEN_EXPORT
    assert "+++ b" in result.stdout
    assert remediator("fix", "--dry-run", "--exit-code", file).exit_code == 1
    assert remediator("fix", "--exit-code", file).exit_code == 2
    assert file.read_text() == BROKEN_EXPORT


def test_check_exits_1_where_something_is_found(tmp_path: Path) -> None:
    file = write(tmp_path)
    result = remediator("check", file)
    assert result.exit_code == 1
    assert "can be repaired" in result.stdout
    assert file.read_text() == BROKEN_EXPORT
    assert remediator("check", write(tmp_path, CLEAN)).exit_code == 0


def test_standard_input_goes_to_standard_output(tmp_path: Path) -> None:
    file = write(tmp_path)
    result = remediator("fix", "-", stdin=BROKEN_EXPORT)
    remediator("fix", file)
    assert result.exit_code == 0
    assert result.stdout == file.read_text()
    assert "repaired" in result.stderr
    unchanged = remediator("fix", "-", stdin=CLEAN)
    assert unchanged.stdout == CLEAN
    assert remediator("fix", "-", file).exit_code == 2


def test_an_output_file_leaves_the_input(tmp_path: Path) -> None:
    file = write(tmp_path)
    out = tmp_path / "out.yaml"
    assert remediator("fix", "-o", out, file).exit_code == 0
    assert file.read_text() == BROKEN_EXPORT
    assert "Name:" in out.read_text()
    clean = write(tmp_path, CLEAN, "clean.yaml")
    assert remediator("fix", "-o", out, clean).exit_code == 0
    assert out.read_text() == CLEAN
    assert remediator("fix", "-o", out, file, clean).exit_code == 2
    assert remediator("fix", "-o", out, tmp_path).exit_code == 2


def test_the_diff_and_the_patch_that_were_asked_for_apply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write(tmp_path)
    result = remediator("fix", "--dry-run", "--diff", "x.diff", "--patch", "x.json", "t.yaml")
    assert result.exit_code == 0
    operations = json.loads((tmp_path / "x.json").read_text())
    assert [operation["path"] for operation in operations]
    subprocess.run(["git", "apply", "x.diff"], check=True)
    applied = file.read_text()
    file.write_text(BROKEN_EXPORT)
    remediator("fix", "t.yaml")
    assert file.read_text() == applied
    file.write_text(BROKEN_EXPORT)
    remediator("fix", "--patch", "x.json", ".")
    assert list(json.loads((tmp_path / "x.json").read_text())) == ["t.yaml"]


def test_json_is_the_only_output_of_its_format(tmp_path: Path) -> None:
    report = json.loads(remediator("check", "--format", "json", write(tmp_path)).stdout)
    assert report["version"] == 1
    assert report["files"][0]["findings"][0]["transform"] == "export-names"
    assert remediator("check", "--format", "xml", tmp_path).exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--select", "nonsense"],
        ["--ignore", "nonsense"],
        ["--allow", "nonsense"],
        ["--manual-secrets", "nonsense"],
        ["--config", "absent.toml"],
        ["--plugin", "nonsense"],
    ],
)
def test_a_wrong_option_is_one_line_and_exit_2(tmp_path: Path, arguments: list[str]) -> None:
    result = remediator("fix", *arguments, write(tmp_path))
    assert result.exit_code == 2
    assert "absent.toml" in result.stderr or "nonsense" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_transforms_are_selected_by_comma_list_and_repetition(tmp_path: Path) -> None:
    file = write(tmp_path)
    assert remediator("check", "--ignore", "export-names,manual-secrets", file).exit_code == 0
    chosen = ["--select", "manual-secrets", "--select", "export-names"]
    assert remediator("check", *chosen, file).exit_code == 1


def test_settings_come_from_the_nearest_file(tmp_path: Path) -> None:
    file = write(tmp_path)
    (tmp_path / "remediator.toml").write_text('ignore = ["export-names"]')
    assert remediator("check", file).exit_code == 0
    (tmp_path / "remediator.toml").write_text('plugin = ["x"]')
    result = remediator("check", file)
    assert result.exit_code == 2
    assert "cannot load plugins" in " ".join(result.stdout.split())


def test_explain_lists_and_documents() -> None:
    listed = remediator("explain")
    for transform in builtin_transforms():
        assert transform.id in listed.stdout
        assert remediator("explain", transform.id).stdout.strip() == transform.documentation
    unknown = remediator("explain", "nonsense")
    assert unknown.exit_code == 2
    assert "export-names" in unknown.stderr


def test_a_defect_is_one_line_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from remediator import runner
    from remediator.engine import remediate

    def explode(document: object, *rest: object, path: str, **more: object) -> object:
        if path.endswith("a.yaml"):
            raise RuntimeError("hunter2")
        return remediate(document, *rest, path=path, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(runner, "remediate", explode)
    write(tmp_path, name="a.yaml")
    good = write(tmp_path, name="b.yaml")
    result = remediator("fix", tmp_path)
    assert result.exit_code == 2
    assert "a.yaml: error: a defect of remediator (RuntimeError)" in result.stdout
    assert "REMEDIATOR_DEBUG=1" in result.stdout
    assert "hunter2" not in result.output
    assert "Name:" in good.read_text()
    monkeypatch.setenv("REMEDIATOR_DEBUG", "1")
    assert isinstance(remediator("fix", tmp_path / "a.yaml").exception, RuntimeError)


def python(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=cwd,
    )


def imported(*arguments: str) -> set[str]:
    done = python("-X", "importtime", "-m", "remediator", *arguments)
    assert done.returncode in (0, 1), done.stderr
    return {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if "|" in line}


@pytest.mark.parametrize(("slip", "meant"), [("chek", "check"), ("migrat", "migrate")])
def test_a_slip_in_a_command_is_told(slip: str, meant: str) -> None:
    result = remediator(slip)
    assert result.exit_code == 2
    assert f"Did you mean '{meant}'?" in result.stderr


def test_version_imports_nothing_heavy() -> None:
    assert python("-m", "remediator", "--version").stdout == f"remediator {__version__}\n"
    heavy = {"yaml", "ruamel.yaml", "deepdiff", "jsonpatch", "rich", "remediator.model"}
    assert not heavy & imported("--version")


def test_check_imports_nothing_that_only_a_repair_needs(tmp_path: Path) -> None:
    heavy = {"ruamel.yaml", "deepdiff", "jsonpatch", "rich", "tomlkit"}
    assert not heavy & imported("check", str(write(tmp_path)))
    for name in ("parameter-files", "samconfig-list"):
        shutil.copytree(REPOSITORIES / name / "before", tmp_path / name)
    of_a_proof = heavy - {"ruamel.yaml", "rich"} | {"remediator.verify"}
    loaded = imported("check", str(tmp_path))
    assert "remediator.settings_files" in loaded
    assert not of_a_proof & loaded


def test_check_of_a_file_imports_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    of_others = {"cli_migrate", "report.diff", "toml_file", "globs"}
    of_folders = {"transforms._null_look", "transforms._export_look"}
    of_patterns = {"transforms._allowed_patterns"}
    loaded = imported("check", str(write(tmp_path)))
    assert "remediator.transforms.null_values" in loaded
    assert not {f"remediator.{name}" for name in of_others | of_folders | of_patterns} & loaded


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    write(tmp_path)
    root = Path(__file__).parent.parent
    command = f"'{sys.executable}' -m remediator fix --dry-run '{tmp_path}' | true"
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.stderr == ""
