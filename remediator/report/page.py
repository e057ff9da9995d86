"""The review page: one file of HTML with all that a person needs to decide on a run's repairs.

It works from `file://` and asks no network for anything. What a template or a file's name says
reaches it as escaped text or as JSON that the script shows as text; the content policy forbids any
other script and any HTML that a script would make.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from typing import Any

from ..model import Consequence
from ..results import FileResult, RunResult, Status
from . import json as json_report
from . import policy
from .diff import is_masked
from .mask import mask
from .refusals import REFUSALS
from .summary import DONE, MEANING, validated

PAGE_HEAD = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta name="generator" content="remediator">'
)
"""How every page begins."""
PRICE = 0.40
"""US dollars a month for a secret: https://aws.amazon.com/secrets-manager/pricing/"""
_SECRET = "AWS::SecretsManager::Secret"
_SCRIPTS = ("page_diff.js", "page_picture.js", "page.js")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")
"""Characters that turn the direction of text: a name with them reads as another one."""


@dataclass(frozen=True, slots=True)
class About:
    """What the page says and the result does not hold.

    `command` is the command line that asks for the same repairs in place, without PATHs and choice;
    `paths` are its PATHs; both are quoted for a shell. `places` give for a file its repository and
    its path in there. `documentation` is that of the transforms by their ids.
    """

    command: str = "remediator fix"
    paths: str = "."
    places: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    documentation: Mapping[str, str] = field(default_factory=dict)
    version: str = ""


def render(result: RunResult, about: About) -> str:
    """Return the page of a run; literal secrets are masked."""
    # Both are needed for a page only, and take 0.1 s to load.
    from jinja2 import Environment, StrictUndefined

    env = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    env.filters["visible"] = _visible
    style, script = _asset("page.css"), "".join(map(_asset, _SCRIPTS))
    entries = [_entry(*each, about) for each in zip(result.files, _reported(result), strict=True)]
    text = env.from_string(_asset("page.html.j2")).render(
        head=PAGE_HEAD,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        summary=_summary(result),
        files=zip(entries, map(_body, result.files), strict=True),
        index=_index(result, entries, about),
        version=about.version,
    )
    return text.encode("utf-8", "backslashreplace").decode()  # names that are no UTF-8


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def _visible(text: str) -> str:
    """Return a text with what turns its direction written out."""
    return _TURNING.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


# --- what is told of a file ------------------------------------------------------------------


def _reported(result: RunResult) -> list[dict[str, Any]]:
    """Return the files as the JSON report has them: everything is masked there."""
    reported: list[dict[str, Any]] = json_report.report(result)["files"]
    return reported


def _entry(file: FileResult, reported: Mapping[str, Any], about: About) -> dict[str, Any]:
    """Return what the list and its filters need of a file; the diff is for when it is opened."""
    repository, path = about.places.get(file.path, ("", file.path))
    done = [each for each in file.outcomes if each.status in DONE and each.finding.fix]
    error = reported.get("error")
    return {
        "path": path,
        "repository": repository,
        "folder": path.rpartition("/")[0],
        "status": file.status.value,
        "new": file.fresh,
        "changed": file.old != file.new,
        "masked": is_masked(file),
        "findings": [_finding(each) for each in reported["findings"]],
        "error": _error(error) if error else "",
        "needs": reported["needs"],
        "undefined": reported["undefined"],
        "notes": reported["deployment"]["notes"],
        "counts": Counter(each.finding.fix.consequence.value for each in done if each.finding.fix),
        "left": sum(each.status is Status.LEFT and not each.is_declined for each in file.outcomes),
    }


