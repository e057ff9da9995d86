"""A result that is kept holds no secret, comes back as the same value, and makes every report."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from remediator.errors import FileError
from remediator.migrate import stored
from remediator.report.diff import is_masked, of_file
from remediator.report.formats import FORMATS, View
from remediator.report.page import About, render
from remediator.report.picture import pictures
from remediator.request import Request
from remediator.results import FileResult, RunResult, Status
from remediator.session import carry_out

CASES = Path(__file__).parent / "cases" / "literal-passwords"
LITERAL = "Tr0ub4dor-and-3"
TEMPLATE = f"""\
# ******** whose {LITERAL} is that? ********
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: mysql
      MasterUsername: admin
      MasterUserPassword: {LITERAL}
      AllocatedStorage: "20"
      DBInstanceClass: db.t3.micro
  Other:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: mysql
      MasterUsername: admin
      MasterUserPassword: {LITERAL}9
      DBInstanceClass: db.t3.micro
Outputs:
  Shown:
    Value: {LITERAL}9
    Export:
"""


def run(path: Path) -> RunResult:
    return carry_out(Request((str(path),), dry_run=True)).result


def body(file: FileResult) -> str:
    """Return the diff of a file without its head, which names the file by its place."""
    return of_file(file).partition("\n@@")[2]


@pytest.fixture(scope="module")
def of_the_cases() -> RunResult:
    return run(CASES)


@pytest.fixture
def literal(tmp_path: Path) -> RunResult:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "db.yaml").write_text(TEMPLATE)
    (tmp_path / "clean.yaml").write_text("Resources: {A: {Type: AWS::SNS::Topic}}\n")
    (tmp_path / "broken.yaml").write_text("AWSTemplateFormatVersion: 2010-09-09\nResources: [\n")
    return run(tmp_path)


def test_what_is_kept_comes_back(of_the_cases: RunResult) -> None:
    once = stored.load(stored.dump(of_the_cases, CASES))
    again = stored.load(stored.dump(once, Path()))
    assert again == once
    assert [file.status for file in once.files] == [file.status for file in of_the_cases.files]
    assert len(once.files) > 20
    assert all(not Path(file.path).is_absolute() for file in once.files)
    assert (once.command, once.scanned) == (of_the_cases.command, of_the_cases.scanned)


def test_diffs_are_those_of_the_run_itself(of_the_cases: RunResult) -> None:
    kept = stored.load(stored.dump(of_the_cases, CASES))
    for before, after in zip(of_the_cases.files, kept.files, strict=True):
        assert body(after) == body(before), before.path
        assert is_masked(after) == is_masked(before)
        assert len(pictures(after)) == len(pictures(before)), before.path


def test_no_secret_is_kept(literal: RunResult, tmp_path: Path) -> None:
    content = stored.dump(literal, tmp_path)
    assert LITERAL not in zlib.decompress(content).decode()
    kept = stored.load(content)
    file = next(each for each in kept.files if each.path == "stacks/db.yaml")
    assert LITERAL not in repr(kept)
    assert file.status is Status.WOULD_FIX
    assert is_masked(file)
    assert "********" in of_file(file)


def test_every_report_can_be_made_of_it(literal: RunResult, tmp_path: Path) -> None:
    kept = stored.load(stored.dump(literal, tmp_path))
    for form in FORMATS.values():
        assert form(kept, View())
    page = render(kept, About())
    assert LITERAL not in page
    assert "stacks" in page
    assert str(tmp_path) not in page


def test_texts_that_stay_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "clean.yaml").write_text("Resources: {A: {Type: AWS::SNS::Topic}}\n" + "#\n" * 999)
    (kept,) = stored.load(stored.dump(run(tmp_path / "clean.yaml"), tmp_path)).files
    assert (kept.old, kept.new) == ("", "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        zlib.compress(b"{}"),
        zlib.compress(b"[]"),
        zlib.compress(b'{"files": 1, "command": "fix"}'),
        zlib.compress(b'{"files": [{"path": "a", "status": "none"}], "command": "fix"}'),
        zlib.compress(b"[" * 100_000),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(content: bytes) -> None:
    with pytest.raises(FileError, match="another version"):
        stored.load(content)


def test_it_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_MOST", 1000)
    with pytest.raises(FileError, match="cannot be read"):
        stored.load(zlib.compress(b" " * 100_000))
