"""Who handles a file: the settings that are nearest to it decide, and the tables by path in them.

So a template is treated alike whichever folder above it is given, in a repository of many projects
too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from . import config, registry
from .config import Options, Project
from .errors import ConfigError
from .model import Settings
from .runner import Runner
from .transform import Transform

Source: TypeAlias = tuple[str, str] | None
"""The settings file that changes what is done, and what it sets."""
Make: TypeAlias = Callable[[Settings, Source], Runner]


_NONE = frozenset({""})  # chooses no repair at all; an empty choice would be all


def transforms(settings: Settings, source: Source) -> tuple[Transform, ...]:
    """Return the transforms that settings ask for; raises ConfigError, with the file, if wrong."""
    try:
        return registry.load(settings)
    except ConfigError as error:
        raise ConfigError(f"{source[0]}: {error.message}" if source else error.message) from error


def load(path: Path, options: Options, named: Path | None) -> Project:
    """Return the settings for an input, of which every transform is there; raises ConfigError."""
    project = config.load_project(path, options, named)
    for settings in project.variants:
        transforms(settings, project.source)
    return project


class Runners:
    """Finds the runner of each file; one for all files with the same settings.

    `only`, where given, holds for all files: the settings file was named. `chosen`, where given,
    are the ids of the repairs to make, by the path of their file.
    """

    def __init__(
        self,
        make: Make,
        options: Options,
        only: Project | None,
        chosen: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self._make = make
        self._options = options
        self._only = only
        self._chosen = chosen
        self._files: dict[Path, Path | None] = {}
        self._projects: dict[Path | None, Project] = {}
        self._runners: dict[Settings, Runner] = {}

    def of(self, file: Path) -> Runner:
        """Return who handles a file; raises ConfigError where its settings are wrong."""
        settings, source = self.settings_of(file)
        if self._chosen is not None:
            settings = settings._replace(only=self._chosen.get(str(file), _NONE))
        if settings not in self._runners:
            self._runners[settings] = self._make(settings, source)
        return self._runners[settings]

    def settings_of(self, file: Path) -> tuple[Settings, Source]:
        """Return the settings of a file and where they stand; raises ConfigError if wrong."""
        project = self._project(file)
        return project.of(file), project.source

    def sources(self, files: Iterable[Path], first: Project) -> list[tuple[str, str]]:
        """Return the settings files that change what is done with these files, each once.

        `first` is told of in any case.
        """
        found: dict[Project, list[Path]] = {first: []}
        for file in files:
            project = self._project(file)
            own = found.setdefault(project, [])
            if project.rules:  # else it does not matter which files it is for
                own.append(file)
        sources = (project.source_of(own) for project, own in found.items())
        return list(dict.fromkeys(source for source in sources if source is not None))

    def _project(self, file: Path) -> Project:
        if self._only is not None:
            return self._only
        real = file.resolve() if file.is_symlink() else file
        nearest = self._nearest(real.parent)
        if nearest not in self._projects:
            self._projects[nearest] = load(real, self._options, nearest)
        return self._projects[nearest]

    def _nearest(self, folder: Path) -> Path | None:
        """Return the settings file of a folder, as `config.find` does, reading each file once."""
        if folder in self._files:
            return self._files[folder]
        passed, here = [folder], folder.resolve()
        while here not in self._files:
            passed.append(here)
            file, is_last = config.settings_in(here)
            if file is not None or is_last:
                self._files[here] = file
            else:
                here = here.parent
        self._files.update(dict.fromkeys(passed, self._files[here]))
        return self._files[here]
