"""Where the transforms come from: the built-in ones by their place, others only when named.

`transforms/` is loaded from its own file, never by a search along `sys.path`: a repository that is
scanned may have a folder of that name, and nothing of it may ever run.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import cast

from .catalogue import Rows
from .errors import ConfigError
from .model import (
    CALLERS,
    Catalogue,
    CreateOnly,
    CreateOnlyTypes,
    Credential,
    Required,
    Settings,
)
from .raw_text import ANCHOR
from .transform import Transform

_NAME = "remediator.transforms"
_GROUP = "remediator.transforms"

# Property names that say too little to be looked for in a text: the resource type is instead.
_GENERIC = frozenset(
    {
        *("Code", "Content", "Environment", "EnvironmentVariables", "Parameters", "Token"),
        *("UserData", "Value", "Variables", "code"),
    }
)


def _folder() -> Path:
    """Return the folder of the transforms: beside this file if installed, else one level up."""
    here = Path(__file__).resolve().parent
    for folder in (here / "transforms", here.parent / "transforms"):
        if (folder / "__init__.py").is_file():
            return folder
    raise ConfigError(f"the transforms are not where they belong, beside {here}; install again")


def _module() -> ModuleType:
    if _NAME in sys.modules:
        return sys.modules[_NAME]
    folder = _folder()
    spec = importlib.util.spec_from_file_location(
        _NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ConfigError(f"the transforms in {folder} cannot be loaded; install again")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[_NAME]
        raise
    return module


def builtin_transforms() -> tuple[Transform, ...]:
    """Return the transforms of this package, in the order in which they plan."""
    return cast(tuple[Transform, ...], _module().TRANSFORMS)


@cache
def catalogue() -> Catalogue:
    """Return every property that holds a credential, by resource type; raises as Rows does."""
    return Rows((_folder() / "credentials.toml").read_text(encoding="utf-8"))


@cache
def required_properties() -> Required:
    """Return what every resource type of AWS requires; the file is read when first asked for."""
    known = _by_type("required.json")
    return MappingProxyType({kind: frozenset(names.split()) for kind, names in known})


@cache
def create_only_properties() -> CreateOnlyTypes:
    """Return what no update of a resource type of AWS changes; the file is read when first asked
    for."""
    return MappingProxyType(
        {kind: _create_only(words.split()) for kind, words in _by_type("create_only.json")}
    )


def _create_only(words: list[str]) -> CreateOnly:
    """Return what words say: paths with slashes; with `=` at its end, what makes a name."""
    names = frozenset(word[:-1] for word in words if word.endswith("="))
    paths = frozenset(tuple(word.rstrip("=").split("/")) for word in words)
    return CreateOnly(paths, names)


def _by_type(name: str) -> Iterator[tuple[str, str]]:
    """Yield every resource type of a table with what that says of it."""
    services = json.loads((_folder() / name).read_text(encoding="utf-8"))["services"]
    for service, kinds in services.items():
        for kind, known in kinds.items():
            yield f"{service}::{kind}", known


def plugins(names: Iterable[str]) -> tuple[Transform, ...]:
    """Load the named entry points of the group `remediator.transforms`, and no others.

    Each is a Transform or a sequence of them. Raises ConfigError where one is not installed,
    fails to load or is something else.
    """
    names = tuple(names)
    if not names:
        return ()
    from importlib.metadata import entry_points  # lazily: it reads what is installed

    found: list[Transform] = []
    installed = entry_points(group=_GROUP)
    for name in names:
        if name not in installed.names:
            known = ", ".join(sorted(installed.names)) or "none is installed"
            raise ConfigError(f"there is no plugin {name} (known: {known})")
        try:
            loaded = installed[name].load()
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"the plugin {name} cannot be loaded: {error}") from error
        transforms = (loaded,) if isinstance(loaded, Transform) else tuple(loaded)
        if not all(isinstance(transform, Transform) for transform in transforms):
            raise ConfigError(f"the plugin {name} is no Transform and no sequence of them")
        found += transforms
    return tuple(found)


def known(settings: Settings) -> frozenset[str]:
    """Return the ids of all transforms there are, the named plugins' too; raises ConfigError."""
    available = (*builtin_transforms(), *plugins(settings.plugins))
    return frozenset(transform.id for transform in available)


