"""Every folder of cases/ is a test."""

from __future__ import annotations

from pathlib import Path

import pytest
from replace_policies import TRANSFORM

from remediator.registry import catalogue
from remediator.testing import Case, cases, check_case

CASES = list(cases(Path(__file__).parent.parent / "cases"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.folder.name)
def test_case(case: Case) -> None:
    check_case(case, (TRANSFORM,), catalogue())


def test_there_are_cases_that_change_and_cases_that_do_not() -> None:
    changed = [case for case in CASES if case.after(new=False) != case.before]
    assert 0 < len(changed) < len(CASES)
