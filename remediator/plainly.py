"""What libyaml finds wrong with a text, in plain words."""

from __future__ import annotations

PLAINLY = (
    ("mapping values are not allowed", "a colon stands where no key can be"),
    ("found character '\\t'", "a tab stands where only spaces may"),
    ("found a tab character", "a tab stands where only spaces may"),
    ("found character that cannot start any token", "a character that no value can start with"),
    ("did not find expected key", "an entry is not indented as the entries above it"),
    ("did not find expected '-' indicator", "an entry is not indented as the entries above it"),
    ("did not find expected ',' or '}'", "a comma or a closing brace is missing"),
    ("did not find expected ',' or ']'", "a comma or a closing bracket is missing"),
    ("could not find expected ':'", "a key without a colon"),
    ("found unexpected end of stream", "the text ends within a quoted value"),
    ("found undefined alias", "an alias (*) of an anchor that is not there"),
    ("found undefined tag handle", "a tag that is not defined"),
    ("did not find expected node content", "a value is missing"),
    ("did not find expected <document start>", "text where the template has ended"),
    ("did not find expected alphabetic or numeric character", "a * or & without a name"),
)
"""How a message of libyaml begins -> what to say instead."""
