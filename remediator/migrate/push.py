"""Pushes the branches of a worked job: never over a commit that it did not expect there."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Sequence

from ..errors import RemoteError, Stale
from . import clone, complaints, scratch
from .clone import BASE
from .git import REMOTE, Git
from .jobs import Head, Job, Proposal, Published, Target, Worked
from .scrub import scrub

_PLACE = re.compile(r"^remote:\s+(https?://\S+)", re.MULTILINE)
_LONGEST = 2_000
"""Characters of a merge request's description: it is one option, on one line."""


def push(
    job: Job, worked: Worked, target: Target, branches: Collection[str] | None = None
) -> Published:
    """Push the heads of a job, of all its branches or of these, as far as they are not there.

    Raises Stale where the remote has changed since the work, RemoteError where it refuses.
    """
    url = job.push_url or job.url
    last = {head.branch: head for head in worked.heads}
    heads = [head for head in last.values() if branches is None or head.branch in branches]
    with scratch.folder() as place:
        git = Git(place, time.monotonic() + target.time_limit, (job.url, job.push_url))
        there = clone.heads(git, url, [head.branch for head in heads])
        missing = [head for head in heads if there.get(head.branch) != head.commit]
        for head in missing:
            if there.get(head.branch, "") != head.expected:
                raise Stale(f"the branch {head.branch} has changed since the work was done")
        if not missing:
            return Published(Proposal.PUSHED, done_before=True)
        if not worked.bundle:
            raise Stale("the commits are not kept any more")
        _bring(git, job, worked, missing)
        places: dict[str, None] = {}
        for head in missing:
            places |= dict.fromkeys(_push(git, url, worked, head, target))
    return Published(Proposal.PUSHED, tuple(scrub(each, url) for each in places))


def look(job: Job, worked: Worked, target: Target) -> Published | None:
    """Return whether the branches are on the remote, just as they were worked out."""
    url = job.push_url or job.url
    last = {head.branch: head.commit for head in worked.heads}
    with scratch.folder() as place:
        git = Git(place, time.monotonic() + target.time_limit, (job.url, job.push_url))
        is_there = clone.heads(git, url, list(last)) == last
    return Published(Proposal.PUSHED, done_before=True) if is_there else None


def _bring(git: Git, job: Job, worked: Worked, heads: Sequence[Head]) -> None:
    """Bring the new commits, and those that they stand on, into the repository of ours."""
    clone.start(git, worked.base_commit)
    try:
        clone.fetch(git, job.push_url or job.url, worked.base_commit, BASE)
    except Stale as error:
        if job.push_url:
            raise RemoteError(complaints.UNSYNCED) from error
        raise
    known = dict.fromkeys(head.expected for head in heads if head.expected)
    for number, commit in enumerate(known):
        clone.fetch(git, job.push_url or job.url, commit, f"refs/remediator/known/{number}")
    file = git.folder / "new.bundle"
    file.write_bytes(worked.bundle)
    git.run("bundle", "unbundle", str(file))


def _push(git: Git, url: str, worked: Worked, head: Head, target: Target) -> list[str]:
    """Push one head; returns the URLs that the server told."""
    ref = f"refs/heads/{head.branch}"
    git.run(
        *("push", "--quiet", "--no-verify", f"--force-with-lease={ref}:{head.expected}"),
        *(f"--push-option={option}" for option in _options(worked, head, target)),
        *("--end-of-options", REMOTE, f"{head.commit}:{ref}"),
        url=url,
    )
    if target.merge_request and re.search(r"WARNINGS?:.*push options", git.said, re.S):
        raise RemoteError(f"{head.branch} is pushed, but the server made no merge request")
    return _PLACE.findall(git.said)


def _options(worked: Worked, head: Head, target: Target) -> list[str]:
    """Return the options by which GitLab makes a merge request.

    https://docs.gitlab.com/topics/git/commit/#push-options-for-merge-requests. An option is one
    line, so the description is short: the messages of the commits say the rest.
    """
    if not target.merge_request:
        return []
    text = next((each for each in worked.descriptions if each.branch == head.branch), None)
    title = text.title if text else head.branch
    options = [
        "merge_request.create",
        f"merge_request.target={worked.base}",
        f"merge_request.title={title}",
        "merge_request.description=The messages of the commits say what changes, what that does at "
        "the next deployment, what is to be done by hand, and how to undo it.",
        *(f"merge_request.label={label}" for label in target.labels),
        *(f"merge_request.assign={name}" for name in target.reviewers),
        *(["merge_request.draft"] if target.draft else []),
    ]
    return [" ".join(option.split())[:_LONGEST] for option in options]
