"""What becomes of a file in a run, worked out by itself or within its family; and its writing.

Files that change together are written together, or none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from .discover import Input
from .errors import FileError
from .lock import Claims
from .model import Family, Fate, Refusal
from .results import Deployment, FileResult, Status, removed
from .runner import Guard, Runner, failed, unguarded


@dataclass(frozen=True, slots=True)
class Handled:
    """A file that was worked out: its result, or None where it is no template.

    `runner` is None where its settings are wrong.
    """

    entry: Input
    runner: Runner | None
    result: FileResult | None
    behind: Input | None = None
    """The file of the run that it changes with, where it is none itself."""
    reaches: bool = False
    """Whether its repairs change other files, or may take from one what it has in common."""

    @property
    def is_input(self) -> bool:
        """Whether it is one of the files of the run."""
        return self.behind is None


def worked_out(entry: Input, runner: Runner, claims: Claims | None = None) -> Handled:
    """Work out one file by itself, as `Runner.handle` does; what is unexpected is for the guard."""
    result = runner.guard(str(entry.file), partial(runner.handle, entry, claims))
    if result is not None and result.old and _is_silent(result) and not entry.named:
        result = replace(result, old="", new="")
    reaches = result is not None and _reaches_out(entry, runner, result)
    return Handled(entry, runner, result, reaches=reaches)


def _is_silent(result: FileResult) -> bool:
    """Tell whether there is nothing to say of a file: no report looks at its text."""
    return result.old == result.new and not (result.outcomes or result.error)


def within(entry: Input, runner: Runner, family: Family) -> FileResult | None:
    """Return what becomes of a template within its family."""
    return runner.guard(str(entry.file), partial(runner.handle, entry, None, family))


def _reaches_out(entry: Input, runner: Runner, result: FileResult) -> bool:
    names = removed(result)
    if not names:
        return False
    tree = runner.around.repository(entry)
    place = tree.place(entry.file)
    if place is None:
        return False
    if runner.edits_callers and any(
        caller.fate is Fate.EDITED
        for name in names
        for caller in tree.find(place, name, rotates=runner.rotates)
    ):
        return True
    return runner.rotates and any(tree.may_be_shared(place, name) for name in names)


def settled(group: Sequence[Handled], guard: Guard = unguarded) -> list[Handled]:
    """Write the files of a group; where that fails with one of them, none is written.

    A dry run only asks whether they could be. The findings outlive a failure.
    """
    changed = [
        _Changed(each.entry, each.runner, each.result)
        for each in group
        if each.result is not None
        and each.runner is not None
        and each.result.old != each.result.new
        and each.result.status is not Status.ERROR
    ]
    if not changed:
        return list(group)
    error = guard(str(changed[0].entry.file), partial(_write, changed))
    if error is None:
        return list(group)
    files = {each.entry.file for each in changed}
    return [
        replace(each, result=unwritten(each.result, error.error))
        if each.result is not None and each.entry.file in files
        else each
        for each in group
    ]


@dataclass(frozen=True, slots=True)
class _Changed:
    """A file with the new text that is to be written."""

    entry: Input
    runner: Runner
    result: FileResult


def _write(changed: Sequence[_Changed]) -> FileResult | None:
    """Write all of these files or none; returns an error where that cannot be."""
    several = len(changed) > 1
    for each in changed:
        objection = each.runner.objection(each.entry, each.result)
        if objection:
            name = str(each.entry.file)
            return failed(name, f"{name}: {objection}" if several else objection)
    if not changed[0].runner.write:
        return None
    from . import atomic  # not for a check

    contents = [
        atomic.Change(
            each.entry.file,
            each.result.new.encode(),
            expected=each.result.old.encode(),
            within=each.entry.limit,
        )
        for each in changed
    ]
    try:
        atomic.replace_all(contents)
    except FileError as error:
        return failed(str(changed[0].entry.file), error.message)
    return None


def unwritten(result: FileResult, message: str) -> FileResult:
    """Return a result whose repairs are left, for this reason: the file stays as it was."""
    refusal = Refusal("cannot-edit", message)
    outcomes = tuple(
        outcome
        if outcome.status is Status.SUPPRESSED
        else replace(outcome, status=Status.LEFT, refusal=outcome.refusal or refusal)
        for outcome in result.outcomes
    )
    return replace(
        result,
        status=Status.ERROR,
        outcomes=outcomes,
        patch=(),
        new=result.old,
        hidden_new=result.hidden_old,
        error=message,
        needs_after=result.needs_before,
        deployment=Deployment(),
        differences=(),
    )
