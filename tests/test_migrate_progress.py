"""How far a run is, in words."""

from __future__ import annotations

import pytest

from remediator.migrate import progress
from remediator.migrate.progress import Pace, Progress, line, lines
from remediator.migrate.queue import NEVER, Queue


def pace(*seen: tuple[float, int]) -> Pace:
    times = iter(at for at, _ in seen)
    made = Pace(clock=lambda: next(times))
    for _, done in seen:
        made.take(done)
    return made


def test_a_line_says_what_is_done_and_what_is_left() -> None:
    told = Progress(total=300, worked=120, proposed=40, to_propose=8, failed=2, paused=31.2)
    assert line(told, pace((0, 0), (10, 120))) == (
        "120 of 300 repositories, 12.0/s, 15 s left, 40 proposed, 8 to go, goes on in 31 s, "
        "2 failed"
    )
    assert line(Progress(total=3), pace((0, 0))) == "0 of 3 repositories"


@pytest.mark.parametrize(
    ("left", "words"),
    [(0, ""), (7, "7 s left"), (90, "1 min 30 s left"), (7_380, "2 h 03 min left")],
)
def test_time_is_told_in_words(left: int, words: str) -> None:
    assert pace((0, 0), (10, 10)).left(left) == words


def test_the_rate_is_that_of_late() -> None:
    assert pace((0, 0), (10, 1000), (100, 1000), (160, 1060)).rate == 1.0
    assert pace((0, 5), (0, 5)).rate == 0


def test_a_log_is_told_what_happens_and_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    with lines(said.append) as watch:
        watch(Progress(total=2, worked=1))
        watch(Progress(total=2, worked=1, told="a: no\x1b[2Janswer"))
        monkeypatch.setattr(progress, "_PERIOD", 0.0)
        watch(Progress(total=2, worked=2))
    assert said[0] == "a: no\\x1b[2Janswer"
    assert said[1].startswith("2 of 2 repositories")
    assert len(said) == 2


def test_names_wait_for_their_time() -> None:
    queue = Queue()
    assert queue.due == NEVER
    queue.put("late", 5.0)
    queue.put("first")
    queue.put("second")
    assert [queue.get(1.0), queue.get(1.0), queue.get(1.0)] == ["first", "second", None]
    assert (queue.due, len(queue)) == (5.0, 1)
    assert queue.get(5.0) == "late"
