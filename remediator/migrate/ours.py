"""Which commits of a branch a campaign made itself: it goes on with a branch of those alone.

Three things tell such a commit. Its message names, in trailers, the campaign and the commit that
the work started from. Author and committer are the same, at the same time: whoever amends, rebases
or picks a commit becomes its committer, at that time. And it has one parent, another such commit or
the one that the work started from. A branch with any other commit on top is somebody else's, too,
and is left alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .git import Git

CAMPAIGN = "Remediator-Campaign"
BASE = "Remediator-Base"
_FORMAT = "%H%n%P%n%T%n%an <%ae> %ad%n%cn <%ce> %cd%n%B%x00"


@dataclass(frozen=True, slots=True)
class Ours:
    """A branch of a campaign: the commit that the work started from, its head and tree."""

    base: str
    head: str
    tree: str


@dataclass(frozen=True, slots=True)
class _Commit:
    id: str
    parents: tuple[str, ...]
    tree: str
    author: str
    committer: str
    message: str

    def trailer(self, name: str) -> str:
        """Return the value of a trailer, which stands in the last paragraph."""
        last = self.message.rstrip().rpartition("\n\n")[2]
        found = re.search(rf"^{name}: (.*)$", last, re.MULTILINE)
        return found[1].strip() if found else ""


def trailers(campaign: str, base: str) -> str:
    """Return the last lines of a commit's message."""
    return f"{CAMPAIGN}: {campaign}\n{BASE}: {base}\n"


def examine(git: Git, ref: str, campaign: str) -> Ours | None:
    """Return what a branch is, None where a commit of it is not this campaign's."""
    commits = {commit.id: commit for commit in _log(git, ref)}
    here = head = next(iter(commits.values()))
    base = head.trailer(BASE)
    while _is_ours(here, campaign, base):
        parent = here.parents[0]
        if parent == base:
            return Ours(base, head.id, head.tree)
        if parent not in commits:
            return None
        here = commits[parent]
    return None


def _is_ours(commit: _Commit, campaign: str, base: str) -> bool:
    return (
        len(commit.parents) == 1
        and commit.author == commit.committer
        and commit.trailer(CAMPAIGN) == campaign
        and commit.trailer(BASE) == base
    )


def _log(git: Git, ref: str) -> list[_Commit]:
    output = git.run(
        *("log", "--first-parent", "--date=raw", f"--format={_FORMAT}", "--no-show-signature"),
        *("--no-notes", "--no-color", "--no-decorate", "--end-of-options", ref, "--"),
    )
    found = []
    for text in output.decode("utf-8", "replace").split("\0"):
        lines = text.lstrip("\n").split("\n", 5)
        if len(lines) == 6:
            commit, parents, *others = lines
            found.append(_Commit(commit, tuple(parents.split()), *others))
    return found
