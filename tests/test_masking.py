"""A password that stands in a template is in nothing that remediator says.

The formats are those of the option `--format`, so that one which is added is tested as well.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from remediator import __main__, engine, verify
from remediator.cli import app
from remediator.document import Document
from remediator.errors import ProofError, TransformError
from remediator.model import Credential
from remediator.registry import catalogue
from remediator.report.mask import MASK

MARK = "Zk9-plant3d-Pass"
PIECES = ("Zk9", "plant3d")
"""Neither may be seen: no part of the password either."""


def formats() -> list[str]:
    """Return what `--format` takes, as the command line itself tells it."""
    group = typer.main.get_group(app)
    fix = group.get_command(typer.Context(group), "fix")
    assert fix is not None
    (metavar,) = (option.metavar for option in fix.params if "--format" in option.opts)
    return str(metavar).split("|")


def said(*arguments: str | Path, stdin: str | None = None) -> str:
    """Return all that a command writes to standard output and standard error."""
    result = CliRunner().invoke(app, [*map(str, arguments)], input=stdin)
    assert result.exit_code in (0, 1, 2), result.output
    assert not isinstance(result.exception, Exception), result.exception
    return result.stdout + result.stderr


def everything(path: Path, *options: str) -> Iterator[str]:
    """Yield what every command that writes no template says of a path, in every format."""
    for form in formats():
        for command in (["check"], ["fix", "--dry-run"]):
            yield said(*command, "--format", form, *options, path)


def assert_hidden(text: str, pieces: tuple[str, ...] = PIECES) -> None:
    for piece in pieces:
        at = text.find(piece)
        assert at < 0, text[max(at - 300, 0) : at + 100]


def test_the_formats_are_found() -> None:
    assert {"text", "json"} <= set(formats())


# --- every property of the catalogue -----------------------------------------------------------

ROWS = [
    row
    for rows in catalogue().values()
    for row in rows
    if row.kind != "other" or row.generatable != "no"
]


def holding(row: Credential, value: Any) -> dict[str, Any]:
    """Return a resource that has a value in a property of the catalogue."""
    beside = {key: globs[0].replace("*", "x") for key, globs in row.where}
    for depth, step in enumerate(reversed(row.property)):
        value = [value] if step == "*" else {"Key" if step == "{}" else step: value}
        if depth == 0 and isinstance(value, dict):
            value |= beside
    return {"Type": row.type, "Properties": value}


# The resources stand on one line below the export, so that they are within the diff's context.
EXPORT = "Outputs:\n  Arn:\n    Value: x\n    Export:\n"
BESIDE = EXPORT + "Resources: "
AT_ONCE = 12


@pytest.mark.parametrize("options", [(), ("--select", "export-names")])
def test_no_property_of_the_catalogue_is_shown(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Whether its transform repairs it, leaves it, or is not even chosen."""
    assert len(ROWS) > 150
    for start in range(0, len(ROWS), AT_ONCE):
        resources = {
            f"Holder{number}": holding(row, f"{MARK}{number:03}")
            for number, row in enumerate(ROWS[start : start + AT_ONCE], start)
        }
        (tmp_path / f"{start}.yaml").write_text(BESIDE + json.dumps(resources) + "\n")
    outputs = {
        (command, form): said(*command.split(), "--format", form, *options, tmp_path)
        for form in formats()
        for command in (["fix --dry-run"] if options else ["fix --dry-run", "check"])
    }
    for output in outputs.values():
        assert_hidden(output)
    report = json.loads(outputs["fix --dry-run", "json"])
    masked = sum(
        line.count(MASK)
        for file in report["files"]
        for line in file["diff"].splitlines()
        if line[1:].startswith("Resources: ") and line[:1] != "+"
    )
    assert masked == len(ROWS), "else some would prove nothing: they are not in the diff"
    assert {file["applicable"] for file in report["files"]} == {False}


