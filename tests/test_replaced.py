"""Which resources a repair replaces because they carry the password, and what is told of that."""

from __future__ import annotations

import pytest

from remediator.document import Document
from remediator.engine import remediate
from remediator.model import Consequence, Context, CreateOnlyTypes, Finding, Settings
from remediator.registry import builtin_transforms, catalogue, create_only_properties

TEMPLATE = """\
Parameters:
  DBPassword:
    Type: String
    NoEcho: true
Conditions:
  Loud: !Equals [!Ref AWS::Region, eu-west-1]
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: mysql
      MasterUsername: shop
      MasterUserPassword: !Ref DBPassword
"""
LIVE = (
    "the live password of Database becomes the generated one at the next deployment; whoever "
    "holds the old one must read the secret"
)
ALLOWED = frozenset(Consequence)


def found(text: str, *, strategy: str = "generated") -> Finding:
    """Return the finding on a template that is repaired."""
    settings = Settings(strategy=strategy, allow=ALLOWED)
    context = Context(catalogue(), settings, create_only=create_only_properties)
    [outcome, *_] = remediate(Document.parse(text), builtin_transforms(), context).outcomes
    assert outcome.finding.fix is not None, outcome.refusal
    return outcome.finding


def carrying(kind: str, *properties: str) -> str:
    """Return the template with a resource that is given these properties, line by line."""
    lines = "".join(f"      {line}\n" for line in properties)
    return f"{TEMPLATE}  Carrier:\n    Type: {kind}\n    Properties:\n{lines}"


@pytest.mark.parametrize(
    ("kind", "properties", "place", "fails"),
    [
        ("AWS::SageMaker::Model", ["Containers: [{Environment: {A: !Ref DBPassword}}]"], "", ""),
        (
            "AWS::SageMaker::Model",
            ["ModelName: orders", "Containers: [{Environment: {A: !Ref DBPassword}}]"],
            "",
            ", which fails while ModelName stays: change that in the same deployment",
        ),
        (
            "AWS::SageMaker::Model",
            ["ModelName: !Ref AWS::NoValue", "Containers: [{Environment: {A: !Ref DBPassword}}]"],
            "",
            "",
        ),
        ("AWS::SSM::Document", ["Content: !Sub 'a ${DBPassword}'"], "Content", ""),
        (
            "AWS::SSM::Document",
            ["Name: dump", "UpdateMethod: Replace", "Content: !Sub 'a ${DBPassword}'"],
            "Content",
            ", which fails while Name stays: change that in the same deployment",
        ),
        (
            "AWS::ApiGateway::Model",
            ["RestApiId: a1b2", "Name: Order", "ContentType: !Ref DBPassword"],
            "ContentType",
            ", which fails while Name and RestApiId stay: change that in the same deployment",
        ),
        (
            "AWS::ImageBuilder::Component",
            ["Name: app", "Version: 1.0.0", "Data: !Join ['', [a, !Ref DBPassword]]"],
            "Data",
            ", which may fail while Name and Version stay: raise Version in the same deployment",
        ),
        (
            "AWS::AutoScaling::LaunchConfiguration",
            ["LaunchConfigurationName: web", "SpotPrice: !Ref DBPassword"],
            "SpotPrice",
            ", which fails while LaunchConfigurationName stays: change that in the same deployment",
        ),
        (
            "AWS::AppConfig::HostedConfigurationVersion",
            ["VersionLabel: first", "Content: !Ref DBPassword"],
            "Content",
            "",
        ),
        (
            "AWS::EMR::Step",
            ["HadoopJarStep: {Args: !If [Loud, [!Ref DBPassword], []]}"],
            "HadoopJarStep",
            "",
        ),
        (
            "AWS::EMR::Cluster",
            ["Configurations: !If [Loud, [{Classification: !Ref DBPassword}], []]"],
            "Configurations",
            "",
        ),
        (
            "AWS::SSMQuickSetup::ConfigurationManager",
            ["ConfigurationDefinitions: [{Type: !Ref DBPassword}]"],
            "ConfigurationDefinitions",
            "",
        ),
    ],
)
def test_what_is_replaced(kind: str, properties: list[str], place: str, fails: str) -> None:
    fix = found(carrying(kind, *properties)).fix
    assert fix is not None
    assert fix.consequence is Consequence.REPLACES
    assert fix.because == (
        f"{LIVE}; the text of Carrier.{place or 'Containers'} changes too, and cannot be changed "
        f"in place, so Carrier is replaced by a new one{fails}"
    )


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::ECS::TaskDefinition", ["ContainerDefinitions: [{Command: [!Ref DBPassword]}]"]),
        ("AWS::AutoScaling::LaunchConfiguration", ["SpotPrice: !Ref DBPassword"]),
        ("AWS::AppConfig::HostedConfigurationVersion", ["Content: !Ref DBPassword"]),
        ("AWS::Batch::JobDefinition", ["ContainerProperties: {Command: [!Ref DBPassword]}"]),
        ("AWS::EC2::LaunchTemplate", ["LaunchTemplateData: {KeyName: !Ref DBPassword}"]),
        ("AWS::Lambda::Function", ["Environment: {Variables: {A: !Ref DBPassword}}"]),
        (
            "AWS::SSM::Document",
            ["Name: dump", "UpdateMethod: NewVersion", "Content: !Sub 'a ${DBPassword}'"],
        ),
        (
            "AWS::SSMQuickSetup::ConfigurationManager",
            ["ConfigurationDefinitions: [{Parameters: {A: !Ref DBPassword}}]"],
        ),
        ("Example::Made::Here", ["Anything: !Ref DBPassword"]),
    ],
)
def test_what_is_not_replaced(kind: str, properties: list[str]) -> None:
    fix = found(carrying(kind, *properties)).fix
    assert fix is not None
    assert (fix.consequence, fix.because) == (Consequence.ROTATES, LIVE)


