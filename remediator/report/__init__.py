"""Reports: each module turns the result of a run into a string, and nothing else."""

from __future__ import annotations
