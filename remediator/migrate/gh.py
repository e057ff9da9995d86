"""Pull requests by way of GitHub's command line, with the login that it holds.

https://cli.github.com/manual/gh_pr_create
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import RemoteError, Throttled
from . import complaints, process, scratch
from .git import environment_of_git
from .jobs import Description, Head, Job, Proposal, Published, Target, Worked
from .push import push

_REPOSITORY = re.compile(
    r"(?:https://|ssh://)(?:[^/@]*@)?(?P<host>[^/:@]+)(?::\d+)?/(?P<owner>[^/:]+)/(?P<name>[^/:]+?)"
    r"(?:\.git)?/?|(?:[^/@:]+@)?(?P<host2>[^/:@]+):(?P<owner2>[^/:]+)/(?P<name2>[^/:]+?)(?:\.git)?"
)
_FIELDS = "url,state,headRefOid,headRepositoryOwner,baseRefName"
_MOST = 10_000_000
_EXISTS = re.compile(r"already exists:?;?\s+(https://\S+)")
_STATES = {"OPEN": Proposal.OPEN, "MERGED": Proposal.MERGED, "CLOSED": Proposal.CLOSED}
_LONGEST_WAIT = 3600.0


@dataclass(frozen=True, slots=True)
class _Request:
    """A pull request that there is."""

    url: str
    state: Proposal
    commit: str


def propose(job: Job, worked: Worked, target: Target) -> Published:
    """Push the branches and open a pull request for each, as far as that is not done.

    A pull request that somebody closed is not opened again, one that was merged is not repeated.
    Raises Throttled where GitHub wants fewer requests, Stale as `push` does, RemoteError.
    """
    with scratch.folder() as place:
        hub = _Hub(job, target, place)
        found = {each.branch: hub.of(_head(worked, each)) for each in worked.descriptions}
        done_before = True
        open_ones = [
            each
            for each in worked.descriptions
            if (request := found[each.branch]) is None or request.state is Proposal.OPEN
        ]
        if open_ones:
            pushed = push(job, worked, target, {each.branch for each in open_ones})
            done_before = pushed.done_before
        for text in open_ones:
            if found[text.branch] is None:
                found[text.branch] = hub.open(text, worked)
                done_before = False
    return _together([request for request in found.values() if request], done_before)


def look(job: Job, worked: Worked, target: Target) -> Published | None:
    """Return what became of the pull requests; None where one is not there."""
    with scratch.folder() as place:
        hub = _Hub(job, target, place)
        found = [hub.of(_head(worked, each)) for each in worked.descriptions]
    requests = [request for request in found if request is not None]
    return _together(requests, True) if requests and len(requests) == len(found) else None


def _together(requests: Sequence[_Request], done_before: bool) -> Published:
    states = {request.state for request in requests}
    order = (Proposal.OPEN, Proposal.MERGED, Proposal.CLOSED)
    state = next(state for state in order if state in states)
    return Published(state, tuple(request.url for request in requests), done_before)


def _head(worked: Worked, text: Description) -> Head:
    return [head for head in worked.heads if head.branch == text.branch][-1]


def repository(url: str) -> tuple[str, str, str]:
    """Return host, owner and name of a repository on GitHub; raises RemoteError for other URLs."""
    match = _REPOSITORY.fullmatch(url)
    if match is None:
        raise RemoteError("gh needs the URL of a repository on GitHub")
    parts = match.groupdict()
    host, owner, name = ((parts[key] or parts[f"{key}2"]) for key in ("host", "owner", "name"))
    return host, owner, name


class _Hub:
    def __init__(self, job: Job, target: Target, folder: Path) -> None:
        self._job = job
        self._target = target
        self._folder = folder
        self._deadline = time.monotonic() + target.time_limit
        self._repository = "/".join(repository(job.url))
        self._owner = repository(job.push_url or job.url)[1]

    def of(self, head: Head) -> _Request | None:
        """Return the pull request of a branch that counts, None where one is to be opened.

        An open one before the others. One that was merged counts for just this commit: a later
        change of the same campaign is another one.
        """
        listed = self._run(
            *("pr", "list", f"--repo={self._repository}", f"--head={head.branch}"),
            *("--state=all", "--limit=100", f"--json={_FIELDS}"),
        )
        found = [
            _Request(each["url"], _STATES[each["state"]], each["headRefOid"])
            for each in _list(listed)
            if (each["headRepositoryOwner"] or {}).get("login", "").lower() == self._owner.lower()
        ]
        by_state = {request.state: request for request in reversed(found)}
        merged = next(
            (r for r in found if r.state is Proposal.MERGED and r.commit == head.commit), None
        )
        return by_state.get(Proposal.OPEN) or merged or by_state.get(Proposal.CLOSED)

    def open(self, text: Description, worked: Worked) -> _Request:
        """Open a pull request."""
        own = repository(self._job.url)[1].lower() == self._owner.lower()
        head = text.branch if own else f"{self._owner}:{text.branch}"
        target = self._target
        try:
            said = self._run(
                *("pr", "create", f"--repo={self._repository}", f"--head={head}"),
                *(f"--base={worked.base}", f"--title={text.title}", "--body-file=-"),
                *(f"--label={label}" for label in target.labels),
                *(f"--reviewer={name}" for name in target.reviewers),
                *(["--draft"] if target.draft else []),
                given=text.body,
            )
        except RemoteError as error:
            there = _EXISTS.search(error.message)
            if there is None:
                raise
            return _Request(there[1].rstrip(")"), Proposal.OPEN, "")
        return _Request(said.strip().rpartition("\n")[2], Proposal.OPEN, "")

    def _run(self, *arguments: str, given: str = "") -> str:
        try:
            return self._said(*arguments, given=given)
        except Throttled as error:
            if "rate limit exceeded" in error.message:
                raise Throttled(error.message, seconds=self._reset(error.seconds)) from error
            raise

    def _reset(self, otherwise: float) -> float:
        """Return how long the hourly limit holds; asking that is free.

        https://docs.github.com/en/rest/rate-limit/rate-limit
        """
        try:
            limits = json.loads(self._said("api", "rate_limit"))["resources"].values()
            resets = [float(each["reset"]) for each in limits if each["remaining"] == 0]
        except (RemoteError, ValueError, LookupError, TypeError, AttributeError):
            return otherwise
        return min(max([otherwise, *(reset - time.time() for reset in resets)]), _LONGEST_WAIT)

    def _said(self, *arguments: str, given: str = "") -> str:
        environment = environment_of_git() | {
            "GH_PROMPT_DISABLED": "1",
            "GH_NO_UPDATE_NOTIFIER": "1",
            "GH_PAGER": "cat",
            "NO_COLOR": "1",
        }
        command = ["gh", *arguments]
        body = given.encode("utf-8", "backslashreplace")
        name = "gh " + " ".join(arguments[:2])
        with process.stream(
            command, self._folder, environment, self._deadline, body, name=name
        ) as running:
            output = running.output.read(_MOST)
        if running.code:
            urls = (self._job.url, self._job.push_url)
            raise complaints.error(running.said, name, running.code, urls)
        return output.decode("utf-8", "replace")


def _list(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise RemoteError("gh answers with what is no JSON", retryable=True) from error
    if not isinstance(found, list):
        raise RemoteError("gh answers with what is no list", retryable=True)
    return found
