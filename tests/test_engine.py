"""One document through small transforms made for the purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Any

import pytest

from remediator import engine, registry, verify
from remediator.document import Document
from remediator.edits import Edit
from remediator.engine import inspect, remediate
from remediator.errors import EditError, ProofError, TransformError
from remediator.model import (
    Add,
    Consequence,
    Context,
    Finding,
    Fix,
    Operation,
    Path,
    Refusal,
    Remove,
    Replace,
    Settings,
    Value,
)
from remediator.results import FileResult, Status
from remediator.splice import Splicer
from remediator.template import Template
from remediator.transform import Transform

TEXT = """\
Parameters:
  Secret: {Type: String}  # goes
Resources:
  # first
  A:
    Type: AWS::X::Y
  B: # second
    Type: AWS::X::Y
    Metadata: {Note: old}
"""
META: Path = ("Resources", "B", "Metadata", "Note")
Check = Callable[[Template, Context], Iterable[Finding]]


def transform(check: Check, name: str = "fake") -> Transform:
    return Transform(name, name, check)


def once(path: Path, *operations: Operation, name: str = "fake", **fix: Any) -> Transform:
    """A transform that plans its operations until the first of them is carried out."""

    def check(template: Template, context: Context) -> Iterator[Finding]:
        if not done(template.data, operations[0]):
            yield Finding(path, f"{name} is due", Fix("repair", operations, **fix))

    return transform(check, name)


def done(data: Any, operation: Operation) -> bool:
    for step in operation.path[:-1]:
        data = data.get(step, {})
    if isinstance(operation, Remove):
        return operation.path[-1] not in data
    return bool(data.get(operation.path[-1]) == operation.value)


def context(**settings: Any) -> Context:
    return Context(MappingProxyType({}), Settings(**settings))


def run(*transforms: Transform, text: str = TEXT, **settings: Any) -> FileResult:
    document = Document.parse(text, "t.yaml")
    return remediate(document, transforms, context(**settings), path="t.yaml")


def told(result: FileResult) -> list[tuple[str, str, str]]:
    return [
        (o.transform, str(o.status), o.refusal.code if o.refusal else "") for o in result.outcomes
    ]


# --- what is repaired ------------------------------------------------------------------------


def test_nothing_found_is_clean() -> None:
    result = run(transform(lambda template, context: ()))
    assert (result.status, result.old, result.new, result.outcomes) == (
        Status.CLEAN,
        TEXT,
        TEXT,
        (),
    )


def test_repair_and_its_result() -> None:
    result = run(once(META, Replace(META, "new")))
    assert result.new == TEXT.replace("old", "new")
    assert result.status is Status.FIXED
    assert told(result) == [("fake", "fixed", "")]
    assert (result.outcomes[0].line, result.outcomes[0].column) == (9, 16)
    assert result.patch == (
        {"op": "replace", "path": "/Resources/B/Metadata/Note", "value": "new"},
    )
    assert result.differences == ("Resources.B.Metadata.Note changed",)


def test_dry_run_has_another_status() -> None:
    document = Document.parse(TEXT)
    repair = once(META, Replace(META, "new"))
    result = remediate(document, [repair], context(), write=Status.WOULD_FIX)
    assert result.status is Status.WOULD_FIX
    assert [outcome.status for outcome in result.outcomes] == [Status.WOULD_FIX]
    assert result.old != result.new


def test_section_that_would_be_empty_goes() -> None:
    result = run(once(("Parameters", "Secret"), Remove(("Parameters", "Secret"))))
    assert result.new == TEXT[TEXT.index("Resources") :]
    assert result.patch == ({"op": "remove", "path": "/Parameters"},)
    assert (result.needs_before, result.needs_after) == (("Secret",), ())


def test_overlapping_repair_waits_for_the_next_pass() -> None:
    seen: list[Any] = []

    def second(template: Template, context: Context) -> Iterator[Finding]:
        metadata = template.data["Resources"]["B"]["Metadata"]  # type: ignore[index, call-overload]
        seen.append(metadata)
        if metadata == {"Note": "new"}:
            metadata = {"Note": "new", "More": "x"}
        elif metadata == {"Note": "old"}:
            metadata = {"Note": "wrong"}
        else:
            return
        yield Finding(META[:-1], "again", Fix("again", (Replace(META[:-1], metadata),)))

    result = run(once(META, Replace(META, "new")), transform(second, "second"))
    assert "{Note: new, More: x}" in result.new
    assert told(result) == [("fake", "fixed", ""), ("second", "fixed", "")]
    assert [entry["path"] for entry in result.patch] == [
        "/Resources/B/Metadata/Note",
        "/Resources/B/Metadata",
    ]
    assert len(seen) == 3


def test_repairs_side_by_side_take_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PASSES", 2)  # the second finds that nothing is left
    repairs = [
        once((), Add(("Resources", name, "Condition"), "X"), name=name) for name in ("A", "B")
    ]
    result = run(*repairs, text=TEXT + "Conditions: {X: true}\n")
    assert result.status is Status.FIXED, result.error
    assert result.new.count("Condition: X\n") == 2


# --- what is left ----------------------------------------------------------------------------


def test_refusal_is_left_with_its_place_in_the_new_text() -> None:
    def check(template: Template, context: Context) -> Iterator[Finding]:
        yield Finding(("Resources", "A"), "no", refusal=Refusal("why", "because"))

    result = run(
        transform(check, "no"), once(("Parameters",), Remove(("Parameters", "Secret")), name="yes")
    )
    assert told(result) == [("yes", "fixed", ""), ("no", "left", "why")]
    assert [outcome.line for outcome in result.outcomes] == [1, 3]


def test_only_refusals_are_left() -> None:
    finding = Finding(META, "no", refusal=Refusal("why", "because"))
    result = run(transform(lambda template, context: [finding]))
    assert (result.status, result.old) == (Status.LEFT, result.new)


REPLACES = once(META, Replace(META, "new"), consequence=Consequence.REPLACES, because="it is new")


def test_consequence_that_is_not_allowed_is_left_and_the_flag_is_named() -> None:
    result = run(REPLACES)
    assert result.new == TEXT
    assert told(result) == [("fake", "left", "not-allowed")]
    refusal = result.outcomes[0].refusal
    assert refusal
    assert "it is new" in refusal.reason
    assert "--allow safe,rotates,external,replaces would" in refusal.reason


@pytest.mark.parametrize("settings", [{"allow": frozenset({Consequence.REPLACES})}, {"new": True}])
def test_consequence_that_is_allowed_is_repaired_and_told(settings: dict[str, Any]) -> None:
    result = run(REPLACES, **settings)
    assert result.status is Status.FIXED
    fix = result.outcomes[0].finding.fix
    assert fix
    assert fix.consequence is Consequence.REPLACES


soundly = Splicer.edits


def refuse(monkeypatch: pytest.MonkeyPatch, guilty: Callable[[set[str]], bool]) -> None:
    """Have splicing refuse plans in which the resources changed are guilty."""

    def edits(splicer: Splicer, operations: Sequence[Operation]) -> list[Edit]:
        if guilty({str(operation.path[1]) for operation in operations}):
            raise EditError("cannot be done here")
        return soundly(splicer, operations)

    monkeypatch.setattr(Splicer, "edits", edits)


def noted(name: str) -> Transform:
    return once(
        ("Resources", name), Add(("Resources", name, "DeletionPolicy"), "Delete"), name=name
    )


def test_edit_that_cannot_be_done_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, lambda names: "A" in names)
    result = run(noted("A"), noted("B"))
    assert told(result) == [("B", "fixed", ""), ("A", "left", "cannot-edit")]
    assert result.outcomes[1].refusal == Refusal("cannot-edit", "cannot be done here")
    assert result.new.count("DeletionPolicy") == 1


def test_edits_that_cannot_be_done_together_are_done_in_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refuse(monkeypatch, lambda names: names == {"A", "B"})
    result = run(noted("A"), noted("B"))
    assert told(result) == [("A", "fixed", ""), ("B", "fixed", "")]
    assert result.new.count("DeletionPolicy") == 2


def test_repair_behind_one_that_cannot_be_done_is_not_held_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second overlaps with the first, which is refused: it must not wait for ever."""

    def edits(splicer: Splicer, operations: Sequence[Operation]) -> list[Edit]:
        if any(operation.path == META[:-1] for operation in operations):
            raise EditError("cannot be done here")
        return soundly(splicer, operations)

    monkeypatch.setattr(Splicer, "edits", edits)
    first = once(META, Replace(META[:-1], {"Note": "first"}), name="first")
    result = run(first, once(META, Replace(META, "new"), name="second"))
    assert told(result) == [("second", "fixed", ""), ("first", "left", "cannot-edit")]


