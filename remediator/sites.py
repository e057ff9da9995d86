"""A place that gives a template's parameter a value, and the names of templates in texts."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from .model import Path

_RUN = re.compile(r"[\w.${}/:@~+-]+")
_PART = re.compile(r"[\w.-]+")
_NAMED = re.compile(r"[\w.-]+\.(?:ya?ml|json|template|cfn)(?![\w-])", re.I)
_BRACED = re.compile(r"\$\{(\w+)\}(?=[.-][\w.-]{0,99}\.?(?:ya?ml|json|template|cfn)(?![\w-]))")
_REFERENCE = re.compile(
    r"\{\{resolve:|^!(?:ssm|secretsmanager|aws_ssm)\b|\blookup\(\s*['\"][\w.]*(?:ssm|secretsmanager)",
    re.I,
)
"""A value that is kept in a secret or in the parameter store: of CloudFormation, of Sceptre
(https://docs.sceptre-project.org/latest/docs/resolvers.html), of Ansible."""
SAM_TEMPLATES = frozenset({"template.yaml", "template.yml", "template.json"})
"""What the SAM CLI deploys where nothing is named."""
MAX_NAME = 2000
"""Characters of a template's place; S3 takes 1024 for a key."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place that gives a parameter its value.

    `templates` are the names or places of templates that this place is tied to; none where the
    file does not say. `names` are all parameters that the same place gives. `edit` is how the
    value is taken out: `yaml` (JSON too) and `toml` by `settings_files.without`, `template` by an
    edit of the template that it stands in; empty where it can only be told.

    `places` are the entries of the file's data that have to go: an entry of a list, `(3,)`, or of a
    mapping, `("Parameters", "DBPassword")`; or a text that holds several assignments, `("default",
    "deploy", "parameters", "parameter_overrides")`. In a file of several YAML documents the first
    step is the document's number, from 0. `value` is the given text where it is a scalar, behind
    its tag where it has one: `{{resolve:ssm:/db}}`, `!environment_variable DB_PASSWORD`; it may be
    a secret. `shared`: it is given to all of `templates`, so that it may go only where none of
    them takes it. `guess`: nothing says that it is meant for the template that is asked about.
    `by_script`: a script, a workflow or a program gives it; `value` is then what stands behind the
    name where that is one variable, `$DB_PASSWORD`, one expression of a CI system or one text.
    """

    parameter: str
    line: int
    how: str
    breaks: bool = True
    templates: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    places: tuple[Path, ...] = ()
    value: str | None = field(default=None, repr=False)
    edit: str = ""
    shared: bool = False
    guess: bool = False
    by_script: bool = False


class Lines:
    """The line numbers of a text's characters, for all its matches."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def number(self, position: int) -> int:
        """Return the line of a character, from 1."""
        return bisect_right(self._starts, position)

    def start(self, position: int) -> int:
        """Return the first character of a character's line."""
        return self._starts[self.number(position) - 1]


def template_names(text: str) -> Iterator[str]:
    """Yield the names or places of templates: `db.yaml`, `https://…/${Prefix}db.template`."""
    for run in _RUN.finditer(text):
        start = run.start()
        for part in _PART.finditer(text, run.start(), run.end()):
            found = _NAMED.match(text, part.start(), part.end())
            if found is not None:
                if found.end() - start <= MAX_NAME:
                    yield text[start : found.end()]
                start = found.end()


def script_template_names(text: str) -> Iterator[str]:
    """Yield the same of a script, where a variable may be all of a name or its beginning:
    `cfn/${stack}.yaml`, as `cfn/$stack.yaml`."""
    return template_names(_BRACED.sub(r"$\1", text))


def is_reference(value: str) -> bool:
    """Tell whether a value is kept in a secret or in the parameter store already."""
    return _REFERENCE.search(value) is not None


def base_name(name: str) -> str:
    """Return the file's name at the end of a template's place: of `${Prefix}db.yaml`, `db.yaml`."""
    return re.split(r"[/:}]", name)[-1]


def is_end_of(place: PurePosixPath, name: str) -> bool:
    """Tell whether a name in a text may be that of a file at a place: its steps end that place, as
    `file://params/db.json` and `../params/db.json` end `deploy/params/db.json`."""
    parts = PurePosixPath(re.sub(r"^\w+://", "", name)).parts
    steps = [part for part in parts if part not in ("/", ".", "..")]
    return bool(steps) and list(place.parts[-len(steps) :]) == steps
