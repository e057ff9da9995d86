"""What the tests of the formats share: results of every case, and readers of what is rendered."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from remediator.document import Document
from remediator.hidden import with_hidden
from remediator.model import is_telling
from remediator.registry import builtin_transforms, catalogue
from remediator.results import FileResult, RunResult, Status
from remediator.testing import cases, run

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests" / "cases"
GROUPS = sorted(folder.name for folder in CASES.iterdir() if folder.is_dir())
LINE_ENDS = re.compile(r"\r\n|\n|\r")


@cache
def validator(file: str) -> jsonschema.protocols.Validator:
    """Return what judges by the schema in a file of this repository."""
    schema = json.loads((ROOT / file).read_text(encoding="utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def problems(file: str, data: Any) -> list[str]:
    """Return what a schema objects to in some data."""
    return [f"{each.json_path}: {each.message}" for each in validator(file).iter_errors(data)]


def results(group: str) -> list[FileResult]:
    """Return the results of a dry run over every case of a transform, as the runner has them."""
    found = []
    for case in cases(CASES):
        if case.transform == group:
            result = run(case, builtin_transforms(), catalogue())
            document = Document.decode(case.before.read_bytes(), case.before.name)
            name = f"{case.folder.name}/{case.before.name}"
            found.append(replace(pending(with_hidden(document, result, catalogue())), path=name))
    return found


def pending(result: FileResult) -> FileResult:
    """Return a result as a dry run has it."""

    def turned(status: Status) -> Status:
        return Status.WOULD_FIX if status is Status.FIXED else status

    outcomes = tuple(replace(each, status=turned(each.status)) for each in result.outcomes)
    return replace(result, status=turned(result.status), outcomes=outcomes)


def dry(*files: FileResult) -> RunResult:
    """Return the result of a dry run over these files."""
    return RunResult(files, "fix --dry-run", scanned=len(files))


def secrets(result: FileResult) -> list[str]:
    """Return the secrets of a file that are hidden wherever their letters stand."""
    return [each for each in result.masked if is_telling(each) and len(each) >= 8]


def applied_by_lines(text: str, replacements: list[dict[str, Any]]) -> str:
    """Apply replacements of SARIF by their lines and columns in UTF-16 code units."""
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    content = text.removeprefix(bom).encode("utf-16-le")
    starts = [0, *(match.end() for match in LINE_ENDS.finditer(text.removeprefix(bom)))]
    units = [len(text.removeprefix(bom)[:start].encode("utf-16-le")) for start in starts]

    def place(line: int, column: int) -> int:
        return units[line - 1] + 2 * (column - 1)

    for each in reversed(replacements):
        region = each["deletedRegion"]
        start = place(region["startLine"], region["startColumn"])
        end = place(region["endLine"], region["endColumn"])
        inserted = each["insertedContent"]["text"].encode("utf-16-le")
        content = content[:start] + inserted + content[end:]
    return bom + content.decode("utf-16-le")


def applied_by_bytes(text: str, replacements: list[dict[str, Any]]) -> str:
    """Apply replacements of SARIF by their byte offsets."""
    content = text.encode()
    for each in reversed(replacements):
        start = each["deletedRegion"]["byteOffset"]
        end = start + each["deletedRegion"]["byteLength"]
        content = content[:start] + each["insertedContent"]["text"].encode() + content[end:]
    return content.decode()
