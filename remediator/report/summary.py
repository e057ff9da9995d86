"""What stands below the findings: what is to be done by hand, the numbers, and what comes next."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from ..model import Consequence
from ..results import FileResult, Outcome, RunResult, Status, Validator
from .mask import mask
from .policy import together

WIDTH = 80
_STDIN = "-"
_MANY = 10
_PRICE = 0.40
"""USD a month for one secret: https://aws.amazon.com/secrets-manager/pricing/"""
_NAMED = 5
"""Parameters that are named at the most, of one file."""
_FEW = 3
MEANING = {
    Consequence.SAFE: "nothing that runs changes",
    Consequence.ROTATES: "live credentials become others",
    Consequence.EXTERNAL: "a server must be given the generated password by hand",
    Consequence.REPLACES: "the resource is replaced",
}
"""What each consequence means at the next deployment."""
_VALIDATED = {
    Validator.ASKED: "cloudformation-validate finds no new error in what changed.",
    Validator.OFF: "cloudformation-validate did not look (--no-validate).",
    Validator.MISSING: "cloudformation-validate did not look: it is not installed "
    "(pipx install 'remediator[validate]').",
    Validator.BROKEN: "cloudformation-validate did not look: it does not start here.",
}
DONE = (Status.FIXED, Status.WOULD_FIX, Status.REPAIRABLE)
_VERB = {
    "fix": "repaired",
    "fix --dry-run": "would be repaired",
    "check": "can be repaired",
}

Paint: TypeAlias = Callable[[str, str], str]
"""Is given a text and a colour's name; returns the text in that colour, or as it is."""


def outcomes(result: RunResult, wanted: tuple[Status, ...]) -> Iterator[tuple[FileResult, Outcome]]:
    """Yield the outcomes of these statuses, each with its file."""
    for file in result.files:
        for outcome in file.outcomes:
            if outcome.status in wanted:
                yield file, outcome


def follow_ups(result: RunResult) -> Iterator[str]:
    """Yield what a person has to do, one line for every place."""
    steps: dict[str, None] = {}
    for file, outcome in outcomes(result, DONE):
        for step in outcome.finding.fix.follow_ups if outcome.finding.fix else ():
            steps[f"{file.path}:{outcome.line}: {mask(step, file.masked)}"] = None
    if steps:
        yield "To do by hand:"
    for number, step in enumerate(steps, 1):
        yield wrapped(f"{number:>3}. {step}", "     ")


def summary(result: RunResult, paint: Paint, *, new: bool) -> Iterator[str]:
    """Yield the numbers, the consequences, what is still to be given, and what comes next."""
    done = list(outcomes(result, DONE))
    left = [outcome for _, outcome in waiting(result)]
    failed = any(file.status is Status.ERROR for file in result.files)
    colour = "red" if failed else "yellow" if left else "green"
    yield paint(wrapped(numbers(result), "  "), colour)
    if len(left) > _MANY:
        codes = Counter(outcome.refusal.code for outcome in left if outcome.refusal)
        yield from (f"{number:>5} {code}" for code, number in codes.most_common())
    if result.unknown:
        ids = ", ".join(result.unknown)
        yield wrapped(f"No repair has the id {ids}: look again, the template may differ.", "  ")
    for file, sets in result.settings:
        yield wrapped(f"settings: {file} ({sets})", "  ")
    yield from consequences(result, new=new)
    yield from added(result)
    yield from validated(result)
    yield from inputs(result)
    yield from needs(result)
    yield from _next(result, done, left)


def waiting(result: RunResult) -> list[tuple[FileResult, Outcome]]:
    """Return what is left for a person, without what a person's choice left out."""
    return [each for each in outcomes(result, (Status.LEFT,)) if is_waiting(each[1])]


def is_waiting(outcome: Outcome) -> bool:
    """Whether an outcome is left for a person, and not by that person's choice."""
    return outcome.status is Status.LEFT and not outcome.is_declined


