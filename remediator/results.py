"""What becomes of files and of a run: the values that reports show, all frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from .model import Consequence, Finding, Refusal, Remove, Settings, Span, Value

if TYPE_CHECKING:
    from .changes import ChangeSet

DECLINED = "declined"
"""The code of a repair that a person chose not to make."""


class Status(StrEnum):
    """The status of a file or of a finding in a result."""

    FIXED = "fixed"
    WOULD_FIX = "would-fix"
    REPAIRABLE = "repairable"
    """`check` does not prove: a fix was planned, not carried out."""
    CLEAN = "clean"
    LEFT = "left"
    SUPPRESSED = "suppressed"
    """Of a finding only: the template says that it is to stay."""
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finding with what became of it. `line` and `column` count from 1, in the old text where
    it was repaired, in the new text where it was left."""

    transform: str
    finding: Finding
    status: Status
    line: int
    column: int
    refusal: Refusal | None = None
    """Why it was left: the finding's own refusal, or what held its fix back. Of one that is
    suppressed, the reason that the template gives."""
    id: str = ""
    """The stable id of the repair, as `repair_id` gives it."""
    causes: tuple[str, ...] = ()
    """The ids of the repairs, in other files, that made this one necessary."""

    @property
    def is_declined(self) -> bool:
        """Whether a person's choice leaves it out, and nothing else."""
        return self.refusal is not None and self.refusal.code == DECLINED


@dataclass(frozen=True, slots=True)
class Permission:
    """IAM actions that a deployment needs, on the resources of these ARN patterns.

    `condition` is operator, key and value of the one condition that it is bound to, if any.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the deployment of a repaired template needs that the old one did not.

    `capabilities` are those of `--capabilities`; `notes` tell a person what else to mind.
    """

    permissions: tuple[Permission, ...] = ()
    capabilities: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileResult:
    """What became of one file. `old` and `new` are its whole text (equal where nothing changed)."""

    path: str
    status: Status
    outcomes: tuple[Outcome, ...] = ()
    patch: Sequence[Mapping[str, Value]] = ()
    """The JSON Patch from the old data to the new."""
    old: str = ""
    new: str = ""
    error: str = ""
    error_line: int | None = None
    error_column: int | None = None
    needs_before: tuple[str, ...] = ()
    """Parameters that have no default, before: a deployment must be given a value for each."""
    needs_after: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()
    """Parameters that a template around it passes, where it changes together with such."""
    undefined: tuple[str, ...] = ()
    """What its new text refers to and nothing defines; empty where a macro may define it."""
    deployment: Deployment = Deployment()
    """What its deployment needs because of the repairs."""
    differences: tuple[str, ...] = ()
    """The difference of the data in words, from the proof."""
    secrets: tuple[str, ...] = ()
    """Literal secrets of the template, whether a finding speaks of them or not."""
    hidden_old: tuple[Span, ...] = ()
    """The spans of the old text that hold a literal secret, in their order; none where nothing is
    found, so that no report shows the text."""
    hidden_new: tuple[Span, ...] = ()
    diff_path: str = ""
    """Its path from the root of its git work tree, or the current folder; `path` where empty."""
    named: bool = False
    """Whether it was named itself, not met in a folder."""
    is_template: bool = True
    """Else it is a file that gave a template its parameters, and changes along with it."""
    fresh: bool = False
    """Whether its stack is said to be not deployed yet (`new`): no consequence applies."""

    @cached_property
    def masked(self) -> tuple[str, ...]:
        """Literal secrets of this file that no report may show, longest first."""
        values = {value for outcome in self.outcomes for value in outcome.finding.masked}
        values.update(self.secrets)
        return tuple(sorted(values, key=lambda value: (-len(value), value)))

    @property
    def holds_secrets(self) -> bool:
        """Whether its text holds anything that no report may show, by its value or by its place."""
        return bool(self.masked or self.hidden_old or self.hidden_new)


class Validator(StrEnum):
    """Whether AWS's own rules engine judged the new texts."""

    ASKED = "asked"
    OFF = "off"
    MISSING = "missing"
    """The extra `validate` is not installed."""
    BROKEN = "broken"
    """It is installed and does not start."""


@dataclass(frozen=True, slots=True)
class Validation:
    """What the validator did; `unanswered` are the files on which it gave no answer in time."""

    validator: Validator
    unanswered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunResult:
    """What became of all files of a run."""

    files: tuple[FileResult, ...]
    command: str
    """`fix`, `fix --dry-run` or `check`."""
    scanned: int = 0
    """Files looked at, templates or not."""
    skipped: int = 0
    """Files that are no templates."""
    settings: tuple[tuple[str, str], ...] = ()
    """Settings files that change what is done, each with what it sets."""
    allowed: frozenset[Consequence] = Settings().allow
    """The consequences that were allowed."""
    output: str = ""
    """Where the one template was written in place of its own file."""
    policy: str = ""
    """What became of the IAM policy that was asked for, in words; empty where none was."""
    seed_script: str = ""
    """What became of the script that was asked for, in the same way."""
    unmasked: str = ""
    """Which files that were asked for hold literal secrets, in words; empty where none does."""
    change_set: ChangeSet | None = None
    """What an update of a stack to the one template would do, where that was asked."""
    untracked: tuple[str, ...] = ()
    """Files that were written and that `git diff` does not show."""
    unknown: tuple[str, ...] = ()
    """Ids that were given to choose repairs, and that none has."""
    validation: Validation | None = None
    """What the validator did; None where there was nothing to judge."""
    interrupted: int | None = None
    """How many files were handled when the user stopped the run; None where it ended."""


def removed(result: FileResult) -> dict[str, Outcome]:
    """Return the parameters that the repairs of a template take away, each with its repair."""
    repaired = (Status.FIXED, Status.WOULD_FIX, Status.REPAIRABLE)
    return {
        str(operation.path[1]): outcome
        for outcome in result.outcomes
        if outcome.status in repaired and outcome.finding.fix is not None
        for operation in outcome.finding.fix.operations
        if isinstance(operation, Remove)
        and len(operation.path) == 2
        and operation.path[0] == "Parameters"
    }
