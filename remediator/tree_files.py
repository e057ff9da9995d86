"""The files of a tree that may give parameters to templates: which are read, and what they show."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import yaml

from . import regular
from .discover import NEVER_SEARCHED, walk
from .errors import FileError
from .nodes import compose, entries
from .nodes import text as scalar
from .raw_text import plain_parameters
from .sites import Site
from .spool import Spool

if TYPE_CHECKING:
    from .call_sites import Script

# What looks into files is imported where one names a parameter: few templates have such.

MAX_BYTES = 1_000_000
"""Of one file that is read."""
MAX_SITES = 100_000
"""Places of one file that give a parameter; aliases can stand for billions."""
MAX_TOTAL = 500_000_000
"""Bytes of all files of a tree that are read."""
HIDDEN = (
    ".gitlab-ci.yml",
    ".travis.yml",
    ".github/workflows",
    ".circleci",
    ".buildkite",
    ".gitlab",
    ".azuredevops",
)
"""Hidden files and folders of a root that hold deployment configuration."""
HIDDEN_BELOW = (".taskcat.yml", ".taskcat.yaml")
"""Hidden files that do so in any folder; others are never read."""

_PARENT = re.compile(
    rb"AWS::CloudFormation::Stack|AWS::Serverless::Application|AWS::CodePipeline::Pipeline"
    rb"|AWS::ServiceCatalog::CloudFormationProvisionedProduct"
)
_INNER_KEY = re.compile(r"^[ \t]+[\"']?(\w+)[\"']?[ \t]*:", re.MULTILINE)
_STRUCTURED = frozenset({".yaml", ".yml", ".json", ".template", ".cfn"})
_SCRIPTS = frozenset(
    {".sh", ".bash", ".zsh", ".ps1", ".cmd", ".bat", ".mk", ".tf", ".hcl", ".groovy"}
    | {".py", ".rb", ".js", ".mjs", ".ts", ".go"}
)
SUFFIXES = _STRUCTURED | _SCRIPTS | {".toml"}
"""How the names of files end that may give a parameter its value; a few have none of them."""
_DOCUMENTS = frozenset({".md", ".rst", ".adoc", ".txt", ".html", ".ipynb", ".j2", ".tmpl", ".env"})
_SCRIPT_NAMES = frozenset({"makefile", "gnumakefile", "justfile", "jenkinsfile", "rakefile"})


class TreeFile:
    """A file of a tree, by its place below the root, and what can be seen in it.

    With a `spool`, the bytes of a plain template are put aside there: they make up most of a large
    tree, and few are asked for. The file is never read again: what a tree shows is what it showed
    when it was read, whatever the run has written since.
    """

    __slots__ = (
        *("__dict__", "_number", "_raw", "_spool"),
        *("is_parent", "is_secretive", "is_structured", "is_template", "place"),
    )

    def __init__(self, place: PurePosixPath, raw: bytes, spool: Spool | None = None) -> None:
        self.place = place
        """Below the root."""
        self.is_structured = place.suffix.lower() in _STRUCTURED
        """Whether its name says that it is YAML or JSON."""
        self.is_template = self.is_structured and b"Resources" in raw and b"AWS::" in raw
        """Whether it may be a template."""
        self.is_parent = self.is_template and _PARENT.search(raw) is not None
        """Whether it may be a template that gives parameters to others."""
        self.is_secretive = self.is_template and b"NoEcho" in raw
        """Whether it may be a template with a parameter that must not be shown."""
        self._spool = spool if self.is_template and not self.is_parent else None
        self._number = self._spool.put(raw) if self._spool is not None else -1
        self._raw = raw if self._spool is None else b""

    @property
    def raw(self) -> bytes:
        """Its bytes."""
        return self._raw if self._spool is None else self._spool.get(self._number)

    @property
    def text(self) -> str:
        """Its text without a byte order mark; what is not UTF-8 is replaced."""
        return self.raw.decode("utf-8", errors="replace").removeprefix("\ufeff")

    @property
    def documents(self) -> list[yaml.Node]:
        """What it holds as YAML or JSON; nothing where it cannot be read."""
        return compose(self.text)

    @cached_property
    def script(self) -> Script:
        """Its text as that of a script, a workflow or a program."""
        from .call_sites import Script

        return Script(self.text, self.place)

    @cached_property
    def declared(self) -> frozenset[str]:
        """The parameters of a template: the keys of the section that declares them, or all inner
        keys where that is not plain."""
        text = self.text
        as_json = _in_json(text)
        if as_json is not None:
            found = [name for name, _ in _parameters_of(as_json)]
        else:
            found = _INNER_KEY.findall(plain_parameters(text) or text)
        return frozenset(map(sys.intern, found))

    @cached_property
    def hidden(self) -> frozenset[str]:
        """The parameters that a template says must not be shown (`NoEcho`), at least once."""
        if not self.is_secretive:
            return frozenset()
        text = self.text
        as_json = _in_json(text)
        if as_json is not None:
            return frozenset(
                name
                for name, parameter in _parameters_of(as_json)
                for key, value in _pairs(parameter)
                if key == "NoEcho" and str(value).lower() == "true"
            )
        section = plain_parameters(text)
        return frozenset(
            name.value
            for root in (compose(section) if section else []) or self.documents
            for part, parameters in entries(root)
            if part.value == "Parameters"
            for name, parameter in entries(parameters)
            for key, value in entries(parameter)
            if key.value == "NoEcho" and scalar(value).lower() == "true"
        )

    def hides(self, parameter: str) -> bool:
        """Tell whether a template has a parameter of this name that must not be shown."""
        return self.is_secretive and parameter in self.declared and parameter in self.hidden

    @cached_property
    def exchanged(self) -> tuple[frozenset[str], frozenset[str]]:
        """The names that a template imports, and those that it exports."""
        if not self.is_template or not re.search(rb"ImportValue|Export", self.raw):
            return frozenset(), frozenset()
        from . import exports

        return exports.names(self.text)

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """The places that its structure shows; a script has none."""
        from . import call_sites

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

    @cached_property
    def by_parameter(self) -> Mapping[str, tuple[Site, ...]]:
        """Its sites by the parameter that they give."""
        found: dict[str, list[Site]] = {}
        for site in self.sites:
            found.setdefault(site.parameter, []).append(site)
        return {name: tuple(sites) for name, sites in found.items()}


def _in_json(text: str) -> object:
    """Return a template in JSON, its objects as lists of pairs: a key may be there twice. None
    where it is none."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):  # flow YAML, most often
        return None


