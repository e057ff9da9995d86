"""Settings for every test."""

from __future__ import annotations

from hypothesis import settings

# No time decides whether a test passes.
settings.register_profile("remediator", deadline=None)
settings.load_profile("remediator")
