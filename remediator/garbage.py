"""When Python's garbage collector has to wait."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Keep the garbage collector from walking what is built while a document is handled.

    All of it is needed until then, and goes without the collector once nothing refers to it: the
    more often it looks, the longer it takes, for nothing.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
