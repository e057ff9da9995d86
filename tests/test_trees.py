"""What a tree shows of its files: what stood there before the run wrote, and never less."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from typer.testing import CliRunner

from remediator.cli import app
from remediator.ties import Ties
from remediator.tree_files import TreeFile, read_all

DATABASE = """\
Parameters:
{parameters}
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: postgres
      DBInstanceClass: db.t4g.micro
      AllocatedStorage: '20'
      MasterUsername: appadmin
      MasterUserPassword: !Ref {password}
"""
HIDDEN = "  {name}:\n    Type: String\n    NoEcho: true"
PLAIN = "  {name}:\n    Type: String"
SECRET = "XK-4711-tops"


def database(password: str, *plain: str) -> str:
    parameters = [HIDDEN.format(name=password), *(PLAIN.format(name=name) for name in plain)]
    return DATABASE.format(parameters="\n".join(parameters), password=password)


def run(*arguments: str) -> str:
    return CliRunner().invoke(app, [*arguments, "--no-validate"]).stdout


def folders(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("shown", ["text", "json"])
def test_what_was_hidden_before_the_run_stays_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: str, jobs: str
) -> None:
    """The tree is met in two parts, around a repository within it."""
    for git in (".git", "m/.git"):
        (tmp_path / git).mkdir(parents=True)
    given = (
        f'[{{"ParameterKey": "DbCred", "ParameterValue": "{SECRET}"}},\n'
        ' {"ParameterKey": "OtherPw", "ParameterValue": "Another-4712"}]\n'
    )
    files = {
        "a/db.yaml": database("DbCred"),
        "m/mid.yaml": database("DbCred"),
        "z/app.yaml": database("OtherPw", "DbCred"),
        "z/app.params.json": given,
    }
    folders(tmp_path, files)
    monkeypatch.chdir(tmp_path)
    told = run("fix", "--jobs", jobs, "--format", shown, ".")
    assert "Another-4712" not in (tmp_path / "z/app.params.json").read_text()
    assert SECRET not in told


def test_a_fix_writes_what_its_dry_run_showed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for git in (".git", "m/.git"):
        (tmp_path / git).mkdir(parents=True)
    topic = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n"
    output = "Outputs:\n  SharedVpc:\n    Value: {}\n"
    net = topic + output.format("x") + "    Export:\n"
    use = topic + output.format("!ImportValue SharedVpc")
    folders(tmp_path, {"a/net.yaml": net, "a/use.yaml": use, "m/n.yaml": net, "z/net.yaml": net})
    monkeypatch.chdir(tmp_path)
    shown = run("fix", "--dry-run", ".")
    run("fix", ".")
    assert shown.count("Name: SharedVpc") == 2
    for file in ("a/net.yaml", "z/net.yaml"):
        assert "Name: SharedVpc\n" in (tmp_path / file).read_text()


def template(parameters: str) -> str:
    return f"{parameters}\nResources:\n  Topic:\n    Type: AWS::SNS::Topic\n"


@pytest.mark.parametrize(
    "text",
    [
        template("Parameters:\n  Code:\n    Type: String\n    NoEcho: true"),
        template('"Parameters":\n  Code: {Type: String, NoEcho: true}'),
        template('Parameters:\n  A:\n    Description: "a\nb: c"\n  Code:\n    NoEcho: true'),
        template('Description: "x\nParameters:\n  B:\n  y"\n"Parameters":\n  Code: {NoEcho: true}'),
        template("Description: 'x\nParameters:\n  B:\n  y'\n? Parameters\n: Code: {NoEcho: true}"),
        template("Parameters:\n# one\n\n  # two\n  Code:\n    NoEcho: 'true'\n"),
        template("Parameters:\r\n  Code:\r\n    NoEcho: true\r\n"),
        '{"Parameters": {"Code": {"NoEcho": true}}, "Resources": {"T": {"Type": "AWS::S3::B"}}}',
        '{"Parameters": {"Code": {"NoEcho": "true"}}, "Parameters": {}, "Resources": "AWS::"}',
        '{"Parameters": {"Code": {"NoEcho": true, "NoEcho": false}}, "Resources": "AWS::"}',
        "{Parameters: {Code: {NoEcho: true}}, Resources: {T: {Type: AWS::SNS::Topic}}}",
    ],
)
def test_a_parameter_that_is_hidden_is_found_however_it_is_written(text: str) -> None:
    assert "Code" in TreeFile(PurePosixPath("a.yaml"), text.encode()).hidden


@pytest.mark.parametrize("before", ['    Description: "a\nb: c"', "    Description: it's"])
def test_all_that_is_declared_is_found(before: str) -> None:
    text = template(f"Parameters:\n  A:\n{before}\n  Code:\n    Type: String")
    assert "Code" in TreeFile(PurePosixPath("a.yaml"), text.encode()).declared


def test_a_template_shows_what_it_showed(tmp_path: Path) -> None:
    folders(tmp_path, {"a.yaml": database("DbCred")})
    alone = TreeFile(PurePosixPath("a.yaml"), (tmp_path / "a.yaml").read_bytes())
    [file] = read_all(tmp_path)
    (tmp_path / "a.yaml").write_text("")
    assert file.raw == alone.raw == database("DbCred").encode()
    assert (file.hidden, file.declared) == (alone.hidden, alone.declared)


def test_a_name_of_many_variables_is_looked_up_in_no_time() -> None:
    template = b"Resources:\n  A: {Type: AWS::SNS::Topic}\n"
    ties = Ties([TreeFile(PurePosixPath(f"{'a-' * 100}a.yaml"), template)])
    assert not ties.resolved(f"{'$x-' * 50}z.yaml", PurePosixPath("deploy.sh"))
    assert ties.resolved(f"{'$x-' * 50}a.yaml", PurePosixPath("deploy.sh"))