# --- the ways in which a value gets there ------------------------------------------------------

DATABASE = """\
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      DBInstanceClass: db.t3.micro
      Engine: mysql
      AllocatedStorage: '20'
      MasterUsername: dba
      MasterUserPassword: {value}
      BackupRetentionPeriod: 7
"""
SECRET = """\
Resources:
  Held:
    Type: AWS::SecretsManager::Secret
    Properties:
      SecretString: {value}
      Tags:
"""
PARAMETER = """\
Parameters:
  DBPassword:
    Type: String
    {attributes}
"""
REF = DATABASE.format(value="!Ref DBPassword")
MAPPINGS = f"Mappings:\n  ByStage:\n    dev:\n      Pw: {MARK}\n    live:\n      Pw: {MARK}2\n"
WAYS = {
    "literal": DATABASE.format(value=MARK),
    "join": DATABASE.format(value="!Join ['-', [Zk9, plant3d, Pass]]"),
    "sub": DATABASE.format(value="!Sub Zk9-plant3d-Pass"),
    "sub-of-a-name": DATABASE.format(value="!Sub 'Zk9-plant3d-${AWS::StackName}'"),
    "sub-map": DATABASE.format(value="!Sub ['Zk9-${b}', {b: plant3d-Pass}]"),
    "sub-of-a-parameter": PARAMETER.format(attributes="Default: x")
    + DATABASE.format(value="!Sub 'Zk9-plant3d${DBPassword}'"),
    "if": DATABASE.format(value=f"!If [Live, {MARK}, !Ref AWS::NoValue]")
    + "Conditions:\n  Live: !Equals [!Ref AWS::Region, x]\n",
    "select": DATABASE.format(value=f"!Select [1, [a, {MARK}]]"),
    "split": DATABASE.format(value="!Select [0, !Split [',', 'Zk9-plant3d-Pass,x']]"),
    "base64": DATABASE.format(value=f"{{'Fn::Base64': {MARK}}}"),
    "mapping": MAPPINGS + DATABASE.format(value="!FindInMap [ByStage, dev, Pw]"),
    "mapping-by-stack": MAPPINGS
    + DATABASE.format(value="!FindInMap [ByStage, !Ref AWS::StackName, Pw]"),
    "no-echo": PARAMETER.format(attributes=f"NoEcho: true\n    Default: {MARK}") + REF,
    "echoed": PARAMETER.format(attributes=f"Default: {MARK}") + REF,
    "allowed": PARAMETER.format(attributes=f"AllowedValues: [{MARK}, {MARK}2]\n    NoEcho: true")
    + REF,
    "unused": PARAMETER.format(attributes=f"NoEcho: true\n    Default: {MARK}")
    + SECRET.format(value="x"),
    "secret-string": SECRET.format(value=MARK),
    "secret-json": SECRET.format(value=f'\'{{"username": "a", "password": "{MARK}"}}\''),
    "secret-escaped": SECRET.format(value='"{\\"password\\": \\"Zk9-\\\\u0070lant3d\\"}"'),
    "secret-sub": SECRET.format(value=f'!Sub \'{{"u": "${{AWS::Region}}", "pwd": "{MARK}"}}\''),
    "secret-join": SECRET.format(value=f'!Join ["", [\'{{"password": "\', {MARK}, \'"}}\']]'),
    "secret-if": SECRET.format(value=f"!If [Live, {MARK}, x]"),
    "secret-object": SECRET.format(value=f"{{'Fn::ToJsonString': {{password: {MARK}}}}}"),
    "loop": "Transform: AWS::LanguageExtensions\nResources:\n  Fn::ForEach::Each:\n"
    "    - Name\n    - [A, B]\n    - 'Db${Name}':\n        Type: AWS::RDS::DBInstance\n"
    f"        Properties: {{MasterUserPassword: {MARK}}}\n",
    "custom": "Resources:\n  Own:\n    Type: Custom::Thing\n    Properties:\n"
    f"      ServiceToken: x\n      AdminPassword: {MARK}\n      Tags:\n",
    "variable": "Resources:\n  Own:\n    Type: AWS::Lambda::Function\n    Properties:\n"
    f"      Environment:\n        Variables:\n          DB_PASSWORD: {MARK}\n      Tags:\n",
    "entry": "Resources:\n  Own:\n    Type: AWS::ECS::TaskDefinition\n    Properties:\n"
    f"      ContainerDefinitions: [{{Environment: [{{Name: DB_PASSWORD, Value: {MARK}}}]}}]\n"
    "      Tags:\n",
}


