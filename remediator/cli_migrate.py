"""The command `remediator migrate`: a part of the command line, which prints and picks exit codes.

Everything but typer is imported where it is used, as in cli.py.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, get_type_hints

import typer

from .output import has_colour, writable

if TYPE_CHECKING:
    from .migrate.campaign import Campaign
    from .migrate.driver import Publish
    from .migrate.entry import Entry
    from .migrate.executors import Workers
    from .migrate.opened import Opened
    from .migrate.progress import Watch

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

File = Annotated[
    Path, typer.Argument(metavar="[CAMPAIGN]", help="The campaign file.", show_default=True)
]
Names = Annotated[
    list[str] | None, typer.Argument(metavar="NAME...", help="Only these repositories.")
]
Processes = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Processes at work [default: one per processor]."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Work on the Dask cluster there (tcp://host:8786)."),
]
AtMost = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="So many proposals, then stop.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Colour = Annotated[
    bool | None, typer.Option("--color/--no-color", help="Colours [default: on a terminal].")
]
_DEFAULT = Path("campaign.toml")


@dataclass(frozen=True)
class How:
    """How a campaign is carried out: the options that plan, run and retry share."""

    processes: Processes = None
    scheduler: Scheduler = None
    at_most: AtMost = None
    quiet: Quiet = False
    color: Colour = None


def _takes_how(*, but: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return what puts an option for each field of How, `but` for one, in the place of `how`.

    Typer makes options of a command's parameters, and has no way to share some.
    """

    def taking(command: Callable[..., None]) -> Callable[..., None]:
        kinds = get_type_hints(How, include_extras=True)
        own = [
            each
            for each in signature(command, eval_str=True).parameters.values()
            if each.name != "how"
        ]
        shared = [
            Parameter(
                each.name,
                Parameter.KEYWORD_ONLY,
                default=each.default,
                annotation=kinds[each.name],
            )
            for each in fields(How)
            if each.name != but
        ]

        def called(**given: Any) -> None:
            how = How(**{each.name: given.pop(each.name) for each in shared})
            command(**given, how=how)

        called.__doc__ = command.__doc__
        called.__name__ = command.__name__
        called.__signature__ = Signature([*own, *shared])  # type: ignore[attr-defined]
        return called

    return taking


@app.callback()
def _group() -> None:
    """Repair many repositories: a campaign, stopped and resumed at will.

    Exit codes: 0 nothing went wrong; 1 a repository waits for a person; 2 the campaign could not
    be run.
    """


@app.command()
@_takes_how(but="at_most")
def plan(campaign: File = _DEFAULT, *, how: How) -> None:
    """Do the work everywhere, propose nothing: look at it first.

    Nothing is pushed. What is done is kept, and run goes on from there.
    """
    with _opened(campaign) as opened:
        _carry_out(opened, campaign, replace(how, at_most=0), proposing=False)


@app.command()
@_takes_how()
def run(campaign: File = _DEFAULT, *, how: How) -> None:
    """Repair and propose; go on where the last run stopped."""
    with _opened(campaign) as opened:
        _carry_out(opened, campaign, how)


@app.command()
@_takes_how()
def retry(campaign: File = _DEFAULT, names: Names = None, *, how: How) -> None:
    """Try again what went wrong, then go on as run does."""
    from .migrate.opened import chosen

    with _opened(campaign) as opened:
        again = chosen(opened.state.entries(), names or ())
        opened.state.retry(entry.name for entry in again)
        _carry_out(opened, campaign, how)


@app.command()
def status(
    campaign: File = _DEFAULT,
    names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="A line for every repository.")] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask the servers what was merged or closed.")
    ] = False,
    report_format: Annotated[
        str, typer.Option("--format", metavar="text|json", help="Form of the table.")
    ] = "text",
    color: Colour = None,
) -> None:
    """Show where the campaign stands, while it runs too."""
    from .migrate.campaign import load
    from .migrate.opened import chosen
    from .migrate.standings import as_json
    from .migrate.state import StateFile

    if report_format not in ("text", "json"):
        _fail(f"--format: {report_format!r} is none of text, json")
    if refresh:
        _refresh(campaign)
    with _failures():
        loaded = load(campaign)
        with StateFile(loaded.beside("state"), loaded.name) as state:
            entries = chosen(state.entries(), names or ())
        if report_format == "json":
            typer.echo(as_json(entries, loaded.name), nl=False)
        else:
            _show(loaded, campaign, entries, color, every=every or bool(names))
        raise typer.Exit(_exit_code(entries))


