"""Tracebacks for a person who looks for a defect, without what they could give away."""

from __future__ import annotations

from traceback import format_tb


def without_values(error: BaseException) -> str:
    """Return a traceback that holds no message of an error and no value: types and places."""
    cause = error.__cause__ or error.__context__
    before = without_values(cause) + "\nwhich led to\n\n" if cause is not None else ""
    return f"{before}{''.join(format_tb(error.__traceback__))}{type(error).__qualname__}\n"
