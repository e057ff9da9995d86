"""`python -m remediator`, and the script of that name."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


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
        from .cli import main as run

        run()
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
