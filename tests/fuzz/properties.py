"""What must hold for any bytes at all, whoever made them up."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jsonpatch

from remediator import registry
from remediator.document import Document
from remediator.errors import EditError, ProofError, RemediatorError, TemplateError
from remediator.model import Settings, json_patch
from remediator.results import FileResult, Status
from remediator.runner import Runner
from remediator.splice import apply
from remediator.verify import prove

from . import grammar

SETTINGS = (
    Settings(),
    Settings(new=True),
    Settings(strategy="reference"),
    Settings(strategy="managed", new=True),
    Settings(manual_secrets="replace", new=True),
    Settings(rotation=30, secret_output=True, secret_kms_key="database"),
)


class Broken(AssertionError):
    """A property does not hold; `raw` is the template for which it does not."""

    def __init__(self, message: str, raw: bytes) -> None:
        super().__init__(message)
        self.raw = raw


@dataclass
class Figures:
    """What became of the inputs so far."""

    counts: Counter[str] = field(default_factory=Counter)

    def engine(self, raw: bytes, choice: int) -> None:
        """Put some bytes through the whole engine, and count what becomes of them."""
        self.counts["inputs"] += 1
        self.counts.update(engine(raw, SETTINGS[choice % len(SETTINGS)]))

    def plan(self, raw: bytes, choose: grammar.Choose) -> None:
        """Carry out a random plan on a template, and count what becomes of it."""
        self.counts["inputs"] += 1
        self.counts.update(splice(raw, choose))


@cache
def _runner(choice: int) -> Runner:
    settings = SETTINGS[choice]
    return Runner(registry.load(settings), registry.catalogue(), settings)


def engine(raw: bytes, settings: Settings) -> list[str]:
    """Repair a template as standard input; return what became of it.

    Raises Broken where the result is neither proven and settled, nor left with reasons, nor an
    error with a message.
    """
    runner = _runner(SETTINGS.index(settings))
    try:
        result = runner.text(raw, "template.yaml")
    except RemediatorError as error:
        if not error.message or "defect" in error.message:
            raise Broken(f"{type(error).__name__}: {error.message}", raw) from error
        return ["refused"]
    except Exception as error:
        raise Broken(f"{type(error).__name__}: {error}", raw) from error
    if result is None:
        raise Broken("standard input has no result", raw)
    _check_result(result, raw)
    if result.new == result.old:
        return ["templates", str(result.status)]
    try:
        again = runner.text(result.new.encode(), "template.yaml")
    except RemediatorError as error:
        raise Broken(f"a second run: {error.message}", raw) from error
    if again is None or again.new != result.new:
        raise Broken("a second run changes the text again", raw)
    return ["templates", "repaired"]


def _check_result(result: FileResult, raw: bytes) -> None:
    if result.old.encode() != raw:
        raise Broken("the old text is not what was given", raw)
    if "defect" in result.error:
        raise Broken(result.error, raw)
    for outcome in result.outcomes:
        if outcome.status is Status.LEFT and not (outcome.refusal and outcome.refusal.reason):
            raise Broken(f"{outcome.finding.message}: left without a reason", raw)
    if (result.new != result.old) != bool(result.patch):
        raise Broken("the patch and the text do not agree", raw)
    if result.patch:
        old, new = Document.parse(result.old), Document.parse(result.new)
        patch: Any = [dict(each) for each in result.patch]
        expected = jsonpatch.apply_patch(old.data, patch)
        if json.dumps(expected, sort_keys=True) != json.dumps(new.data, sort_keys=True):
            raise Broken("the patch does not lead from the old data to the new", raw)


def splice(raw: bytes, choose: grammar.Choose) -> list[str]:
    """Carry out a random plan on a template and prove it; return what became of it.

    Raises Broken where the plan is neither carried out exactly nor refused.
    """
    try:
        document = Document.decode(raw, "template.yaml")
    except TemplateError:
        return ["refused"]
    operations = grammar.plan(choose, document.data)
    if not operations or document.problems:
        return ["templates", "nothing to plan"]
    try:
        text = apply(document, operations)
    except EditError:
        return ["templates", "plans refused"]
    except Exception as error:
        raise Broken(f"{type(error).__name__}: {error} in {operations}", raw) from error
    try:
        new = document.with_text(text)
        prove(document, new, operations)
    except EditError:
        return ["templates", "plans that cannot be proven"]
    except TemplateError as error:
        if "is not a template" in error.message:
            return ["templates", "plans refused"]  # the plan took what made it one
        raise Broken(f"{error.message} after {operations}", raw) from error
    except ProofError as error:
        if "refers to what is not there" in error.message or "in a circle" in error.message:
            return ["templates", "plans that mean nothing"]
        raise Broken(f"{error.message} after {json_patch(operations)}", raw) from error
    except Exception as error:
        raise Broken(f"{type(error).__name__}: {error} in {operations}", raw) from error
    return ["templates", "plans carried out"]
