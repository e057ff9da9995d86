"""What the commands of a campaign print, write and exit with."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import chdir
from html.parser import HTMLParser
from pathlib import Path

import pytest
from remotes import CLEAN, EXPORT, LITERAL, PASSWORD, Repository, alone, make
from test_cli import remediator

ROOT = Path(__file__).parent.parent
SECRET = "Ti9erLil1ly"
USED_ELSEWHERE = (
    PASSWORD
    + """\
Outputs:
  Shown:
    Value: !Ref DBPassword
"""
)
FORMULA = EXPORT.replace("Topic:\n    Value", '"=HYPERLINK(1)":\n    Value')
FILE = """\
name = "passwords"
allow = ["safe", "rotates"]
author = "Team <team@example.com>"
date = 2026-01-31T12:00:00Z

[repositories]
paths = ["repos/*"]

[repair]
validate = false
"""


def run(folder: Path, command: str, *options: str) -> tuple[int, str, str]:
    """Run a command of the campaign; in this process where it starts no other."""
    if command in ("status", "report"):
        with chdir(folder):
            result = remediator("migrate", command, *options)
        return result.exit_code, result.stdout, result.stderr
    done = subprocess.run(
        [sys.executable, "-P", "-m", "remediator", "migrate", command, *options],
        cwd=folder,
        env=alone(folder / "home") | {"COLUMNS": "80", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a campaign whose local work is done."""
    folder = tmp_path_factory.mktemp("campaign")
    contents = {
        "api": {"db.yaml": PASSWORD, "topics.yaml": EXPORT},
        "billing": {"db.yaml": LITERAL, "odd.yaml": FORMULA},
        "clean": {"topics.yaml": CLEAN},
        "shared": {"db.yaml": USED_ELSEWHERE},
        "taken": {"db.yaml": PASSWORD},
    }
    for name, files in contents.items():
        make(folder / "repos" / name, files)
    make(folder / "repos" / "empty", {})
    (folder / "campaign.toml").write_text(FILE)
    return folder


@pytest.fixture(scope="module")
def plan(planned: Path) -> tuple[int, str, str]:
    taken = Repository(planned / "repos" / "taken")
    taken.git("switch", "--quiet", "--create", "remediator/passwords")
    taken.commit({"own.txt": "work of a person"})
    taken.git("switch", "--quiet", "main")
    return run(planned, "plan")


@pytest.fixture
def campaign(planned: Path, plan: tuple[int, str, str], tmp_path: Path) -> Path:
    """Return a copy of the campaign, to be changed."""
    shutil.copytree(planned, tmp_path / "campaign")
    return tmp_path / "campaign"


def test_a_plan_says_what_would_be_proposed(planned: Path, plan: tuple[int, str, str]) -> None:
    code, out, err = plan
    assert code == 1  # the branch that is taken waits for a person
    page = (ROOT / "docs" / "migrate.md").read_text(encoding="utf-8")
    assert out == page.partition("```text\n")[2].partition("```\n")[0]
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "Traceback" not in err
    assert not (planned / "proposals").exists()


def test_status_is_a_table(campaign: Path) -> None:
    code, out, err = run(campaign, "status", "--all")
    assert (code, err) == (1, "")
    table = out.split("\n\n")[1].splitlines()
    assert table[:4] == [
        "repository  stands   repairs  left  where",
        "api         ready          2",
        "billing     ready          2",
        "clean       clean",
    ]
    code, out, _ = run(campaign, "status", "campaign.toml", "shared")
    assert code == 0
    assert re.search(r"^shared +clean +1$", out, re.MULTILINE)
    code, _, err = run(campaign, "status", "campaign.toml", "none")
    assert (code, err) == (2, "remediator: no repository of this campaign is called 'none'\n")


def test_status_as_json(campaign: Path) -> None:
    code, out, _ = run(campaign, "status", "--format", "json")
    content = json.loads(out)
    assert code == 1
    assert (content["version"], content["campaign"]) == (1, "passwords")
    assert content["standings"] == {"ready": 2, "clean": 2, "empty": 1, "taken": 1}
    api = content["repositories"][0]
    assert api["findings"] == {"changed": 2, "rotates": 1, "safe": 1}
    assert [step["step"] for step in api["steps"]] == ["listed", "cloned", "repaired", "committed"]
    assert all(step["status"] == "done" and step["attempts"] == 1 for step in api["steps"])
    assert len(api["steps"][-1]["digest"]) >= 40
    code, _, err = run(campaign, "status", "--format", "xml")
    assert (code, err) == (2, "remediator: --format: 'xml' is none of text, json\n")


def test_run_proposes_what_was_planned(campaign: Path) -> None:
    code, out, err = run(campaign, "run")
    assert code == 1
    assert "     2 written  the patch is written, for a person to apply\n" in out
    assert err == "".join(
        f"remediator: {name}: written {campaign}/proposals/{name}\n" for name in ("api", "billing")
    )
    files = {file.name for file in (campaign / "proposals" / "api").iterdir()}
    assert files == {"changes.patch", "pull-request.md", "result.json"}
    groups = (campaign / "proposals" / "group.md").read_text()
    assert "- [ ] `api`: 1 safe, 1 rotates (written `" in groups
    code, out, _ = run(campaign, "status", "--all")
    assert re.search(rf"^api +written +2 +{campaign}/proposals/api$", out, re.MULTILINE)


def test_at_most_so_many_are_proposed(campaign: Path) -> None:
    _, out, _ = run(campaign, "run", "--at-most", "1", "--quiet")
    assert out.endswith("Made 1 proposal; 1 more to make.\n")
    assert len(list((campaign / "proposals").glob("*/changes.patch"))) == 1


