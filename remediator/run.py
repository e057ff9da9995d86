"""One run over files: finds them, has each worked out, and writes what was proven, last.

A tree is worked out as a whole before anything of it is written: a repair may reach into files
that give a template its parameters. What becomes of each file is a value; one that cannot be
handled is an error in the result, and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeAlias

from .discover import Input, Unusable, expand
from .errors import ConfigError, Interrupted, RemediatorError
from .handled import Handled, settled, unwritten, within, worked_out
from .interrupt import held
from .lock import Claims
from .model import Family
from .repository import Repository
from .results import Deployment, FileResult, RunResult, removed
from .runner import Runner, failed, is_free

if TYPE_CHECKING:
    from .ahead import Ahead
    from .families import Together

Track: TypeAlias = Callable[[Sequence[Input]], Iterable[Input]]
"""Yields the same inputs, and may show progress."""
Helped: TypeAlias = "Callable[[Sequence[Input]], AbstractContextManager[Ahead | None]]"
"""Gives those who work files out ahead, for the length of a run; None where there are none."""


def untracked(inputs: Sequence[Input]) -> Iterable[Input]:
    """Return the inputs as they are."""
    return inputs


def alone(_: Sequence[Input]) -> AbstractContextManager[None]:
    """Give nobody: the run works all files out itself."""
    return nullcontext()


@dataclass(eq=False, repr=False)
class Run:
    """A run of one runner; others may handle files whose settings differ.

    `skip_others`: a file that was named and is no template is passed over like one that is met in
    a folder; so is a folder without any.
    """

    runner: Runner
    runner_of: Callable[[Path], Runner] | None = None
    """Who handles a file in its place; raises ConfigError if its settings are wrong."""
    skip_others: bool = False
    track: Track = untracked
    helped: Helped = alone
    _ahead: Ahead | None = None
    _wrong: dict[str, Path] = field(default_factory=dict)
    """What is wrong with settings, and a folder that they are for."""

    def over(self, paths: Sequence[Path]) -> RunResult:
        """Handle the files of these PATHs, in order; a folder is searched for templates."""
        inputs: list[Input] = []
        errors: list[FileResult] = []
        for entry in expand(paths):
            if isinstance(entry, Unusable):
                errors.append(failed(str(entry.path), entry.reason))
            else:
                inputs.append(replace(entry, named=entry.named and not self.skip_others))
        done: list[Handled] = []
        interrupted = False
        tree_of = self.runner.around.tree_of
        # A tree is handled as a whole, even where it is met in parts around another one: what it
        # shows must not change while it is worked out.
        first = {tree: number for number, tree in enumerate(dict.fromkeys(map(tree_of, inputs)))}
        whole = sorted(inputs, key=lambda entry: first[tree_of(entry)])
        try:
            with self.helped(whole) as self._ahead, Claims() as claims:
                if not self.runner.write:
                    self._start(whole, claims)
                trees = groupby(whole, key=tree_of)
                for tree, entries in groupby(self.track(whole), key=tree_of):
                    if self.runner.write:
                        self._start(list(next(trees)[1]), claims)
                    handled = [self._handled(entry, claims) for entry in entries]
                    for group in self._groups(handled):
                        with held():  # what was written must not be missing in the result
                            done += map(self._placed, settled(group, self.runner.guard))
                    self.runner.around.leave(tree)
        except (Interrupted, KeyboardInterrupt):
            interrupted = True
        results = [*errors, *_in_order(done, inputs)]
        if not interrupted:
            results += [failed(str(folder), message) for message, folder in self._wrong.items()]
            if not self.skip_others:
                results += list(_without_templates(paths, results))
        return RunResult(
            tuple(results),
            self.runner.command,
            scanned=len(inputs),
            skipped=_skipped(done),
            allowed=self.runner.settings.allow,
            interrupted=sum(each.is_input for each in done) if interrupted else None,
        )

    def _start(self, entries: Sequence[Input], claims: Claims) -> None:
        """Have files worked out ahead; what is to be written, in a tree that is this run's."""
        if self._ahead is not None:
            writes = self.runner.write
            self._ahead.start([each for each in entries if not writes or is_free(each, claims)])

    def _handled(self, entry: Input, claims: Claims) -> Handled:
        """Work out one file by itself, with the settings that are nearest to it."""
        told = self._ahead.take(entry) if self._ahead is not None else None
        runner = self._runner(entry)
        if runner is None:
            return Handled(entry, None, None)
        if told is not None:
            return Handled(entry, runner, told.result, reaches=told.reaches)
        return worked_out(entry, runner, claims if runner.write else None)

    def _runner(self, entry: Input) -> Runner | None:
        try:
            return self.runner_of(entry.file) if self.runner_of else self.runner
        except ConfigError as error:
            self._wrong.setdefault(error.message, entry.folder)
            return None

    def _placed(self, handled: Handled) -> Handled:
        """Return a result as reports need it: with its place in the repository where there is
        something to say."""
        result = handled.result
        if result is None or not (result.outcomes or result.error):
            return handled
        placed = replace(result, diff_path=self.runner.around.path_in_diff(handled.entry.file))
        return replace(handled, result=placed)

    # What changes together.

    def _groups(self, handled: Sequence[Handled]) -> Iterable[Sequence[Handled]]:
        """Return the files of a tree in groups of which all change or none, with those that have to
        change along."""
        if not any(each.reaches for each in handled):
            return ([each] for each in handled)
        tree = self.runner.around.repository(handled[0].entry)
        by_place = {
            place: each
            for each in handled
            if each.result is not None and (place := tree.place(each.entry.file)) is not None
        }
        reaching = [place for place, each in by_place.items() if each.reaches]
        from .families import Member, work_out  # lazily: few runs need it

        members = {
            place: Member(
                place,
                each.result,
                each.runner.edits_callers,
                each.runner.rotates,
                each.runner.settings.skip,
            )
            for place, each in by_place.items()
            if each.result is not None and each.runner is not None
        }
        if self.runner.check:  # which carries nothing out; others are shown the new text
            shown = self._within(by_place, dict.fromkeys(reaching, Family()))
            for place, result in shown.items():
                members[place] = replace(members[place], result=result or members[place].result)
        try:
            work = partial(self._within, by_place)
            shown_as, proven = partial(_shown, tree, by_place), not self.runner.check
            together = work_out(tree, members, work, shown_as, proven=proven)
        except RemediatorError as error:
            return [[self._unjoined(each, error.message)] for each in handled]
        return self._joined(handled, by_place, tree, together)

    def _within(
        self, by_place: Mapping[PurePosixPath, Handled], families: Mapping[PurePosixPath, Family]
    ) -> dict[PurePosixPath, FileResult | None]:
        """Return what becomes of templates within their families."""
        asked = [(by_place[place], family) for place, family in families.items()]
        pairs = [(each.entry, family) for each, family in asked]
        told = self._ahead.within(pairs) if self._ahead is not None else [None] * len(pairs)
        return {
            place: answer.result
            if answer is not None
            else within(each.entry, each.runner or self.runner, family)
            for place, (each, family), answer in zip(families, asked, told, strict=True)
        }

    def _unjoined(self, handled: Handled, message: str) -> Handled:
        """Return a file without the repairs that would have to reach into others."""
        if handled.result is None or not removed(handled.result):
            return handled
        return replace(handled, result=unwritten(handled.result, message))

    def _joined(
        self,
        handled: Sequence[Handled],
        by_place: Mapping[PurePosixPath, Handled],
        tree: Repository,
        together: Sequence[Together],
    ) -> list[list[Handled]]:
        """Return the groups of a tree's files, of which those in `together` change together."""
        groups: list[list[Handled]] = []
        joined: set[Path] = set()
        for each in together:
            group = []
            for place, result in each.templates.items():
                own = by_place[place]
                joined.add(own.entry.file)
                group.append(replace(own, result=self._checked(result)))
            for result in each.settings.values():
                cause = _cause(result, group)
                entry = Input.of(Path(result.path), named=False, root=cause.entry.root)
                group.append(Handled(entry, cause.runner, self._checked(result), cause.entry))
            groups.append(group)
        return [*([each] for each in handled if each.entry.file not in joined), *groups]

    def _checked(self, result: FileResult) -> FileResult:
        """Return a result that says in a check what could be repaired, and changes nothing."""
        if not self.runner.check:
            return result
        return replace(
            result,
            patch=(),
            new=result.old,
            hidden_new=result.hidden_old,
            needs_after=result.needs_before,
            deployment=Deployment(),
            differences=(),
        )


