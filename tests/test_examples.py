"""The examples: `fix` repairs them to the files beside them, and these are worth deploying."""

from __future__ import annotations

from pathlib import Path as File
from typing import Any

import pytest

from remediator.document import Document
from remediator.model import Context, Settings
from remediator.results import FileResult, Status

EXAMPLES = File(__file__).parent.parent / "examples"
BEFORE = sorted(file for file in EXAMPLES.glob("*.yaml") if not file.stem.endswith(".fixed"))


def fixed(file: File) -> File:
    return file.with_suffix(".fixed.yaml")


def remediate(raw: bytes, name: str) -> FileResult:
    from remediator.engine import remediate as run
    from remediator.registry import catalogue, load

    settings = Settings()
    context = Context(catalogue(), settings)
    return run(Document.decode(raw, name), load(settings), context, path=name)


def data_of(file: File) -> dict[str, Any]:
    return Document.decode(file.read_bytes(), file.name).data


def lint(file: File) -> list[str]:
    """Return what cfn-lint finds, as `E1234 message`."""
    from cfnlint.api import lint_file  # type: ignore[import-untyped]

    return [f"{match.rule.id} {match.message}" for match in lint_file(file)]


@pytest.mark.parametrize("file", BEFORE, ids=lambda file: file.stem)
def test_fix_writes_the_file_beside_it(file: File) -> None:
    result = remediate(file.read_bytes(), file.name)
    assert result.error == ""
    assert result.new.splitlines() == fixed(file).read_text(encoding="utf-8").splitlines()
    assert result.new.encode() == fixed(file).read_bytes()
    assert {outcome.status for outcome in result.outcomes} == {Status.FIXED}
    assert result.needs_before != ()
    assert result.needs_after == ()


@pytest.mark.parametrize("file", BEFORE, ids=lambda file: file.stem)
def test_nothing_is_left_to_do_in_the_repaired_file(file: File) -> None:
    result = remediate(fixed(file).read_bytes(), fixed(file).name)
    assert result.outcomes == ()
    assert result.status is Status.CLEAN
    assert result.new == result.old


@pytest.mark.parametrize("file", BEFORE, ids=lambda file: file.stem)
def test_cfn_lint_accepts_the_repaired_file(file: File) -> None:
    found = lint(fixed(file))
    assert [each for each in found if each.startswith(("E", "W1011"))] == []


@pytest.mark.parametrize("file", BEFORE, ids=lambda file: file.stem)
def test_no_circular_dependency(file: File) -> None:
    from remediator.integrity import cycles
    from remediator.template import Template

    template = Template(Document.decode(fixed(file).read_bytes(), file.name))
    assert cycles(template) == frozenset()


def test_defects_of_the_payment_stack() -> None:
    found = {each.split()[0] for each in lint(EXAMPLES / "payment-processing.yaml")}
    assert found == {"E6003", "W1011"}


def test_counts_of_the_payment_stack() -> None:
    before = data_of(EXAMPLES / "payment-processing.yaml")
    after = data_of(EXAMPLES / "payment-processing.fixed.yaml")
    without_default = [
        name for name, entry in before["Parameters"].items() if "Default" not in entry
    ]
    assert without_default == ["DBPassword", "OnPremisesDBPassword"]
    assert [len(before[section]) for section in ("Resources", "Parameters", "Outputs")] == [
        52,
        24,
        20,
    ]
    assert [len(after[section]) for section in ("Resources", "Parameters", "Outputs")] == [
        54,
        22,
        20,
    ]
    assert all("Default" in entry for entry in after["Parameters"].values())


def test_no_password_is_a_parameter_of_the_payment_stack() -> None:
    text = (EXAMPLES / "payment-processing.fixed.yaml").read_text(encoding="utf-8")
    assert "NoEcho" not in text
    assert "!Ref DBPassword" not in text
    assert text.count("{{resolve:secretsmanager:${DBSecret}::password}}") == 2


def test_every_example_stands_in_the_readme() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for file in EXAMPLES.glob("*.yaml"):
        assert f"`{file.name}`" in readme
