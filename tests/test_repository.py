from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from remediator.around import Around
from remediator.discover import Input
from remediator.family_texts import Texts
from remediator.model import Caller, Fate
from remediator.repository import Repository, callers
from remediator.tree_files import is_found, read_all

TEMPLATE = """\
Parameters:
  DBPassword: {Type: String, NoEcho: true}
  DBName: {Type: String}
Resources:
  Database: {Type: AWS::RDS::DBInstance}
"""


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def found(folder: Path, template: str = "db.yaml") -> tuple[Caller, ...]:
    return callers(folder, folder / template, ["DBPassword"]).get("DBPassword", ())


def missed(file: str, line: int, how: str) -> Caller:
    """Return what would be missed, and lies outside of what a run may change."""
    return Caller(file, line, how, why="give a folder with both as PATH")


def test_a_byte_order_mark_is_kept_though_the_tree_has_read_the_file(tmp_path: Path) -> None:
    write(tmp_path, {"db.yaml": "\ufeff" + TEMPLATE})
    around, entry = Around(), Input.of(tmp_path / "db.yaml", named=False, root=tmp_path)
    tree = around.repository(entry)
    assert not Texts(tree, tree.parsed).old(PurePosixPath("db.yaml")).document.bom
    for keep in (False, True):
        document = around.document(entry.file.read_bytes(), "db.yaml", entry, keep=keep)
        assert document.bom


PARENT = """\
Resources:
  Network:
    Type: AWS::EC2::VPC
  Data:
    Type: {type}
    Properties:
      {key}: {url}
      Parameters:
        DBName: app
        DBPassword: !Ref Password
"""


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.amazonaws.com/bucket/db.yaml",
        "./db.yaml",
        "!Sub 'https://${Bucket}.s3.amazonaws.com/${Prefix}db.yaml'",
        "!Join ['/', [!Ref Base, db.yaml]]",
        "{'Fn::Sub': '${Base}/db.yaml'}",
    ],
)
def test_a_parent_stack_is_a_caller_however_its_url_is_written(tmp_path: Path, url: str) -> None:
    parent = PARENT.format(type="AWS::CloudFormation::Stack", key="TemplateURL", url=url)
    write(tmp_path, {"db.yaml": TEMPLATE, "main.yaml": parent})
    assert found(tmp_path) == (missed("main.yaml", 10, "nested stack"),)


def test_a_url_that_is_a_parameters_default_is_followed(tmp_path: Path) -> None:
    parent = "Parameters:\n  Url: {Type: String, Default: https://x/db.yaml}\n" + PARENT.format(
        type="AWS::CloudFormation::Stack", key="TemplateURL", url="!Ref Url"
    )
    write(tmp_path, {"db.yaml": TEMPLATE, "main.yaml": parent})
    assert [caller.line for caller in found(tmp_path)] == [12]


def test_a_nested_application_is_a_caller(tmp_path: Path) -> None:
    parent = PARENT.format(type="AWS::Serverless::Application", key="Location", url="db.yaml")
    write(tmp_path, {"db.yaml": TEMPLATE, "main.yaml": parent})
    assert [caller.how for caller in found(tmp_path)] == ["nested application"]


def test_a_stack_set_lists_its_parameters(tmp_path: Path) -> None:
    parent = """\
Resources:
  Everywhere:
    Type: AWS::CloudFormation::StackSet
    Properties:
      TemplateURL: https://s3.amazonaws.com/bucket/db.yaml
      Parameters:
        - ParameterKey: DBPassword
          ParameterValue: x
"""
    write(tmp_path, {"db.yaml": TEMPLATE, "main.yaml": parent})
    assert found(tmp_path) == (missed("main.yaml", 7, "stack set"),)


def test_a_parent_of_another_template_is_none(tmp_path: Path) -> None:
    parent = PARENT.format(type="AWS::CloudFormation::Stack", key="TemplateURL", url="x/mydb.yaml")
    write(tmp_path, {"db.yaml": TEMPLATE, "mydb.yaml": TEMPLATE, "main.yaml": parent})
    assert found(tmp_path) == ()
    assert len(found(tmp_path, "mydb.yaml")) == 1


