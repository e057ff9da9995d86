"""Lists the repositories of a campaign: the sources are asked, each repository counts once.

A name is made of the URL: `acme/payments` of `https://github.com/acme/payments.git`. It is unique,
and can be the path of a folder.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import ConfigError
from ..globs import matches
from ..regular import read
from .campaign import Campaign

_MOST = 50_000_000
"""Bytes of a list at the most."""
_PATIENCE = 600
"""Seconds for the command that lists."""
_SCHEMES = frozenset({"https", "http", "ssh", "git", "file"})
_LIKE_SCP = re.compile(r"(?P<host>(?:[\w.-]+@)?[\w.-]+):(?P<path>(?!//)[^\s:].*)", re.ASCII)
_PRINTABLE = re.compile(r"[^\s\0-\x1f\x7f]+(?: +[^\s\0-\x1f\x7f]+)*")


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of a campaign. `key` is the same for every way to write its URL."""

    name: str
    url: str
    key: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A repository as a source names it, and where: what is wrong with it is told by that."""

    text: str
    where: str


def repositories(campaign: Campaign, known: Mapping[str, str] | None = None) -> list[Repository]:
    """Return the repositories that the sources of a campaign name now, each once, in their order.

    `known` are names by key that were given before: they stay what they are. Raises ConfigError
    where a source cannot be read or names what is no repository.
    """
    known = known or {}
    names = _Names(known.values())
    found: dict[str, Repository] = {}
    for place in _places(campaign):
        url, key, path, host = _parsed(place, campaign.folder)
        if key in found:
            continue
        found[key] = Repository(known.get(key) or names.free(path, host), url, key)
    ignored = campaign.sources.ignore
    kept = [r for r in found.values() if not any(matches(glob, r.name) for glob in ignored)]
    if not kept:
        raise ConfigError(f"{campaign.file}: its sources name no repository")
    return kept


# --- the sources ------------------------------------------------------------------------------


def _places(campaign: Campaign) -> Iterator[_Place]:
    sources, file = campaign.sources, str(campaign.file)
    yield from (_Place(url, f"{file}: [repositories] urls") for url in sources.urls)
    for pattern in sources.paths:
        yield from _matching(campaign.folder, pattern, f"{file}: [repositories] paths")
    if sources.list is not None:
        try:
            text = read(sources.list, _MOST).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", "") or "it is not UTF-8"
            message = f"{sources.list}: the list of repositories cannot be read: {reason}"
            raise ConfigError(message) from error
        yield from _each_line(text, str(sources.list))
    if sources.command:
        yield from _each_line(_printed(campaign), f"what {sources.command[0]} printed")


def _matching(folder: Path, pattern: str, where: str) -> Iterator[_Place]:
    """Yield the repositories that a pattern of paths matches."""
    path = Path(pattern).expanduser()
    start = Path(path.anchor) if path.anchor else folder
    relative = str(path.relative_to(path.anchor)) if path.anchor else pattern
    try:
        candidates = sorted(start.glob(relative))
    except (OSError, ValueError, NotImplementedError) as error:
        raise ConfigError(f"{where}: {pattern!r} is no pattern of paths") from error
    hits = [each for each in candidates if _is_repository(each)]
    if not hits:
        raise ConfigError(f"{where}: {pattern!r} matches no git repository, seen from {folder}")
    yield from (_Place(str(each.absolute()), where) for each in hits)


def _is_repository(folder: Path) -> bool:
    """Whether a folder is a git repository, with files or bare."""
    return (folder / ".git").exists() or (
        (folder / "HEAD").is_file() and (folder / "objects").is_dir()
    )


def _each_line(text: str, where: str) -> Iterator[_Place]:
    """Yield the lines that hold something; one that begins with # is a comment."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield _Place(line.strip(), f"{where}:{number}")


