"""The machine-readable report, version 1. Fields may be added, never changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..model import pointer
from ..results import FileResult, Outcome, RunResult, Status
from . import changes, diff
from .mask import mask, mask_patch
from .policy import as_condition
from .screen import json_text

VERSION = 1


def render(result: RunResult, *, ascii_only: bool = False) -> str:
    """Return the report as JSON text; literal secrets are masked.

    A file's `applicable` is false where its patch and diff hide a secret: they cannot be applied.
    """
    return json_text(report(result), ascii_only=ascii_only)


def report(result: RunResult) -> dict[str, Any]:
    """Return the report as plain data."""
    files = Counter(file.status for file in result.files)
    outcomes = Counter(outcome.status for file in result.files for outcome in file.outcomes)
    edits = _edits(result)
    return {
        "version": VERSION,
        "command": result.command,
        "settings": [{"file": file, "sets": sets} for file, sets in result.settings],
        "interrupted": result.interrupted,
        "deploy_policy": result.policy or None,
        "unmasked": result.unmasked or None,
        "unknown_ids": list(result.unknown),
        "validation": _validation(result),
        "change_set": changes.as_data(result.change_set) if result.change_set else None,
        "files": [_file(file, edits) for file in result.files],
        "summary": {
            "files": len(result.files),
            "skipped": result.skipped,
            **{s.value: files[s] for s in Status if s is not Status.SUPPRESSED},
            "findings": {
                s.value: outcomes[s] for s in Status if s not in (Status.CLEAN, Status.ERROR)
            },
        },
    }


def _validation(result: RunResult) -> dict[str, Any] | None:
    validation = result.validation
    if validation is None:
        return None
    return {
        "validator": validation.validator.value,
        "unanswered": list(validation.unanswered),
    }


def _edits(result: RunResult) -> Mapping[str, Sequence[dict[str, Any]]]:
    """Return what repairs change in other files, by the id of the repair."""
    found: dict[str, list[dict[str, Any]]] = {}
    for file in result.files:
        for outcome in file.outcomes:
            for cause in outcome.causes if outcome.status is not Status.LEFT else ():
                edit = {
                    "path": file.path,
                    "line": outcome.line,
                    "pointer": mask(pointer(outcome.finding.path), file.masked),
                    "id": outcome.id,
                    "message": mask(outcome.finding.message, file.masked),
                }
                found.setdefault(cause, []).append(edit)
    return found


def _file(file: FileResult, edits: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, Any]:
    content: dict[str, Any] = {
        "path": file.path,
        "status": file.status.value,
        "findings": [
            _finding(file, outcome, edits.get(outcome.id, ())) for outcome in file.outcomes
        ],
        "patch": mask_patch(file.patch, file.masked),
        "diff": diff.of_file(file),
        "needs": [mask(name, file.masked) for name in file.needs_after],
        "undefined": [mask(name, file.masked) for name in file.undefined],
        "deployment": _deployment(file),
    }
    if not file.is_template:
        content["settings"] = True
    if file.fresh:
        content["new"] = True
    if diff.is_masked(file) or content["patch"] != list(file.patch):
        content["applicable"] = False
    if file.error:
        content["error"] = {
            "message": mask(file.error, file.masked),
            "line": file.error_line,
            "column": file.error_column,
        }
    return content


def _deployment(file: FileResult) -> dict[str, Any]:
    return {
        "permissions": [
            {
                "sid": each.sid,
                "actions": list(each.actions),
                "resources": [mask(resource, file.masked) for resource in each.resources],
                "condition": as_condition(each),
            }
            for each in file.deployment.permissions
        ],
        "capabilities": list(file.deployment.capabilities),
        "notes": [mask(note, file.masked) for note in file.deployment.notes],
    }


def _finding(file: FileResult, outcome: Outcome, edits: Sequence[dict[str, Any]]) -> dict[str, Any]:
    finding, fix = outcome.finding, outcome.finding.fix

    def hide(text: str) -> str:
        return mask(text, file.masked)

    content: dict[str, Any] = {
        "id": outcome.id,
        "transform": outcome.transform,
        "pointer": hide(pointer(finding.path)),
        "line": outcome.line,
        "column": outcome.column,
        "message": hide(finding.message),
        "status": outcome.status.value,
    }
    if fix is not None:
        content |= {"title": hide(fix.title), "consequence": fix.consequence.value}
        content["because"] = hide(fix.because)
    if outcome.refusal is not None:
        content |= {"code": outcome.refusal.code, "reason": hide(outcome.refusal.reason)}
        content["advice"] = hide(outcome.refusal.advice)
    content["follow_ups"] = [hide(step) for step in fix.follow_ups] if fix is not None else []
    if fix is not None and fix.mentions:
        content["mentions"] = [{"path": each.file, "line": each.line} for each in fix.mentions]
    if outcome.causes:
        content["caused_by"] = list(outcome.causes)
    if edits:
        content["edits"] = list(edits)
    return content
