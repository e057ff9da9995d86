"""Looks at a remote repository and fetches as little of it as the work needs, history least."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import RemoteError, Stale
from .git import REMOTE, Git
from .tree import Entry

BASE = "refs/remediator/base"
DEPTH = 8
"""Commits of a branch that are looked at: a campaign makes one or two, and one per later run."""
_LARGEST = 5_000_000
"""Bytes of a file that is fetched where whole folders are: larger ones are no template."""
_QUIET = (
    *("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"),
    *("--refmap=", "--no-auto-maintenance"),
)
_NO_SHALLOW = re.compile(r"shallow capabilities|dumb http|does not support shallow", re.I)


@dataclass(frozen=True, slots=True)
class Remote:
    """What a remote repository says of itself, as far as it matters here."""

    base: str = ""
    """The branch to start from."""
    commit: str = ""
    branches: Mapping[str, str] = field(default_factory=dict)
    """Of the branches that were asked for those that exist, with their commits."""
    is_empty: bool = False


def look(git: Git, url: str, base: str, branches: Iterable[str]) -> Remote:
    """Return the base branch, by default the remote's own, and those of these branches that exist.

    Raises RemoteError where there is none to start from.
    """
    wanted = [f"refs/heads/{branch}" for branch in (*branches, *([base] if base else []))]
    refs, links = _listed(git, url, "HEAD", *wanted)
    found = {name: refs[ref] for name in branches if (ref := f"refs/heads/{name}") in refs}
    if base:
        if f"refs/heads/{base}" not in refs:
            raise RemoteError(f"there is no branch {base} to start from")
        return Remote(base, refs[f"refs/heads/{base}"], found)
    target = links.get("HEAD", "")
    if "HEAD" in refs and target.startswith("refs/heads/"):
        return Remote(target.removeprefix("refs/heads/"), refs["HEAD"], found)
    if "HEAD" not in refs and not _listed(git, url, "refs/heads/*")[0]:
        return Remote(is_empty=True)
    raise RemoteError(
        "the repository has no default branch: its HEAD names none that exists; set one on the "
        "server, or name the base to start from"
    )


def heads(git: Git, url: str, branches: Sequence[str]) -> dict[str, str]:
    """Return the commits of those of these branches that exist."""
    refs, _ = _listed(git, url, *(f"refs/heads/{branch}" for branch in branches))
    return {name: refs[ref] for name in branches if (ref := f"refs/heads/{name}") in refs}


def _listed(git: Git, url: str, *patterns: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return refs with their commits, and symbolic ones with what they name."""
    output = git.run("ls-remote", "--symref", "--end-of-options", REMOTE, *patterns, url=url)
    refs: dict[str, str] = {}
    links: dict[str, str] = {}
    for line in output.decode("utf-8", "surrogateescape").splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            links[name] = value.removeprefix("ref: ")
        elif re.fullmatch(r"[0-9a-f]{40,64}", value):
            refs[name] = value
    return refs, links


def start(git: Git, commit: str) -> None:
    """Make the empty repository of ours, with ids of the same kind as this one."""
    kind = "sha256" if len(commit) == 64 else "sha1"
    git.run("init", "--quiet", "--bare", "--template=", f"--object-format={kind}", ".")


def fetch(git: Git, url: str, source: str, ref: str, depth: int = 1) -> str:
    """Fetch a commit, without the content of files where the server allows that; return its id.

    `source` is a full ref or a commit. Raises Stale where it is not there.
    """
    arguments = ["fetch", *_QUIET, "--filter=blob:none", f"--depth={depth}"]
    refspec = f"+{source}:{ref}"
    try:
        git.run(*arguments, "--end-of-options", REMOTE, refspec, url=url)
    except RemoteError as error:
        if not _NO_SHALLOW.search(error.message):
            raise
        git.run("fetch", *_QUIET, "--end-of-options", REMOTE, refspec, url=url)
    return (
        git.run("rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}").decode().strip()
    )


def fetch_files(git: Git, url: str, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Fetch the content of files of `BASE`, all that is not there yet at once.

    Returns the entries that can be read now. Where they are too large altogether, or the server
    gives no single ones, those above 5 MB are left out: no template is so large.
    """
    missing = _missing(git)
    wanted = sorted({entry.blob for entry in entries} & missing)
    if not wanted:
        return tuple(entries)
    negotiation = ["-c", "fetch.negotiationAlgorithm=noop"]  # nothing that is here leads to them
    arguments = [*negotiation, "fetch", *_QUIET, "--filter=blob:none", "--stdin", REMOTE]
    given = "".join(f"{blob}\n" for blob in wanted).encode()
    try:
        git.run(*arguments, given=given, url=url)
    except RemoteError as error:
        if error.retryable and not isinstance(error, Stale):
            raise
        _fetch_small(git, url)
    missing = _missing(git)
    return tuple(entry for entry in entries if entry.blob not in missing)


def _missing(git: Git) -> set[str]:
    """Return the objects of `BASE` that were not fetched."""
    listed = git.run("rev-list", "--objects", "--missing=print", "--no-walk", BASE)
    return {line[1:].decode() for line in listed.split() if line.startswith(b"?")}


def _fetch_small(git: Git, url: str) -> None:
    """Fetch all that was fetched anew, with every file that is not too large."""
    refs = git.run("for-each-ref", "--format=+%(objectname):%(refname)").decode().split()
    shutil.rmtree(git.folder)
    git.folder.mkdir(mode=0o700)
    start(git, refs[0].partition(":")[0].removeprefix("+"))
    limit = f"--filter=blob:limit={_LARGEST}"
    git.run("fetch", *_QUIET, limit, "--depth=1", "--end-of-options", REMOTE, *refs, url=url)