@pytest.mark.parametrize("strategy", ["generated", "reference"])
def test_no_way_to_a_credential_is_shown(tmp_path: Path, strategy: str) -> None:
    for name, text in WAYS.items():
        (tmp_path / f"{name}.yaml").write_text(text + EXPORT)
        # The same within the context of every diff: a section on a line.
        data = Document.parse(text).data
        sections = "".join(f"{key}: {json.dumps(value)}\n" for key, value in data.items())
        (tmp_path / f"{name}-in-context.yaml").write_text(EXPORT + sections)
        (tmp_path / f"{name}.json").write_text(
            json.dumps(Document.parse(text + EXPORT).data, indent=1)
        )
    for output in everything(tmp_path, "--strategy", strategy):
        assert_hidden(output)
    report = json.loads(said("fix", "--dry-run", "--format", "json", tmp_path))
    diffs = {Path(file["path"]).name: file["diff"] for file in report["files"]}
    shown = [n for n, d in diffs.items() if n.endswith("-in-context.yaml") and MASK not in d]
    assert shown == [], "these would prove nothing: the password is not in the diff"


# --- wherever else the same value stands -------------------------------------------------------

AROUND = f"""\
# The old one was {MARK}.
Description: please type {MARK}
Metadata:
  Note: '{MARK}'
  {MARK}: a key
  Encoded: WmstcGxhbnQzZA==
  In a URL: postgres://dba:{MARK}@host/x
Parameters:
  Stage:
    Type: String
    Default: {MARK}
Outputs:
  Password:
    Description: "{MARK}"
    Value: "Z\\x6b9-plant3d-Pass and Zk9-plant3d-Pass"
    Export:
"""
SPELLINGS = {
    "plain": MARK,
    "single": f"'{MARK}'",
    "double": f'"{MARK}"',
    "escaped": '"Z\\u006b9-pl\\x61nt3d-Pass"',
    "broken": '"Zk9-\\\n        plant3d-Pass"',
    "folded": ">-\n        Zk9-plant3d-Pass",
    "literal": "|-\n        Zk9-plant3d-Pass",
    "tagged": "!!str Zk9-plant3d-Pass",
    "anchored": f"&pw {MARK}",
    "beside": f"{MARK}  # {MARK}",
}
MACHINE = f"""\
  Server:
    Type: AWS::EC2::Instance
    Properties:
      UserData:
        Fn::Base64: !Sub |
          #!/bin/sh
          export PGPASSWORD={MARK}
      Tags:
"""


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_is_known_is_hidden_in_the_whole_file(tmp_path: Path, spelling: str) -> None:
    text = AROUND + DATABASE.format(value=SPELLINGS[spelling]) + MACHINE
    file = tmp_path / "t.yaml"
    file.write_text(text)
    # base64 is known for the whole value alone; elsewhere it is another word.
    for output in everything(file):
        assert_hidden(output)
        assert MASK in output or "applicable" not in output
    for form in formats():
        assert_hidden(said("fix", "--format", form, file))
        file.write_text(text)
        # The template itself is what standard output is for; the report is on the other stream.
        result = CliRunner().invoke(app, ["fix", "--format", form, "-"], input=text)
        assert_hidden(result.stderr)
        assert "Zk9" in result.stdout


