"""Where files give parameters: which entries, which values, and whether they can be taken out."""

from __future__ import annotations

import pytest

from remediator import call_sites
from remediator.call_sites import Site
from remediator.model import Path


def in_settings(name: str, text: str) -> list[Site]:
    return list(call_sites.in_settings(call_sites.compose(text), name))


def in_template(text: str) -> list[Site]:
    [root] = call_sites.compose(text)
    return list(call_sites.in_template(root))


def told(sites: list[Site]) -> list[tuple[str, str, tuple[Path, ...]]]:
    return [(site.parameter, site.edit, site.places) for site in sites]


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("p.json", '[{"ParameterKey": "X", "ParameterValue": "v"}]', (0,)),
        ("p.json", '[{"ParameterValue": "v", "ParameterKey": "X"}]', (0,)),
        ("p.json", '["X=v"]', (0,)),
        ("p.json", '{"X": "v"}', ("X",)),
        ("p.json", '{"Parameters": {"X": "v"}, "Tags": {"a": "b"}}', ("Parameters", "X")),
        (
            "p.json",
            '{"Parameters": [{"ParameterKey": "X", "ParameterValue": "v"}]}',
            ("Parameters", 0),
        ),
        ("p.yml", "parameters: {X: v}\n", ("parameters", "X")),
        ("p.yml", "ParameterOverrides:\n  - X=v\n", ("ParameterOverrides", 0)),
        (
            "p.json",
            '{"ProvisioningParameters": [{"Key": "X", "Value": "v"}]}',
            ("ProvisioningParameters", 0),
        ),
        ("p.yml", "a: 1\n---\nX: v\n", (1, "X")),
        ("p.yml", "X: v\nAll: [a, b]\nPort: 80\n", ("X",)),
        ("p.json", '{"Parameters": {"X": "v", "B": {"Fn::GetParam": []}}}', ("Parameters", "X")),
        (".taskcat.yml", "general: {parameters: {X: v}}", ("general", "parameters", "X")),
        (".taskcat.yml", "project: {parameters: {X: v}}", ("project", "parameters", "X")),
        (".taskcat.yml", "tests: {t: {parameters: {X: v}}}", ("tests", "t", "parameters", "X")),
        (".taskcat_overrides.yml", "X: v", ("X",)),
        (
            "samconfig.yaml",
            "d: {deploy: {parameters: {parameter_overrides: X=v A=1}}}",
            ("d", "deploy", "parameters", "parameter_overrides"),
        ),
        (
            "samconfig.yml",
            "d: {deploy: {parameters: {parameter_overrides: [A=1, X=v]}}}",
            ("d", "deploy", "parameters", "parameter_overrides", 1),
        ),
        (
            "samconfig.json",
            '{"d": {"deploy": {"parameters": {"parameter_overrides": [{"X": "v"}]}}}}',
            ("d", "deploy", "parameters", "parameter_overrides", 0, "X"),
        ),
        ("config/db.yaml", "template_path: a.yaml\nparameters: {X: v}", ("parameters", "X")),
        ("config/db.yaml", "template: {path: a.yaml}\nparameters: {X: v}", ("parameters", "X")),
        ("d.yaml", "template-file-path: a.yaml\nparameters: {X: v}", ("parameters", "X")),
        (
            "play.yml",
            "- tasks:\n  - cloudformation: {stack_name: s, template_parameters: {X: v}}",
            (0, "tasks", 0, "cloudformation", "template_parameters", "X"),
        ),
        (
            "play.yml",
            "- cloudformation:\n  args: {template: t, template_parameters: {X: v}}",
            (0, "args", "template_parameters", "X"),
        ),
        (
            "play.yml",
            "- community.aws.cloudformation_stack_set: {parameters: {X: v}}",
            (0, "community.aws.cloudformation_stack_set", "parameters", "X"),
        ),
    ],
)
def test_an_entry_that_can_be_taken_out(name: str, text: str, place: Path) -> None:
    [site] = [site for site in in_settings(name, text) if site.parameter == "X"]
    assert (site.edit, site.value) == ("yaml", "v")
    assert site.places == (place,)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        # Nothing says that these are all values of parameters.
        ("p.yml", "X: v\nother: {a: b}\n"),
        ("config.yml", "version: 2.1\nparameters:\n  X: {type: string}\n"),
        ("p.yml", "parameters: X=v A=1\n"),
        # Not where the tool reads them.
        (".taskcat.yml", "tests: {t: {extra: {parameters: {X: v}}}}"),
        ("samconfig.yaml", "d: {parameter_overrides: X=v}"),
        ("play.yml", "- vars: {template_parameters: {X: v}}"),
        # They stand elsewhere.
        ("p.yml", "Parameters:\n  <<: &all {X: v}\n"),
        (".taskcat.yml", "a: &all {X: v}\nproject:\n  parameters:\n    <<: [*all]\n"),
    ],
)
def test_an_entry_that_is_only_told(name: str, text: str) -> None:
    sites = [site for site in in_settings(name, text) if site.parameter == "X"]
    assert sites
    assert {(site.edit, site.places) for site in sites} == {("", ())}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("plain", "plain"),
        ("'{{resolve:ssm:/a}}'", "{{resolve:ssm:/a}}"),
        ("{{resolve:ssm:/a}}", "{{resolve:ssm:/a}}"),
        ("{{ a }}-{{ b }}/{{c}}{{d}}x", "{{ a }}-{{ b }}/{{c}}{{d}}x"),
        ("!environment_variable DB_PASSWORD", "!environment_variable DB_PASSWORD"),
        ("!ssm {name: /a}", None),
        ("[a, b]", None),
        ("12", "12"),
        ("! a", "a"),
        ("", ""),
    ],
)
def test_values_are_told_as_they_are_written(written: str, value: str | None) -> None:
    text = f"template_path: a.yaml\nparameters:\n  X: {written}\n  B: {{{{ c }}}}\n"
    assert [site.value for site in in_settings("x.yaml", text)] == [value, "{{ c }}"]


