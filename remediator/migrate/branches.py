"""The commits of a job on its branches, on top of what the campaign pushed before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from ..results import RunResult
from . import commit, messages
from .clone import Remote
from .commit import File
from .git import Git, signs
from .jobs import Head, Job
from .messages import Part
from .ours import Ours


@dataclass
class Branches:
    """Makes the commits of a job, one for each part of the repairs.

    `own` are the branches that this campaign made before. `clean`, once they are made, is the last
    commit of a chain from the base alone, which the whole change can be read from.
    """

    job: Job
    git: Git
    remote: Remote
    own: Mapping[str, Ours]
    parts: Sequence[Part]
    result: RunResult
    clean: str = field(default="", init=False)

    def made(self, changes: Sequence[Mapping[str, File]]) -> tuple[Head, ...]:
        """Return the heads of the branches with these changes, those of a part each.

        A branch that exists keeps its commits: where its tree is the one that would be made, it
        stays, else one commit comes on top. Raises RemoteError, and ConfigError for an author.
        """
        trees = commit.trees(self.git, changes, self.remote.commit)
        sign = signs() if self.job.sign is None else self.job.sign
        parent = self.remote.commit
        heads: list[Head] = []
        planned = list(zip(self.parts, trees, strict=True))
        for branch, group in groupby(planned, lambda each: self.job.branch_of(each[0].group)):
            chain = self._chain(list(group), parent, sign=sign)
            if branch in self.own:
                chain = self._continued(chain, self.own[branch], sign=sign)
            heads += chain
            parent = chain[-1].commit
        self.clean = self._chain(planned, self.remote.commit)[-1].commit if self.own else parent
        return tuple(heads)

    def _chain(
        self, planned: Sequence[tuple[Part, str]], parent: str, *, sign: bool = False
    ) -> list[Head]:
        chain = []
        for part, tree in planned:
            parent = self._commit(part, tree, parent, sign=sign)
            chain.append(Head(self.job.branch_of(part.group), parent, tree, part.group))
        return chain

    def _continued(self, chain: Sequence[Head], own: Ours, *, sign: bool) -> list[Head]:
        last = chain[-1]
        if last.commit == own.head:
            return [replace(head, expected=own.head) for head in chain]
        if last.tree == own.tree:  # it was signed, or committed at another date
            return [replace(last, commit=own.head, expected=own.head)]
        part = next(part for part in self.parts if part.group is last.group)
        made = self._commit(part, last.tree, own.head, sign=sign)
        return [replace(last, commit=made, expected=own.head)]

    def _commit(self, part: Part, tree: str, parent: str, *, sign: bool) -> str:
        job, remote = self.job, self.remote
        message = messages.commit_message(job, part, self.result, remote.base, remote.commit)
        return commit.commit(self.git, tree, parent, message, job.author, job.date, sign=sign)

    def bundle(self, heads: Sequence[Head]) -> bytes:
        """Return what the remote does not have of these heads; empty where it has all."""
        last = {head.branch: head for head in heads}
        new = {branch: head.commit for branch, head in last.items() if head.commit != head.expected}
        known = dict.fromkeys([self.remote.commit, *(each.head for each in self.own.values())])
        return commit.bundle(self.git, new, known) if new else b""
