"""Runs the transforms over files: finds them, reads them, and writes what was proven, last.

No other module touches a template's file. What becomes of each file is a value; one that cannot
be handled is an error in the result, and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from . import atomic
from .discover import Input, Unusable, expand, tree_of
from .document import Document
from .engine import Judge, inspect, remediate
from .errors import ConfigError, FileError, Interrupted, RemediatorError, TemplateError
from .hidden import with_hidden
from .interrupt import held
from .lock import Claims
from .model import Caller, Catalogue, Context, Refusal, Settings
from .registry import known, required_properties, trigger
from .repository import Repository
from .results import Deployment, FileResult, RunResult, Status
from .suppression import is_marked
from .transform import Transform
from .work_tree import path_in_diff

MAX_BYTES = 5_000_000
"""Larger files are not read; CloudFormation itself takes 1 MB."""
_HEAD = 8192
_BOM = "\ufeff"
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_TEMPLATE_SUFFIXES = frozenset({".yaml", ".yml", ".json", ".template", ".cfn", ".txt", ""})

Work: TypeAlias = Callable[[], FileResult | None]
Guard: TypeAlias = Callable[[str, Work], FileResult | None]
"""Is given a file's name and the work on it; may catch what the work raises."""
Track: TypeAlias = Callable[[Sequence[Input]], Iterable[Input]]
"""Yields the same inputs, and may show progress."""


def unguarded(_: str, work: Work) -> FileResult | None:
    """Do the work; what it raises goes on to the caller."""
    return work()


def untracked(inputs: Sequence[Input]) -> Iterable[Input]:
    """Return the inputs as they are."""
    return inputs


