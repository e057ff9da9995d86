"""The command line: the only place that prints, catches broadly and picks exit codes.

Everything but typer is imported where it is used: `--version` and `--help` pay for nothing else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, NoReturn

import typer

from . import __version__, completion, options
from .commands import LateCommands, alone
from .output import has_colour, rendered, writable
from .report.formats import FORMATS

if TYPE_CHECKING:
    from .discover import Input
    from .interactive import Ask
    from .request import Request
    from .results import RunResult


class _Commands(LateCommands):
    table: ClassVar = {
        "fix": lambda: alone(fix),
        "check": lambda: alone(check),
        "explain": lambda: alone(explain),
        "lsp": lambda: alone(language_server),
        "migrate": lambda: _migrate(),
    }


app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_MANY = 50
_ANSWERS = """\
y  make this repair
n  leave it
a  make this one and all that follow
q  leave this one and all that follow; what was accepted is made
d  details: what was found, what is to be done by hand, what the transform does
"""


def main() -> None:
    """Run the command line; exits with 0, 1 or 2 as the README says."""
    completion.prepare()
    app(prog_name="remediator")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"remediator {__version__}")
        raise typer.Exit


def _print_completion(shell: str | None) -> None:
    if shell is not None:
        if shell not in completion.SHELLS:
            _fail(f"--show-completion: {shell!r} is none of {', '.join(completion.SHELLS)}")
        typer.echo(completion.script(shell))
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
    show_completion: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(completion.SHELLS),
            callback=_print_completion,
            is_eager=True,
            help="Print the script for it.",
        ),
    ] = None,
) -> None:
    """Repairs AWS CloudFormation templates and proves each repair.

    Exit codes: 0 clean, or all repaired; 1 something is left for a person (check: anything
    found); 2 an input could not be handled.
    """


def fix(
    paths: options.Paths = None,
    dry_run: options.DryRun = False,
    output: options.Output = None,
    diff: options.Diff = None,
    patch: options.Patch = None,
    deploy_policy: options.DeployPolicy = None,
    seed_script: options.SeedScript = None,
    report: options.Report = None,
    only: options.Only = None,
    skip: options.Skip = None,
    change_set: options.ChangeSet = None,
    region: options.Region = None,
    profile: options.Profile = None,
    endpoint_url: options.EndpointUrl = None,
    select: options.Select = None,
    ignore: options.Ignore = None,
    allow: options.Allow = None,
    new: options.New = None,
    strategy: options.Strategy = None,
    rotation: options.Rotation = None,
    manual_secrets: options.ManualSecrets = None,
    report_format: options.Format = "text",
    skip_others: options.SkipOthers = False,
    config: options.Config = None,
    plugin: options.Plugin = None,
    jobs: options.Jobs = "1",
    no_validate: options.NoValidate = False,
    exit_code: options.ExitCode = False,
    interactive: options.Interactive = False,
    quiet: options.Quiet = False,
    color: options.Colour = None,
) -> None:
    """Repair templates in place; print the diff and a summary.

    Literal secrets are masked on the screen; only the template and a --diff or --patch file hold
    them. With - the template goes to standard output, all else to standard error.
    """
    from .change_set import DeployedStack
    from .request import Request

    _examine_choice(("--only", only), ("--select", select))
    chosen = options.chosen(select, ignore, allow, new, strategy, rotation, manual_secrets, plugin)
    if change_set is None and (region or profile or endpoint_url):
        _fail("--region, --profile and --endpoint-url go with --change-set")
    if change_set == "":
        _fail("--change-set takes the name of a stack")
    dry_run = dry_run or change_set is not None
    stack = DeployedStack(change_set, region, profile, endpoint_url) if change_set else None
    request = Request(
        paths=tuple(paths or ["."]),
        dry_run=dry_run,
        output=output,
        diff=diff,
        patch=patch,
        policy=deploy_policy,
        seed_script=seed_script,
        report=report,
        validate=not no_validate,
        stack=stack,
        skip_others=skip_others,
        options=chosen._replace(
            only=options.names(only) or frozenset(), skip=options.names(skip) or frozenset()
        ),
        config=config,
        jobs=_jobs(jobs),
    )
    if exit_code and not dry_run:
        _fail("--exit-code goes with --dry-run")
    if interactive and ("-" in request.paths or report_format != "text"):
        _fail("--interactive asks on the terminal: it goes neither with - nor with --format")
    ask = _asker(color, new=bool(new)) if interactive else None
    result = _run(request, report_format, quiet=quiet or interactive, color=color, ask=ask)
    code = _exit_code(result)
    if exit_code and code == 0 and any(file.old != file.new for file in result.files):
        code = 1
    raise typer.Exit(code)


def check(
    paths: options.Paths = None,
    select: options.Select = None,
    ignore: options.Ignore = None,
    allow: options.Allow = None,
    new: options.New = None,
    strategy: options.Strategy = None,
    rotation: options.Rotation = None,
    manual_secrets: options.ManualSecrets = None,
    report_format: options.Format = "text",
    skip_others: options.SkipOthers = False,
    config: options.Config = None,
    plugin: options.Plugin = None,
    jobs: options.Jobs = "1",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="As for fix; check prints no diff anyway.")
    ] = False,
    color: options.Colour = None,
) -> None:
    """Report what fix would look at; write nothing. For CI and editors."""
    from .request import Request

    _examine_choice(("--select", select))
    request = Request(
        paths=tuple(paths or ["."]),
        check=True,
        skip_others=skip_others,
        options=options.chosen(
            select, ignore, allow, new, strategy, rotation, manual_secrets, plugin
        ),
        config=config,
        jobs=_jobs(jobs),
    )
    result = _run(request, report_format, quiet=True, color=color)
    raise typer.Exit(_exit_code(result))


def explain(
    transform: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="A transform, the code of what is left; settings or campaign: the schema.",
        ),
    ] = None,
) -> None:
    """List the transforms; explain one, a code or a settings file."""
    from textwrap import indent

    from .config import schema
    from .registry import builtin_transforms
    from .report.refusals import EXAMPLES, REFUSALS
    from .report.summary import wrapped

    known = {each.id: each for each in builtin_transforms()}
    if transform is None:
        width = max(map(len, known), default=0)
        for each in known.values():
            typer.echo(f"{each.id:{width}}  {each.title}")
    elif transform in known:
        typer.echo(known[transform].documentation)
    elif transform in REFUSALS:
        typer.echo(wrapped(f"{transform}: {REFUSALS[transform]}", "  "))
        if transform in EXAMPLES:
            typer.echo("\n" + indent(EXAMPLES[transform], "  "), nl=False)
    elif transform == "settings":
        typer.echo(schema(), nl=False)
    elif transform == "campaign":
        from .migrate import campaign

        typer.echo(campaign.schema(), nl=False)
    else:
        names = ", ".join(known)
        _fail(f"neither a transform nor a code: {transform!r}; the transforms are {names}")


def language_server(
    no_validate: Annotated[
        bool, typer.Option("--no-validate", help="Do not ask AWS's rules engine about repairs.")
    ] = False,
    stdio: Annotated[
        bool, typer.Option("--stdio", help="Some editors add it; there is no other way.")
    ] = False,
) -> None:
    """Serve an editor with findings and quick fixes (docs/editors.md)."""
    from importlib.util import find_spec

    if find_spec("pygls") is None:
        _fail("the language server needs the extra lsp: pipx install 'remediator[lsp,validate]'")
    from .lsp import run

    raise typer.Exit(run(validate=not no_validate))


def _migrate() -> typer.Typer:
    from . import cli_migrate

    return cli_migrate.app


def _examine_choice(*given: tuple[str, list[str] | None]) -> None:
    """End where a choice names nothing: it would be taken for that of everything."""
    for option, values in given:
        if options.is_empty(values):
            _fail(f"{option} names nothing; without {option} everything is chosen")


def _jobs(wanted: str) -> int:
    number = options.number_of(wanted)
    if number is None:
        _fail(f"--jobs: {wanted!r} is neither a number nor auto")
    return number


def _asker(color: bool | None, *, new: bool) -> Ask:
    """Return what shows a repair and takes a person's answer."""
    from .interactive import Answer, Question
    from .registry import builtin_transforms
    from .report import text

    colour = has_colour(color, to_stderr=False)
    documentation = {each.id: each.documentation for each in builtin_transforms()}

    def ask(question: Question) -> Answer:
        outcome, alone = question.outcome, question.alone
        shown = text.question(alone, outcome, question.along, colour=colour, new=new)
        typer.echo(writable(shown), color=colour)
        prompt = f"({question.number}/{question.total}) Repair this? [y,n,a,q,d,?]"
        while True:
            try:
                answer = typer.prompt(prompt, type=str).strip().lower()
            except typer.Abort:  # the end of the input
                return Answer.QUIT
            if answer in set(Answer):
                typer.echo()
                return Answer(answer)
            if answer == "d":
                about = documentation.get(outcome.transform, "")
                typer.echo(writable(text.details(alone, outcome, about)))
            else:
                typer.echo(_ANSWERS)

    return ask


