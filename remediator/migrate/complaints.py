"""What git complains of, in plain words: what to do, and whether a later try may help."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import RemoteError, Stale, Throttled
from .scrub import told

_MOST = 400
"""Characters of a complaint that are passed on."""
_WAIT = 60.0
"""Seconds to wait where the host does not say: GitHub asks for at least a minute.
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api"""

TOO_LARGE = "more to download than is taken"
UNSYNCED = (
    "the repository to push to does not have the commit that the work starts from; sync it with "
    "the one that was cloned"
)

_THROTTLED = re.compile(
    r"rate limit|too many requests|returned error: 429|HTTP 429|submitted too quickly"
    r"|abuse detection|retry[- ]after",
    re.I,
)
_SECONDS = re.compile(r"(?:retry[- ]after\D{0,3}|try again in |wait )(\d{1,5})(?: ?s|\b)", re.I)

# The first that matches counts: what a person has to change stands before what may pass by itself,
# because "the remote end hung up" follows either.
_LASTING = (
    (
        r"could not read (Username|Password)|Authentication failed|terminal prompts disabled"
        r"|returned error: 401|Invalid username or (password|token)",
        "the server asks for credentials and git has none that it takes; set up a credential "
        "helper or an SSH key",
    ),
    (
        r"Permission denied \((publickey|keyboard|password)|Too many authentication failures",
        "the server takes none of the SSH keys; add one to the agent",
    ),
    (
        r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED",
        "the server's SSH host key is not known; connect once by hand",
    ),
    (
        r"transport '[^']*' not allowed|Unable to find remote helper",
        "git may not use this protocol here: https, ssh and paths are allowed, and what your own "
        "git configuration names (git config --global protocol.http.allow always)",
    ),
    (
        r"dubious ownership",
        "the repository belongs to another user of this machine; git config --global --add "
        "safe.directory PATH says that you trust it",
    ),
    (
        r"Repository not found|does not appear to be a git repository|repository '?[^ ]*'? not"
        r" found|returned error: 404|project you were looking for could not be|no such file or dir",
        "there is no such repository, or you may not read it",
    ),
    (
        r"strange (hostname|pathname|port) .*blocked|no path specified|unable to parse",
        "git takes this for no URL of a repository",
    ),
    (r"shallow update not allowed", UNSYNCED),
    (
        r"does not support push options",
        "the server takes no push options; propose without merge requests",
    ),
    (
        r"remote rejected|protected branch|hook declined|GH0\d\d|not allowed to (push|force)"
        r"|returned error: 403|Permission to .* denied|unable to create directory|cannot lock ref",
        "the server refuses it",
    ),
    (r"gpg failed to sign|failed to write commit object|ssh-keygen", "git cannot sign the commit"),
    (r"fsck error|invalid path", "an object of the repository is broken"),
)
_STALE = (
    (
        r"couldn't find remote ref|not our ref|unadvertised object|no such remote ref",
        "the commit or branch is no longer there",
    ),
    (r"stale info|fetch first|non-fast-forward", "the branch has changed on the server"),
)
_PASSING = (
    (r"No space left on device|Disk quota exceeded", "the disk is full"),
    (
        r"Could not resolve host|Connection (refused|reset|timed out|closed)|timed out|early EOF"
        r"|RPC failed|unexpected disconnect|hung up|Broken pipe|returned error: 5\d\d"
        r"|Network is unreachable|No route to host|SSL_|index-pack|unpack-objects"
        r"|Could not read from remote repository",
        "the connection broke off",
    ),
)
_NOISE = re.compile(
    r"Please make sure you have the correct access rights|and the repository exists"
    r"|^warning: |^hint: |^remote: *$|^Done$|^To |^From |^POST |^Receiving|^remote: (Count|Compr)"
    r"|^remote: (Enumer|Total|Resolv)"
)


def error(stderr: str, command: str, code: int, urls: Sequence[str] = ()) -> RemoteError:
    """Return the error that a command's complaint stands for, in one line without credentials."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", stderr)]
    said = "; ".join(line for line in lines if line and not _NOISE.search(line))
    quoted = told(said, *urls)
    if len(quoted) > _MOST:
        quoted = quoted[: _MOST // 2] + " … " + quoted[-_MOST // 2 :]
    if _THROTTLED.search(stderr):
        return Throttled(f"the host wants fewer requests ({quoted})", seconds=seconds(stderr))
    if words := _first(_STALE, stderr):
        return Stale(f"{words} ({quoted})")
    if words := _first(_LASTING, stderr):
        return RemoteError(f"{words} ({quoted})")
    if words := _first(_PASSING, stderr):
        return RemoteError(f"{words} ({quoted})", retryable=True)
    ended = f"signal {-code}" if code < 0 else f"code {code}"
    return RemoteError(f"{command} ended with {ended}: {quoted}", retryable=True)


def _first(known: Sequence[tuple[str, str]], stderr: str) -> str:
    return next((words for pattern, words in known if re.search(pattern, stderr, re.I)), "")


def seconds(text: str) -> float:
    """Return how long a host asks to wait, a minute where it does not say."""
    found = _SECONDS.search(text)
    return max(1.0, float(found[1])) if found else _WAIT
