"""The report as a log of SARIF 2.1.0, for code scanning and editors.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .. import __version__
from ..model import pointer
from ..results import FileResult, Outcome, RunResult, Status
from .diff import is_masked
from .mask import mask, mask_spans
from .place import NEWLINES, Placed, path_of
from .refusals import REFUSALS
from .replacements import replacements
from .screen import json_text

if TYPE_CHECKING:
    from ..transform import Transform

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "remediatorId/v1"
UNHANDLED = "cannot-be-handled"
"""The rule of a file that is an error."""
_ROOT = "%SRCROOT%"
_STDIN = "-"
_UNHANDLED_HELP = (
    "The file cannot be read as a template, or the edit could not be proven or written; it stays "
    "as it was. The message says what to do."
)
_LINK = re.compile(r"https://[^\s<>]*[^\s<>.,;)]")
_REPAIRED = (Status.FIXED, Status.WOULD_FIX)


def render(
    result: RunResult, transforms: Sequence[Transform] = (), *, ascii_only: bool = False
) -> str:
    """Return the log as JSON text; literal secrets are masked.

    `transforms` are those whose documentation becomes the help of the rules. Positions are those of
    the files as they are committed.
    """
    return json_text(log(result, transforms), ascii_only=ascii_only)


def log(result: RunResult, transforms: Sequence[Transform] = ()) -> dict[str, Any]:
    """Return the log as plain data."""
    results = [each for file in result.files for each in _results(file)]
    rules = _rules(results, transforms)
    places = {rule["id"]: index for index, rule in enumerate(rules)}
    for each in results:
        each["ruleIndex"] = places[each["ruleId"]]
    changed = [file for file in result.files if _has_fix(file)]
    run = {
        "tool": {"driver": {"name": "remediator", "version": __version__, "rules": rules}},
        "invocations": [_invocation(result)],
        "originalUriBaseIds": {
            _ROOT: {"description": {"text": "The root of the git work tree of each file."}}
        },
        "artifacts": [_artifact(file) for file in changed],
        "results": results,
        "columnKind": "utf16CodeUnits",
        "newlineSequences": list(NEWLINES),
        "defaultEncoding": "UTF-8",
        "properties": {"command": result.command},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _invocation(result: RunResult) -> dict[str, Any]:
    failed = [file for file in result.files if file.status is Status.ERROR]
    content: dict[str, Any] = {
        "executionSuccessful": not failed and result.interrupted is None and not result.unknown
    }
    told: list[dict[str, Any]] = [
        {
            "level": "error",
            "message": {"text": mask(file.error, file.masked)},
            "locations": [_location(file, file.error_line, file.error_column)],
        }
        for file in failed
    ]
    if result.interrupted is not None:
        text = f"Interrupted after {result.interrupted} of {result.scanned} files."
        told.append({"level": "error", "message": {"text": text}})
    if result.unmasked:
        told.append({"level": "note", "message": {"text": result.unmasked}})
    content["toolExecutionNotifications"] = told
    content["toolConfigurationNotifications"] = [
        {"level": "error", "message": {"text": f"No repair has the id {each}."}}
        for each in result.unknown
    ]
    return content


# --- results ---------------------------------------------------------------------------------


def _results(file: FileResult) -> Iterator[dict[str, Any]]:
    placed = Placed(file)
    repaired = [outcome for outcome in file.outcomes if outcome.status in _REPAIRED]
    hides = _shows_secret(file)
    first = repaired[0] if repaired and _has_fix(file) else None
    for outcome in file.outcomes:
        content = _result(placed, outcome, hides=hides)
        if outcome is first:
            content["fixes"] = [_fix(file, outcome, len(repaired))]
        yield content
    if file.status is Status.ERROR:
        yield {
            "ruleId": UNHANDLED,
            "level": "error",
            "message": {"text": mask(file.error, file.masked)},
            "locations": [_location(file, file.error_line, file.error_column)],
            "properties": {"status": file.status.value},
        }


def _result(placed: Placed, outcome: Outcome, *, hides: bool) -> dict[str, Any]:
    file, refusal, fix = placed.file, outcome.refusal, outcome.finding.fix
    left = outcome.status is Status.LEFT
    line, column = placed.of(outcome)
    location = _location(file, line, placed.utf16_column(line, column))
    place = mask(pointer(outcome.finding.path), file.masked)
    location["logicalLocations"] = [{"fullyQualifiedName": place}]
    properties = {"id": outcome.id, "status": outcome.status.value, "transform": outcome.transform}
    if fix is not None:
        properties["consequence"] = fix.consequence.value
    content: dict[str, Any] = {
        "ruleId": refusal.code if left and refusal is not None else outcome.transform,
        "level": "warning" if left else "note",
        "message": {"text": _message(file, outcome, hides)},
        "locations": [location],
        "partialFingerprints": {FINGERPRINT: outcome.id},
        "properties": properties,
    }
    if outcome.is_declined and refusal is not None:
        content["suppressions"] = [{"kind": "external", "justification": refusal.reason}]
    return content


def _message(file: FileResult, outcome: Outcome, hides: bool) -> str:
    finding, fix, refusal = outcome.finding, outcome.finding.fix, outcome.refusal
    parts = [_sentence(finding.message)]
    if outcome.status is Status.LEFT:
        parts += [_sentence(refusal.reason)] if refusal is not None else []
    elif fix is not None:
        did = "Repaired" if outcome.status is Status.FIXED else "Repair"
        parts.append(_sentence(f"{did}: {fix.title}"))
        if fix.because and not file.fresh:
            parts.append(_sentence(f"Consequence {fix.consequence}: {fix.because}"))
        parts += [_sentence(step) for step in fix.follow_ups]
        if hides and outcome.status is Status.WOULD_FIX:
            parts.append("No fix is attached, as it would show a literal secret.")
    return mask(" ".join(part for part in parts if part), file.masked)


def _sentence(text: str) -> str:
    """Return a text on one line with a full stop; its first word may be a name, so it stays."""
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _location(file: FileResult, line: int | None, column: int | None) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact_location(file)}
    if line is not None:
        physical["region"] = {"startLine": line} | ({"startColumn": column} if column else {})
    return {"physicalLocation": physical}


def _artifact_location(file: FileResult) -> dict[str, Any]:
    path = path_of(file)
    if path == _STDIN:
        return {"uri": _STDIN, "description": {"text": "standard input"}}
    uri = quote(path.encode("utf-8", "surrogateescape"))
    if path.startswith("/"):
        return {"uri": f"file://{uri}"}
    return {"uri": uri, "uriBaseId": _ROOT}


# --- fixes -----------------------------------------------------------------------------------


def _has_fix(file: FileResult) -> bool:
    """Whether the change of a file is attached: it is still to be made, and shows no secret."""
    pending = any(outcome.status is Status.WOULD_FIX for outcome in file.outcomes)
    return pending and file.old != file.new and not _shows_secret(file)


def _shows_secret(file: FileResult) -> bool:
    """Whether the change of a file, or what stands around it in the diff, holds a secret."""
    if not file.holds_secrets:
        return False
    hidden = replace(
        file,
        old=mask(mask_spans(file.old, file.hidden_old), file.masked),
        new=mask(mask_spans(file.new, file.hidden_new), file.masked),
    )
    return is_masked(file) or _inserted(file) != _inserted(hidden)


def _inserted(file: FileResult) -> list[str]:
    return [each["insertedContent"]["text"] for each in replacements(file)]


def _fix(file: FileResult, outcome: Outcome, number: int) -> dict[str, Any]:
    """Return the change of a file; with one repair it is that repair's own.

    With several the text was spliced for all of them together, and no part of it is proven to be
    right without the others.
    """
    fix = outcome.finding.fix
    title = mask(fix.title, file.masked) if fix is not None else outcome.transform
    if number > 1:
        title = (
            f"All {number} repairs of this file together; `remediator fix --only {outcome.id}` "
            f"makes the first alone: {title}"
        )
    change = {"artifactLocation": _artifact_location(file), "replacements": replacements(file)}
    return {"description": {"text": _sentence(title)}, "artifactChanges": [change]}


def _artifact(file: FileResult) -> dict[str, Any]:
    """Return what tells whether a file is still the one that its fix was made for."""
    content = file.old.encode()
    artifact: dict[str, Any] = {
        "location": _artifact_location(file),
        "length": len(content),
        "encoding": "UTF-8",
    }
    if file.holds_secrets:  # by the hash, a guess at a short secret could be checked
        return artifact
    return artifact | {"hashes": {"sha-256": sha256(content).hexdigest()}}


# --- rules -----------------------------------------------------------------------------------


def _rules(
    results: Sequence[dict[str, Any]], transforms: Sequence[Transform]
) -> list[dict[str, Any]]:
    """Return the rules that the results name, and every transform that was given."""
    rules = {transform.id: _of_transform(transform) for transform in transforms}
    for each in results:
        name = each["ruleId"]
        if name not in rules:
            rules[name] = _of_code(name)
    return list(rules.values())


def _of_transform(transform: Transform) -> dict[str, Any]:
    text = transform.documentation or transform.title
    rule: dict[str, Any] = {
        "id": transform.id,
        "shortDescription": {"text": _sentence(transform.title)},
        "fullDescription": {"text": " ".join(text.split("\n\n")[0].split())},
        "help": {"text": text},
        "defaultConfiguration": {"level": "note"},
    }
    link = _LINK.search(text.partition("\nSee\n")[2])
    return rule | ({"helpUri": link.group()} if link else {})


def _of_code(code: str) -> dict[str, Any]:
    text = _UNHANDLED_HELP if code == UNHANDLED else REFUSALS.get(code, "")
    rule: dict[str, Any] = {
        "id": code,
        "defaultConfiguration": {"level": "error" if code == UNHANDLED else "warning"},
    }
    if text:
        first = text.partition(". ")[0].rstrip(".") + "."
        rule |= {"shortDescription": {"text": first}, "help": {"text": text}}
    return rule
