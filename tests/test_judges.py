"""Two other judges, cfn-lint and AWS's own rules engine, find no new error in a repaired case."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path as File
from typing import Any

import pytest

CASES = File(__file__).parent / "cases"
pytestmark = pytest.mark.judges
# It refers to what nothing defines, before and after: both judges say so once for every copy.
UNDEFINED = frozenset({"user-name-with-a-dot"})
AFTERS = sorted(file for file in CASES.glob("*/*/after*.*") if file.parent.name not in UNDEFINED)


def before(after: File) -> File:
    return after.with_name("before" + after.suffix)


def name(after: File) -> str:
    return "/".join(after.parts[-3:])


def by_cfn_lint(file: File) -> Counter[str]:
    from cfnlint.api import lint_file  # type: ignore[import-untyped]

    found = [match for match in lint_file(file) if match.rule.id.startswith("E")]
    return Counter(f"{match.rule.id} {match.message}" for match in found)


@cache
def engine() -> Any:
    import cloudformation_validate  # type: ignore[import-untyped]

    return cloudformation_validate.CelEngine()


def by_aws(file: File) -> Counter[str]:
    found = engine().validate_template(str(file)).diagnostics
    return Counter(
        f"{each.rule_id} {each.message}"
        for each in found
        if each.severity.name in ("ERROR", "FATAL")
    )


@pytest.mark.parametrize("after", AFTERS, ids=name)
def test_cfn_lint_finds_no_new_error(after: File) -> None:
    assert not by_cfn_lint(after) - by_cfn_lint(before(after))


@pytest.mark.parametrize("after", AFTERS, ids=name)
def test_the_rules_engine_finds_no_new_error(after: File) -> None:
    assert not by_aws(after) - by_aws(before(after))
