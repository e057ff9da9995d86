"""What the report says below the findings, in every mode."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from test_cli import BROKEN_EXPORT, CLEAN, remediator, write
from test_report import PATH, RESULT, repaired

from remediator.model import Consequence, Finding, Fix, Refusal, Replace
from remediator.report import text
from remediator.results import FileResult, Outcome, RunResult, Status

NEEDS = "Parameters:\n  Stage: {Type: String}\n"
CREATE_ONLY = """\
Resources:
  Endpoint:
    Type: AWS::DMS::Endpoint
    Properties: {EndpointType: target, EngineName: mysql, Password: hunter22, Username: dba,
      ServerName: db.example.org, Port: 3306}
"""


def words(shown: str) -> str:
    return " ".join(shown.split())


def test_steps_are_told_for_every_place() -> None:
    other = replace(repaired(), path="other.yaml")
    shown = text.render(RunResult((repaired(), other), "fix"))
    assert "  1. db.yaml:3: Forget ********.\n  2. other.yaml:3: Forget ********.\n" in shown


def test_the_hint_keeps_what_is_allowed_already(tmp_path: Path) -> None:
    fix = Fix("x", (Replace(PATH, 1),), Consequence.REPLACES, because="create-only")
    outcome = Outcome("t", Finding(PATH, "m", fix), Status.LEFT, 1, 1, Refusal("not-allowed", "r"))
    run = RunResult(
        (FileResult("a", Status.LEFT, (outcome, outcome)),),
        "fix",
        allowed=frozenset({Consequence.SAFE, Consequence.EXTERNAL}),
    )
    assert "--allow safe,external,replaces would" in text.render(run)
    file = write(tmp_path, CREATE_ONLY)
    shown = words(remediator("check", "--allow", "rotates", file).stdout)
    assert shown.count("--allow safe,rotates,external would") == 2


def test_a_new_stack_has_no_consequences(tmp_path: Path) -> None:
    file = write(tmp_path, CREATE_ONLY)
    (tmp_path / "remediator.toml").write_text("new = true")
    by_file = remediator("fix", "--dry-run", "-q", file).stdout
    (tmp_path / "remediator.toml").unlink()
    by_option = remediator("fix", "--dry-run", "-q", "--new", file).stdout
    for shown in (by_file, by_option):
        assert "Nothing is deployed yet" in shown
        assert "because" not in shown
        assert "[external]" not in shown
    assert "[external]" in remediator("fix", "--dry-run", "-q", file).stdout


def test_a_rotation_names_the_way_to_keep_the_password(tmp_path: Path) -> None:
    way = "A stack that is live keeps its password with --strategy reference."
    external = CREATE_ONLY
    password = CREATE_ONLY.replace("AWS::DMS::Endpoint", "AWS::Redshift::Cluster")
    password = password.replace("Password:", "MasterUserPassword:").replace("Username:", "X:")
    for each in (external, password):
        file = write(tmp_path, each)
        assert way in remediator("fix", "--dry-run", "-q", file).stdout
        assert way not in remediator("fix", "--dry-run", "-q", "--new", file).stdout
        kept = remediator("fix", "--dry-run", "-q", "--strategy", "reference", file).stdout
        assert "1 safe" in kept
        assert way not in kept
    assert way not in remediator("fix", "--dry-run", "-q", write(tmp_path)).stdout


def literal(password: str) -> str:
    """Return a template in which a password is written out."""
    return (
        "Resources:\n  DB:\n    Type: AWS::RDS::DBInstance\n    Properties:\n      Engine: mysql\n"
        f"      MasterUsername: app\n      MasterUserPassword: {password}\n"
    )


def test_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    assert "Next: run again without" in remediator("fix", "--dry-run", "t.yaml").stdout
    assert "Next: `remediator fix`" in remediator("check", "t.yaml").stdout
    assert "`diff t.yaml out.yaml`" in remediator("fix", "-o", "out.yaml", "t.yaml").stdout
    piped = remediator("fix", "-", stdin=BROKEN_EXPORT).stderr
    assert "git" not in piped.partition("Next:")[2]
    assert "The template deploys without input." in piped
    jinja = literal("'{{ password }}'")
    assert "without input" not in remediator("fix", "-", stdin=jinja).stderr
    assert "review t.yaml (`git diff` does not" in words(remediator("fix", "t.yaml").stdout)
    subprocess.run(["git", "init", "-q"], check=True)
    write(tmp_path)
    assert "review t.yaml (`git diff` does not" in words(remediator("fix", "t.yaml").stdout)
    write(tmp_path)
    subprocess.run(["git", "add", "t.yaml"], check=True)
    assert "Next: review with `git diff`, then" in remediator("fix", "t.yaml").stdout
    left = Outcome(
        "t",
        Finding(PATH, "m", refusal=Refusal("macro", "r")),
        Status.LEFT,
        1,
        1,
        Refusal("macro", "r"),
    )
    run = RunResult((FileResult("a", Status.LEFT, (left,)),), "fix")
    assert "Next: `remediator explain macro` says what to do." in text.render(run)
    many = RunResult((FileResult("a", Status.LEFT, (left,) * 11),), "fix")
    assert "\n   11 macro\n" in text.render(many)
    assert "   11 macro" not in text.render(run)
    assert "settings" not in text.render(RESULT)


def test_values_that_are_needed_are_told(tmp_path: Path) -> None:
    named = write(tmp_path, NEEDS + CLEAN)
    assert f"{named} still needs a value for: Stage" in words(remediator("fix", named).stdout)
    assert f"{named} needs a value for: Stage" in words(remediator("check", named).stdout)
    assert "needs a value" not in remediator("fix", tmp_path).stdout
    piped = remediator("fix", "-", stdin=NEEDS + CLEAN).stderr
    assert "The template still needs a value for: Stage" in piped
