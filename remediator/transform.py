"""What a transform is. A module of `transforms/` needs to import nothing else but its template."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from .model import Context, Finding
from .template import Template

Trigger: TypeAlias = str | re.Pattern[str] | Callable[[str], bool]
"""What is looked for in a raw text."""


class Transform(NamedTuple):
    """One thing that remediator repairs.

    `check` looks at a template and yields what it finds; it is pure: it reads nothing else and
    changes nothing. `triggers` are literal strings, patterns, or functions of a text: where none of
    them is found in a raw text or says yes (and, with `reads_catalogue`, no type of the catalogue
    with one of its properties is there either), the transform has nothing to find and the file need
    not be parsed. The module's docstring is the transform's documentation.
    """

    id: str
    title: str
    check: Callable[[Template, Context], Iterable[Finding]]
    triggers: tuple[Trigger, ...] = ()
    reads_catalogue: bool = False

    @property
    def documentation(self) -> str:
        """The docstring of the module that holds `check`."""
        return (sys.modules[self.check.__module__].__doc__ or "").strip()