@dataclass
class Runner:
    """Handles files with one set of transforms and settings.

    `write`: repaired files are written in place; else they are only worked out. `fixes`: the
    repairs count as done, here or where the caller puts them. `check`: findings only, no proof.
    `judges` look at every new text, as `remediate` says. `skip_others`: a file that was named and
    is no template is passed over like one that is met in a folder; so is a folder without any.
    """

    transforms: Sequence[Transform]
    catalogue: Catalogue
    settings: Settings
    check: bool = False
    write: bool = False
    fixes: bool = False
    in_place: bool = False
    skip_others: bool = False
    judges: Sequence[Judge] = ()
    guard: Guard = unguarded
    track: Track = untracked
    runner_of: Callable[[Path], Runner] | None = None
    """Who handles a file in its place, where settings differ; raises ConfigError if wrong."""
    asked_about: Mapping[str, str] = field(default_factory=dict)
    """The texts of files for which a person chose the repairs: those of another are not made."""
    around: Around = field(default_factory=lambda: Around())
    """What the trees around the files know; runners of one run share it."""
    _trigger: Callable[[str], bool] = field(init=False)
    _known: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._trigger = trigger(self.transforms, self.catalogue)
        self._known = known(self.settings)

    @property
    def command(self) -> str:
        """What this run is called in its result."""
        return "check" if self.check else "fix" if self.write or self.fixes else "fix --dry-run"

    def run(self, paths: Sequence[Path]) -> RunResult:
        """Handle the files of these PATHs, in order; a folder is searched for templates."""
        inputs: list[Input] = []
        results: list[FileResult] = []
        for entry in expand(paths):
            if isinstance(entry, Unusable):
                results.append(_error(str(entry.path), entry.reason))
            else:
                inputs.append(replace(entry, named=entry.named and not self.skip_others))
        wrong: dict[str, Path] = {}
        skipped = handled = 0
        interrupted = False
        try:
            with Claims() as claims:
                for entry in self.track(inputs):
                    runner = self._runner(entry, wrong)
                    if runner is None:
                        handled += 1
                        continue
                    work = partial(runner.handle, entry, claims if self.write else None)
                    result = self.guard(str(entry.file), work)
                    with held():  # a file that was written must not be missing in the result
                        if result is not None:
                            write = partial(runner.settle, entry, result)
                            result = self.guard(str(entry.file), write)
                        handled += 1
                        results += [] if result is None else [_placed(result, entry.file)]
                        skipped += result is None
        except (Interrupted, KeyboardInterrupt):
            interrupted = True
        else:
            results += [_error(str(folder), message) for message, folder in wrong.items()]
            results += [
                _error(str(path), "the folder holds no CloudFormation templates")
                for path in paths
                if not self.skip_others and is_folder(path) and not _any_below(results, path)
            ]
        return RunResult(
            tuple(results),
            self.command,
            scanned=len(inputs),
            skipped=skipped,
            allowed=self.settings.allow,
            interrupted=handled if interrupted else None,
        )

    def _runner(self, entry: Input, wrong: dict[str, Path]) -> Runner | None:
        """Return who handles a file; None where its settings are wrong, and `wrong` says how."""
        try:
            return self.runner_of(entry.file) if self.runner_of else self
        except ConfigError as error:
            wrong.setdefault(error.message, entry.file.parent)
            return None

    def handle(self, entry: Input, claims: Claims | None = None) -> FileResult | None:
        """Work out what becomes of one file; None where it is no template and was not named.

        Nothing is written. With `claims` the file's tree is claimed first: where another run has
        it, a file that may be a template is an error.
        """
        name = str(entry.file)
        try:
            busy = None if claims is None else _busy(entry, claims)
            raw = _read(entry)
            if raw is None or (busy and not entry.named and not looks_like_template(_peek(raw))):
                return None
            if busy is not None:
                raise busy
            result = self.text(raw, name, entry)
            if result is None:
                return None
            return replace(result, named=entry.named, fresh=self.settings.new)
        except RemediatorError as error:
            return _error(name, error.message, error.line, error.column)

    def text(self, raw: bytes, name: str, entry: Input | None = None) -> FileResult | None:
        """Handle the content of a file, or of standard input where there is no `entry`.

        Nothing is written. None where it is no template and was met in a folder. Raises
        TemplateError where it is none and was named, or was plainly meant as one.
        """
        named = entry is None or entry.named
        text = _peek(raw)
        if not named:
            if not looks_like_template(text):
                return None
            looks = self._trigger(text) or is_marked(text) or raw.startswith(tuple(_UTF16))
            if not looks:
                return FileResult(name, Status.CLEAN)
        try:
            document = Document.decode(raw, name)
        except TemplateError as error:
            if named or (error.looks_like_template and _has_template_name(name)):
                raise
            return None
        result = self._work(document, name, entry)
        if not document.bom or result.old.startswith(_BOM):
            return result
        return replace(
            result,
            old=_BOM + result.old,
            new=_BOM + result.new,
            hidden_old=tuple((start + 1, end + 1) for start, end in result.hidden_old),
            hidden_new=tuple((start + 1, end + 1) for start, end in result.hidden_new),
        )

    def _work(self, document: Document, name: str, entry: Input | None) -> FileResult:
        context = Context(
            self.catalogue,
            self.settings,
            self.around.callers(document, entry),
            self.around.imports(entry),
            required_properties,
            self._known,
        )
        try:
            result = self._result(document, name, context, entry)
        except RemediatorError as error:
            result = _error(name, error.message, error.line, error.column)
            result = replace(result, old=document.text, new=document.text)
        return with_hidden(document, result, self.catalogue)

    def _result(
        self, document: Document, name: str, context: Context, entry: Input | None
    ) -> FileResult:
        file = path_in_diff(entry.file) if entry else name
        if self.check:
            return inspect(document, self.transforms, context, path=name, file=file)
        return remediate(
            document,
            self.transforms,
            context,
            path=name,
            file=file,
            write=Status.FIXED if self.write or self.fixes else Status.WOULD_FIX,
            judges=self.judges,
        )

    def settle(self, entry: Input, result: FileResult) -> FileResult:
        """Write a result; a dry run only asks whether it could. The findings outlive a failure."""
        if result.old == result.new or result.status is Status.ERROR:
            return result
        if self.asked_about.get(str(entry.file), result.old) != result.old:
            return _unwritten(
                result, "the file changed while its repairs were chosen; run it again"
            )
        try:
            if self.write:
                old, new = result.old.encode(), result.new.encode()
                atomic.replace(entry.file, new, expected=old, within=entry.limit)
            elif self.in_place:
                atomic.require_writable(entry.file, entry.limit)
        except FileError as error:
            return _unwritten(result, error.message)
        return result


