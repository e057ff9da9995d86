"""Asks the servers what became of proposals; nothing is changed there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from ..errors import RemoteError, Throttled
from .entry import Standing
from .jobs import Job, Published, Target, Worked
from .opened import Opened

Look: TypeAlias = Callable[[Job, Worked, Target], Published | None]
_OPEN = (Standing.PUSHED, Standing.OPEN, Standing.CLOSED)


def refresh(opened: Opened, look: Look) -> Iterator[str]:
    """Note what was merged or closed meanwhile; yields what could not be asked, and why."""
    state, campaign = opened.state, opened.campaign
    date = campaign.job.date or state.about("date")
    urls = {each.name: each.url for each in opened.repositories}
    for entry in state.entries():
        if entry.standing not in _OPEN or entry.name not in urls:
            continue
        job = campaign.job_of(entry.name, urls[entry.name], date)
        try:
            published = look(job, state.work(entry.name), campaign.target)
        except Throttled as error:
            yield f"{entry.name}: {error.message}; ask again in {error.seconds:.0f} s"
            return
        except RemoteError as error:
            yield f"{entry.name}: {error.message}"
            continue
        if published is not None:
            state.looked(entry.name, published)