def _finding(reported: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finding without what is empty: there may be thousands."""
    return {key: value for key, value in reported.items() if value and key != "column"}


def _error(error: Mapping[str, Any]) -> str:
    place = f"line {error['line']}: " if error["line"] is not None else ""
    return place + str(error["message"])


def _body(file: FileResult) -> dict[str, Any]:
    """Return what is shown of a file once it is opened."""
    from .diff import of_file
    from .highlight import highlighted
    from .picture import pictures

    text = of_file(file)
    if not text:
        return {}
    is_json = file.new.lstrip("\ufeff \t\r\n").startswith("{")
    drawn = {
        name: json.loads(mask(json.dumps(picture, ensure_ascii=False), file.masked))
        for name, picture in pictures(file).items()
    }
    return {"diff": text, **highlighted(text, is_json=is_json), "pictures": drawn}


def _index(result: RunResult, entries: list[dict[str, Any]], about: About) -> dict[str, Any]:
    """Return the data that the script works on from the start."""
    outcomes = [outcome for file in result.files for outcome in file.outcomes]
    codes = {outcome.refusal.code for outcome in outcomes if outcome.refusal}
    return {
        "files": entries,
        "command": about.command,
        "paths": about.paths,
        "choosable": result.command == "fix --dry-run",
        "declined": sorted({outcome.id for outcome in outcomes if outcome.is_declined}),
        "transforms": {
            name: _in_short(text)
            for name, text in about.documentation.items()
            if any(outcome.transform == name for outcome in outcomes)
        },
        "codes": {code: text for code, text in REFUSALS.items() if code in codes},
    }


def _in_short(documentation: str) -> str:
    """Return the documentation of a transform up to its first heading, without its title."""
    paragraphs = documentation.split("\n\n")
    told = []
    for paragraph in paragraphs[1:] or paragraphs:
        if re.search(r"^\w[\w ]*\n    ", paragraph):
            break
        told.append(" ".join(paragraph.split()))
    return " ".join(told) or paragraphs[0]


# --- the summary -----------------------------------------------------------------------------


def _summary(result: RunResult) -> dict[str, Any]:
    """Return what the head of the page tells, as words and numbers."""
    done = [
        (file, outcome.finding.fix)
        for file in result.files
        for outcome in file.outcomes
        if outcome.status in DONE and outcome.finding.fix
    ]
    left = [
        outcome
        for file in result.files
        for outcome in file.outcomes
        if outcome.status is Status.LEFT and not outcome.is_declined
    ]
    counts = Counter(fix.consequence for file, fix in done if not file.fresh)
    secrets = sum(map(_added_secrets, result.files))
    touched = [
        file
        for file in result.files
        if file.is_template and file.outcomes and file.status is not Status.ERROR
    ]
    return {
        "command": result.command,
        "made": "would be made" if result.command == "fix --dry-run" else "made",
        "files": len(result.files),
        "status": Counter(file.status.value for file in result.files),
        "skipped": result.skipped,
        "repairs": len(done),
        "changed": len({file.path for file, _ in done}),
        "fresh": sum(file.fresh for file, _ in done),
        "consequences": [(str(each), counts[each], MEANING[each]) for each in Consequence],
        "left": len(left),
        "codes": Counter(each.refusal.code for each in left if each.refusal).most_common(),
        "secrets": secrets,
        "price": f"{secrets * PRICE:.2f}",
        "one": f"{PRICE:.2f}",
        "seeds": len({(file.path, seed.name) for file, fix in done for seed in fix.seeds}),
        "ready": sum(not file.needs_after and not file.undefined for file in touched),
        "touched": len(touched),
        "notes": list(_notes(result)),
        **_deployment(result),
    }


def _added_secrets(file: FileResult) -> int:
    added = 0
    for step in file.patch:
        value = step.get("value")
        if step["op"] == "add" and isinstance(value, dict):
            inner = value.values() if step["path"] == "/Resources" else [value]
            added += sum(isinstance(each, dict) and each.get("Type") == _SECRET for each in inner)
    return added


def _deployment(result: RunResult) -> dict[str, Any]:
    """Return what a deployment of all files needs."""
    secrets = {secret for file in result.files for secret in file.masked}
    actions = {action for one in policy.together(result) for action in one.actions}
    capabilities = {each for file in result.files for each in file.deployment.capabilities}
    return {
        "actions": len(actions),
        "services": sorted({action.partition(":")[0] for action in actions}),
        "capabilities": sorted(capabilities),
        "policy": mask(policy.render(result), secrets),
    }


def _notes(result: RunResult) -> Iterator[str]:
    """Yield what else to know of the run."""
    told = " ".join(" ".join(validated(result)).split())
    if told:
        yield told
    for file, sets in result.settings:
        yield f"Settings: {file} ({sets})."
    if result.unknown:
        yield f"No repair has the id {', '.join(result.unknown)}."
    if result.interrupted is not None:
        yield f"Interrupted after {result.interrupted} of {result.scanned} files."
