from __future__ import annotations

from pathlib import Path

import pytest

from remediator.config import KEYS, Options, find, load, load_project
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
strategy = "reference"
rotation = "30d"
secret-output = true
secret-kms-key = "database"
secret-name-prefix = "prod/"

[paths."live/**"]
new = false
"""
    (tmp_path / "remediator.toml").write_text(text)
    assert load(tmp_path / "x" / "t.yaml") == Settings(
        select=frozenset({"a"}),
        ignore=frozenset({"b", "c"}),
        allow=frozenset({Consequence.SAFE, Consequence.ROTATES}),
        new=True,
        manual_secrets="replace",
        strategy="reference",
        rotation=30,
        secret_output=True,
        secret_kms_key="database",
        secret_name_prefix="prod/",
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


MISTAKES = [
    ("selct = []", "selct: unknown key; the known ones are select,"),
    ("select = 1", "select must be a list of strings, not a number"),
    ('new = "yes"', "new must be true or false, not a string"),
    ('allow = ["all"]', "allow: unknown consequence 'all'; the known ones are safe, rotates"),
    ('manual-secrets = "x"', 'manual-secrets must be "in-place" or "replace", not \'x\''),
    ('strategy = "best"', 'strategy must be "generated" or "reference" or "managed"'),
    ("rotation = 30", "rotation must be a string, not a number"),
    ('rotation = "0d"', 'rotation must be "none" or days such as "30d", 1 to 1000 of them'),
    ('rotation = "1001d"', "rotation must be"),
    ('secret-output = "yes"', "secret-output must be true or false, not a string"),
    ('secret-kms-key = "key"', 'secret-kms-key must be "none", "database", the ARN of a key'),
    ('secret-name-prefix = "a:b"', "secret-name-prefix may hold letters, digits and"),
    ("paths = 1", "paths must be a table of tables, not a number"),
    ('paths."live/**" = 1', 'paths."live/**" must be a table, not a number'),
    ('[paths."a"]\nselct = []', 'paths."a".selct: unknown key; the known ones are select,'),
    ('[paths."a"]\nnew = 1', 'paths."a".new must be true or false, not a number'),
    ('[paths."a".paths]', 'paths."a".paths: unknown key'),
    ("new = ", "is not valid TOML"),
    ('plugin = ["evil"]', "plugin: a settings file cannot load plugins, because"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
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


@pytest.mark.parametrize(
    "key", ["none", "alias/secrets", "arn:aws:kms:eu-west-1:123456789012:key/0a-1b"]
)
def test_a_key_may_be_named(tmp_path: Path, key: str) -> None:
    (tmp_path / "remediator.toml").write_text(f'secret-kms-key = "{key}"\nrotation = "none"')
    assert load(tmp_path) == Settings(secret_kms_key=key)


@pytest.mark.parametrize(
    ("file", "strategy", "rotation"),
    [
        ("live/shop.yaml", "reference", 0),
        ("live/eu/shop.yaml", "managed", 0),
        ("live/eu/deep/shop.yaml", "managed", 7),
        ("shop.yaml", "generated", 7),
        ("a.yaml", "generated", 0),
        ("../live/shop.yaml", "generated", 0),
    ],
)
def test_settings_by_path(tmp_path: Path, file: str, strategy: str, rotation: int) -> None:
    here = tmp_path / "repository"
    here.mkdir()
    (here / "pyproject.toml").write_text("""\
[tool.remediator]
strategy = "generated"

[tool.remediator.paths."live/**"]
strategy = "reference"

[tool.remediator.paths."live/eu/**"]
strategy = "managed"

[tool.remediator.paths."live/eu/*/*.yaml"]
rotation = "7d"

[tool.remediator.paths."sho?.yaml"]
rotation = "7d"
""")
    settings = load_project(here).of(here / file)
    assert (settings.strategy, settings.rotation) == (strategy, rotation)
    if not file.startswith(".."):
        assert load(here / file) == settings


def test_options_win_over_settings_by_path(tmp_path: Path) -> None:
    (tmp_path / "remediator.toml").write_text('[paths."**/t.yaml"]\nstrategy = "reference"\n')
    assert load(tmp_path / "t.yaml").strategy == "reference"
    options = Options(strategy="managed", rotation="30d")
    assert load(tmp_path / "t.yaml", options) == Settings(strategy="managed", rotation=30)
    with pytest.raises(ConfigError, match="--rotation must be"):
        load(tmp_path, Options(rotation="30"))
    source = load_project(tmp_path).source
    assert source == (str(tmp_path / "remediator.toml"), "**/t.yaml: strategy: reference")


def test_a_folder_beside_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    here = tmp_path / "here"
    here.mkdir()
    (here / "remediator.toml").write_text("new = true")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(here)
    assert find(Path("../other")) is None
    assert find(Path("../other/t.yaml")) is None
    assert find(Path("t.yaml")) == here / "remediator.toml"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"new = true\n" + b"#" * 1_000_000, "it has more than 1,000,000 bytes"),
        (b"a = " + b"[" * 100_000, "it nests too deep"),
        (b"a = " + b"{a = " * 100_000, "it nests too deep"),
        (b"a" + b".a" * 100_000 + b" = 1", "a key has more than 64 steps"),
        (b"[a" + b' . "b c"' * 70 + b"]", "a key has more than 64 steps"),
        ("new = true".encode("utf-16"), "is not UTF-8"),
        (b"# caf\xe9\nnew = true", "is not UTF-8"),
        (b"new = true\0", "is not valid TOML"),
        (b"strategy = '" + b"x" * 10_000 + b"'", "strategy must be "),
        (b"x" * 10_000 + b" = 1", "xxx…: unknown key"),
        (b"[paths.'" + b"*" * 1001 + b"']", "is longer than 1000 characters"),
    ],
)
def test_a_hostile_file_is_one_clear_line(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "remediator.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert caught.value.message.startswith(f"{file}: ")
    assert message in caught.value.message
    assert len(caught.value.message) < 600 + len(str(file))


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "remediator.toml").write_bytes(b"\xef\xbb\xbfnew = true\r\n")
    assert load(tmp_path).new


def test_a_project_that_does_not_speak_of_us_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.other\n")
    assert find(tmp_path) is None
    (tmp_path / "pyproject.toml").write_text("[tool.remediator\n")
    with pytest.raises(ConfigError, match=r"pyproject.toml: is not valid TOML"):
        find(tmp_path)
