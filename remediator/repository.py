"""Finds what else in a repository gives a template's parameters their values.

A tree is read once: parent templates, parameter files, the configuration of deployment tools,
scripts. Which of them names a parameter is found by searching their bytes; only those are parsed.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from .errors import FileError
from .later import Answers, Later
from .model import Caller, Fate, Mention
from .script_values import Source, source_of
from .sites import Site, is_reference
from .tree_files import TreeFile, read_all, read_documents

if TYPE_CHECKING:
    from .family_texts import Parsed
    from .ties import Ties


@dataclass(frozen=True)
class Call:
    """A place in a file that gives a template's parameter its value."""

    file: TreeFile
    site: Site

    @property
    def place(self) -> PurePosixPath:
        """The file's place below the root."""
        return self.file.place


class Repository:
    """The files below a root that may give parameters to templates; read when first asked.

    `reach` are those that a run may change.
    """

    def __init__(self, root: Path, reach: Container[Path] = ()) -> None:
        self.root = root.resolve()
        self._reach = reach
        self.parsed: Parsed = {}
        """Its templates as they were read, by place and text; parsed once for all who ask."""
        self._naming: dict[str, tuple[TreeFile, ...]] = {}
        self._found: dict[tuple[PurePosixPath, str], tuple[Call, ...]] = {}
        self._given: dict[Source, tuple[Call, ...]] = {}
        self._asked: dict[PurePosixPath, str] = {}
        self._places: dict[Path, PurePosixPath | None] = {}
        self._folders: dict[Path, PurePosixPath | None] = {}

    def callers(
        self,
        template_file: Path,
        parameters: Iterable[str],
        *,
        edits: bool = True,
        rotates: bool = True,
    ) -> Mapping[str, tuple[Caller, ...]]:
        """Return the callers of these parameters of a template; each is looked up when asked for.

        A parameter without callers is no key. A template outside of the root has none. Without
        `edits` none of them is changed along; `rotates`: their value would not be the password
        any more.
        """
        place = self.place(template_file)
        if place is None:
            return {}

        def find(parameter: str) -> tuple[Caller, ...]:
            return self.find(place, parameter, edits=edits, rotates=rotates)

        return Answers(tuple(parameters), find)

    def imports(self, template_file: Path) -> Iterable[str]:
        """Return the names that other templates import, as texts of `Fn::Sub`.

        Nothing is read before the first is asked for. A constant name that another template
        exports is left out.
        """
        place = self.place(template_file)
        return () if place is None else Later(lambda: self.imported(place))

    def place(self, file: Path) -> PurePosixPath | None:
        """Return a file's place below the root, None where it is outside."""
        if file not in self._places:
            self._places[file] = self._looked_for(file)
        return self._places[file]

    def _looked_for(self, file: Path) -> PurePosixPath | None:
        if file.is_symlink() or file.name in ("", ".."):
            return self._below(file)
        if file.parent not in self._folders:
            self._folders[file.parent] = self._below(file.parent)
        folder = self._folders[file.parent]
        return None if folder is None else folder / file.name

    def _below(self, file: Path) -> PurePosixPath | None:
        real = file.resolve()
        if not real.is_relative_to(self.root):
            return None
        return PurePosixPath(real.relative_to(self.root).as_posix())

    def imported(self, template: PurePosixPath) -> tuple[str, ...]:
        """Return what templates but the one at a place import and nobody else exports."""
        others = [file.exchanged for file in self._files if file.place != template]
        wanted = {name for imported, _ in others for name in imported}
        exported = {name for _, names in others for name in names if "${" not in name}
        return tuple(sorted(wanted - exported))

    def calls(self, template: PurePosixPath, parameter: str) -> tuple[Call, ...]:
        """Return where this parameter of the template at a place below the root is given."""
        key = template, parameter
        if key not in self._found:
            found = {
                (file.place, site.line, site.places): Call(file, site)
                for file in self._files_naming(parameter)
                if file.place != template
                for site in self._ties.sites(file, template, parameter)
            }
            self._found[key] = tuple(sorted(found.values(), key=lambda c: (c.place, c.site.line)))
        return self._found[key]

    def find(
        self,
        template: PurePosixPath,
        parameter: str,
        *,
        edits: bool = True,
        rotates: bool = True,
    ) -> tuple[Caller, ...]:
        """Return who gives this parameter of a template, and what becomes of each if it goes."""
        found: dict[tuple[PurePosixPath, int], Caller] = {}
        for call in self.calls(template, parameter):
            caller = self._caller(call, edits)
            why = self._foreseen(call) if rotates and caller.fate is Fate.EDITED else ""
            if why:
                caller = replace(caller, fate=Fate.BLOCKS, code="shared-password", why=why)
            found.setdefault((call.place, call.site.line), caller)
        return tuple(found.values())

    def _foreseen(self, call: Call) -> str:
        """Return why what a parent passes is sure to stay; empty where it is not."""
        if call.site.edit != "template":
            return ""
        from .family_texts import Texts  # few trees need it
        from .foreseen import obstacle

        return obstacle(Texts(self, self.parsed), call)

    def _caller(self, call: Call, edits: bool) -> Caller:
        site = call.site
        caller = Caller(str(call.place), site.line, site.how, site.breaks)
        if site.value is not None and is_reference(site.value):
            why = "gives it a dynamic reference: its value is kept in a secret already"
            return replace(caller, code="given-a-reference", why=why)
        if site.guess:
            return replace(caller, fate=Fate.REPORTED, guess=True)
        if not site.edit:
            blocks = site.breaks and call.file.is_template
            return replace(caller, fate=Fate.BLOCKS if blocks else Fate.REPORTED)
        if edits and self.root / call.place in self._reach:
            return replace(caller, fate=Fate.EDITED)
        if not site.breaks:
            return replace(caller, fate=Fate.REPORTED)
        way = "let `callers` change it" if not edits else "give a folder with both as PATH"
        return replace(caller, why=way)

    def unknown(self, call: Call) -> list[str]:
        """Return the names of templates that a stack may be made from and that are not here."""
        names = call.site.templates
        return sorted(name for name in names if not self._ties.resolved(name, call.place))

    def mentions(self, template_file: Path, parameter: str) -> tuple[Mention, ...]:
        """Return the lines of other files that name a parameter of a template, and neither give it
        its value nor speak of another template's parameter, as far as that can be told."""
        template = self.place(template_file)
        if template is None:
            return ()
        calls = self.calls(template, parameter)
        known = {(call.place, call.site.line) for call in calls}
        edited = {call.place for call in calls if self.is_edited(call)}
        word = re.compile(rf"(?<![\w-]){re.escape(parameter)}(?![\w-])")
        wanted = parameter.encode()
        documents = (file for file in self._documents if wanted in file.raw)
        found = [
            (file.place, line)
            for file in (*self._files_naming(parameter), *documents)
            if file.place not in {template, *edited} and not self._is_others(file, parameter)
            for line in _lines_with(word, file.text)
            if (file.place, line) not in known
        ]
        told = self._given_to_others(template, parameter) if found else ()
        return tuple(
            Mention(str(place), line) for place, line in found if (place, line) not in told
        )

    def _given_to_others(
        self, template: PurePosixPath, parameter: str
    ) -> frozenset[tuple[PurePosixPath, int]]:
        """Return where a parameter of this name is given to other templates than this one."""
        return frozenset(
            (call.place, call.site.line)
            for other in self._ties.declaring(frozenset({parameter}))
            if other != template
            for call in self.calls(other, parameter)
            if not call.site.guess
        )

    def _is_others(self, file: TreeFile, parameter: str) -> bool:
        """Tell whether a file names a parameter that is its own, or another template's."""
        if file.is_template:
            return True
        sites = file.by_parameter.get(parameter, ())
        others = {name for site in sites for name in site.templates}
        return bool(others) and bool(self._ties.meant(others, file))

    def is_edited(self, call: Call) -> bool:
        """Tell whether the run takes a parameter out of such a place."""
        return self._caller(call, edits=True).fate is Fate.EDITED

    def text(self, place: PurePosixPath) -> str:
        """Return the text of a file of the tree, as it was read: a byte order mark stays.

        Raises FileError where it is not UTF-8.
        """
        if place not in self._asked:
            try:
                self._asked[place] = self._by_place[place].raw.decode()
            except UnicodeDecodeError as error:
                raise FileError(f"{place} is not UTF-8; save it as UTF-8") from error
        return self._asked[place]

    def sites(self, place: PurePosixPath, text: str) -> tuple[Site, ...]:
        """Return what another text in place of a file would give."""
        return TreeFile(place, text.encode()).sites

    def children(self, parent: PurePosixPath, stack: str) -> frozenset[PurePosixPath]:
        """Return the templates that a nested stack of a parent may be made from."""
        sites = (each for each in self._by_place[parent].sites if each.edit == "template")
        return frozenset(
            place
            for site in sites
            if site.places[0][1] == stack
            for name in site.templates
            for place in self._ties.resolved(name, parent)
        )

    def source(self, call: Call) -> Source | None:
        """Return what the value that is given at a place is taken from; None where that is not
        told, or given by a template."""
        if call.site.value is None or call.file.is_template:
            return None
        if call.site.by_script:
            return call.file.script.source(call.site.value)
        return source_of(call.site.value)

    def giving(self, source: Source) -> tuple[Call, ...]:
        """Return where files that are no templates give a value from a source, whatever it is
        called: settings to anything, scripts to a parameter of a template of the tree."""
        if source not in self._given:
            wanted = source.word.encode()
            others = (each for each in self._files if not each.is_template)
            self._given[source] = tuple(
                call
                for file in others
                if source.scope in (None, file.place) and wanted in file.raw
                for call in self._giving_in(file, source)
            )
        return self._given[source]

    def _giving_in(self, file: TreeFile, source: Source) -> Iterator[Call]:
        for site in file.sites:
            if site.value is not None and source_of(site.value) == source:
                yield Call(file, site)
        if file.place.suffix.lower() != ".toml":
            for site in file.script.giving(source):
                if site.parameter not in file.by_parameter and self.taking(Call(file, site)):
                    yield Call(file, site)

    def may_be_shared(self, template: PurePosixPath, parameter: str) -> bool:
        """Tell whether a script gives this parameter of a template what something else is given."""
        calls = self.calls(template, parameter)
        if any(taker != template for c in calls if c.site.guess for _, taker in self.fed(c)):
            return True
        scripted = [call for call in calls if call.site.by_script]
        sources = {source for call in scripted if (source := self.source(call)) is not None}
        return any(
            not other.site.by_script
            or other.site.parameter != parameter
            or bool(self.taking(other) - {template})
            for source in sources
            for other in self.giving(source)
        )

    def fed(self, call: Call) -> Iterator[tuple[PurePosixPath, PurePosixPath]]:
        """Yield the templates that a script gives the parameter file of a call, and declare its
        parameter: the script, the template."""
        if call.site.how != "parameter file":
            return
        wanted, name = call.place.name.encode(), frozenset({call.site.parameter})
        for file in self._files:
            if not file.is_template and file.place != call.place and wanted in file.raw:
                for template in self._ties.meant(file.script.fed_with(call.place), file):
                    if self._ties.declares(template, name):
                        yield file.place, template

    def taking(self, call: Call) -> frozenset[PurePosixPath]:
        """Return the templates that may be meant where a parameter is given, and declare it."""
        name = frozenset({call.site.parameter})
        meant = self._ties.meant(call.site.templates, call.file)
        return frozenset(each for each in meant if self._ties.declares(each, name))

    def hides(self, parameter: str) -> bool:
        """Tell whether a template has a parameter of this name that must not be shown."""
        return any(each.hides(parameter) for each in self._secretive)

    def targets(self, call: Call) -> frozenset[PurePosixPath]:
        """Return the templates that a nested stack is made from, as far as they are in the tree."""
        return frozenset(
            place for name in call.site.templates for place in self._ties.resolved(name, call.place)
        )

    def _files_naming(self, parameter: str) -> tuple[TreeFile, ...]:
        """Return the files that hold a parameter's name, and may give it to a template."""
        if parameter not in self._naming:
            wanted = parameter.encode()
            self._naming[parameter] = tuple(file for file in self._giving if wanted in file.raw)
        return self._naming[parameter]

    @cached_property
    def _files(self) -> tuple[TreeFile, ...]:
        return tuple(read_all(self.root))

    @cached_property
    def _ties(self) -> Ties:
        from .ties import Ties

        return Ties(self._files)

    @cached_property
    def _giving(self) -> tuple[TreeFile, ...]:
        return tuple(file for file in self._files if file.is_parent or not file.is_template)

    @cached_property
    def _documents(self) -> tuple[TreeFile, ...]:
        return tuple(read_documents(self.root))

    @cached_property
    def _by_place(self) -> dict[PurePosixPath, TreeFile]:
        return {file.place: file for file in self._files}

    @cached_property
    def _secretive(self) -> tuple[TreeFile, ...]:
        return tuple(file for file in self._files if file.is_secretive)


def callers(
    root: Path, template_file: Path, parameters: Iterable[str]
) -> Mapping[str, tuple[Caller, ...]]:
    """Return the callers of a template's parameters below a root; see `Repository.callers`."""
    return Repository(root).callers(template_file, parameters)


def _lines_with(word: re.Pattern[str], text: str) -> Iterator[int]:
    """Yield the numbers of the lines that hold a word."""
    return (number for number, line in enumerate(text.split("\n"), 1) if word.search(line))