def _busy(entry: Input, claims: Claims) -> FileError | None:
    """Claim a file's tree, and tidy up its folder; returns why that is not possible.

    What lies outside of the tree is not claimed: it is not written either.
    """
    is_link = entry.file.is_symlink()
    if entry.file.parent == claims.folder and not is_link:
        return None  # as the file before it
    try:
        folder, limit = entry.file.resolve().parent, entry.limit.resolve()
        if folder.is_relative_to(limit):
            claims.enter(folder, limit)
            claims.folder = None if is_link else entry.file.parent
            atomic.sweep(folder)
    except FileError as error:
        return error
    return None


def _placed(result: FileResult, file: Path) -> FileResult:
    """Return a result with its place in the repository, where a report has something to say."""
    if not result.outcomes and not result.error:
        return result
    return replace(result, diff_path=path_in_diff(file))


def _unwritten(result: FileResult, message: str) -> FileResult:
    refusal = Refusal("cannot-edit", message)
    outcomes = tuple(
        outcome
        if outcome.status is Status.SUPPRESSED
        else replace(outcome, status=Status.LEFT, refusal=outcome.refusal or refusal)
        for outcome in result.outcomes
    )
    return replace(
        result,
        status=Status.ERROR,
        outcomes=outcomes,
        patch=(),
        new=result.old,
        hidden_new=result.hidden_old,
        error=message,
        needs_after=result.needs_before,
        deployment=Deployment(),
        differences=(),
    )


class Around:
    """What the tree around a document knows of it; each is read once, when a transform asks."""

    def __init__(self) -> None:
        self._trees: dict[Path, Repository] = {}

    def callers(self, document: Document, entry: Input | None) -> Mapping[str, tuple[Caller, ...]]:
        """Return the callers of the document's parameters."""
        parameters = document.data.get("Parameters")
        if entry is None or not isinstance(parameters, dict):
            return {}
        return self._tree(entry).callers(entry.file, parameters)

    def imports(self, entry: Input | None) -> Iterable[str]:
        """Return the names that the tree's other templates import."""
        return () if entry is None else self._tree(entry).imports(entry.file)

    def _tree(self, entry: Input) -> Repository:
        tree = tree_of(entry.file, entry.root)
        if tree not in self._trees:
            self._trees[tree] = Repository(tree)
        return self._trees[tree]


def _read(entry: Input) -> bytes | None:
    """Return a file's bytes; None where it is binary or too large and was not named."""
    try:
        with entry.file.open("rb") as stream:
            head = stream.read(_HEAD)
            size = entry.file.stat().st_size
            if b"\0" in head and not entry.named and not head.startswith(tuple(_UTF16)):
                return None
            if size <= MAX_BYTES:
                return head + stream.read()
            head += stream.read(16 * _HEAD)
    except OSError as error:
        raise FileError(f"the file cannot be read: {error.strerror or error}") from error
    if entry.named or (looks_like_template(_peek(head)) and _has_template_name(entry.file.name)):
        raise FileError(
            f"the file has {size / 1e6:.1f} MB, remediator reads up to {MAX_BYTES / 1e6:.0f} MB "
            "(CloudFormation takes 1 MB)"
        )
    return None


def _peek(raw: bytes) -> str:
    """Return the text of some bytes for a first look; what cannot be decoded is replaced."""
    return raw.decode(_UTF16.get(raw[:2], "utf-8"), errors="replace")


def looks_like_template(text: str) -> bool:
    """Whether a text holds the words of a template: a first look that costs nothing."""
    return "Resources" in text and (
        "AWS::" in text or "Custom::" in text or "Alexa::" in text or "Fn::ForEach" in text
    )


def _has_template_name(name: str) -> bool:
    """Whether a file that holds a template's words would be one, not prose or code about it."""
    return Path(name).suffix.lower() in _TEMPLATE_SUFFIXES


def is_folder(path: Path) -> bool:
    """Whether a path is a folder; False where that cannot be told."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _any_below(results: Sequence[FileResult], folder: Path) -> bool:
    return any(
        result.path == str(folder) or Path(result.path).is_relative_to(folder) for result in results
    )


def _error(
    name: str, message: str, line: int | None = None, column: int | None = None
) -> FileResult:
    return FileResult(name, Status.ERROR, error=message, error_line=line, error_column=column)
