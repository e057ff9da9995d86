"""Which of the fixes that transforms plan are carried out together: those that are allowed, that
touch no place of an earlier one's, and that fit into CloudFormation's limits beside the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from . import limits
from .document import Document
from .errors import EditError
from .integrity import prune
from .model import CALLERS, Consequence, Finding, Fix, Operation, Path, Refusal, Settings, repair_id
from .results import DECLINED


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with the transform that found it; `place` is its line and column, where they are
    not those of the entry that it speaks of."""

    transform: str
    finding: Finding
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
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
    the next pass. All are tried at once; only where that fails, one after the other, to tell which
    is guilty.
    """
    together = _without_overlap(candidates)
    if not together:
        return [], document.text, []
    text = _attempt(document, together)
    if isinstance(text, str):
        return together, text, []
    chosen: list[Candidate] = []
    refused: list[Left] = []
    chosen_text = document.text
    for candidate in candidates:
        if len(_without_overlap([*chosen, candidate])) == len(chosen):
            continue
        alone = _attempt(document, [candidate])
        if isinstance(alone, Refusal):
            refused.append((candidate.found, alone))
            continue
        beside = _attempt(document, [*chosen, candidate]) if chosen else alone
        if isinstance(beside, str):
            chosen_text = beside
            chosen.append(candidate)
    return chosen, chosen_text, refused


def _attempt(document: Document, candidates: Sequence[Candidate]) -> str | Refusal:
    """Return the text with these fixes carried out together, or why that cannot be."""
    operations = operations_of(document, candidates)
    refusal = limits.crossed(document.data, operations)
    if refusal is not None:
        return refusal
    from .splice import apply  # not for a check, which carries out nothing

    try:
        text = apply(document, operations)
    except EditError as error:
        return Refusal("cannot-edit", error.message)
    return limits.outgrown(document.text, text) or text


def within_limits(
    document: Document, candidates: Sequence[Candidate]
) -> tuple[list[Candidate], list[Left]]:
    """Part the fixes that fit into the template beside those before them from the others."""
    if not candidates:
        return [], []
    together = operations_of(document, _without_overlap(candidates))
    if limits.crossed(document.data, together) is None:
        return list(candidates), []
    fitting: list[Candidate] = []
    refused: list[Left] = []
    for candidate in candidates:
        beside = _without_overlap([candidate, *fitting])
        refusal = limits.crossed(document.data, operations_of(document, beside))
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
