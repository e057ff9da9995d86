"""Results as text: for a terminal, a machine, a reviewer."""

from __future__ import annotations
