"""No spelling of a literal secret reaches the screen or the JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from remediator.cli import app

DATABASE = """\
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      DBInstanceClass: db.t3.micro
      Engine: mysql
      MasterUsername: dba
      MasterUserPassword: %s
      AllocatedStorage: '20'
"""
PARAMETER = (
    """\
Parameters:
  DBPassword:
    Type: String
    NoEcho: true
    Default: %s
"""
    + DATABASE % "!Ref DBPassword"
)
SECRETS = [
    ('"next\\x54oSecret"', ["x54oSecret", "nextToSecret"]),
    (">-\n        folded Secret\n        overLines", ["folded", "overLines"]),
    ("|\n        block99\n        overLines\n", ["block99", "overLines"]),
    ("'quoted\n        overLines'", ["quoted\n", "overLines"]),
    ('"quoted\\\n        overLines"', ["quoted", "overLines"]),
    ("'it''s88'", ["it''s88", "it's88"]),
    ("!!str hunter22", ["hunter22"]),
    ("7654321", ["7654321"]),
]


def shown(file: Path, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["fix", "--dry-run", *arguments, str(file)])
    assert result.exit_code in (0, 1), result.output
    return result.output


@pytest.mark.parametrize("template", [DATABASE, PARAMETER])
@pytest.mark.parametrize(("source", "secrets"), SECRETS)
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a_secret_is_hidden_however_it_is_spelled(
    tmp_path: Path, template: str, source: str, secrets: list[str], start: str
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(start + template % source, encoding="utf-8")
    for output in (shown(file), shown(file, "--format", "json")):
        assert not [secret for secret in secrets if secret in output], output
        assert "********" in output
    asked = tmp_path / "x.diff"
    shown(file, "--diff", str(asked))
    assert secrets[0].strip() in asked.read_text()


def test_a_secret_in_json_is_hidden_in_every_spelling(tmp_path: Path) -> None:
    properties = {"MasterUsername": "dba", "Engine": "mysql", "MasterUserPassword": "SECRET"}
    database = {"Type": "AWS::RDS::DBInstance", "Properties": properties}
    text = json.dumps({"Resources": {"Database": database}}, indent=2)
    file = tmp_path / "t.json"
    file.write_text(text.replace("SECRET", r"Tr0ub\/4dor\u00262026"))
    for output in (shown(file), shown(file, "--format", "json")):
        assert "Tr0ub" not in output
        assert "4dor" not in output
        assert "********" in output


@pytest.mark.parametrize("secret", ["password", "admin", "mysql", "abc"])
@pytest.mark.parametrize("template", [DATABASE, PARAMETER])
def test_a_common_word_is_hidden_at_its_place_alone(
    tmp_path: Path, template: str, secret: str
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(template % secret)
    output = shown(file)
    assert f"MasterUserPassword: {secret}" not in output
    assert f"Default: {secret}" not in output
    # The one place, twice where the line is context and so once; nothing else is hidden.
    assert output.count("********") == 1, output
    assert "MasterUserPassword" in output
    assert "password" in output


@pytest.mark.parametrize(
    "written",
    ["!Sub ['Troub4dor${End}', {End: and3Secret}]", "!Join ['', [Troub4dor, and3Secret]]"],
)
def test_what_a_password_is_put_together_from_is_hidden(tmp_path: Path, written: str) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(DATABASE % written)
    for options in ((), ("--format", "json")):
        output = shown(file, *options)
        assert "Troub4dor" not in output
        assert "and3Secret" not in output


def test_a_masked_diff_keeps_its_line_numbers(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(DATABASE % ">-\n        folded Secret\n        overLines")
    report = json.loads(shown(file, "--format", "json"))["files"][0]
    assert report["applicable"] is False
    asked = tmp_path / "x.diff"
    shown(file, "--diff", str(asked))
    heads = [
        [line for line in diff.splitlines() if line.startswith("@@")]
        for diff in (report["diff"], asked.read_text())
    ]
    assert heads[0] == heads[1]
