"""A run that is killed at any moment and started again ends as one that nobody disturbed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from remotes import CLEAN, EXPORT, LITERAL, PASSWORD, Repository, alone, make

from remediator.migrate.entry import At, Entry
from remediator.migrate.state import StateFile

KINDS = (PASSWORD, CLEAN, LITERAL, EXPORT, PASSWORD + EXPORT.partition("\n")[2])
NUMBER = 30
FILE = """\
name = "passwords"
allow = ["safe", "rotates"]
author = "Team <team@example.com>"
date = 2026-01-31T12:00:00Z

[repositories]
paths = ["repos/{paths}"]

[repair]
validate = false

[propose]
via = "{via}"
pause = 0
"""


@dataclass(frozen=True)
class Place:
    """A folder with a campaign and its repositories."""

    folder: Path

    @property
    def repositories(self) -> list[Repository]:
        return [Repository(folder) for folder in sorted((self.folder / "repos").iterdir())]

    def start(self, command: str = "run", *options: str) -> subprocess.Popen[bytes]:
        """Start a command of the campaign, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "remediator", "migrate", command, *options],
            cwd=self.folder,
            env=alone(self.folder / "home") | {"TMPDIR": str(self.folder / "temporary")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def finish(self, command: str = "run", *options: str) -> tuple[int, str]:
        with self.start(command, *options) as process:
            out, err = process.communicate()
        return process.returncode, (out + err).decode()

    def kill(self, seconds: float) -> bool:
        """Start a run and kill it after that time; return whether it was still at work."""
        with self.start() as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()  # the driver alone, as the kernel does where memory is short
                process.wait()
                return True
        return False

    def branches(self) -> dict[str, dict[str, str]]:
        return {each.folder.name: each.branches() for each in self.repositories}

    def trees(self) -> dict[str, str]:
        return {
            f"{each.folder.name}:{name}": each.git("rev-parse", f"{name}^{{tree}}")
            for each in self.repositories
            for name in each.branches()
        }

    def entries(self) -> list[Entry]:
        with StateFile(self.folder / "campaign.state", "passwords") as state:
            return state.entries()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the repositories, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    for number in range(NUMBER):
        files: dict[str, str | bytes] = {"stacks/db.yaml": KINDS[number % 5], "README.md": "About"}
        if number == 7:
            files = {}
        repository = make(folder / "repos" / f"app{number:02}", files)
        repository.git("config", "core.logAllRefUpdates", "always")
    (folder / "temporary").mkdir()
    return folder


def place(template: Path, folder: Path, via: str, paths: str = "*") -> Place:
    shutil.copytree(template, folder)
    (folder / "campaign.toml").write_text(FILE.format(via=via, paths=paths))
    return Place(folder)


@pytest.fixture(scope="module")
def undisturbed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    whole = place(template, tmp_path_factory.mktemp("whole") / "place", "push")
    code, said = whole.finish()
    assert code == 0, said
    return whole


def test_a_run_that_nobody_disturbs(undisturbed: Place) -> None:
    changed = [
        each.folder.name
        for number, each in enumerate(undisturbed.repositories)
        if number % 5 != 1 and number != 7
    ]
    branches = undisturbed.branches()
    assert {name for name, each in branches.items() if "remediator/passwords" in each} == {*changed}
    assert all(set(each) <= {"main", "remediator/passwords"} for each in branches.values())
    assert leftovers(undisturbed) == []


def leftovers(campaign: Place) -> list[Path]:
    return [
        *(campaign.folder / "temporary").iterdir(),
        *(campaign.folder / "campaign.work").iterdir(),
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_and_resumed_it_ends_the_same(
    template: Path, undisturbed: Place, tmp_path: Path
) -> None:
    killed = place(template, tmp_path / "place", "push")
    chance = random.Random(7)
    kills = 0
    for _ in range(12):  # how fast a machine is decides how many it takes
        if not killed.kill(1.2 + chance.random() * 2.5):
            break
        kills += 1
        if kills == 4:
            break
    assert kills >= 2, "it was done before it could be killed"
    code, said = killed.finish()
    assert code == 0, said
    assert killed.branches() == undisturbed.branches()
    assert killed.trees() == undisturbed.trees()
    for each in killed.repositories:  # each branch was pushed once, however often it was tried
        for name in each.branches():
            if name != "main":
                assert len(each.git("reflog", "show", "--format=%H", name).splitlines()) == 1
    for entry in killed.entries():
        assert entry.wrong is None
        assert all(row.attempts == 1 for row in entry.rows.values())
    assert leftovers(killed) == []


def test_a_run_that_is_done_does_nothing(undisturbed: Place) -> None:
    before = (
        undisturbed.branches(),
        {entry.name: entry.rows[At.CLONED] for entry in rows(undisturbed)},
    )
    code, said = undisturbed.finish()
    assert code == 0, said
    assert (
        undisturbed.branches(),
        {entry.name: entry.rows[At.CLONED] for entry in rows(undisturbed)},
    ) == before


def rows(campaign: Place) -> Iterator[Entry]:
    return (entry for entry in campaign.entries() if At.CLONED in entry.rows)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_in_good_order(
    template: Path, tmp_path: Path, number: signal.Signals, expected: int
) -> None:
    campaign = place(template, tmp_path / "place", "files", "app0*")
    with campaign.start() as process:
        deadline = time.monotonic() + 60
        while not list((tmp_path / "place").glob("proposals/*")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(process.pid, number)  # as a terminal does
        start = time.monotonic()
        _, err = process.communicate(timeout=60)
    assert process.returncode == expected, err
    assert time.monotonic() - start < 15
    assert b"interrupted; `remediator migrate run campaign.toml` goes on from here" in err
    assert b"Traceback" not in err
    code, said = campaign.finish()
    assert code == 0, said
    assert len(list((tmp_path / "place").glob("proposals/*/changes.patch"))) == 10 - 2 - 1
    assert leftovers(campaign) == []


def test_another_run_is_told_of(template: Path, tmp_path: Path) -> None:
    campaign = place(template, tmp_path / "place", "files")
    with campaign.start() as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "place" / "campaign.state").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        code, said = campaign.finish()
        assert code == 2
        assert "another run of this campaign is at work" in said
        code, said = campaign.finish("status")
        assert code == 0
        assert said.startswith("passwords: ")
        process.kill()
