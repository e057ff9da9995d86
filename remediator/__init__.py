"""remediator repairs AWS CloudFormation templates and proves each repair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .library import check as check
    from .library import fix as fix
    from .model import Consequence as Consequence
    from .model import FileResult as FileResult
    from .model import Settings as Settings
    from .model import Status as Status

__version__ = "0.1.0"

_PLACES = {
    **dict.fromkeys(("check", "fix"), "library"),
    **dict.fromkeys(("Consequence", "FileResult", "Settings", "Status"), "model"),
}


def __getattr__(name: str) -> Any:
    """Import what a library's user asks for; the command line does not pay for it."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_PLACES[name]}", __name__), name)
