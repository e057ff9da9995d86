"""The options of the command line that name a deployed stack and the way to it."""

from __future__ import annotations

from typing import Annotated

import typer

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
