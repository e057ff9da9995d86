"""Finds what else in a repository gives a template's parameters their values.

A tree is read once: parent templates, parameter files, the configuration of deployment tools,
scripts. Which of them names a parameter is found by searching their bytes; only those are parsed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice
from pathlib import Path, PurePosixPath

import yaml

from . import call_sites, exports, regular
from .call_sites import Site
from .discover import walk
from .errors import FileError
from .model import Caller, Fate

MAX_BYTES = 1_000_000
"""Of one file that is read."""
MAX_SITES = 100_000
"""Places of one file that give a parameter; aliases can stand for billions."""
MAX_TOTAL = 500_000_000
"""Bytes of all files of a tree that are read."""
HIDDEN = (
    ".taskcat.yml",
    ".taskcat.yaml",
    ".gitlab-ci.yml",
    ".travis.yml",
    ".github/workflows",
    ".circleci",
    ".buildkite",
    ".gitlab",
    ".azuredevops",
)
"""Hidden files and folders that hold deployment configuration; others are never read."""

_STRUCTURED = frozenset({".yaml", ".yml", ".json", ".template", ".cfn"})
_SCRIPTS = frozenset(
    {".sh", ".bash", ".zsh", ".ps1", ".cmd", ".bat", ".mk", ".tf", ".hcl", ".groovy"}
    | {".py", ".rb", ".js", ".mjs", ".ts", ".go"}
)
SUFFIXES = _STRUCTURED | _SCRIPTS | {".toml"}
"""How the names of files end that may give a parameter its value; a few have none of them."""
_SCRIPT_NAMES = frozenset({"makefile", "gnumakefile", "justfile", "jenkinsfile", "rakefile"})
_PARENT = re.compile(
    rb"AWS::CloudFormation::Stack|AWS::Serverless::Application|AWS::CodePipeline::Pipeline"
    rb"|AWS::ServiceCatalog::CloudFormationProvisionedProduct"
)
_STEM_END = re.compile(r"(\.(template|cfn|cf|ya?ml|json))+$", re.I)
_PURPOSE = re.compile(
    r"[-_.].*?(param|parm|conf|input|value|env|dev|test|stag|prod|default|live|qa|uat|sample)", re.I
)


_GUESS = "parameter file, perhaps for this template"


@dataclass(frozen=True)
class _File:
    place: PurePosixPath
    """Below the root."""
    raw: bytes

    @cached_property
    def text(self) -> str:
        return self.raw.decode("utf-8", errors="replace").removeprefix("\ufeff")

    @cached_property
    def documents(self) -> list[yaml.Node]:
        return call_sites.compose(self.text)

    @cached_property
    def is_structured(self) -> bool:
        return self.place.suffix.lower() in _STRUCTURED

    @cached_property
    def is_template(self) -> bool:
        return self.is_structured and b"Resources" in self.raw and b"AWS::" in self.raw

    @cached_property
    def declared(self) -> frozenset[str]:
        """The keys of a template that stand below others, parameters among them."""
        found = re.findall(r"^[ \t]+[\"']?(\w+)[\"']?[ \t]*:", self.text, re.MULTILINE)
        return frozenset(found)

    @cached_property
    def exchanged(self) -> tuple[frozenset[str], frozenset[str]]:
        """The names that a template imports, and those that it exports."""
        exchanges = self.is_template and (b"ImportValue" in self.raw or b"Export" in self.raw)
        return exports.names(self.text) if exchanges else (frozenset(), frozenset())

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """The places that its structure shows; a script has none."""
        if self.place.suffix.lower() == ".toml":
            return tuple(call_sites.in_toml(self.text))
        if self.is_template:
            found: Iterator[Site] = chain.from_iterable(map(call_sites.in_template, self.documents))
        elif self.is_structured:
            found = call_sites.in_settings(self.documents, self.place.name)
        else:
            return ()
        sites = tuple(islice(found, MAX_SITES + 1))
        if len(sites) > MAX_SITES:
            raise FileError(f"{self.place} gives more than {MAX_SITES:,} parameters")
        return sites


@dataclass(frozen=True)
class Call:
    """A place in a file that gives a template's parameter its value."""

    file: _File
    site: Site

    @property
    def place(self) -> PurePosixPath:
        """The file's place below the root."""
        return self.file.place

    @property
    def is_guess(self) -> bool:
        """Whether nothing but the names of its parameters ties it to the template."""
        return self.site.how == _GUESS


