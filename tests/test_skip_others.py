"""Many files are named, as pre-commit does, and most of them are no templates."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from test_bad_input import BROKEN, FILES
from test_cli import BROKEN_EXPORT, remediator

OTHERS = {
    "pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n",
    "two.yaml": "a: 1\n---\nb: 2\n",
    "helm.yaml": "{{- if .Values.x }}\nkey: {{ .Values.y }}\n{{- end }}\n",
    "package.json": '{"name": "x", "dependencies": {}}\n',
    "list.json": "[1, 2]\n",
    "empty.yaml": "",
    "tabs.yaml": "a:\n\tb: 1\n",
    "latin.yaml": "ä: 1\n",
    "workflow.yml": "on: push\njobs:\n  deploy:\n    steps: [{run: aws cloudformation deploy}]\n",
}


@pytest.fixture
def others(tmp_path: Path) -> list[Path]:
    for name, text in OTHERS.items():
        (tmp_path / name).write_text(text, encoding="latin-1" if name == "latin.yaml" else "utf-8")
    return sorted(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["check", "fix"])
def test_what_is_no_template_is_passed_over(command: str, others: list[Path]) -> None:
    before = [file.read_bytes() for file in others]
    result = remediator(command, "--skip-others", *others)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{len(others)} other files skipped.\n"
    assert [file.read_bytes() for file in others] == before
    assert remediator(command, *others).exit_code == 2


def test_a_template_among_them_is_handled(tmp_path: Path, others: list[Path]) -> None:
    template = tmp_path / "t.yaml"
    template.write_text(BROKEN_EXPORT)
    result = remediator("check", "--skip-others", *others, template)
    assert result.exit_code == 1
    assert "1 finding can be repaired in 1 file" in result.stdout
    assert remediator("fix", "--skip-others", template, *others).exit_code == 0
    assert "Name:" in template.read_text()


@pytest.mark.parametrize("name", FILES)
def test_what_is_meant_as_a_template_and_cannot_be_read_is_an_error(
    tmp_path: Path, name: str
) -> None:
    shutil.copy(BROKEN / name, tmp_path)
    result = remediator("check", "--skip-others", tmp_path / name)
    assert result.exit_code == (2 if FILES[name][0] else 0), result.output


def test_a_folder_without_templates_is_no_error(tmp_path: Path, others: list[Path]) -> None:
    assert remediator("check", tmp_path).exit_code == 2
    assert remediator("check", "--skip-others", tmp_path).exit_code == 0


def test_a_path_that_is_not_there_stays_an_error(tmp_path: Path) -> None:
    assert remediator("check", "--skip-others", tmp_path / "absent.yaml").exit_code == 2
