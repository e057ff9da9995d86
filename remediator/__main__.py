"""`python -m remediator`, and the script of that name."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn


def main() -> None:
    """Run the command line; exits with 0, 1 or 2 as the README says, with 130 after Ctrl-C.

    Everything is imported in here, so that no moment is left at which Ctrl-C shows a traceback.
    """
    try:
        from .errors import Interrupted
    except KeyboardInterrupt:
        _stop("interrupted", 130)

    def interrupt(_: int, __: FrameType | None) -> None:
        raise Interrupted

    try:
        signal.signal(signal.SIGINT, interrupt)
        from .cli import main as run

        run()
    except (KeyboardInterrupt, Interrupted):
        _stop("interrupted; no file is half written", 130)
    except Exception as error:
        if os.environ.get("REMEDIATOR_DEBUG"):
            raise
        # The error's own text may quote a template, and with it a secret: only its type.
        _stop(
            f"a defect of remediator ({type(error).__name__}); please report it; "
            "REMEDIATOR_DEBUG=1 shows where it happened",
            2,
        )


def _stop(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"remediator: {message}\n")
    raise SystemExit(code) from None


if __name__ == "__main__":
    main()