def test_of_templates_with_one_name_the_place_decides(tmp_path: Path) -> None:
    parent = PARENT.format(
        type="AWS::CloudFormation::Stack", key="TemplateURL", url="https://s3/${P}b/template.yaml"
    )
    write(
        tmp_path,
        {"a/template.yaml": TEMPLATE, "b/template.yaml": TEMPLATE, "main.yaml": parent},
    )
    assert found(tmp_path, "a/template.yaml") == ()
    assert len(found(tmp_path, "b/template.yaml")) == 1


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("db-params.json", '[\n{"ParameterKey": "DBPassword", "ParameterValue": "x"}]', 2),
        ("db.json", '{"Parameters": {"DBName": "a",\n"DBPassword": "x"}}', 2),
        ("params/db-dev.json", '{"DBPassword": "x"}', 1),
        ("config/db.parameters.yaml", "parameters:\n  DBPassword: x\n", 2),
        ("unrelated.json", '[{"ParameterKey": "DBPassword", "ParameterValue": "x"}]', 1),
        ("db.params.json", '["DBName=a", "DBPassword=x"]', 1),
    ],
)
def test_a_parameter_file_is_a_caller(tmp_path: Path, name: str, text: str, line: int) -> None:
    write(tmp_path, {"db.yaml": TEMPLATE, name: text})
    assert found(tmp_path) == (missed(name, line, "parameter file"),)


def test_the_longest_name_decides_which_template_a_file_is_named_after(tmp_path: Path) -> None:
    given = '{"DBPassword": "x"}'
    write(
        tmp_path, {"db.yaml": TEMPLATE, "db-main.yaml": TEMPLATE, "params/db-main-dev.json": given}
    )
    assert found(tmp_path) == ()
    assert len(found(tmp_path, "db-main.yaml")) == 1


def test_a_parameter_file_for_something_else_is_none(tmp_path: Path) -> None:
    write(tmp_path, {"db.yaml": TEMPLATE, "x.json": '{"DBPassword": "x", "Unknown": "y"}'})
    assert found(tmp_path) == ()


def test_a_parameter_file_that_two_templates_could_have_is_told_and_in_nobodys_way(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"db.yaml": TEMPLATE, "b.yaml": TEMPLATE, "x.json": '{"DBPassword": "x"}'})
    expected = Caller("x.json", 1, "parameter file", fate=Fate.REPORTED, guess=True)
    assert found(tmp_path) == (expected,)


def test_a_sceptre_configuration_is_a_caller(tmp_path: Path) -> None:
    text = "template_path: db.yaml\nparameters:\n  DBPassword: x\n"
    write(tmp_path, {"templates/db.yaml": TEMPLATE, "config/dev/data.yaml": text})
    expected = (missed("config/dev/data.yaml", 3, "Sceptre configuration"),)
    assert found(tmp_path, "templates/db.yaml") == expected


def test_a_taskcat_configuration_is_a_caller_for_its_template_only(tmp_path: Path) -> None:
    text = "project:\n  parameters:\n    DBPassword: x\ntests:\n  one:\n    template: ./db.yaml\n"
    write(tmp_path, {"db.yaml": TEMPLATE, "other.yaml": TEMPLATE, ".taskcat.yml": text})
    expected = Caller(".taskcat.yml", 3, "taskcat configuration", breaks=False, fate=Fate.REPORTED)
    assert found(tmp_path) == (expected,)
    assert found(tmp_path, "other.yaml") == ()


def test_an_old_taskcat_configuration_pairs_files(tmp_path: Path) -> None:
    pair = "tests:\n  one:\n    parameter_input: dev.json\n    template_file: db.yaml\n"
    write(
        tmp_path,
        {
            "db.yaml": TEMPLATE,
            "other.yaml": TEMPLATE,
            "ci/taskcat.yml": pair,
            "ci/dev.json": '[{"ParameterKey": "DBPassword", "ParameterValue": "x"}]',
        },
    )
    assert [caller.breaks for caller in found(tmp_path)] == [True]
    assert found(tmp_path, "other.yaml") == ()


