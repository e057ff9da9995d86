"""What the strategies and options tell a person, and settings that differ by path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_cli import remediator

from remediator.document import Document
from remediator.engine import remediate
from remediator.model import Context, Finding, Settings
from remediator.registry import builtin_transforms, catalogue
from remediator.results import FileResult

TEMPLATE = """\
Parameters:
  DBPassword:
    Type: String
    NoEcho: true
Resources:
  Group:
    Type: AWS::RDS::DBSubnetGroup
    Properties:
      DBSubnetGroupDescription: Database
      SubnetIds: [subnet-0a1b2c3d, subnet-1a2b3c4d]
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: mysql
      DBSubnetGroupName: !Ref Group
      VPCSecurityGroups: [sg-0a1b2c3d]
      MasterUsername: shop
      MasterUserPassword: !Ref DBPassword
"""
FUNCTION = """\
  Shop:
    Type: AWS::Lambda::Function
    Properties:
      Environment:
        Variables:
          PASSWORD: !Ref DBPassword
"""


def repaired(text: str, **settings: object) -> FileResult:
    context = Context(catalogue(), Settings(**settings))  # type: ignore[arg-type]
    return remediate(Document.parse(text), builtin_transforms(), context)


def first(result: FileResult) -> Finding:
    return result.outcomes[0].finding


def told(result: FileResult) -> str:
    fix = first(result).fix
    assert fix is not None, result.outcomes[0].refusal
    return "\n".join(fix.follow_ups)


def reason(result: FileResult) -> str:
    refusal = result.outcomes[0].refusal
    assert refusal is not None
    return refusal.reason


def test_a_rotation_says_what_it_needs() -> None:
    result = repaired(TEMPLATE, rotation=30)
    assert "AutomaticallyAfterDays: 30" in result.new
    assert "CAPABILITY_AUTO_EXPAND" in told(result)
    assert "security groups of Database admit themselves" in told(result)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("!Ref Group", "default", "the subnets of Database (DBSubnetGroupName) are not those of"),
        ("[sg-0a1b2c3d]", "[!Ref AWS::NoValue]", "cannot be told from Database.VPCSecurityGroups"),
        ("[subnet-0a1b2c3d, subnet-1a2b3c4d]", "[]", "cannot be told from Group.SubnetIds"),
        ("Engine: mysql", "Engine: db2-se", "which function rotates Database cannot be told"),
        ("Engine: mysql", "Engine: !ImportValue Engine", "which function rotates Database"),
        ("\n  Group", "\n" + FUNCTION + "  Group", "Shop takes a copy of the password"),
        (
            "MasterUsername: shop",
            "DBSnapshotIdentifier: s",
            "only a secret that is attached to one",
        ),
    ],
)
def test_what_is_not_rotated_is_told(old: str, new: str, why: str) -> None:
    assert old in TEMPLATE
    result = repaired(TEMPLATE.replace(old, new, 1), rotation=30)
    assert f"DBPasswordSecret is not rotated: {why}" in told(result).replace("its network ", "")
    assert "RotationSchedule" not in result.new
    assert "Transform" not in result.new
    assert "DBPasswordSecret:" in result.new


def test_a_database_beside_another_is_not_rotated_with_it() -> None:
    other = TEMPLATE.partition("  Database")[2].replace("mysql", "mysql  # the other")
    text = TEMPLATE + "  Other" + other
    result = repaired(text, rotation=30)  # one secret each, each attached
    assert result.new.count("RotationSchedule\n") == 2
    assert result.new.count("Transform:") == 1


def test_a_secret_that_stood_there_is_not_rotated() -> None:
    secret = """\
  Existing:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString:
        SecretStringTemplate: '{"username": "shop"}'
        GenerateStringKey: password
        PasswordLength: 32
        ExcludePunctuation: true
"""
    result = repaired(TEMPLATE + secret, rotation=30, secret_output=True)
    assert "Existing is not rotated: it is a secret that stood there before" in told(result)
    assert "Outputs" not in result.new


def test_a_secret_without_an_outputs_section_to_stand_in_is_told() -> None:
    result = repaired(TEMPLATE + "Outputs: {}\n", secret_output=True)
    assert "The Outputs section is empty" in told(result)


def test_a_reference_says_what_is_to_be_made_and_what_to_look_at() -> None:
    result = repaired(TEMPLATE + FUNCTION, strategy="reference")
    assert "make the secret ${AWS::StackName}-db-password with the current value" in told(result)
    assert "Look at the change set: the value of Shop stays" in told(result)
    fix = first(result).fix
    assert fix is not None
    assert [seed.label for seed in fix.seeds] == ["the parameter DBPassword"]


def test_a_variable_of_a_text_does_not_hide_one_in_the_name() -> None:
    names = "".join(
        f"  Queue{n}:\n    Type: AWS::SQS::Queue\n    Properties:\n"
        f"      QueueName: !Sub shop-{n}-${{Stage}}\n"
        for n in "abc"
    )
    text = TEMPLATE.replace("\nResources", "\n  Stage:\n    Type: String\nResources") + names
    clash = FUNCTION.replace("!Ref DBPassword", "!Sub ['${Stage}:${DBPassword}', {Stage: x}]")
    assert "shop-db-password-${Stage}}}" in repaired(text, strategy="reference").new
    left = repaired(text + clash, strategy="reference")
    assert "a variable of Fn::Sub hides one in shop-db-password-${Stage}" in reason(left)


def test_literals_have_names_of_their_own() -> None:
    text = """\
