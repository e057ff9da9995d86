"""The plugin of examples/: its cases hold, and an installed one loads only when it is named."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib import metadata
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
from test_cli import remediator

from remediator.registry import builtin_transforms, catalogue, plugins
from remediator.testing import Case, cases, check_case, main

ROOT = Path(__file__).parent.parent
PLUGIN = ROOT / "examples" / "plugin"
NAME = "replace-policies"
CASES = list(cases(PLUGIN / "cases"))
CHANGED = PLUGIN / "cases" / NAME / "kept-at-deletion"


def declared() -> EntryPoints:
    """Return the entry points that the plugin's pyproject.toml declares."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = project["entry-points"].items()
    return EntryPoints(
        EntryPoint(name, value, group) for group, names in groups for name, value in names.items()
    )


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    points = declared()
    monkeypatch.syspath_prepend(str(PLUGIN))
    monkeypatch.setattr(metadata, "entry_points", lambda group: points.select(group=group))


@pytest.fixture
def template(tmp_path: Path) -> Path:
    return Path(shutil.copy(CHANGED / "before.yaml", tmp_path))


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.folder.name)
def test_case(case: Case) -> None:
    check_case(case, plugins([NAME]), catalogue())


@pytest.mark.usefixtures("installed")
def test_fix_runs_it_when_it_is_named(template: Path) -> None:
    done = remediator("fix", "--plugin", NAME, str(template))
    assert done.exit_code == 0, done.output
    assert template.read_bytes() == (CHANGED / "after.yaml").read_bytes()
    assert f"{NAME} Orders gets UpdateReplacePolicy: Retain" in " ".join(done.stdout.split())


@pytest.mark.usefixtures("installed")
def test_it_is_not_run_unnamed(template: Path) -> None:
    done = remediator("fix", str(template))
    assert done.exit_code == 0, done.output
    assert template.read_bytes() == (CHANGED / "before.yaml").read_bytes()


@pytest.mark.usefixtures("installed")
def test_what_it_leaves_is_told_with_its_code() -> None:
    case = CHANGED.parent / "one-policy-alone"
    done = remediator("check", "--plugin", NAME, str(case / "before.yaml"))
    assert done.exit_code == 1
    assert "[deletion-policy-missing]" in done.stdout


@pytest.mark.usefixtures("installed")
def test_the_script_of_the_harness_takes_a_plugin(tmp_path: Path) -> None:
    copy = tmp_path / NAME / "case"
    shutil.copytree(CHANGED, copy)
    (copy / "after.yaml").unlink()
    assert main(["--plugin", NAME, str(copy)]) == 1
    assert main(["--plugin", NAME, "--accept", str(copy)]) == 0
    assert (copy / "after.yaml").read_bytes() == (CHANGED / "after.yaml").read_bytes()


def test_it_does_what_no_built_in_transform_does() -> None:
    assert NAME not in {transform.id for transform in builtin_transforms()}
    assert {case.transform for case in CASES} == {NAME}


def test_its_readme_names_every_code() -> None:
    source = (PLUGIN / "replace_policies.py").read_text(encoding="utf-8")
    readme = (PLUGIN / "README.md").read_text(encoding="utf-8")
    codes = re.findall(r'Refusal\("([a-z-]+)"', source)
    assert codes
    assert all(f"| `{code}` |" in readme for code in codes)


# --- installed for real ----------------------------------------------------------------------


def run(command: Sequence[str | Path], cwd: Path, expected: int = 0) -> str:
    """Run a program with nothing of this environment's Python; return what it printed."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout


@pytest.mark.plugin
def test_wheels_in_an_environment_of_their_own(tmp_path: Path, template: Path) -> None:
    unbuilt = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
    shutil.copytree(PLUGIN, tmp_path / "plugin", ignore=unbuilt)
    for folder in ("remediator", "transforms"):
        shutil.copytree(ROOT / folder, tmp_path / "tool" / folder, ignore=unbuilt)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tmp_path / "tool")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", "wheels"]
    run([*pip, "./tool", "./plugin"], tmp_path)
    wheels = sorted((tmp_path / "wheels").glob("*.whl"))
    assert [wheel.name.partition("-")[0] for wheel in wheels] == [
        "remediator",
        "remediator_replace_policies",
    ]
    run([sys.executable, "-m", "venv", "env"], tmp_path)
    scripts = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    run([scripts / "python", "-m", "pip", "install", "--quiet", *wheels, "pytest"], tmp_path)

    # Nothing but the wheels: the current folder holds neither sources nor the plugin.
    elsewhere = template.parent / "elsewhere"
    elsewhere.mkdir()
    before, after = ((CHANGED / name).read_bytes() for name in ("before.yaml", "after.yaml"))
    told = run([scripts / "remediator", "fix", template], elsewhere)
    assert NAME not in told
    assert template.read_bytes() == before
    told = run([scripts / "remediator", "fix", "--plugin", NAME, template], elsewhere)
    assert NAME in told
    assert template.read_bytes() == after

    for folder in ("cases", "tests"):
        shutil.copytree(PLUGIN / folder, elsewhere / folder, ignore=unbuilt)
    told = run([scripts / "python", "-m", "pytest", "-q", "tests"], elsewhere)
    assert f"{len(CASES) + 1} passed" in told
    harness: list[str | Path] = [
        scripts / "python",
        "-P",
        "-m",
        "remediator.testing",
        "--plugin",
        NAME,
    ]
    run([*harness, *(elsewhere / "cases" / NAME).iterdir()], elsewhere)
