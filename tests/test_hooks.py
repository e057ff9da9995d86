"""The hooks for pre-commit: what they are given, and that they work when they are installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_cli import BROKEN_EXPORT, remediator
from test_skip_others import OTHERS

ROOT = Path(__file__).parent.parent
HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
}


def test_the_hooks_run_commands_that_are_there(tmp_path: Path) -> None:
    assert list(HOOKS) == ["remediator-check", "remediator-fix"]
    file = tmp_path / "t.yaml"
    file.write_text(BROKEN_EXPORT)
    for name, code in (("remediator-check", 1), ("remediator-fix", 0)):
        program, *arguments = HOOKS[name]["entry"].split()
        assert program == "remediator"
        assert remediator(*arguments, file).exit_code == code


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_the_hooks_are_given_likely_templates_only(hook: dict[str, Any]) -> None:
    given = re.compile(hook["files"])
    for name in ("a.yaml", "in/b.yml", "c.json", "d.template", "e.template.yaml", "f.cfn"):
        assert given.search(name)
    for name in ("a.py", "b.md", "yaml", "c.json5", "d.yaml.j2", "e.cfn.txt"):
        assert not given.search(name)


@pytest.mark.hooks
def test_pre_commit_installs_and_runs_the_hooks(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    environment = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "home")}

    def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=repository, env=environment, capture_output=True, text=True, check=False
        )

    def hook(name: str) -> subprocess.CompletedProcess[str]:
        return run(sys.executable, "-m", "pre_commit", "try-repo", ROOT, name, "--all-files")

    manifest = ROOT / ".pre-commit-hooks.yaml"
    assert run(sys.executable, "-m", "pre_commit", "validate-manifest", manifest).returncode == 0
    run("git", "init", "--quiet")
    for name, text in OTHERS.items():
        (repository / name).write_text(text)
    assert run("git", "add", ".").returncode == 0
    nothing = hook("remediator-check")
    assert nothing.returncode == 0, nothing.stdout + nothing.stderr
    template = repository / "t.yaml"
    template.write_text(BROKEN_EXPORT)
    run("git", "add", ".")
    found = hook("remediator-check")
    assert found.returncode == 1, found.stdout + found.stderr
    assert "t.yaml:7  export-names" in found.stdout
    assert template.read_text() == BROKEN_EXPORT
    fixed = hook("remediator-fix")
    assert fixed.returncode == 1, fixed.stdout + fixed.stderr
    assert "files were modified by this hook" in fixed.stdout
    assert "cloudformation-validate finds no new error" in fixed.stdout
    assert "Name:" in template.read_text()
    assert hook("remediator-fix").returncode == 0
