"""Processes of this machine at work: one that dies, hangs or is no longer wanted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from migrate_doubles import Field, Server, work

from remediator import __version__
from remediator.errors import ConfigError
from remediator.migrate import limit
from remediator.migrate.campaign import load
from remediator.migrate.driver import Driver
from remediator.migrate.executors import Cluster, Processes
from remediator.migrate.jobs import Job, State, Worked
from remediator.migrate.opened import opened

TESTS = Path(__file__).parent


@contextmanager
def processes(number: int, recycled: int = 200) -> Iterator[Processes]:
    workers = Processes(number, work, recycled)
    try:
        yield workers
    finally:
        workers.close()


def job(name: str, folder: Path = TESTS, **said: object) -> Job:
    made = Job(name, str(folder), "campaign", "branch", "A <a@b>", "2026-01-01T00:00:00+00:00")
    return replace(made, **said)  # type: ignore[arg-type]


def pid(future: Future[Worked]) -> int:
    return int(future.result(60).digest)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(process: int) -> None:
    deadline = time.monotonic() + 30
    while is_alive(process):
        assert time.monotonic() < deadline, "the process lives on"
        time.sleep(0.05)


def test_each_job_has_a_process_and_keeps_it() -> None:
    with processes(2) as workers:
        first = [pid(future) for future in [workers.submit(job("process")) for _ in range(2)]]
        again = [pid(future) for future in [workers.submit(job("process")) for _ in range(2)]]
    assert len(set(first)) == 2
    assert first == again
    assert os.getpid() not in first


def test_no_more_is_taken_than_there_are_processes() -> None:
    with processes(1) as workers:
        assert workers.capacity == 1
        workers.submit(job("sleep"))
        with pytest.raises(RuntimeError, match="no process is idle"):
            workers.submit(job("process"))


def test_a_process_is_replaced_after_some_jobs() -> None:
    with processes(1, recycled=3) as workers:
        found = [pid(workers.submit(job("process"))) for _ in range(7)]
        assert [found.index(each) for each in found] == [0, 0, 0, 3, 3, 3, 6]
        wait_until_gone(found[0])


def test_a_process_that_dies_takes_no_other_with_it() -> None:
    with processes(2) as workers:
        slow, dead = workers.submit(job("sleep")), workers.submit(job("die"))
        with pytest.raises(workers.died):
            dead.result(60)
        assert not slow.done()
        assert workers.submit(job("process")).result(60).state is State.CHANGED


def test_one_that_died_while_it_was_idle_is_replaced() -> None:
    with processes(1) as workers:
        first = pid(workers.submit(job("process")))
        os.kill(first, signal.SIGKILL)
        wait_until_gone(first)
        time.sleep(0.2)
        assert pid(workers.submit(job("process"))) != first


@pytest.mark.skipif(sys.platform == "win32", reason="asks /proc")
def test_what_hangs_in_c_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    # The limit of the process that works: it is a fresh one, which has the module's own GRACE.
    with processes(1) as workers:
        start = time.monotonic()
        future = workers.submit(job("hang", time_limit=1.0 - limit.GRACE))
        with pytest.raises(workers.died):
            future.result(60)
        assert time.monotonic() - start < 30
        assert workers.submit(job("process")).result(60).state is State.CHANGED


def test_nothing_is_ended_before_its_time() -> None:
    with limit.ended_after(0.5), limit.ended_after(60):
        pass
    time.sleep(0.8)  # we are still here
    with limit.ended_after(60):
        time.sleep(0.1)


def test_closing_does_not_wait_for_the_work() -> None:
    with processes(2) as workers:
        first = pid(workers.submit(job("process")))
        futures = [workers.submit(job("sleep")) for _ in range(2)]
        time.sleep(0.5)
        start = time.monotonic()
    assert time.monotonic() - start < 10
    assert all(future.done() for future in futures)
    wait_until_gone(first)


PROGRAM = """
import sys, time
from remediator.migrate.executors import Processes
from test_migrate_executors import job
from migrate_doubles import work
if __name__ == "__main__":
    workers = Processes(2, work)
    print(workers.submit(job("process")).result().digest, flush=True)
    workers.submit(job("sleep"))
    workers.submit(job("sleep"))
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="asks /proc")
def test_processes_end_with_a_driver_that_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(
        [sys.executable, "-P", file], stdout=subprocess.PIPE, env=environment
    ) as driver:
        assert driver.stdout is not None
        worker = int(driver.stdout.readline())
        assert is_alive(worker)
        time.sleep(0.5)
        driver.kill()
        wait_until_gone(worker)


