"""What an editor shows of a finding: beside its place, in a menu, and on hovering over it.

Plain text alone: a text of the template must not be markup that loads a picture or shows a link.
"""

from __future__ import annotations

from ..results import FileResult, Outcome
from .mask import mask
from .refusals import EXAMPLES, REFUSALS
from .screen import visible, visible_line
from .summary import MEANING


def message(file: FileResult, outcome: Outcome) -> str:
    """Return what was found, and what a repair would do to a deployed stack or why there is none;
    literal secrets are masked."""
    lines = [outcome.finding.message]
    fix, refusal = outcome.finding.fix, outcome.refusal
    if refusal is not None:
        lines.append(f"left: {refusal.reason}")
    elif fix is not None:
        lines.append(f"repair: {fix.title}")
        if not file.fresh:
            lines.append(f"{fix.consequence}: {fix.because or MEANING[fix.consequence]}")
    return _shown(file, "\n".join(lines))


def title(file: FileResult, outcome: Outcome) -> str:
    """Return what the repair of a finding is called, on one line with its consequence."""
    fix = outcome.finding.fix
    if fix is None:
        return visible_line(mask(outcome.finding.message, file.masked))
    consequence = "" if file.fresh else f" [{fix.consequence}]"
    return visible_line(mask(f"remediator: {fix.title}{consequence}", file.masked))


def explanation(file: FileResult, outcome: Outcome, documentation: str) -> str:
    """Return all that there is to say about a finding: what a person has to do, and what its
    transform (`documentation`) or the code of what is left means."""
    parts = [message(file, outcome)]
    fix, refusal = outcome.finding.fix, outcome.refusal
    if refusal is None:
        steps = fix.follow_ups if fix is not None else ()
        parts += [_shown(file, f"To do by hand: {step}") for step in steps]
        parts.append(f"{outcome.transform}: {documentation}")
    else:
        parts.append(_shown(file, refusal.advice))
        parts.append(f"{refusal.code}: {REFUSALS.get(refusal.code, '')}")
        parts.append("" if refusal.advice else EXAMPLES.get(refusal.code, ""))
    return "\n\n".join(part.strip("\n") for part in parts if part)


def unreadable(file: FileResult) -> str:
    """Return what is wrong with a file as a whole."""
    return _shown(file, file.error)


def refused(file: FileResult | None, ids: frozenset[str]) -> str:
    """Return why none of these repairs was made."""
    if file is None:
        return "the text is no template any more"
    reasons = [
        outcome.refusal.reason
        for outcome in file.outcomes
        if outcome.id in ids and outcome.refusal is not None and outcome.refusal.reason
    ]
    return _shown(file, file.error or "; ".join(reasons) or "there is nothing to repair any more")


def _shown(file: FileResult, text: str) -> str:
    return visible(mask(text, file.masked))
