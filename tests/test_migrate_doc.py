"""docs/migrate.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from remediator.migrate.campaign import KEYS, load
from remediator.migrate.entry import Standing
from remediator.migrate.messages import PLACEHOLDERS
from remediator.migrate.standings import MEANINGS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "migrate.md").read_text(encoding="utf-8")
LEAST = 'allow = ["safe"]\nauthor = "A <a@b>"\n[repositories]\nurls = ["https://h.example/a/b"]\n'


def tables() -> dict[str, dict[str, str]]:
    """Return the default of each key by its table, as the page has them."""
    found: dict[str, dict[str, str]] = {}
    section = PAGE.partition("## The campaign file\n")[2].partition("### Placeholders")[0]
    name = ""
    for line in section.splitlines():
        title = re.match(r"\*\*`\[(\w+)\]`\*\*", line)
        name = title[1] if title else name
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `"):
            for key in re.findall(r"`([a-z-]+)`", cells[0]):
                found.setdefault(name, {})[key] = cells[2].strip("`")
    return found


def test_every_key_is_told() -> None:
    told = tables()
    assert set(told) == set(KEYS)
    for name, keys in KEYS.items():
        tables_within = {each for each in KEYS if each} if not name else set()
        assert set(told[name]) == set(keys) - tables_within, name


def test_the_defaults_are_those_that_are_told(tmp_path: Path) -> None:
    said = []
    for name, keys in tables().items():
        lines = [
            f'{key} = "{value}"' if value in ("files", "proposals") else f"{key} = {value}"
            for key, value in keys.items()
            if value in ("files", "proposals", "false", "true") or value.isdigit()
        ]
        said += [f"[{name}]", *lines] if name else lines
    plain, full = tmp_path / "campaign.toml", tmp_path / "full" / "campaign.toml"
    full.parent.mkdir()
    plain.write_text(LEAST)
    top, _, rest = "\n".join(said).partition("[")
    own = rest.replace("repositories]", "", 1)
    full.write_text(top + LEAST + f"[{own.strip().removeprefix('[')}")
    one, other = load(plain), load(full)
    assert other.pace == one.pace
    assert other.job == one.job
    assert other.target.via is one.target.via
    assert len(said) > 14


def test_the_first_example_is_a_campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = PAGE.partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "campaign.toml").write_text('author = "A <a@b>"\n' + shown)
    campaign = load(tmp_path / "campaign.toml")
    assert (campaign.name, campaign.target.via, campaign.pace.at_most) == ("passwords", "gh", 20)


def test_every_standing_has_its_meaning() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.partition("| stands")[2], re.MULTILINE))
    assert {standing: rows.get(standing) for standing in Standing} == MEANINGS


def test_every_placeholder_is_told() -> None:
    section = PAGE.partition("### Placeholders")[2].partition("###")[0]
    assert set(re.findall(r"`\$(\w+)`", section)) == set(PLACEHOLDERS)


def test_the_workflow_is_yaml_that_quotes_no_input_in_a_script() -> None:
    text = PAGE.partition("```yaml\n")[2].partition("```")[0]
    steps = yaml.safe_load(text)["jobs"]["repair"]["steps"]
    assert len(steps) == 4
    assert not any("${{" in step.get("run", "") for step in steps)


def test_others_lead_there() -> None:
    for name in ("README.md", "docs/index.md", "docs/migrating-git.md"):
        assert "migrate.md)" in (ROOT / name).read_text(encoding="utf-8"), name
