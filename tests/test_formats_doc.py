"""docs/formats.md and docs/ci.md speak the truth: their examples are what the commands print.

`python tests/test_formats_doc.py` writes the examples of docs/formats.md anew.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from test_cli import BROKEN_EXPORT, remediator

from remediator.report.formats import FORMATS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "formats.md"
CI = ROOT / "docs" / "ci.md"
EXAMPLE = re.compile(r"<!-- remediator (.+?)(?: \| (\S+))? -->\n(`{3,})(\w*)\n(.*?)\3\n", re.DOTALL)
FENCED = re.compile(r"```(\w+)\n(.*?)```\n", re.DOTALL)


def written(page: str, folder: Path) -> str:
    """Return the page with its examples as the commands print them in a folder."""
    template = next(text for kind, text in FENCED.findall(page) if kind == "yaml")
    (folder / "topic.yaml").write_text(template)

    def example(match: re.Match[str]) -> str:
        command, place, fence, kind, _ = match.groups()
        shown = remediator(*shlex.split(command)).stdout
        if place:
            data = json.loads(shown)
            for step in place.split("/")[1:]:
                data = data[int(step) if isinstance(data, list) else step]
            shown = json.dumps(data, indent=2) + "\n"
        head = match[0].partition("\n")[0]
        return f"{head}\n{fence}{kind}\n{shown}{fence}\n"

    return EXAMPLE.sub(example, page)


def test_the_examples_are_what_the_commands_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    assert len(EXAMPLE.findall(page)) == 4
    assert written(page, tmp_path) == page


def test_every_format_is_described() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in FORMATS:
        assert f"| `{name}` |" in page
        assert name == "text" or f"\n## {name}\n" in page


# --- docs/ci.md ------------------------------------------------------------------------------


def blocks(kind: str) -> list[str]:
    return [text for found, text in FENCED.findall(CI.read_text(encoding="utf-8")) if found == kind]


def test_the_configurations_name_what_is_there() -> None:
    hooks, workflow, comment, gitlab = map(yaml.safe_load, blocks("yaml"))
    known = {each["id"] for each in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {each["id"] for each in hooks["repos"][0]["hooks"]} <= known
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    (step,) = [
        each for each in workflow["jobs"]["remediator"]["steps"] if "/remediator@" in each["uses"]
    ]
    assert set(step["with"]) <= set(action["inputs"])
    table = dict(re.findall(r"^\| `([a-z-]+)` \| .* \| (.*) \|$", CI.read_text(), re.MULTILINE))
    assert table == {
        name: f"`{item['default']}`" if item["default"] else "none"
        for name, item in action["inputs"].items()
    }
    assert "${{" not in comment[0]["run"]
    assert [line for line in gitlab["remediator"]["script"] if line.startswith("remediator")]


@pytest.fixture
def shell(tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """What runs a script in a repository with one template, where remediator is installed."""
    program = tmp_path / "bin" / "remediator"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m remediator \"$@\"\n")
    program.chmod(0o755)
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "t.yaml").write_text(BROKEN_EXPORT)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        **{
            f"GIT_{who}_{what}": "x@y.z"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }

    def run(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", script],
            cwd=repository,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("git init -q && git add . && git commit -qm x").returncode == 0
    return run


def test_the_scripts_work(shell: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    check, branch, completion = blocks("sh")
    done = shell(check)
    assert (done.returncode, done.stdout) == (1, "templates: see remediator.json\n"), done.stderr
    done = shell(branch)
    assert done.returncode == 0, done.stderr
    assert "t.yaml | 1 +" in done.stdout
    assert shell(check).stdout == "templates: nothing to do\n"
    assert "--show-completion bash" in completion


def test_the_lines_of_the_pipelines_work(
    shell: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    comment, gitlab = map(yaml.safe_load, blocks("yaml")[2:])
    lines = [comment[0]["run"].splitlines()[0], gitlab["remediator"]["script"][1]]
    for line in lines:
        done = shell(f"set -e\n{line}")
        assert done.returncode == 0, done.stderr
    for name in ("comment.md", "remediator.md"):
        assert "### Would be repaired" in shell(f"cat {name}").stdout
    assert shell(gitlab["remediator"]["script"][2]).returncode == 1


if __name__ == "__main__":
    here = PAGE.read_text(encoding="utf-8")
    with TemporaryDirectory() as temporary:
        os.chdir(temporary)
        PAGE.write_text(written(here, Path(temporary)), encoding="utf-8")
    sys.exit()