def test_in_json_too_with_its_escapes(tmp_path: Path) -> None:
    data = Document.parse(AROUND + DATABASE.format(value=MARK) + MACHINE).data
    plain = json.dumps(data, indent=2)
    for number, text in enumerate((plain, plain.replace("Zk9", "Z\\u006b9"), json.dumps(data))):
        (tmp_path / f"{number}.json").write_text(text)
    for output in everything(tmp_path):
        assert_hidden(output)
        assert "lant3d" not in output


def test_a_value_of_several_lines_is_hidden_line_by_line(tmp_path: Path) -> None:
    value = "|\n        Zk9 is the first line\n        plant3d is the second"
    file = tmp_path / "t.yaml"
    file.write_text(DATABASE.format(value=value) + "      Tags:\n")
    for output in everything(file):
        assert_hidden(output)


def test_what_nobody_can_know_is_shown(tmp_path: Path) -> None:
    """Where the promise ends: SECURITY.md says so. A password that stands in no place for one."""
    file = tmp_path / "t.yaml"
    file.write_text(BESIDE.rstrip(" ") + "\n" + MACHINE.replace("Type", f"# {MARK}\n    Type"))
    assert "Zk9" in said("fix", "--dry-run", file)


def test_a_reference_is_no_secret(tmp_path: Path) -> None:
    """Neither one that `Fn::Sub` puts together nor one of `Fn::Join`."""
    for name, value in {
        "sub": "!Sub '{{resolve:secretsmanager:${Held}::password}}'",
        "join": "!Join ['', ['{{resolve:secretsmanager:', !Ref Held, '::password}}']]",
        "plain": "'{{resolve:secretsmanager:held}}'",
    }.items():
        text = DATABASE.format(value=value) + SECRET.format(value="!Ref Held").split("\n", 1)[1]
        flow = json.dumps(Document.parse(text).data["Resources"])
        (tmp_path / f"{name}.yaml").write_text(BESIDE + flow + "\n")
    for output in everything(tmp_path):
        assert MASK not in output


# --- the files that are asked for --------------------------------------------------------------


def test_only_the_diff_and_the_patch_hold_secrets_and_the_report_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    template = PARAMETER.format(attributes=f"NoEcho: true\n    Default: {MARK}") + REF
    (tmp_path / "t.yaml").write_text(template + MAPPINGS)
    (tmp_path / "x.diff").write_text("--- a/t\n+++ b/t\n")
    (tmp_path / "x.diff").chmod(0o666)
    options = ["--diff", "x.diff", "--deploy-policy", "policy.json", "--seed-script", "seed.sh"]
    for strategy in ("generated", "reference"):
        for form in formats():
            told = said(
                *("fix", "--dry-run", "--strategy", strategy, "--format", form, *options),
                "t.yaml",
            )
            assert_hidden(told)
            assert told.count("x.diff holds passwords in clear") == 1
            for name in ("policy.json", "seed.sh"):
                if (tmp_path / name).exists():
                    assert_hidden((tmp_path / name).read_text())
    assert (tmp_path / "seed.sh").exists()
    assert (tmp_path / "policy.json").exists()
    assert MARK in (tmp_path / "x.diff").read_text()
    assert stat.S_IMODE((tmp_path / "x.diff").stat().st_mode) == 0o600


def test_a_patch_that_holds_a_secret_is_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = f"Outputs:\n  {MARK}:\n    Value: x\n    Export:\n" + DATABASE.format(value=MARK)
    (tmp_path / "t.yaml").write_text(text)
    (tmp_path / "clean.yaml").write_text("Resources:\n  T:\n    Type: AWS::SNS::Topic\n" + EXPORT)
    told = said("fix", "--dry-run", "--select", "export-names", "--patch", "x.json", "t.yaml")
    assert_hidden(told)
    assert "x.json holds passwords in clear" in told
    assert MARK in (tmp_path / "x.json").read_text()
    assert stat.S_IMODE((tmp_path / "x.json").stat().st_mode) == 0o600
    told = said("fix", "--dry-run", "--diff", "y.diff", "--patch", "y.json", "clean.yaml")
    assert "in clear" not in told
    assert stat.S_IMODE((tmp_path / "y.diff").stat().st_mode) & 0o044


