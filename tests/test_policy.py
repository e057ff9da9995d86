"""`--deploy-policy` writes an IAM policy that IAM takes, for all files of a run."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_cli import BROKEN_EXPORT, remediator
from test_report import RESULT

from remediator import permissions
from remediator.report import policy, text
from remediator.results import Deployment, FileResult, Permission, RunResult, Status

DATABASE = """\
Parameters:
  {0}: {{Type: String, NoEcho: true}}
Resources:
  Db:
    Type: AWS::{1}
    Properties: {{Engine: {2}, MasterUsername: app, MasterUserPassword: !Ref {0}}}
"""
ARN = re.compile(r"arn:\*:[a-z0-9-]+:[\w*-]*:[\w*]*:[^\s]+")


def database(folder: Path, name: str, parameter: str, kind: str, engine: str) -> Path:
    file = folder / name
    file.write_text(DATABASE.format(parameter, kind, engine))
    return file


def run(*each: Permission) -> RunResult:
    needed = [Deployment((permission,)) for permission in each]
    return RunResult(tuple(FileResult("t", Status.FIXED, deployment=one) for one in needed), "fix")


def judged(document: dict[str, Any]) -> list[str]:
    """What cfn-lint, with its grammar of policies and its list of actions, has against one."""
    from cfnlint.api import lint_all  # type: ignore[import-untyped]

    managed = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}
    found = lint_all(json.dumps({"Resources": {"Policy": managed}}))
    return [f"{each.rule.id}: {each.message}" for each in found if each.rule.id[0] in "EW"]


def test_every_grant_makes_a_policy_that_iam_takes() -> None:
    patterns = ("arn:*:secretsmanager:*:*:secret:a-*",)
    hosted = {grant.sid: (resource,) for grant, resource in permissions.HOSTED}
    result = run(
        *(
            Permission(each.sid, each.actions, hosted.get(each.sid, patterns), each.condition)
            for each in permissions.GRANTS
        )
    )
    document = json.loads(policy.render(result))
    assert judged(document) == []
    assert document["Version"] == "2012-10-17"
    sids = [statement["Sid"] for statement in document["Statement"]]
    assert len(set(sids)) == len(sids)
    assert all(re.fullmatch("[A-Za-z0-9]+", sid) for sid in sids)
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        assert all(re.fullmatch("[a-z0-9-]+:[A-Za-z]+", each) for each in statement["Action"])
        assert all(each == "*" or ARN.fullmatch(each) for each in statement["Resource"])
    document["Statement"][0]["Action"] = ["secretsmanager:MakeSecret"]
    assert len(judged(document)) == 1


def test_one_statement_serves_all_files() -> None:
    result = run(
        Permission("A", ("x:B",), ("r2",)),
        Permission("A", ("x:A",), ("r1",)),
        Permission("C", ("x:C",), ("r1",)),
        Permission("C", ("x:C",), ("*",)),
    )
    assert policy.together(result) == (
        Permission("A", ("x:A", "x:B"), ("r1", "r2")),
        Permission("C", ("x:C",), ("*",)),
    )


def test_the_policy_is_written_for_all_files_of_a_run(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    one = database(tmp_path, "a.yaml", "OnePassword", "RDS::DBInstance", "mysql")
    two = database(tmp_path, "b.yaml", "TwoPassword", "RDS::DBCluster", "aurora-mysql")
    before = one.read_text()
    for arguments in (["--dry-run"], []):
        assert one.read_text() == before
        result = remediator("fix", "-q", *arguments, "--deploy-policy", file, one, two)
        assert result.exit_code == 0, result.output
        assert "is the IAM policy of the deployment" in " ".join(result.stdout.split())
        statements = {each["Sid"]: each for each in json.loads(file.read_text())["Statement"]}
        assert [each.split(":")[-1] for each in statements["CreateSecrets"]["Resource"]] == [
            *("OnePasswordSecret-*", "TwoPasswordSecret-*")
        ]
        assert statements["DescribeDatabases"]["Action"] == [
            *("rds:DescribeDBClusters", "rds:DescribeDBInstances")
        ]
    assert judged(json.loads(file.read_text())) == []
    assert one.read_text() != before


def test_where_nothing_is_needed_no_policy_is_written(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    template = tmp_path / "t.yaml"
    template.write_text(BROKEN_EXPORT)
    result = remediator("fix", "-q", "--deploy-policy", file, template)
    assert result.exit_code == 0
    assert f"The repairs need no IAM action: {file} is not written." in " ".join(
        result.stdout.split()
    )
    assert not file.exists()
    assert "Deploying" not in result.stdout
    shown = remediator("fix", "--format", "json", "--deploy-policy", file, template).stdout
    assert json.loads(shown)["deploy_policy"].startswith("The repairs need no IAM action")
    shown = remediator("fix", "--format", "json", template).stdout
    assert json.loads(shown)["deploy_policy"] is None


def test_only_a_policy_is_replaced(tmp_path: Path) -> None:
    template = database(tmp_path, "t.yaml", "P", "RDS::DBInstance", "mysql")
    file = tmp_path / "policy.json"
    for _ in range(2):
        assert remediator("fix", "--dry-run", "--deploy-policy", file, template).exit_code == 0
    for content in ('{"Version": "2012-10-17"}', "notes", "[]"):
        file.write_text(content)
        result = remediator("fix", "--deploy-policy", file, template)
        assert result.exit_code == 2
        assert "is no policy; name a new file for the policy" in result.stderr
        assert file.read_text() == content
    assert "!Ref P" in template.read_text()


def test_a_policy_that_is_too_long_is_told(tmp_path: Path) -> None:
    names = [f"{'Long' * 20}Password{number}" for number in range(25)]
    for number, name in enumerate(names):
        database(tmp_path, f"{number}.yaml", name, "RDS::DBInstance", "mysql")
    file = tmp_path / "policy.json"
    shown = " ".join(remediator("fix", "-q", "--deploy-policy", file, tmp_path).stdout.split())
    assert "too long for one managed policy (6144 characters)" in shown
    assert policy.is_too_long(file.read_text())


def test_a_repair_that_is_not_written_needs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = database(tmp_path, "t.yaml", "P", "RDS::DBInstance", "mysql")
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).is_dir())
    (told,) = json.loads(remediator("fix", "--format", "json", template).stdout)["files"]
    assert told["status"] == "error"
    assert told["deployment"] == {"permissions": [], "capabilities": [], "notes": []}


def test_the_json_has_what_each_file_needs(tmp_path: Path) -> None:
    template = database(tmp_path, "t.yaml", "P", "RDS::DBInstance", "mysql")
    (told,) = json.loads(remediator("fix", "--format", "json", template).stdout)["files"]
    deployment = told["deployment"]
    assert deployment["capabilities"] == deployment["notes"] == []
    assert deployment["permissions"][0] == {
        "sid": "CreateSecrets",
        "actions": [
            f"secretsmanager:{each}"
            for each in ("CreateSecret", "DeleteSecret", "DescribeSecret", "TagResource")
        ],
        "resources": ["arn:*:secretsmanager:*:*:secret:PSecret-*"],
        "condition": None,
    }


def test_the_text_tells_it_once_for_all_files() -> None:
    needed = Deployment(
        (
            Permission("A", ("x:A", "x:B"), ("*",)),
            Permission("B", ("y:C",), ("*",), ("StringLike", "k", "v")),
        ),
        ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"),
        ("mind this",),
    )
    files = tuple(replace(RESULT.files[0], path=f"{n}.yaml", deployment=needed) for n in range(7))
    shown = text.render(RunResult(files, "fix"))
    assert shown.count("Deploying this needs x:A, B; y:C.") == 1
    assert shown.count("Deploy with --capabilities CAPABILITY_AUTO_EXPAND CAPABILITY_IAM\n") == 1
    assert shown.count(": mind this.\n") == 3
    assert "4 more notes on deployments (--format json: deployment).\n" in shown
    assert max(map(len, shown.splitlines())) <= 80
    many = Deployment((Permission("A", tuple(f"x:{n}" for n in range(20)), ("*",)),))
    shown = text.render(RunResult((replace(files[0], deployment=many),), "fix"))
    assert "Deploying this needs 20 IAM actions of x (--deploy-policy FILE)." in shown


def test_a_condition_is_written_as_iam_has_it() -> None:
    permission = Permission("A", ("kms:Decrypt",), ("*",), ("StringLike", "kms:ViaService", "s.*"))
    (statement,) = json.loads(policy.render(run(permission)))["Statement"]
    assert statement["Condition"] == {"StringLike": {"kms:ViaService": "s.*"}}
