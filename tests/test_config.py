from __future__ import annotations

from pathlib import Path

import pytest

from remediator.config import KEYS, Options, find, load
from remediator.errors import ConfigError
from remediator.model import Consequence, Settings


def test_without_a_file_the_defaults_stand(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert load(tmp_path) == Settings()


def test_every_key_is_read(tmp_path: Path) -> None:
    text = """\
select = ["a"]
ignore = "b, c"
allow = ["rotates"]
new = true
manual-secrets = "replace"
secret-kms-key = "database"
"""
    (tmp_path / "remediator.toml").write_text(text)
    assert load(tmp_path / "x" / "t.yaml") == Settings(
        select=frozenset({"a"}),
        ignore=frozenset({"b", "c"}),
        allow=frozenset({Consequence.SAFE, Consequence.ROTATES}),
        new=True,
        manual_secrets="replace",
        secret_kms_key="database",
    )
    assert all(key in text for key in KEYS)


def test_the_nearest_file_wins_and_a_project_without_the_table_is_passed_over(
    tmp_path: Path,
) -> None:
    (tmp_path / "remediator.toml").write_text("new = true")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[tool.other]\n")
    assert find(inner) == tmp_path / "remediator.toml"
    (inner / "pyproject.toml").write_text("[tool.remediator]\nnew = false\n")
    assert find(inner / "t.yaml") == inner / "pyproject.toml"
    assert not load(inner).new


def test_the_search_ends_at_the_repository(tmp_path: Path) -> None:
    (tmp_path / "remediator.toml").write_text("new = true")
    (tmp_path / "inner" / ".git").mkdir(parents=True)
    assert find(tmp_path / "inner") is None


def test_options_win_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "remediator.toml").write_text('allow = ["external"]\nselect = ["a"]')
    settings = load(tmp_path, Options(allow=frozenset({"replaces"}), plugins=("mine",)))
    assert settings.allow == {Consequence.SAFE, Consequence.REPLACES}
    assert settings.select == {"a"}
    assert settings.plugins == ("mine",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selct = []", "selct: unknown key; the known ones are select,"),
        ("select = 1", "select must be a list of strings, not a number"),
        ('new = "yes"', "new must be true or false, not a string"),
        ('allow = ["all"]', "allow: unknown consequence 'all'; the known ones are safe, rotates"),
        ('manual-secrets = "x"', 'manual-secrets must be "in-place" or "replace", not \'x\''),
        ("new = ", "is not valid TOML"),
        ('plugin = ["evil"]', "plugin: a settings file cannot load plugins, because"),
    ],
)
def test_a_mistake_names_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "remediator.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert str(tmp_path / "remediator.toml") in caught.value.message
    assert message in caught.value.message


def test_a_named_settings_file_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    with pytest.raises(ConfigError, match=r"has no \[tool.remediator\] table"):
        load(tmp_path, config=tmp_path / "pyproject.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, config=tmp_path / "absent.toml")