def test_a_reference_replaces_too() -> None:
    """The value stays, but CloudFormation compares texts."""
    text = carrying("AWS::EMR::Step", "HadoopJarStep: {Args: [!Ref DBPassword]}")
    fix = found(text, strategy="reference").fix
    assert fix is not None
    assert fix.consequence is Consequence.REPLACES
    assert fix.because.startswith("the text of Carrier.HadoopJarStep changes")
    assert not any("Look at the change set" in each for each in fix.follow_ups)


@pytest.mark.parametrize(
    ("kind", "line", "told"),
    [
        ("AWS::Lambda::Function", "Environment: {Variables: {A: !Ref DBPassword}}", False),
        ("AWS::ECS::TaskDefinition", "ContainerDefinitions: [{Command: [!Ref DBPassword]}]", True),
        ("Example::Made::Here", "Anything: !Ref DBPassword", True),
    ],
)
def test_a_reference_tells_what_may_be_replaced(kind: str, line: str, *, told: bool) -> None:
    fix = found(carrying(kind, line), strategy="reference").fix
    assert fix is not None
    assert fix.consequence is Consequence.SAFE
    assert any("Look at the change set" in each for each in fix.follow_ups) is told


@pytest.mark.parametrize(
    ("text", "carries"),
    [
        (TEMPLATE, False),
        (carrying("AWS::Lambda::Function", "Environment: {Variables: {A: !Ref DBPassword}}"), True),
    ],
)
def test_types_are_looked_up_where_a_password_is_carried(text: str, *, carries: bool) -> None:
    asked = []

    def create_only() -> CreateOnlyTypes:
        asked.append(1)
        return create_only_properties()

    context = Context(catalogue(), Settings(), create_only=create_only)
    remediate(Document.parse(text), builtin_transforms(), context)
    assert bool(asked) is carries


def test_what_refers_to_it_is_replaced_along() -> None:
    """A model, the configuration that names it, and not the endpoint, which takes another one."""
    model = carrying(
        "AWS::SageMaker::Model", "PrimaryContainer: {Environment: {A: !Ref DBPassword}}"
    )
    text = f"""{model}
  Configuration:
    Type: AWS::SageMaker::EndpointConfig
    DependsOn: Carrier
    Properties:
      EndpointConfigName: orders
      ProductionVariants: [{{ModelName: !GetAtt Carrier.ModelName, VariantName: all}}]
  Endpoint:
    Type: AWS::SageMaker::Endpoint
    Properties:
      EndpointConfigName: !GetAtt Configuration.EndpointConfigName
Outputs:
  Model:
    Value: !Ref Carrier
"""
    fix = found(text).fix
    assert fix is not None
    assert fix.because == (
        f"{LIVE}; the text of Carrier.PrimaryContainer changes too, and cannot be changed in "
        "place, so Carrier is replaced by a new one; Configuration.ProductionVariants refers to "
        "Carrier and cannot be changed either, so Configuration is replaced along, which fails "
        "while EndpointConfigName stays: change that in the same deployment"
    )


def test_of_many_that_are_replaced_a_few_are_named() -> None:
    step = "HadoopJarStep: {Args: [!Ref DBPassword]}"
    steps = "".join(
        f"  Step{number}:\n    Type: AWS::EMR::Step\n    Properties:\n      {step}\n"
        for number in range(8)
    )
    fix = found(TEMPLATE + steps).fix
    assert fix is not None
    assert "so Step4 is replaced by a new one; 3 more resources are replaced too" in fix.because
    assert "Step5" not in fix.because
