"""What scripts and workflows write behind a parameter's name, and where that comes from."""

from __future__ import annotations

import time
from pathlib import PurePosixPath

import pytest

from remediator.call_sites import Script
from remediator.script_values import Source, source_of

DEPLOY = "aws cloudformation deploy --template-file db.yaml --parameter-overrides "


def given(text: str, name: str = "deploy.sh") -> list[str | None]:
    return [site.value for site in Script(text, PurePosixPath(name)).sites("Pw")]


def sources(text: str, name: str = "deploy.sh") -> list[Source | None]:
    script = Script(text, PurePosixPath(name))
    found = [site.value for site in script.sites("Pw")]
    return [None if value is None else script.source(value) for value in found]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("Pw=$DB", "$DB"),
        ('Pw="$DB"', "$DB"),
        ('"Pw=$DB"', "$DB"),
        ("Pw=${DB} Env=dev", "${DB}"),
        ("Pw=${DB:?is not set}", "${DB:?is not set}"),
        ("Pw=$1", "$1"),
        ("Pw=$(DB)", "$(DB)"),
        ("Pw=%DB%", "%DB%"),
        ("Pw=$env:DB", "$env:DB"),
        ("Pw=${{ secrets.DB }}", "${{ secrets.DB }}"),
        ("'Pw=${{secrets.DB}}'", "${{secrets.DB}}"),
        ("Pw=letmein", "letmein"),
        ("Pw='let me in'", "let me in"),
        ('ParameterKey=Pw,ParameterValue="${DB}"', "${DB}"),
        ("ParameterKey=Pw,ParameterValue=$DB ParameterKey=A,ParameterValue=$B", "$DB"),
        ('[{"ParameterKey": "Pw", "ParameterValue": "$DB"}]', "$DB"),
        ('"[{\\"ParameterKey\\":\\"Pw\\",\\"ParameterValue\\":\\"$DB\\"}]"', "$DB"),
        ('{"Pw": "$DB"}', "$DB"),
        # Put together, or no value at all.
        ("Pw=$A$B", None),
        ('Pw=$A"$B"', None),
        ('Pw="$A-1"', None),
        ("Pw=pre-$A", None),
        ("Pw=$(pass show db)", None),
        ('Pw="$(pass show db)"', None),
        ("Pw=`cat pw`", None),
        ("Pw=${A/x/y}", None),
        ("Pw=", None),
        ('Pw=""', None),
        ('"Pw=" + pw + " Env=dev"', None),
        ("ParameterKey=Pw,UsePreviousValue=true", None),
    ],
)
def test_a_value_is_told_where_it_is_one_token(written: str, value: str | None) -> None:
    assert given(DEPLOY + written) == [value]


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("deploy.py", '{"ParameterKey": "Pw", "ParameterValue": "letmein"}', "letmein"),
        ("deploy.py", '{"ParameterKey": "Pw", "ParameterValue": password}', None),
        ("deploy.py", 'f"Pw={password}"', None),
        ("deploy.rb", '"Pw=#{password}"', None),
        ("main.tf", "Pw = var.db_password", "var.db_password"),
        ("main.tf", "Pw = random_password.db.result", None),
    ],
)
def test_a_bare_word_of_a_program_is_no_text(name: str, written: str, value: str | None) -> None:
    assert given(f"create_stack # db.yaml\n{written}", name) == [value]


DB = Source("DB", is_text=False)
HERE = PurePosixPath("deploy.sh")


@pytest.mark.parametrize(
    ("before", "written", "source"),
    [
        ("", "$DB", DB),
        ("", "${DB:?}", DB),
        ("", "${{ secrets.DB }}", DB),
        ("", "${{ env.DB }}", DB),
        ("", "letmein", Source("letmein", is_text=True)),
        ("", "$1", Source("1", is_text=False, scope=HERE)),
        ("", "${{ inputs.db }}", Source("inputs.db", is_text=False, scope=HERE)),
        ("DB=${DB:-letmein}\n", "$DB", DB),
        ("DB=$(pass show db)\n", "$DB", Source("DB", is_text=False, scope=HERE)),
        ("read -s DB\n", "$DB", Source("DB", is_text=False, scope=HERE)),
        ('read -rsp "Password: " DB; echo\n', "$DB", Source("DB", is_text=False, scope=HERE)),
        ("# read DB of the README\n", "$DB", DB),
        ("DB=$OTHER\n", "$DB", Source("OTHER", is_text=False)),
        ("  DB: ${{ secrets.OTHER }}\n", "$DB", Source("OTHER", is_text=False)),
        ("DB=$1\n", "$DB", Source("1", is_text=False, scope=HERE)),
        ("DB=a\nDB=b\n", "$DB", Source("DB", is_text=False, scope=HERE)),
        ("A=$B\nB=$A\n", "$A", Source("B", is_text=False, scope=HERE)),
    ],
)
def test_where_a_value_comes_from(before: str, written: str, source: Source) -> None:
    assert sources(f"{before}{DEPLOY}Pw={written}") == [source]


