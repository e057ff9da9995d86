"""What a person is told to paste where a password stays."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from remediator import registry
from remediator.document import Document
from remediator.engine import remediate
from remediator.model import Context, Settings
from remediator.results import Outcome, Status

DB = (
    "{Type: AWS::RDS::DBInstance, Properties: {Engine: mysql, MasterUsername: app, "
    "MasterUserPassword: !Ref Pw}}"
)
LOGIN = "!Sub 'login ${Pw}'"
STATEMENT = """\
    - Effect: Allow
      Action: secretsmanager:GetSecretValue
      Resource: !Ref PwSecret"""


def outcome(text: str) -> Outcome:
    """Return what becomes of the one password parameter of a template."""
    settings = Settings(select=frozenset({"password-parameters", "manual-secrets"}))
    context = Context(registry.catalogue(), settings)
    result = remediate(Document.parse(text), registry.load(settings), context)
    assert len(result.outcomes) == 1, result.error
    return result.outcomes[0]


def server(user_data: str, profile: str = "") -> str:
    return (
        f"{{Type: AWS::EC2::Instance, Properties: {{{profile}"
        f"UserData: {{'Fn::Base64': {user_data}}}}}}}"
    )


def template(resources: str, rest: str = "") -> str:
    lines = "".join(f"  {line}\n" for line in (f"DB: {DB}", *resources.splitlines()))
    return f"Parameters:\n  Pw: {{Type: String, NoEcho: true}}\nResources:\n{lines}{rest}"


def advice(resources: str, rest: str = "") -> str:
    found = outcome(template(resources, rest))
    assert found.status is Status.LEFT
    assert found.refusal
    return found.refusal.advice


def test_a_shell_reads_the_secret_and_its_role_may() -> None:
    text = advice(
        f"Server: {server(LOGIN, 'IamInstanceProfile: !Ref Profile, ')}\n"
        "Profile: {Type: AWS::IAM::InstanceProfile, Properties: {Roles: [!Ref Role]}}\n"
        "Role: {Type: AWS::IAM::Role}"
    )
    assert text.startswith("In the UserData of Server, near its top:")
    assert "--secret-id ${PwSecret} " in text
    assert "then ${!Pw} in place of the parameter" in text
    assert f"Give the role Role, through Profile, this statement:\n{STATEMENT}" in text
    assert text.endswith("Then run remediator again. It adds PwSecret once nothing is in the way.")


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("", "Server has no instance profile; give it one whose role has this"),
        ("IamInstanceProfile: !Ref Pw2, ", "Give the role of its instance profile this"),
        ("IamInstanceProfile: web, ", "Give the role of its instance profile this"),
        ("IamInstanceProfile: !Ref Own, ", "Give the role of the instance profile Own this"),
    ],
)
def test_the_role_is_named_as_far_as_it_is_known(profile: str, words: str) -> None:
    text = advice(
        f"Server: {server(LOGIN, profile)}\n"
        "Own: {Type: AWS::IAM::InstanceProfile, Properties: {Roles: [web]}}"
    )
    assert words in text


@pytest.mark.parametrize("secret", ["aB3$x", "a:b, c"])
def test_the_line_of_the_shell_finds_the_password(secret: str, tmp_path: Path) -> None:
    """Run as it is told, with a stand-in for the AWS command line."""
    text = advice(f"Server: {server(LOGIN)}")
    held = json.dumps({"username": "app", "password": secret, "host": "db"})
    aws = tmp_path / "aws"
    aws.write_text(f"#!/bin/sh\ncat <<'END'\n{held}\nEND\n")
    aws.chmod(0o755)
    lines = [line.strip() for line in text.splitlines()]
    start = next(i for i, line in enumerate(lines) if line.startswith("Pw=$(aws"))
    script = "\n".join(lines[start : start + 3]).replace("${AWS::Region}", "x")
    script = script.replace("${PwSecret}", "y") + '\nprintf %s "${Pw}"'
    shown = subprocess.run(
        ["sh", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )
    assert shown.stdout == secret


def test_a_part_of_a_join_gets_a_function_of_its_own() -> None:
    text = advice("Server: " + server("!Join ['', ['login ', !Ref Pw]]"))
    assert "    - !Sub |\n      Pw=$(aws" in text
    assert "then ${Pw} in place of the parameter" in text


def test_windows_reads_it_with_its_own_tools() -> None:
    text = advice("Server: " + server("!Sub '<powershell>login ${Pw}</powershell>'"))
    assert "$Secret = Get-SECSecretValue -SecretId '${PwSecret}'" in text
    assert "aws secretsmanager" not in text


def test_a_launch_configuration_speaks_for_what_it_launches() -> None:
    text = advice(
        "Group:\n"
        "  Type: AWS::AutoScaling::AutoScalingGroup\n"
        "  Metadata: {'AWS::CloudFormation::Init': {a: !Ref Pw}}\n"
        "  Properties: {LaunchConfigurationName: !Ref Launch}\n"
        "Launch:\n"
        "  Type: AWS::AutoScaling::LaunchConfiguration\n"
        "  Properties: {IamInstanceProfile: !Ref Profile}\n"
        "Profile: {Type: AWS::IAM::InstanceProfile, Properties: {Roles: [!Ref Role]}}\n"
        "Role: {Type: AWS::IAM::Role}"
    )
    assert text.startswith("In a command of cfn-init on Group that writes")
    assert "Give the role Role, through Profile," in text


def test_a_function_gets_the_arn_in_its_environment() -> None:
    text = advice("F: {Type: AWS::Lambda::Function, Properties: {Code: {ZipFile: !Sub 'a ${Pw}'}}}")
    assert "In the environment variables of F:\n    SECRET_ARN: !Ref PwSecret" in text
    assert "Give the role of F this statement" in text
    text = advice("F: {Type: AWS::Serverless::Function, Properties: {InlineCode: !Ref Pw}}")
    assert "Give F, in a Statement under its Policies, this statement" in text


def test_a_custom_resource_is_passed_the_arn() -> None:
    text = advice(
        "C: {Type: 'Custom::Seed', Properties: {ServiceToken: !GetAtt F.Arn, Password: !Ref Pw}}\n"
        "F: {Type: AWS::Lambda::Function, Properties: {Role: !GetAtt R.Arn}}\n"
        "R: {Type: AWS::IAM::Role}"
    )
    assert "in place of the password:\n    SecretArn: !Ref PwSecret" in text
    assert "Give the role R of F this statement" in text
    outside = advice("C: {Type: 'Custom::Seed', Properties: {ServiceToken: a, Password: !Ref Pw}}")
    assert "Give the role of that function this statement" in outside


def test_a_nested_stack_is_passed_the_arn() -> None:
    text = advice("S: {Type: AWS::CloudFormation::Stack, Properties: {Parameters: {P: !Ref Pw}}}")
    assert "    PSecretArn: !Ref PwSecret" in text
    assert "    !Sub '{{resolve:secretsmanager:${PSecretArn}:SecretString:password}}'" in text


def test_an_output_shows_the_arn() -> None:
    assert "    Value: !Ref PwSecret" in advice("", "Outputs:\n  Out: {Value: !Ref Pw}\n")


@pytest.mark.parametrize(
    ("condition", "line"),
    [
        ("!Equals [!Ref Pw, '']", "    Asks: !Equals [!Ref UsePw, 'false']"),
        ("!Not [!Equals [!Ref Pw, '']]", "    Asks: !Equals [!Ref UsePw, 'true']"),
    ],
)
def test_a_condition_asks_for_a_switch(condition: str, line: str) -> None:
    text = advice("", f"Conditions:\n  Asks: {condition}\n")
    assert line in text
    assert "    UsePw:\n      Type: String\n      AllowedValues: ['true', 'false']" in text


def test_a_condition_on_another_value_is_no_switch() -> None:
    assert advice("", "Conditions:\n  Asks: !Equals [!Ref Pw, x]\n") == ""


def test_a_secret_that_stands_is_read_by_its_key() -> None:
    text = advice(
        f"Server: {server(LOGIN)}\n"
        "Held:\n"
        "  Type: AWS::SecretsManager::Secret\n"
        """  Properties: {SecretString: !Sub '{"username": "app", "pw": "${Pw}"}'}"""
    )
    assert "--secret-id ${Held} " in text
    assert '"pw": *"' in text
    assert text.endswith("Then run remediator again.")


def test_json_is_told_in_json() -> None:
    data = {
        "Parameters": {"Pw": {"Type": "String"}},
        "Resources": {
            "DB": {
                "Type": "AWS::RDS::DBInstance",
                "Properties": {
                    "Engine": "mysql",
                    "MasterUsername": "app",
                    "MasterUserPassword": {"Ref": "Pw"},
                },
            },
            "Server": {
                "Type": "AWS::EC2::Instance",
                "Properties": {
                    "UserData": {"Fn::Base64": {"Fn::Join": ["", ["login ", {"Ref": "Pw"}]]}}
                },
            },
        },
    }
    found = outcome(json.dumps(data, indent=2)).refusal
    assert found
    lines = [line.strip() for line in found.advice.splitlines()]
    boot = json.loads(lines[1].removesuffix(","))
    assert boot["Fn::Sub"].startswith("Pw=$(aws secretsmanager")
    assert "\n" not in boot["Fn::Sub"].removesuffix("\n")
    assert json.loads(lines[4])["Resource"] == {"Ref": "PwSecret"}


def test_several_places_are_named_and_advised_together() -> None:
    found = outcome(
        template(
            f"Server: {server(LOGIN)}\nC: {{Type: 'Custom::C', Properties: {{P: !Ref Pw}}}}",
            "Outputs:\n  Out: {Value: !Ref Pw}\n",
        )
    ).refusal
    assert found
    assert found.code == "used-in-userdata"
    assert found.reason.endswith("; also in the way: C (Custom::C), Outputs.Out")
    assert found.advice.count("Then run remediator again") == 1
    assert "In the properties of C" in found.advice


def test_the_secret_takes_a_name_that_is_free() -> None:
    text = advice(
        f"Server: {server(LOGIN)}\nPwSecret: {{Type: AWS::SNS::Topic}}",
    )
    assert "--secret-id ${PwSecret2} " in text
    assert text.endswith("It adds PwSecret2 once nothing is in the way.")


def test_databases_with_a_secret_each_need_a_parameter_each_first() -> None:
    found = outcome(template(f"Other: {DB}\nServer: {server(LOGIN)}")).refusal
    assert found
    assert found.reason.endswith(
        "DB, Other would get a secret each: first give each a parameter of its own"
    )
    assert not found.advice


def test_a_machine_that_stands_also_without_the_secret_is_told_nothing_to_paste() -> None:
    restored = (
        "Parameters:\n  Snapshot: {Type: String, Default: ''}\n"
        "  Pw: {Type: String, NoEcho: true}\n"
        "Conditions:\n  Restored: !Not [!Equals [!Ref Snapshot, '']]\n"
        "  Made: !Not [!Condition Restored]\n"
        "Resources:\n  DB:\n    Type: AWS::RDS::DBInstance\n    Properties:\n      Engine: mysql\n"
        "      DBSnapshotIdentifier: !If [Restored, !Ref Snapshot, !Ref AWS::NoValue]\n"
        "      MasterUsername: !If [Restored, !Ref AWS::NoValue, app]\n"
        "      MasterUserPassword: !If [Restored, !Ref AWS::NoValue, !Ref Pw]\n"
    )
    found = outcome(f"{restored}  Server: {server(LOGIN)}\n").refusal
    assert found is not None
    assert found.advice == ""
    assert found.reason.endswith(
        "Server stands also where DB takes no password from here and no secret is there to read: "
        "keep the parameter, or give it the same condition first"
    )
    made = server(LOGIN).replace("{Type", "{Condition: Made, Type", 1)
    found = outcome(f"{restored}  Server: {made}\n").refusal
    assert found is not None
    assert found.advice.startswith("In the UserData of Server")


def test_databases_that_exclude_each_other_share_the_secret() -> None:
    first = DB.replace("{Type", "{Condition: C, Type")
    second = DB.replace("{Type", "{Condition: D, Type")
    found = outcome(
        "Parameters:\n  Pw: {Type: String}\n"
        "Conditions:\n  C: !Equals [!Ref AWS::Region, a]\n  D: !Not [!Condition C]\n"
        f"Resources:\n  A: {first}\n  B: {second}\n  Server: {server(LOGIN)}\n"
    ).refusal
    assert found
    assert "--secret-id ${PwSecret} " in found.advice


def test_what_no_edit_takes_away_stands_alone() -> None:
    found = outcome(
        template(
            "User: {Type: AWS::Amplify::App, Properties: {Name: a, AccessToken: !Ref Pw}}",
            "Outputs:\n  Out: {Value: !Ref Pw}\n",
        )
    ).refusal
    assert found
    assert found.code == "external-credential"
    assert not found.advice


def test_copies_in_clear_are_to_be_known() -> None:
    fix = outcome(
        template("P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Pw}}")
    ).finding.fix
    assert fix
    assert any(step.startswith("P.Value holds the password in clear") for step in fix.follow_ups)


@pytest.mark.parametrize("strategy", ["reference", "managed"])
def test_no_secret_is_named_that_is_not_made(strategy: str) -> None:
    text = template(f"Server: {server(LOGIN)}")
    settings = Settings(select=frozenset({"password-parameters"}), strategy=strategy)
    context = Context(registry.catalogue(), settings)
    [found] = remediate(Document.parse(text), registry.load(settings), context).outcomes
    assert found.refusal
    assert found.refusal.advice == ""


def test_a_condition_has_a_name_too() -> None:
    conditions = "Conditions:\n  PwSecret: !Equals [!Ref AWS::Region, eu-west-1]\n"
    assert "--secret-id ${PwSecret2} " in advice(f"Server: {server(LOGIN)}", conditions)


def test_a_secret_that_was_pasted_is_the_one_that_is_made() -> None:
    """Another one that would fit stays unused: the pasted lines name the new one."""
    fitting = (
        "Mine: {Type: AWS::SecretsManager::Secret, Properties: {GenerateSecretString: "
        '{SecretStringTemplate: \'{"username": "app"}\', GenerateStringKey: password, '
        "ExcludePunctuation: true}}}"
    )
    output = "Outputs:\n  Arn: {Value: !Ref PwSecret}\n"
    context = Context(registry.catalogue(), Settings())
    for rest, secret in (("", "Mine"), (output, "PwSecret")):
        text = template(fitting, rest)
        result = remediate(Document.parse(text), registry.load(Settings()), context)
        assert "${%s}" % secret in result.new
        assert result.undefined == ()


def test_a_shell_that_traces_does_not_trace_the_password() -> None:
    text = advice(f"Server: {server(LOGIN.replace('login', '#!/bin/bash -xe; login'))}")
    lines = [line.strip() for line in text.splitlines()]
    assert lines.index("set +x") < next(i for i, x in enumerate(lines) if x.startswith("Pw=$("))
    assert "set -x" in lines
    assert "set +x" not in advice(f"Server: {server(LOGIN)}")


def test_an_export_that_may_be_in_use_stays() -> None:
    text = advice("", "Outputs:\n  Login: {Value: !Ref Pw, Export: {Name: pw}}\n")
    assert text.startswith("In an output of its own, the ARN")
