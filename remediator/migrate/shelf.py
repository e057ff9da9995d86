"""What is done and not yet proposed: private files beside the campaign, since a patch holds what it
takes out.

Their folder is also what keeps two runs of a campaign off each other: it is locked, and the kernel
gives the lock back when the run ends, however that happens.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from .. import atomic
from ..errors import ConfigError, FileError
from ..lock import lock
from .jobs import Description, Head, State, Step, Worked

_ENDING = ".work"


class Shelf:
    """Keeps the work on repositories until it is proposed, in a folder that only its owner reads.

    Raises FileError where the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise FileError(f"{folder}: cannot be made: {error.strerror or error}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs of the campaign off; raises ConfigError where one is at work."""
        with ExitStack() as handles:
            if sys.platform != "win32":  # which opens no folder, and has no such lock
                handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
                handles.callback(os.close, handle)
                if not lock(handle):
                    raise ConfigError(
                        f"another run of this campaign is at work ({self.folder} is locked); "
                        "`remediator migrate status` shows how far it is"
                    )
            atomic.sweep(self.folder)
            yield

    def put(self, worked: Worked) -> None:
        """Keep the work on a repository."""
        content = asdict(worked) | {"bundle": b64encode(worked.bundle).decode(), "stored": ""}
        file = self._file(worked.name)
        try:
            atomic.create(file, zlib.compress(json.dumps(content).encode(), 1), private=True)
        except FileError as error:
            raise FileError(f"{file}: {error.message}") from error

    def get(self, name: str) -> Worked | None:
        """Return the work on a repository without its `stored`; None where there is none, or it
        cannot be read: then it is done again."""
        try:
            content = json.loads(zlib.decompress(self._file(name).read_bytes()))
            content["state"], content["step"] = State(content["state"]), Step(content["step"])
            content["bundle"], content["stored"] = b64decode(content["bundle"]), b""
            content["heads"] = tuple(Head(**each) for each in content["heads"])
            content["descriptions"] = tuple(Description(**e) for e in content["descriptions"])
            return Worked(**content)
        except (OSError, ValueError, TypeError, LookupError, zlib.error):
            return None

    def drop(self, name: str) -> None:
        """Forget the work on a repository."""
        self._file(name).unlink(missing_ok=True)

    def keep(self, names: Collection[str]) -> None:
        """Forget the work on all but these repositories."""
        kept = {self._file(name) for name in names}
        for file in self.folder.glob(f"*{_ENDING}"):
            if file not in kept:
                with suppress(OSError):
                    file.unlink()

    def _file(self, name: str) -> Path:
        return self.folder / f"{sha256(name.encode()).hexdigest()[:32]}{_ENDING}"
