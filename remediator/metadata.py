"""What belongs to a file besides its content: owner, group, mode and extended attributes.

Linux keeps access control lists and security labels in extended attributes. Python knows them
there only: elsewhere (macOS) they are not kept.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from .errors import FileError

_OF_THE_CONTENT = frozenset({"security.ima", "security.evm"})
"""Attributes that the kernel makes from the content, or from the file itself."""
_OURS = ("user.", "system.")
"""Those that an owner may set; others are what the system's policy makes of them."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file has, to be given to another."""

    mode: int
    owner: int
    group: int
    attributes: Mapping[str, bytes]


def read(handle: int, found: os.stat_result) -> Metadata:
    """Return what an open file has; `found` is what `os.fstat` says of it."""
    mode = stat.S_IMODE(found.st_mode)
    return Metadata(mode, found.st_uid, found.st_gid, _attributes(handle))


def apply(kept: Metadata, handle: int) -> None:
    """Give it to an open file of ours. Raises FileError for what cannot be kept, OSError."""
    _set_owner(kept, handle)
    _set_attributes(kept.attributes, handle)
    # Last: a change of the owner takes bits away, one of an access control list sets some.
    set_mode(handle, kept.mode)


def set_mode(handle: int, mode: int) -> None:
    """Set the mode of an open file; Windows knows none."""
    if sys.platform != "win32":
        os.fchmod(handle, mode)


def _set_owner(kept: Metadata, handle: int) -> None:
    if sys.platform == "win32":
        return
    now = os.fstat(handle)
    if (now.st_uid, now.st_gid) == (kept.owner, kept.group):
        return
    try:
        os.fchown(handle, kept.owner, kept.group)
    except OSError as error:
        raise FileError(
            f"its owner and group ({kept.owner}:{kept.group}) cannot be kept; "
            "run as its owner, or make it yours (chown)"
        ) from error


def _attributes(handle: int) -> dict[str, bytes]:
    if sys.platform != "linux":
        return {}
    try:
        names = os.listxattr(handle)
    except OSError:  # this file system has none
        return {}
    found = {}
    for name in names:
        with suppress(OSError):  # one that only root may read, as trusted.*, or that just went
            found[name] = os.getxattr(handle, name)
    return found


def _set_attributes(wanted: Mapping[str, bytes], handle: int) -> None:
    if sys.platform != "linux":
        return
    present = _attributes(handle)
    for name in present.keys() - wanted.keys():
        if name.startswith(_OURS):  # a folder gives new files an access control list of its own
            os.removexattr(handle, name)
    for name, value in wanted.items():
        if present.get(name) == value or name in _OF_THE_CONTENT:
            continue
        try:
            os.setxattr(handle, name, value)
        except OSError as error:
            if name.startswith(_OURS):
                raise FileError(
                    f"its extended attribute {name} cannot be kept ({error.strerror})"
                ) from error