def test_what_cannot_be_proven_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def unprovable(*_: object) -> None:
        raise EditError("cannot be proven: the second reader")

    monkeypatch.setattr(verify, "prove", unprovable)
    result = run(once(META, Replace(META, "new")))
    assert result.new == TEXT
    assert result.status is Status.LEFT
    assert told(result) == [("fake", "left", "cannot-be-proven")]


TWICE = TEXT.replace("  B:", "  A:\n    Type: AWS::X::Y\n  B:")


@pytest.mark.parametrize("handle", [remediate, inspect])
def test_document_with_a_problem_is_not_edited(handle: Callable[..., FileResult]) -> None:
    document = Document.parse(TWICE)
    result = handle(document, [once(META, Replace(META, "new"))], context())
    assert (result.status, result.error_line) == (Status.ERROR, 7)
    assert "stands twice" in result.error
    assert result.new == TWICE
    assert told(result) == [("fake", "left", "duplicate-key")]


def test_a_problem_is_an_error_even_where_nothing_is_found() -> None:
    result = run(text=TWICE)
    assert (result.status, result.error_line, result.outcomes) == (Status.ERROR, 7, ())


# --- judges ----------------------------------------------------------------------------------


def judged(*transforms: Transform, bad: Callable[[str], bool]) -> FileResult:
    def judge(old: Document, new: Document) -> Refusal | None:
        assert old.text == TEXT
        return Refusal("validator-error", "E1 is new") if bad(new.text) else None

    document = Document.parse(TEXT, "t.yaml")
    return remediate(document, transforms, context(), judges=[judge])