def numbers(result: RunResult) -> str:
    """Return the numbers of a run, in one sentence."""
    done = list(outcomes(result, DONE))
    left = waiting(result)
    failed = sum(file.status is Status.ERROR for file in result.files)
    changed = {file.path for file, _ in done}
    clean = sum(file.status is Status.CLEAN for file in result.files)
    parts = []
    if done:
        finding = _count(len(done), "finding")
        parts.append(f"{finding} {_VERB[result.command]} in {_count(len(changed), 'file')}")
    if left:
        parts.append(f"{len(left)} left for a person")
    declined = sum(each.is_declined for _, each in outcomes(result, (Status.LEFT,)))
    if declined:
        parts.append(f"{declined} declined")
    suppressed = sum(1 for _ in outcomes(result, (Status.SUPPRESSED,)))
    if suppressed:
        parts.append(f"{suppressed} suppressed in the template")
    if failed:
        parts.append(f"{_count(failed, 'input')} could not be handled")
    if clean:
        parts.append(f"{_count(clean, 'template')} clean")
    if result.skipped:
        parts.append(f"{_count(result.skipped, 'other file')} skipped")
    return (", ".join(parts) or "nothing to look at") + "."


def consequences(result: RunResult, *, new: bool) -> Iterator[str]:
    """Say what the repairs do at the next deployment."""
    done = outcomes(result, DONE)
    fixes = [(file, outcome.finding.fix) for file, outcome in done if outcome.finding.fix]
    if any(new or file.fresh for file, _ in fixes):
        yield "Nothing is deployed yet (--new): nothing that runs changes."
    counts = Counter(fix.consequence for file, fix in fixes if not new and not file.fresh)
    if not counts:
        return
    yield "At the next deployment:"
    for consequence in Consequence:
        if counts[consequence]:
            line = f"{counts[consequence]:>3} {consequence}: {MEANING[consequence]}"
            yield wrapped("  " + line, "        ")
    if counts[Consequence.ROTATES] or counts[Consequence.EXTERNAL]:
        yield "A stack that is live keeps its password with --strategy reference."


def added(result: RunResult) -> Iterator[str]:
    """Say which resources come and go, and what the new secrets cost."""
    added: Counter[str] = Counter()
    removed = 0
    for file in result.files:
        for operation in file.patch:
            place, value = str(operation["path"]).split("/"), operation.get("value")
            if len(place) == 3 and place[1] == "Resources":
                removed += operation["op"] == "remove"
                if operation["op"] == "add" and isinstance(value, dict):
                    added[str(value.get("Type"))] += 1
    parts = [_count(number, kind.rpartition("::")[2]) for kind, number in sorted(added.items())]
    secrets = added["AWS::SecretsManager::Secret"]
    if secrets:
        price = f" (secrets cost about {secrets * _PRICE:.2f} USD a month)"
        yield wrapped(f"Added: {', '.join(parts)}{price}.", "  ")
    elif parts:
        yield wrapped(f"Added: {', '.join(parts)}.", "  ")
    if removed:
        yield f"Removed: {_count(removed, 'resource')}."


def validated(result: RunResult) -> Iterator[str]:
    """Say whether AWS's own rules engine has looked at what changed."""
    validation = result.validation
    if validation is None:
        return
    judged = {file.path for file in result.files if file.old != file.new}
    if judged - set(validation.unanswered):
        yield wrapped(_VALIDATED[validation.validator], "  ")
    if validation.validator is Validator.ASKED and validation.unanswered:
        files = validation.unanswered
        more = f" and {len(files) - _FEW} more" if len(files) > _FEW else ""
        names = ", ".join(files[:_FEW]) + more
        yield wrapped(f"cloudformation-validate gave no answer in time on {names}.", "  ")


def _is_filled_in(file: FileResult) -> bool:
    """Tell whether a tool fills a template in first: what it needs is not known here."""
    refusals = (outcome.refusal for outcome in file.outcomes)
    return any(refusal is not None and refusal.code == "preprocessed" for refusal in refusals)


def inputs(result: RunResult) -> Iterator[str]:
    """Say whether stacks deploy without a person's input, and what values are still needed."""
    templates = [file for file in result.files if file.is_template]
    sound = [file for file in templates if file.status is not Status.ERROR]
    touched = [f for f in sound if any(o.status is not Status.SUPPRESSED for o in f.outcomes)]
    if result.command != "check":
        known = [f for f in touched if not _is_filled_in(f)]
        ready = [f for f in known if not (f.needs_after or f.given or f.undefined)]
        if len(ready) > 3:
            yield f"{len(ready)} of {len(touched)} templates with findings deploy without input."
        else:
            for file in ready:
                now = "now deploys" if file.needs_before else "deploys"
                yield wrapped(f"{_named(file)} {now} without input.", "  ")
    for file in [file for file in touched if file.undefined][:5]:
        names = mask(", ".join(file.undefined), file.masked)
        yield wrapped(f"{_named(file)} refers to what nothing defines: {names}", "  ")
    asking = [file for file in sound if _asks(file) and (_is_changed(file) or file.named)]
    still = "needs" if result.command == "check" else "still needs"
    for file in asking[:5]:
        few = _asks(file)[:_NAMED]
        more = len(_asks(file)) - len(few)
        names = ", ".join(few) + (f" and {more} more" if more else "")
        names = mask(names, file.masked)
        yield wrapped(f"{_named(file)} {still} a value for: {names}", "  ")
    if len(asking) > 5:
        yield f"{len(asking) - 5} more need values for parameters (--format json: needs)."


