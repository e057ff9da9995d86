"""Takes a removed parameter out of the files that still give it a value, byte for byte.

Parameter files and the settings of deployment tools, in YAML, JSON or TOML. Where the entries
stand is found by `call_sites`; the edit is proven before it is given out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .call_sites import Site
from .errors import EditError
from .model import Operation, Span, Value


@dataclass(frozen=True, slots=True)
class Edited:
    """A settings file without some of its entries, and the operations that say which.

    In a file of several YAML documents the first step of a path is the document's number.
    """

    text: str = field(repr=False)
    operations: tuple[Operation, ...] = field(repr=False)
    patch: tuple[dict[str, Value], ...] = field(default=(), repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    hidden: tuple[Span, ...] = field(default=(), repr=False)


def without(name: str, text: str, sites: Sequence[Site]) -> Edited:
    """Return a settings file, of this name, without the entries of these sites, proven.

    `text` is the whole file as it was decoded, with its line ends and a byte order mark where it
    has one; so is the new text. `sites` are places of this very text as `call_sites` finds them,
    all with `edit` `yaml` or `toml`. What becomes empty stays valid for its readers: `{}`, `[]`,
    `""`.

    Raises EditError with the reason where that cannot be done soundly, ProofError where the new
    text is not what was meant. No message holds anything of a value: it may be a secret.
    """
    raise EditError("settings files are not edited yet")