def test_a_repair_that_a_judge_objects_to_is_left_and_the_others_are_made() -> None:
    repairs = noted("A"), once(META, Replace(META, "new"), name="note"), noted("B")
    result = judged(*repairs, bad=lambda text: "Note: new" in text)
    assert told(result) == [
        ("A", "fixed", ""),
        ("B", "fixed", ""),
        ("note", "left", "validator-error"),
    ]
    assert result.status is Status.FIXED
    assert result.outcomes[2].refusal == Refusal("validator-error", "E1 is new")
    assert result.new.count("DeletionPolicy") == 2
    assert "Note: old" in result.new
    assert len(result.patch) == 2


def test_of_two_repairs_that_are_wrong_together_the_first_is_made() -> None:
    both = noted("A"), noted("B")
    result = judged(*both, bad=lambda text: text.count("DeletionPolicy") == 2)
    assert told(result) == [("A", "fixed", ""), ("B", "left", "validator-error")]


def test_where_every_repair_is_wrong_nothing_changes() -> None:
    result = judged(noted("A"), noted("B"), bad=lambda text: True)
    assert (result.status, result.new, result.patch) == (Status.LEFT, TEXT, ())
    assert {code for _, _, code in told(result)} == {"validator-error"}


def test_judges_are_not_asked_about_what_stays() -> None:
    result = judged(transform(lambda template, context: ()), bad=lambda text: True)
    assert result.status is Status.CLEAN


def test_the_second_opinion_leaves_a_repair_that_is_wrong_in_itself() -> None:
    """The plan is carried out to the letter; what it says is wrong."""
    database = """\
Resources:
  DB:
    Type: AWS::RDS::DBInstance
    Properties: {MasterUserPassword: changeme}
  B:
    Type: AWS::X::Y
"""
    place: Path = ("Resources", "DB", "Properties", "MasterUserPassword")
    reference: Value = {"Fn::Sub": "{{resolve:secretsmanager:${B}::password}}x"}
    wrong = once(place, Replace(place, reference), name="wrong")
    document = Document.parse(database)
    known = Context(registry.catalogue())
    result = remediate(document, [wrong, noted("B")], known)
    assert told(result) == [("B", "fixed", ""), ("wrong", "left", "second-opinion")]
    assert result.outcomes[1].refusal == Refusal(
        "second-opinion", "DB.Properties.MasterUserPassword reads B, which is no secret"
    )


