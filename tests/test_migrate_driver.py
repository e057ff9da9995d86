"""The driver of a campaign: whatever happens, nothing is done twice and nothing is lost."""

from __future__ import annotations

import time
from concurrent.futures import Future
from pathlib import Path

import pytest
from migrate_doubles import Died, Field, Here, Server, changed, work

from remediator.errors import ConfigError, FileError, Interrupted, RemoteError, Stale, Throttled
from remediator.migrate import driver as drivers
from remediator.migrate.campaign import load
from remediator.migrate.entry import At, Status
from remediator.migrate.jobs import Job, Published, Target, Worked
from remediator.migrate.opened import opened


def test_every_repository_comes_to_its_end(tmp_path: Path) -> None:
    names = ["one", "two", "clean", "empty", "taken", "refuse"]
    field, server = Field(tmp_path, names), Server()
    field.run(Here(), server)
    assert field.standings() == {
        "one": "open",
        "two": "open",
        "clean": "clean",
        "empty": "empty",
        "taken": "taken",
        "refuse": "failed",
    }
    assert server.asked == ["one", "two"]
    with field.state() as entries:
        assert [*entries["one"].rows] == [
            *(At.LISTED, At.CLONED, At.REPAIRED, At.COMMITTED, At.PUSHED, At.PROPOSED)
        ]
        assert entries["one"].rows[At.COMMITTED].digest == "digest of one"
        assert entries["one"].places == ("https://h.example/one",)
        refused = entries["refuse"].wrong
        assert refused is not None
        assert (refused.step, refused.attempts, refused.error) == (At.CLONED, 1, "no server")


def test_a_second_run_does_nothing(tmp_path: Path) -> None:
    field, server = Field(tmp_path, ["one", "clean", "empty", "taken", "fail"]), Server()
    field.run(Here(), server)
    before = field.standings()
    workers = Here()
    field.run(workers, server)
    assert workers.jobs == []
    assert server.asked == ["one"]
    assert field.standings() == before


def test_a_plan_proposes_nothing_and_a_run_goes_on_from_there(tmp_path: Path) -> None:
    field, server = Field(tmp_path, ["one", "clean"]), Server()
    field.run(Here())
    assert field.standings() == {"one": "ready", "clean": "clean"}
    workers = Here()
    field.run(workers, server)
    assert workers.jobs == []
    assert server.proposals == {"one": "digest of one"}


def test_what_went_wrong_is_tried_as_often_as_is_said(tmp_path: Path) -> None:
    field, workers = Field(tmp_path, ["fail", "one"], "---attempts = 4"), Here()
    field.run(workers, Server())
    assert workers.names.count("fail") == 4
    with field.state() as entries:
        row = entries["fail"].rows[At.CLONED]
        assert (row.status, row.attempts) == (Status.FAILED, 4)


def test_attempts_are_counted_over_runs(tmp_path: Path) -> None:
    """A run that is stopped between two attempts must not begin to count anew."""
    field = Field(tmp_path, ["fail"], "---attempts = 3")

    class Interrupting(Here):
        def submit(self, job: Job) -> Future[Worked]:
            if self.jobs:
                raise KeyboardInterrupt
            return super().submit(job)

    with pytest.raises(KeyboardInterrupt):
        field.run(Interrupting(), Server())
    with field.state() as entries:
        assert entries["fail"].rows[At.CLONED].status is Status.AGAIN
    again = Here()
    field.run(again, Server())
    assert len(again.jobs) == 2


def test_retry_forgets_what_went_wrong(tmp_path: Path) -> None:
    field, server = Field(tmp_path, ["refuse", "taken", "one"]), Server()
    field.run(Here(), server)
    field.retry("refuse", "taken", "one")
    workers = Here(changed)
    field.run(workers, server)
    assert workers.names == ["refuse", "taken"]
    assert field.standings() == {"refuse": "open", "taken": "open", "one": "open"}


def test_each_attempt_waits_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    monkeypatch.setattr(time, "sleep", sleep)
    field = Field(tmp_path, ["fail"])
    field.options = "---attempts = 4"
    field.write()
    text = field.file.read_text().replace("wait = 0", "wait = 2")
    field.file.write_text(text)
    with opened(load(field.file)) as campaign:
        drivers.Driver(campaign, Here(), None, clock=lambda: now).run()
    assert now == 2 + 4 + 8
    assert max(slept) <= drivers._TICK


def test_a_worker_that_dies_is_no_end_of_the_campaign(tmp_path: Path) -> None:
    def dying(job: Job) -> Worked:
        if job.name == "one":
            raise Died
        return work(job)

    field, workers = Field(tmp_path, ["one", "two"]), Here(dying)
    field.run(workers, Server())
    assert field.standings() == {"one": "failed", "two": "open"}
    assert workers.names.count("one") == 3
    with field.state() as entries:
        wrong = entries["one"].wrong
        assert wrong is not None
        assert "perhaps for want of memory" in wrong.error


