"""SECURITY.md names tests and targets that are there."""

from __future__ import annotations

import re
from pathlib import Path

from remediator.long_form import MAX_DEPTH, MAX_NODES
from remediator.reading import MAX_BYTES
from remediator.tree_files import MAX_TOTAL

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_promise_names_a_test_that_is_there() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 8
    for row in rows:
        named = re.findall(r"`(tests/[\w./]+)`", row)
        assert named, row
        for name in named:
            assert "def test_" in (ROOT / name).read_text(encoding="utf-8"), name


def test_every_target_that_tests_is_named() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    targets = [name for name in phony.split() if name.startswith(("test", "fuzz"))]
    assert "test" in targets
    for name in targets:
        assert f"`make {name}`" in TEXT


def test_the_bounds_are_those_of_the_code() -> None:
    for bound in (
        f"{MAX_BYTES // 1_000_000} MB a template, {MAX_DEPTH} levels",
        f"{MAX_NODES:,}".replace(",", " ") + " values",
        f"{MAX_TOTAL // 1_000_000} MB of them",
    ):
        assert bound in TEXT


def test_readme_leads_there() -> None:
    assert "[SECURITY.md](SECURITY.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