Resources:
  Files:
    Type: AWS::Glue::Connection
    Properties:
      ConnectionInput:
        AuthenticationConfiguration:
          CustomAuthenticationCredentials:
            api_key: correct-horse
            apiKey: battery-staple
"""
    result = repaired(text, strategy="reference")
    names = [seed.name for o in result.outcomes if (fix := o.finding.fix) for seed in fix.seeds]
    assert len(set(names)) == len(names) == 2
    assert all("{{resolve:secretsmanager:%s}}" % name in result.new for name in names)


def test_no_reference_is_written_into_a_secret() -> None:
    text = """\
Resources:
  Login:
    Type: AWS::SecretsManager::Secret
    Properties:
      SecretString: correct-horse-battery
"""
    assert "outside of the template" in reason(repaired(text, strategy="reference"))


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ("DBPassword", "${AWS::StackName}-db-password"),
        ("DBSecret", "${AWS::StackName}-db-secret-value"),  # six characters, as an ARN ends
    ],
)
def test_a_name_does_not_end_like_an_arn(parameter: str, name: str) -> None:
    text = TEMPLATE.replace("DBPassword", parameter)
    assert "{{resolve:secretsmanager:%s}}" % name in repaired(text, strategy="reference").new


def test_a_name_that_is_read_already_is_not_given_again() -> None:
    taken = "  Topic:\n    Type: AWS::SNS::Topic\n    Properties:\n      DisplayName: "
    for use in ("!Sub '{{resolve:secretsmanager:${AWS::StackName}-db-password:SecretString:a}}'",):
        left = repaired(TEMPLATE + taken + use + "\n", strategy="reference")
        assert "another secret of this template has the name" in reason(left)
    secret = "  Own:\n    Type: AWS::SecretsManager::Secret\n    Properties:\n      Name: "
    left = repaired(
        TEMPLATE + secret + "!Sub '${AWS::StackName}-db-password'\n", strategy="reference"
    )
    assert "another secret of this template has the name" in reason(left)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("Engine: mysql", "Engine: custom-oracle-ee", "RDS Custom"),
        ("Engine: mysql", "ManageMasterUserPassword: false", "says ManageMasterUserPassword"),
        ("Engine: mysql", "SourceDBInstanceIdentifier: x", "may take its password from a snapshot"),
        ("Engine: mysql", "DBClusterIdentifier: !Ref Group", "from another database"),
        ("\n  Group", "\n" + FUNCTION + "  Group", "Environment needs the password too"),
    ],
)
def test_what_the_service_cannot_keep_is_told(old: str, new: str, why: str) -> None:
    assert why in reason(repaired(TEMPLATE.replace(old, new, 1), strategy="managed"))


def test_the_secret_of_the_service_is_told() -> None:
    result = repaired(TEMPLATE, strategy="managed")
    assert "!GetAtt Database.MasterUserSecret.SecretArn" in told(result)


def test_settings_differ_by_path_in_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "live").mkdir()
    (tmp_path / "remediator.toml").write_text(
        '[paths."live/**"]\nstrategy = "reference"\n[paths."new.yaml"]\nnew = true\n'
        'ignore = ["password-parameters"]\n'
    )
    for name in ("a.yaml", "new.yaml", "live/b.yaml", "live/c.yaml"):
        (tmp_path / name).write_text(TEMPLATE)
    shown = remediator("fix", "--format", "json", ".")
    files = {file["path"]: file for file in json.loads(shown.stdout)["files"]}
    kinds = {
        path: [finding["consequence"] for finding in file["findings"]]
        for path, file in files.items()
    }
    assert kinds == {
        "a.yaml": ["rotates"],
        "new.yaml": [],
        "live/b.yaml": ["safe"],
        "live/c.yaml": ["safe"],
    }
    assert "GenerateSecretString" in (tmp_path / "a.yaml").read_text()
    assert "${AWS::StackName}-db-password" in (tmp_path / "live" / "b.yaml").read_text()
    (tmp_path / "live" / "b.yaml").write_text(TEMPLATE)
    assert "[safe]" in remediator("fix", "live/b.yaml").stdout  # named itself


def test_a_wrong_setting_by_path_is_told_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "remediator.toml").write_text('[paths."live/**"]\nselect = ["nonsense"]\n')
    (tmp_path / "a.yaml").write_text(TEMPLATE)
    shown = remediator("fix", tmp_path / "a.yaml")
    assert shown.exit_code == 2
    assert "there is no transform nonsense" in " ".join(shown.output.split())
    assert (tmp_path / "a.yaml").read_text() == TEMPLATE
