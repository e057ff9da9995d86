"""The pages of docs/ follow the code, lead somewhere, and make a site that needs no network."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from remediator.cli import app
from remediator.config import KEYS, load
from remediator.model import Settings
from remediator.registry import builtin_transforms
from remediator.report.refusals import REFUSALS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


def test_the_pages_are_what_is_generated() -> None:
    generate: dict[str, Any] = runpy.run_path(str(DOCS / "generate.py"))
    generated: dict[Path, str] = generate["pages"]()
    assert {"codes.md", "command-line.md", "review.md"} <= {page.name for page in generated}
    stale = [
        page
        for page in generated
        if page not in PAGES or page.read_text("utf-8") != generated[page]
    ]
    assert not stale, f"{', '.join(page.name for page in stale)}: run make docs"


def test_every_transform_has_a_page_and_no_other() -> None:
    written = {page.stem for page in (DOCS / "transforms").glob("*.md")}
    assert written == {transform.id for transform in builtin_transforms()}


def test_a_page_of_a_transform_holds_its_docstring_and_a_diff() -> None:
    for transform in builtin_transforms():
        text = (DOCS / "transforms" / f"{transform.id}.md").read_text(encoding="utf-8")
        for section in ("\n## Why\n", "\n## Consequence\n", "\n## Not repaired\n", "\n## See\n"):
            assert section in text
        words = transform.documentation.replace("https://", "<https://").split()
        assert [word for word in words if word.rstrip(">") not in text] == []
        diff = text.partition("```diff\n")[2].partition("```")[0]
        assert re.search(r"^[+-] ", diff, re.MULTILINE)


def test_the_command_line_is_that_of_help() -> None:
    text = (DOCS / "command-line.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"^## remediator ?([\w ]*)\n\n```text\n(.*?)```", text, re.M | re.S))
    assert {"", "fix", "check", "explain", "migrate", "migrate run"} <= blocks.keys()
    for name, shown in blocks.items():
        arguments = [*name.split(), "--help"]
        runner = CliRunner(env={"COLUMNS": "80"})
        assert runner.invoke(app, arguments, prog_name="remediator").stdout == shown


def test_every_code_stands_on_its_page() -> None:
    text = (DOCS / "codes.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)$", text, re.MULTILINE) == list(REFUSALS)


def test_every_setting_and_its_default_is_told(tmp_path: Path) -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    table = text.partition("|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
    defaults = {key: row[2] for row in rows for key in re.findall(r"`([a-z-]+)`", row[0])}
    assert set(defaults) == set(KEYS)
    given = {key: value.strip("`") for key, value in defaults.items() if value.startswith("`")}
    allowed = ", ".join(f'"{each}"' for each in re.findall(r"\w+", given.pop("allow")))
    lines = [f"allow = [{allowed}]", *(f'{key} = "{value}"' for key, value in given.items())]
    lines += [f"{key} = false" for key, value in defaults.items() if value == "false"]
    assert len(lines) == 7
    (tmp_path / "remediator.toml").write_text("\n".join(lines), encoding="utf-8")
    assert load(tmp_path) == Settings()


@pytest.mark.parametrize("page", [*PAGES, *ROOT.glob("*.md")], ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in LINK.findall(prose):
        if not target.startswith(("https://", "#")):
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_the_readme_leads_to_the_pages() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = {target.partition("#")[0] for target in LINK.findall(readme)}
    by_hand = {page.relative_to(ROOT).as_posix() for page in DOCS.glob("*.md")} - {"docs/index.md"}
    assert by_hand - linked == set()


class Loaded(HTMLParser):
    """Gathers what a page loads by itself: a link that a reader may follow is not that."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        loads = [named.get("src"), named.get("href") if tag == "link" else None]
        self.addresses += [address for address in loads if address]


def test_the_site_is_built_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    # Not --quiet: it swallows the warnings before --strict can count them.
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    built = {page.relative_to(tmp_path).with_suffix(".md") for page in tmp_path.rglob("*.html")}
    assert {page.relative_to(DOCS) for page in PAGES} <= built
    assert not list(tmp_path.rglob("*.py"))
    for page in tmp_path.rglob("*.html"):
        loaded = Loaded()
        loaded.feed(page.read_text(encoding="utf-8"))
        assert loaded.addresses
        assert [each for each in loaded.addresses if re.match(r"(https?:)?//", each)] == []
    for sheet in tmp_path.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", sheet.read_text("utf-8"))