def _run(
    request: Request,
    report_format: str,
    *,
    quiet: bool,
    color: bool | None,
    ask: Ask | None = None,
) -> RunResult:
    """Carry out a request and print its report; what is no file's fault ends here with code 2."""
    from .errors import RemediatorError
    from .guard import guarded
    from .session import carry_out

    if report_format not in FORMATS:
        _fail(f"--format: {report_format!r} is none of {', '.join(FORMATS)}")
    try:
        done = carry_out(request, guard=guarded, track=_track, ask=ask)
    except RemediatorError as error:
        _fail(error.message)
    to_stderr = done.template is not None
    try:
        if done.template is not None:
            sys.stdout.buffer.write(done.template)
            sys.stdout.flush()
        colour = has_colour(color, to_stderr)
        text = rendered(done.result, request, report_format, diff=not quiet, colour=colour)
        typer.echo(writable(text, to_stderr), nl=False, err=to_stderr, color=colour)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads us has seen enough; the exit code still counts. Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if done.result.interrupted is not None:
        _stop_interrupted(done.result, in_place=request.in_place)
    return done.result


def _stop_interrupted(result: RunResult, *, in_place: bool) -> NoReturn:
    from .interrupt import exit_code

    those = "those are repaired" if in_place else "those are in the report"
    if not result.interrupted:
        those = "nothing is changed"
    message = f"interrupted after {result.interrupted} of {result.scanned} files; {those}"
    typer.echo(f"remediator: {message}", err=True)
    raise typer.Exit(exit_code())


def _exit_code(result: RunResult) -> int:
    from .results import Status

    if result.unknown or any(file.status is Status.ERROR for file in result.files):
        return 2
    found = (Status.LEFT,) if result.command != "check" else (Status.LEFT, Status.REPAIRABLE)
    outcomes = [outcome for file in result.files for outcome in file.outcomes]
    return int(any(each.status in found and not each.is_declined for each in outcomes))


def _track(inputs: Sequence[Input]) -> Iterable[Input]:
    """Yield the inputs; on a terminal and where they are many, with a progress bar."""
    if len(inputs) <= _MANY or not sys.stderr.isatty():
        return inputs
    from rich.console import Console
    from rich.progress import track

    return track(inputs, "Reading", console=Console(stderr=True), transient=True)


def _fail(message: str) -> NoReturn:
    from .report.screen import visible_line

    typer.echo(writable(f"remediator: {visible_line(message)}", to_stderr=True), err=True)
    raise typer.Exit(2)
