"""Random templates for `make fuzz` and for the tests: how they are written, and what must hold."""

from __future__ import annotations
