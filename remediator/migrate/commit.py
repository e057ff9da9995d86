"""Makes commits of changed files: blobs, trees and commits by plumbing alone, on a new branch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..errors import ConfigError
from .git import Git

_AUTHOR = re.compile(r"[^<>\n\x00]+ <[^<>\s\x00]+>")
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}


@dataclass(frozen=True, slots=True)
class File:
    """A file as a commit is to have it; no `content`: it goes."""

    mode: str
    content: bytes | None


def check_author(author: str) -> None:
    """Raise ConfigError where a text is no `Name <address>`."""
    if not _AUTHOR.fullmatch(author):
        raise ConfigError(f"author must be written as Name <address>, not {author!r}")


def moment(date: str) -> str:
    """Return a date as git keeps it, in seconds with an offset; raises ConfigError."""
    try:
        when = datetime.fromisoformat(date)
    except ValueError as error:
        raise ConfigError(f"{date!r} is no date such as 2026-01-31T12:00:00+01:00") from error
    if when.tzinfo is None:
        raise ConfigError(f"{date!r} has no offset; write it such as 2026-01-31T12:00:00+01:00")
    return f"{int(when.timestamp())} {when:%z}"


def trees(git: Git, steps: Sequence[Mapping[str, File]], parent: str) -> list[str]:
    """Return the trees that these changes make of a commit's, each on top of the one before."""
    stream = _stream(steps, parent)
    ids = git.run("fast-import", "--quiet", "--done", "--depth=0", given=stream).decode().split()
    return git.run("rev-parse", *(f"{each}^{{tree}}" for each in ids)).decode().split()


def _stream(steps: Sequence[Mapping[str, File]], parent: str) -> bytes:
    """Return the orders to git. https://git-scm.com/docs/git-fast-import"""
    parts: list[bytes] = []
    for number, files in enumerate(steps, 1):
        start = parent if number == 1 else f":{number - 1}"
        parts.append(f"commit refs/remediator/new\nmark :{number}\n".encode())
        parts.append(f"committer <> 0 +0000\ndata 0\nfrom {start}\n".encode())
        for path, file in sorted(files.items()):
            if file.content is None:
                parts += [b"D ", _quoted(path), b"\n"]
            else:
                parts += [b"M ", file.mode.encode(), b" inline ", _quoted(path)]
                parts += [b"\ndata %d\n" % len(file.content), file.content, b"\n"]
    parts += [f"get-mark :{number}\n".encode() for number in range(1, len(steps) + 1)]
    return b"".join([*parts, b"done\n"])


def _quoted(path: str) -> bytes:
    text = "".join(_ESCAPED.get(character, character) for character in path)
    return f'"{text}"'.encode("utf-8", "surrogateescape")


def commit(
    git: Git, tree: str, parent: str, message: str, author: str, date: str, *, sign: bool = False
) -> str:
    """Return a new commit; author and committer are the same.

    Raises ConfigError for an author or a date that is none, RemoteError where git cannot sign.
    """
    check_author(author)
    name, _, address = author[:-1].rpartition(" <")
    who = {"NAME": name, "EMAIL": address, "DATE": moment(date)}
    environment = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()}
    signing = ("-S",) if sign else ()
    return (
        git.run(
            *("commit-tree", *signing, "-p", parent, "-F", "-", tree),
            given=message.encode("utf-8", "backslashreplace"),
            trusting=sign,
            environment=environment,
        )
        .decode()
        .strip()
    )


def bundle(git: Git, branches: Mapping[str, str], known: Iterable[str]) -> bytes:
    """Return the commits of these branches, with all that is new in them, as a bundle.

    Who takes it needs the known ones. No object in it is told as a difference to one of theirs.
    """
    orders = (f"update refs/heads/{name} {commit}\n" for name, commit in branches.items())
    git.run("update-ref", "--stdin", given="".join(orders).encode())
    # On standard input no name is taken for an option.
    wanted = [f"refs/heads/{name}" for name in branches]
    given = "".join(f"{each}\n" for each in (*wanted, *(f"^{commit}" for commit in known)))
    return git.run("bundle", "create", "--quiet", "-", "--stdin", given=given.encode())


def patch(git: Git, base: str, head: str) -> str:
    """Return the commits between two as `git am` takes them."""
    return git.run(
        *("format-patch", "--stdout", "--no-signature", "--no-renames", "--full-index", "--binary"),
        *("--no-ext-diff", "--no-textconv", "--no-color", "--no-stat"),
        *("--end-of-options", f"{base}..{head}", "--"),
    ).decode("utf-8", "surrogateescape")


def digest(git: Git, base: str, head: str) -> str:
    """Return what is the same for the same change, made of the paths, modes and ids of it."""
    listed = git.run("diff-tree", "-r", "-z", "--no-renames", "--end-of-options", base, head)
    return hashlib.sha256(listed).hexdigest()
