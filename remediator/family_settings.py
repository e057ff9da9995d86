"""What becomes of the settings of deployment tools when a template loses a parameter.

Parameter files and their like: each loses the entry, with the repair that took the parameter away;
where that is not possible, the parameter stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath as Place

from . import hidden, settings_files, sharing
from .errors import EditError, FileError, ProofError
from .model import (
    CALLERS,
    OLD_PASSWORD,
    Finding,
    Fix,
    Refusal,
    Span,
    is_telling,
    json_patch,
    repair_id,
)
from .repository import Call, Repository
from .results import DECLINED, FileResult, Outcome, removed
from .script_values import source_of
from .settings_text import SettingsText
from .sharing import is_secret
from .sites import Site, is_reference
from .work_tree import path_in_diff

_LINES = 4
"""Lines around that of a parameter's name in which its value is hidden."""


@dataclass(frozen=True)
class Given:
    """A parameter that a template loses, and where a file gives it."""

    template: Place
    parameter: str
    call: Call
    skip: frozenset[str] = frozenset()
    """The ids of repairs that a person does not want."""

    @property
    def where(self) -> str:
        """The place in words."""
        return f"{self.call.place}:{self.call.site.line} ({self.call.site.how})"

    def stays(self, code: str, why: str, repair: str = "") -> tuple[Place, str, Refusal]:
        """Return that the template keeps the parameter, and why."""
        refusal = Refusal(code, f"{self.where} {why}", repair=repair)
        return self.template, self.parameter, refusal


def edit(
    given: Sequence[Given],
    results: Mapping[Place, FileResult],
    tree: Repository,
    shown: Callable[[Place], str],
    *,
    proven: bool = True,
) -> tuple[dict[Place, FileResult], list[tuple[Place, str, Refusal]]]:
    """Return the files without what they give, and the parameters that have to stay, with why.

    `results` are those of the templates. `shown` is what a result calls a file. Without `proven`
    the edits are not proven, as in a check.
    """
    edited: dict[Place, FileResult] = {}
    stay: list[tuple[Place, str, Refusal]] = []
    for file in dict.fromkeys(each.call.place for each in given):
        own = [each for each in given if each.call.place == file]
        try:
            edited[file] = _edited(file, own, results, tree, shown, proven=proven)
        except (EditError, ProofError, FileError) as error:
            line = f" at line {error.line}" if error.line else ""
            why = f"gives it, and cannot be edited{line}: {error.message}"
            stay += [each.stays("cannot-edit", why) for each in own]
    stay += _unwanted(given, tree)
    return edited, stay


def _unwanted(given: Sequence[Given], tree: Repository) -> Iterator[tuple[Place, str, Refusal]]:
    """Yield the parameters that have to stay since a person does not want the edit of a file."""
    for each in given:
        repair = _repair(each.call.place, each.parameter, given, tree)
        if repair in each.skip:
            why = "gives it, and the choice of repairs (--only, --skip) leaves that edit out"
            yield each.stays(DECLINED, why, repair)


def _repair(file: Place, parameter: str, given: Iterable[Given], tree: Repository) -> str:
    """Return the id of the edit that takes a parameter out of a file."""
    own = (e for e in given if (e.call.place, e.parameter) == (file, parameter))
    return repair_id(path_in_diff(tree.root / file), CALLERS, next(own).call.site.places[0])


def _edited(
    file: Place,
    given: Sequence[Given],
    results: Mapping[Place, FileResult],
    tree: Repository,
    shown: Callable[[Place], str],
    *,
    proven: bool,
) -> FileResult:
    old = tree.text(file)
    sites = [each.call.site for each in given]
    edited = settings_files.without(file.name, old, sites, proven=proven)
    outcomes = []
    for name in dict.fromkeys(each.parameter for each in given):
        own = [each for each in given if each.parameter == name]
        causes = [removed(results[each.template])[name] for each in own]
        templates = " and ".join(sorted({each.template.name for each in own}))
        site = own[0].call.site
        finding = Finding(
            site.places[0],
            f"the {site.how} gives {name}, which {templates} takes no more",
            fix=Fix(
                f"{name} is no longer given to {templates}",
                edited.operations,
                follow_ups=(OLD_PASSWORD,) if any(_writes_it_out(e.call) for e in own) else (),
            ),
        )
        outcomes.append(
            Outcome(
                CALLERS,
                finding,
                causes[0].status,
                site.line,
                1,
                id=_repair(file, name, given, tree),
                causes=tuple(dict.fromkeys(cause.id for cause in causes)),
            )
        )
    before, after = tree.sites(file, old), tree.sites(file, edited.text)
    gone = {each.parameter for each in given}

    def hides(site: Site) -> bool:
        told = site.value is None or site.value.startswith(("!", "{{resolve:"))
        return not told and (site.parameter in gone or is_secret(site.parameter, tree.hides))

    found = [site for site in (*sites, *before) if hides(site)]
    secrets = [site.value for site in found if site.value]
    return FileResult(
        shown(file),
        outcomes[0].status,
        tuple(outcomes),
        patch=tuple(json_patch(edited.operations)),
        old=old,
        new=edited.text,
        secrets=tuple(dict.fromkeys(value for value in secrets if is_telling(value))),
        hidden_old=_hidden(file.name, old, found),
        hidden_new=_hidden(file.name, edited.text, list(filter(hides, after))),
        is_template=False,
    )


def _writes_it_out(call: Call) -> bool:
    """Tell whether an entry that goes has the password itself, and no variable or reference."""
    value = call.site.value
    return (
        value is not None
        and sharing.is_password(value)
        and source_of(value).is_text
        and not is_reference(value)
        and not re.search(r"^!|\$\{|\{\{", value)
    )


def _hidden(name: str, text: str, sites: Sequence[Site]) -> tuple[Span, ...]:
    """Return the spans of a settings file that hold the value of a password.

    In YAML and JSON they are found by their nodes, as the source may differ from the value.
    """
    if any(site.edit == "toml" for site in sites) or name.lower().endswith(".toml"):
        return _hidden_lines(text, sites)
    values = {site.value.strip() for site in sites if site.value}
    places = [place for site in sites for place in site.places]
    document = SettingsText.parse(text, name)
    shift = int(document.bom)
    by_node = {(a + shift, b + shift) for a, b in hidden.spans(document, values, places)}
    return tuple(sorted({*by_node, *_hidden_lines(text, sites, otherwise=False)}))


def _hidden_lines(text: str, sites: Iterable[Site], *, otherwise: bool = True) -> tuple[Span, ...]:
    """Return the spans of the values that stand as they are beside the name of their parameter.

    `otherwise`: of a value that is spelled in another way, all of the line.
    """
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    spans: set[Span] = set()
    for site in sites:
        if site.value:
            first, last = max(site.line - 1 - _LINES, 0), site.line + _LINES
            line = starts[min(site.line, len(starts)) - 1]
            end = starts[last] if last < len(starts) else len(text)
            name = max(text.find(site.parameter, line, end), line)
            found = text.find(site.value, name + len(site.parameter), end)
            if found < 0:  # a list of pairs may have the value before the name
                found = text.rfind(site.value, starts[first], name)
            if found >= 0:
                spans.add((found, found + len(site.value)))
            elif otherwise:
                spans.add((line, max(text.find("\n", line), line)))
    return tuple(sorted(spans))
