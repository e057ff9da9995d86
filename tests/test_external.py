"""What is told where a generated password has to be set on a server by hand."""

from __future__ import annotations

import pytest

from remediator.document import Document
from remediator.engine import remediate
from remediator.model import Consequence, Context, Fix
from remediator.registry import builtin_transforms, catalogue, create_only_properties

TEMPLATE = """\
Parameters:
  SourcePassword:
    Type: String
    NoEcho: true
Resources:
  Source:
    Type: AWS::DMS::Endpoint
    Properties:
      EndpointType: source
      EngineName: mariadb
      ServerName: db.example.com
      Port: 3306
      Username: orders
      Password: !Ref SourcePassword
"""


def external(text: str) -> Fix:
    """Return the repair of a template with one finding, which is external."""
    context = Context(catalogue(), create_only=create_only_properties)
    [outcome] = remediate(Document.parse(text), builtin_transforms(), context).outcomes
    fix = outcome.finding.fix
    assert fix is not None, outcome.refusal
    assert fix.consequence is Consequence.EXTERNAL
    return fix


def test_others_who_log_in_are_told_of() -> None:
    fix = external(TEMPLATE)
    assert fix.because == (
        "Source logs in to a server outside this stack, which must be given the generated "
        "password; whoever else logs in there as the same user needs it from then on"
    )
    [step] = fix.follow_ups
    assert step.endswith(
        "and set it for user orders on server db.example.com; until then Source cannot log in, "
        "and from then on nobody can who has the old one."
    )


@pytest.mark.parametrize(
    ("kind", "server"),
    [
        ("AWS::EC2::Instance", "the server Server of this stack"),
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", "the server behind Server"),
    ],
)
def test_a_server_of_the_template_is_called_by_its_name(kind: str, server: str) -> None:
    text = TEMPLATE.replace("db.example.com", "!GetAtt Server.PrivateDnsName")
    fix = external(f"{text}  Server:\n    Type: {kind}\n")
    assert fix.because.startswith(f"Source logs in to {server}, which must be given the generated")
    [step] = fix.follow_ups
    assert f"set it for user orders on {server}; until then" in step


def test_a_server_that_may_be_outside() -> None:
    text = TEMPLATE.replace("db.example.com", "!If [Here, !GetAtt Server.PrivateDnsName, db.lan]")
    conditions = "Conditions:\n  Here: !Equals [!Ref AWS::Region, eu-west-1]\n"
    fix = external(f"{conditions}{text}  Server:\n    Type: AWS::EC2::Instance\n")
    assert fix.because.startswith("Source logs in to a server that its conditions choose, which")
