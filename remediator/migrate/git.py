"""Runs the git command line so that nothing of a repository runs with it.

A repository is never checked out, so no filter, hook, attribute or link of it has a part in
anything. What git reads besides is cut down to what its user wrote: the environment loses what may
point elsewhere; hooks, file monitors and submodules are off; only https, ssh and local paths are
spoken, and whatever else the user's own `protocol.<name>.allow` names. Commands that need no server
do not see the user's configuration either, and cannot reach one. Questions are never asked: the
process has no terminal. Credentials come from git's helpers.

A repository's URL is given in the environment, so that no list of processes shows it.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO

from ..errors import ConfigError, RemoteError
from . import complaints, process, scratch
from .process import end_all as end_all
from .scrub import told

REMOTE = "remediator"
"""How the remote is called within our commands; nobody's configuration knows it."""
OLDEST = (2, 32)
"""The first git that can be told to read no configuration (GIT_CONFIG_GLOBAL)."""
MOST_OUTPUT = 200_000_000
"""Bytes of one command's output that are kept."""
MOST_DOWNLOAD = 2_000_000_000
"""Bytes of one file that a command may write, a pack above all."""
_BLOCK = 512
"""What `ulimit -f` counts in: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/ulimit.html"""

# Of the environment's GIT_ variables only these stay: how to reach a server, and the user's own
# configuration. The others say where a repository is, what to trace, what to run.
_KEPT = re.compile(
    r"GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|EXEC_PATH|SSL_\w+|PROXY_SSL_\w+|HTTP_\w+"
    r"|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+))"
)
_ALWAYS = {
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "false",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}
_ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "core.fsync": "none",  # nothing of it outlives the work
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "push.recurseSubmodules": "no",
    "push.gpgSign": "false",
    "push.followTags": "false",
    "fetch.writeCommitGraph": "false",
    "fetch.unpackLimit": "1",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "pack.window": "0",
    "pack.writeBitmaps": "false",
    "i18n.commitEncoding": "utf-8",
    "i18n.logOutputEncoding": "utf-8",
    "protocol.version": "2",
    "protocol.allow": "never",
    "protocol.https.allow": "always",
    "protocol.ssh.allow": "always",
    "protocol.file.allow": "always",
    "protocol.ext.allow": "never",
    "fetch.fsckObjects": "true",
}
# Faults of old or odd history that harm nobody who checks nothing out; objects that name `.git` or
# `..` stay faults. https://git-scm.com/docs/git-fsck#_fsck_messages
_FORGIVEN = (
    *("zeroPaddedFilemode", "badTimezone", "badDate", "badDateOverflow", "badEmail", "badName"),
    *("missingEmail", "missingNameBeforeEmail", "missingSpaceBeforeEmail", "missingAuthor"),
    *("missingSpaceBeforeDate", "zeroPaddedDate", "nulInCommit", "multipleAuthors"),
    *("badFilemode", "gitmodulesParse", "gitmodulesUrl", "gitmodulesPath", "gitmodulesName"),
    *("gitmodulesUpdate", "gitmodulesMissing", "gitmodulesBlob", "gitmodulesLarge"),
    *("gitmodulesSymlink", "gitattributesMissing", "gitattributesLarge", "gitattributesBlob"),
    *("gitattributesLineLength", "missingTaggerEntry", "symlinkTargetLength"),
)


