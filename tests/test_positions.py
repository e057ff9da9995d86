"""Where a password parameter may stand: what is carried over, and what is left with which code."""

from __future__ import annotations

import pytest
from test_advice import outcome, template

PROPERTY = "X: {Type: %s, Properties: %s}"


def code(resources: str, rest: str = "") -> str:
    """Return the code with which a parameter is left; empty where it is repaired."""
    refusal = outcome(template(resources, rest)).refusal
    return refusal.code if refusal else ""


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::SSM::Parameter", "{Type: String, Value: !Ref Pw}"),
        ("AWS::SSM::Document", "{Content: {mainSteps: [{inputs: {run: [!Sub 'x ${Pw}']}}]}}"),
        ("AWS::Lambda::Function", "{Environment: {Variables: {P: !Sub ['${A}', {A: !Ref Pw}]}}}"),
        ("AWS::ApiGateway::RestApi", "{Body: {info: {title: !Join ['', [a, !Ref Pw]]}}}"),
        ("AWS::StepFunctions::StateMachine", '{DefinitionString: !Sub \'{"a": "${Pw}"}\'}'),
        ("AWS::ECS::TaskDefinition", "{ContainerDefinitions: [{Command: [!Ref Pw]}]}"),
        ("AWS::S3::Bucket", "{Tags: [{Key: a, Value: !Ref Pw}]}"),
        ("Company::Service::Thing", "{Nested: {Name: !Ref Pw}}"),
        ("AWS::SSM::Parameter", "{Value: !If [C, !Ref Pw, a]}"),
    ],
)
def test_a_property_takes_a_reference(kind: str, properties: str) -> None:
    condition = "Conditions:\n  C: !Equals [!Ref AWS::Region, eu-west-1]\n"
    assert code(PROPERTY % (kind, properties), condition) == ""


@pytest.mark.parametrize(
    "function",
    [
        "{'Fn::Base64': !Ref Pw}",
        "{'Fn::Base64': !Sub 'a ${Pw}'}",
        "!Select [0, [!Ref Pw]]",
        "!Split [',', !Ref Pw]",
        "!FindInMap [M, !Ref Pw, a]",
        "!Join [!Ref Pw, [a, b]]",
        "{'Fn::Length': [!Ref Pw]}",
        "{'Fn::ToJsonString': {a: !Ref Pw}}",
        "{'Fn::ImportValue': !Sub '${Pw}-x'}",
        "!Sub '{{resolve:ssm:${Pw}}}'",
        "!Join ['', ['{{resolve:ssm:/a/', !Ref Pw, '}}']]",
        "!Join ['', ['{{resolve:ssm:/a/', !If [C, !Ref Pw, a], '}}']]",
        "!If [C, !Sub '{{resolve:ssm:${Pw}}}', a]",
    ],
)
def test_a_function_would_work_on_the_text_of_a_reference(function: str) -> None:
    condition = "Conditions:\n  C: !Equals [!Ref AWS::Region, eu-west-1]\n"
    assert code(PROPERTY % ("AWS::SSM::Parameter", f"{{Value: {function}}}"), condition) == (
        "used-in-function"
    )


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (PROPERTY % ("AWS::EC2::Instance", "{UserData: !Ref Pw}"), "used-in-userdata"),
        (
            PROPERTY % ("AWS::EC2::LaunchTemplate", "{LaunchTemplateData: {UserData: !Ref Pw}}"),
            "used-in-userdata",
        ),
        (PROPERTY % ("Custom::X", "{P: !Ref Pw}"), "used-in-custom-resource"),
        (
            PROPERTY % ("AWS::CloudFormation::CustomResource", "{P: [!Ref Pw]}"),
            "used-in-custom-resource",
        ),
        (
            PROPERTY % ("AWS::CloudFormation::Stack", "{Parameters: {P: !Ref Pw}}"),
            "passed-to-nested-stack",
        ),
        (PROPERTY % ("AWS::CloudFormation::WaitCondition", "{Handle: !Ref Pw}"), "used-elsewhere"),
        (PROPERTY % ("Company::App::Db::MODULE", "{P: !Ref Pw}"), "used-in-module"),
        (PROPERTY % ("AWS::AppSync::Resolver", "{Code: !Ref Pw}"), "used-in-inline-code"),
        (
            PROPERTY % ("AWS::Synthetics::Canary", "{Code: {Script: !Ref Pw}}"),
            "used-in-inline-code",
        ),
        (PROPERTY % ("AWS::S3::Bucket", "{BucketName: !Join ['-', [a, !Ref Pw]]}"), "used-in-name"),
        (PROPERTY % ("AWS::IAM::Role", "{RoleName: !If [C, !Ref Pw, a]}"), "used-in-name"),
        (PROPERTY % ("AWS::SSM::Parameter", "{Name: !Sub '/${Pw}', Value: a}"), "used-in-name"),
        ("X: {Type: AWS::S3::Bucket, Metadata: {a: !Ref Pw}}", "used-in-metadata"),
        ("X: {Type: AWS::S3::Bucket, UpdatePolicy: {a: !Ref Pw}}", "used-elsewhere"),
        (
            PROPERTY
            % ("AWS::S3::Bucket", "{'Fn::Transform': {Name: M, Parameters: {a: !Ref Pw}}}"),
            "macro",
        ),
        (
            PROPERTY % ("AWS::S3::Bucket", "{'Fn::ForEach::L': [N, [a], {'${N}': !Ref Pw}]}"),
            "within-loop",
        ),
        ("Fn::ForEach::L: [N, [a], {'X${N}': {Type: A, Properties: {a: !Ref Pw}}}]", "within-loop"),
    ],
)
def test_a_place_in_a_resource_takes_none(resource: str, expected: str) -> None:
    condition = "Conditions:\n  C: !Equals [!Ref AWS::Region, eu-west-1]\n"
    assert code(resource, condition) == expected


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("Outputs:\n  O: {Value: a, Export: {Name: !Sub 'a-${Pw}'}}\n", "used-in-output"),
        ("Conditions:\n  C: !Equals [!Ref Pw, a]\n", "used-in-condition"),
        ("Metadata: {a: !Ref Pw}\n", "used-in-metadata"),
        ("Mappings: {M: {a: {b: !Ref Pw}}}\n", "used-elsewhere"),
        ("Description: !Sub 'a ${Pw}'\n", "used-elsewhere"),
        ("Hooks: {H: {Properties: {a: !Ref Pw}}}\n", "used-elsewhere"),
    ],
)
def test_a_section_takes_none(section: str, expected: str) -> None:
    assert code("", section) == expected