class Repository:
    """The files below a root that may give parameters to templates; read when first asked.

    `reach` are those that a run may change.
    """

    def __init__(self, root: Path, reach: Container[Path] = ()) -> None:
        self.root = root.resolve()
        self._reach = reach
        self._naming: dict[str, tuple[_File, ...]] = {}
        self._found: dict[tuple[PurePosixPath, str], tuple[Call, ...]] = {}

    def callers(
        self, template_file: Path, parameters: Iterable[str], *, edits: bool = True
    ) -> Mapping[str, tuple[Caller, ...]]:
        """Return the callers of these parameters of a template; each is looked up when asked for.

        A parameter without callers is no key. A template outside of the root has none. Without
        `edits` none of them is changed along.
        """
        place = self.place(template_file)
        return {} if place is None else _Callers(self, place, tuple(parameters), edits)

    def imports(self, template_file: Path) -> Iterable[str]:
        """Return the names that other templates import, as texts of `Fn::Sub`.

        Nothing is read before the first is asked for. A constant name that another template
        exports is left out.
        """
        place = self.place(template_file)
        return () if place is None else _Imports(self, place)

    def place(self, file: Path) -> PurePosixPath | None:
        """Return a file's place below the root, None where it is outside."""
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
                for site in self._sites_for(file, template, parameter)
            }
            self._found[key] = tuple(sorted(found.values(), key=lambda c: (c.place, c.site.line)))
        return self._found[key]

    def find(
        self, template: PurePosixPath, parameter: str, *, edits: bool = True
    ) -> tuple[Caller, ...]:
        """Return who gives this parameter of a template, and what becomes of each if it goes."""
        found: dict[tuple[PurePosixPath, int], Caller] = {}
        for call in self.calls(template, parameter):
            found.setdefault((call.place, call.site.line), self._caller(call, edits))
        return tuple(found.values())

    def _caller(self, call: Call, edits: bool) -> Caller:
        site = call.site
        caller = Caller(str(call.place), site.line, site.how, site.breaks)
        if site.value is not None and "{{resolve:" in site.value:
            why = "gives it a dynamic reference: its value is kept in a secret already"
            return replace(caller, code="given-a-reference", why=why)
        if not site.edit:
            blocks = site.breaks and call.file.is_template
            return replace(caller, fate=Fate.BLOCKS if blocks else Fate.REPORTED)
        if call.is_guess:
            return replace(caller, fate=Fate.REPORTED)
        if edits and self.root / call.place in self._reach:
            return replace(caller, fate=Fate.EDITED)
        return replace(caller, fate=Fate.BLOCKS if site.breaks else Fate.REPORTED)

    def unknown(self, call: Call) -> list[str]:
        """Return the names of templates that a stack may be made from and that are not here."""
        names = call.site.templates
        return sorted(name for name in names if not self._resolved(name, call.place))

    def is_edited(self, call: Call) -> bool:
        """Tell whether the run takes a parameter out of such a place."""
        return self._caller(call, edits=True).fate is Fate.EDITED

    def text(self, place: PurePosixPath) -> str:
        """Return the text of a file of the tree, as it was read: a byte order mark stays.

        Raises FileError where it is not UTF-8.
        """
        try:
            return self._by_place[place].raw.decode()
        except UnicodeDecodeError as error:
            raise FileError(f"{place} is not UTF-8; save it as UTF-8") from error

    def children(self, parent: PurePosixPath, stack: str) -> frozenset[PurePosixPath]:
        """Return the templates that a nested stack of a parent may be made from."""
        sites = (each for each in self._by_place[parent].sites if each.edit == "template")
        return frozenset(
            place
            for site in sites
            if site.places[0][1] == stack
            for name in site.templates
            for place in self._resolved(name, parent)
        )

    def giving(self, value: str) -> Iterator[Call]:
        """Yield where settings give a value, whatever it is called."""
        wanted = value.encode()
        for file in self._files:
            if wanted in file.raw and not file.is_template:
                for site in file.sites:
                    if site.value == value:
                        yield Call(file, site)

    def targets(self, call: Call) -> frozenset[PurePosixPath]:
        """Return the templates that a nested stack is made from, as far as they are in the tree."""
        return frozenset(
            place for name in call.site.templates for place in self._resolved(name, call.place)
        )

    def _sites_for(self, file: _File, template: PurePosixPath, parameter: str) -> Iterator[Site]:
        named = False
        for site in file.sites:
            if site.parameter == parameter and (tied := self._tied(site, file, template)):
                named = True
                yield tied
        if not named and not file.is_template and file.place.suffix.lower() != ".toml":
            for site in call_sites.in_script(file.text, parameter):
                if self._names(site.templates, file, template):
                    yield site

    def _tied(self, site: Site, file: _File, template: PurePosixPath) -> Site | None:
        """Return the site if it is meant for this template, with what is known about that."""
        if self._names(site.templates, file, template):
            return site
        if file.is_template or not file.is_structured or site.how != "parameter file":
            return None
        inputs = self._test_inputs.get(file.place.name)
        if inputs is not None:
            return site if self._names(inputs, file, template) else None
        if stems := self._named_alike(file.place.name):
            return site if template in _nearest(stems, file.place) else None
        if any(self._resolved(name, file.place) for name in site.templates):
            return None
        declaring = [place for place in self._templates if self._declares(place, site.names)]
        if template not in _nearest(declaring, file.place):
            return None
        if len(declaring) == 1:
            return site
        how = "parameter file, perhaps for this template"
        return replace(site, how=how, breaks=False, edit="")

    def _names(self, names: Iterable[str], file: _File, template: PurePosixPath) -> bool:
        return any(
            call_sites.base_name(name) == template.name
            and template in self._resolved(name, file.place)
            for name in names
        )

    def _resolved(self, name: str, source: PurePosixPath) -> frozenset[PurePosixPath]:
        """Return the templates that a name in a file may mean.

        A relative place that exists is that file; of a URL, or a place that a placeholder
        begins, the templates that share the most steps from its end.
        """
        candidates = self._by_name.get(call_sites.base_name(name), ())
        if not re.search(r"[${}:]", name):
            for folder in (source.parent, *source.parent.parents):
                place = PurePosixPath(posixpath.normpath(folder / name))
                if place in candidates:
                    return frozenset({place})
        steps = [step for step in re.split(r"/|\$\{[^}]*\}", name) if step not in ("", ".", "..")]
        shared = {place: _common(steps[::-1], place.parts[::-1]) for place in candidates}
        most = max(shared.values(), default=0)
        return frozenset(place for place, count in shared.items() if count == most)

    def _named_alike(self, name: str) -> list[PurePosixPath]:
        """Return the templates that a parameter file of this name is named after."""
        return next((self._by_stem[stem] for stem in _stems(name) if stem in self._by_stem), [])

    def _declares(self, template: PurePosixPath, names: frozenset[str]) -> bool:
        file = self._templates[template]
        if not names or not all(name.encode() in file.raw for name in names):
            return False
        return names <= file.declared

    def _files_naming(self, parameter: str) -> tuple[_File, ...]:
        if parameter not in self._naming:
            wanted = parameter.encode()
            self._naming[parameter] = tuple(
                file
                for file in self._files
                if wanted in file.raw and (not file.is_template or _PARENT.search(file.raw))
            )
        return self._naming[parameter]

    @cached_property
    def _files(self) -> tuple[_File, ...]:
        return tuple(_read_all(self.root))

    @cached_property
    def _by_place(self) -> dict[PurePosixPath, _File]:
        return {file.place: file for file in self._files}

    @cached_property
    def _templates(self) -> dict[PurePosixPath, _File]:
        return {file.place: file for file in self._files if file.is_template}

    @cached_property
    def _by_name(self) -> dict[str, list[PurePosixPath]]:
        names: dict[str, list[PurePosixPath]] = {}
        for place in self._templates:
            names.setdefault(place.name, []).append(place)
        return names

    @cached_property
    def _by_stem(self) -> dict[str, list[PurePosixPath]]:
        stems: dict[str, list[PurePosixPath]] = {}
        for place in self._templates:
            stems.setdefault(_STEM_END.sub("", place.name).lower(), []).append(place)
        return stems

    @cached_property
    def _test_inputs(self) -> dict[str, set[str]]:
        """Parameter files that a taskcat configuration pairs with a template."""
        pairs: dict[str, set[str]] = {}
        for file in self._files:
            if "taskcat" in file.place.name:
                for node in file.documents:
                    for given, template in call_sites.taskcat_inputs(node):
                        pairs.setdefault(PurePosixPath(given).name, set()).add(template)
        return pairs