def test_jinja_in_a_block_text() -> None:
    text = "X: |\n  a {{ b }}\n  {{ c }}: d\nY: 1\n"
    assert [site.value for site in in_settings("x.yaml", text)] == ["a {{ b }}\n{{ c }}: d\n", "1"]


def test_a_value_is_no_part_of_what_a_site_prints() -> None:
    [site] = in_settings("p.json", '{"X": "s3cr3t"}')
    assert "s3cr3t" not in repr(site)


def test_each_test_of_taskcat_has_its_template() -> None:
    text = """\
project:
  template: all.yaml
  parameters: {X: 1}
tests:
  one: {template: one.yaml, parameters: {X: 2}}
  two: {parameters: {X: 3}}
"""
    assert [set(site.templates) for site in in_settings(".taskcat.yml", text)] == [
        {"all.yaml", "one.yaml"},
        {"one.yaml"},
        {"all.yaml"},
    ]


def test_each_task_of_ansible_has_its_template() -> None:
    text = """\
- cloudformation: {stack_name: a, template: a.yaml, template_parameters: {X: 1}}
- cloudformation: {stack_name: b, template_url: https://s3/b.yaml, template_parameters: {X: 1}}
- cloudformation: {stack_name: c, template_parameters: {X: 1}}
"""
    assert [set(site.templates) for site in in_settings("play.yml", text)] == [
        {"a.yaml"},
        {"https://s3/b.yaml"},
        {"a.yaml", "https://s3/b.yaml"},
    ]


def test_each_command_of_sam_has_its_template() -> None:
    text = """\
[default.build.parameters]
template_file = "built.yaml"
[default.deploy.parameters]
parameter_overrides = "X=1"
[prod.deploy.parameters]
template = 'prod.yaml'
parameter_overrides = ["A=1", "X=2 B=3"]
"""
    found = [site for site in call_sites.in_toml(text) if site.parameter == "X"]
    assert [(site.line, set(site.templates), site.value, set(site.names)) for site in found] == [
        (4, {"built.yaml", "prod.yaml"}, "1", {"A", "B", "X"}),
        (7, {"prod.yaml"}, "2", {"A", "B", "X"}),
    ]
    [lone] = call_sites.in_toml('[a.b.parameters]\nparameter_overrides = "X=1"')
    assert lone.templates == {"template.yaml", "template.yml", "template.json"}


def test_lines_of_a_toml_text_are_those_of_the_assignments() -> None:
    text = '[a.b.parameters]\nparameter_overrides = """\\\n  A=1 \\\n  X=2"""\n[c]\n'
    assert [(site.parameter, site.line) for site in call_sites.in_toml(text)] == [
        ("A", 3),
        ("X", 4),
    ]


@pytest.mark.parametrize(
    "text",
    [
        'parameter_overrides = "X=1"',
        '[a]\nparameter_overrides = ["X=1"]',
        '[a.b]\nparameters.other = 1\nparameter_overrides = "X=1"',
    ],
)
def test_overrides_that_no_command_reads_are_only_told(text: str) -> None:
    assert [(site.parameter, site.edit) for site in call_sites.in_toml(text)] == [("X", "")]


