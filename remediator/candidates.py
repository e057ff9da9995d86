"""Which of the fixes that transforms plan are carried out together: those that are allowed, that
touch no place of an earlier one's, and that fit into CloudFormation's limits beside the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from . import limits
from .document import Document
from .errors import EditError
from .integrity import prune
from .model import CALLERS, Consequence, Finding, Fix, Operation, Path, Refusal, Settings, repair_id
from .results import DECLINED

if TYPE_CHECKING:
    from .splice import Splicer


class Found(NamedTuple):
    """A finding with the transform that found it; `place` is its line and column, where they are
    not those of the entry that it speaks of."""

    transform: str
    finding: Finding
    place: tuple[int, int] | None = None


class Candidate(NamedTuple):
    """A fix that the settings allow."""

    found: Found
    fix: Fix


Left: TypeAlias = tuple[Found, Refusal | None]
"""A finding that is left, and what holds its fix back; None where it has none."""


def sort(
    found: Sequence[Found],
    document: Document,
    settings: Settings,
    file: str,
    refused: Mapping[str, Refusal] = MappingProxyType({}),
) -> tuple[list[Candidate], list[Left]]:
    """Part the fixes that may be tried from the findings that are left, with the reason.

    `file` is part of the ids by which the settings choose repairs. `refused` are transforms whose
    fixes are not to be made, and why.
    """
    candidates: list[Candidate] = []
    left: list[Left] = []
    too_large = limits.too_large(document.text)
    for each in found:
        fix = each.finding.fix
        if fix is None:
            left.append((each, each.finding.refusal))
        elif too_large is not None:
            left.append((each, too_large))
        elif document.problems:
            problem = document.problems[0]
            left.append((each, Refusal(problem.code, problem.message)))
        elif not settings.new and fix.consequence not in settings.allow:
            left.append((each, _not_allowed(fix, settings)))
        elif _is_declined(each, repair_id(file, each.transform, each.finding.path), settings):
            left.append((each, _DECLINED))
        elif each.transform in refused:
            left.append((each, refused[each.transform]))
        else:
            candidates.append(Candidate(each, fix))
    return candidates, left


def _is_declined(found: Found, repair: str, settings: Settings) -> bool:
    """Tell whether the choice leaves a repair out; one that follows from another is not chosen."""
    follows = found.finding.follows or found.transform == CALLERS
    chosen = not settings.only or repair in settings.only or follows
    return repair in settings.skip or not chosen


_DECLINED = Refusal(DECLINED, "the choice of repairs (--only, --skip) leaves it out")


def _not_allowed(fix: Fix, settings: Settings) -> Refusal:
    allowed = ",".join(c for c in Consequence if c in {*settings.allow, fix.consequence})
    because = f": {fix.because}" if fix.because else ""
    return Refusal(
        "not-allowed",
        f"the repair is `{fix.consequence}`{because}; --allow {allowed} would allow it",
    )


def choose(
    document: Document, candidates: Sequence[Candidate]
) -> tuple[list[Candidate], str, list[Left]]:
    """Return the fixes that can be carried out together, the text, and those that cannot be.

    A fix that overlaps with an earlier one, or goes beyond a limit only beside others, waits for
    the next pass. All are tried at once; only where that fails, each alone, to tell which is
    guilty, and then halves of the others beside one another.
    """
    together = _without_overlap(candidates)
    if not together:
        return [], document.text, []
    trials = _Trials(document)
    text = trials.together(together)
    if isinstance(text, str):
        return together, text, []
    able, refused = trials.alone(candidates)
    chosen, chosen_text = trials.beside([], able, document.text)
    return chosen, chosen_text, refused


class _Trials:
    """Fixes tried on a document; what a trial needs to know of the document is found once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._held = limits.Held(document.data)
        self._size = len(document.text.encode())

    @cached_property
    def _splicer(self) -> Splicer:
        from .splice import Splicer  # not for a check, which carries out nothing

        return Splicer(self._document)

    def together(self, candidates: Sequence[Candidate]) -> str | Refusal:
        """Return the text with these fixes carried out together, or why that cannot be."""
        operations = operations_of(self._document, candidates)
        refusal = limits.crossed(self._held, operations)
        if refusal is not None:
            return refusal
        try:
            text = self._splicer.apply(operations)
        except EditError as error:
            return Refusal("cannot-edit", error.message)
        return limits.outgrown(self._size, len(text.encode())) or text

    def alone(self, candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[Left]]:
        """Return the fixes that can be carried out, as many as have room, and those that cannot be.

        No text is made for any of them: there may be thousands, and the text may be long.
        """
        growths: dict[int, int] = {}
        refused: list[Left] = []
        for candidate in candidates:
            growth = self._growth(operations_of(self._document, [candidate]))
            if isinstance(growth, Refusal):
                refused.append((candidate.found, growth))
            else:
                growths[id(candidate)] = growth
        able = []
        size = self._size
        for candidate in _without_overlap([each for each in candidates if id(each) in growths]):
            grown = size + growths[id(candidate)]
            if limits.outgrown(self._size, grown) is None:
                size = grown
                able.append(candidate)
        return able, refused

    def _growth(self, operations: Sequence[Operation]) -> int | Refusal:
        """Return by how many bytes a fix makes the text longer, or why it cannot be carried out."""
        refusal = limits.crossed(self._held, operations)
        if refusal is not None:
            return refusal
        try:
            edits = self._splicer.edits(operations)
        except EditError as error:
            return Refusal("cannot-edit", error.message)
        growth = sum(each.growth(self._document.text) for each in edits)
        return limits.outgrown(self._size, self._size + growth) or growth

    def beside(
        self, chosen: list[Candidate], candidates: Sequence[Candidate], text: str
    ) -> tuple[list[Candidate], str]:
        """Return what is chosen with those that can be carried out beside it, and the text.

        `text` is the one with what is chosen. Where not all can be, each half is tried in turn.
        """
        if not candidates:
            return chosen, text
        tried = self.together([*chosen, *candidates])
        if isinstance(tried, str):
            return [*chosen, *candidates], tried
        if len(candidates) == 1:
            return chosen, text
        middle = len(candidates) // 2
        chosen, text = self.beside(chosen, candidates[:middle], text)
        return self.beside(chosen, candidates[middle:], text)