def _printed(campaign: Campaign) -> str:
    """Return what the command of a campaign prints; its errors go where ours go."""
    command = campaign.sources.command
    try:
        done = subprocess.run(
            command,
            cwd=campaign.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_PATIENCE,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigError(f"{campaign.file}: {command[0]} took over {_PATIENCE} s") from error
    except subprocess.CalledProcessError as error:
        code = error.returncode
        raise ConfigError(f"{campaign.file}: {command[0]} failed with exit code {code}") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"{campaign.file}: {command[0]} does not start: {reason}") from error
    if len(done.stdout) > _MOST:
        raise ConfigError(f"{campaign.file}: {command[0]} printed more than {_MOST:,} bytes")
    return done.stdout.decode("utf-8", "replace")


# --- what a source names ----------------------------------------------------------------------


def _parsed(place: _Place, folder: Path) -> tuple[str, str, str, str]:
    """Return the URL, the key, the path to make a name of, and the host."""
    text = place.text
    if not _PRINTABLE.fullmatch(text) or text.startswith("-"):
        raise ConfigError(f"{place.where}: is neither a URL nor a path: {text[:80]!r}")
    if "://" in text:
        return _of_url(text, place)
    scp = _LIKE_SCP.fullmatch(text)
    if scp and not Path(text).exists():
        host = scp["host"].rpartition("@")[2].lower()
        path = _bare(scp["path"])
        return text, f"{host}/{path}", path, host
    folder = folder.resolve()
    local = (folder / Path(text).expanduser()).resolve()
    if not _is_repository(local):
        raise ConfigError(f"{place.where}: {text!r} is neither a URL nor a git repository")
    # One that lies beside the campaign stays the same when both are moved.
    key = str(local.relative_to(folder)) if local.is_relative_to(folder) else str(local)
    return str(local), key, _bare(local.name), local.parent.name


def _of_url(text: str, place: _Place) -> tuple[str, str, str, str]:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ConfigError(f"{place.where}: is no URL that can be read") from error
    if parts.password is not None:
        raise ConfigError(
            f"{place.where}: a URL of {host} holds a password; take it out, git asks your "
            "credential helper for it (docs/migrate.md#credentials)"
        )
    if parts.scheme not in _SCHEMES or not (host or parts.scheme == "file"):
        known = ", ".join(sorted(_SCHEMES))
        raise ConfigError(f"{place.where}: {text[:80]!r} is no URL with one of {known}")
    path = _bare(parts.path)
    if parts.scheme == "file":
        return text, f"/{path}", path.rpartition("/")[2], path.rpartition("/")[0]
    return text, f"{host}:{port}/{path}" if port else f"{host}/{path}", path, host


def _bare(path: str) -> str:
    return path.strip("/").removesuffix(".git").strip("/")


# --- names ------------------------------------------------------------------------------------


class _Names:
    """The names that are given: none is another's, nor the folder above another's."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._above: set[str] = set()
        for name in names:
            self._take(name)

    def free(self, path: str, host: str) -> str:
        """Return a name for a repository of this path, and take it."""
        name = _safe(path) or "repository"
        in_full = f"{_safe(host)}/{name}".lstrip("/")
        flat = in_full.replace("/", "-")
        numbered = (f"{flat}-{number}" for number in count(2))
        free = next(each for each in chain((name, in_full, flat), numbered) if self._is_free(each))
        self._take(free)
        return free

    def _take(self, name: str) -> None:
        self._names.add(name.casefold())
        self._above.update(_folders(name.casefold()))

    def _is_free(self, name: str) -> bool:
        folded = name.casefold()
        return (
            folded not in self._names
            and folded not in self._above
            and not any(folder in self._names for folder in _folders(folded))
        )


def _folders(name: str) -> list[str]:
    steps = name.split("/")
    return ["/".join(steps[:number]) for number in range(1, len(steps))]


def _safe(path: str) -> str:
    """Return a path of which every step is a plain name."""
    steps = (re.sub(r"[^A-Za-z0-9._-]+", "-", step).lstrip(".-")[:100] for step in path.split("/"))
    return "/".join(step for step in steps if step)