def test_an_error_that_nobody_expected_is_told_without_its_text(tmp_path: Path) -> None:
    field = Field(tmp_path, ["raise", "one"])
    field.run(Here(), Server())
    assert field.standings() == {"raise": "failed", "one": "open"}
    assert b"s3cret" not in (tmp_path / "campaign.state").read_bytes()
    with field.state() as entries:
        assert "a defect of remediator (ValueError)" in entries["raise"].rows[At.REPAIRED].error


def test_workers_that_are_gone_end_the_run(tmp_path: Path) -> None:
    field = Field(tmp_path, ["one"])

    class Gone(Here):
        def submit(self, job: Job) -> Future[Worked]:
            future: Future[Worked] = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    with pytest.raises(ConfigError, match="the next run goes on"):
        field.run(Gone(), Server())
    field.run(Here(), Server())
    assert field.standings() == {"one": "open"}


# --- proposals --------------------------------------------------------------------------------


def test_proposals_are_made_one_after_the_other(tmp_path: Path) -> None:
    field, server = Field(tmp_path, [f"r{n}" for n in range(4)]), Server()
    field.write()
    field.file.write_text(field.file.read_text().replace("pause = 0", "pause = 0.2"))
    with opened(load(field.file)) as campaign:
        drivers.Driver(campaign, Here(), server.publish).run()
    pauses = [after - before for before, after in zip(server.times, server.times[1:], strict=False)]
    assert len(pauses) == 3
    assert min(pauses) >= 0.2


def test_a_server_that_asks_to_wait_is_waited_for(tmp_path: Path) -> None:
    field = Field(tmp_path, ["one", "two"])
    server = Server([Throttled("too many requests", seconds=0.3), None])
    start = time.monotonic()
    field.run(Here(), server)
    assert field.standings() == {"one": "open", "two": "open"}
    assert server.times[1] - start >= 0.3
    with field.state() as entries:  # it was not the repository's fault
        assert all(entry.rows[At.PROPOSED].attempts == 1 for entry in entries.values())
    assert any(progress.paused > 0 for progress in field.told)


def test_a_server_that_never_stops_asking_ends_the_proposals(tmp_path: Path) -> None:
    field = Field(tmp_path, ["one", "two"])
    server = Server([Throttled("too many requests", seconds=0) for _ in range(20)])
    driver = field.run(Here(), server)
    assert driver.stopped
    assert "Proposals stopped: the server still asks to wait" in "".join(driver.remarks())
    assert field.standings() == {"one": "ready", "two": "ready"}
    field.run(Here(), Server())
    assert field.standings() == {"one": "open", "two": "open"}


def test_a_refused_proposal_is_tried_again_or_not(tmp_path: Path) -> None:
    field = Field(tmp_path, ["one", "two"])
    server = Server([RemoteError("protected"), RemoteError("no answer", retryable=True)])
    field.run(Here(), server)
    assert field.standings() == {"one": "failed", "two": "open"}
    with field.state() as entries:
        assert entries["two"].rows[At.PROPOSED].attempts == 2
    workers = Here()
    field.run(workers, server)
    field.retry("one")
    field.run(workers, server)
    assert field.standings() == {"one": "open", "two": "open"}
    assert workers.jobs == []  # the commits were still there


def test_what_is_stale_is_worked_out_again(tmp_path: Path) -> None:
    field, workers = Field(tmp_path, ["one"]), Here()
    field.run(workers, Server([Stale("the base is gone")]))
    assert workers.names == ["one", "one"]
    assert field.standings() == {"one": "open"}


def test_what_is_always_stale_comes_to_an_end(tmp_path: Path) -> None:
    field, workers = Field(tmp_path, ["one"]), Here()
    field.run(workers, Server([Stale("the base is gone") for _ in range(9)]))
    assert workers.names == ["one"] * 3
    assert field.standings() == {"one": "failed"}


@pytest.mark.parametrize("error", [FileError("x: disk full"), OSError(28, "disk full"), TypeError])
def test_whatever_a_proposal_raises_is_that_repositorys(tmp_path: Path, error: Exception) -> None:
    field = Field(tmp_path, ["one", "two"], "---attempts = 1")
    field.run(Here(), Server([error]))
    assert field.standings() == {"one": "failed", "two": "open"}


def test_no_more_than_was_asked_for_are_proposed(tmp_path: Path) -> None:
    field, server = Field(tmp_path, [f"r{n}" for n in range(5)]), Server()
    driver = field.run(Here(), server, at_most=2)
    assert len(server.proposals) == 2
    assert [*driver.remarks()] == ["Made 2 proposals; 3 more to make."]
    field.run(Here(), server, at_most=2)
    assert len(server.proposals) == 4
    driver = field.run(Here(), server, at_most=2)
    assert len(server.proposals) == 5
    assert [*driver.remarks()] == []


