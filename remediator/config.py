"""Reads the settings of a project: `remediator.toml` or `[tool.remediator]` in pyproject.toml.

Settings are data, never code: a plugin is named on the command line only, because a scanned
repository must not decide what runs on the machine that scans it.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .errors import ConfigError
from .model import Consequence, Settings

OWN_FILE = "remediator.toml"
PROJECT_FILE = "pyproject.toml"
_PLUGIN_KEYS = frozenset({"plugin", "plugins"})
_CHOICES = {
    "strategy": ("generated", "reference", "managed"),
    "manual-secrets": ("in-place", "replace"),
}
_TEXTS = ("secret-kms-key", "secret-name-prefix", "rotation")
_SWITCHES = ("new", "secret-output")
_PER_PATH = ("select", "ignore", "allow", *_SWITCHES, *_CHOICES, *_TEXTS)
KEYS = (*_PER_PATH, "paths")
# Compiled where they are set, which few projects do.
_KMS_KEY = r"(?a)none|database|alias/[\w/-]+|arn:[\w-]+:kms:[\w-]+:\d{12}:(key|alias)/[\w/-]+"
_NAME_PREFIX = r"[A-Za-z0-9/_+=.@-]{0,128}"  # AWS: names of secrets
_LONGEST_GLOB = 1000
_SHOWN = 80
MOST_DAYS = 1000
"""Between two rotations (AWS: RotationRules)."""


class Options(NamedTuple):
    """What the command line says; None where it says nothing, then the file's setting stands."""

    select: frozenset[str] | None = None
    ignore: frozenset[str] | None = None
    allow: frozenset[str] | None = None
    new: bool | None = None
    strategy: str | None = None
    rotation: str | None = None
    manual_secrets: str | None = None
    only: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()
    plugins: tuple[str, ...] = ()


def as_words(options: Options) -> list[str]:
    """Return options as words of a command line, without the choice of repairs by id."""
    words = ["--new"] if options.new else []
    for name in ("select", "ignore", "allow"):
        names = getattr(options, name)
        words += [f"--{name}", ",".join(sorted(names))] if names else []
    for name in ("strategy", "rotation", "manual_secrets"):
        value = getattr(options, name)
        words += [f"--{name.replace('_', '-')}", value] if value else []
    for plugin in options.plugins:
        words += ["--plugin", plugin]
    return words


class Rule(NamedTuple):
    """What a table `[paths."<glob>"]` changes: fields of Settings, for the files that match."""

    glob: str
    changes: tuple[tuple[str, Any], ...]

    def matches(self, relative: str) -> bool:
        """Tell whether a path relative to the settings file matches: `**` stands for folders."""
        from .globs import matches

        return matches(self.glob, relative)


class Project(NamedTuple):
    """The settings of an input: those of its settings file with the options, and those by path.

    `source` is the settings file that changes what is done, with what it sets.
    """

    settings: Settings
    source: tuple[str, str] | None = None
    rules: tuple[Rule, ...] = ()
    options: Options = Options()
    folder: Path = Path()

    def of(self, file: Path) -> Settings:
        """Return the settings of one file: the tables that match it, in their order."""
        if not self.rules:
            return self.settings
        return self._with(self._rules_of(file))

    def source_of(self, files: Sequence[Path]) -> tuple[str, str] | None:
        """Return the source, with the tables that none of these files is in: a slip, maybe."""
        if self.source is None or not files:
            return self.source
        matched = {rule for file in files for rule in self._rules_of(file)}
        idle = [f"{r.glob} matches no template here" for r in self.rules if r not in matched]
        return self.source[0], "; ".join([self.source[1], *idle])

    def _rules_of(self, file: Path) -> list[Rule]:
        here, folder = file.resolve(), self.folder.resolve()
        if not here.is_relative_to(folder):
            return []
        relative = here.relative_to(folder).as_posix()
        return [rule for rule in self.rules if rule.matches(relative)]

    @property
    def variants(self) -> tuple[Settings, ...]:
        """The settings without any table and with each of them, to be looked at beforehand."""
        return (self.settings, *(self._with([rule]) for rule in self.rules))

    def _with(self, rules: Iterable[Rule]) -> Settings:
        settings = self.settings
        for rule in rules:
            settings = settings._replace(**dict(rule.changes))
        return with_options(settings, self.options)


