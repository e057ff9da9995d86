"""Completion in a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import imported, python, remediator

from remediator.completion import SHELLS, VARIABLE
from remediator.report.formats import FORMATS

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script(shell: str) -> None:
    shown = remediator("--show-completion", shell)
    assert shown.exit_code == 0
    assert VARIABLE in shown.stdout


def test_an_unknown_shell_is_one_line_and_exit_2() -> None:
    shown = remediator("--show-completion", "tcsh")
    assert shown.exit_code == 2
    assert len(shown.stderr.splitlines()) == 1


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_takes_the_script_and_completes(tmp_path: Path) -> None:
    program = tmp_path / "remediator"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m remediator \"$@\"\n")
    program.chmod(0o755)
    script = """
        eval "$(remediator --show-completion bash)"
        COMP_WORDS=(remediator check --format '') COMP_CWORD=3
        _remediator_completion remediator
        printf '%s ' "${COMPREPLY[@]}"
    """
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == list(FORMATS)


def test_start_up_loads_no_format() -> None:
    assert "--show-completion" in python("-m", "remediator", "--help").stdout
    loaded = imported("--version")
    assert "remediator.report.formats" in loaded
    assert not {name for name in loaded if name.startswith("remediator.report.")} - {
        "remediator.report.formats"
    }
