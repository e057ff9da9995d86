"""One document: find, plan, splice, prove, and again until nothing is left to repair.

Each pass starts from the text that the pass before has proven, so no state is carried along but
the outcomes: what the last pass finds and cannot repair is what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from . import limits
from .deployment import needs
from .document import Document
from .errors import EditError, ProofError, TemplateError, TransformError
from .integrity import needed_parameters, prune, unresolved_references
from .model import (
    Add,
    Consequence,
    Context,
    FileResult,
    Finding,
    Fix,
    Operation,
    Outcome,
    Path,
    Refusal,
    Settings,
    Status,
    Value,
    json_patch,
    pointer,
    value_at,
)
from .splice import apply
from .template import Template
from .transform import Transform
from .verify import Proof, prove

PASSES = 5
"""A repair may make room for another, but not without end; beyond it, a transform is wrong."""

FINDINGS = 2_000
"""Findings of a template at the most: each may take as long as the template is."""

_DEFECT = (
    "a defect of remediator: {what}; the file stays as it was; please report it with the template, "
    "without its secrets"
)


@dataclass(frozen=True, slots=True)
class _Found:
    """A finding with the transform that found it."""

    transform: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A fix that the settings allow."""

    found: _Found
    fix: Fix


@dataclass
class _Progress:
    """What the passes have done so far."""

    document: Document
    repaired: list[_Found] = field(default_factory=list)
    patch: list[dict[str, Value]] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def remediate(
    document: Document,
    transforms: Sequence[Transform],
    context: Context,
    *,
    path: str = "",
    write: Status = Status.FIXED,
) -> FileResult:
    """Repair a document; nothing is written, the result holds the proven text.

    `write` is the status of what is repaired: `fixed`, or `would-fix` in a dry run. An edit that
    cannot be proven gives a result of status `error` with the old text. Raises TransformError
    where a transform breaks its contract, TemplateError where there is too much to repair.
    """
    progress = _Progress(document)
    for _ in range(PASSES):
        found = _find(progress.document, transforms, context)
        candidates, left = _sort(found, progress.document, context.settings)
        try:
            refused = _repair(progress, candidates)
        except ProofError as error:
            return _defect(document, progress.repaired + found, path, error.message)
        if refused is not None:
            result = _result(document, progress, [*left, *refused], path, write)
            needed = needs(document, progress.document, context)
            return replace(result, deployment=needed)
    repeated = ", ".join(sorted({candidate.found.transform for candidate in candidates}))
    message = f"{PASSES} passes did not settle what {repeated} repairs"
    return _defect(document, progress.repaired + found, path, message)


def inspect(
    document: Document, transforms: Sequence[Transform], context: Context, *, path: str = ""
) -> FileResult:
    """Return what is found and could be planned; nothing is carried out or proven.

    Raises TransformError where a transform breaks its contract, TemplateError where there is too
    much to repair.
    """
    found = _find(document, transforms, context)
    candidates, left = _sort(found, document, context.settings)
    candidates, beyond = _within_limits(document, candidates)
    left += beyond
    planned = _Progress(document, repaired=[candidate.found for candidate in candidates])
    return _result(document, planned, left, path, Status.REPAIRABLE)


# --- one pass --------------------------------------------------------------------------------


def _find(document: Document, transforms: Iterable[Transform], context: Context) -> list[_Found]:
    template = Template(document)
    found = []
    for transform in transforms:
        try:
            for finding in transform.check(template, context):
                if finding.fix is not None:
                    _check_places(document, transform, finding.fix)
                found.append(_Found(transform.id, finding))
                if len(found) > FINDINGS:
                    raise TemplateError(
                        f"has more than {FINDINGS:,} places to repair; so many are not looked at "
                        "(CloudFormation takes 500 resources)"
                    )
        except (LookupError, ValueError) as error:
            raise TransformError(
                f"the transform {transform.id} fails on {document.name} with "
                f"{type(error).__name__}; this is a defect of the transform, please report it"
            ) from error
    return found


def _check_places(document: Document, transform: Transform, fix: Fix) -> None:
    """Refuse a fix that speaks of entries that are not there."""
    for operation in fix.operations:
        adds = isinstance(operation, Add)
        try:
            value_at(document.data, operation.path[:-1] if adds else operation.path)
        except KeyError as error:
            raise TransformError(
                f"the transform {transform.id} plans a change at {pointer(operation.path)} of "
                f"{document.name}, where nothing stands; this is a defect of the transform"
            ) from error


_Left = tuple[_Found, Refusal | None]


def _sort(
    found: Sequence[_Found], document: Document, settings: Settings
) -> tuple[list[_Candidate], list[_Left]]:
    """Part the fixes that may be tried from the findings that are left, with the reason."""
    candidates: list[_Candidate] = []
    left: list[_Left] = []
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
        else:
            candidates.append(_Candidate(each, fix))
    return candidates, left