DEPLOY = "aws cloudformation deploy --template-file db.yaml"
SAM = "sam deploy -t db.yaml --parameter-overrides"
CREATE = "aws cloudformation create-stack --template-body file://db.yaml"
PAIR = "ParameterKey=DBPassword,ParameterValue=$X"


@pytest.mark.parametrize(
    ("text", "breaks"),
    [
        (f"{DEPLOY} \\\n  --parameter-overrides DBName=1 DBPassword=$X", False),
        (f"{SAM} {PAIR}", False),
        (f"{CREATE} \\\n  --parameters {PAIR}", True),
        (f"# db.yaml\nP={PAIR}", True),
    ],
)
def test_a_script_breaks_only_where_the_command_refuses(
    tmp_path: Path, text: str, breaks: bool
) -> None:
    write(tmp_path, {"db.yaml": TEMPLATE, "deploy.sh": text})
    assert [caller.breaks for caller in found(tmp_path)] == [breaks]


@pytest.mark.parametrize(
    "text",
    [
        "export DBPassword=x  # db.yaml",
        "aws cloudformation create-stack --template-body file://other.yaml DBPassword=x",
        "aws cloudformation create-stack db.yaml\n# DBPassword=x",
    ],
)
def test_a_script_without_both_is_none(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"db.yaml": TEMPLATE, "deploy.sh": text})
    assert found(tmp_path) == ()


def test_a_workflow_is_read_but_a_readme_is_not(tmp_path: Path) -> None:
    text = f"run: {CREATE} --parameters {PAIR}"
    write(
        tmp_path,
        {"db.yaml": TEMPLATE, ".github/workflows/x.yml": text, "README.md": text, ".h/x.sh": text},
    )
    assert [caller.file for caller in found(tmp_path)] == [".github/workflows/x.yml"]


def test_samconfig_is_told_but_breaks_nothing(tmp_path: Path) -> None:
    text = '[default.deploy.parameters]\nparameter_overrides = "DBName=x DBPassword=y"\n'
    write(tmp_path, {"template.yaml": TEMPLATE, "samconfig.toml": text})
    expected = (Caller("samconfig.toml", 2, "SAM configuration", breaks=False, fate=Fate.REPORTED),)
    assert found(tmp_path, "template.yaml") == expected


def test_malformed_files_are_passed_over(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "db.yaml": TEMPLATE,
            "db-params.json": '{"DBPassword": ',
            "deep.json": "[" * 5000 + '"DBPassword"',
            "samconfig.toml": "DBPassword = [",
            "loop.yaml": "&a {DBPassword: *a}",
            "main.yaml": "Resources: {A: AWS::CloudFormation::Stack, DBPassword: [}",
        },
    )
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\0DBPassword")
    assert found(tmp_path) in ((), (missed("loop.yaml", 1, "parameter file"),))


def test_a_deeply_indented_file_is_passed_over(tmp_path: Path) -> None:
    deep = "".join(" " * level + "a:\n" for level in range(900)) + " " * 900 + "DBPassword: x\n"
    write(tmp_path, {"db.yaml": TEMPLATE, "db-params.yaml": deep})
    assert found(tmp_path) == ()


def test_nothing_is_read_before_the_first_question(tmp_path: Path) -> None:
    write(tmp_path, {"db.yaml": TEMPLATE})
    mapping = Repository(tmp_path).callers(tmp_path / "db.yaml", ["DBPassword"])
    write(tmp_path, {"db-params.json": '{"DBPassword": "x"}'})
    assert list(mapping) == ["DBPassword"]
    assert len(mapping) == 1