def _asks(file: FileResult) -> list[str]:
    """Return the parameters that a person has to give: no template around it does."""
    return [name for name in file.needs_after if name not in file.given]


def needs(result: RunResult) -> Iterator[str]:
    """Say once for all files what deploying them needs, and for each what else to mind."""
    noted = [(file, note) for file in result.files for note in file.deployment.notes]
    for file, note in noted[:_FEW]:
        yield wrapped(f"{_named(file)}: {mask(note, file.masked)}.", "  ")
    if len(noted) > _FEW:
        yield f"{len(noted) - _FEW} more notes on deployments (--format json: deployment)."
    actions = {action for each in together(result) for action in each.actions}
    if actions:
        yield wrapped(f"Deploying this needs {_actions(actions)}.", "  ")
    capabilities = {each for file in result.files for each in file.deployment.capabilities}
    if capabilities:
        yield f"Deploy with --capabilities {' '.join(sorted(capabilities))}"
    for told in (result.policy, result.seed_script, result.unmasked):
        if told:
            yield wrapped(told, "  ")


def _actions(actions: set[str]) -> str:
    """Return IAM actions in words: by service, or where they are many only their number."""
    services: dict[str, list[str]] = {}
    for action in sorted(actions):
        service, _, name = action.partition(":")
        services.setdefault(service, []).append(name)
    if len(actions) > _MANY:
        return f"{len(actions)} IAM actions of {', '.join(services)} (--deploy-policy FILE)"
    named = (f"{service}:{', '.join(names)}" for service, names in services.items())
    return "; ".join(named)


def _is_changed(file: FileResult) -> bool:
    return any(outcome.status in DONE for outcome in file.outcomes)


def _named(file: FileResult) -> str:
    return "The template" if file.path == _STDIN else file.path


def _next(
    result: RunResult, done: Sequence[tuple[FileResult, Outcome]], left: Sequence[Outcome]
) -> Iterator[str]:
    codes = {outcome.refusal.code: None for outcome in left if outcome.refusal}
    if done:
        yield wrapped(f"Next: {_step(result, done)}", "  ")
        if codes:
            code = next(iter(codes)) if len(codes) == 1 else "<code>"
            yield f"`remediator explain {code}` says what to do about the rest."
    elif codes:
        first = next(iter(codes))
        code = first if len(codes) == 1 else "<code>"
        yield f"Next: `remediator explain {code}` says what to do."
    held = {
        outcome.finding.fix.consequence
        for outcome in left
        if outcome.finding.fix and outcome.refusal and outcome.refusal.code == "not-allowed"
    }
    if held:
        names = ",".join(each for each in Consequence if each in held | result.allowed)
        yield f"Held back: --allow {names} would repair these too."


def _step(result: RunResult, done: Sequence[tuple[FileResult, Outcome]]) -> str:
    if result.command == "check":
        return "`remediator fix` repairs and proves this."
    if result.command == "fix --dry-run":
        option = "--change-set" if result.change_set else "--dry-run"
        return f"run again without {option} to write this."
    paths = list(dict.fromkeys(file.path for file, _ in done))
    if _STDIN in paths:
        return "review the template, then deploy."
    if result.output:
        return f"review with `diff {paths[0]} {result.output}`, then deploy."
    if not result.untracked:
        return "review with `git diff`, then deploy."
    unseen = [path for path in paths if path in result.untracked]
    which = ", ".join(unseen[:3]) + (f" and {len(unseen) - 3} more" if len(unseen) > 3 else "")
    rest = "the others with `git diff`, " if len(unseen) < len(paths) else ""
    return f"review {which} (`git diff` does not show it), {rest}then deploy."


def wrapped(text: str, indent: str, first: str = "") -> str:
    """Return a text on lines of the report's width."""
    return "\n".join(
        textwrap.wrap(
            " ".join(text.split("\n")),
            WIDTH,
            initial_indent=first,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