def _shown(
    tree: Repository, by_place: Mapping[PurePosixPath, Handled], place: PurePosixPath
) -> str:
    """Return what a file of the tree is called, as the files of the run are."""
    for known, handled in by_place.items():
        name = handled.entry.file.as_posix()
        if name.endswith(str(known)):
            return str(Path(name.removesuffix(str(known))) / place)
    return str(tree.root / place)


def _skipped(done: Sequence[Handled]) -> int:
    """Return how many files are no templates and do not change along with one either."""
    along = {each.entry.file for each in done if not each.is_input}
    none = (each for each in done if each.is_input and each.result is None)
    return sum(not along or each.entry.file not in along for each in none)


def _in_order(done: Sequence[Handled], inputs: Sequence[Input]) -> list[FileResult]:
    """Return the results in the order of the inputs, what changes along behind its cause."""
    order = {entry: number for number, entry in enumerate(inputs)}
    told = sorted(done, key=lambda each: order[each.behind or each.entry])
    return [each.result for each in told if each.result is not None]


def _cause(result: FileResult, group: Sequence[Handled]) -> Handled:
    """Return the template whose repair changes a file."""
    causes = {cause for outcome in result.outcomes for cause in outcome.causes}
    return next(
        each
        for each in group
        if each.result is not None and any(other.id in causes for other in each.result.outcomes)
    )


def is_folder(path: Path) -> bool:
    """Whether a path is a folder; False where that cannot be told."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _without_templates(
    paths: Sequence[Path], results: Sequence[FileResult]
) -> Iterator[FileResult]:
    """Yield an error for every folder that was given and has no result at or below it."""
    given = [path for path in paths if is_folder(path)]
    known = frozenset(given)
    folders: set[Path] = set()
    for result in results if given else ():
        here = Path(result.path)
        here = here if here in known else here.parent
        while here not in folders:
            folders.add(here)
            here = here.parent
    for path in given:
        if path not in folders:
            yield failed(str(path), "the folder holds no CloudFormation templates")
