"""remediator repairs AWS CloudFormation templates and proves each repair."""

from __future__ import annotations

__version__ = "0.1.0"
