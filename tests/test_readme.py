"""The README speaks the truth: its diff, its table, its commands, its codes."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from remediator.cli import app
from remediator.config import KEYS
from remediator.model import Consequence
from remediator.registry import builtin_transforms

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CODE = re.compile(r'Refusal\(\s*"([a-z-]+)"')


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "templates").mkdir()
    shutil.copy(ROOT / "examples" / "rds-minimal.yaml", tmp_path / "templates")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_diff_is_what_fix_prints(folder: Path) -> None:
    shown = README.partition("```diff\n")[2].partition("```")[0]
    result = CliRunner().invoke(app, ["fix", "examples/rds-minimal.yaml"])
    assert result.exit_code == 0, result.output
    assert f"\n\n{shown}\n" in result.stdout


def test_the_commands_work(folder: Path) -> None:
    commands = re.findall(r"^    remediator (.+)$", README, re.MULTILINE)
    assert len(commands) == 3
    for command in reversed(commands):  # the repair that writes comes last
        result = CliRunner().invoke(app, shlex.split(command))
        assert result.exit_code == (1 if command.startswith("check") else 0), result.output


def test_the_options_exist() -> None:
    helped = "".join(
        CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"}).stdout
        for command in ([], ["fix"])
    )
    options = set(re.findall(r"`(?:[a-z ]+)?(--[a-z-]+)", README))
    assert options
    for option in options - {"--help"}:
        assert option in helped


def test_the_table_lists_the_transforms_in_order() -> None:
    section = README.partition("## What it repairs")[2].partition("## ")[0]
    listed = re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)
    assert listed == [transform.id for transform in builtin_transforms()]


def test_consequences_and_settings_are_named() -> None:
    section = README.partition("## What a repair does")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z]+)` \|", section, re.MULTILINE) == list(Consequence)
    assert all(f"`{key}`" in README for key in KEYS)


def test_the_changelog_names_the_transforms() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert all(f"`{transform.id}`" in changelog for transform in builtin_transforms())


def test_every_refusal_is_named() -> None:
    sources = [*(ROOT / "transforms").glob("*.py"), *(ROOT / "remediator").glob("*.py")]
    codes = {code for file in sources for code in CODE.findall(file.read_text())}
    assert len(codes) > 10
    assert not {code for code in codes if f"`{code}`" not in README}


def test_the_library_example_works(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = README.partition("```python\n")[2].partition("```")[0]
    exec(compile(program, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("fixed password-parameters the parameter DBPassword")