def load(start: Path, options: Options | None = None, config: Path | None = None) -> Settings:
    """Return the settings for an input: the options over its nearest settings file over defaults.

    `start` is the input, a file or folder; `config`, where given, is the settings file to read
    instead of looking for one. Raises ConfigError for an unknown key or a value of a wrong type,
    naming file and key.
    """
    project = load_project(start, options, config)
    return project.of(start) if project.rules else project.settings


def load_project(
    start: Path, options: Options | None = None, config: Path | None = None
) -> Project:
    """Return the settings for an input with those by path; raises ConfigError as `load` does."""
    options = options or Options()
    file = config if config is not None else find(start)
    if file is None:
        return Project(with_options(Settings(), options), options=options)
    own, rules = _from_file(file, required=config is not None)
    settings = with_options(own, options)
    words = [
        _words(name, getattr(own, name))
        for name in Settings._fields
        if getattr(own, name) == getattr(settings, name)
        and getattr(own, name) != getattr(Settings(), name)
    ]
    words += [f"{r.glob}: {', '.join(_words(*change) for change in r.changes)}" for r in rules]
    source = (str(file), "; ".join(words)) if words else None
    return Project(settings, source, rules, options, file.parent)


def _words(name: str, value: object) -> str:
    if isinstance(value, frozenset):
        text = ", ".join(sorted(value))
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"{name.replace('_', '-')}: {text}" + ("d" if name == "rotation" else "")


def schema() -> str:
    """Return the JSON Schema of the settings, for editors."""
    return Path(__file__).with_name("settings.schema.json").read_text(encoding="utf-8")


def find(start: Path) -> Path | None:
    """Return the settings file for an input: the nearest upwards, no farther than `.git`.

    A pyproject.toml without `[tool.remediator]` is passed over. None where there is none.
    """
    try:
        here = _real(start)
        for folder in [here, *here.parents] if here.is_dir() else here.parents:
            file, is_last = settings_in(folder)
            if file is not None or is_last:
                return file
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}") from error
    return None


def _real(path: Path) -> Path:
    """Return a path without `..`, which is no folder to look in, and without links."""
    try:
        return path.resolve()
    except RuntimeError:  # a link that leads in a circle, before Python 3.13
        return path.absolute()


def settings_in(folder: Path) -> tuple[Path | None, bool]:
    """Return the settings file of a folder itself, and whether none farther up holds for it.

    Raises ConfigError where a pyproject.toml cannot be read, OSError where the folder cannot.
    """
    is_last = (folder / ".git").exists() or folder.parent == folder
    if (folder / OWN_FILE).is_file():
        return folder / OWN_FILE, is_last
    project = folder / PROJECT_FILE
    if project.is_file() and _section(project) is not None:
        return project, is_last
    return None, is_last


def _section(file: Path) -> Mapping[str, Any] | None:
    """Return the settings in a file; None where a pyproject.toml has none."""
    from .toml_file import parsed, text_of  # where there is a file

    text = text_of(file)
    if file.name != PROJECT_FILE:
        return parsed(file, text)
    if "remediator" not in text:
        return None  # whatever else is in it is not ours to judge
    tool = parsed(file, text).get("tool", {})
    section = tool.get("remediator") if isinstance(tool, dict) else None
    if section is not None and not isinstance(section, dict):
        raise ConfigError(f"{file}: tool.remediator must be a table")
    return section


def _from_file(file: Path, *, required: bool) -> tuple[Settings, tuple[Rule, ...]]:
    section = _section(file)
    if section is None:
        if required:
            raise ConfigError(f"{file}: has no [tool.remediator] table")
        return Settings(), ()
    return read_table(file, section)


def read_table(file: Path, section: Mapping[str, Any]) -> tuple[Settings, tuple[Rule, ...]]:
    """Return the settings and the rules by path of a table; raises ConfigError as `load` does."""
    own = [_change(f"{file}: {_short(k)}", k, v) for k, v in section.items() if k != "paths"]
    return Settings(**dict(own)), _rules(file, section.get("paths", {}))


