"""docs/credentials.md names every credential that is generated, and every rule of cfn_nag.

`python -m tests.test_credentials_doc` writes its table anew.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path as File
from typing import Any

import pytest

from remediator import registry
from remediator.document import Document
from remediator.model import Credential, Path, value_at
from remediator.template import Template

registry.builtin_transforms()
_slots: Any = sys.modules["remediator.transforms._slots"]

ROOT = File(__file__).parent.parent
PAGE = ROOT / "docs" / "credentials.md"
CASES = ROOT / "tests" / "cases"
START, END = "<!-- table -->\n", "<!-- end -->\n"
RULES = [23, 31, *range(34, 38), *range(41, 59), *range(60, 72), 74, 75]
"""cfn_nag's rules on credentials; F24, on the user name, is spoken of apart."""
CONTAINER = "secret-container"


def listed(row: Credential) -> bool:
    """Tell whether the page speaks of a row: it is generated, or cfn_nag has a rule on it."""
    generated = row.generatable == "yes" or row.logs_in_later
    return row.kind != CONTAINER and (generated or "cfn_nag" in row.source)


def rules(row: Credential) -> list[str]:
    return re.findall(r"\bF\d+\b", row.source) if "cfn_nag" in row.source else []


def consequence(row: Credential) -> str:
    if row.generatable != "yes" and not row.logs_in_later:
        return "left: `external-credential`"
    if row.replaces:
        return "`replaces`"
    if row.generatable != "yes" or row.by_hand:
        return "`external`"
    return "`rotates`"


@cache
def templates(case: File) -> dict[str, Template]:
    """Return the templates of a case by the stem of their file."""
    return {
        file.stem: Template(Document.parse(file.read_text(encoding="utf-8")))
        for file in sorted(case.iterdir())
        if file.name.startswith(("before.", "after."))
    }


@cache
def outcomes() -> dict[tuple[str, tuple[str, ...]], dict[str, str]]:
    """Return what the cases show: row -> case -> `repaired` or the codes of what is left."""
    found: dict[tuple[str, tuple[str, ...]], dict[str, str]] = {}
    for case in sorted(path.parent for path in CASES.glob("*/*/findings.json")):
        if (case / "settings.toml").exists():
            continue  # another strategy
        own = templates(case)
        before = own["before"]
        for slot in _slots.slots(before, registry.catalogue()):
            if not listed(slot.credential) or reads(before, slot.path):
                continue
            after = own.get("after.new", own.get("after"))
            state = "repaired" if after and reads(after, slot.path) else codes(case)
            key = (slot.credential.type, slot.credential.property)
            if state:
                found.setdefault(key, {})["/".join(case.parts[-2:])] = state
    return found


def reads(template: Template, path: Path) -> bool:
    try:
        return "{{resolve:" in json.dumps(value_at(template.document.data, path))
    except KeyError:
        return False


def codes(case: File) -> str:
    findings = json.loads((case / "findings.json").read_text(encoding="utf-8"))
    return ", ".join(sorted({f"`{each['code']}`" for each in findings if each["code"]}))


def table(page: str) -> Iterator[str]:
    """Yield the lines of the table; the case that a page names already stays, where it can."""
    lines = {" | ".join(line.split(" | ")[:2]) + " |": line for line in page.splitlines()}
    yield "| type | property | repair | rules | case |"
    yield "|---|---|---|---|---|"
    rows = [row for each in registry.catalogue().values() for row in each if listed(row)]
    for row in rows:
        wanted = "left" not in consequence(row)
        shown = outcomes()[row.type, row.property]
        names = [name for name, state in shown.items() if (state == "repaired") == wanted]
        named = [name for name in names if f"| `{name}` |" in lines.get(row_start(row), "")]
        [case, *_] = [*named, *sorted(names)]
        cells = [consequence(row), ", ".join(rules(row)) or "–", f"`{case}`"]
        yield f"{row_start(row)} {' | '.join(cells)} |"


def row_start(row: Credential) -> str:
    return f"| `{row.type}` | `{'.'.join(row.property)}` |"


def page() -> str:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return before + START + "\n" + "\n".join(table(text)) + "\n\n" + END + after


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_of_cfn_nag_is_there(rule: int) -> None:
    rows = [row for each in registry.catalogue().values() for row in each]
    assert any(f"F{rule}" in rules(row) for row in rows if listed(row))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