# --- defects ---------------------------------------------------------------------------------


def test_failed_proof_keeps_the_old_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ProofError("the comment in line 1 is lost")

    monkeypatch.setattr(verify, "prove", fail)
    result = run(once(META, Replace(META, "new"), name="due"))
    assert (result.status, result.old, result.new) == (Status.ERROR, TEXT, TEXT)
    assert result.patch == ()
    assert "a defect of remediator" in result.error
    assert "comment in line 1" in result.error
    assert "please report" in result.error
    assert told(result) == [("due", "left", "not-proven")]


@pytest.mark.parametrize("wrong", ["", "Resources: [", TEXT.replace("old", "older")])
def test_wrong_text_of_a_splice_is_never_taken(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setattr(Splicer, "apply", lambda splicer, operations: wrong)
    result = run(once(META, Replace(META, "new")))
    assert (result.status, result.new) == (Status.ERROR, TEXT)


def test_failure_in_a_later_pass_undoes_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    prove = verify.prove

    def fail(old: Document, new: Document, operations: Any) -> Any:
        if old.text != TEXT:
            raise ProofError("wrong")
        return prove(old, new, operations)

    monkeypatch.setattr(verify, "prove", fail)
    result = run(growing("x" * 3))
    assert (result.status, result.new, result.patch) == (Status.ERROR, TEXT, ())


def growing(until: str) -> Transform:
    """A transform that finds the same place again until its value is long enough."""

    def check(template: Template, context: Context) -> Iterator[Finding]:
        note = template.data["Resources"]["B"]["Metadata"]["Note"]  # type: ignore[index, call-overload]
        if note != until:
            value = "x" if note == "old" else f"{note}x"
            yield Finding(META, "grows", Fix("grow", (Replace(META, value),)), masked=("old",))

    return transform(check, "growing")


def test_passes_end() -> None:
    assert run(growing("xxxx")).status is Status.FIXED
    result = run(growing("never"))
    assert (result.status, result.new) == (Status.ERROR, TEXT)
    assert "5 passes did not settle what growing repairs" in result.error
    assert result.masked == ("old",)
    assert told(result) == [("growing", "left", "not-proven")]


@pytest.mark.parametrize("error", [KeyError("Properties"), ValueError("hunter2")])
def test_transform_that_fails_is_named_and_quotes_nothing(error: Exception) -> None:
    def check(template: Template, context: Context) -> Iterable[Finding]:
        raise error

    with pytest.raises(TransformError, match=r"transform broken fails on t\.yaml") as told_error:
        run(transform(check, "broken"))
    assert "hunter2" not in told_error.value.message


@pytest.mark.parametrize(
    "operation",
    [
        Remove(("Resources", "Nowhere")),
        Replace(("Resources", "A", "Properties"), {}),
        Add(("Resources", "Nowhere", "Type"), "x"),
    ],
)
def test_operation_on_a_place_that_is_not_there_names_the_transform(operation: Operation) -> None:
    with pytest.raises(TransformError, match="transform fake plans a change at /Resources/"):
        run(once((), operation) if isinstance(operation, Replace) else _always(operation))


def _always(operation: Operation) -> Transform:
    return transform(lambda template, context: [Finding((), "x", Fix("x", (operation,)))])


# --- check -----------------------------------------------------------------------------------


def test_inspect_neither_splices_nor_proves(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("check does not edit")

    monkeypatch.setattr(Splicer, "edits", never)
    monkeypatch.setattr(verify, "prove", never)
    document = Document.parse(TEXT)
    result = inspect(document, [once(META, Replace(META, "new")), REPLACES], context(), path="p")
    assert (result.status, result.path, result.new) == (Status.REPAIRABLE, "p", TEXT)
    assert told(result) == [("fake", "repairable", ""), ("fake", "left", "not-allowed")]
    assert result.patch == ()


def test_inspect_of_a_clean_document() -> None:
    assert inspect(Document.parse(TEXT), [], context()).status is Status.CLEAN
