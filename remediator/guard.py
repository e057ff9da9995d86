"""Keeps what nobody expected of one file from ending the work on all others."""

from __future__ import annotations

import os
from collections.abc import Callable

from .errors import RemediatorError
from .results import FileResult, Status


def guarded(name: str, work: Callable[[], FileResult | None]) -> FileResult | None:
    """Turn what nobody expected into that file's error, so that the other files go on."""
    try:
        return work()
    except Exception as error:
        if os.environ.get("REMEDIATOR_DEBUG"):
            raise
        if isinstance(error, RemediatorError):
            return FileResult(
                name,
                Status.ERROR,
                error=error.message,
                error_line=error.line,
                error_column=error.column,
            )
        if isinstance(error, OSError):
            reason = f"cannot be read: {error.strerror or type(error).__name__}"
            return FileResult(name, Status.ERROR, error=reason)
        # The error's own text may quote the template, and with it a secret: only its type.
        return FileResult(
            name,
            Status.ERROR,
            error=f"a defect of remediator ({type(error).__name__}); the file stays as it was. "
            "Please report it; REMEDIATOR_DEBUG=1 shows where it happened",
        )
