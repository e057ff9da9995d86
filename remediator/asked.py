"""Writes the files that a run was asked for besides the templates, and asks AWS where it is to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import config
from .document import Document
from .errors import ChangeSetError, FileError
from .model import Value
from .request import Done, Request
from .results import FileResult, RunResult, Status
from .template import Template

if TYPE_CHECKING:
    from .change_set import DeployedStack


def examine_targets(request: Request) -> None:
    """Raise FileError where a file that is asked for cannot or must not be written."""
    targets = {
        "--output": request.output,
        "--diff": request.diff,
        "--patch": request.patch,
        "--deploy-policy": request.policy,
        "--seed-script": request.seed_script,
        "--report": request.report,
    }
    asked = {name: file for name, file in targets.items() if file}
    if asked:
        from .targets import Target, examine

        examine([Target(name, file) for name, file in asked.items()], request.paths)


def with_asked(request: Request, done: Done) -> Done:
    """Write what was asked for; return the result with what became of it, in words.

    Raises FileError where a file cannot be written, ChangeSetError where AWS does not tell what an
    update would do.
    """
    if request.output and not request.dry_run and done.result.interrupted is None:
        _write_output(request.output, done)
        done = Done(replace(done.result, output=str(request.output)))
    done = _with_differences(request, done)
    if request.seed_script is not None:
        done = _with_seeds(request.seed_script, done)
    if request.policy is not None:
        done = _with_policy(request.policy, done)
    if request.stack is not None:
        done = _with_change_set(request.stack, done)
    if request.report is not None:
        from . import review

        _create(request.report, review.page(done.result, request.paths, _words(request)))
    return done


def _write_output(output: Path, done: Done) -> None:
    if not done.result.files:
        return
    (file,) = done.result.files
    if file.status is Status.ERROR:
        return
    content = done.template if done.template is not None else _content(file)
    from . import atomic  # few commands write anything else

    try:
        atomic.create(output, content)
    except FileError as error:
        raise FileError(f"{output}: {error.message}") from error


def _content(file: FileResult) -> bytes:
    return file.new.encode() if file.new else Path(file.path).read_bytes()


def _with_differences(request: Request, done: Done) -> Done:
    """Write the diff and the patch that were asked for, and say where they hold secrets."""
    if not (request.diff or request.patch):
        return done
    from .report.diff import is_masked, unified
    from .report.mask import mask_patch

    result = done.result
    unmasked = []
    if request.diff:
        private = any(is_masked(file) for file in result.files)
        _create(request.diff, unified(result, masked=False), private=private)
        unmasked += [str(request.diff)] if private else []
    if request.patch:
        private = any(mask_patch(file.patch, file.masked) != [*file.patch] for file in result.files)
        text = json.dumps(_patches(request, result), indent=2) + "\n"
        _create(request.patch, text, private=private)
        unmasked += [str(request.patch)] if private else []
    if not unmasked:
        return done
    told = f"{' and '.join(unmasked)} holds passwords in clear: only its owner may read it."
    return done._replace(result=replace(result, unmasked=told))


def _with_seeds(file: Path, done: Done) -> Done:
    """Write the script that makes the secrets which the templates read, and say what it is for."""
    from .report import seed

    _create(file, seed.script(done.result), mode=0o700)
    stacks = seed.usage(done.result)
    told = f"{file} has no secret to make."
    if stacks:
        told = f"Before the deployment: sh {file} {stacks}"
    return done._replace(result=replace(done.result, seed_script=told))


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
    return done._replace(result=replace(done.result, policy=told))


def _with_change_set(stack: DeployedStack, done: Done) -> Done:
    """Ask AWS what an update of a stack to the repaired template would do, if there is one."""
    from . import change_set
    from .report.mask import mask

    for file in done.result.files:
        if file.status is Status.ERROR or done.result.interrupted is not None:
            continue
        text = file.new.removeprefix("\ufeff")
        parameters = Template(Document.decode(text.encode(), file.path)).parameters
        try:
            client = change_set.connect(stack)
            found = change_set.propose(client, stack.name, text, parameters)
        except ChangeSetError as error:
            raise ChangeSetError(mask(error.message, file.masked)) from error
        done = done._replace(result=replace(done.result, change_set=found))
    return done


def _words(request: Request) -> list[str]:
    """Return the options that a command line needs to plan the same repairs in place."""
    options = config.as_words(request.options)
    options += ["--config", str(request.config)] if request.config else []
    options += [] if request.validate else ["--no-validate"]
    options += ["--skip-others"] if request.skip_others else []
    return options + (["--output", str(request.output)] if request.output else [])


def _create(file: Path, text: str, *, private: bool = False, mode: int | None = None) -> None:
    from . import atomic

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
