"""Patterns for paths match what a regular expression would, and never hang."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.globs import matches

PIECES = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("live/**", "live/a/b.yaml", True),
        ("live/**", "alive/b.yaml", False),
        ("**/t.yaml", "t.yaml", True),
        ("**/t.yaml", "a/b/t.yaml", True),
        ("**/t.yaml", "a/bt.yaml", False),
        ("*.yaml", "a/t.yaml", False),
        ("a/*/t.y?ml", "a/b/t.yaml", True),
        ("a/*/t.yaml", "a/b/c/t.yaml", False),
        ("a.yaml", "abyaml", False),
        ("[ab].yaml", "a.yaml", False),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_what_matches(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) == expected


@given(
    st.lists(st.sampled_from([*PIECES, "a", "b", "/"]), max_size=7).map("".join),
    st.text("ab/", max_size=9),
)
def test_as_a_regular_expression_would(pattern: str, path: str) -> None:
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    expression = "".join(PIECES.get(piece, re.escape(piece)) for piece in pieces)
    assert matches(pattern, path) == (re.fullmatch(expression, path) is not None)


@pytest.mark.parametrize("pattern", ["*a" * 499 + "b", "**/" * 333, "*?" * 500, "**a" * 333])
def test_no_pattern_takes_long(pattern: str) -> None:
    assert not matches(pattern, "a/" * 20 + "a" * 200)