def test_a_secret_in_names_is_in_neither_policy_nor_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    queues = "".join(
        f"  Q{n}:\n    Type: AWS::SQS::Queue\n    Properties:\n"
        f"      QueueName: !Sub '{MARK}-q{n}-${{Stage}}-${{AWS::Region}}'\n"
        for n in range(4)
    )
    stage = f"Parameters:\n  Stage:\n    Type: String\n    Default: {MARK}\n"
    named = SECRET.format(value="x").replace("Held", "Other").partition("Resources:\n")[2]
    (tmp_path / "t.yaml").write_text(
        stage + DATABASE.format(value=MARK) + queues + named + f"      Name: {MARK}-name\n"
    )
    for strategy in ("generated", "reference"):
        files = ["--seed-script", f"{strategy}.sh", "--deploy-policy", f"{strategy}.json"]
        assert_hidden(said("fix", "--dry-run", "--strategy", strategy, *files, "t.yaml"))
        for file in tmp_path.glob(f"{strategy}.*"):
            assert_hidden(file.read_text())


# --- what goes wrong ---------------------------------------------------------------------------

BROKEN = {
    "quote": DATABASE.format(value=f'"{MARK}'),
    "colon": DATABASE.format(value=f"a: {MARK}: b"),
    "tab": DATABASE.format(value=f"\n\t{MARK}"),
    "escape": DATABASE.format(value=f'"{MARK}\\q"'),
    "alias": DATABASE.format(value=f"*{MARK}"),
    "anchors": DATABASE.format(value=f"[&{MARK} a, &{MARK} b, *{MARK}, *other]"),
    "tag": DATABASE.format(value=f"!{MARK} [a"),
    "handle": DATABASE.format(value=f"!{MARK}!x a"),
    "percent": DATABASE.format(value=f"%{MARK}"),
    "at": DATABASE.format(value=f"@{MARK}"),
    "bracket": DATABASE.format(value=f"[{MARK}"),
    "twice": DATABASE.format(value=MARK) + f"      {MARK}: a\n      {MARK}: b\n",
    "key twice": DATABASE.format(value=MARK) + "      MasterUserPassword: other\n",
    "documents": DATABASE.format(value=MARK) + f"---\n{MARK}: x\n",
    "bell": DATABASE.format(value=f"{MARK}\x07"),
    "deep": DATABASE.format(value=f"{MARK}") + f"      X: {'[' * 300}{MARK}{']' * 300}\n",
    "json": json.dumps({"Resources": {"D": holding(ROWS[0], MARK)}})[:-2] + f', "{MARK}"}}',
    "surrogate": json.dumps({"Resources": {"D": holding(ROWS[0], MARK + "\\ud83d")}}),
    "list key": DATABASE.format(value=f"{{[{MARK}]: x}}"),
    "merge": DATABASE.format(value=f"{{<<: {MARK}}}"),
    "itself": DATABASE.format(value=f"&{MARK} [*{MARK}]"),
    "no resources": f"Resources: {MARK}\nA: AWS::X\n",
    "unresolved": DATABASE.format(value=MARK) + f"  T: {{Type: !Ref {MARK}}}\n",
    "ruamel": DATABASE.format(value=MARK) + f"Outputs: {{A: {{Value: &{MARK} x, Export: }}, "
    f"B: {{Value: &{MARK} y}}}}\n",
}


