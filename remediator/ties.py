"""Which template a place that gives parameters is meant for.

A file may say so by a template's place or name, by its own name, by the folder that it stands in,
or by the parameters that it gives. What only seems so is a guess, which nobody edits.
"""

from __future__ import annotations

import glob
import posixpath
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import PurePosixPath
from typing import TypeVar

from .file_names import in_common, nearest_to, stem, stems_for
from .sites import SAM_TEMPLATES, Site, base_name
from .tree_files import TreeFile

_Key = TypeVar("_Key", bound=Hashable)


class Ties:
    """Ties the places of a tree's files to its templates."""

    def __init__(self, files: Sequence[TreeFile]) -> None:
        self._files = files
        self._templates = {file.place: file for file in files if file.is_template}
        self._known: dict[frozenset[str], tuple[PurePosixPath, ...]] = {}
        self._scripted: dict[PurePosixPath, frozenset[PurePosixPath]] = {}
        self._meanings: dict[tuple[str, PurePosixPath], frozenset[PurePosixPath]] = {}

    def sites(self, file: TreeFile, template: PurePosixPath, parameter: str) -> Iterator[Site]:
        """Yield where a file gives this parameter to this template, sure or guessed."""
        named = False
        for site in file.by_parameter.get(parameter, ()):
            if tied := self._tied(site, file, template):
                named = True
                yield tied
        if named or file.is_template or file.place.suffix.lower() == ".toml":
            return
        script = file.script
        if file.place not in self._scripted:
            self._scripted[file.place] = self.meant(script.templates, file)
        if template in self._scripted[file.place]:
            for site in script.sites(parameter):
                # A packaged template is none of the tree: then any that the script names is meant.
                meant = self.meant(site.templates, file)
                if template in meant or not meant:
                    yield site

    def _tied(self, site: Site, file: TreeFile, template: PurePosixPath) -> Site | None:
        """Return the site if it is meant for this template, with what is known about that."""
        meant = self.meant(site.templates, file)
        is_file = not file.is_template and file.is_structured and site.how == "parameter file"
        if is_file:  # the name of a template may be a value in it
            meant = frozenset(each for each in meant if self.declares(each, site.names))
        if template in meant:
            if site.templates == SAM_TEMPLATES and template.parent != file.place.parent:
                return _guessed(site)  # a template that nothing names stands beside
            sure = file.is_template or site.shared or self._only(template, site, meant)
            return site if sure else _guessed(site)
        if not is_file:
            unsaid = file.is_template and not site.templates and site.places
            return _guessed(site) if unsaid and self.declares(template, site.names) else None
        inputs = self._test_inputs.get(file.place.name)
        if inputs is not None:
            return site if template in self.meant(inputs, file) else None
        if stems := self._named_alike(file.place.name):
            nearest = nearest_to(stems, file.place)
            if template not in nearest:
                return None
            sure = len(nearest) == 1 and self.declares(template, site.names)
            return site if sure else _guessed(site)
        if meant:
            return None
        declaring = self.declaring(site.names)
        if template not in nearest_to(declaring, file.place):
            return None
        return site if len(declaring) == 1 else _guessed(site)

    def _only(self, template: PurePosixPath, site: Site, meant: Iterable[PurePosixPath]) -> bool:
        """Tell whether a template is the only one of some that declares a site's parameter."""
        name = frozenset({site.parameter})
        return not any(self.declares(each, name) for each in meant if each != template)

    def meant(self, names: Iterable[str], file: TreeFile) -> frozenset[PurePosixPath]:
        """Return the templates that names in a file may mean."""
        return frozenset(place for name in names for place in self.resolved(name, file.place))

    def resolved(self, name: str, source: PurePosixPath) -> frozenset[PurePosixPath]:
        """Return the templates that a name in a file may mean.

        A relative place that exists is that file; of a URL, or a place that a placeholder
        begins, the templates that share the most steps from its end.
        """
        key = name, source.parent
        if key not in self._meanings:
            self._meanings[key] = self._looked_up(name, source)
        return self._meanings[key]

    def _looked_up(self, name: str, source: PurePosixPath) -> frozenset[PurePosixPath]:
        candidates = self._by_name.get(base_name(name), ())
        if not candidates:
            return self._by_variable(name, source) if "$" in base_name(name) else frozenset()
        if not re.search(r"[${}:]", name):
            for folder in (source.parent, *source.parent.parents):
                place = PurePosixPath(posixpath.normpath(folder / name))
                if place in candidates:
                    return frozenset({place})
        steps = [step for step in re.split(r"/|\$\{[^}]*\}", name) if step not in ("", ".", "..")]
        shared = {place: in_common(steps[::-1], place.parts[::-1]) for place in candidates}
        most = max(shared.values(), default=0)
        return frozenset(place for place, count in shared.items() if count == most)

    def _by_variable(self, name: str, source: PurePosixPath) -> frozenset[PurePosixPath]:
        """Return the templates that a name with a variable may mean: `cfn/$stack.yaml`, those of
        the folder."""
        steps, _, base = name.rpartition("/")
        if re.search(r"[${}:]", steps):
            return frozenset()
        # Not a pattern of its own: many variables in a row would be tried in every way.
        wanted = "?*".join(map(glob.escape, re.split(r"(?:\$\w+)+", base)))
        for folder in (source.parent, *source.parent.parents):
            beside = self._by_folder.get(PurePosixPath(posixpath.normpath(folder / steps)), ())
            found = frozenset(place for place in beside if fnmatchcase(place.name, wanted))
            if found:
                return found
        return frozenset()

    def _named_alike(self, name: str) -> list[PurePosixPath]:
        """Return the templates that a parameter file of this name is named after."""
        return next((self._by_stem[each] for each in stems_for(name) if each in self._by_stem), [])

    def declaring(self, names: frozenset[str]) -> tuple[PurePosixPath, ...]:
        """Return the templates that have all of these parameters."""
        if names not in self._known:
            found = (place for place in self._templates if self.declares(place, names))
            self._known[names] = tuple(found)
        return self._known[names]

    def declares(self, template: PurePosixPath, names: frozenset[str]) -> bool:
        """Tell whether a template has all of these parameters, and there are any."""
        file = self._templates.get(template)
        if file is None:  # one that was named, in a folder that is never searched
            return False
        return bool(names) and names <= file.declared

    @cached_property
    def _by_name(self) -> dict[str, list[PurePosixPath]]:
        return self._grouped(lambda place: place.name)

    @cached_property
    def _by_folder(self) -> dict[PurePosixPath, list[PurePosixPath]]:
        return self._grouped(lambda place: place.parent)

    @cached_property
    def _by_stem(self) -> dict[str, list[PurePosixPath]]:
        return self._grouped(lambda place: stem(place.name))

    def _grouped(self, key: Callable[[PurePosixPath], _Key]) -> dict[_Key, list[PurePosixPath]]:
        groups: dict[_Key, list[PurePosixPath]] = {}
        for place in self._templates:
            groups.setdefault(key(place), []).append(place)
        return groups

    @cached_property
    def _test_inputs(self) -> dict[str, set[str]]:
        """Parameter files that a taskcat configuration pairs with a template."""
        from .settings_sites import taskcat_inputs  # few trees need it

        pairs: dict[str, set[str]] = {}
        for file in self._files:
            if "taskcat" in file.place.name:
                for node in file.documents:
                    for given, template in taskcat_inputs(node):
                        pairs.setdefault(PurePosixPath(given).name, set()).add(template)
        return pairs


def _guessed(site: Site) -> Site:
    """Return a place that is only perhaps for a template: nobody edits it."""
    return replace(site, guess=True, edit="")
