"""What the command line asks for, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from . import config
from .results import RunResult
from .run import is_folder

if TYPE_CHECKING:
    from .change_set import DeployedStack

STDIN = "-"


class Request(NamedTuple):
    """What the command line asks for; `check` is that command, else it is `fix`.

    With a `stack`, which is asked what an update would do, it is a dry run. `skip_others`: what is
    no template is no error, even where it was named.
    """

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
    skip_others: bool = False
    stack: DeployedStack | None = None
    options: config.Options = config.Options()
    config: Path | None = None
    jobs: int = 1
    """The processes at work at the most; 0: as many as there are processors."""

    @property
    def in_place(self) -> bool:
        """Whether the inputs themselves are written."""
        return not (self.check or self.dry_run or self.output or STDIN in self.paths)

    @property
    def is_one_file(self) -> bool:
        """Whether the only input is a file or standard input."""
        return len(self.paths) == 1 and not is_folder(Path(self.paths[0]))


class Done(NamedTuple):
    """What came of a request. `template` is what belongs on standard output, if anything."""

    result: RunResult
    template: bytes | None = None