def test_a_module_of_the_current_folder_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A campaign may be run in a folder of strangers."""
    told = tmp_path / "imported"
    for name in ("multiprocessing", "remediator", "json", "git"):
        (tmp_path / f"{name}.py").write_text(f"open({str(told)!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "elsewhere" / "program.py"
    program.parent.mkdir()
    program.write_text(PROGRAM.partition('    workers.submit(job("sleep"))')[0])
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    done = subprocess.run(
        [sys.executable, program], capture_output=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not told.exists()


def test_a_campaign_goes_on_with_real_processes(tmp_path: Path) -> None:
    names = ["one", "die", "flaky", "raise", "clean", *(f"r{n}" for n in range(6))]
    field, server = Field(tmp_path, names, "---attempts = 2"), Server()
    field.write()
    with opened(load(field.file)) as campaign, processes(2) as workers:
        Driver(campaign, workers, server.publish).run()
    assert field.standings() == {
        **dict.fromkeys(names, "open"),
        "die": "failed",
        "raise": "failed",
        "clean": "clean",
    }
    with field.state() as entries:
        wrong = entries["die"].wrong
        assert wrong is not None
        assert wrong.attempts == 2


# --- a cluster: tests/migrate has a real one ---------------------------------------------------


class Client:
    """Stands for Dask's client; `versions` are those of its workers."""

    versions: ClassVar[dict[str, str]] = {"tcp://a:1": __version__}
    fails: ClassVar[Exception | None] = None
    threads: ClassVar[dict[str, int]] = {"tcp://a:1": 2, "tcp://b:1": 1}

    def __init__(self, address: str, **_: object) -> None:
        if address.endswith(":1"):
            raise OSError("Timed out trying to connect")

    def wait_for_workers(self, number: int, timeout: float) -> None:
        if not self.versions:
            raise TimeoutError(f"Only 0/{number} workers arrived after {timeout}")

    def run(self, function: object) -> dict[str, str]:
        if self.fails is not None:
            raise self.fails
        return self.versions

    def nthreads(self) -> dict[str, int]:
        if self.fails is not None:
            raise self.fails
        return self.threads

    def get_executor(self, **_: object) -> Executor:
        return ThreadPoolExecutor(1)

    def close(self) -> None:
        pass


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> type[Client]:
    import distributed

    made = type("Made", (Client,), {})
    monkeypatch.setattr(distributed, "Client", made)
    return made


def test_a_cluster_takes_two_jobs_for_each_thread(client: type[Client]) -> None:
    cluster = Cluster("tcp://host:8786", work)
    try:
        assert cluster.capacity == 6
        assert cluster.submit(job("one")).result(60).state is State.CHANGED
        with pytest.raises(ValueError, match="s3cret"):
            cluster.submit(job("raise")).result(60)
    finally:
        cluster.close()


def test_a_cluster_that_cannot_be_used_is_told(client: type[Client]) -> None:
    with pytest.raises(ConfigError, match="is no address such as"):
        Cluster("host:8786", work)
    with pytest.raises(ConfigError, match=r"no worker answers there \(Timed out"):
        Cluster("tcp://host:1", work)
    client.fails = ModuleNotFoundError("No module named 'remediator'")
    with pytest.raises(ConfigError, match="a worker has no remediator"):
        Cluster("tcp://host:8786", work)
    client.fails, client.versions = None, {"tcp://a:1": __version__, "tcp://b:1": "0.0.9"}
    with pytest.raises(ConfigError, match=r"tcp://b:1 has remediator 0\.0\.9, this machine has"):
        Cluster("tcp://host:8786", work)
    client.versions = {}
    with pytest.raises(ConfigError, match="no worker answers there"):
        Cluster("tcp://host:8786", work)


def test_a_scheduler_that_goes_ends_the_run(client: type[Client]) -> None:
    cluster = Cluster("tcp://host:8786", work)
    client.fails = OSError("Stream is closed")
    with pytest.raises(ConfigError, match=r"the scheduler is gone .*; the next run goes on"):
        _ = cluster.capacity
    cluster.close()


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"remediator\[distributed\]"):
        Cluster("tcp://host:8786", work)
