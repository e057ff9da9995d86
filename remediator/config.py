"""Reads the settings of a project: `remediator.toml` or `[tool.remediator]` in pyproject.toml.

Settings are data, never code: a plugin is named on the command line only, because a scanned
repository must not decide what runs on the machine that scans it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from .errors import ConfigError
from .model import Consequence, Settings

OWN_FILE = "remediator.toml"
PROJECT_FILE = "pyproject.toml"
_PLUGIN_KEYS = frozenset({"plugin", "plugins"})
_CHOICES = {
    "manual-secrets": ("in-place", "replace"),
    "secret-kms-key": ("none", "database"),
}
KEYS = ("select", "ignore", "allow", "new", *_CHOICES)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; None where it says nothing, then the file's setting stands."""

    select: frozenset[str] | None = None
    ignore: frozenset[str] | None = None
    allow: frozenset[str] | None = None
    new: bool | None = None
    manual_secrets: str | None = None
    plugins: tuple[str, ...] = ()


def load(start: Path, options: Options | None = None, config: Path | None = None) -> Settings:
    """Return the settings for an input: the options over its nearest settings file over defaults.

    `start` is the input, a file or folder; `config`, where given, is the settings file to read
    instead of looking for one. Raises ConfigError for an unknown key or a value of a wrong type,
    naming file and key.
    """
    return load_with_source(start, options, config)[0]


def load_with_source(
    start: Path, options: Options | None = None, config: Path | None = None
) -> tuple[Settings, tuple[str, str] | None]:
    """Return the settings for an input, and the file that changes them with what it changes."""
    file = config if config is not None else find(start)
    if file is None:
        return with_options(Settings(), options or Options()), None
    own = _from_file(file, required=config is not None)
    settings = with_options(own, options or Options())
    words = "; ".join(
        f"{field.name.replace('_', '-')}: {_words(getattr(own, field.name))}"
        for field in fields(Settings)
        if getattr(own, field.name) == getattr(settings, field.name)
        and getattr(own, field.name) != getattr(Settings(), field.name)
    )
    return settings, (str(file), words) if words else None


def _words(value: object) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def find(start: Path) -> Path | None:
    """Return the settings file for an input: the nearest upwards, no farther than `.git`.

    A pyproject.toml without `[tool.remediator]` is passed over. None where there is none.
    """
    here = start.absolute()
    try:
        return _nearest([here, *here.parents] if here.is_dir() else list(here.parents))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}") from error


def _nearest(folders: Sequence[Path]) -> Path | None:
    for folder in folders:
        if (folder / OWN_FILE).is_file():
            return folder / OWN_FILE
        project = folder / PROJECT_FILE
        if project.is_file() and _section(project, _read(project)) is not None:
            return project
        if (folder / ".git").exists():
            return None
    return None


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: is not valid TOML: {error}") from error


def _section(file: Path, content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if file.name != PROJECT_FILE:
        return content
    tool = content.get("tool", {})
    section = tool.get("remediator") if isinstance(tool, dict) else None
    if section is not None and not isinstance(section, dict):
        raise ConfigError(f"{file}: tool.remediator must be a table")
    return section


def _from_file(file: Path, *, required: bool) -> Settings:
    section = _section(file, _read(file))
    if section is None:
        if required:
            raise ConfigError(f"{file}: has no [tool.remediator] table")
        return Settings()
    settings = Settings()
    for key, value in section.items():
        settings = _with_key(settings, file, key, value)
    return settings


def _with_key(settings: Settings, file: Path, key: str, value: object) -> Settings:
    where = f"{file}: {key}"
    if key in _PLUGIN_KEYS:
        raise ConfigError(
            f"{where}: a settings file cannot load plugins, because a scanned repository must not "
            "decide what code runs; name them on the command line with --plugin"
        )
    match key:
        case "select":
            return replace(settings, select=_names(where, value))
        case "ignore":
            return replace(settings, ignore=_names(where, value))
        case "allow":
            return replace(settings, allow=consequences(_names(where, value), where))
        case "new":
            if not isinstance(value, bool):
                raise ConfigError(f"{where} must be true or false, not {_kind(value)}")
            return replace(settings, new=value)
        case "manual-secrets":
            return replace(settings, manual_secrets=_choice(where, key, value))
        case "secret-kms-key":
            return replace(settings, secret_kms_key=_choice(where, key, value))
    raise ConfigError(f"{where}: unknown key; the known ones are {', '.join(KEYS)}")


def with_options(settings: Settings, options: Options) -> Settings:
    """Return the settings with what the options say; raises ConfigError where one is wrong."""
    if options.select is not None:
        settings = replace(settings, select=options.select)
    if options.ignore is not None:
        settings = replace(settings, ignore=options.ignore)
    if options.allow is not None:
        settings = replace(settings, allow=consequences(options.allow, "--allow"))
    if options.new is not None:
        settings = replace(settings, new=options.new)
    if options.manual_secrets is not None:
        choice = _choice("--manual-secrets", "manual-secrets", options.manual_secrets)
        settings = replace(settings, manual_secrets=choice)
    return replace(settings, plugins=options.plugins)


def consequences(names: frozenset[str], where: str) -> frozenset[Consequence]:
    """Return the consequences of these names, and always `safe`; raises ConfigError."""
    known = {consequence.value: consequence for consequence in Consequence}
    for name in sorted(names - known.keys()):
        raise ConfigError(
            f"{where}: unknown consequence {name!r}; the known ones are {', '.join(known)}"
        )
    return frozenset(known[name] for name in names) | {Consequence.SAFE}


def _names(where: str, value: object) -> frozenset[str]:
    if isinstance(value, str):
        value = [name.strip() for name in value.split(",") if name.strip()]
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{where} must be a list of strings, not {_kind(value)}")
    return frozenset(value)


def _choice(where: str, key: str, value: object) -> str:
    if not isinstance(value, str) or value not in _CHOICES[key]:
        choices = " or ".join(f'"{choice}"' for choice in _CHOICES[key])
        raise ConfigError(f"{where} must be {choices}, not {value!r}")
    return value


def _kind(value: object) -> str:
    return {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "a list of something else",
        dict: "a table",
    }.get(type(value), f"a {type(value).__name__}")
