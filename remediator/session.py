"""Carries out a command: settings and transforms for its inputs, a run, what else was asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from . import config, projects, registry
from .around import Around
from .asked import examine_targets, with_asked
from .discover import Input
from .errors import ConfigError
from .garbage import no_collection
from .model import Settings
from .projects import Source
from .request import STDIN, Done, Request
from .results import FileResult, RunResult, Status, Validation, Validator
from .run import Run, Track, alone, untracked
from .runner import Guard, Runner, unguarded
from .work_tree import untracked as untracked_files

if TYPE_CHECKING:
    from .ahead import Ahead, Hand
    from .interactive import Ask
    from .validator import Validator as Judge

# What few commands need is imported where it is: a check of one file takes no longer than that.


@no_collection()
def carry_out(
    request: Request,
    *,
    guard: Guard = unguarded,
    track: Track = untracked,
    ask: Ask | None = None,
) -> Done:
    """Run a request and write the files that it asks for.

    With `ask`, each repair is asked about first, and only what is accepted is made. Raises
    ConfigError for settings or options that are wrong, FileError where a file that was asked for
    cannot be written, ChangeSetError where AWS does not tell what an update would do; what is wrong
    with an input is in the result.
    """
    alone = {"-": STDIN in request.paths, "--output": request.output, "--change-set": request.stack}
    for option, asked in alone.items():
        if asked and not request.is_one_file:
            raise ConfigError(f"{option} goes with exactly one template")
    examine_targets(request)
    if ask is not None:  # who is asked waits for no more than the one file
        request = request._replace(jobs=1)
    judge = _judge(request)
    work = _Work(request, guard, track, judge, Around(_reach(request)))
    try:
        if STDIN in request.paths:
            done = work.from_stdin()
        elif ask is not None:
            done = work.chosen_by(ask)
        else:
            done = Done(work.over())
    finally:
        work.around.forget()
        if judge is not None:
            judge.close()
    outcomes = [outcome for file in done.result.files for outcome in file.outcomes]
    known = {outcome.id for outcome in outcomes}
    known |= {outcome.refusal.repair for outcome in outcomes if outcome.refusal is not None}
    result = replace(
        done.result,
        validation=_validation(request, done.result, judge),
        unknown=tuple(sorted((request.options.only | request.options.skip) - known)),
    )
    if request.in_place:
        written = [Path(file.path) for file in result.files if file.old != file.new]
        unseen = tuple(map(str, untracked_files(written))) if written else ()
        result = replace(result, untracked=unseen)
    return with_asked(request, done._replace(result=result))


def _judge(request: Request) -> Judge | None:
    if not request.validate or request.check:
        return None
    from .validator import Validator as Judge
    from .validator import is_installed

    return Judge() if is_installed() else None


def _hand(request: Request, guard: Guard) -> Hand:
    """Return what works files out in a process of its own, as the run would."""
    from .ahead import Hand

    judge, around = _judge(request), Around(_reach(request))
    work = _Work(request, guard, untracked, judge, around)
    first = Path(request.paths[0])
    project = projects.load(first, request.options, request.config) if request.config else None
    return Hand(work.runners(project).of, around, judge)


def _reach(request: Request) -> list[Path]:
    """Return the files and folders of which anything may change: none, where only one text may."""
    if request.output or STDIN in request.paths:
        return []
    return [Path(name) for name in request.paths]


def _validation(request: Request, result: RunResult, judge: Judge | None) -> Validation | None:
    """Return what the validator did, as far as any text was to be judged."""
    changed = any(file.old != file.new for file in result.files)
    if request.check or not (changed or (judge is not None and judge.asked)):
        return None
    if judge is None:
        return Validation(Validator.MISSING if request.validate else Validator.OFF)
    state = Validator.BROKEN if judge.broken else Validator.ASKED
    return Validation(state, tuple(judge.unanswered))


@dataclass(eq=False, repr=False)
class _Work:
    """A request at work: its runners share what they read of the trees, and the judge."""

    request: Request
    guard: Guard
    track: Track
    judge: Judge | None
    around: Around
    asked_about: Mapping[str, str] = field(default_factory=dict)
    """The texts of files as a person saw them; empty where nobody was asked."""

    def over(self, chosen: Mapping[str, frozenset[str]] | None = None) -> RunResult:
        """Run over files, those of one settings file together; of `chosen`, only these repairs.

        A settings file that is wrong is the fault of its inputs alone; options are that of all.
        """
        groups, broken = self._projects()
        runs: list[RunResult] = []
        for project, paths in groups.items():
            named = project if self.request.config else None
            runners = self.runners(named, chosen)
            run = Run(
                self._runner(project.settings, project.source),
                runners.of,
                self.request.skip_others,
                self.track,
                self._helped,
            ).over(paths)
            handled = (Path(file.path) for file in run.files if file.status is not Status.ERROR)
            sources = runners.sources(handled, project)
            runs.append(replace(run, settings=tuple(sources)))
            if run.interrupted is not None:
                break
        check, dry = self.request.check, self.request.dry_run
        result = RunResult(
            tuple(file for run in runs for file in run.files) + tuple(broken),
            "check" if check else "fix --dry-run" if dry else "fix",
            scanned=sum(run.scanned for run in runs),
            skipped=sum(run.skipped for run in runs),
            settings=tuple(source for run in runs for source in run.settings),
            allowed=frozenset(each for run in runs for each in run.allowed),
        )
        if runs and runs[-1].interrupted is not None:
            before = sum(run.scanned for run in runs[:-1])
            result = replace(result, interrupted=before + runs[-1].interrupted)
        return result

    def _projects(self) -> tuple[dict[config.Project, list[Path]], list[FileResult]]:
        """Return the PATHs by their settings, and those whose settings are wrong."""
        registry.load(config.with_options(Settings(), self.request.options))
        groups: dict[config.Project, list[Path]] = {}
        broken: list[FileResult] = []
        for name in self.request.paths:
            try:
                project = projects.load(Path(name), self.request.options, self.request.config)
                groups.setdefault(project, []).append(Path(name))
            except ConfigError as error:
                if self.request.config is not None:
                    raise
                broken.append(FileResult(name, Status.ERROR, error=error.message))
        return groups, broken

    def runners(
        self, named: config.Project | None, chosen: Mapping[str, frozenset[str]] | None = None
    ) -> projects.Runners:
        """Return who handles files; `named` are the settings of all, where a file was named."""
        return projects.Runners(self._runner, self.request.options, named, chosen)

    def _helped(self, inputs: Sequence[Input]) -> AbstractContextManager[Ahead | None]:
        """Give those who work files out ahead, as many as are asked for and worth it."""
        if self.request.jobs == 1:
            return alone(inputs)
        from .ahead import helpers

        begin = partial(_hand, self.request, self.guard)
        return helpers(inputs, self.request.jobs, begin, self.judge)

    def chosen_by(self, ask: Ask) -> Done:
        """Ask about every repair of a dry run, then make those that are accepted."""
        dry = _Work(
            self.request._replace(dry_run=True), self.guard, self.track, self.judge, self.around
        )
        found = dry.over()
        if found.interrupted is not None:
            return Done(found)
        from .interactive import choose

        chosen = choose(found.files, dry.once, ask)
        self.asked_about = {file.path: file.old for file in found.files}
        return Done(self.over(chosen))

    def once(self, file: FileResult, only: frozenset[str]) -> FileResult:
        """Return what becomes of a file with these repairs alone; nothing is written."""
        path = Path(file.path)
        given = [Path(name) for name in self.request.paths]
        root = next((each for each in given if each != path and path.is_relative_to(each)), None)
        project = projects.load(root or path, self.request.options, self.request.config)
        named = project if self.request.config else None
        settings, source = self.runners(named).settings_of(path)
        entry = Input.of(path, named=root is None, root=root or path.parent)
        result = self._runner(settings._replace(only=only), source).handle(entry)
        return file if result is None else result

    def from_stdin(self) -> Done:
        """Handle the template that standard input holds."""
        project = config.load_project(Path.cwd(), self.request.options, self.request.config)
        settings, source = project.settings, project.source
        runner = self._runner(settings, source)
        raw = sys.stdin.buffer.read()
        result = self.guard(STDIN, lambda: runner.text(raw, STDIN))
        files = () if result is None else (replace(result, named=True, fresh=settings.new),)
        template = None
        if not self.request.check and not self.request.dry_run:
            template = raw if result is None or result.old == result.new else result.new.encode()
        run = RunResult(
            files,
            runner.command,
            scanned=1,
            settings=(source,) if source else (),
            allowed=settings.allow,
        )
        return Done(run, template)

    def _runner(self, settings: Settings, source: Source) -> Runner:
        request = self.request
        return Runner(
            projects.transforms(settings, source),
            registry.catalogue(),
            settings,
            check=request.check,
            write=request.in_place,
            fixes=not request.dry_run,
            in_place=request.dry_run and not request.output,
            guard=self.guard,
            around=self.around,
            asked_about=self.asked_about,
            judges=(self.judge.judge,) if self.judge is not None else (),
        )
