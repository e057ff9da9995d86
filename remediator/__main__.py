"""`python -m remediator`, and the script of that name."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

_OBJECTS = 50_000
"""New objects after which Python looks for garbage that refers to itself; some 5 MB of them."""


def main() -> None:
    """Run the command line; exits as the README says, after Ctrl-C with 130, SIGTERM with 143.

    Everything is imported in here, so that no moment is left at which Ctrl-C shows a traceback.
    """
    try:
        from .errors import Interrupted
        from .interrupt import Handler
    except KeyboardInterrupt:
        _stop("interrupted", 130)

    handler = Handler()
    try:
        handler.install()
        # What is imported and parsed is no garbage: to look for some every 700 objects is vain.
        gc.set_threshold(_OBJECTS)
        from .cli import main as run

        try:
            run()
        finally:
            # All goes with the process: Python's last collection would walk through it for nothing.
            gc.freeze()
    except (KeyboardInterrupt, Interrupted):
        _stop("interrupted; no file is half written", handler.exit_code)
    except Exception as error:  # noqa: BLE001 - the last place that can keep a value back
        # The error's own text may quote a template, and with it a secret: only its type, and with
        # REMEDIATOR_DEBUG the places of the code that it came through.
        if os.environ.get("REMEDIATOR_DEBUG"):
            from .trace import without_values

            sys.stderr.write(without_values(error))
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
