"""Where a campaign stands: an SQLite file beside its own, one row for each repository and step.

Only the driver writes it, in one transaction for each thing that happened, so that a run that is
killed at any moment leaves what was true then. It holds no secret: results are masked, URLs have no
credentials; what may hold a password lies in private files (`shelf.py`). SQLite's rollback journal
is used, not WAL: it works on network file systems too, and a reader waits for milliseconds.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, astuple, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from ..errors import ConfigError
from ..report.summary import DONE, is_waiting
from ..results import RunResult
from ..results import Status as FileStatus
from . import stored
from .entry import LOCAL, REMOTE, At, Entry, Row, Status
from .jobs import Description, Head, Proposal, Published, State, Via, Worked
from .listing import Repository
from .scrub import scrub

VERSION = 1
_PATIENCE = 60.0
"""Seconds to wait for another process that reads or writes the file."""
_TABLES = """
BEGIN;
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE repository (
    name TEXT PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,               -- the same for every way to write its URL
    url TEXT NOT NULL,                      -- without credentials
    place INTEGER NOT NULL,                 -- in the list
    listed INTEGER NOT NULL,                -- whether it was in the list when that was read last
    work TEXT NOT NULL DEFAULT '{}',        -- what a proposal is made of, save the texts
    counts TEXT NOT NULL DEFAULT '{}',      -- of findings
    stored BLOB                             -- the result of the run, without secrets
);
CREATE TABLE step (
    repository TEXT NOT NULL REFERENCES repository (name),
    step TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    started TEXT NOT NULL,
    ended TEXT NOT NULL,
    error TEXT NOT NULL,
    settings TEXT NOT NULL,
    digest TEXT NOT NULL,
    outcome TEXT NOT NULL,
    places TEXT NOT NULL,
    PRIMARY KEY (repository, step)
);
PRAGMA user_version = 1;
COMMIT;
"""
_COLUMNS = tuple(each.name for each in fields(Row))
_KEPT = ("state", "base", "base_commit", "digest")
"""Of a `Worked`: what is kept besides heads and descriptions, to look after its proposal."""


def now() -> str:
    """Return the time as the state has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class StateFile:
    """The state of a campaign. Raises ConfigError where the file is none, or of another one."""

    def __init__(self, file: Path, campaign: str, *, create: bool = False) -> None:
        """Open the state of a campaign; `create` it where it is not there."""
        if not create and not file.exists():
            raise ConfigError(f"{file}: there is no such state; `remediator migrate run` makes it")
        self.file = file
        try:
            self._db = sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None)
            try:
                self._prepare(campaign, create=create)
            except BaseException:
                self._db.close()
                raise
        except sqlite3.Error as error:
            raise ConfigError(f"{file}: is no state of a campaign ({error})") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def _prepare(self, campaign: str, *, create: bool) -> None:
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute("PRAGMA synchronous = FULL")  # what was pushed stays known after a crash
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not tables and not create:
            raise ConfigError(f"{self.file}: holds no campaign yet; `remediator migrate run` does")
        if not tables and not version:
            self._db.executescript(_TABLES)
        elif version != VERSION:
            raise ConfigError(f"{self.file}: is no state that this version of remediator can read")
        owner = self.about("campaign", campaign) if create else self.about("campaign")
        if owner != campaign:
            raise ConfigError(
                f"{self.file}: is the state of the campaign {owner}, not of {campaign}; give the "
                "campaign its old name, or its file another name"
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:  # SQLite has ended it itself where the disk is full
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # --- what is known ------------------------------------------------------------------------

    def about(self, key: str, first: str = "") -> str:
        """Return what is noted under a key; `first` is noted where nothing is."""
        if first:
            self._db.execute("INSERT OR IGNORE INTO about VALUES (?, ?)", (key, first))
        found = self._db.execute("SELECT value FROM about WHERE key = ?", (key,)).fetchone()
        return str(found[0]) if found else ""

    def entries(self) -> list[Entry]:
        """Return all repositories, in the order of the list."""
        return self._entries("")

    def entry(self, name: str) -> Entry:
        """Return a repository that is known."""
        (entry,) = self._entries(name)
        return entry

    def _entries(self, name: str) -> list[Entry]:
        order = {step: place for place, step in enumerate(At)}
        rows: dict[str, list[Row]] = {}
        chosen = ("WHERE repository = ?", (name,)) if name else ("", ())
        columns = ", ".join(_COLUMNS)
        for owner, *values in self._db.execute(
            f"SELECT repository, {columns} FROM step {chosen[0]}", chosen[1]
        ):
            step, status, *rest = values
            rows.setdefault(owner, []).append(Row(At(step), Status(status), *rest))
        where = "WHERE name = ?" if name else "ORDER BY listed DESC, place"
        found = self._db.execute(
            f"SELECT name, key, url, listed, counts FROM repository {where}", chosen[1]
        )
        return [
            Entry(
                each,
                key,
                url,
                bool(listed),
                {row.step: row for row in sorted(rows.get(each, ()), key=lambda r: order[r.step])},
                json.loads(counts),
            )
            for each, key, url, listed, counts in found
        ]

    def result(self, name: str) -> RunResult | None:
        """Return the result of the run over a repository, None where there was none.

        Raises FileError where another version wrote it.
        """
        query = "SELECT stored FROM repository WHERE name = ?"
        (content,) = self._db.execute(query, (name,)).fetchone()
        return stored.load(content) if content else None

    def work(self, name: str) -> Worked:
        """Return what came of the work on a repository, without bundle, patch and report."""
        query = "SELECT work FROM repository WHERE name = ?"
        (text,) = self._db.execute(query, (name,)).fetchone()
        known = json.loads(text)
        known["state"] = State(known.get("state", State.FAILED))
        known["heads"] = tuple(Head(**each) for each in known.get("heads", ()))
        known["descriptions"] = tuple(Description(**each) for each in known.get("descriptions", ()))
        return Worked(name, **known)

    # --- what happened ------------------------------------------------------------------------

    def take_list(self, repositories: Iterable[Repository]) -> None:
        """Note which repositories the campaign is about; those that were before stay known."""
        with self._transaction():
            self._db.execute("UPDATE repository SET listed = 0")
            for place, each in enumerate(repositories):
                self._db.execute(
                    "INSERT INTO repository (name, key, url, place, listed) VALUES (?, ?, ?, ?, 1) "
                    "ON CONFLICT (name) DO UPDATE SET url = excluded.url, place = excluded.place, "
                    "listed = 1",
                    (each.name, each.key, scrub(each.url), place),
                )
                self._write(each.name, Row(At.LISTED, Status.DONE, started=now(), ended=now()))

    def worked(self, worked: Worked, settings: str, started: str, limit: int) -> Row:
        """Note what came of the local work; return the row of the step that it came to.

        What went wrong is tried again while its attempts are less than `limit`.
        """
        if worked.state is State.FAILED:
            row = Row(At(worked.step), Status.FAILED, 1, started, now(), worked.error, settings)
            return self.went_wrong(worked.name, row, limit if worked.retryable else 0)
        kept: dict[str, Any] = {name: getattr(worked, name) for name in _KEPT}
        kept |= {name: [*map(asdict, getattr(worked, name))] for name in ("heads", "descriptions")}
        result = stored.load(worked.stored) if worked.stored else None
        with self._transaction():
            self._db.execute(
                "UPDATE repository SET work = ?, counts = ?, stored = ? WHERE name = ?",
                (json.dumps(kept), json.dumps(_counts(result)), worked.stored or None, worked.name),
            )
            self._remove(worked.name, REMOTE)
            for row in _rows(worked, settings, started):
                last = self._write(worked.name, row)
        return last

    def published(self, name: str, published: Published, via: Via, started: str) -> None:
        """Note that a repository is proposed."""
        pushed = Status.NONE if via is Via.FILES else Status.DONE
        digest = self.work(name).digest
        places = "\n".join(published.places)
        with self._transaction():
            self._write(name, Row(At.PUSHED, pushed, 1, started, now(), "", via, digest))
            outcome = str(published.state)
            last = Row(
                At.PROPOSED, Status.DONE, 1, started, now(), "", via, digest, outcome, places
            )
            self._write(name, last)
            self._note_end(name, published.state, started)

    def looked(self, name: str, published: Published) -> None:
        """Note how a proposal stands now."""
        with self._transaction():
            self._db.execute(
                "UPDATE step SET outcome = ? WHERE repository = ? AND step = ?",
                (published.state, name, At.PROPOSED),
            )
            self._remove(name, (At.CLOSED,))
            self._note_end(name, published.state, now())

    def _note_end(self, name: str, state: Proposal, started: str) -> None:
        if state in (Proposal.MERGED, Proposal.CLOSED):
            row = Row(At.CLOSED, Status.DONE, 1, started, now(), outcome=str(state))
            self._write(name, row)

    def went_wrong(self, name: str, row: Row, limit: int) -> Row:
        """Note that a step went wrong; it is tried again while its attempts are below the limit."""
        with self._transaction():
            status = Status.AGAIN if self._tried(name, row.step) + 1 < limit else Status.FAILED
            return self._write(name, replace(row, status=status))

    def redo(self, name: str) -> None:
        """Forget the local work on a repository and what followed, so that it is done anew."""
        with self._transaction():
            self._remove(name, (*LOCAL, *REMOTE))
            self._db.execute(
                "UPDATE repository SET work = '{}', counts = '{}', stored = NULL WHERE name = ?",
                (name,),
            )

    def retry(self, names: Iterable[str]) -> None:
        """Forget what went wrong with these repositories, so that it is tried again."""
        with self._transaction():
            for name in names:
                self._db.execute(
                    "DELETE FROM step WHERE repository = ? AND status IN (?, ?)",
                    (name, Status.AGAIN, Status.FAILED),
                )

    def _tried(self, name: str, step: At) -> int:
        """Return how often a step went wrong until now."""
        query = "SELECT attempts FROM step WHERE repository = ? AND step = ? AND status IN (?, ?)"
        found = self._db.execute(query, (name, step, Status.AGAIN, Status.FAILED)).fetchone()
        return int(found[0]) if found else 0

    def _write(self, name: str, row: Row) -> Row:
        row = replace(row, attempts=self._tried(name, row.step) + 1)
        places = ", ".join("?" * (len(_COLUMNS) + 1))
        self._db.execute(
            f"INSERT OR REPLACE INTO step (repository, {', '.join(_COLUMNS)}) VALUES ({places})",
            (name, *astuple(row)),
        )
        return row

    def _remove(self, name: str, steps: Iterable[At]) -> None:
        for step in steps:
            self._db.execute("DELETE FROM step WHERE repository = ? AND step = ?", (name, step))


def _rows(worked: Worked, settings: str, started: str) -> list[Row]:
    """Return the steps of local work that came to its end."""
    repaired = Status.DONE if worked.stored else Status.NONE
    committed = {State.CHANGED: Status.DONE, State.TAKEN: Status.FAILED}
    status = committed.get(worked.state, Status.NONE)
    times = (1, started, now())
    return [
        Row(At.CLONED, Status.DONE, *times, settings=settings),
        Row(At.REPAIRED, repaired, *times, settings=settings),
        Row(
            *(At.COMMITTED, status, *times, worked.error, settings),
            digest=worked.digest,
            outcome=str(worked.state),
        ),
    ]


def _counts(result: RunResult | None) -> Mapping[str, int]:
    """Return the numbers of findings: of repairs by consequence, of what is left, of errors."""
    counts: Counter[str] = Counter()
    for file in result.files if result else ():
        counts["changed"] += file.old != file.new
        counts["error"] += file.status is FileStatus.ERROR
        for outcome in file.outcomes:
            if outcome.status in DONE and outcome.finding.fix is not None:
                counts["new" if file.fresh else str(outcome.finding.fix.consequence)] += 1
            elif is_waiting(outcome):
                counts["left"] += 1
    return +counts
