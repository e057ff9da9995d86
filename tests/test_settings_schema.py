"""The JSON Schema of the settings says what config.py says."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from test_cli import remediator
from test_config import MISTAKES

from remediator import config
from remediator.errors import ConfigError
from remediator.model import Consequence, Settings

SCHEMA: dict[str, Any] = json.loads(config.schema())
VALIDATOR = Draft202012Validator(SCHEMA)
PAGE = (Path(__file__).parent.parent / "docs" / "settings.md").read_text()
KEYS = [key for key in config.KEYS if key != "paths"]


def accepts(table: dict[str, Any]) -> bool:
    """Tell whether config.py takes a table; the schema says the same, also in pyproject.toml."""
    try:
        config.read_table(Path("remediator.toml"), table)
        accepted = True
    except ConfigError:
        accepted = False
    assert VALIDATOR.is_valid(table) == accepted, table
    assert VALIDATOR.is_valid({"project": {}, "tool": {"remediator": table}}) == accepted, table
    return accepted


def test_it_is_a_schema_of_the_keys() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    definitions = SCHEMA["$defs"]
    assert set(SCHEMA["properties"]) == {*config.KEYS, "tool"}
    assert set(SCHEMA["else"]["propertyNames"]["enum"]) == set(config.KEYS)
    assert set(definitions["settings"]["properties"]) == set(config.KEYS)
    assert set(definitions["table"]["properties"]) == set(KEYS)
    assert all(definitions[key]["description"].endswith(".") for key in config.KEYS)


def test_choices_and_defaults_are_those_of_the_settings() -> None:
    definitions = SCHEMA["$defs"]
    for key, choices in config._CHOICES.items():
        assert definitions[key]["enum"] == list(choices)
    assert definitions["allow"]["items"]["enum"] == list(Consequence)
    defaults = {key: definitions[key]["default"] for key in KEYS}
    assert config.read_table(Path("x"), defaults) == (Settings(), ())
    assert definitions["paths"]["default"] == {}
    assert {key for key, value in defaults.items() if value is False} == set(config._SWITCHES)


@pytest.mark.parametrize("key", KEYS)
def test_its_examples_are_taken(key: str) -> None:
    definition = SCHEMA["$defs"][key]
    for value in [*definition.get("examples", ()), *definition.get("enum", ())]:
        assert accepts({key: value})
        assert accepts({"paths": {"live/**": {key: value}}})


@pytest.mark.parametrize("text", [text for text, _ in MISTAKES if "valid TOML" not in _])
def test_it_refuses_what_is_refused(text: str) -> None:
    assert not accepts(tomllib.loads(text))


def test_the_example_of_the_documentation_is_taken() -> None:
    shown = PAGE.partition("```toml\n")[2].partition("```")[0]
    assert accepts(tomllib.loads(shown))
    assert "`#:schema ./settings.schema.json`" in PAGE


def test_it_can_be_printed() -> None:
    assert json.loads(remediator("explain", "settings").stdout) == SCHEMA


def words(choices: Iterator[str] | tuple[str, ...]) -> st.SearchStrategy[str]:
    plain = st.sampled_from(tuple(choices))
    return plain | st.lists(plain | st.just(" "), max_size=3).map(",".join)


VALUES: st.SearchStrategy[Any] = (
    st.booleans()
    | st.integers()
    | words((*config._CHOICES["strategy"], *config._CHOICES["manual-secrets"], "x", ""))
    | words((*Consequence, "none", "database", "alias/a", "alias/", "a b", "prod/", "ü"))
    | st.from_regex(r"[0-9]{0,5}d?", fullmatch=True)
    | st.from_regex(r"arn:aws:kms:[a-z-]{0,3}:[0-9]{11,12}:(key|alias|x)/[a-z0-9]?", fullmatch=True)
    | st.lists(words((*Consequence, "export-names")) | st.integers(), max_size=3)
    | st.just({})
)
TABLES = st.dictionaries(st.sampled_from((*KEYS, "plugin", "selct", "paths")), VALUES, max_size=2)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from((*KEYS, "nonsense")), VALUES, max_size=2), TABLES)
def test_both_take_the_same_tables(table: dict[str, Any], inner: dict[str, Any]) -> None:
    accepts(table)
    accepts({"paths": {"live/**": inner}})
    accepts({"paths": inner})
