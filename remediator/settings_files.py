"""Takes a removed parameter out of the files that still give it a value, byte for byte.

Parameter files and the settings of deployment tools, in YAML, JSON or TOML. Where the entries
stand is found by `call_sites`; the edit is proven before it is given out, save for a check.

What loses its last entry stays what its readers take: `{}` or `[]` where there was a mapping or a
list (an empty YAML file, or a null, is none). `parameter_overrides` of the SAM CLI goes with its
last value where that was a text: some of its versions take no empty one
(https://github.com/aws/aws-sam-cli/blob/v1.100.0/samcli/cli/types.py), and all do without the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from . import jinja, settings_toml
from .errors import EditError, ProofError, TemplateError
from .model import Operation, Path, Remove, Replace, is_telling, pointer, value_at
from .nodes import scalars
from .overrides import less, spans_of
from .settings_text import SettingsText
from .sites import Site
from .splice import apply


@dataclass(frozen=True, slots=True)
class Edited:
    """A settings file without some of its entries, and the operations that say which.

    In a file of several YAML documents the first step of a path is the document's number.
    """

    text: str = field(repr=False)
    operations: tuple[Operation, ...] = field(repr=False)


def without(name: str, text: str, sites: Sequence[Site], *, proven: bool = True) -> Edited:
    """Return a settings file, of this name, without the entries of these sites.

    `text` is the whole file as it was decoded, with its line ends and a byte order mark where it
    has one; so is the new text. `sites` are places of this very text as `call_sites` finds them,
    all with `edit` `yaml` or `toml`. What becomes empty stays valid for its readers. Without
    `proven` the edit is not proven: a check asks what it would be, and writes nothing.

    Raises EditError with the reason where that cannot be done soundly, ProofError where the new
    text is not what was meant. No message holds anything of a value: it may be a secret.
    """
    kinds = {site.edit for site in sites}
    if len(kinds) != 1 or not kinds <= {"yaml", "toml"}:
        raise EditError("holds parameters where they cannot be taken out")
    if "\ufffd" in text:
        raise EditError("holds U+FFFD, which stands for what is not UTF-8; save it as UTF-8")
    if kinds == {"toml"}:
        return Edited(*settings_toml.without(text, _named(sites), proven=proven))
    old = _read(text, name)
    try:
        return _without(old, name, sites, proven=proven)
    except (EditError, ProofError) as error:
        # A key may be a secret where a file is not written as it was meant.
        told = {str(step) for site in sites for place in site.places for step in place}
        message = _masked(error.message, {each.value for each in scalars(old.root)} - told)
        raise type(error)(message, line=error.line, column=error.column) from None


def _without(old: SettingsText, name: str, sites: Sequence[Site], *, proven: bool) -> Edited:
    if old.problems:
        raise EditError(old.problems[0].message, line=old.problems[0].line)
    if jinja.has_statements(old.text):
        raise EditError("holds statements of Jinja ({% … %}), which may part its entries")
    operations = _operations(old, sites)
    new_text = ("\ufeff" if old.bom else "") + apply(old, operations, may_empty=True)
    new = _read(new_text, name)
    if proven:
        from .verify import prove_text

        prove_text(old, new, operations)
    return Edited(new_text, operations)


def _masked(message: str, texts: Iterable[str]) -> str:
    for text in sorted(texts, key=len, reverse=True):
        if is_telling(text):
            message = message.replace(text, "***")
    return message


def _named(sites: Iterable[Site]) -> dict[Path, set[str]]:
    """Return the parameters that have to go, by the place of their entry or text."""
    named: dict[Path, set[str]] = {}
    for site in sites:
        for place in site.places:
            named.setdefault(place, set()).add(site.parameter)
    return named


def _read(text: str, name: str) -> SettingsText:
    try:
        return SettingsText.parse(text, name)
    except TemplateError as error:
        raise EditError(error.message, line=error.line, column=error.column) from error


def _operations(document: SettingsText, sites: Sequence[Site]) -> tuple[Operation, ...]:
    operations: list[Operation] = []
    is_sam = any(site.how == "SAM configuration" for site in sites)
    for place, parameters in _named(sites).items():
        try:
            value = value_at(document.data, place)
        except KeyError:
            raise EditError(f"{pointer(place)} is not there, or below a tag") from None
        rest = ""
        if is_sam and isinstance(value, str) and place[-1] not in parameters:
            rest = less(value, spans_of(value, parameters))
        operations.append(Replace(place, rest) if rest else Remove(place))
    return tuple(operations)
