"""Templates of any size, and folders of them: written anew for each measurement, by no random."""

from __future__ import annotations

from pathlib import Path

_HEAD = """\
AWSTemplateFormatVersion: '2010-09-09'
Description: A service of {count} resources
Parameters:
  Stage: {{Type: String, Default: test, AllowedValues: [test, live]}}
  DBUsername: {{Type: String, Default: appadmin}}
  DBPassword:
    Type: String
    NoEcho: true
    MinLength: 12
Conditions:
  IsLive: !Equals [!Ref Stage, live]
Resources:
  # The one database, and what its repair stands beside
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: postgres
      DBInstanceClass: !If [IsLive, db.m6g.large, db.t4g.micro]
      AllocatedStorage: '20'
      MasterUsername: !Ref DBUsername
      MasterUserPassword: !Ref DBPassword
  Events:
    Type: AWS::SNS::Topic
    Properties:
      TopicName: !Sub '${{AWS::StackName}}-events'
      Tags: null
"""
_KINDS = (
    """\
  Queue{n}:  # for the consumers of part {n}
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub '${{AWS::StackName}}-part-{n}'
      VisibilityTimeout: 60
""",
    """\
  Alarm{n}:
    Type: AWS::CloudWatch::Alarm
    Condition: IsLive
    Properties:
      MetricName: ApproximateNumberOfMessagesVisible
      Namespace: AWS/SQS
      Dimensions: [{{Name: QueueName, Value: !GetAtt Queue{before}.QueueName}}]
      AlarmActions: [!Ref Events]
""",
    """\
  Subscription{n}:
    Type: AWS::SNS::Subscription
    Properties: {{Protocol: sqs, TopicArn: !Ref Events, Endpoint: !GetAtt Queue{older}.Arn}}
""",
)
_OUTPUTS = """\
Outputs:
  EventsArn:
    Value: !Ref Events
    Export:
      Name: !Sub '${AWS::StackName}-EventsArn'
"""


def template(count: int) -> str:
    """Return a template of so many resources, two of them with something to repair."""
    parts = [_HEAD.format(count=count)]
    for number in range(count - 2):
        kind = _KINDS[number % len(_KINDS)]
        parts.append(kind.format(n=number, before=number - 1, older=number - 2))
    return "".join(parts) + _OUTPUTS


def folder(where: Path, count: int, every: int = 10) -> list[Path]:
    """Write so many templates of 20 resources below a folder; one in `every` is to be repaired."""
    files = []
    repaired = template(20)
    clean = repaired.replace(
        "MasterUserPassword: !Ref DBPassword", "ManageMasterUserPassword: true"
    )
    clean = clean.replace("      Tags: null\n", "")
    for number in range(count):
        file = where / f"{number // 100:03}" / f"service-{number:05}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(clean if number % every else repaired, encoding="utf-8")
        files.append(file)
    return files
