"""remediator repairs AWS CloudFormation templates and proves each repair."""

import sys

# `python -m remediator` makes the current folder the first place to import from, and that may be
# the repository to be looked at: a `yaml.py` there would run. So nothing is imported before the
# folder is off the path, not even `__future__`. While -m looks for a module, argv[0] is "-m":
# https://docs.python.org/3/using/cmdline.html#cmdoption-m
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
    del sys.path[0]

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import check as check
    from .api import fix as fix
    from .model import Consequence as Consequence
    from .model import Settings as Settings
    from .results import FileResult as FileResult
    from .results import Status as Status

__version__ = "0.1.0"

_PLACES = {
    **dict.fromkeys(("check", "fix"), "api"),
    **dict.fromkeys(("Consequence", "Settings"), "model"),
    **dict.fromkeys(("FileResult", "Status"), "results"),
}


def __getattr__(name: str) -> Any:
    """Import what a library's user asks for; the command line does not pay for it."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_PLACES[name]}", __name__), name)
