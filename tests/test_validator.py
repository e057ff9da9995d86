"""AWS's rules engine as a judge: what it finds, and what becomes of a child that misbehaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import BROKEN_EXPORT, remediator, write

from remediator import validator
from remediator.document import Document
from remediator.model import Refusal
from remediator.validator import Validator

CHILD = [sys.executable, "-c"]
"""A child process of a test's own, to be followed by its program."""
SERVE = """
import json, sys, time
print('"ready"', flush=True)
for line in sys.stdin:
    text = json.loads(line)["text"]
    {}
"""
TEXT = "Resources:\n  T: {Type: AWS::SNS::Topic}\n"


def document(extra: str = "", name: str = "t.yaml") -> Document:
    return Document.parse(TEXT + extra, name)


def judged(
    program: str, extra: str = "# new\n", limit: float = 60
) -> tuple[Refusal | None, list[str]]:
    judge = Validator(command=[*CHILD, program], limit=limit)
    try:
        return judge.judge(document(), document(extra)), judge.unanswered
    finally:
        judge.close()


@pytest.mark.skipif(not validator.is_installed(), reason="the extra `validate` is not installed")
def test_the_engine_itself_finds_a_new_error_and_no_old_one() -> None:
    judge = Validator()
    try:
        assert judge.judge(document(), document("Outputs: {A: {Value: x}}\n")) is None
        subscription = "  S: {Type: AWS::SNS::Subscription, Properties: {TopicArn: !Ref %s}}\n"
        sound, wrong = (document(subscription % name) for name in ("T", "Nothing"))
        found = judge.judge(sound, wrong)
        assert found is not None
        assert found.code == "validator-error"
        assert "F1020 of S: 'Nothing' is not one of" in found.reason
        more = document("  U: {Type: AWS::SNS::Topic}\n" + subscription % "Nothing")
        assert judge.judge(wrong, more) is None  # its message lists U now
        assert judge.unanswered == []
    finally:
        judge.close()


def test_errors_are_told_by_rule_and_place_not_by_their_words() -> None:
    answer = 'print(json.dumps([["E1", "A", "Tags.%d" % len(text), "among " + text]]), flush=True)'
    assert judged(SERVE.format(answer)) == (None, [])
    answer = 'print(json.dumps([["E1", "A", "", "is wrong."]] * text.count("T")), flush=True)'
    found, _ = judged(SERVE.format(answer), "# T T\n")
    assert found is not None
    assert found.reason.endswith("E1 of A: is wrong, and 1 more (cloudformation-validate)")


@pytest.mark.parametrize(
    "answer",
    [
        "time.sleep(600)",
        "sys.exit(1)",
        "print('nonsense', flush=True)",
        "print('null', flush=True)",
        "import os; os.kill(os.getpid(), 9)",
    ],
)
def test_a_child_that_fails_or_never_comes_back_is_no_objection(answer: str) -> None:
    limit = 0.2 if "sleep" in answer else 60
    assert judged(SERVE.format(answer), limit=limit) == (None, ["t.yaml"])


def test_the_next_text_gets_a_new_child() -> None:
    hangs = "time.sleep(600) if 'hang' in text else print('[]', flush=True)"
    judge = Validator(command=[*CHILD, SERVE.format(hangs)], limit=5)
    try:
        assert judge.judge(document(), document("# hang\n", "hangs.yaml")) is None
        assert judge.judge(document(), document("# fine\n", "fine.yaml")) is None
    finally:
        judge.close()
    assert judge.unanswered == ["hangs.yaml"]


