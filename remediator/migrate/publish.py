"""Proposes what was worked out: as files, as pushed branches, or as pull requests.

Each way looks first whether it is done, and does what is missing: a campaign may be killed at any
moment, and the same proposal is made once.
"""

from __future__ import annotations

from ..errors import RemoteError
from . import files, gh, push
from .jobs import Job, Published, State, Target, Via, Worked


def publish(job: Job, worked: Worked, target: Target) -> Published:
    """Propose the commits of a job, as far as that is not done.

    Raises RemoteError: `retryable` where a later try may end differently, Throttled where the host
    wants fewer requests, Stale where the work has to be done again. Raises FileError where a file
    cannot be written.
    """
    if worked.state is not State.CHANGED:
        raise RemoteError(f"{worked.name}: there is nothing to propose ({worked.state})")
    if target.via is Via.FILES:
        return files.write(worked, target.folder)
    if target.via is Via.PUSH:
        return push.push(job, worked, target)
    return gh.propose(job, worked, target)


def look(job: Job, worked: Worked, target: Target) -> Published | None:
    """Return what became of a proposal, None where it was not made; nothing is changed.

    Raises RemoteError as `publish` does.
    """
    if target.via is Via.FILES:
        return files.look(worked, target.folder)
    if target.via is Via.PUSH:
        return push.look(job, worked, target)
    return gh.look(job, worked, target)
