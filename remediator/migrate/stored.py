"""The result of a run as it is kept and sent: without any secret, and read back as the same value.

Every report can be made of it later, the review page over all repositories too. It is plain JSON,
packed: nothing in a state file that somebody gives us can run.
"""

from __future__ import annotations

import json
import os
import re
import types
import zlib
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from .. import changes
from ..errors import FileError
from ..model import Add, Finding, Replace, Span
from ..report.mask import mask, mask_patch, mask_spans, mask_value
from ..results import FileResult, RunResult

HIDDEN = "(masked)"
"""Stands for a secret in a text that is kept. YAML reads it as a scalar, unlike asterisks."""
_MOST = 200_000_000
"""Bytes of one result, unpacked, at the most."""
_EXACT = frozenset({"id", "causes", "transform", "patch"})
_KIND = "is"
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError, zlib.error)


def dump(result: RunResult, root: Path) -> bytes:
    """Return a result as bytes, its secrets masked, its paths as they are seen from `root`.

    The texts of files that stay as they are, and what the settings were, are left out.
    """
    files = tuple(_without_secrets(file, root) for file in result.files)
    kept = replace(result, files=files, settings=(), untracked=(), unmasked="")
    return zlib.compress(json.dumps(_plain(kept), separators=(",", ":")).encode())


def load(content: bytes) -> RunResult:
    """Return the result that `dump` packed; raises FileError where it cannot be read."""
    try:
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(content, _MOST)
        if unpacking.unconsumed_tail:
            raise ValueError("too large")
        result = _value(RunResult, json.loads(text))
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
        zlib.error,
    ) as error:
        raise FileError(
            "a stored result cannot be read, another version may have written it"
        ) from error
    assert isinstance(result, RunResult)
    return result


# --- without secrets --------------------------------------------------------------------------


def _without_secrets(file: FileResult, root: Path) -> FileResult:
    hide = _Mask(file.masked, f"{root}{os.sep}")
    changed = file.old != file.new
    old = hide.template(file.old, file.hidden_old) if changed else ""
    new = hide.template(file.new, file.hidden_new) if changed else ""
    bare = replace(file, diff_path="", old="", new="", secrets=(), hidden_old=(), hidden_new=())
    kept: FileResult = hide.all_of(bare)
    return replace(
        kept,
        path=file.path.removeprefix(hide.here),
        patch=mask_patch(file.patch, file.masked),
        old=old,
        new=new,
        hidden_old=_places(old),
        hidden_new=_places(new),
    )


def _places(text: str) -> tuple[Span, ...]:
    """Return where a text is masked: reports show these places as they show any secret."""
    return tuple(match.span() for match in re.finditer(re.escape(HIDDEN), text))


@dataclass(frozen=True, slots=True)
class _Mask:
    """Takes the secrets of a file, and the folder that it lay in, out of values."""

    secrets: tuple[str, ...]
    here: str

    def template(self, text: str, spans: tuple[Span, ...]) -> str:
        return mask(mask_spans(text, spans, HIDDEN), self.secrets, HIDDEN)

    def all_of(self, value: Any) -> Any:
        """Return a value with all texts in it masked, save those that name something."""
        if isinstance(value, Enum):
            return value
        if isinstance(value, str):
            return mask(value.replace(self.here, ""), self.secrets)
        if isinstance(value, tuple):
            return tuple(map(self.all_of, value))
        if not is_dataclass(value) or isinstance(value, type):
            return value
        names = [each.name for each in fields(value) if each.name not in _EXACT]
        changes = {name: self.all_of(getattr(value, name)) for name in names}
        if isinstance(value, Finding):
            changes["masked"] = ()
        if isinstance(value, Add | Replace):
            changes["value"] = mask_value(value.value, self.secrets)
        return replace(value, **changes)


# --- as plain data ----------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        content = {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
        return {_KIND: type(value).__name__, **content}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, localns=vars(changes))  # results imports them for its types only


def _value(hint: Any, data: Any) -> Any:
    """Return plain data as a value of this type; raises ValueError, TypeError or KeyError."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _one_of(arguments, data)
    if isinstance(hint, type) and is_dataclass(hint):
        known = _hints(hint)
        return hint(**{k: _value(known[k], each) for k, each in data.items() if k in known})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(data)
    if origin is frozenset:
        return frozenset(_value(arguments[0], item) for item in data)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return tuple(_value(arguments[0], item) for item in data)
        return tuple(_value(*each) for each in zip(arguments, data, strict=True))
    return data


def _one_of(hints: tuple[Any, ...], data: Any) -> Any:
    """Return data as the value of that type, of several, which it says it is."""
    if not isinstance(data, dict):
        return data
    known = {hint.__name__: hint for hint in hints if is_dataclass(hint) and isinstance(hint, type)}
    return _value(known[data[_KIND]], data) if known else data
