"""What is told of a template from its raw text."""

from __future__ import annotations

import pytest

from remediator.raw_text import plain_parameters

SECTION = "Parameters:\n  A:\n    Type: String\n"


@pytest.mark.parametrize(
    "section",
    [
        SECTION,
        "Parameters:\r\n  A:\r\n\r\n    Type: String\r\n",
        "Parameters:  \n\n # x\n  A: 1\n",
        *(
            f"{SECTION}    Description: {text}\n"
            for text in ("the team's", "'the team''s'", "'a'", '"it\'s"', "'a\n      b'")
        ),
        f"{SECTION}    # don't\n",
    ],
)
@pytest.mark.parametrize("before", ["", "Description: x\n", "\n\n"])
@pytest.mark.parametrize("after", ["", "Resources:\n  B: 1\n"])
def test_a_plain_section(before: str, section: str, after: str) -> None:
    assert plain_parameters(before + section + after) == section


@pytest.mark.parametrize(
    "text",
    [
        *("", "Resources:\n", "{Parameters: {A: 1}}\n", "  Parameters:\n    A: 1\n"),
        *(f"{SECTION}Parameters:\n  B: 1\n", f'{SECTION}"Parameters":\n  B: 1\n'),
        *(f"{SECTION}{key}\n" for key in ("? B\n: c", "&a B: c", "* B: c", "!a B: c")),
        # A quoted text may go on in a line of any depth.
        *(f"{SECTION}    Description: {quote}a\nB: c{quote}\n" for quote in "'\""),
        *(f"{SECTION}    Description: 'the team''s\nB: c'\n", f"{SECTION}    D: 'a b''\nB: c'\n"),
        f"{SECTION}- B\n",
        "'Parameters':\n  A: 1\n",
    ],
)
def test_no_section_is_sure(text: str) -> None:
    assert plain_parameters(text) is None