@dataclass
class Git:
    """A bare repository of ours in a folder of ours, and the time that is left to work on it.

    `deadline` is of `time.monotonic`. `urls` are those that may stand in what git says: their
    credentials are taken out of it.
    """

    folder: Path
    deadline: float
    urls: Sequence[str] = ()
    most_download: int = MOST_DOWNLOAD
    said: str = field(default="", init=False)
    """What the last command said on its standard error: hints of the server among it."""
    _limited: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        blocks = str(max(1, self.most_download // _BLOCK))
        can_limit = sys.platform != "win32"
        shell = ["sh", "-c", 'ulimit -f "$0" && exec "$@"', blocks]
        self._limited = shell if can_limit else []

    def run(
        self,
        *arguments: str,
        given: bytes = b"",
        url: str = "",
        trusting: bool = False,
        environment: Mapping[str, str] | None = None,
        most: int = MOST_OUTPUT,
    ) -> bytes:
        """Return what a command of git prints; parameters as those of `stream`.

        Raises RemoteError where it fails, takes too long or prints more than `most` bytes.
        """
        with self.stream(
            *arguments, given=given, url=url, trusting=trusting, environment=environment
        ) as output:
            content = output.read(most + 1)
            if len(content) > most:
                raise RemoteError(f"git {arguments[0]} prints more than {most // 1_000_000} MB")
        return content

    def line(self, *arguments: str, url: str = "") -> str:
        """Return the one line that a command of git prints."""
        return self.run(*arguments, url=url).decode("utf-8", "surrogateescape").strip()

    @contextmanager
    def stream(
        self,
        *arguments: str,
        given: bytes = b"",
        url: str = "",
        trusting: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[IO[bytes]]:
        """Run a command of git for the length of the block, which reads what it prints.

        `given` is its standard input. Only with the `url` of a server can it reach one, by the name
        `REMOTE`. `trusting`: it reads the user's own configuration, as it does with a `url`. Raises
        RemoteError as the block ends where the command failed or took too long.
        """
        command = [*self._limited, "git", *arguments]
        own = {**environment_of_git(url, trusting), **self._place(), **(environment or {})}
        name = f"git {arguments[0]}"
        with process.stream(command, self.folder, own, self.deadline, given, name=name) as running:
            yield running.output
        self.said = running.said
        if running.code:
            if url and self._is_over_the_limit():
                raise RemoteError(f"there is {complaints.TOO_LARGE}")
            raise complaints.error(running.said, name, running.code, self.urls)

    def _is_over_the_limit(self) -> bool:
        """Whether a pack was cut off: git does not say what ended the program that writes it."""
        packs = self.folder.glob("objects/pack/tmp_pack_*")
        return any(pack.stat().st_size > self.most_download - 2 * _BLOCK for pack in packs)

    def _place(self) -> dict[str, str]:
        """Return where the repository is: never looked for, above all not in folders above."""
        if (self.folder / "HEAD").exists():
            return {"GIT_DIR": str(self.folder)}
        return {"GIT_CEILING_DIRECTORIES": str(self.folder.parent)}


@cache
def version() -> str:
    """Return the version of git; raises RemoteError where there is none, or one that is too old."""
    with scratch.folder() as folder:
        said = Git(folder, time.monotonic() + 60).run("version").decode("utf-8", "replace")
    found = re.search(r"(\d+)\.(\d+)[\w.]*", said)
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise RemoteError(f"git {oldest} or newer is needed; found: {told(said)}")
    return found[0]


def default_author() -> str:
    """Return `Name <address>` of git's user; raises ConfigError where git knows none."""
    with scratch.folder() as folder:
        git = Git(folder, time.monotonic() + 60)
        words = [_setting(git, "user.name"), _setting(git, "user.email")]
    if not all(words):
        raise ConfigError(
            'git does not know who commits: name an author = "Name <address>", or run '
            "git config --global user.name and user.email"
        )
    return f"{words[0]} <{words[1]}>"


def signs() -> bool:
    """Whether the user's git signs commits (`commit.gpgSign`)."""
    with scratch.folder() as folder:
        git = Git(folder, time.monotonic() + 60)
        return _setting(git, "--type=bool", "commit.gpgSign") == "true"


def _setting(git: Git, *words: str) -> str:
    """Return a setting of the user's own configuration, empty where there is none."""
    try:
        value = git.run("config", "--get", *words, trusting=True)
    except RemoteError:
        return ""
    return value.decode("utf-8", "replace").strip()


def check_branch(name: str) -> None:
    """Raise ConfigError for a name that no branch can have."""
    with scratch.folder() as folder:
        git = Git(folder, time.monotonic() + 60)
        try:
            git.run("check-ref-format", f"refs/heads/{name}")
        except RemoteError as error:
            raise ConfigError(f"{name!r} cannot be the name of a branch") from error


def check_url(url: str) -> None:
    """Raise ConfigError for a URL that git would take for something else."""
    if not url or url.startswith("-") or re.search(r"[\x00-\x1f\x7f]|^[a-z0-9+.-]+::", url, re.I):
        raise ConfigError(f"{told(url, url)!r} is no URL or path of a repository")


def environment_of_git(url: str = "", trusting: bool = True) -> dict[str, str]:
    """Return the environment for a command of git, or for a program that may run some."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or _KEPT.fullmatch(k)}
    kept.pop("SSH_ASKPASS", None)  # a window for each of a thousand repositories
    settings = dict(_SETTINGS)
    settings |= {f"fetch.fsck.{message}": "ignore" for message in _FORGIVEN}
    count = int(kept["GIT_CONFIG_COUNT"]) if kept.get("GIT_CONFIG_COUNT", "").isdigit() else 0
    if url:
        settings[f"remote.{REMOTE}.url"] = url
    elif not trusting:
        kept |= _ALONE
        count = 0
    if not url:
        settings |= {f"protocol.{name}.allow": "never" for name in ("https", "ssh", "file")}
    # Behind those of the user, of which the last one counts.
    for number, (key, value) in enumerate(settings.items(), count):
        kept |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return kept | _ALWAYS | {"GIT_CONFIG_COUNT": str(count + len(settings))}