@pytest.mark.parametrize("text", ["a = [", "a = {", "a.b = 1\na = 2", "[a]\n[a]\n"])
def test_a_broken_toml_text_gives_nothing(text: str) -> None:
    assert list(call_sites.in_toml(text)) == []


# --- templates -------------------------------------------------------------------------------

RESOURCE = "Resources:\n  R:\n    Type: {}\n    Properties:\n"


def test_arguments_of_nested_stacks() -> None:
    text = RESOURCE.format("AWS::CloudFormation::Stack") + (
        "      TemplateURL: https://s3/db.yaml\n"
        "      Parameters: {X: !Ref Password, Y: {Ref: B}, Z: !GetAtt A.B}\n"
    )
    place: Path = ("Resources", "R", "Properties", "Parameters")
    assert [(s.parameter, s.edit, s.places, s.value) for s in in_template(text)] == [
        ("X", "template", ((*place, "X"),), "!Ref Password"),
        ("Y", "template", ((*place, "Y"),), None),
        ("Z", "template", ((*place, "Z"),), "!GetAtt A.B"),
    ]


@pytest.mark.parametrize("function", ["!If [C, {X: 1}, {Y: 2}]", "{Fn::If: [C, {X: 1}, {Y: 2}]}"])
def test_arguments_of_nested_stacks_by_a_condition(function: str) -> None:
    text = RESOURCE.format("AWS::Serverless::Application") + (
        f"      Location: app.yaml\n      Parameters: {function}\n"
    )
    place: Path = ("Resources", "R", "Properties", "Parameters", "Fn::If")
    assert told(in_template(text)) == [
        ("X", "template", ((*place, 1, "X"),)),
        ("Y", "template", ((*place, 2, "Y"),)),
    ]


def test_a_function_that_gives_them_all_names_none() -> None:
    text = RESOURCE.format("AWS::CloudFormation::Stack") + (
        "      TemplateURL: a.yaml\n      Parameters: {Fn::Transform: {Name: X}}\n"
    )
    assert in_template(text) == []


def test_a_stack_set_gives_some_to_its_instances_alone() -> None:
    text = RESOURCE.format("AWS::CloudFormation::StackSet") + (
        "      TemplateURL: db.yaml\n"
        "      Parameters: [{ParameterKey: X, ParameterValue: a}]\n"
        "      StackInstancesGroup:\n"
        "        - ParameterOverrides: [{ParameterKey: X, ParameterValue: b}]\n"
    )
    place: Path = ("Resources", "R", "Properties")
    assert told(in_template(text)) == [
        ("X", "template", ((*place, "Parameters", 0),)),
        ("X", "template", ((*place, "StackInstancesGroup", 0, "ParameterOverrides", 0),)),
    ]


@pytest.mark.parametrize(
    "which", ["ProductId: !Ref P", "ProductId: {Ref: P}", "ProductName: Database"]
)
def test_a_product_is_tied_to_its_templates(which: str) -> None:
    product = (
        "  P:\n    Type: AWS::ServiceCatalog::CloudFormationProduct\n    Properties:\n"
        "      Name: Database\n      ProvisioningArtifactParameters:\n"
        "        - Info: {LoadTemplateFromURL: https://s3/db.yaml}\n"
    )
    text = RESOURCE.format("AWS::ServiceCatalog::CloudFormationProvisionedProduct") + (
        f"      {which}\n      ProvisioningParameters: [{{Key: X, Value: v}}]\n"
    )
    [site] = in_template(text + product)
    assert site.places == (("Resources", "R", "Properties", "ProvisioningParameters", 0),)
    assert (site.how, site.edit, site.value) == ("Service Catalog product", "template", "v")
    assert site.templates == {"https://s3/db.yaml"}
    [site] = in_template(text)
    assert site.templates == frozenset()


def test_a_pipelines_overrides_are_only_told() -> None:
    text = RESOURCE.format("AWS::CodePipeline::Pipeline") + (
        "      Stages:\n        - Actions:\n            - Configuration:\n"
        "                TemplatePath: Build::db.yaml\n"
        "                ParameterOverrides: |\n                  {\n"
        '                    "X": "1"\n                  }\n'
    )
    assert [(s.parameter, s.line, s.edit, s.places) for s in in_template(text)] == [
        ("X", 11, "", ())
    ]
