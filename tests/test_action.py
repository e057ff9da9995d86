"""The GitHub Action: its steps are run here as a runner would run them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from formats import problems
from test_cli import BROKEN_EXPORT
from test_github import understood

ROOT = Path(__file__).parent.parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: dict[str, dict[str, Any]] = {step["name"]: step for step in ACTION["runs"]["steps"]}
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


class Runner:
    """Runs a step's script in a folder, with the environment that a runner gives it."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "work space"
        self.temp = folder / "temp"
        self.summary = folder / "summary"
        self.output = folder / "output"
        for each in (self.workspace, self.temp):
            each.mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.output),
        }

    def run(self, name: str, inputs: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        known = {f"inputs.{each}": item["default"] for each, item in ACTION["inputs"].items()}
        known |= {f"inputs.{each}": value for each, value in inputs.items()}
        known["github.action_path"] = str(ROOT)
        step = STEPS[name]
        variables = {
            each: EXPRESSION.sub(lambda match: known[match[1]], value)
            for each, value in step["env"].items()
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A runner on which the sources stand where the step before has installed them."""
    made = Runner(tmp_path)
    (made.temp / "remediator").mkdir()
    (made.temp / "remediator" / "remediator").symlink_to(ROOT / "remediator")
    (made.workspace / "t.yaml").write_text(BROKEN_EXPORT)
    (made.workspace / "yaml.py").write_text("raise SystemExit('imported from the checkout')")
    return made


def test_no_script_holds_an_expression() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        assert step.get("shell", "bash") == "bash"
    used = set(re.findall(r"inputs\.([a-z-]+)", (ROOT / "action.yml").read_text()))
    assert used == set(ACTION["inputs"])
    for item in ACTION["inputs"].values():
        assert isinstance(item["default"], str)
        assert item["description"]


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_the_scripts_have_no_known_flaw() -> None:
    for step in STEPS.values():
        command = ["shellcheck", "--shell=bash", "-"]
        done = subprocess.run(
            command, input=step.get("run", ""), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_check_annotates_and_fails(runner: Runner) -> None:
    done = runner.run("Run remediator", {"sarif-file": "out.sarif"})
    assert done.returncode == 1, done.stderr
    ((kind, properties, _),) = understood(done.stdout)
    assert (kind, properties["file"], properties["line"]) == ("notice", "t.yaml", "7")
    assert runner.output.read_text() == "exit-code=1\n"
    assert "### Can be repaired" in runner.summary.read_text()
    log = json.loads((runner.workspace / "out.sarif").read_text())
    assert problems("tests/schemas/sarif-2.1.0.json", log) == []
    assert (runner.workspace / "t.yaml").read_text() == BROKEN_EXPORT


def test_fix_repairs_and_passes(runner: Runner) -> None:
    inputs = {"command": "fix", "sarif-file": "out.sarif", "arguments": "--no-validate\n"}
    done = runner.run("Run remediator", inputs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Name:" in (runner.workspace / "t.yaml").read_text()
    (result,) = json.loads((runner.workspace / "out.sarif").read_text())["runs"][0]["results"]
    assert result["fixes"]
    assert "### Would be repaired" in runner.summary.read_text()
    assert runner.output.read_text() == "exit-code=0\n"


def test_paths_and_options_come_one_a_line(runner: Runner) -> None:
    shutil.copy(runner.workspace / "t.yaml", runner.workspace / "a b.yaml")
    (runner.workspace / "clean.yaml").write_text(BROKEN_EXPORT.replace("    Export:\n", ""))
    done = runner.run("Run remediator", {"paths": "a b.yaml\n\nclean.yaml\n", "summary": "false"})
    assert [each[1]["file"] for each in understood(done.stdout)] == ["a b.yaml"]
    assert not runner.summary.exists()
    ignored = {"arguments": "--ignore=export-names", "paths": "a b.yaml"}
    assert runner.run("Run remediator", ignored).returncode == 0


@pytest.mark.parametrize("name", ["paths", "arguments", "command", "sarif-file"])
def test_an_input_is_never_a_script(runner: Runner, name: str) -> None:
    evil = "x$(touch evil)`touch evil`;touch evil;\"; touch evil; \"' ; touch evil; ' && touch evil"
    done = runner.run("Run remediator", {"summary": "false", name: evil})
    assert not (runner.workspace / "evil").exists()
    assert done.returncode == (1 if name == "sarif-file" else 2), done.stdout + done.stderr


@pytest.mark.hooks
def test_the_action_installs_itself(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    shutil.copy(ROOT / "examples" / "rds-minimal.yaml", runner.workspace)
    done = runner.run("Install remediator", {})
    assert done.returncode == 0, done.stderr
    done = runner.run("Run remediator", {"command": "fix"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cloudformation-validate finds no new error" in done.stdout
    assert "resolve:secretsmanager" in (runner.workspace / "rds-minimal.yaml").read_text()