def test_a_variable_of_powershell_is_its_own_unless_it_is_of_the_environment() -> None:
    text = f"{DEPLOY}Pw=$DB"
    assert sources(text, "a.ps1") == [Source("DB", is_text=False, scope=PurePosixPath("a.ps1"))]
    assert sources(text.replace("$", "$env:"), "a.ps1") == [DB]


@pytest.mark.parametrize("value", ["$DB", "${DB}", "!environment_variable DB", "${{ secrets.DB }}"])
def test_settings_read_the_environment_too(value: str) -> None:
    assert source_of(value) == DB


STEPS = """\
    steps:
      - uses: aws-actions/aws-cloudformation-github-deploy@v1
        with:
          template: db.yaml
          parameter-overrides: Pw=$A
      - name: application
        run: |
          aws cloudformation deploy --template-file app.yaml \\
            --parameter-overrides Pw=$B
          aws cloudformation deploy --template-file web.yaml
"""


def test_a_step_of_a_workflow_has_its_template() -> None:
    script = Script(STEPS, PurePosixPath("deploy.yml"))
    assert [(site.line, set(site.templates)) for site in script.sites("Pw")] == [
        (5, {"db.yaml"}),
        (9, {"app.yaml"}),
    ]


def test_a_block_has_its_template() -> None:
    text = """\
resource "aws_cloudformation_stack" "a" {
  template_body = file("db.yaml")
  parameters = {
    Pw = var.a
  }
}
resource "aws_cloudformation_stack" "b" {
  template_body = file("app.yaml")
  parameters = { Pw = var.b }
}
"""
    script = Script(text, PurePosixPath("main.tf"))
    assert [(site.value, set(site.templates)) for site in script.sites("Pw")] == [
        ("var.a", {"db.yaml"}),
        ("var.b", {"app.yaml"}),
    ]
    other = "T=db.yaml\naws cloudformation deploy --template-file $T Pw=$A\ncat app.yaml\n"
    [site] = Script(other).sites("Pw")
    assert set(site.templates) == {"db.yaml", "app.yaml"}


def test_a_command_names_its_parameter_file() -> None:
    text = "deploy -t db.yaml -p conf/p.json\ndeploy -t app.yaml -p p.json\ndeploy q.json\n"
    script = Script(f"{text}# deploy -t old.yaml -p p.json\n")
    assert script.fed_with(PurePosixPath("a/conf/p.json")) == {
        "db.yaml",
        "app.yaml",
    }
    assert script.fed_with(PurePosixPath("p.json")) == {"app.yaml"}
    assert script.fed_with(PurePosixPath("r.json")) == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "create-stack " + "Pw=" * 100_000,
        "create-stack " + "ParameterKey=" * 70_000,
        "create-stack ParameterKey=Pw" + " " * 900_000,
        "create-stack Pw=" + "${{" * 300_000,
        "create-stack Pw=" + '"' * 900_000,
        "create-stack Pw=" + "$(A" * 300_000,
        "create-stack\n" + "".join(f"{' ' * n}- Pw=$A\n" for n in range(1_300)),
        "create-stack\n" + "- " * 400_000 + "Pw=1",
    ],
    ids=["names", "keys", "blanks", "expressions", "quotes", "brackets", "deep", "marks"],
)
def test_a_hostile_text_is_gone_through_once(text: str) -> None:
    start = time.process_time()
    script = Script(text, PurePosixPath("a.yml"))
    list(script.sites("Pw"))
    list(script.giving(Source("A", is_text=False)))
    assert time.process_time() - start < 10
