"""Opens a campaign for a run: its list, its state and its folder, which no other run has then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import ConfigError
from .campaign import Campaign
from .entry import Entry
from .listing import Repository, repositories
from .shelf import Shelf
from .state import StateFile


@dataclass(frozen=True, slots=True)
class Opened:
    """A campaign with what belongs to it, and the repositories that it names now."""

    campaign: Campaign
    repositories: Sequence[Repository]
    state: StateFile
    shelf: Shelf


@contextmanager
def opened(campaign: Campaign) -> Iterator[Opened]:
    """Open a campaign; raises ConfigError where another run has it, or it names no repository."""
    shelf = Shelf(campaign.beside("work"))
    with shelf.locked(), StateFile(campaign.beside("state"), campaign.name, create=True) as state:
        known = {entry.key: entry.name for entry in state.entries()}
        yield Opened(campaign, repositories(campaign, known), state, shelf)


def chosen(entries: Sequence[Entry], names: Sequence[str]) -> list[Entry]:
    """Return the repositories of these names, all where none is given; raises ConfigError."""
    if not names:
        return list(entries)
    known = {entry.name: entry for entry in entries}
    for name in names:
        if name not in known:
            raise ConfigError(f"no repository of this campaign is called {name!r}")
    return [known[name] for name in dict.fromkeys(names)]
