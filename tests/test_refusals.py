"""Every code of what is left is explained."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from test_cli import remediator

from remediator.report.refusals import EXAMPLES, REFUSALS

ROOT = Path(__file__).parent.parent
CODE = re.compile(r'(?:Refusal|Problem)\(\s*"([a-z-]+)"')
STRING = re.compile(r'^\s*(?:"[\w:]+": )?\(?"((?:used|passed|secret)-[a-z-]+)"', re.MULTILINE)


def _sources() -> list[str]:
    files = [*(ROOT / "transforms").glob("*.py"), *(ROOT / "remediator").glob("*.py")]
    return [file.read_text() for file in files]


def test_every_code_of_the_sources_and_the_readme_is_explained() -> None:
    known = {code for text in _sources() for code in CODE.findall(text) + STRING.findall(text)}
    section = (ROOT / "README.md").read_text().partition("## What it refuses")[2]
    table = "".join(re.findall(r"^\|.*\|$", section.partition("\n## ")[0], re.MULTILINE))
    known |= set(re.findall(r"`([a-z-]+)`", table))
    assert len(known) > 50
    known -= {"secret-attachments", "secret-kms-key"}  # a transform, a setting
    assert sorted(known - REFUSALS.keys()) == []


def test_the_table_is_sorted_and_names_no_code_that_is_not_there() -> None:
    assert list(REFUSALS) == sorted(REFUSALS)
    text = "".join(_sources()) + (ROOT / "README.md").read_text()
    assert not [code for code in REFUSALS if f'"{code}"' not in text and f"`{code}`" not in text]


@pytest.mark.parametrize("code", REFUSALS)
def test_a_meaning_is_followed_by_a_way_out(code: str) -> None:
    assert REFUSALS[code].endswith(".")
    assert REFUSALS[code].count(". ") >= 1


def test_examples_belong_to_codes() -> None:
    assert EXAMPLES.keys() <= REFUSALS.keys()


def test_explain_takes_a_code() -> None:
    shown = remediator("explain", "used-in-userdata")
    assert shown.exit_code == 0
    meaning, _, example = shown.stdout.partition("\n\n")
    assert " ".join(meaning.split()) == f"used-in-userdata: {REFUSALS['used-in-userdata']}"
    assert "secretsmanager get-secret-value" in example
    assert "Action: secretsmanager:GetSecretValue" in example
    assert max(map(len, shown.stdout.splitlines())) <= 80


# What no template of a few lines can show: the engine's own tests do.
SHOWN_BY_TESTS = {
    "cannot-be-proven": "test_engine.py",
    "declined": "test_choice.py",
    "duplicate-key": "test_engine.py",
    "name-too-long": "test_limits.py",
    "not-proven": "test_engine.py",
    "second-opinion": "test_engine.py",
    "template-too-large": "test_limits.py",
    "too-many-outputs": "test_limits.py",
    "too-many-parameters": "test_limits.py",
    "too-many-resources": "test_limits.py",
    "validator-error": "test_validator.py",
}


def test_every_code_has_a_case() -> None:
    findings = (ROOT / "tests" / "cases").glob("*/*/findings.json")
    shown = {each["code"] for file in findings for each in json.loads(file.read_text())}
    assert sorted(REFUSALS.keys() - shown - SHOWN_BY_TESTS.keys()) == []
    for code, file in SHOWN_BY_TESTS.items():
        assert f'"{code}"' in (ROOT / "tests" / file).read_text(), code