def test_retry_tries_again_what_it_is_told(campaign: Path) -> None:
    Repository(campaign / "repos" / "taken").git("branch", "-D", "remediator/passwords")
    code, out, _ = run(campaign, "retry", "campaign.toml", "api", "--quiet")
    assert (code, "1 taken" in out) == (1, True)
    code, out, _ = run(campaign, "retry", "campaign.toml", "taken", "--quiet")
    assert (code, "3 written" in out) == (0, True)


# --- the report -------------------------------------------------------------------------------


@pytest.fixture
def report(campaign: Path) -> Path:
    code, out, err = run(campaign, "report", "-o", "out")
    assert (code, err) == (0, "")
    assert out.splitlines() == ["out/index.html", "out/findings.csv", "out/group.md"]
    return campaign / "out"


def test_the_page_shows_all_repositories(report: Path) -> None:
    text = (report / "index.html").read_text()
    HTMLParser().feed(text)
    data = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
    assert [(file["repository"], file["path"]) for file in data["files"]] == [
        ("api", "db.yaml"),
        ("api", "topics.yaml"),
        ("billing", "db.yaml"),
        ("billing", "odd.yaml"),
        ("clean", "topics.yaml"),
        ("shared", "db.yaml"),
        ("taken", "db.yaml"),
    ][: len(data["files"])]
    assert "4 repairs made in 4 files" in text
    assert SECRET not in text
    assert str(report.parent) not in text


def test_the_findings_are_a_table_for_spreadsheets(report: Path) -> None:
    text = (report / "findings.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["repository"], row["file"], row["status"]) for row in rows] == [
        ("api", "db.yaml", "fixed"),
        ("api", "topics.yaml", "fixed"),
        ("billing", "db.yaml", "fixed"),
        ("billing", "odd.yaml", "fixed"),
        ("shared", "db.yaml", "left"),
    ]
    assert rows[0]["consequence"] == "rotates"
    assert rows[0]["standing"] == "ready"
    assert rows[4]["code"] == "used-in-output"
    assert not any(cell.startswith(tuple("=+-@")) for row in rows for cell in row.values())
    assert SECRET not in text


def test_groups_are_for_reviewers(report: Path) -> None:
    text = (report / "group.md").read_text()
    sections = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert sections == [
        "Rotates a live credential",
        "To do by hand",
        "Left for a person",
        "Not proposed: the branch holds what the campaign did not commit",
        "Not proposed: no commit",
    ]
    assert "- [ ] `api`: 1 safe, 1 rotates (ready)" in text
    assert "### used-in-output\n\n- `shared/db.yaml:" in text


def test_a_report_can_be_written_again(report: Path) -> None:
    code, _, err = run(report.parent, "report", "-o", "out")
    assert (code, err) == (0, "")
    (report.parent / "file").touch()
    code, _, err = run(report.parent, "report", "-o", "file")
    assert (code, err) == (2, "remediator: file: cannot be made: File exists\n")


# --- what cannot be done ----------------------------------------------------------------------


def test_a_campaign_that_is_wrong_is_one_line(tmp_path: Path) -> None:
    for command in ("plan", "run", "retry", "status", "report"):
        code, out, err = run(tmp_path, command)
        assert (code, out) == (2, "")
        assert err == "remediator: campaign.toml: cannot be read: No such file or directory\n"
    (tmp_path / "campaign.toml").write_text(FILE.replace("allow", "alow"))
    code, _, err = run(tmp_path, "run")
    assert code == 2
    assert err.startswith("remediator: campaign.toml:2: alow is no key that is known here")


def test_a_state_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "campaign.toml").write_text(FILE)
    code, _, err = run(tmp_path, "status")
    assert code == 2
    assert "there is no such state; `remediator migrate run` makes it" in err
    make(tmp_path / "repos" / "one", {"a.yaml": CLEAN})
    (tmp_path / "campaign.state").write_bytes(b"nonsense " * 1000)
    code, _, err = run(tmp_path, "run")
    assert code == 2
    assert "campaign.state: is no state of a campaign" in err
    (tmp_path / "campaign.state").unlink()
    with sqlite3.connect(tmp_path / "campaign.state") as other:
        other.execute("CREATE TABLE other (a)")
    other.close()
    code, _, err = run(tmp_path, "run")
    assert (code, "is no state that this version" in err) == (2, True)
    (tmp_path / "campaign.state").write_bytes(b"")
    code, _, err = run(tmp_path, "status")
    assert (code, "holds no campaign yet" in err) == (2, True)
    (tmp_path / "campaign.state").unlink()
    with sqlite3.connect(tmp_path / "campaign.state") as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    code, _, err = run(tmp_path, "run")
    assert code == 2
    assert "is no state that this version of remediator can read" in err


def test_a_scheduler_that_is_not_there_is_told(campaign: Path) -> None:
    code, _, err = run(campaign, "run", "--scheduler", "nonsense://x")
    assert code == 2
    assert err == "remediator: --scheduler nonsense://x: is no address such as tcp://host:8786\n"
    code, _, err = run(campaign, "run", "--scheduler", "tcp://x:1", "--processes", "2")
    assert (code, "--processes goes without --scheduler" in err) == (2, True)


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal")
def test_a_terminal_shows_how_far_it_is(campaign: Path) -> None:
    shutil.rmtree(campaign / "campaign.work")
    (campaign / "campaign.state").unlink()
    main, other = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "remediator", "migrate", "run"],
        cwd=campaign,
        env=alone(campaign / "home") | {"TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=other,
    ):
        os.close(other)
        shown = b""
        while True:
            try:
                chunk = os.read(main, 65536)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            shown += chunk
    os.close(main)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert "Working" in text
    assert "6/6" in text
    assert "Proposing" in text
    assert "api: written" in text