def test_no_error_quotes_the_template(tmp_path: Path) -> None:
    for name, text in BROKEN.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "latin.yaml").write_bytes(DATABASE.format(value=f"{MARK}é").encode("latin-1"))
    (tmp_path / "wide.yaml").write_text(DATABASE.format(value=MARK), encoding="utf-16")
    # Named, all are errors; met in a folder, only what looks like a template is.
    for path in ([tmp_path], sorted(tmp_path.iterdir())):
        for form in formats():
            for command in (["check"], ["fix", "--dry-run"]):
                output = said(*command, "--format", form, *path)
                assert "error" in output
                assert_hidden(output)


@pytest.mark.parametrize("error", [ProofError, TransformError, RuntimeError, KeyError, OSError])
@pytest.mark.parametrize("place", [(verify, "prove"), (engine, "_find")])
def test_an_error_within_is_masked(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    place: tuple[ModuleType, str],
) -> None:
    def fail(*_: object) -> None:
        raise error(MARK)

    monkeypatch.setattr(*place, fail)
    file = tmp_path / "t.yaml"
    file.write_text(DATABASE.format(value=MARK))
    for form in formats():
        output = said("fix", "--format", form, file)
        assert "error" in output
        assert_hidden(output)


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_traceback_holds_no_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], debug: str
) -> None:
    """REMEDIATOR_DEBUG=1 shows types and places, never what an error says."""

    def fail() -> None:
        try:
            raise KeyError(MARK)
        except KeyError as error:
            raise RuntimeError(MARK) from error

    monkeypatch.setenv("REMEDIATOR_DEBUG", debug)
    monkeypatch.setattr("remediator.cli.main", fail)
    with pytest.raises(SystemExit) as stopped:
        __main__.main()
    assert stopped.value.code == 2
    told = capsys.readouterr().err
    assert_hidden(told.replace("KeyError(MARK)", "").replace("RuntimeError(MARK)", ""))
    assert "a defect of remediator (RuntimeError)" in told
    assert ("test_masking.py" in told) == bool(debug)
    assert ("KeyError" in told) == bool(debug)


OWNER = """\
Parameters:
  Master:
    Type: String
    NoEcho: true
  Endpoint:
    Type: String
    NoEcho: true
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: !Ref Endpoint
  DB:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: mysql
      DBInstanceClass: db.t3.micro
      AllocatedStorage: "20"
      MasterUsername: admin
      MasterUserPassword: !Ref Master
"""
"""The names of its parameters speak of no password."""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("db-params.json", '{"Master": "Zk9-plant3d", "Endpoint": "plant3d-Zk9"}'),
        ("db-params.yaml", "Master: >-\n  Zk9\n  plant3d\nEndpoint: 'plant3d\n\n  Zk9'\n"),
        (
            "db-params.json",
            '[{"ParameterKey": "Master", "ParameterValue": "\\u005ak9 pl\\u0061nt3d Zk9"},'
            ' {"ParameterValue": "plant3d Zk9", "ParameterKey": "Endpoint"}]',
        ),
        (
            "samconfig.toml",
            "[default.deploy.parameters]\ntemplate = 'db.yaml'\n"
            'parameter_overrides = "Master=Zk9-plant3d Endpoint=plant3d-Zk9"\n',
        ),
        (
            "stacks.yaml",
            "Resources:\n  D:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n"
            "      TemplateURL: ./db.yaml\n      Parameters:\n"
            "        Master: Zk9-plant3d\n        Endpoint: x\n",
        ),
    ],
)
def test_a_file_that_gives_a_password_is_masked_whatever_its_name(
    tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / "db.yaml").write_text(OWNER)
    (tmp_path / name).write_text(content)
    page = tmp_path / "page.html"
    for text in everything(tmp_path, "--no-validate"):
        assert_hidden(text)
    said("fix", "--no-validate", "--dry-run", "--report", page, tmp_path)
    assert_hidden(page.read_text())
    assert f"{name}:" in said("fix", "--no-validate", "--dry-run", tmp_path)
