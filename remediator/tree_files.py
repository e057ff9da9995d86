"""The files of a tree that may give parameters to templates: which are read, and what they show."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import yaml

from . import regular
from .discover import NEVER_SEARCHED, walk
from .errors import FileError
from .nodes import compose, entries, get, text
from .sites import Site

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
_PARAMETERS = re.compile(r"^Parameters[ \t]*:[ \t]*(?:\r?\n(?:[ #][^\r\n]*)?)+", re.MULTILINE)
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

    Of one that is at a `source`, only what was seen is kept: it is read again when it is asked for.
    """

    def __init__(self, place: PurePosixPath, raw: bytes, source: Path | None = None) -> None:
        self.place = place
        """Below the root."""
        self._raw: bytes | None = raw
        if source is not None and self.is_template and not self.is_parent:
            self.is_secretive  # noqa: B018 - seen while it is at hand
            self._source, self._raw = source, None

    @property
    def raw(self) -> bytes:
        """Its bytes; none where it is gone meanwhile."""
        if self._raw is not None:
            return self._raw
        try:
            return regular.read(self._source, MAX_BYTES, follow=False)
        except OSError:
            return b""

    @property
    def text(self) -> str:
        """Its text without a byte order mark; what is not UTF-8 is replaced."""
        return self.raw.decode("utf-8", errors="replace").removeprefix("\ufeff")

    @property
    def documents(self) -> list[yaml.Node]:
        """What it holds as YAML or JSON; nothing where it cannot be read."""
        return compose(self.text)

    @cached_property
    def is_structured(self) -> bool:
        """Whether its name says that it is YAML or JSON."""
        return self.place.suffix.lower() in _STRUCTURED

    @cached_property
    def is_template(self) -> bool:
        """Whether it may be a template."""
        return self.is_structured and b"Resources" in self.raw and b"AWS::" in self.raw

    @cached_property
    def is_parent(self) -> bool:
        """Whether it may be a template that gives parameters to others."""
        return self.is_template and _PARENT.search(self.raw) is not None

    @cached_property
    def is_secretive(self) -> bool:
        """Whether it may be a template with a parameter that must not be shown."""
        return self.is_template and b"NoEcho" in self.raw

    @cached_property
    def script(self) -> Script:
        """Its text as that of a script, a workflow or a program."""
        from .call_sites import Script

        return Script(self.text)

    @cached_property
    def declared(self) -> frozenset[str]:
        """The parameters of a template: the keys of the section that declares them, or all inner
        keys where that is not plain."""
        text = self.text
        as_json = _parameters_in_json(text)
        if as_json is not None:
            return frozenset(map(sys.intern, as_json))
        sections = _PARAMETERS.findall(text)
        found = _INNER_KEY.findall(sections[0] if len(sections) == 1 else text)
        return frozenset(map(sys.intern, found))

    @cached_property
    def hidden(self) -> frozenset[str]:
        """The parameters that a template says must not be shown (`NoEcho`)."""
        if not self.is_secretive:
            return frozenset()
        as_json = _parameters_in_json(self.text)
        if as_json is not None:
            return frozenset(
                name
                for name, parameter in as_json.items()
                if isinstance(parameter, dict) and str(parameter.get("NoEcho")).lower() == "true"
            )
        sections = (get(root, "Parameters") for root in self._declarations)
        return frozenset(
            key.value
            for section in sections
            for key, parameter in entries(section)
            if text(get(parameter, "NoEcho")).lower() == "true"
        )

    @property
    def _declarations(self) -> list[yaml.Node]:
        """The part of a template that declares its parameters, all of it where that is not plain:
        most is much longer."""
        found = _PARAMETERS.findall(self.text)
        return (compose(found[0]) if len(found) == 1 else []) or self.documents

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


def _parameters_in_json(text: str) -> dict[str, object] | None:
    """Return the parameters that a template in JSON declares; None where it is no JSON."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        template = json.loads(text)
    except (ValueError, RecursionError):  # flow YAML, most often
        return None
    parameters = template.get("Parameters")
    return parameters if isinstance(parameters, dict) else {}


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
    files = [entry for entry in walk(root, HIDDEN_BELOW) if isinstance(entry, Path)]
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
        yield TreeFile(PurePosixPath(file.relative_to(root).as_posix()), raw, file)


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