def load(settings: Settings) -> tuple[Transform, ...]:
    """Return the transforms that the settings ask for: built-in ones, then named plugins.

    Raises ConfigError for an id that is not known, or is there twice.
    """
    available = (*builtin_transforms(), *plugins(settings.plugins))
    ids = [transform.id for transform in available]
    twice = {name for name in ids if ids.count(name) > 1}
    if twice:
        raise ConfigError(f"two transforms have the id {min(twice)}; name one plugin less")
    unknown = sorted((settings.select | settings.ignore).difference(ids))
    if unknown:
        raise ConfigError(f"there is no transform {unknown[0]} (known: {', '.join(ids)})")
    return tuple(
        transform
        for transform in available
        if (not settings.select or transform.id in {*settings.select, CALLERS})
        and transform.id not in settings.ignore
    )


# A type without its first word, `::RDS::DBInstance`: found several times as fast, by its colons.
_TYPE_END = re.compile(r"::\w+::\w+")
# In a text that spells letters, digits or colons by their number, breaks a word with a backslash at
# a line's end, has an alias for a key, or a key on its own behind `?`, any word may stand as a key.
_SPELLED = re.compile(
    r"\\(?:(?:x|u00|U000000)(?:3[0-9aA]|[46][1-9a-fA-F]|[57][0-9aA])|(?<=[\w:{]\\)[\r\n\x85])"
)
_ALIAS_KEY = re.compile(r"\*(?<=[\s{,]\*)[^\s,\[\]{}]+\s*:")
_ALONE = re.compile(r"^[ -]*\?(?:\s|$)", re.MULTILINE)
# A value that is a dynamic reference already, as nearly all are that need no repair.
_RESOLVED = (
    r"\s*(?:!Sub\s+|\{\s*[\"']?Fn::(?:Sub|Join)[\"']?\s*:\s*(?:\[\s*[\"']{2}\s*,\s*\[\s*)?)?"
    r"[\"']?\{\{resolve:"
)


def trigger(transforms: Iterable[Transform], catalogue: Catalogue) -> Callable[[str], bool]:
    """Return a look at a raw text: whether any of the transforms may find something there.

    A credential needs both words, its resource's type and its property, and a value that is no
    dynamic reference.
    """
    transforms = tuple(transforms)
    triggers = dict.fromkeys(each for transform in transforms for each in transform.triggers)
    words = [each for each in triggers if isinstance(each, str)]
    looks = [
        each.search if isinstance(each, re.Pattern) else each
        for each in triggers
        if not isinstance(each, str)
    ]
    if any(each.reads_catalogue for each in transforms):
        looks.insert(0, _credentials(catalogue))
    if transforms:
        looks.append(_is_odd)

    def wanted(text: str) -> bool:
        return any(word in text for word in words) or any(look(text) for look in looks)

    return wanted


def _credentials(catalogue: Catalogue) -> Callable[[str], bool]:
    """Return a look at a raw text: whether a type of the catalogue is there with its property."""
    kinds: dict[str, list[str]] = {}
    for kind in catalogue:
        kinds.setdefault(kind[kind.index("::") :], []).append(kind)

    @cache
    def signs(end: str) -> tuple[re.Pattern[str], ...]:
        rows = (row for kind in kinds[end] for row in catalogue[kind])
        words = dict.fromkeys(_word(row) for row in rows if row.generatable != "no")
        return tuple(_sign(*word) for word in words)

    def wanted(text: str) -> bool:
        for end in kinds.keys() & set(_TYPE_END.findall(text)):
            if any(sign.search(text) for sign in signs(end)):
                return True
        return False

    return wanted


def _is_odd(text: str) -> bool:
    """Tell whether keys may be written in another way than their letters with a colon behind."""
    return bool(
        ("\\" in text and _SPELLED.search(text))
        or ("?" in text and _ALONE.search(text))
        or ("*" in text and _ALIAS_KEY.search(text) and ANCHOR.search(text))
    )


def _word(row: Credential) -> tuple[str, bool]:
    """Return the word that a text with this credential holds, and whether that is a key there."""
    named: Iterator[str] = (step for step in reversed(row.property) if step not in ("*", "{}"))
    name = next(named, "Value")
    is_key = name not in _GENERIC and row.property[-1] != "{}"
    return (name, True) if is_key else (row.type, False)


@cache
def _sign(word: str, is_key: bool) -> re.Pattern[str]:
    """Return what finds a word, and no longer one; it is sought by its letters, which is fast."""
    letters = re.escape(word)
    ending = rf"[\"']?\s*:(?!{_RESOLVED})" if is_key else r"(?!\w)"
    return re.compile(rf"{letters}(?<!\w{letters}){ending}")
