"""Who else is given the value that a template's password was given, by scripts and settings.

A workflow deploys the stack of the database and that of the application with one secret of the CI
system: once the first generates its password, the second would keep the old one. What goes too, in
the same run, keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath as Place

from . import sharing
from .errors import FileError, TemplateError
from .family_texts import Texts
from .model import Refusal
from .repository import Call, Repository
from .results import FileResult, removed

Entry = tuple[Place, int]


def kept(
    results: Mapping[Place, FileResult],
    rotating: Iterable[Place],
    edited: Iterable[tuple[Place, str, Call]],
    texts: Texts,
    tree: Repository,
) -> Iterator[tuple[Place, str, Refusal]]:
    """Yield the parameters that have to stay, since something else would keep the old password.

    `rotating` are the templates whose password becomes another one, `edited` the entries of
    settings that go: the template, its parameter, the entry.
    """
    entries = list(edited)
    gone = {(call.place, call.site.line) for _, _, call in entries}
    for template in rotating:
        for name in removed(results[template]):
            own = tree.calls(template, name)
            known = {(each.place, each.site.line) for each in own if _is_sure(each)}
            edits = [call for place, other, call in entries if (place, other) == (template, name)]
            told = (each for each in own if each.site.by_script or each.site.guess)
            for call in (*edits, *told):
                why = _fed(template, call, texts, tree)
                if not (why or call.site.guess):
                    why = _keeper(template, name, call, gone | known, texts, tree)
                if why:
                    where = f"{call.place}:{call.site.line} ({call.site.how})"
                    yield template, name, Refusal("shared-password", f"{where} {why}")


def _is_sure(call: Call) -> bool:
    return not (call.site.guess or call.site.shared or call.site.by_script)


def _fed(template: Place, call: Call, texts: Texts, tree: Repository) -> str:
    """Return which other template a script gives the same parameter file, in words."""
    found = sorted(tree.fed(call))
    if call.site.guess and template not in (taker for _, taker in found):
        return ""
    given = call.site.parameter
    for script, taker in found:
        if taker != template and _takes(taker, given, texts):
            return _would_keep(f"{given} to {taker}, too, as {script} shows")
    return ""


def _keeper(
    template: Place, name: str, call: Call, gone: set[Entry], texts: Texts, tree: Repository
) -> str:
    """Return who would keep the password that is given at a place, in words; empty if nobody."""
    source = tree.source(call)
    if source is None or (source.is_text and not sharing.is_password(source.word)):
        return ""
    for other in tree.giving(source):
        given, place = other.site.parameter, f"{other.place}:{other.site.line}"
        if not other.site.by_script:
            if sharing.is_secret(given, tree.hides) and (other.place, other.site.line) not in gone:
                return _would_keep(f"the value that {place} gives as {given}")
        elif not source.is_text or sharing.is_secret(given, tree.hides):
            for taker in sorted(tree.taking(other) - ({template} if given == name else set())):
                if not _takes(taker, given, texts):
                    continue
                if (other.place, other.site.line) != (call.place, call.site.line):
                    return _would_keep(f"the value that {place} gives to {taker} as {given}")
                if not source.word.isdigit():  # what a function is called with may differ
                    return _would_keep(f"it to {taker} as {given}, too")
    return ""


def _would_keep(what: str) -> str:
    return f"gives {what}: that would keep the old password; let it read a secret first"


def _takes(template: Place, parameter: str, texts: Texts) -> bool:
    """Tell whether a template will take a parameter, and do anything with it."""
    try:
        new = texts.new(template)
    except (TemplateError, FileError):
        return True  # as far as that can be told
    return parameter in new.parameters and sharing.is_used(new, parameter)
