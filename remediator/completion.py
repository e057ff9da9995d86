"""Completion in a shell: the script that asks for it, and what answers. Loaded for nothing else."""

from __future__ import annotations

import os

VARIABLE = "_REMEDIATOR_COMPLETE"
"""The variable of the environment by which a shell asks for completions."""
SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")


def script(shell: str) -> str:
    """Return what a shell has to evaluate; one of `SHELLS`."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    text: str = get_completion_script(prog_name="remediator", complete_var=VARIABLE, shell=shell)
    return text


def prepare() -> None:
    """Make typer answer the shell that asks, if one does: its own options, which would do so, take
    no shell but guess it."""
    if VARIABLE in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()
