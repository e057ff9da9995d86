"""Runs the transforms over files: finds them, reads them, and writes what was proven, last.

No other module touches a template's file. What becomes of each file is a value; one that cannot
be handled is an error in the result, and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from . import reading
from .around import Around
from .discover import Input
from .document import Document
from .engine import Judge, inspect, remediate
from .errors import FileError, RemediatorError, TemplateError
from .garbage import no_collection
from .hidden import with_hidden
from .lock import Claims
from .model import CALLERS, Catalogue, Context, Family, Settings
from .reading import UTF16, has_template_name, looks_like_template, peek
from .registry import create_only_properties, known, required_properties, trigger
from .results import FileResult, Status
from .suppression import is_marked
from .transform import Transform

_BOM = "\ufeff"

Work: TypeAlias = Callable[[], FileResult | None]
Guard: TypeAlias = Callable[[str, Work], FileResult | None]
"""Is given a file's name and the work on it; may catch what the work raises."""


def unguarded(_: str, work: Work) -> FileResult | None:
    """Do the work; what it raises goes on to the caller."""
    return work()


@dataclass(eq=False, repr=False)
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
    def edits_callers(self) -> bool:
        """Whether those that give a parameter are changed along with the template that loses it."""
        return any(transform.id == CALLERS for transform in self.transforms)

    @property
    def rotates(self) -> bool:
        """Whether a repair makes another password of the one that callers know."""
        return self.settings.strategy != "reference"

    @property
    def _repaired(self) -> Status:
        if self.check:
            return Status.REPAIRABLE
        return Status.FIXED if self.write or self.fixes else Status.WOULD_FIX

    @property
    def command(self) -> str:
        """What this run is called in its result."""
        return "check" if self.check else "fix" if self.write or self.fixes else "fix --dry-run"

    @no_collection()
    def handle(
        self, entry: Input, claims: Claims | None = None, family: Family | None = None
    ) -> FileResult | None:
        """Work out what becomes of one file; None where it is no template and was not named.

        Nothing is written. With `claims` the file's tree is claimed first: where another run has
        it, a file that may be a template is an error. `family` is what other templates ask of it:
        its repair is carried out then, in a check too, which does not prove it.
        """
        name = str(entry.file)
        try:
            busy = None if claims is None else _busy(entry, claims)
            raw = reading.read(entry)
            if raw is None or (busy and not entry.named and not looks_like_template(peek(raw))):
                return None
            if busy is not None:
                raise busy
            result = self.text(raw, name, entry, family)
            if result is None:
                return None
            return replace(result, named=entry.named, fresh=self.settings.new)
        except RemediatorError as error:
            return failed(name, error.message, error.line, error.column)

    def text(
        self,
        raw: bytes,
        name: str,
        entry: Input | None = None,
        family: Family | None = None,
    ) -> FileResult | None:
        """Handle the content of a file, or of standard input where there is no `entry`.

        Nothing is written. None where it is no template and was met in a folder. Raises
        TemplateError where it is none and was named, or was plainly meant as one.
        """
        named = entry is None or entry.named
        text = peek(raw)
        if not named:
            if not looks_like_template(text):
                return None
            looks = (
                family is not None
                or self._trigger(text)
                or is_marked(text)
                or raw.startswith(tuple(UTF16))
            )
            if not looks:  # what is called otherwise is prose or code about templates, most often
                return FileResult(name, Status.CLEAN) if has_template_name(name) else None
        try:
            document = self.around.document(raw, name, entry, keep=family is not None)
        except TemplateError as error:
            if named or (error.looks_like_template and has_template_name(name)):
                raise
            return None
        result = self._work(document, name, entry, family)
        if not document.bom or result.old.startswith(_BOM):
            return result
        return replace(
            result,
            old=_BOM + result.old,
            new=_BOM + result.new,
            hidden_old=tuple((start + 1, end + 1) for start, end in result.hidden_old),
            hidden_new=tuple((start + 1, end + 1) for start, end in result.hidden_new),
        )

    def _work(
        self, document: Document, name: str, entry: Input | None, family: Family | None
    ) -> FileResult:
        context = Context(
            self.catalogue,
            self.settings,
            self.around.callers(document, entry, edits=self.edits_callers, rotates=self.rotates),
            self.around.mentions(entry),
            self.around.imports(entry),
            required_properties,
            self._known,
            family or Family(),
            create_only_properties,
        )
        try:
            result = self._result(document, name, context, entry, joined=family is not None)
        except RemediatorError as error:
            result = failed(name, error.message, error.line, error.column)
            result = replace(result, old=document.text, new=document.text)
        return with_hidden(document, result, self.catalogue)

    def _result(
        self, document: Document, name: str, context: Context, entry: Input | None, *, joined: bool
    ) -> FileResult:
        file = self.around.path_in_diff(entry.file) if entry else name
        if self.check and not joined:
            return inspect(document, self.transforms, context, path=name, file=file)
        return remediate(
            document,
            self.transforms,
            context,
            path=name,
            file=file,
            write=self._repaired,
            judges=self.judges,
            proven=not self.check,
        )

    def objection(self, entry: Input, result: FileResult) -> str:
        """Return why a result must not be written; empty where it may be."""
        if self.asked_about.get(str(entry.file), result.old) != result.old:
            return "the file changed while its repairs were chosen; run it again"
        if self.in_place and not self.write:
            from . import atomic  # not for a check

            try:
                atomic.require_writable(entry.file, entry.limit)
            except FileError as error:
                return error.message
        return ""


def _busy(entry: Input, claims: Claims) -> FileError | None:
    """Claim a file's tree, and tidy up its folder; returns why that is not possible.

    What lies outside of the tree is not claimed: it is not written either.
    """
    is_link = entry.file.is_symlink()
    if entry.folder == claims.folder and not is_link:
        return None  # as the file before it
    from . import atomic  # not for a check

    try:
        folder, limit = entry.file.resolve().parent, entry.limit.resolve()
        if folder.is_relative_to(limit):
            claims.enter(folder, limit)
            claims.folder = None if is_link else entry.folder
            atomic.sweep(folder)
    except FileError as error:
        return error
    return None


def is_free(entry: Input, claims: Claims) -> bool:
    """Claim a file's tree; tell whether no other run has it, as far as that can be told."""
    try:
        return _busy(entry, claims) is None
    except (OSError, RuntimeError):
        return False


def failed(
    name: str, message: str, line: int | None = None, column: int | None = None
) -> FileResult:
    """Return the result of a file that cannot be handled, and why."""
    return FileResult(name, Status.ERROR, error=message, error_line=line, error_column=column)