class _Callers(Mapping[str, tuple[Caller, ...]]):
    """The callers of one template's parameters: nothing is read before the first is asked for."""

    def __init__(
        self,
        repository: Repository,
        template: PurePosixPath,
        parameters: tuple[str, ...],
        edits: bool,
    ) -> None:
        self._repository = repository
        self._edits = edits
        self._template = template
        self._parameters = parameters
        self._known: dict[str, tuple[Caller, ...]] = {}

    def __getitem__(self, parameter: str) -> tuple[Caller, ...]:
        if parameter not in self._known:
            self._known[parameter] = self._repository.find(
                self._template, parameter, edits=self._edits
            )
        if not self._known[parameter]:
            raise KeyError(parameter)
        return self._known[parameter]

    def __iter__(self) -> Iterator[str]:
        return (parameter for parameter in self._parameters if parameter in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Imports(Iterable[str]):
    """What the templates around one import: nothing is read before it is asked for."""

    def __init__(self, repository: Repository, template: PurePosixPath) -> None:
        self._repository = repository
        self._template = template

    def __iter__(self) -> Iterator[str]:
        return iter(self._repository.imported(self._template))


def callers(
    root: Path, template_file: Path, parameters: Iterable[str]
) -> Mapping[str, tuple[Caller, ...]]:
    """Return the callers of a template's parameters below a root; see `Repository.callers`."""
    return Repository(root).callers(template_file, parameters)


def _read_all(root: Path) -> Iterator[_File]:
    """Yield the files below a root that may name a template; what a link leads to is none of it.

    Raises FileError where they are more than can be looked at: who calls a template must be known.
    """
    files = [entry for entry in walk(root) if isinstance(entry, Path)]
    for name in HIDDEN:
        hidden = root / name
        if any(place.is_symlink() for place in (hidden, *hidden.parents[: name.count("/")])):
            continue
        if hidden.is_dir():
            files += [entry for entry in walk(hidden) if isinstance(entry, Path)]
        elif hidden.is_file():
            files.append(hidden)
    left = MAX_TOTAL
    for file in files:
        if not _may_name(file.name.lower(), file.suffix.lower()):
            continue
        try:
            if file.stat().st_size > MAX_BYTES:
                continue
            raw = regular.read(file, MAX_BYTES, follow=False)
        except OSError:
            continue  # it cannot be known; a template among them is reported by the runner
        left -= len(raw)
        if left < 0:
            raise FileError(
                f"what gives its parameters a value cannot be found out: below {root} stand more "
                f"than {MAX_TOTAL / 1e6:.0f} MB of templates, configurations and scripts"
            )
        yield _File(PurePosixPath(file.relative_to(root).as_posix()), raw)


def _may_name(name: str, suffix: str) -> bool:
    return (
        suffix in _STRUCTURED
        or suffix in _SCRIPTS
        or name in _SCRIPT_NAMES
        or name == "samconfig.toml"
    )


def _common(left: Iterable[str], right: Iterable[str]) -> int:
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other and not (count == 0 and one.endswith(other)):
            break
        count += 1
    return count


def _nearest(places: Iterable[PurePosixPath], source: PurePosixPath) -> list[PurePosixPath]:
    """Return those of the places that share the most folders with a file."""
    shared = {place: _common(place.parent.parts, source.parent.parts) for place in places}
    most = max(shared.values(), default=0)
    return [place for place, count in shared.items() if count == most]


def _stems(given: str) -> list[str]:
    """Return what a template may be called that a parameter file is named after, longest first.

    `db-params-dev.json` may be for `db-params-dev.yaml`, `db-params.yaml` or `db.yaml`.
    """
    name = _STEM_END.sub("", given).lower()
    stems = {name, *(name[:end] for end in _ends(name) if _PURPOSE.match(name[end:]))}
    if leading := re.match(r"param(eter)?s?[-_.]", name):
        rest = name[leading.end() :]
        stems |= {rest, *(rest[:end] for end in _ends(rest))}
    return sorted(stems, key=len, reverse=True)


def _ends(name: str) -> list[int]:
    return [position for position, character in enumerate(name) if character in "-_."]
