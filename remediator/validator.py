"""AWS's own rules engine, cloudformation-validate, as a judge of new texts.

It runs in a child process with a time limit: on a few templates with many conditions it does not
come back, and a crash of its native code must not be ours. The child starts when the first file
has changed, and judges all that follow.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any, TypeAlias

from .document import Document
from .model import Refusal

LIMIT = 10.0
"""Seconds for the judgement of one text; most take some 15 milliseconds."""
START = 60.0
"""Seconds for the start of the child process; it takes half a second."""

_PACKAGE = "cloudformation_validate"

_Place: TypeAlias = tuple[str, str, str]
"""Rule, logical id (or an empty text) and property path of an error.

Its message does not tell whether it is a new one: it may list all names of the template.
"""
_INDEX = re.compile(r"\d+")  # a repair moves the entries of lists
_LONGEST = 200


def is_installed() -> bool:
    """Tell whether the extra `validate` is installed."""
    return find_spec(_PACKAGE) is not None


@dataclass(frozen=True, slots=True)
class Judged:
    """What a judge did: the fields of `Validator` that tell it."""

    unanswered: tuple[str, ...] = ()
    asked: bool = False
    broken: bool = False


@dataclass
class Validator:
    """Judges old and new texts; what it cannot judge is not refused but counted.

    `command` is what runs in the child, `limit` the seconds for one text and `start` those for the
    child's start.
    """

    command: Sequence[str] = (
        *(sys.executable, "-P"),  # what lies in the current folder is not imported
        str(Path(__file__).with_name("validator_child.py")),
    )
    limit: float = LIMIT
    start: float = START
    unanswered: list[str] = field(default_factory=list)
    """The names of the documents on which there was no answer."""
    asked: bool = False
    broken: bool = False
    """Whether the child process does not start."""
    _child: _Child | None = None
    _before: tuple[str, dict[_Place, list[str]] | None] | None = None
    """The old text that was judged last, which many new ones may be compared with."""

    def judge(self, old: Document, new: Document) -> Refusal | None:
        """Return the errors of the new text that the old one has not, None where there are none.

        None, too, where there is no judgement; `unanswered` then names the document.
        """
        if self._before is None or self._before[0] != old.text:
            self._before = old.text, self._errors(old)
        before = self._before[1]
        after = self._errors(new) if before is not None else None
        if before is None or after is None:
            if new.name not in self.unanswered:
                self.unanswered.append(new.name)
            return None
        fresh = [
            (place, message)
            for place, messages in after.items()
            for message in messages[len(before.get(place, ())) :]
        ]
        return _refusal(fresh) if fresh else None

    def told(self) -> Judged:
        """Return what was done since this was asked last."""
        judged = Judged(tuple(self.unanswered), self.asked, self.broken)
        self.unanswered, self.asked = [], False
        return judged

    def hear(self, judged: Judged) -> None:
        """Take what another judge did as done here, too."""
        self.asked |= judged.asked
        self.broken |= judged.broken
        self.unanswered += [name for name in judged.unanswered if name not in self.unanswered]

    def close(self) -> None:
        """End the child process."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _errors(self, document: Document) -> dict[_Place, list[str]] | None:
        """Return the messages of all errors by their place; None where there is no answer."""
        self.asked = True
        if self._child is None and not self.broken:
            self._child = _started(self.command)
            self.broken = self._child is None or self._child.read(self.start) != "ready"
        if self._child is None or self.broken:
            return None
        answer = self._child.ask({"text": document.text}, self.limit)
        if answer is None:
            self.close()  # the next text gets a new one
        if not isinstance(answer, list):
            return None
        found: dict[_Place, list[str]] = {}
        for rule, logical_id, path, message in answer:
            place = (rule, logical_id, _INDEX.sub("*", path))
            found.setdefault(place, []).append(message)
        return found


def _refusal(errors: Sequence[tuple[_Place, str]]) -> Refusal:
    (rule, logical_id, _), message = errors[0]
    words = message.rstrip(".")
    if len(words) > _LONGEST:
        words = words[:_LONGEST] + " …"
    where = f" of {logical_id}" if logical_id else ""
    others = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
    return Refusal(
        "validator-error",
        f"the repaired template would have an error that it has not now: {rule}{where}: "
        f"{words}{others} (cloudformation-validate)",
    )


class _Child:
    """A process that answers a line of JSON with a line of JSON, in time or not at all."""

    def __init__(self, command: Sequence[str]) -> None:
        # The child imports from where this process does, wherever that is.
        paths = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"},
            encoding="utf-8",
        )
        self._answers: SimpleQueue[str] = SimpleQueue()
        stream = self._process.stdout
        threading.Thread(target=_pass_on, args=(stream, self._answers), daemon=True).start()

    def ask(self, question: Mapping[str, str], seconds: float) -> Any:
        """Return the answer to a question; None where there is none in time."""
        stream = self._process.stdin
        try:
            if stream is not None:
                stream.write(json.dumps(question) + "\n")
                stream.flush()
        except OSError:
            return None  # it has ended
        return self.read(seconds)

    def read(self, seconds: float) -> Any:
        """Return the next thing that the child says; None where that takes longer, or it ends."""
        try:
            return json.loads(self._answers.get(timeout=seconds) or "null")
        except (Empty, ValueError):
            return None

    def kill(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was not sent any more
                if stream is not None:
                    stream.close()


def _started(command: Sequence[str]) -> _Child | None:
    """Return a new child; None where the system has no process for it."""
    try:
        return _Child(command)
    except OSError:
        return None


def _pass_on(stream: IO[str] | None, answers: SimpleQueue[str]) -> None:
    with contextlib.suppress(ValueError):  # closed meanwhile
        for line in stream or ():
            answers.put(line)
    answers.put("")
