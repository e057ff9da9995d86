"""A person says yes or no to each repair."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from test_choice import TEMPLATE, file, ids
from test_cli import remediator

from remediator import interactive
from remediator.interactive import Answer, Question, choose
from remediator.model import Finding, Fix, Replace
from remediator.results import FileResult, Outcome, Status

__all__ = ["file"]  # the fixture

REPOSITORY = Path(__file__).parent / "repositories" / "shared-by-arn"
ALL = frozenset({"a", "b", "c"})


def made(*names: str, path: str = "t.yaml") -> FileResult:
    fix = Fix("x", (Replace(("A",), 1),))
    outcomes = (Outcome("t", Finding(("A",), n, fix), Status.WOULD_FIX, 1, 1, id=n) for n in names)
    return FileResult(path, Status.WOULD_FIX, tuple(outcomes), old="", new="".join(names))


def chosen(answers: str, *files: FileResult) -> tuple[dict[str, str], list[str]]:
    """Return what is accepted, and what was asked about; `c` needs `a` to be made before."""
    asked = []
    waiting = [Answer(each) for each in answers]

    def ask(question: Question) -> Answer:
        asked.append(f"{question.outcome.id}:{question.alone.old}>{question.alone.new}")
        return waiting.pop(0)

    def work(file: FileResult, only: frozenset[str]) -> FileResult:
        return made(*sorted(each for each in only if each != "c" or "a" in only), path=file.path)

    found = choose(files, work, ask)
    assert not waiting
    return {path: "".join(sorted(each)) for path, each in found.items()}, asked


def test_each_repair_is_asked_about_beside_those_that_were_accepted() -> None:
    accepted, asked = chosen("yny", made("a", "b", "c"))
    assert accepted == {"t.yaml": "ac"}
    assert asked == ["a:>a", "b:a>ab", "c:a>ac"]


def test_what_needs_a_declined_repair_is_not_asked_about() -> None:
    accepted, asked = chosen("ny", made("a", "b", "c"))
    assert accepted == {"t.yaml": "b"}
    assert asked == ["a:>a", "b:>b"]


def test_all_and_quit_end_the_questions() -> None:
    files = made("a", "b"), made("b", path="u.yaml")
    assert chosen("a", *files)[0] == {"t.yaml": "ab", "u.yaml": "b"}
    assert chosen("yq", *files) == ({"t.yaml": "a"}, ["a:>a", "b:a>ab"])
    assert chosen("q", *files)[0] == {}


def test_several_repairs_of_one_entry_are_one_question() -> None:
    assert chosen("y", made("a", "a")) == ({"t.yaml": "a"}, ["a:>a"])


# --- the command line ------------------------------------------------------------------------


def test_answers_decide_what_is_written(file: Path) -> None:
    known = ids(file)
    shown = remediator("fix", "-i", file, stdin="n\ny\nn\n")
    assert shown.exit_code == 0, shown.output
    assert "(1/3) Repair this?" in shown.stdout
    assert all(known[each] in shown.stdout for each in known)
    text = file.read_text()
    assert "SecondSecret" in text
    assert "FirstSecret" not in text
    assert "Name:" not in text
    assert "2 declined" in shown.stdout
    again = remediator("fix", "-i", file, stdin="a\n")  # goes on where the other stopped
    assert "(1/2) Repair this?" in again.stdout
    assert "FirstSecret" in file.read_text()
    assert "Name:" in file.read_text()
    assert remediator("fix", "-i", file).stdout.strip() == "1 template clean."


@pytest.mark.parametrize("answers", ["q\n", "", "?\nnonsense\nd\nq\n"])
def test_nothing_accepted_writes_nothing(file: Path, answers: str) -> None:
    shown = remediator("fix", "--interactive", file, stdin=answers)
    assert file.read_text() == TEMPLATE
    assert shown.exit_code == 0
    assert "3 declined" in shown.stdout
    if "d" in answers:
        assert "make this one and all that follow" in shown.stdout
        assert "Password parameters become generated secrets." in shown.stdout


def test_a_question_shows_its_own_diff_alone(file: Path) -> None:
    shown = remediator("fix", "-i", file, stdin="n\nn\nq\n").stdout
    first, second, third = shown.split("Repair this?")[:3]
    assert "FirstSecret" in first
    assert "SecondSecret" not in first
    assert "SecondSecret" in second
    assert "FirstSecret" not in second
    assert "Secret:" not in third


@pytest.mark.parametrize("option", [(), ("-o", "out.yaml")])
def test_a_file_that_changes_while_somebody_chooses_stays(
    file: Path, option: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = TEMPLATE.replace("MasterUsername: a", "MasterUsername: z")

    def slow(result: FileResult, *_: object) -> dict[str, frozenset[str]]:
        file.write_text(changed)
        return {result.path: frozenset(each.id for each in result.outcomes)}

    monkeypatch.setattr(interactive, "choose", lambda files, work, ask: slow(files[0]))
    shown = remediator("fix", "-i", *option, file)
    assert shown.exit_code == 2
    assert "the file changed while its repairs were chosen" in shown.stdout
    assert file.read_text() == changed
    assert not Path("out.yaml").exists()


def test_dry_runs_ask_too_and_write_nothing(file: Path) -> None:
    shown = remediator("fix", "-i", "--dry-run", "--diff", "x.diff", file, stdin="y\nq\n")
    assert file.read_text() == TEMPLATE
    assert "1 finding would be repaired" in shown.stdout
    assert "FirstSecret" in Path("x.diff").read_text()
    assert "SecondSecret" not in Path("x.diff").read_text()


@pytest.mark.parametrize("arguments", [("-",), ("t.yaml", "--format", "json")])
def test_where_nobody_can_answer_it_is_refused(arguments: tuple[str, ...]) -> None:
    result = remediator("fix", "-i", *arguments, stdin=TEMPLATE)
    assert result.exit_code == 2
    assert "--interactive asks on the terminal" in result.stderr


def test_literal_secrets_are_masked_in_questions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = TEMPLATE.replace("!Ref First", "correct-horse-7")
    Path("t.yaml").write_text(text)
    shown = remediator("fix", "-i", "t.yaml", stdin="d\ny\nd\ny\nq\n").stdout
    assert "correct-horse-7" not in shown
    assert "********" in shown
    assert "correct-horse-7" not in Path("t.yaml").read_text()


def test_what_changes_along_is_said_and_not_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for answer, changes in (("n", False), ("y", True)):
        tree = shutil.copytree(REPOSITORY / "before", tmp_path / answer)
        monkeypatch.chdir(tree)
        shown = remediator("fix", "-i", "--no-validate", ".", stdin=f"{answer}\n").stdout
        assert "(1/1) Repair this?" in shown
        assert "changes along: app.yaml:3, params.json:2, parent.yaml:14" in shown
        wanted = "after" if changes else "before"
        for each in (REPOSITORY / wanted).glob("[a-z]*.*"):
            assert (tree / each.name).read_text() == each.read_text()
