"""Repairs the files of a private folder as `remediator fix` does, by groups of risk."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .. import regular
from ..config import Options
from ..discover import walk
from ..errors import RemoteError
from ..globs import matches
from ..model import Consequence
from ..report.summary import DONE, outcomes
from ..request import Request
from ..results import Outcome, RunResult
from ..runner import Guard
from ..session import carry_out
from . import tree
from .commit import File
from .git import Git
from .jobs import Group, Job
from .messages import Part
from .tree import Entry

_FULL = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT))
_MOST = 100_000_000
"""Bytes of a file that a run may leave."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a run makes of a repository: the result, and the files as each group leaves them.

    `steps` are in the order of the commits; the files of each are those that differ from the step
    before, or from what was cloned.
    """

    result: RunResult
    steps: tuple[tuple[Group, Mapping[str, File]], ...]

    def part(self, group: Group) -> Part:
        """Return the repairs of a group."""
        ids = _ids(self.result, group)
        files = {file.path for file, each in outcomes(self.result, DONE) if each.id in ids}
        return Part(group, ids, len(files))


def repair(job: Job, git: Git, entries: Sequence[Entry], folder: Path, guard: Guard) -> Repaired:
    """Repair the files of these entries, which stand in a folder.

    One run with all that the campaign allows decides what becomes of the files. Where it makes
    repairs of both groups, a second one makes the safe ones alone; the rules engine has judged them
    by then. Raises ConfigError for settings that are wrong, RemoteError where the disk is full.
    """
    result = _run(job, _options(job), entries, folder, guard)
    files = dict(_changed(entries, folder))
    if not files:
        return Repaired(result, ())
    safe, risky = _ids(result, Group.SAFE), _ids(result, Group.PASSWORDS)
    if not safe or not risky:
        return Repaired(result, ((Group.SAFE if safe else Group.PASSWORDS, files),))
    _restore(git, entries, files, folder)
    first_only = replace(job, validate=False)
    _run(first_only, _options(job)._replace(only=safe), entries, folder, guard)
    first = dict(_changed(entries, folder))
    before = {entry.path: entry for entry in entries}
    rest = {path: file for path, file in files.items() if first.get(path) != file}
    undone = {path for path in first if path not in files}
    rest |= {path: _original(git, before.get(path)) for path in undone}
    steps = ((Group.SAFE, first), (Group.PASSWORDS, rest))
    return Repaired(result, tuple(step for step in steps if step[1]))


def _options(job: Job) -> Options:
    return job.options._replace(new=bool(job.options.new))


def _run(
    job: Job, options: Options, entries: Sequence[Entry], folder: Path, guard: Guard
) -> RunResult:
    """Run over the folder; where some paths are new and others live, once for each."""
    runs = [
        carry_out(
            Request(
                tuple(paths),
                options=options._replace(new=new),
                validate=job.validate,
                skip_others=True,
            ),
            guard=guard,
        ).result
        for new, paths in _paths(job, entries, folder)
    ]
    if any(run.interrupted is not None for run in runs):
        raise KeyboardInterrupt  # the runner ends in peace; half a run must not become a commit
    files = sorted((file for run in runs for file in run.files), key=lambda file: file.path)
    if any(reason in file.error for file in files for reason in _FULL):
        raise RemoteError("the disk is full", retryable=True)
    return replace(
        runs[0],
        files=tuple(files),
        scanned=sum(run.scanned for run in runs),
        skipped=sum(run.skipped for run in runs),
        settings=tuple(dict.fromkeys(each for run in runs for each in run.settings)),
        validation=next((run.validation for run in runs if run.validation), None),
        allowed=frozenset(each for run in runs for each in run.allowed),
        untracked=(),
        unknown=(),
    )


def _paths(
    job: Job, entries: Sequence[Entry], folder: Path
) -> Iterator[tuple[bool, Sequence[str]]]:
    default = bool(job.options.new)
    if not job.new and not (job.live and default):
        yield default, [str(folder)]
        return
    by_kind: dict[bool, list[str]] = {False: [], True: []}
    for entry in entries:
        by_kind[is_new(job, entry.path)].append(str(folder / entry.path))
    yield from ((new, paths) for new, paths in by_kind.items() if paths or not new)


def is_new(job: Job, path: str) -> bool:
    """Whether a job says that the template at a path is not deployed yet."""
    if any(matches(glob, path) for glob in job.live):
        return False
    return bool(job.options.new) or any(matches(glob, path) for glob in job.new)


def _ids(result: RunResult, group: Group) -> frozenset[str]:
    """Return the ids of the repairs of a group; what another makes necessary goes with that."""
    done = [outcome for _, outcome in outcomes(result, DONE)]
    risky = {outcome.id for outcome in done if not _is_safe(outcome)}
    while more := {each.id for each in done if risky.intersection(each.causes)} - risky:
        risky |= more
    if group is Group.PASSWORDS:
        return frozenset(risky)
    return frozenset(outcome.id for outcome in done) - risky


def _is_safe(outcome: Outcome) -> bool:
    """Whether a repair changes nothing that runs, and wants no secret to be made before."""
    fix = outcome.finding.fix
    return fix is None or (fix.consequence is Consequence.SAFE and not fix.seeds)


def _changed(entries: Sequence[Entry], folder: Path) -> Iterator[tuple[str, File]]:
    """Yield the files that are no longer what they were, by their content alone."""
    known = {entry.path: entry for entry in entries}
    for entry in entries:
        try:
            content = regular.read(folder / entry.path, _MOST, follow=False)
        except FileNotFoundError:
            yield entry.path, File(entry.mode, None)
            continue
        if _blob(content, len(entry.blob)) != entry.blob:
            yield entry.path, File(entry.mode, content)
    for path in walk(folder):
        if isinstance(path, Path) and (name := path.relative_to(folder).as_posix()) not in known:
            yield name, File("100644", regular.read(path, _MOST, follow=False))


def _blob(content: bytes, length: int) -> str:
    """Return the id that git gives a content; ids are as long as those of their repository."""
    kind = hashlib.sha1 if length == 40 else hashlib.sha256
    return kind(b"blob %d\0" % len(content) + content).hexdigest()


def _restore(git: Git, entries: Sequence[Entry], changed: Mapping[str, File], folder: Path) -> None:
    for path in changed:
        (folder / path).unlink(missing_ok=True)
    tree.write(git, [entry for entry in entries if entry.path in changed], folder)


def _original(git: Git, entry: Entry | None) -> File:
    if entry is None:
        return File("100644", None)
    return File(entry.mode, git.run("cat-file", "blob", entry.blob))
