"""A group of commands of typer that makes each where it is asked for.

Typer makes all of them at every start, and evaluates the signature of each twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup
from typer.main import get_command


class LateCommands(TyperGroup):
    """The commands of a table: the name of each, and what returns the typer app of it alone."""

    table: ClassVar[Mapping[str, Callable[[], typer.Typer]]]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; where there is none of that name, None, with all for a suggestion."""
        for name in (cmd_name,) if cmd_name in self.table else self.table:
            if name not in self.commands:
                self.add_command(get_command(self.table[name]()), name)
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, in the order of the table."""
        return list(self.table)


def alone(command: Callable[..., None]) -> typer.Typer:
    """Return an app of one command, which takes the place of that command in a group."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(command)
    return app
