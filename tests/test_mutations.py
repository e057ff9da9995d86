"""The proof against a splicer that is broken on purpose, over the repository's own cases.

Each mutant makes one mistake that a splicer could make. Wherever that changes a text, the proof has
to refuse it: the file stays, the result says so. It lets through only what is no mistake: the new
lines laid out in another way (`LAYOUT`), with the same data and every old line as it was; and the
loss of a comment that belongs to what goes (`COMMENTS`), which no reader of the two texts can tell
from the splicer's own choice to take it along.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path as File
from typing import Any

import pytest

from remediator import splice
from remediator.document import Document
from remediator.edits import Edit, carry_out
from remediator.errors import EditError, ProofError
from remediator.model import Add, Path, Value
from remediator.registry import builtin_transforms, catalogue
from remediator.results import Status
from remediator.testing import Case, cases, run
from remediator.verify import prove

CASES = [
    case
    for case in cases(File(__file__).parent / "cases")
    if case.after(new=False) != case.before and not (case.folder / "settings.toml").is_file()
]
Mutant = Callable[[str, list[Edit]], str]


def _edited(change: Callable[[str, Edit], Edit]) -> Mutant:
    """Return a mutant that changes every edit."""
    return lambda text, edits: carry_out(text, [change(text, edit) for edit in edits])


def _one_more(text: str, edit: Edit) -> Edit:
    return replace(edit, end=min(edit.end + 1, len(text))) if edit.end > edit.start else edit


def _one_less(text: str, edit: Edit) -> Edit:
    return replace(edit, end=edit.end - 1) if edit.end > edit.start else edit


def _one_before(text: str, edit: Edit) -> Edit:
    return replace(edit, start=max(edit.start - 1, 0), end=max(edit.end - 1, 0))


def _eats_the_comment(text: str, edit: Edit) -> Edit:
    """The edit takes what stands behind it on its line."""
    rest = re.match(r"[ \t]+#[^\r\n]*", text[edit.end :])
    return replace(edit, end=edit.end + (rest.end() if rest else 0))


def _deeper(text: str, edit: Edit) -> Edit:
    """The first new line of several stands one column further in than those around it."""
    head, end, rest = edit.text.partition("\n")
    return replace(edit, text=f"{head}{end} {rest}") if rest.strip() else edit


def _without_comma(text: str, edit: Edit) -> Edit:
    """The comma that parts a new entry from its neighbour is lost."""
    return replace(edit, text=re.sub(r",(?=\s)|,$", "", edit.text, count=1))


def _other_line_ends(text: str, edit: Edit) -> Edit:
    other = "\n" if "\r\n" in edit.text else "\r\n"
    return replace(edit, text=re.sub(r"\r?\n", other, edit.text))


def _lost(text: str, edits: list[Edit]) -> str:
    """The last of several edits is not made."""
    return carry_out(text, sorted(edits, key=lambda edit: edit.start)[:-1])


def _twice(text: str, edits: list[Edit]) -> str:
    """What is inserted is inserted twice."""
    inserted = [edit for edit in edits if edit.start == edit.end]
    return carry_out(text, [*edits, *inserted])


def _shortened(text: str, edits: list[Edit]) -> str:
    """The last line end is lost."""
    return carry_out(text, edits).rstrip("\r\n")


def _other_quotes(text: str, edits: list[Edit]) -> str:
    """A quoted value that nothing touches is written in other quotes."""
    return re.sub(r": '(\w+)'", r': "\1"', carry_out(text, edits), count=1)


def _swapped(text: str, edits: list[Edit]) -> str:
    """Two edits are made at each other's place."""
    one, *others = sorted(edits, key=lambda edit: edit.start)
    if not others:
        return carry_out(text, edits)
    other, *rest = others
    swapped = [replace(one, text=other.text), replace(other, text=one.text)]
    return carry_out(text, [*swapped, *rest])


def _without_last_comment(text: str, edits: list[Edit]) -> str:
    """The last line that is nothing but a comment is lost, wherever it stands."""
    new = carry_out(text, edits)
    found = list(re.finditer(r"(?m)^[ \t]*#.*\n", new))
    return new[: found[-1].start()] + new[found[-1].end() :] if found else new


def _one_kept_line_indented(text: str, edits: list[Edit]) -> str:
    """The last line of the old text that no edit touches is indented with a tab more."""
    new = carry_out(text, edits)
    return re.sub(r"(?m)^(\s*)(\S[^\n]*\s*)\Z", r"\1 \2", new)