def test_a_child_that_does_not_start_is_tried_once(tmp_path: Path) -> None:
    program = f"open({str(tmp_path / 'log')!r}, 'a').write('.'); raise ImportError"
    judge = Validator(command=[*CHILD, program])
    assert judge.judge(document(), document("# new\n")) is None
    assert judge.judge(document(), document("# newer\n")) is None
    judge.close()
    assert judge.broken
    assert (tmp_path / "log").read_text() == "."


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes as on POSIX")
def test_the_child_ends_with_who_asked_even_while_it_hangs(tmp_path: Path) -> None:
    """The engine's native code may hang for ever; the process must not outlive its parent."""
    (tmp_path / "cloudformation_validate.py").write_text(
        "import time\nclass CelEngine:\n    def validate_template(self, _):\n"
        "        time.sleep(600)\n"
    )
    child = Path(validator.__file__).with_name("validator_child.py")
    process = subprocess.Popen(
        [sys.executable, "-P", str(child)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == '"ready"\n'
    process.stdin.write(json.dumps({"text": TEXT}) + "\n")
    process.stdin.flush()
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    process.stdout.close()


# --- the command line ------------------------------------------------------------------------


class Objecting(Validator):
    """A validator that objects to every change."""

    def judge(self, old: Document, new: Document) -> Refusal | None:
        self.asked = True
        return Refusal("validator-error", "E9 is new")


class Silent(Validator):
    """A validator that never answers."""

    def judge(self, old: Document, new: Document) -> Refusal | None:
        self.asked = True
        self.unanswered.append(new.name)
        return None


def use(monkeypatch: pytest.MonkeyPatch, judge: type[Validator], installed: bool = True) -> None:
    monkeypatch.setattr(validator, "Validator", judge)
    monkeypatch.setattr(validator, "is_installed", lambda: installed)


def test_an_objection_leaves_the_file_and_names_the_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Objecting)
    file = write(tmp_path)
    result = remediator("fix", file)
    assert result.exit_code == 1
    assert file.read_text() == BROKEN_EXPORT
    assert "[validator-error]" in result.stdout
    assert "E9 is new" in result.stdout
    assert remediator("fix", "--no-validate", file).exit_code == 0
    assert file.read_text() != BROKEN_EXPORT


@pytest.mark.parametrize(
    ("arguments", "installed", "state", "words"),
    [
        ((), True, "asked", "cloudformation-validate gave no answer in time on"),
        (("--no-validate",), True, "off", "cloudformation-validate did not look (--no-validate)."),
        ((), False, "missing", "it is not installed (pipx install 'remediator[validate]')."),
    ],
)
def test_the_report_says_who_looked(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    installed: bool,
    state: str,
    words: str,
) -> None:
    use(monkeypatch, Silent, installed)
    file = write(tmp_path)
    shown = remediator("fix", "--dry-run", *arguments, file)
    assert words in " ".join(shown.stdout.split())
    report = json.loads(remediator("fix", "--format", "json", *arguments, file).stdout)
    unanswered = [str(file)] if state == "asked" else []
    assert report["validation"] == {"validator": state, "unanswered": unanswered}
    assert json.loads(remediator("fix", "--format", "json", file).stdout)["validation"] is None


@pytest.mark.skipif(not validator.is_installed(), reason="the extra `validate` is not installed")
def test_the_real_engine_is_asked_once_and_ends(tmp_path: Path) -> None:
    file = write(tmp_path)
    command = [sys.executable, "-P", "-m", "remediator", "fix", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert "cloudformation-validate finds no new error in what changed." in done.stdout
    assert done.stderr == ""


def test_a_child_that_cannot_be_run_is_no_judge() -> None:
    judge = Validator(command=["./there-is-no-such-program"])
    assert judge.judge(document(), document("# new\n")) is None
    assert judge.broken
    assert judge.unanswered == ["t.yaml"]
    judge.close()


def test_an_old_text_is_judged_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = SERVE.format(f"open({str(log)!r}, 'a').write('x'); print('[]', flush=True)")
    judge = Validator(command=[*CHILD, program])
    for extra in ("# one\n", "# two\n", "# three\n"):
        assert judge.judge(document(), document(extra)) is None
    judge.close()
    assert log.read_text() == "xxxx"


def test_a_text_without_an_answer_is_not_asked_about_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = SERVE.format(f"open({str(log)!r}, 'a').write('x'); time.sleep(60)")
    judge = Validator(command=[*CHILD, program], limit=0.5)
    for extra in ("# one\n", "# two\n"):
        assert judge.judge(document(), document(extra)) is None
    judge.close()
    assert log.read_text() == "x"