class _Pairs(list[tuple[str, object]]):
    """An object of JSON."""


def _pairs(value: object) -> Iterable[tuple[str, object]]:
    return value if isinstance(value, _Pairs) else ()


def _parameters_of(template: object) -> Iterator[tuple[str, object]]:
    for key, value in _pairs(template):
        if key == "Parameters":
            yield from _pairs(value)


def is_found(place: PurePosixPath) -> bool:
    """Tell whether a file at a place below a root is among those that are looked through: in no
    hidden folder, nor one of other people's files, and not hidden itself, but for what counts."""
    if any(place.is_relative_to(hidden) for hidden in HIDDEN):
        return True
    parts = place.parts[:-1] if place.name in HIDDEN_BELOW else place.parts
    return not any(part.startswith(".") or part in NEVER_SEARCHED for part in parts)


def read_all(root: Path) -> Iterator[TreeFile]:
    """Yield the files below a root that may name a template; what a link leads to is none of it.

    Raises FileError where they are more than can be looked at: who calls a template must be known.
    """
    left = MAX_TOTAL
    spool = Spool()
    for file in _files(root):
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
        yield TreeFile(PurePosixPath(file.relative_to(root).as_posix()), raw, spool)


def _files(root: Path) -> Iterator[Path]:
    """Yield all files below a root that are looked through."""
    yield from (entry for entry in walk(root, HIDDEN_BELOW) if isinstance(entry, Path))
    for name in HIDDEN:
        hidden = root / name
        if any(place.is_symlink() for place in (hidden, *hidden.parents[: name.count("/")])):
            continue
        if hidden.is_dir():
            yield from (entry for entry in walk(hidden) if isinstance(entry, Path))
        elif hidden.is_file():
            yield hidden


def read_documents(root: Path) -> Iterator[TreeFile]:
    """Yield the files below a root that are written for people, and may name a parameter."""
    left = MAX_TOTAL
    for file in (entry for entry in walk(root) if isinstance(entry, Path)):
        if file.suffix.lower() in _DOCUMENTS:
            try:
                raw = regular.read(file, MAX_BYTES, follow=False)
            except OSError:
                continue  # no repair depends on it
            left -= len(raw)
            if left < 0:
                return
            yield TreeFile(PurePosixPath(file.relative_to(root).as_posix()), raw)


def _may_name(name: str, suffix: str) -> bool:
    return (
        suffix in _STRUCTURED
        or suffix in _SCRIPTS
        or name in _SCRIPT_NAMES
        or name == "samconfig.toml"
    )
