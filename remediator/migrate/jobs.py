"""What goes into the work on one repository and what comes out: frozen, and can be pickled.

A worker may be another process or another machine. So a `Job` holds all that the work depends on,
and a `Worked` all that it found out; nothing else passes between the two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .. import __version__
from ..config import Options

TIME_LIMIT = 600.0


class State(StrEnum):
    """What became of the work on a repository."""

    CHANGED = "changed"
    """There are commits to propose; perhaps they are on the remote already."""
    UNCHANGED = "unchanged"
    """Nothing is to be repaired, or nothing that may be: there is no branch."""
    TAKEN = "taken"
    """The branch exists and holds what this campaign did not commit: it is left alone."""
    EMPTY = "empty"
    """The repository has no commit."""
    FAILED = "failed"
    """`error` says why, `step` where, `retryable` whether a later try may end differently."""


class Step(StrEnum):
    """How far the work came: the last step that was done, or that at which it failed."""

    CLONED = "cloned"
    REPAIRED = "repaired"
    COMMITTED = "committed"


class Group(StrEnum):
    """The risk of a commit."""

    SAFE = "safe"
    """Nothing that runs changes."""
    PASSWORDS = "passwords"
    """A live credential changes, or more: each repair says what."""


@dataclass(frozen=True, slots=True)
class Job:
    """The work on one repository. The same job on the same base gives the same commits.

    `options` are those of `fix`, of which `allow` must be set; where they leave something open the
    repository's own settings stand, save `new`: a repository must not decide that for a campaign.
    A template whose path matches one of `new` and none of `live` is not deployed yet; what
    `options.new` says holds for those that match neither.
    """

    name: str
    """Its name within the campaign, unique: it names folders, too."""
    url: str
    """What git clones: a URL or an absolute path."""
    campaign: str
    """The campaign's name: it marks the commits, so that they are known again."""
    branch: str
    """The new branch, without `refs/heads/`; with `split`, that of the safe repairs."""
    author: str
    """`Name <address>` of author and committer."""
    date: str
    """Of author and committer, ISO 8601 with its offset: fixed for a campaign."""
    options: Options = field(default_factory=Options)
    base: str = ""
    """The branch to start from; empty: the default branch of the remote."""
    new: tuple[str, ...] = ()
    live: tuple[str, ...] = ()
    title: str = ""
    """Templates, `string.Template` of `messages.PLACEHOLDERS`; where empty, the built-in ones.

    `title` is the first line of a proposal, `message` a commit's message, `body` a proposal's.
    """
    message: str = ""
    body: str = ""
    split: bool = False
    """Whether password migrations get a branch of their own, on top of that of the safe repairs."""
    sign: bool | None = None
    """Whether commits are signed; None: as the user's own `commit.gpgsign` says."""
    push_url: str = ""
    """Where the branches go, and are looked for: a fork. Empty: `url`."""
    version: str = __version__
    """Of remediator, where the job was made: another one might make other commits."""
    validate: bool = True
    """Whether AWS's rules engine judges new texts, where it is installed."""
    time_limit: float = TIME_LIMIT
    """Seconds that all calls of git may take together."""

    def branch_of(self, group: Group) -> str:
        """Return the branch that the commits of a group go to."""
        return f"{self.branch}-{group}" if self.split and group is Group.PASSWORDS else self.branch


@dataclass(frozen=True, slots=True)
class Head:
    """A commit, in the order they follow each other; the last of a branch is its head.

    `expected` is the commit that the remote's branch had when it was looked at, empty where there
    was none: a push must find just that, or the commit itself.
    """

    branch: str
    commit: str
    tree: str
    group: Group
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """What is said of the change on a branch: one line, and Markdown without any secret."""

    branch: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Worked:
    """What came of a job. Only `patch` may hold literal secrets; `holds_secrets` says whether."""

    name: str
    state: State
    step: Step = Step.COMMITTED
    base: str = ""
    """The branch that the work starts from."""
    base_commit: str = ""
    heads: tuple[Head, ...] = ()
    bundle: bytes = b""
    """A git bundle of the new commits alone, with the base commit as its prerequisite."""
    patch: str = ""
    """What `git am` takes, one message per commit."""
    holds_secrets: bool = False
    result: str = ""
    """The JSON report of the run (`remediator fix --format json`), secrets masked."""
    stored: bytes = b""
    """The result that every report can be made of later: see `stored.py`."""
    descriptions: tuple[Description, ...] = ()
    """Of the branches, in their order: one, or with `split` two."""
    digest: str = ""
    """Of what changes: the same for the same change."""
    error: str = ""
    """One line for a person, without credentials."""
    retryable: bool = False


class Via(StrEnum):
    """How commits are proposed."""

    FILES = "files"
    PUSH = "push"
    GH = "gh"


@dataclass(frozen=True, slots=True)
class Target:
    """Where proposals go. `folder` is for `files`; the rest is for `push` and `gh`."""

    via: Via = Via.FILES
    folder: str = ""
    merge_request: bool = False
    """Ask GitLab for a merge request with the push."""
    draft: bool = False
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    time_limit: float = TIME_LIMIT


class Proposal(StrEnum):
    """What became of a proposal."""

    WRITTEN = "written"
    """The files are in their folder."""
    PUSHED = "pushed"
    """The branches are on the remote."""
    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Published:
    """What came of a proposal; `done_before`: it was found done, and nothing was changed."""

    state: Proposal
    places: tuple[str, ...] = ()
    """The folder, or the URLs of pull requests, without credentials."""
    done_before: bool = False
