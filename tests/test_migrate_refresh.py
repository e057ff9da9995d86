"""What became of proposals is asked of the servers, and noted."""

from __future__ import annotations

from pathlib import Path

import pytest
from migrate_doubles import Field, Here, Server

from remediator.errors import RemoteError, Throttled
from remediator.migrate.campaign import load
from remediator.migrate.entry import At
from remediator.migrate.jobs import Job, Proposal, Published, Target, Worked
from remediator.migrate.opened import opened
from remediator.migrate.refresh import refresh

NAMES = ["merged", "closed", "open", "odd", "clean"]


@pytest.fixture
def field(tmp_path: Path) -> Field:
    made = Field(tmp_path, NAMES)
    made.run(Here(), Server())
    return made


def asked(field: Field, answers: dict[str, Proposal | Exception | None]) -> list[str]:
    seen: list[str] = []

    def look(job: Job, worked: Worked, _: Target) -> Published | None:
        seen.append(job.name)
        assert (job.date, worked.name) != ("", "")
        assert worked.heads[0].commit == f"commit of {job.name}"
        assert worked.descriptions[0].title == "title"
        answer = answers.get(job.name, Proposal.OPEN)
        if isinstance(answer, Exception):
            raise answer
        return None if answer is None else Published(answer, done_before=True)

    with opened(load(field.file)) as campaign:
        problems = list(refresh(campaign, look))
    assert "clean" not in seen
    return problems


def test_what_was_merged_or_closed_is_noted(field: Field) -> None:
    answers: dict[str, Proposal | Exception | None] = {
        "merged": Proposal.MERGED,
        "closed": Proposal.CLOSED,
        "odd": None,
    }
    assert asked(field, answers) == []
    assert field.standings() == {
        "merged": "merged",
        "closed": "closed",
        "open": "open",
        "odd": "open",
        "clean": "clean",
    }
    with field.state() as entries:
        assert entries["merged"].rows[At.CLOSED].ended
        assert entries["merged"].places == ("https://h.example/merged",)


def test_what_was_opened_again_is_open(field: Field) -> None:
    asked(field, {"closed": Proposal.CLOSED})
    asked(field, {"closed": Proposal.OPEN})
    assert field.standings()["closed"] == "open"


def test_what_cannot_be_asked_is_told(field: Field) -> None:
    problems = asked(field, {"closed": RemoteError("no answer"), "merged": Proposal.MERGED})
    assert problems == ["closed: no answer"]
    assert field.standings()["merged"] == "merged"


def test_a_server_that_asks_to_wait_is_left_alone(field: Field) -> None:
    problems = asked(field, {"merged": Throttled("too many requests", seconds=61)})
    assert problems == ["merged: too many requests; ask again in 61 s"]


def test_a_run_does_not_propose_again_what_was_decided(field: Field) -> None:
    asked(field, {"merged": Proposal.MERGED, "closed": Proposal.CLOSED})
    server, workers = Server(), Here()
    field.run(workers, server)
    assert (workers.jobs, server.asked) == ([], [])
