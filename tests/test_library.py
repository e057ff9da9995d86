"""What a Python program imports: typed, without a print, a file or a surprise."""

from __future__ import annotations

import builtins
import io
from pathlib import Path
from typing import NoReturn

import pytest

import remediator
from remediator import Consequence, Settings, Status, check, fix, registry
from remediator.errors import TemplateError

ROOT = Path(__file__).parent.parent
TEMPLATE = (ROOT / "examples" / "rds-minimal.yaml").read_text()
FIXED = (ROOT / "examples" / "rds-minimal.fixed.yaml").read_text()


def test_a_text_in_a_result_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.catalogue()
    registry.required_properties()
    fix(TEMPLATE)  # all is imported now

    def never(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a library opens no file")

    for module in (builtins, io):
        monkeypatch.setattr(module, "open", never)
    result = fix(TEMPLATE, name="db.yaml")
    assert (result.status, result.path, result.old, result.new) == (
        Status.FIXED,
        "db.yaml",
        TEMPLATE,
        FIXED,
    )
    [outcome] = result.outcomes
    assert outcome.finding.fix
    assert outcome.finding.fix.consequence is Consequence.ROTATES
    assert capsys.readouterr() == ("", "")


def test_settings_and_check() -> None:
    assert (
        fix(TEMPLATE, settings=Settings(ignore=frozenset({"password-parameters"}))).new == TEMPLATE
    )
    found = check(TEMPLATE)
    assert found.status is Status.REPAIRABLE
    assert found.new == TEMPLATE
    chosen = Settings(skip=frozenset({found.outcomes[0].id}))
    assert fix(TEMPLATE, settings=chosen).status is Status.LEFT


def test_what_is_no_template_is_an_error() -> None:
    with pytest.raises(TemplateError):
        fix("a: 1")


def test_only_what_is_documented_is_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        remediator.nothing  # noqa: B018
