"""What commits and proposals say: the built-in words, and templates of the campaign's own."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from ..errors import ConfigError
from ..report import proposal
from ..report.summary import DONE
from ..results import RunResult
from ..transform import Transform
from .jobs import Description, Group, Job
from .ours import trailers

PLACEHOLDERS = {
    "name": "the repository's name in the campaign",
    "campaign": "the campaign's name",
    "branch": "the branch that the commit or proposal is on",
    "base": "the branch that it is for",
    "group": "the risk of the commit: safe, or passwords",
    "count": "how many repairs it makes",
    "files": "how many templates it changes",
    "repairs": "the repairs, one in a line",
    "follow_ups": "what is to be done by hand, one in a line",
    "description": "the built-in description of a proposal, in Markdown",
}
"""What a template may hold as `$name`, and what stands for it."""
_SUBJECT = {
    Group.SAFE: "Repair CloudFormation templates",
    Group.PASSWORDS: "Take passwords out of CloudFormation templates",
}
_ABOUT = {
    Group.SAFE: "Nothing that runs changes at the next deployment.",
    Group.PASSWORDS: "Mind what each of these does at the next deployment. Reverting this commit "
    "sets a\npassword that was deployed back to the old one at the deployment after.",
}
_MOST = 50
"""Repairs that a commit's message lists."""


@dataclass(frozen=True, slots=True)
class Part:
    """A group of repairs that make one commit: their ids, and how many templates they change."""

    group: Group
    ids: frozenset[str]
    files: int


def check(template: str, where: str) -> None:
    """Raise ConfigError where a template holds a placeholder that there is not."""
    text = string.Template(template)
    known = ", ".join(f"${name}" for name in PLACEHOLDERS)
    if not text.is_valid():
        raise ConfigError(f"{where}: a lone $ is written $$; the placeholders are {known}")
    for name in text.get_identifiers():
        if name not in PLACEHOLDERS:
            raise ConfigError(f"{where}: there is no ${name}; the placeholders are {known}")


def commit_message(job: Job, part: Part, result: RunResult, base: str, commit: str) -> str:
    """Return the message of a commit, with the trailers by which it is known again."""
    words = _words(job, [part], result, base)
    text = string.Template(job.message).safe_substitute(words) if job.message else ""
    return f"{(text or _built_in(part, words)).strip()}\n\n{trailers(job.campaign, commit)}"


def _built_in(part: Part, words: Mapping[str, str]) -> str:
    sections = [_SUBJECT[part.group], _ABOUT[part.group], words["repairs"]]
    if words["follow_ups"]:
        sections.append("To do by hand:\n" + words["follow_ups"])
    return "\n\n".join(section for section in sections if section)


def descriptions(
    job: Job,
    parts: Sequence[Part],
    result: RunResult,
    base: str,
    transforms: Sequence[Transform],
) -> tuple[Description, ...]:
    """Return what is said of the change on each branch, in the order of the branches."""
    found = []
    for branch, group in groupby(parts, lambda part: job.branch_of(part.group)):
        own = list(group)
        words = _words(job, own, result, base)
        shown = proposal.render(_only(result, own), transforms, origin=_origin(job))
        subject = string.Template(job.title).safe_substitute(words)
        text = string.Template(job.body).safe_substitute(words | {"description": shown})
        found.append(
            Description(branch, " ".join(subject.split()) or _SUBJECT[_group(own)], text or shown)
        )
    return tuple(found)


def _origin(job: Job) -> str:
    return f"Made by remediator {job.version}, campaign {job.campaign}."


def _only(result: RunResult, parts: Sequence[Part]) -> RunResult:
    """Return a result without the repairs that are none of these."""
    ids = frozenset[str]().union(*(part.ids for part in parts))
    files = tuple(
        replace(
            file, outcomes=tuple(o for o in file.outcomes if o.status not in DONE or o.id in ids)
        )
        for file in result.files
    )
    return replace(result, files=files)


def _words(job: Job, parts: Sequence[Part], result: RunResult, base: str) -> dict[str, str]:
    ids = sorted(frozenset[str]().union(*(part.ids for part in parts)))
    repairs = list(proposal.repairs(result, ids))
    more = [f"- and {len(repairs) - _MOST} more"] if len(repairs) > _MOST else []
    group = _group(parts)
    return {
        "name": job.name,
        "campaign": job.campaign,
        "branch": job.branch_of(group),
        "base": base,
        "group": str(group),
        "count": str(len(repairs)),
        "files": str(max((part.files for part in parts), default=0)),
        "repairs": "\n".join([*(f"- {line}" for line in repairs[:_MOST]), *more]),
        "follow_ups": "\n".join(f"- {step}" for step in proposal.follow_ups(result, ids)[:_MOST]),
        "description": "",
    }


def _group(parts: Sequence[Part]) -> Group:
    risky = any(part.group is Group.PASSWORDS for part in parts)
    return Group.PASSWORDS if risky else Group.SAFE
