"""The work on one repository: clone, repair, commit. A pure function of the job and the remote.

Nothing is pushed and nothing is kept: what it found out is in what it returns.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import __version__, registry
from ..config import with_options
from ..errors import RemediatorError, RemoteError
from ..guard import guarded
from ..model import Settings
from ..report import diff, json
from . import clone, commit, messages, ours, scratch, stored, tree
from .branches import Branches
from .clone import BASE, Remote
from .git import Git, check_url, version
from .jobs import Group, Job, State, Step, Worked
from .ours import Ours
from .repair import repair
from .scrub import told


def work(job: Job) -> Worked:
    """Return what came of a job. Whatever is wrong with the repository is in it, not raised."""
    working = _Work(job)
    try:
        return working.worked()
    except RemediatorError as error:
        retryable = isinstance(error, RemoteError) and error.retryable
        return working.failed(error.message, retryable=retryable)
    except OSError as error:
        return working.failed(error.strerror or type(error).__name__, retryable=True)
    except MemoryError:
        return working.failed("there is not enough memory", retryable=True)


@dataclass
class _Work:
    """A job at work, and how far it came."""

    job: Job
    step: Step = Step.CLONED
    remote: Remote = field(default_factory=Remote)

    def failed(self, error: str, *, retryable: bool) -> Worked:
        """Return that the work failed, and where."""
        job = self.job
        return Worked(
            job.name,
            State.FAILED,
            self.step,
            self.remote.base,
            self.remote.commit,
            error=told(error, job.url, job.push_url),
            retryable=retryable,
        )

    def worked(self) -> Worked:
        """Return what came of it; raises RemediatorError, OSError or MemoryError."""
        self._examine()
        with scratch.folder() as place:
            (place / "git").mkdir()
            (place / "tree").mkdir()
            deadline = time.monotonic() + self.job.time_limit
            git = Git(place / "git", deadline, (self.job.url, self.job.push_url))
            return self._in(git, place / "tree")

    def _examine(self) -> None:
        """Raise RemediatorError where the job cannot be done at all."""
        job = self.job
        if job.version != __version__:
            raise RemoteError(
                f"the job is of remediator {job.version}, this machine has {__version__}: "
                "install the same on all"
            )
        if job.options.allow is None:
            raise RemoteError("the campaign does not say which consequences it allows")
        registry.load(with_options(Settings(), job.options))
        check_url(job.url)
        check_url(self._push_url)
        version()

    def _in(self, git: Git, folder: Path) -> Worked:
        job = self.job
        branches = list(dict.fromkeys(job.branch_of(group) for group in Group))
        self.remote = clone.look(git, job.url, job.base, branches)
        if self.remote.is_empty:
            return Worked(job.name, State.EMPTY, self.step)
        clone.start(git, self.remote.commit)
        own: dict[str, Ours] = {}
        for number, branch in enumerate(self._existing(git, branches)):
            found = self._ours(git, branch, f"refs/remediator/ours/{number}")
            if found is None or any(found.base != other.base for other in own.values()):
                return self._taken(branch)
            own[branch] = found
        source = f"refs/heads/{self.remote.base}"
        for found in own.values():
            source = found.base
        commit = clone.fetch(git, job.url, source, BASE)
        self.remote = replace(self.remote, commit=commit)
        return self._changed(git, folder, own)

    @property
    def _push_url(self) -> str:
        return self.job.push_url or self.job.url

    def _existing(self, git: Git, branches: Sequence[str]) -> Mapping[str, str]:
        if self._push_url == self.job.url:
            return self.remote.branches
        return clone.heads(git, self._push_url, branches)

    def _ours(self, git: Git, branch: str, ref: str) -> Ours | None:
        clone.fetch(git, self._push_url, f"refs/heads/{branch}", ref, clone.DEPTH)
        return ours.examine(git, ref, self.job.campaign)

    def _taken(self, branch: str) -> Worked:
        return Worked(
            self.job.name,
            State.TAKEN,
            self.step,
            self.remote.base,
            self.remote.commit,
            error=f"the branch {branch} exists and holds commits that this campaign did not make; "
            "it is left alone: merge or delete it, or give the campaign another branch",
        )

    def _changed(self, git: Git, folder: Path, own: Mapping[str, Ours]) -> Worked:
        job, remote = self.job, self.remote
        entries = clone.fetch_files(git, job.url, tree.entries(git, remote.commit))
        (folder / ".git").mkdir()  # ends the search for settings and for the repository's root
        tree.write(git, entries, folder)
        self.step = Step.REPAIRED
        repaired = repair(job, git, entries, folder, guarded)
        kept = stored.dump(repaired.result, folder)
        result = stored.load(kept)
        worked = Worked(
            job.name,
            State.UNCHANGED,
            self.step,
            remote.base,
            remote.commit,
            result=json.render(result),
            stored=kept,
        )
        if not repaired.steps:
            return worked
        self.step = Step.COMMITTED
        parts = [repaired.part(group) for group, _ in repaired.steps]
        branches = Branches(job, git, remote, own, parts, result)
        heads = branches.made([files for _, files in repaired.steps])
        shown = registry.load(with_options(Settings(), job.options))
        return replace(
            worked,
            state=State.CHANGED,
            step=self.step,
            heads=heads,
            bundle=branches.bundle(heads),
            patch=commit.patch(git, remote.commit, branches.clean),
            digest=commit.digest(git, remote.commit, branches.clean),
            holds_secrets=any(map(diff.is_masked, repaired.result.files)),
            descriptions=messages.descriptions(job, parts, result, remote.base, shown),
        )