def test_a_file_that_would_crash_the_reader_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, {"db.yaml": TEMPLATE, "db-params.yaml": "- " * 100_000 + "DBPassword: x"})
    assert found(tmp_path) == ()


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("db.yaml", True),
        ("a/b/db.yaml", True),
        (".taskcat.yml", True),
        ("a/b/.taskcat.yml", True),
        (".github/workflows/deploy.yml", True),
        ("a/.github/workflows/deploy.yml", False),
        (".git/.taskcat.yml", False),
        ("node_modules/a/.taskcat.yml", False),
        ("a/.hidden.yml", False),
    ],
)
def test_which_files_are_looked_through(tmp_path: Path, place: str, expected: bool) -> None:
    write(tmp_path, {place: "a: 1\n"})
    assert [str(file.place) for file in read_all(tmp_path)] == ([place] if expected else [])
    assert is_found(PurePosixPath(place)) is expected


# --- imports ---------------------------------------------------------------------------------

NETWORK = """\
Resources: {Vpc: {Type: AWS::EC2::VPC}}
Outputs:
  VpcId: {Value: !Ref Vpc, Export: }
"""
USES = """\
Parameters: {Network: {Type: String}}
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: {Fn::ImportValue: !Sub '${Network}-VpcId'}
      GroupDescription: !ImportValue 'words'
      Tags:
        - !ImportValue {Fn::Join: ['-', [a, !Ref Network]]}
        - !ImportValue {Fn::GetAtt: [A, B, C]}
      GroupName: {Fn::ImportValue: {Fn::Select: [0, [a, b]]}}
"""


def imported(folder: Path, template: str = "network.yaml") -> list[str]:
    return list(Repository(folder).imports(folder / template))


def test_names_that_other_templates_import(tmp_path: Path) -> None:
    write(tmp_path, {"network.yaml": NETWORK, "apps/app.yaml": USES, "notes.md": USES})
    assert imported(tmp_path) == ["${A.B.C}", "${Network}-VpcId", "a-${Network}", "words"]
    assert imported(tmp_path, "apps/app.yaml") == []  # its own do not count


def test_a_constant_name_that_another_template_exports_is_left_out(tmp_path: Path) -> None:
    exports = NETWORK.replace("Export: ", "Export: {Name: words}")
    more = exports.replace("words", "!Sub '${Network}-VpcId'")
    write(tmp_path, {"n.yaml": NETWORK, "a.yaml": USES, "b.yaml": exports, "c.yaml": more})
    assert imported(tmp_path, "n.yaml") == ["${A.B.C}", "${Network}-VpcId", "a-${Network}"]


def test_imports_outside_of_the_root_or_in_broken_files(tmp_path: Path) -> None:
    write(
        tmp_path, {"in/network.yaml": NETWORK, "in/broken.yaml": USES + "  x: [", "out.yaml": USES}
    )
    assert imported(tmp_path / "in") == []
    assert list(Repository(tmp_path / "in").imports(tmp_path / "out.yaml")) == []


def test_imports_are_read_when_asked_for(tmp_path: Path) -> None:
    write(tmp_path, {"network.yaml": NETWORK})
    imports = Repository(tmp_path).imports(tmp_path / "network.yaml")
    write(tmp_path, {"app.yaml": USES})
    assert len(list(imports)) == 4


def test_a_template_in_a_hidden_folder_has_the_callers_that_name_it(tmp_path: Path) -> None:
    """It is no part of the tree that is searched, and may be named all the same."""
    write(
        tmp_path,
        {
            ".demo/db.yaml": TEMPLATE,
            "other.yaml": TEMPLATE,
            "db-params.json": '[{"ParameterKey": "DBPassword", "ParameterValue": "x"}]',
            "notes.md": "DBPassword is asked for.",
        },
    )
    tree = Repository(tmp_path)
    hidden = tmp_path / ".demo" / "db.yaml"
    assert not dict(tree.callers(hidden, ["DBPassword"]))
    assert [each.file for each in tree.mentions(hidden, "DBPassword")] == ["notes.md"]