def _rules(file: Path, tables: object) -> tuple[Rule, ...]:
    if not isinstance(tables, dict):
        raise ConfigError(f"{file}: paths must be a table of tables, not {_kind(tables)}")
    found = []
    for glob, table in tables.items():
        where = f'{file}: paths."{_short(glob)}"'
        if len(glob) > _LONGEST_GLOB:
            raise ConfigError(f"{where} is longer than {_LONGEST_GLOB} characters")
        if not isinstance(table, dict):
            raise ConfigError(f"{where} must be a table, not {_kind(table)}")
        changes = (_change(f"{where}.{_short(key)}", key, v) for key, v in table.items())
        found.append(Rule(glob, tuple(changes)))
    return tuple(found)


def _short(name: str) -> str:
    return name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"


def _change(where: str, key: str, value: object) -> tuple[str, Any]:
    """Return the field of Settings that a key sets, and its value."""
    if key in _PLUGIN_KEYS:
        raise ConfigError(
            f"{where}: a settings file cannot load plugins, because a scanned repository must not "
            "decide what code runs; name them on the command line with --plugin"
        )
    name = key.replace("-", "_")
    if key in ("select", "ignore"):
        return name, _names(where, value)
    if key == "allow":
        return name, consequences(_names(where, value), where)
    if key in _SWITCHES:
        if not isinstance(value, bool):
            raise ConfigError(f"{where} must be true or false, not {_kind(value)}")
        return name, value
    if key in _CHOICES:
        return name, _choice(where, key, value)
    if key in _TEXTS:
        return name, _text(where, key, value)
    raise ConfigError(f"{where}: unknown key; the known ones are {', '.join(KEYS)}")


def with_options(settings: Settings, options: Options) -> Settings:
    """Return the settings with what the options say; raises ConfigError where one is wrong."""
    if options.select is not None:
        settings = settings._replace(select=options.select)
    if options.ignore is not None:
        settings = settings._replace(ignore=options.ignore)
    if options.allow is not None:
        settings = settings._replace(allow=consequences(options.allow, "--allow"))
    if options.new is not None:
        settings = settings._replace(new=options.new)
    if options.strategy is not None:
        choice = _choice("--strategy", "strategy", options.strategy)
        settings = settings._replace(strategy=choice)
    if options.rotation is not None:
        settings = settings._replace(rotation=_days("--rotation", options.rotation))
    if options.manual_secrets is not None:
        choice = _choice("--manual-secrets", "manual-secrets", options.manual_secrets)
        settings = settings._replace(manual_secrets=choice)
    return settings._replace(only=options.only, skip=options.skip, plugins=options.plugins)


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
        raise ConfigError(f"{where} must be {choices}, not {reprlib.repr(value)}")
    return value


def _text(where: str, key: str, value: object) -> str | int:
    if not isinstance(value, str):
        raise ConfigError(f"{where} must be a string, not {_kind(value)}")
    if key == "rotation":
        return _days(where, value)
    if key == "secret-kms-key" and not re.fullmatch(_KMS_KEY, value):
        raise ConfigError(
            f'{where} must be "none", "database", the ARN of a key or "alias/…", '
            f"not {reprlib.repr(value)}"
        )
    if key == "secret-name-prefix" and not re.fullmatch(_NAME_PREFIX, value):
        raise ConfigError(
            f"{where} may hold letters, digits and /_+=.@- only, 128 at the most, "
            f"not {reprlib.repr(value)}"
        )
    return value


def _days(where: str, value: str) -> int:
    """Return the days of `30d`; 0, for no rotation, of `none`."""
    days = re.fullmatch(r"([0-9]{1,4})d", value)
    if value == "none":
        return 0
    if days is None or not 1 <= int(days[1]) <= MOST_DAYS:
        raise ConfigError(f'{where} must be "none" or days such as "30d", 1 to {MOST_DAYS} of them')
    return int(days[1])


def _kind(value: object) -> str:
    return {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "a list of something else",
        dict: "a table",
    }.get(type(value), f"a {type(value).__name__}")
