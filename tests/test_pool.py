"""Processes that answer tasks: in order, whatever becomes of one of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pool_doubles
import pytest

from remediator import pool
from remediator.pool import Batch, Lost, Pool, processes

ROOT = Path(__file__).parent.parent
DIED, UNABLE = Lost.DIED, Lost.UNABLE

# A fork of a process with other threads is not sound, and pytest-xdist has some: those run apart.
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture
def two() -> Iterator[Pool]:
    with processes(2, pool_doubles.begin, "spawn") as started:
        yield started


def answers(batch: Batch, number: int) -> list[Any]:
    return [batch.next() for _ in range(number)]


def test_answers_come_in_order(two: Pool) -> None:
    batches = [two.submit(range(start, start + 3)) for start in (0, 10, 20)]
    assert [answers(batch, 3) for batch in batches] == [[0, 1, 2], [10, 11, 12], [20, 21, 22]]


def test_they_are_other_processes_in_the_same_folder_and_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "json.py").write_text("raise SystemExit('what lies here is imported')")
    with processes(2, pool_doubles.begin, "spawn") as two:
        slow = two.submit([0.3, "pid"])
        found = {two.submit(["pid"]).next(), slow.next() and slow.next()}
        assert two.submit(["folder"]).next() == tmp_path
    assert len(found) == 2
    assert os.getpid() not in found
    assert not multiprocessing.active_children()


def test_what_is_large_arrives_while_nobody_waits_for_it(two: Pool) -> None:
    batches = [two.submit(["large"] * 3) for _ in range(2)]
    time.sleep(0.5)
    assert {len(each) for batch in batches for each in answers(batch, 3)} == {5_000_000}


def test_one_that_dies_costs_the_task_that_it_was_at(two: Pool) -> None:
    first = two.submit([0.2, "a", "die", "b", "c"])
    # What it had not told yet is left to the caller.
    assert answers(first, 5) == [0.2, UNABLE, DIED, "b", "c"]
    assert answers(two.submit(["d"]), 1) == ["d"]


def test_when_all_have_died_the_rest_is_left_to_the_caller(two: Pool) -> None:
    first = two.submit(["die", "a"])
    second = two.submit(["die", "b"])
    third = two.submit(["c"])
    assert first.next() is DIED
    assert second.next() is DIED
    assert {first.next(), second.next(), third.next()} <= {"a", "b", "c", UNABLE}
    last = two.submit(["die", "die", "d"])  # nobody may be there any more
    assert set(answers(last, 3)) <= {DIED, UNABLE, "d"}
    assert answers(two.submit(["e"]), 1) == [UNABLE]
    assert two.is_idle


def test_one_that_dies_while_it_is_idle_costs_nothing(two: Pool) -> None:
    pid = two.submit(["pid"]).next()
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    assert [answers(two.submit([number, number]), 2) for number in range(9)] == [
        [number, number] for number in range(9)
    ]


def test_an_answer_that_cannot_be_read_is_left_to_the_caller(two: Pool) -> None:
    """So are those that came with it."""
    batch = two.submit(["what cannot be read", "a", 0.2, "b"])
    assert answers(batch, 4) == [UNABLE, UNABLE, UNABLE, "b"]


@pytest.mark.parametrize("task", ["fail", "what cannot be sent"])
def test_what_cannot_be_answered_is_left_to_the_caller(two: Pool, task: str) -> None:
    assert answers(two.submit([task, "a", task]), 3) == [UNABLE, "a", UNABLE]


def test_a_task_that_cannot_be_sent_is_left_to_the_caller(two: Pool) -> None:
    assert answers(two.submit(["a", lambda: None]), 2) == [UNABLE, UNABLE]
    assert answers(two.submit(["a"]), 1) == ["a"]


def test_what_cannot_begin_leaves_all_to_the_caller() -> None:
    with processes(1, pool_doubles.cannot_begin, "spawn") as one:
        assert answers(one.submit(["a", "b"]), 2) == [UNABLE, UNABLE]


def test_one_that_does_not_start_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    context = type(multiprocessing.get_context("spawn").Process(target=print))

    def refused(_: object) -> None:
        raise BlockingIOError("no process is left")

    monkeypatch.setattr(context, "start", refused)
    with processes(2, pool_doubles.begin, "spawn") as none:
        assert none.size == 0
        assert answers(none.submit(["a"]), 1) == [UNABLE]


def test_what_is_at_work_is_ended_at_once() -> None:
    start = time.monotonic()
    with processes(2, pool_doubles.begin, "spawn") as two:
        two.submit([60.0])
        two.submit(["a"]).next()
    assert time.monotonic() - start < 30
    assert not multiprocessing.active_children()


FORKED = """
import multiprocessing, os, sys, threading, time
import pool_doubles
from remediator import pool
from remediator.pool import Lost, processes
assert pool.start_method() == ("fork" if sys.platform == "linux" else "spawn")
with processes(2, pool_doubles.begin) as two:
    batch = two.submit(["die", "b", "c"])
    assert [batch.next() for _ in range(3)] == [Lost.DIED, "b", "c"]
    assert pool.start_method() == "spawn"  # there are threads now
assert not multiprocessing.active_children() and threading.active_count() == 1
with processes(2, pool_doubles.begin) as two:
    pids = two.submit([0.3, "pid"]), two.submit(["pid"])
    print(pids[1].next(), pids[0].next() and pids[0].next(), flush=True)
    if "killed" in sys.argv:
        two.submit([60.0])
        two.submit([0.5] * 100)
        time.sleep(60)
"""


def forked(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FORKED, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_forked_ones_do_the_same() -> None:
    process = forked()
    output, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert len(set(output.split())) == 2


def test_they_end_when_who_started_them_is_killed() -> None:
    """The one that is at a task ends when it is done with that."""
    process = forked("killed")
    assert process.stdout is not None
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) == 2
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while sum(map(is_running, pids)) > 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert sum(map(is_running, pids)) <= 1
    for pid in filter(is_running, pids):
        os.kill(pid, signal.SIGKILL)
    process.communicate()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def test_start_method_is_spawn_where_other_threads_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert pool.start_method() == "spawn"
