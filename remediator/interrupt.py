"""Ctrl-C and SIGTERM: they end a run at once, or as soon as what must not be cut in two is done."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType

from .errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Handler:
    """A handler of these signals. It raises Interrupted; what is held is finished before."""

    def __init__(self) -> None:
        self._number: int = signal.SIGINT
        self._held = False
        self._waiting = False

    def install(self) -> None:
        """Handle the signals, save those that whoever started us wants ignored, as nohup does."""
        for each in SIGNALS:
            if signal.getsignal(each) is not signal.SIG_IGN:
                signal.signal(each, self)

    @property
    def exit_code(self) -> int:
        """The code that a shell expects after the last signal: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self._number

    def __call__(self, number: int, _: FrameType | None) -> None:
        """Take a signal: raises Interrupted, now or at the end of what is held."""
        self._number = number
        if not self._held:
            raise Interrupted
        self._waiting = True

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Let a signal wait until the block is left; Interrupted is raised there."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            if self._waiting:
                self._waiting = False
                raise Interrupted


def held() -> AbstractContextManager[None]:
    """Return a context in which a signal waits: what is written in it is told, too.

    Only the command line has a handler in place. Whoever uses remediator as a library keeps his
    own, and KeyboardInterrupt comes at once.
    """
    handler = _installed()
    return nullcontext() if handler is None else handler.hold()


def exit_code() -> int:
    """Return the exit code of a run that a signal ended."""
    handler = _installed() or Handler()
    return handler.exit_code


def _installed() -> Handler | None:
    handlers = map(signal.getsignal, SIGNALS)
    return next((each for each in handlers if isinstance(each, Handler)), None)
