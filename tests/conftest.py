"""Settings for every test."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

from remediator import validator

# No time decides whether a test passes.
settings.register_profile("remediator", deadline=None)
settings.load_profile("remediator")

# Whoever starts the tests in the background may have Ctrl-C ignored; what they start would, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def without_validator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start no rules engine for every command line: test_validator.py asks it, and the judges."""
    monkeypatch.setattr(validator, "is_installed", lambda: False)
