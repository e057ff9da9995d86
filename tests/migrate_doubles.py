"""What stands in for git and servers in tests of the driver, in this process and in others."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from remediator.migrate.campaign import load
from remediator.migrate.driver import Driver
from remediator.migrate.entry import Entry
from remediator.migrate.jobs import (
    Description,
    Group,
    Head,
    Job,
    Proposal,
    Published,
    State,
    Step,
    Target,
    Via,
    Worked,
)
from remediator.migrate.opened import opened
from remediator.migrate.progress import Progress

# --- work, in any process: what becomes of a repository is in its name -------------------------


def changed(job: Job) -> Worked:
    """Return a change; the same for the same job."""
    head = Head(job.branch, f"commit of {job.name}", f"tree of {job.name}", Group.SAFE)
    return Worked(
        job.name,
        State.CHANGED,
        Step.COMMITTED,
        "main",
        "base",
        (head,),
        b"bundle",
        "patch with a s3cret",
        holds_secrets=True,
        descriptions=(Description(job.branch, "title", "body"),),
        digest=f"digest of {job.name}",
    )


def work(job: Job) -> Worked:
    """Do what the repository's name says: `die`, `hang`, `raise`, `fail`, `refuse` …"""
    if "die" in job.name:
        os.kill(os.getpid(), 9)
    if "hang" in job.name:  # in C, with every other thread of Python waiting
        re.match(r"(a+)+$", "a" * 60 + "b")
    if "sleep" in job.name:
        time.sleep(60)
    if "raise" in job.name:
        raise ValueError("the template says s3cret")
    if "flaky" in job.name and first_time(job.url):
        os.kill(os.getpid(), 9)
    if "process" in job.name:
        return replace(changed(job), digest=str(os.getpid()))
    for word, state in (("clean", State.UNCHANGED), ("empty", State.EMPTY), ("taken", State.TAKEN)):
        if word in job.name:
            return Worked(job.name, state, error="not ours" if word == "taken" else "")
    if "fail" in job.name or "refuse" in job.name:
        again = "fail" in job.name
        return Worked(job.name, State.FAILED, Step.CLONED, error="no server", retryable=again)
    return changed(job)


def first_time(url: str) -> bool:
    """Tell whether nobody asked before, in any process."""
    try:
        (Path(url) / ".git" / "asked").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


# --- workers in this process ------------------------------------------------------------------


class Died(Exception):
    """The process is gone."""


@dataclass
class Here:
    """Workers in this process, which are done at once."""

    work: Callable[[Job], Worked] = work
    capacity: int = 2
    jobs: list[Job] = field(default_factory=list)
    died: tuple[type[BaseException], ...] = (Died,)

    def submit(self, job: Job) -> Future[Worked]:
        self.jobs.append(job)
        future: Future[Worked] = Future()
        try:
            future.set_result(self.work(job))
        except Exception as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future

    def close(self) -> None:
        pass

    @property
    def names(self) -> list[str]:
        return [job.name for job in self.jobs]


# --- a server in this process -----------------------------------------------------------------


@dataclass
class Server:
    """Takes proposals; `answers` are raised first, one for each, where they are errors."""

    answers: list[Exception | None] = field(default_factory=list)
    proposals: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def publish(self, job: Job, worked: Worked, target: Target) -> Published:
        self.asked.append(job.name)
        self.times.append(time.monotonic())
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        before = job.name in self.proposals
        self.proposals[job.name] = worked.digest
        state = Proposal.WRITTEN if target.via is Via.FILES else Proposal.OPEN
        return Published(state, (f"https://h.example/{job.name}",), done_before=before)


# --- a campaign -------------------------------------------------------------------------------


@dataclass
class Field:
    """A folder with a campaign over repositories that only their names make."""

    folder: Path
    names: list[str]
    options: str = ""
    via: str = "gh"
    told: list[Progress] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.folder / "campaign.toml"

    def write(self) -> None:
        for name in self.names:
            (self.folder / "repos" / name / ".git").mkdir(parents=True, exist_ok=True)
        paths = ", ".join(f'"repos/{name}"' for name in self.names)
        top, _, tables = self.options.partition("---")
        self.file.write_text(
            f'allow = ["safe"]\nauthor = "A <a@b>"\n{top}\n[repositories]\npaths = [{paths}]\n'
            f'[work]\nwait = 0\n{tables}\n[propose]\nvia = "{self.via}"\npause = 0\n'
        )

    def run(self, workers: Here, server: Server | None = None, at_most: int = 0) -> Driver:
        self.write()
        with opened(load(self.file)) as campaign:
            publish = server.publish if server else None
            driver = Driver(campaign, workers, publish, self.told.append, at_most)
            driver.run()
            return driver

    @contextmanager
    def state(self) -> Iterator[dict[str, Entry]]:
        self.write()
        with opened(load(self.file)) as campaign:
            yield {entry.name: entry for entry in campaign.state.entries()}

    def standings(self) -> dict[str, str]:
        with self.state() as entries:
            return {name: entry.standing.value for name, entry in entries.items()}

    def retry(self, *names: str) -> None:
        with opened(load(self.file)) as campaign:
            campaign.state.retry(names)