def _not_allowed(fix: Fix, settings: Settings) -> Refusal:
    allowed = ",".join(c for c in Consequence if c in {*settings.allow, fix.consequence})
    because = f": {fix.because}" if fix.because else ""
    return Refusal(
        "not-allowed",
        f"the repair is `{fix.consequence}`{because}; --allow {allowed} would allow it",
    )


def _repair(progress: _Progress, candidates: Sequence[_Candidate]) -> list[_Left] | None:
    """Carry out and prove what can be; None where the text changed, else why nothing did.

    Raises ProofError where the new text is not what was planned.
    """
    old = progress.document
    chosen, text, refused = _choose(old, candidates)
    if not chosen:
        return refused
    operations = _operations(old, chosen)
    try:
        new = old.with_text(text)
    except TemplateError as error:
        raise ProofError(f"the new text cannot be read: it {error.message}") from error
    try:
        proof = prove(old, new, operations)
    except EditError as error:
        unproven = Refusal("cannot-be-proven", error.message)
        return [*refused, *((candidate.found, unproven) for candidate in chosen)]
    _advance(progress, new, chosen, operations, proof)
    return None


def _advance(
    progress: _Progress,
    new: Document,
    chosen: Sequence[_Candidate],
    operations: Sequence[Operation],
    proof: Proof,
) -> None:
    progress.document = new
    progress.repaired += [candidate.found for candidate in chosen]
    progress.patch += json_patch(operations)
    progress.differences += proof.differences


def _choose(
    document: Document, candidates: Sequence[_Candidate]
) -> tuple[list[_Candidate], str, list[_Left]]:
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
    chosen: list[_Candidate] = []
    refused: list[_Left] = []
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


def _attempt(document: Document, candidates: Sequence[_Candidate]) -> str | Refusal:
    """Return the text with these fixes carried out together, or why that cannot be."""
    operations = _operations(document, candidates)
    refusal = limits.crossed(document.data, operations)
    if refusal is not None:
        return refusal
    try:
        text = apply(document, operations)
    except EditError as error:
        return Refusal("cannot-edit", error.message)
    return limits.outgrown(document.text, text) or text


def _within_limits(
    document: Document, candidates: Sequence[_Candidate]
) -> tuple[list[_Candidate], list[_Left]]:
    """Part the fixes that fit into the template beside those before them from the others."""
    together = _operations(document, _without_overlap(candidates))
    if limits.crossed(document.data, together) is None:
        return list(candidates), []
    fitting: list[_Candidate] = []
    refused: list[_Left] = []
    for candidate in candidates:
        beside = _without_overlap([candidate, *fitting])
        refusal = limits.crossed(document.data, _operations(document, beside))
        if refusal is None:
            fitting.append(candidate)
        else:
            refused.append((candidate.found, refusal))
    return fitting, refused


def _operations(document: Document, candidates: Sequence[_Candidate]) -> tuple[Operation, ...]:
    operations = [each for candidate in candidates for each in candidate.fix.operations]
    return prune(document.data, operations)


def _without_overlap(candidates: Sequence[_Candidate]) -> list[_Candidate]:
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


# --- results ---------------------------------------------------------------------------------


def _result(
    document: Document, progress: _Progress, left: Sequence[_Left], path: str, repaired: Status
) -> FileResult:
    new = progress.document
    outcomes = [_outcome(document, each, repaired) for each in progress.repaired]
    outcomes += [_outcome(new, each, Status.LEFT, refusal) for each, refusal in left]
    status = repaired if progress.repaired else Status.LEFT if left else Status.CLEAN
    problem = document.problems[0] if document.problems else None
    return FileResult(
        path,
        status if problem is None else Status.ERROR,
        tuple(outcomes),
        patch=tuple(progress.patch),
        old=document.text,
        new=new.text,
        error=problem.message if problem else "",
        error_line=problem.line if problem else None,
        needs_before=needed_parameters(document.data),
        needs_after=needed_parameters(new.data),
        undefined=_undefined(new) if outcomes else (),
        differences=tuple(progress.differences),
    )


def _undefined(document: Document) -> tuple[str, ...]:
    """Return what a template refers to in vain, as far as no macro makes it."""
    template = Template(document)
    return () if template.macros else tuple(sorted(unresolved_references(document.data)))


def _defect(document: Document, found: Sequence[_Found], path: str, what: str) -> FileResult:
    """Return the result of a document whose repair went wrong: nothing changes."""
    once = {(each.transform, each.finding.path, each.finding.message): each for each in found}
    refusal = Refusal("not-proven", what)
    needed = needed_parameters(document.data)
    return FileResult(
        path,
        Status.ERROR,
        tuple(
            _outcome(document, each, Status.LEFT, each.finding.refusal or refusal)
            for each in once.values()
        ),
        old=document.text,
        new=document.text,
        error=_DEFECT.format(what=what),
        needs_before=needed,
        needs_after=needed,
    )


def _outcome(
    document: Document, found: _Found, status: Status, refusal: Refusal | None = None
) -> Outcome:
    line, column = document.place(found.finding.path)
    return Outcome(found.transform, found.finding, status, line, column, refusal)
