"""The case harness: a transform's tests are files, for ours and for third parties' transforms.

    <folder>/<transform id>/<case>/
        before.yaml      the template (or .json, .template; likewise below)
        after.yaml       what it becomes, byte for byte; none: it must not change
        after.new.yaml   the same with `new` set, where it differs
        findings.json    every outcome: transform, pointer, status, consequence, code
        settings.toml    fields of Settings, optional
        callers.json     parameter → [{"file", "line", "how", "fate"}], optional
        family.json      what other templates ask: {"nested": {stack: {"template", "gone",
                         "added"}}, "kept", "secrets", "shown", "bounds"}, optional
        imports.json     the names that other templates import, as texts of Fn::Sub, optional

A folder named `all` runs every transform together. `python -m remediator.testing --accept CASE…`
writes the after and findings files anew, for their author to review; `--plugin NAME` brings in the
transforms of an installed plugin.
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import registry
from .document import Document
from .engine import remediate
from .errors import ConfigError
from .model import (
    Caller,
    Catalogue,
    Consequence,
    Context,
    Family,
    Fate,
    Nested,
    Refusal,
    Secret,
    Settings,
    pointer,
)
from .results import FileResult, Outcome, Status
from .transform import Transform

_EVERY = "all"


@dataclass(frozen=True, slots=True)
class Case:
    """A folder with a template and what is to become of it."""

    transform: str
    """The id of the transform that runs; `all` for every one together."""
    folder: Path

    @property
    def before(self) -> Path:
        """The template. Raises ConfigError unless there is exactly one."""
        found = sorted(self.folder.glob("before.*"))
        if len(found) != 1:
            raise ConfigError(f"{self.folder} needs one file before.*, and has {len(found)}")
        return found[0]

    def after(self, *, new: bool) -> Path:
        """The file that says what the template becomes; the template itself if it stays."""
        plain = self.folder / f"after{self.before.suffix}"
        special = self.folder / f"after.new{self.before.suffix}"
        if new and special.is_file():
            return special
        return plain if plain.is_file() else self.before

    @property
    def has_new(self) -> bool:
        """Whether the case says what becomes of a stack that was never deployed."""
        return any(self.folder.glob("after.new.*"))

    def settings(self) -> Settings:
        """The settings of the case. Raises ConfigError for an unknown one."""
        file = self.folder / "settings.toml"
        given = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        for name in ("select", "ignore"):
            if name in given:
                given[name] = frozenset(given[name])
        if "allow" in given:
            given["allow"] = frozenset(map(Consequence, given["allow"]))
        try:
            return Settings(**given)
        except TypeError as error:
            raise ConfigError(f"{file}: {error}") from error

    def callers(self) -> Mapping[str, tuple[Caller, ...]]:
        """What else names the template's parameters."""
        given = self._json("callers.json")
        return {
            name: tuple(
                Caller(**{**each, "fate": Fate(each.get("fate", Fate.BLOCKS))}) for each in some
            )
            for name, some in given.items()
        }

    def family(self) -> Family:
        """What changes in the templates around it."""
        given = self._json("family.json")
        return Family(
            {
                stack: Nested(
                    each["template"],
                    frozenset(each.get("gone", ())),
                    tuple((name, value) for name, value in each.get("added", {}).items()),
                )
                for stack, each in given.get("nested", {}).items()
            },
            {name: Refusal(**each) for name, each in given.get("kept", {}).items()},
            {name: Secret(**each) for name, each in given.get("secrets", {}).items()},
            frozenset(given.get("shown", ())),
            {name: tuple(each) for name, each in given.get("bounds", {}).items()},
        )

    def _json(self, name: str) -> Any:
        file = self.folder / name
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

    def imports(self) -> tuple[str, ...]:
        """What the other templates of the tree import."""
        file = self.folder / "imports.json"
        return tuple(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else ()


def cases(folder: Path) -> Iterator[Case]:
    """Yield the cases below a folder, ordered by transform and name."""
    for transform in sorted(each for each in folder.iterdir() if each.is_dir()):
        for case in sorted(each for each in transform.iterdir() if each.is_dir()):
            yield Case(transform.name, case)


def run(
    case: Case, transforms: Sequence[Transform], catalogue: Catalogue, *, new: bool = False
) -> FileResult:
    """Run a case's transform over its template. Raises ConfigError where none has its id."""
    chosen = [each for each in transforms if case.transform in (_EVERY, each.id)]
    if not chosen:
        raise ConfigError(f"{case.folder}: there is no transform {case.transform}")
    return _remediate(case, case.before.read_bytes(), chosen, catalogue, new=new)


def _remediate(
    case: Case, raw: bytes, transforms: Sequence[Transform], catalogue: Catalogue, *, new: bool
) -> FileResult:
    settings = case.settings()
    context = Context(
        catalogue,
        settings._replace(new=new or settings.new),
        case.callers(),
        imports=case.imports(),
        required=registry.required_properties,
        known=registry.known(settings),
        family=case.family(),
        create_only=registry.create_only_properties,
    )
    document = Document.decode(raw, str(case.before))
    return remediate(document, transforms, context, path=case.before.name)


def check_case(case: Case, transforms: Sequence[Transform], catalogue: Catalogue) -> None:
    """Run a case and compare all of it. Raises AssertionError with a diff where it differs.

    Besides bytes and findings: a second run changes nothing, the data is the old data with the
    patch applied, every outcome that is not safe says why.
    """
    chosen = [each for each in transforms if case.transform in (_EVERY, each.id)]
    for new in (False, True) if case.has_new else (False,):
        result = run(case, transforms, catalogue, new=new)
        assert result.status is not Status.ERROR or result.error_line, result.error
        _check_text(case, result, new=new)
        _check_again(case, result, chosen, catalogue, new=new)
        _check_patch(case, result)
        _check_reasons(result)
        if not new:
            _check_findings(case, result)


def _check_text(case: Case, result: FileResult, *, new: bool) -> None:
    expected = case.after(new=new)
    actual = _encoded(case, result)
    if expected.read_bytes() != actual:
        wanted = expected.read_bytes().decode("utf-8-sig").splitlines(keepends=True)
        difference = difflib.unified_diff(
            wanted, actual.decode("utf-8-sig").splitlines(keepends=True), str(expected), "now"
        )
        told = [_visible(line) for line in difference]
        raise AssertionError(f"{case.folder}: the text is not as expected\n" + "".join(told))
    assert (expected == case.before) == (result.old == result.new), (
        f"{case.folder}: {expected.name} equals the template; leave it out where nothing changes"
    )


def _visible(line: str) -> str:
    """Return a line of a diff with what the eye cannot see, such as a carriage return, escaped."""
    plain = line.removesuffix("\n")
    return (plain if plain.isprintable() else repr(plain)[1:-1]) + "\n"


def _encoded(case: Case, result: FileResult) -> bytes:
    bom = case.before.read_bytes()[:3]
    return (bom if bom == b"\xef\xbb\xbf" else b"") + result.new.encode()


def _check_again(
    case: Case,
    result: FileResult,
    transforms: Sequence[Transform],
    catalogue: Catalogue,
    *,
    new: bool,
) -> None:
    again = _remediate(case, result.new.encode(), transforms, catalogue, new=new)
    assert again.new == result.new, f"{case.folder}: a second run changes the text again"


def _check_patch(case: Case, result: FileResult) -> None:
    import jsonpatch

    old, new = Document.parse(result.old), Document.parse(result.new)
    patch: Any = [dict(each) for each in result.patch]
    patched: Any = jsonpatch.JsonPatch(patch).apply(old.data)
    assert json.dumps(patched, sort_keys=True) == json.dumps(new.data, sort_keys=True), (
        f"{case.folder}: the patch does not lead from the old data to the new"
    )


def _check_reasons(result: FileResult) -> None:
    for outcome in result.outcomes:
        if outcome.status is Status.LEFT:
            assert outcome.refusal, f"{outcome.finding.message}: is left without a reason"
            assert outcome.refusal.code, f"{outcome.finding.message}: its reason has no code"
            assert outcome.refusal.reason, f"{outcome.finding.message}: its reason has no words"


def _check_findings(case: Case, result: FileResult) -> None:
    file = case.folder / "findings.json"
    assert file.is_file(), f"{file} is missing; write it with --accept and review it"
    expected: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    actual = [finding(outcome) for outcome in result.outcomes]
    plain = [{k: v for k, v in each.items() if k != "reason_contains"} for each in expected]
    if plain != actual:
        difference = difflib.unified_diff(
            _lines(plain), _lines(actual), str(file), "now", lineterm=""
        )
        raise AssertionError(
            f"{case.folder}: the findings are not as expected\n" + "\n".join(difference)
        )
    for wanted, outcome in zip(expected, result.outcomes, strict=True):
        reason = outcome.refusal.reason if outcome.refusal else ""
        part = wanted.get("reason_contains", "")
        assert part in reason, f"{case.folder}: {part!r} is not in the reason {reason!r}"


def finding(outcome: Outcome) -> dict[str, str | None]:
    """Return an outcome as findings.json holds it."""
    fix = outcome.finding.fix
    return {
        "transform": outcome.transform,
        "pointer": pointer(outcome.finding.path),
        "status": str(outcome.status),
        "consequence": str(fix.consequence) if fix else None,
        "code": outcome.refusal.code if outcome.refusal else None,
    }


def _lines(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    return json.dumps(findings, indent=2, ensure_ascii=False).splitlines()


def accept(case: Case, transforms: Sequence[Transform], catalogue: Catalogue) -> None:
    """Write what becomes of a case's template into its files. Its author has to review them.

    `reason_contains` of findings that are as before stays. Raises ConfigError where the run
    ends in an error.
    """
    result = run(case, transforms, catalogue)
    if result.status is Status.ERROR and not result.error_line:
        raise ConfigError(f"{case.folder}: {result.error}")
    after = case.folder / f"after{case.before.suffix}"
    after.unlink(missing_ok=True)
    if result.new != result.old:
        after.write_bytes(_encoded(case, result))
    special = case.folder / f"after.new{case.before.suffix}"
    special.unlink(missing_ok=True)
    never_deployed = run(case, transforms, catalogue, new=True)
    if never_deployed.new != result.new:
        special.write_bytes(_encoded(case, never_deployed))
    file = case.folder / "findings.json"
    before = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    known = {_key(each): each["reason_contains"] for each in before if each.get("reason_contains")}
    found: list[dict[str, Any]] = [finding(outcome) for outcome in result.outcomes]
    found = [
        each | ({"reason_contains": known[_key(each)]} if _key(each) in known else {})
        for each in found
    ]
    file.write_text("\n".join(_lines(found)) + "\n", encoding="utf-8")


def _key(found: Mapping[str, Any]) -> tuple[Any, ...]:
    return found.get("transform"), found.get("pointer"), found.get("code")


def main(arguments: Sequence[str]) -> int:
    """Check the cases named, or with `--accept` first, write them; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m remediator.testing")
    parser.add_argument("--accept", action="store_true", help="write what becomes of them first")
    parser.add_argument("--plugin", action="append", default=[], help="as for remediator fix")
    parser.add_argument("cases", nargs="+", metavar="CASE", type=Path, help="folder of a case")
    options = parser.parse_args(arguments)
    try:
        transforms = (*registry.builtin_transforms(), *registry.plugins(options.plugin))
    except ConfigError as error:
        parser.error(error.message)
    catalogue = registry.catalogue()
    wrong = 0
    for each in options.cases:
        folder = each.resolve()
        case = Case(folder.parent.name, folder)
        try:
            if options.accept:
                accept(case, transforms, catalogue)
            check_case(case, transforms, catalogue)
        except (AssertionError, ConfigError) as error:
            sys.stderr.write(f"{error}\n")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
