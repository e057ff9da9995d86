"""One document: find, plan, splice, prove, and again until nothing is left to repair.

Each pass starts from the text that the pass before has proven, so no state is carried along but
the outcomes: what the last pass finds and cannot repair is what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

from .candidates import Candidate, Found, Left, choose, operations_of, sort, within_limits
from .document import Document
from .errors import EditError, ProofError, TemplateError, TransformError
from .integrity import needed_parameters, unresolved_references
from .model import (
    Add,
    Context,
    Fix,
    Refusal,
    Value,
    json_patch,
    pointer,
    repair_id,
    value_at,
)
from .results import FileResult, Outcome, Status
from .suppression import Parted, part
from .template import Template
from .transform import Transform

# What proves a repair, and what is told of one, is imported where a text changes.

Judge: TypeAlias = Callable[[Document, Document], Refusal | None]
"""Looks at an old and a new template; returns what is wrong with the new one, if anything."""

PASSES = 5
"""A repair may make room for another, but not without end; beyond it, a transform is wrong."""

FINDINGS = 2_000
"""Findings of a template at the most: each may take as long as the template is."""

_DEFECT = (
    "a defect of remediator: {what}; the file stays as it was; please report it with the template, "
    "without its secrets"
)


@dataclass(eq=False, repr=False)
class _Progress:
    """What the passes have done so far."""

    template: Template
    repaired: list[Found] = field(default_factory=list)
    patch: list[dict[str, Value]] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def document(self) -> Document:
        """The text that is proven so far."""
        return self.template.document


def remediate(
    document: Document,
    transforms: Sequence[Transform],
    context: Context,
    *,
    path: str = "",
    file: str = "",
    write: Status = Status.FIXED,
    judges: Sequence[Judge] = (),
    proven: bool = True,
) -> FileResult:
    """Repair a document; nothing is written, the result holds the proven text.

    `path` is what the result calls it, `file` its path in its repository, a part of the ids of
    repairs. `write` is the status of what is repaired: `fixed`, or `would-fix` in a dry run.
    `judges` look at the new text after the second opinion on its meaning; where one objects, the
    repairs of the transform that it objects to are left, and the others are made. An edit that
    cannot be proven gives a result of status `error` with the old text. Without `proven` the text
    is neither proven nor judged: a check asks what it would be, and writes nothing. Raises
    TransformError where a transform breaks its contract, TemplateError where there is too much to
    repair.
    """
    work = _Work(document, transforms, context, path, file, write, judges, proven)
    result, objection = work.judged({})
    if objection is None:
        return result
    refused = {transform.id: objection for transform in transforms}
    for transform in transforms:
        fewer = {name: why for name, why in refused.items() if name != transform.id}
        _, objection = work.judged(fewer)
        if objection is None:
            refused = fewer
        else:
            refused[transform.id] = objection
    return work.settled(refused)[0]


class _Work(NamedTuple):
    """One document with all that its repair needs."""

    document: Document
    transforms: Sequence[Transform]
    context: Context
    path: str
    file: str
    write: Status
    judges: Sequence[Judge]
    proven: bool

    def judged(self, refused: Mapping[str, Refusal]) -> tuple[FileResult, Refusal | None]:
        """Return the result without the repairs of these transforms, and what a judge objects."""
        result, new = self.settled(refused)
        if new.text == self.document.text or not self.proven:
            return result, None
        from .meaning import second_opinion

        unheard = {stack: each.gone for stack, each in self.context.family.nested.items()}
        catalogue = self.context.catalogue
        objection = second_opinion(self.document.data, new.data, catalogue, unheard)
        for judge in self.judges:
            objection = objection or judge(self.document, new)
        return result, objection

    def settled(self, refused: Mapping[str, Refusal]) -> tuple[FileResult, Document]:
        """Return the result, and the new document, when nothing more is to be repaired."""
        document = self.document
        progress = _Progress(Template(document))
        for _ in range(PASSES):
            parted = _find(progress.template, self.transforms, self.context)
            candidates, left = sort(
                parted.found, progress.document, self.context.settings, self.file, refused
            )
            try:
                unable = _repair(progress, candidates, proven=self.proven)
            except ProofError as error:
                return self._failed([*progress.repaired, *parted.found], error.message), document
            if unable is not None:
                parted = parted._replace(left=(*left, *unable, *parted.left))
                result = _result(document, progress, parted, self.path, self.write)
                if progress.document is document:
                    return _named(result, self.file), document
                from .deployment import needs
                from .other_tools import with_follow_ups

                needed = needs(document, progress.document, self.context)
                result = _named(replace(result, deployment=needed), self.file)
                catalogue = self.context.catalogue
                result = with_follow_ups(result, document, progress.document, catalogue)
                return result, progress.document
        repeated = ", ".join(sorted({candidate.found.transform for candidate in candidates}))
        message = f"{PASSES} passes did not settle what {repeated} repairs"
        return self._failed([*progress.repaired, *parted.found], message), document

    def _failed(self, found: Sequence[Found], what: str) -> FileResult:
        return _named(_defect(self.document, found, self.path, what), self.file)


def inspect(
    document: Document,
    transforms: Sequence[Transform],
    context: Context,
    *,
    path: str = "",
    file: str = "",
) -> FileResult:
    """Return what is found and could be planned; nothing is carried out or proven.

    Raises TransformError where a transform breaks its contract, TemplateError where there is too
    much to repair.
    """
    template = Template(document)
    parted = _find(template, transforms, context)
    candidates, left = sort(parted.found, document, context.settings, file)
    candidates, beyond = within_limits(document, candidates)
    parted = parted._replace(left=(*left, *beyond, *parted.left))
    planned = _Progress(template, repaired=[candidate.found for candidate in candidates])
    return _named(_result(document, planned, parted, path, Status.REPAIRABLE), file)


# --- one pass --------------------------------------------------------------------------------


def _find(template: Template, transforms: Sequence[Transform], context: Context) -> Parted:
    """Return what the transforms find, parted by what the template says is to stay."""
    document = template.document
    found = []
    for transform in transforms:
        try:
            for finding in transform.check(template, context):
                if finding.fix is not None:
                    _check_places(document, transform, finding.fix)
                found.append(Found(transform.id, finding))
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
    return part(document, found, {transform.id for transform in transforms}, context.known)


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


def _repair(
    progress: _Progress, candidates: Sequence[Candidate], *, proven: bool
) -> list[Left] | None:
    """Carry out and prove what can be; None where the text changed, else why nothing did.

    Raises ProofError where the new text is not what was planned.
    """
    old = progress.document
    chosen, text, refused = choose(old, candidates)
    if not chosen:
        return refused
    operations = operations_of(old, chosen)
    try:
        new = old.with_text(text)
    except TemplateError as error:
        raise ProofError(f"the new text cannot be read: it {error.message}") from error
    differences: Sequence[str] = ()
    if proven:
        from .verify import prove

        try:
            differences = prove(old, new, operations).differences
        except EditError as error:
            unproven = Refusal("cannot-be-proven", error.message)
            return [*refused, *((candidate.found, unproven) for candidate in chosen)]
    progress.template = Template(new)
    progress.repaired += [candidate.found for candidate in chosen]
    progress.patch += json_patch(operations)
    progress.differences += differences
    return None


# --- results ---------------------------------------------------------------------------------


def _result(
    document: Document, progress: _Progress, parted: Parted, path: str, repaired: Status
) -> FileResult:
    """Return the result of a document; `parted` is what its last pass found and left."""
    new, left = progress.document, parted.left
    outcomes = [_outcome(document, each, repaired) for each in progress.repaired]
    outcomes += [_outcome(new, each, Status.LEFT, refusal) for each, refusal in left]
    outcomes += [_outcome(new, each, Status.SUPPRESSED, why) for each, why in parted.suppressed]
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
        undefined=_undefined(progress.template) if outcomes else (),
        differences=tuple(progress.differences),
    )


def _named(result: FileResult, file: str) -> FileResult:
    """Return a result with the ids of its outcomes."""
    outcomes = (
        replace(each, id=repair_id(file, each.transform, each.finding.path))
        for each in result.outcomes
    )
    return replace(result, outcomes=tuple(outcomes))


def _undefined(template: Template) -> tuple[str, ...]:
    """Return what a template refers to in vain, as far as no macro makes it."""
    if template.macros:
        return ()
    return tuple(sorted(unresolved_references(template)))


def _defect(document: Document, found: Sequence[Found], path: str, what: str) -> FileResult:
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
    document: Document, found: Found, status: Status, refusal: Refusal | None = None
) -> Outcome:
    line, column = found.place or document.place(found.finding.path)
    return Outcome(found.transform, found.finding, status, line, column, refusal)