MUTANTS: dict[str, Mutant] = {
    "a span that ends one character late": _edited(_one_more),
    "a span that ends one character early": _edited(_one_less),
    "an edit one character too early": _edited(_one_before),
    "a lost comment beside a value": _edited(_eats_the_comment),
    "a wrong indentation": _edited(_deeper),
    "a dropped comma": _edited(_without_comma),
    "changed line ends": _edited(_other_line_ends),
    "a lost edit": _lost,
    "an edit made twice": _twice,
    "a lost last line end": _shortened,
    "other quotes around an old value": _other_quotes,
    "two edits at each other's place": _swapped,
    "a lost comment line": _without_last_comment,
    "a wrong indentation of an old line": _one_kept_line_indented,
}
LAYOUT = frozenset(
    {
        "a span that ends one character early",  # `Name:  x`: the space was the edit's to take
        "a wrong indentation",  # of a new block as a whole, which stays the same block
        "an edit made twice",  # a deeper indentation of what moves below a new key
        "a wrong indentation of an old line",  # of a line that moves below a new key
    }
)
COMMENTS = frozenset({"a lost comment beside a value", "a lost comment line"})


@dataclass
class Trial:
    """What became of the cases under one mutant."""

    changed: int = 0
    refused: int = 0
    passed: list[tuple[Case, str]] = field(default_factory=list)


@cache
def first_edits() -> tuple[tuple[Case, str, tuple[Edit, ...]], ...]:
    """Return every other case with its text and the edits that repair it."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for case in CASES[::2]:
            calls: list[tuple[str, tuple[Edit, ...]]] = []

            def record(text: str, edits: Iterable[Edit], calls: Any = calls) -> str:
                calls.append((text, tuple(edits)))
                return carry_out(*calls[-1])

            patch.setattr(splice, "carry_out", record)
            run(case, builtin_transforms(), catalogue())
            found.append((case, *calls[0]))
    return tuple(found)


def trial(monkeypatch: pytest.MonkeyPatch, mutant: Mutant) -> Trial:
    """Repair the cases that a broken splicer changes with it."""
    found = Trial()
    monkeypatch.setattr(splice, "carry_out", lambda text, edits: mutant(text, list(edits)))
    for case, text, edits in first_edits():
        try:
            if mutant(text, list(edits)) == carry_out(text, edits):
                continue
        except EditError:
            continue  # it makes the edits overlap, which is refused before any proof
        found.changed += 1
        result = run(case, builtin_transforms(), catalogue())
        if result.status in (Status.ERROR, Status.LEFT):
            assert result.new == result.old, case.folder
            found.refused += 1
        else:
            found.passed.append((case, result.new))
    return found


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_splicer_is_caught(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    found = trial(monkeypatch, MUTANTS[name])
    assert found.changed, "the mutant changes no text: it tests nothing"
    assert found.refused, "the proof refuses none"
    if name not in LAYOUT | COMMENTS:
        assert [case.folder.name for case, _ in found.passed] == []
    for case, new in found.passed:
        wanted = Document.decode(case.after(new=False).read_bytes(), case.folder.name)
        assert Document.parse(new).data == wanted.data, case.folder
        lost = _lines(wanted.text) - _lines(new)
        if name in COMMENTS:
            assert all(line.startswith("#") for line in lost), case.folder
        else:
            assert not any(lost), case.folder


def _lines(text: str) -> Counter[str]:
    """Return the lines of a text without what lays them out: indentation, spaces, comments."""
    lines = ("".join(line.split()) for line in text.splitlines())
    return Counter(line for line in lines if line)


def test_swapped_additions_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two entries for one place, in the other order: each says what it stands beside."""
    document = Document.parse("Resources:\n  A:\n    Type: AWS::SNS::Topic\n")
    topic: Value = {"Type": "AWS::SNS::Topic"}
    plan = [Add(("Resources", "B"), topic, after="A"), Add(("Resources", "C"), topic, after="B")]
    right = document.with_text(splice.apply(document, plan))
    prove(document, right, plan)
    ordered = splice.Splicer._ordered

    def swapped(self: splice.Splicer, path: Path, adds: list[Add]) -> list[Add]:
        return ordered(self, path, adds)[::-1]

    monkeypatch.setattr(splice.Splicer, "_ordered", swapped)
    wrong = document.with_text(splice.apply(document, plan))
    assert wrong.text != right.text
    assert wrong.data == right.data
    with pytest.raises(ProofError, match="does not stand after B"):
        prove(document, wrong, plan)