def within_limits(
    document: Document, candidates: Sequence[Candidate]
) -> tuple[list[Candidate], list[Left]]:
    """Part the fixes that fit into the template beside those before them from the others."""
    if not candidates:
        return [], []
    held = limits.Held(document.data)
    together = operations_of(document, _without_overlap(candidates))
    if limits.crossed(held, together) is None:
        return list(candidates), []
    fitting: list[Candidate] = []
    refused: list[Left] = []
    for candidate in candidates:
        beside = _without_overlap([candidate, *fitting])
        refusal = limits.crossed(held, operations_of(document, beside))
        if refusal is None:
            fitting.append(candidate)
        else:
            refused.append((candidate.found, refusal))
    return fitting, refused


def operations_of(document: Document, candidates: Sequence[Candidate]) -> tuple[Operation, ...]:
    """Return the operations of all these fixes, without removals that would leave nothing."""
    operations = [each for candidate in candidates for each in candidate.fix.operations]
    return prune(document.data, operations)


def _without_overlap(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates whose operations touch no place of an earlier one's."""
    taken: set[Path] = set()
    above: set[Path] = set()  # the places that hold a taken one
    chosen = []
    for candidate in candidates:
        paths = [operation.path for operation in candidate.fix.operations]
        held = {path[:length] for path in paths for length in range(len(path) + 1)}
        if taken.isdisjoint(held) and above.isdisjoint(paths):
            taken.update(paths)
            above |= held
            chosen.append(candidate)
    return chosen
