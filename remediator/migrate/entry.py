"""A repository of a campaign as its state has it: the steps, and where it stands. All frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .jobs import State


class At(StrEnum):
    """The steps of a repository, in their order."""

    LISTED = "listed"
    CLONED = "cloned"
    REPAIRED = "repaired"
    COMMITTED = "committed"
    PUSHED = "pushed"
    PROPOSED = "proposed"
    CLOSED = "closed"
    """Merged, or closed without that."""


LOCAL = (At.CLONED, At.REPAIRED, At.COMMITTED)
"""The steps of the work on one repository, which changes nothing anywhere."""
REMOTE = (At.PUSHED, At.PROPOSED)


class Status(StrEnum):
    """What became of a step."""

    DONE = "done"
    NONE = "none"
    """There was nothing to do."""
    AGAIN = "again"
    """It went wrong, and is tried again."""
    FAILED = "failed"
    """It went wrong, and is tried again only when a person says so."""


@dataclass(frozen=True, slots=True)
class Row:
    """A step: what became of it, how often it was tried, from when to when the last time."""

    step: At
    status: Status
    attempts: int = 1
    started: str = ""
    ended: str = ""
    error: str = ""
    settings: str = ""
    """What it was done by: of the local work a digest, of a proposal the way."""
    digest: str = ""
    """Of the change."""
    outcome: str = ""
    """A value of `jobs.State` for the local work, of `jobs.Proposal` for a proposal."""
    places: str = ""
    """The folder or the URLs of a proposal, one on each line."""

    @property
    def is_settled(self) -> bool:
        """Whether it is done, or needs not be."""
        return self.status in (Status.DONE, Status.NONE)


class Standing(StrEnum):
    """Where a repository stands, in one word."""

    WAITING = "waiting"
    """For the local work, or for another attempt."""
    READY = "ready"
    """Committed, not proposed."""
    WRITTEN = "written"
    PUSHED = "pushed"
    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"
    CLEAN = "clean"
    """There is nothing to repair, or nothing that may be."""
    EMPTY = "empty"
    TAKEN = "taken"
    FAILED = "failed"
    GONE = "gone"
    """It is in the list no more, and was not proposed."""


_OF_STATE = {
    State.CHANGED: Standing.READY,
    State.UNCHANGED: Standing.CLEAN,
    State.EMPTY: Standing.EMPTY,
    State.TAKEN: Standing.TAKEN,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A repository with its steps. `counts` are numbers of its findings, by what became of them."""

    name: str
    key: str = ""
    url: str = ""
    """Without credentials."""
    listed: bool = True
    rows: Mapping[At, Row] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def wrong(self) -> Row | None:
        """The step that went wrong, if one did."""
        return next((row for row in self.rows.values() if not row.is_settled), None)

    @property
    def places(self) -> tuple[str, ...]:
        """Where its proposal is."""
        row = self.rows.get(At.PROPOSED)
        return tuple(row.places.splitlines()) if row else ()

    def is_worked(self, settings: str) -> bool:
        """Whether the local work with these settings is done."""
        row = self.rows.get(At.COMMITTED)
        return row is not None and row.is_settled and row.settings == settings

    def is_proposed(self, way: str) -> bool:
        """Whether it is proposed this way."""
        row = self.rows.get(At.PROPOSED)
        return row is not None and row.is_settled and row.settings == way

    @property
    def is_changed(self) -> bool:
        """Whether the local work, done, gave something to propose."""
        row = self.rows.get(At.COMMITTED)
        return row is not None and row.status is Status.DONE

    @property
    def standing(self) -> Standing:
        """Where it stands."""
        closed, proposed = self.rows.get(At.CLOSED), self.rows.get(At.PROPOSED)
        if closed is not None:
            return Standing(closed.outcome)
        if self.wrong is not None:
            if self.wrong.outcome == State.TAKEN:
                return Standing.TAKEN
            return Standing.FAILED if self.wrong.status is Status.FAILED else Standing.WAITING
        if proposed is not None:
            return Standing(proposed.outcome)
        if not self.listed:
            return Standing.GONE
        worked = self.rows.get(At.COMMITTED)
        return _OF_STATE[State(worked.outcome)] if worked else Standing.WAITING
