"""Carries out a command: settings and transforms for its inputs, a run, what else was asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from . import atomic, config, registry, review
from .errors import ConfigError, FileError
from .model import FileResult, RunResult, Settings, Status, Validation, Validator, Value
from .runner import Guard, Runner, Track, is_folder, unguarded, untracked
from .targets import Target, examine
from .transform import Transform
from .validator import Validator as Judge
from .validator import is_installed
from .work_tree import untracked as untracked_files

STDIN = "-"
Source: TypeAlias = tuple[str, str] | None
"""The settings file that changes what is done, and what it sets."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for; `check` is that command, else it is `fix`."""

    paths: tuple[str, ...]
    check: bool = False
    dry_run: bool = False
    output: Path | None = None
    diff: Path | None = None
    patch: Path | None = None
    policy: Path | None = None
    seed_script: Path | None = None
    report: Path | None = None
    validate: bool = True
    options: config.Options = field(default_factory=config.Options)
    config: Path | None = None

    @property
    def in_place(self) -> bool:
        """Whether the inputs themselves are written."""
        return not (self.check or self.dry_run or self.output or STDIN in self.paths)

    @property
    def is_one_file(self) -> bool:
        """Whether the only input is a file or standard input."""
        return len(self.paths) == 1 and not is_folder(Path(self.paths[0]))


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a request. `template` is what belongs on standard output, if anything."""

    result: RunResult
    template: bytes | None = None


def carry_out(request: Request, *, guard: Guard = unguarded, track: Track = untracked) -> Done:
    """Run a request and write the files that it asks for.

    Raises ConfigError for settings or options that are wrong, FileError where a file that was
    asked for cannot be written; what is wrong with an input is in the result.
    """
    if (STDIN in request.paths or request.output) and not request.is_one_file:
        option = "-" if STDIN in request.paths else "--output"
        raise ConfigError(f"{option} goes with exactly one template")
    targets = {
        "--output": request.output,
        "--diff": request.diff,
        "--patch": request.patch,
        "--deploy-policy": request.policy,
        "--seed-script": request.seed_script,
        "--report": request.report,
    }
    examine([Target(name, file) for name, file in targets.items() if file], request.paths)
    judge = Judge() if request.validate and not request.check and is_installed() else None
    try:
        if STDIN in request.paths:
            done = _from_stdin(request, guard, judge)
        else:
            done = _over(request, guard, track, judge)
    finally:
        if judge is not None:
            judge.close()
    known = {outcome.id for file in done.result.files for outcome in file.outcomes}
    result = replace(
        done.result,
        validation=_validation(request, done.result, judge),
        unknown=tuple(sorted((request.options.only | request.options.skip) - known)),
    )
    done = replace(done, result=result)
    if request.output and not request.dry_run and done.result.interrupted is None:
        _write_output(request.output, done)
        done = Done(replace(done.result, output=str(request.output)))
    if request.in_place:
        written = [Path(file.path) for file in done.result.files if file.old != file.new]
        unseen = tuple(map(str, untracked_files(written))) if written else ()
        done = replace(done, result=replace(done.result, untracked=unseen))
    _write_asked(request, done.result)
    if request.seed_script is not None:
        done = _with_seeds(request.seed_script, done)
    if request.policy is not None:
        done = _with_policy(request.policy, done)
    if request.report is not None:
        _create(request.report, review.page(done.result, request.paths, _words(request)))
    return done


def _validation(request: Request, result: RunResult, judge: Judge | None) -> Validation | None:
    """Return what the validator did, as far as any text was to be judged."""
    changed = any(file.old != file.new for file in result.files)
    if request.check or not (changed or (judge is not None and judge.asked)):
        return None
    if judge is None:
        return Validation(Validator.MISSING if request.validate else Validator.OFF)
    state = Validator.BROKEN if judge.broken else Validator.ASKED
    return Validation(state, tuple(judge.unanswered))


def _over(request: Request, guard: Guard, track: Track, judge: Judge | None) -> Done:
    """Run over files, those of one settings file together.

    A settings file that is wrong is the fault of its inputs alone; options are that of all.
    """
    registry.load(config.with_options(Settings(), request.options))
    groups: dict[config.Project, list[Path]] = {}
    broken: list[FileResult] = []
    for name in request.paths:
        path = Path(name)
        try:
            project = config.load_project(path, request.options, request.config)
            for settings in project.variants:
                _load(settings, project.source)
        except ConfigError as error:
            if request.config is not None:
                raise
            broken.append(FileResult(name, Status.ERROR, error=error.message))
        else:
            groups.setdefault(project, []).append(path)
    runs: list[RunResult] = []
    for project, paths in groups.items():
        runner = _runner(request, project.settings, project.source, guard, judge)
        runner.track = track
        if project.rules:
            runner.runner_of = _by_path(request, project, guard, judge)
        run = runner.run(paths)
        runs.append(replace(run, settings=(project.source,) if project.source else ()))
        if run.interrupted is not None:
            break
    command = "check" if request.check else "fix --dry-run" if request.dry_run else "fix"
    result = RunResult(
        tuple(file for run in runs for file in run.files) + tuple(broken),
        command,
        scanned=sum(run.scanned for run in runs),
        skipped=sum(run.skipped for run in runs),
        settings=tuple(source for run in runs for source in run.settings),
        allowed=frozenset(each for run in runs for each in run.allowed),
    )
    if runs and runs[-1].interrupted is not None:
        before = sum(run.scanned for run in runs[:-1])
        result = replace(result, interrupted=before + runs[-1].interrupted)
    return Done(result)


def _load(settings: Settings, source: Source) -> tuple[Transform, ...]:
    try:
        return registry.load(settings)
    except ConfigError as error:
        raise ConfigError(f"{source[0]}: {error.message}" if source else error.message) from error


def _from_stdin(request: Request, guard: Guard, judge: Judge | None) -> Done:
    project = config.load_project(Path.cwd(), request.options, request.config)
    settings, source = project.settings, project.source
    runner = _runner(request, settings, source, guard, judge)
    raw = sys.stdin.buffer.read()
    result = guard(STDIN, lambda: runner.text(raw, STDIN))
    files = () if result is None else (replace(result, named=True, fresh=settings.new),)
    template = None
    if not request.check and not request.dry_run:
        template = raw if result is None or result.old == result.new else result.new.encode()
    run = RunResult(
        files,
        runner.command,
        scanned=1,
        settings=(source,) if source else (),
        allowed=settings.allow,
    )
    return Done(run, template)


def _by_path(
    request: Request, project: config.Project, guard: Guard, judge: Judge | None
) -> Callable[[Path], Runner]:
    """Return what finds the runner of a file; one for all files with the same settings."""
    runners: dict[Settings, Runner] = {}

    def runner_of(file: Path) -> Runner:
        settings = project.of(file)
        if settings not in runners:
            runners[settings] = _runner(request, settings, project.source, guard, judge)
        return runners[settings]

    return runner_of


def _runner(
    request: Request, settings: Settings, source: Source, guard: Guard, judge: Judge | None
) -> Runner:
    write = request.in_place
    return Runner(
        _load(settings, source),
        registry.catalogue(),
        settings,
        check=request.check,
        write=write,
        fixes=not request.dry_run,
        in_place=request.dry_run and not request.output,
        guard=guard,
        judges=(judge.judge,) if judge is not None else (),
    )


def _write_output(output: Path, done: Done) -> None:
    if not done.result.files:
        return
    (file,) = done.result.files
    if file.status is Status.ERROR:
        return
    content = done.template if done.template is not None else _content(file)
    try:
        atomic.create(output, content)
    except FileError as error:
        raise FileError(f"{output}: {error.message}") from error


def _content(file: FileResult) -> bytes:
    return file.new.encode() if file.new else Path(file.path).read_bytes()


def _write_asked(request: Request, result: RunResult) -> None:
    private = any(file.masked for file in result.files)
    asked: list[tuple[Path, str]] = []
    if request.diff:
        from .report.diff import unified

        asked.append((request.diff, unified(result, masked=False)))
    if request.patch:
        asked.append((request.patch, json.dumps(_patches(request, result), indent=2) + "\n"))
    for file, text in asked:
        _create(file, text, private=private)


def _with_seeds(file: Path, done: Done) -> Done:
    """Write the script that makes the secrets which the templates read, and say what it is for."""
    from .report import seed

    _create(file, seed.script(done.result), mode=0o700)
    stacks = seed.usage(done.result)
    told = f"Before the deployment: {file} {stacks}" if stacks else f"{file} has no secret to make."
    return replace(done, result=replace(done.result, seed_script=told))


def _with_policy(file: Path, done: Done) -> Done:
    """Write the IAM policy that a deployment needs, and say what became of it."""
    from .report import policy

    text = policy.render(done.result)
    if not text:
        # A policy without statements is none, and that of an earlier run may still be needed.
        told = f"The repairs need no IAM action: {file} is not written."
    else:
        _create(file, text)
        told = f"{file} is the IAM policy of the deployment."
        if policy.is_too_long(text):
            told += f" It is too long for one managed policy ({policy.MOST_CHARACTERS} characters)."
    return replace(done, result=replace(done.result, policy=told))


def _words(request: Request) -> list[str]:
    """Return the options that a command line needs to plan the same repairs in place."""
    options = config.as_words(request.options)
    options += ["--config", str(request.config)] if request.config else []
    options += [] if request.validate else ["--no-validate"]
    return options + (["--output", str(request.output)] if request.output else [])


def _create(file: Path, text: str, *, private: bool = False, mode: int | None = None) -> None:
    try:
        atomic.create(file, text.encode(), private=private, mode=mode)
    except FileError as error:
        raise FileError(f"{file}: {error.message}") from error


def _patches(
    request: Request, result: RunResult
) -> Sequence[Mapping[str, Value]] | dict[str, Sequence[Mapping[str, Value]]]:
    """Return the patch of the one file that was named, else those of all that change."""
    if request.is_one_file:
        return [operation for file in result.files for operation in file.patch]
    return {file.path: list(file.patch) for file in result.files if file.patch}
