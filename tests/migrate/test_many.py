"""300 repositories: undisturbed, killed five times, and on a Dask cluster that loses a worker.

All three must end with the same branches, and with one pull request for each.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from remotes import alone, script

from remediator.migrate.entry import Entry, Standing
from remediator.migrate.state import StateFile

pytestmark = [
    pytest.mark.migrate,
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL, /proc"),
]
NUMBER = int(os.environ.get("REPOSITORIES", "300"))
ROOT = Path(__file__).parent.parent.parent
KILLS = 5
FILE = """\
name = "passwords"
allow = ["safe", "rotates", "external"]
author = "Team <team@example.com>"
date = 2026-01-31T12:00:00Z

[repositories]
list = "list.txt"

[repair]
validate = false

[propose]
via = "gh"
pause = 0
"""


@dataclass
class Place:
    """A campaign over repositories of its own, behind a GitHub that a program stands for."""

    folder: Path
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        program = ROOT / "benchmarks" / "repositories.py"
        make = [sys.executable, str(program), str(self.hub), str(NUMBER)]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
        urls = (
            (self.hub / "list.txt").read_text().replace(f"file://{self.hub}", "https://github.com")
        )
        (self.folder / "list.txt").write_text(urls)
        (self.folder / "campaign.toml").write_text(FILE)
        fake = ROOT / "tests" / "servers" / "gh.py"
        script(self.folder / "bin" / "gh", f'exec {sys.executable} {fake} "$@"')
        (self.folder / "temporary").mkdir()
        self.environment = alone(self.folder / "home") | {
            "GH_FAKE": str(self.folder / "hub.json"),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "TMPDIR": str(self.folder / "temporary"),
        }
        (self.folder / "home" / ".gitconfig").write_text(
            f'[url "file://{self.hub}/"]\ninsteadOf = https://github.com/\n'
        )
        for repository in self.hub.glob("*/*.git"):
            with (repository / "config").open("a") as config:
                config.write("[core]\nlogAllRefUpdates = always\n")

    @property
    def hub(self) -> Path:
        return self.folder / "hub"

    @contextmanager
    def run(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start a run; it is killed where the block ends before it."""
        with (
            (self.folder / "run.log").open("ab") as log,
            subprocess.Popen(
                [sys.executable, "-P", "-m", "remediator", "migrate", "run", *options],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
            ) as process,
        ):
            try:
                yield process
            finally:
                process.kill()

    def finish(self, *options: str) -> None:
        with self.run(*options) as process:
            assert process.wait() == 0, (self.folder / "run.log").read_text()[-2000:]

    def branches(self) -> dict[str, str]:
        """Return all branches with their commits."""
        return {
            f"{file.parent.name}/{file.name}:{name}": commit
            for file in sorted(self.hub.glob("*/*.git"))
            for name, commit in refs(file)
        }

    def pulls(self) -> list[tuple[str, str, str]]:
        """Return the pull requests, save their numbers."""
        kept = json.loads((self.folder / "hub.json").read_text())["pulls"]
        return sorted((p["url"].rpartition("/")[0], p["headRefName"], p["body"]) for p in kept)

    def entries(self) -> list[Entry]:
        with StateFile(self.folder / "campaign.state", "passwords") as state:
            return state.entries()

    def examine(self) -> None:
        """Nothing is left over, nothing was tried twice, each branch was pushed once."""
        assert list((self.folder / "temporary").iterdir()) == []
        assert list((self.folder / "campaign.work").iterdir()) == []
        assert {entry.standing for entry in self.entries()} == {
            *(Standing.OPEN, Standing.CLEAN, Standing.EMPTY)
        }
        for log in self.hub.glob("*/*.git/logs/refs/heads/remediator/*"):
            assert len(log.read_text().splitlines()) == 1, log


def refs(repository: Path) -> Iterator[tuple[str, str]]:
    lines = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname) %(objectname)"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for line in lines:
        name, _, commit = line.partition(" ")
        yield name, commit


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, float]:
    place = Place(tmp_path_factory.mktemp("undisturbed"))
    start = time.monotonic()
    place.finish("--processes", "2")
    return place, time.monotonic() - start


def test_undisturbed(undisturbed: tuple[Place, float], capsys: pytest.CaptureFixture[str]) -> None:
    place, seconds = undisturbed
    place.examine()
    pulls = place.pulls()
    assert len(pulls) == len({url for url, _, _ in pulls}) > NUMBER / 2
    with capsys.disabled():
        print(f"\n{NUMBER} repositories, undisturbed: {seconds:.0f} s, {len(pulls)} proposals")


def test_killed_five_times(
    undisturbed: tuple[Place, float],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole, seconds = undisturbed
    place, chance = Place(tmp_path), random.Random(300)
    told = []
    for _ in range(KILLS):
        with place.run("--processes", "2") as process:
            after = 3 + chance.random() * seconds / (KILLS + 2)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(after)
            process.kill()
            process.wait()
        done = sum(entry.standing is not Standing.WAITING for entry in place.entries())
        told.append(f"after {after:.1f} s, {done} worked out")
    place.finish("--processes", "2")
    place.examine()
    assert place.branches() == whole.branches()
    assert place.pulls() == whole.pulls()
    with capsys.disabled():
        print(f"\nkilled {KILLS} times: {'; '.join(told)}")
        print(f"the same {len(place.branches())} branches, {len(place.pulls())} proposals")


# --- a cluster --------------------------------------------------------------------------------


@contextmanager
def dask(place: Place, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    with (
        (place.folder / f"dask-{command[0]}.log").open("ab") as log,
        subprocess.Popen(
            [sys.executable, "-P", "-m", "dask", *command],
            cwd=place.folder,
            env=place.environment,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def waited_for(file: Path, pattern: str) -> str:
    deadline = time.monotonic() + 120
    while not (found := re.search(pattern, file.read_text() if file.exists() else "")):
        assert time.monotonic() < deadline, f"{file} has no {pattern}"
        time.sleep(0.2)
    return found[1]


def test_a_cluster_that_loses_a_worker(
    undisturbed: tuple[Place, float],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole, _ = undisturbed
    place = Place(tmp_path)
    with ExitStack() as stack:
        scheduler = ("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        stack.enter_context(dask(place, *scheduler))
        log = place.folder / "dask-scheduler.log"
        address = waited_for(log, r"Scheduler at:\s+(tcp://127\.0\.0\.1:\d+)")
        worker = ("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        workers = [stack.enter_context(dask(place, *worker)) for _ in range(2)]
        start = time.monotonic()
        run = stack.enter_context(place.run("--scheduler", address))
        state = place.folder / "campaign.state"
        while not state.exists() or worked_out(place) < NUMBER / 5:
            assert run.poll() is None, (place.folder / "run.log").read_text()
            time.sleep(0.2)
        workers[0].kill()
        at = worked_out(place)
        assert run.wait() == 0, (place.folder / "run.log").read_text()[-2000:]
        seconds = time.monotonic() - start
    assert at < NUMBER * 0.8, "the worker was not killed in mid-work"
    assert place.branches() == whole.branches()
    assert place.pulls() == whole.pulls()
    with capsys.disabled():
        print(f"\nDask, two workers, one killed after {at}: {seconds:.0f} s, the same branches")


def worked_out(place: Place) -> int:
    return sum("committed" in entry.rows for entry in place.entries())