@app.command()
def report(
    campaign: File = _DEFAULT,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Folder for it [default: CAMPAIGN.report]."
        ),
    ] = None,
) -> None:
    """Write the review page, findings as CSV, groups for reviewers."""
    from .migrate.campaign import load
    from .migrate.reports import write
    from .migrate.state import StateFile

    with _failures():
        loaded = load(campaign)
        with StateFile(loaded.beside("state"), loaded.name) as state:
            for file in write(output or loaded.beside("report"), loaded, state):
                typer.echo(writable(str(file)))


# --- what they share --------------------------------------------------------------------------


def _carry_out(
    opened: Opened,
    file: Path,
    how: How,
    *,
    proposing: bool = True,
) -> NoReturn:
    """Run a campaign and show where it stands then; ends with the exit code."""
    from .errors import Interrupted
    from .interrupt import exit_code
    from .migrate.driver import Driver
    from .migrate.reports import write_groups

    campaign = opened.campaign
    publish = _publish() if proposing else None
    most = campaign.pace.at_most if how.at_most is None else how.at_most
    with _workers(campaign, how) as workers, _shown(how.quiet) as watch:
        driver = Driver(opened, workers, publish, watch, most)
        try:
            driver.run()
        except Interrupted:
            _tell(f"interrupted; `remediator migrate run {_quoted(file)}` goes on from here")
            raise typer.Exit(exit_code()) from None
    if proposing:
        write_groups(campaign, opened.state)
    entries = [entry for entry in opened.state.entries() if entry.listed]
    _show(campaign, file, entries, how.color)
    for told in driver.remarks():
        typer.echo(writable(told))
    raise typer.Exit(_exit_code(entries))


def _publish() -> Publish:
    from .migrate.publish import publish

    return publish


def _refresh(file: Path) -> None:
    from .migrate.publish import look
    from .migrate.refresh import refresh

    with _opened(file) as opened:
        for problem in refresh(opened, look):
            _tell(problem)


@contextmanager
def _opened(file: Path) -> Iterator[Opened]:
    from .migrate.campaign import load
    from .migrate.opened import opened

    with _failures(), opened(load(file)) as campaign:
        yield campaign


@contextmanager
def _failures() -> Iterator[None]:
    """End with code 2 where the campaign as a whole cannot be carried out."""
    import sqlite3

    from .errors import RemediatorError

    try:
        yield
    except RemediatorError as error:
        _fail(error.message)
    except sqlite3.Error as error:
        _fail(f"the state of the campaign cannot be read or written: {error}")
    except BrokenPipeError:  # who reads us has seen enough
        raise
    except OSError as error:
        _fail(f"{error.filename or 'the campaign'}: {error.strerror or error}")


@contextmanager
def _workers(campaign: Campaign, how: How) -> Iterator[Workers]:
    from .migrate.executors import Cluster, Processes
    from .migrate.work import work

    if how.scheduler is not None and how.processes is not None:
        _fail("--processes goes without --scheduler: the cluster has its own")
    number = how.processes or campaign.pace.processes or os.cpu_count() or 1
    workers = Cluster(how.scheduler, work) if how.scheduler else Processes(number, work)
    try:
        yield workers
    finally:
        workers.close()


@contextmanager
def _shown(quiet: bool) -> Iterator[Watch]:
    from .migrate.progress import bars, lines

    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from rich.console import Console

        with bars(Console(stderr=True)) as watch:
            yield watch
    else:
        with lines(_tell) as watch:
            yield watch


def _show(
    campaign: Campaign,
    file: Path,
    entries: Sequence[Entry],
    color: bool | None,
    *,
    every: bool = False,
) -> None:
    from .migrate.standings import text
    from .report.colours import painted

    colour = has_colour(color, to_stderr=False)
    shown = text(
        entries,
        painted if colour else lambda line, _: line,
        name=campaign.name,
        file=_quoted(file),
        every=every,
    )
    typer.echo(writable(shown), nl=False, color=colour)


def _exit_code(entries: Sequence[Entry]) -> int:
    from .migrate.standings import exit_code

    return exit_code(entries)


def _quoted(file: Path) -> str:
    return shlex.quote(str(file))


def _tell(message: str) -> None:
    from .report.screen import visible_line

    typer.echo(writable(f"remediator: {visible_line(message)}", to_stderr=True), err=True)


def _fail(message: str) -> NoReturn:
    _tell(message)
    raise typer.Exit(2)
