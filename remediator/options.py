"""The options of the command line: what each is called, takes and says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .report.formats import FORMATS

if TYPE_CHECKING:
    from .config import Options

# --- of every command -------------------------------------------------------------------------

Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH...", help="Templates, or folders of them; - is standard input."),
]
Select = Annotated[
    list[str] | None, typer.Option(help="Only these transforms (comma list, repeatable).")
]
Ignore = Annotated[list[str] | None, typer.Option(help="All but these transforms.")]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        help="Consequences that a repair may have [default: safe,rotates,external].",
    ),
]
New = Annotated[
    bool | None, typer.Option("--new", help="Nothing is deployed yet: allow every repair.")
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="|".join(FORMATS),
        autocompletion=lambda: list(FORMATS),
        help="Form of the report.",
    ),
]
SkipOthers = Annotated[
    bool,
    typer.Option(
        "--skip-others", help="Pass over a PATH that is no template, or a folder without any."
    ),
]
Config = Annotated[
    Path | None, typer.Option(help="Settings file [default: the nearest remediator.toml].")
]
Plugin = Annotated[list[str] | None, typer.Option(help="Installed plugin to load transforms from.")]
ManualSecrets = Annotated[
    str | None, typer.Option(metavar="in-place|replace", help="How hand-made secrets are repaired.")
]
Strategy = Annotated[
    str | None,
    typer.Option(
        metavar="generated|reference|managed",
        help="Where a password comes from [default: generated].",
    ),
]
Rotation = Annotated[
    str | None, typer.Option(metavar="DAYS", help="Rotate new secrets, such as every 30d.")
]
Colour = Annotated[
    bool | None, typer.Option("--color/--no-color", help="Colours [default: on a terminal].")
]

Jobs = Annotated[
    str,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N|auto",
        help="Processes at work at the most; auto: one per processor.",
    ),
]

# --- of fix -----------------------------------------------------------------------------------

Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write the one patched template there instead."),
]
Diff = Annotated[Path | None, typer.Option(help="Write the unified diff there, for git apply.")]
Patch = Annotated[
    Path | None,
    typer.Option(help="Write the JSON Patch there; of several files {path: patch}."),
]
DeployPolicy = Annotated[
    Path | None,
    typer.Option(help="Write the IAM policy there that deploying the repairs needs."),
]
SeedScript = Annotated[
    Path | None,
    typer.Option(
        help="Write a shell script there that creates the secrets of --strategy reference."
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(metavar="FILE.html", help="Write the page there on which to review."),
]
Only = Annotated[
    list[str] | None,
    typer.Option(metavar="ID", help="Only the repairs with these ids (comma list)."),
]
Skip = Annotated[
    list[str] | None, typer.Option(metavar="ID", help="All repairs but those with these ids.")
]
NoValidate = Annotated[
    bool, typer.Option("--no-validate", help="Do not ask AWS's rules engine about new texts.")
]
ExitCode = Annotated[
    bool, typer.Option("--exit-code", help="With --dry-run: 1 if anything would change.")
]
Interactive = Annotated[bool, typer.Option("--interactive", "-i", help="Ask about each repair.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Write no template.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no diff.")]

# --- the deployed stack to ask about, and the way to it ----------------------------------------

ChangeSet = Annotated[
    str | None,
    typer.Option(
        metavar="STACK",
        help="Ask AWS what an update of this stack would do; a dry run, nothing is executed.",
    ),
]
Region = Annotated[str | None, typer.Option(help="AWS region of the stack.")]
Profile = Annotated[str | None, typer.Option(help="AWS profile to ask with.")]
EndpointUrl = Annotated[str | None, typer.Option(metavar="URL", help="Ask there instead of AWS.")]

# --- what they say ------------------------------------------------------------------------------


def chosen(
    select: list[str] | None,
    ignore: list[str] | None,
    allow: list[str] | None,
    new: bool | None,
    strategy: str | None,
    rotation: str | None,
    manual_secrets: str | None,
    plugin: list[str] | None,
) -> Options:
    """Return what these options say about the settings."""
    from .config import Options

    return Options(
        select=names(select),
        ignore=names(ignore),
        allow=names(allow),
        new=new,
        strategy=strategy,
        rotation=rotation,
        manual_secrets=manual_secrets,
        plugins=tuple(plugin or ()),
    )


def number_of(jobs: str) -> int | None:
    """Return how many processes are asked for, 0: one per processor; None if it is no number."""
    if jobs == "auto":
        return 0
    return int(jobs) if jobs.isascii() and jobs.isdecimal() else None


def names(values: Sequence[str] | None) -> frozenset[str] | None:
    """Return the names in comma lists; None where there are none."""
    if not values:
        return None
    return frozenset(name.strip() for value in values for name in value.split(",") if name.strip())


def is_empty(values: Sequence[str] | None) -> bool:
    """Whether an option was given and names nothing, as an empty variable of a script does."""
    return bool(values) and not names(values)
