"""Proposals as files: for each repository a folder with the patch, the description, the result."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from .. import atomic, regular
from ..errors import FileError, RemoteError
from .jobs import Proposal, Published, Worked

PATCH = "changes.patch"
DESCRIPTION = "pull-request.md"
RESULT = "result.json"
_MOST = 1_000_000_000


def write(worked: Worked, folder: str) -> Published:
    """Write the files of a proposal, as far as they are not there; raises FileError.

    The patch may be read by its owner alone where it holds literal secrets.
    """
    place = _place(worked, folder)
    patch = worked.patch.encode("utf-8", "surrogateescape")
    wanted = {
        PATCH: patch,
        DESCRIPTION: _description(worked).encode("utf-8", "backslashreplace"),
        RESULT: worked.result.encode("utf-8", "backslashreplace"),
    }
    missing = {name: content for name, content in wanted.items() if not _is(place / name, content)}
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{place} cannot be made: {error.strerror or error}") from error
    for name, content in missing.items():
        try:
            atomic.create(place / name, content, private=name == PATCH and worked.holds_secrets)
        except FileError as error:
            raise FileError(f"{place / name}: {error.message}") from error
    return Published(Proposal.WRITTEN, (str(place),), done_before=not missing)


def look(worked: Worked, folder: str) -> Published | None:
    """Return what was written before for just this change; None where it was not."""
    place = _place(worked, folder)
    is_there = _is(place / DESCRIPTION, _description(worked).encode("utf-8", "backslashreplace"))
    if not is_there or not (place / PATCH).is_file():
        return None
    return Published(Proposal.WRITTEN, (str(place),), done_before=True)


def _place(worked: Worked, folder: str) -> Path:
    name = PurePosixPath(worked.name)
    if not name.parts or name.is_absolute() or ".." in name.parts or "\\" in worked.name:
        raise RemoteError(f"{worked.name!r} cannot be the name of a folder")
    return Path(folder) / name


def _description(worked: Worked) -> str:
    """Return the descriptions, with a mark of the change that no reader sees."""
    texts = [f"# {each.title}\n\n{each.body.strip()}\n" for each in worked.descriptions]
    return "\n".join([*texts, f"<!-- {worked.digest} -->\n"])


def _is(file: Path, content: bytes) -> bool:
    try:
        return regular.read(file, _MOST) == content
    except OSError:
        return False