def test_what_was_proposed_and_not_noted_is_not_proposed_twice(tmp_path: Path) -> None:
    """Killed between the proposal and the note of it."""
    field, server = Field(tmp_path, ["one", "two"]), Server()

    def publish(job: Job, worked: Worked, target: Target) -> Published:
        published = server.publish(job, worked, target)
        if len(server.asked) == 1:
            raise Interrupted
        return published

    field.write()
    with opened(load(field.file)) as campaign, pytest.raises(Interrupted):
        drivers.Driver(campaign, Here(), publish).run()
    workers = Here()
    field.run(workers, server)
    assert workers.jobs == []
    assert server.asked == ["one", "one", "two"]
    assert field.standings() == {"one": "open", "two": "open"}


# --- changes of the campaign ------------------------------------------------------------------


def test_other_settings_do_the_work_again_where_nothing_is_proposed(tmp_path: Path) -> None:
    field, server = Field(tmp_path, ["one", "two", "clean", "refuse"]), Server()
    field.run(Here(), server, at_most=1)
    field.options = 'title = "Another"'
    workers = Here()
    driver = field.run(workers, server)
    assert sorted(workers.names) == ["clean", "refuse", "two"]
    assert server.asked == ["one", "two"]
    assert [*driver.remarks()] == ["Made with earlier settings and left alone: 1 proposal."]


def test_files_are_written_again_with_other_settings(tmp_path: Path) -> None:
    field, server = Field(tmp_path, ["one"], via="files"), Server()
    field.run(Here(), server)
    field.options = 'title = "Another"'
    assert [*field.run(Here(), server).remarks()] == []
    assert server.asked == ["one", "one"]
    assert field.standings() == {"one": "written"}


def test_what_was_written_as_files_can_be_proposed(tmp_path: Path) -> None:
    field, server = Field(tmp_path, ["one"], via="files"), Server()
    field.run(Here(), server)
    field.via = "gh"
    workers = Here()
    field.run(workers, server)
    assert workers.names == ["one"]
    assert field.standings() == {"one": "open"}


def test_repositories_come_and_go(tmp_path: Path) -> None:
    field, server = Field(tmp_path, ["one", "two"]), Server()
    field.run(Here())
    field.names = ["two", "three"]
    workers = Here()
    field.run(workers, server)
    assert workers.names == ["three"]
    assert field.standings() == {"one": "gone", "two": "open", "three": "open"}
    field.names = ["one"]
    field.run(Here(), server)
    assert field.standings() == {"one": "open", "two": "open", "three": "open"}


def test_the_date_of_the_commits_is_that_of_the_first_run(tmp_path: Path) -> None:
    field, first, second = Field(tmp_path, ["fail"]), Here(), Here()
    field.run(first)
    time.sleep(1.1)
    field.retry("fail")
    field.run(second)
    assert {job.date for job in first.jobs} == {job.date for job in second.jobs}


# --- what is kept -----------------------------------------------------------------------------


def test_what_may_hold_secrets_is_private_and_goes(tmp_path: Path) -> None:
    field = Field(tmp_path, ["one", "two"])
    field.run(Here())
    kept = list((tmp_path / "campaign.work").iterdir())
    assert len(kept) == 2
    assert {file.stat().st_mode & 0o777 for file in kept} == {0o600}
    assert (tmp_path / "campaign.work").stat().st_mode & 0o777 == 0o700
    assert b"s3cret" not in (tmp_path / "campaign.state").read_bytes()
    field.run(Here(), Server())
    assert list((tmp_path / "campaign.work").iterdir()) == []


def test_work_that_is_lost_or_broken_is_done_again(tmp_path: Path) -> None:
    field, server = Field(tmp_path, ["one", "two", "three"]), Server()
    field.run(Here())
    first, second, third = sorted((tmp_path / "campaign.work").iterdir())
    first.unlink()
    second.write_bytes(third.read_bytes()[:50])
    workers = Here()
    field.run(workers, server)
    assert len(workers.jobs) == 2
    assert len(server.proposals) == 3


def test_work_of_nobody_is_removed(tmp_path: Path) -> None:
    field = Field(tmp_path, ["one"])
    field.run(Here())
    stray = tmp_path / "campaign.work" / "stray.work"
    stray.touch()
    field.run(Here())
    assert not stray.exists()


def test_two_runs_of_one_campaign_exclude_each_other(tmp_path: Path) -> None:
    field = Field(tmp_path, ["one"])
    field.run(Here())
    with (
        opened(load(field.file)),
        pytest.raises(ConfigError, match="another run of this campaign is at work"),
        opened(load(field.file)),
    ):
        pass
    with opened(load(field.file)):
        pass


def test_a_folder_is_no_work_of_another_campaign(tmp_path: Path) -> None:
    field = Field(tmp_path, ["one"])
    field.run(Here())
    field.file.write_text('name = "other"\n' + field.file.read_text())
    with (
        pytest.raises(ConfigError, match="is the state of the campaign campaign, not of other"),
        opened(load(field.file)),
    ):
        pass
