"""The second opinion: it finds nothing in any case, and what is wrong in plans that are wrong."""

from __future__ import annotations

from pathlib import Path as File

import pytest

from remediator import registry
from remediator.document import Document
from remediator.meaning import second_opinion
from remediator.model import Refusal

CASES = File(__file__).parent / "cases"
AFTERS = sorted(CASES.glob("*/*/after*.*"))


def opinion(old: str, new: str) -> Refusal | None:
    before, after = (Document.parse(text).data for text in (old, new))
    return second_opinion(before, after, registry.catalogue())


@pytest.mark.parametrize("after", AFTERS, ids=lambda file: "/".join(file.parts[-3:]))
def test_no_case_is_objected_to(after: File) -> None:
    before = after.with_name("before" + after.suffix)
    texts = [file.read_bytes().decode("utf-8-sig") for file in (before, after)]
    assert opinion(*texts) is None


# --- mistakes that a plan could make ----------------------------------------------------------

DATABASE = """\
Parameters:
  Snapshot: {Type: String, Default: ''}
  Password: {Type: String, NoEcho: true}
Conditions:
  Restore: !Not [!Equals [!Ref Snapshot, '']]
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: mysql
      DBSnapshotIdentifier: !If [Restore, !Ref Snapshot, !Ref AWS::NoValue]
      MasterUsername: !If [Restore, !Ref AWS::NoValue, admin]
      MasterUserPassword: !Ref Password
"""
SECRET = """\
Parameters:
  Snapshot: {Type: String, Default: ''}
Conditions:
  Restore: !Not [!Equals [!Ref Snapshot, '']]
  Fresh: !Not [!Condition Restore]
Resources:
  Secret:
    Type: AWS::SecretsManager::Secret
    DeletionPolicy: RetainExceptOnCreate
    UpdateReplacePolicy: Retain
    Properties:
      GenerateSecretString:
        SecretStringTemplate: '{"username": "admin"}'
        GenerateStringKey: password
        PasswordLength: 32
        ExcludeCharacters: '"@/\\'
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: mysql
      DBSnapshotIdentifier: !If [Restore, !Ref Snapshot, !Ref AWS::NoValue]
      MasterUsername: !If [Restore, !Ref AWS::NoValue, admin]
      MasterUserPassword: !Sub '{{resolve:secretsmanager:${Secret}::password}}'
  Attachment:
    Type: AWS::SecretsManager::SecretTargetAttachment
    Condition: Fresh
    Properties:
      SecretId: !Ref Secret
      TargetId: !Ref Database
      TargetType: AWS::RDS::DBInstance
"""
REFERENCE = "!Sub '{{resolve:secretsmanager:${Secret}::password}}'"


def test_the_sound_plan_is_not_objected_to() -> None:
    assert opinion(DATABASE, SECRET) is None


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        (
            "    Condition: Fresh\n",
            "",
            "Attachment attaches Database, which has its password by DBSnapshotIdentifier where "
            "Restore is true",
        ),
        (
            "    Type: AWS::SecretsManager::Secret\n",
            "    Type: AWS::SecretsManager::Secret\n    Condition: Fresh\n",
            "Database.Properties.MasterUserPassword refers to Secret, which does not exist",
        ),
        (
            """'{"username": "admin"}'""",
            """!Sub ['{"username": "${U}"}', {U: !If [Restore, !Ref AWS::NoValue, admin]}]""",
            "has AWS::NoValue within a text where Fresh is false",
        ),
        ('"username": "admin"', '"username": "root"', "reads Secret, which is for another user"),
        ("PasswordLength: 32", "PasswordLength: 64", "takes 8 to 41 characters, Secret has 64"),
        ("ExcludeCharacters: '\"@/\\'", "IncludeSpace: false", "refuses characters"),
        ("DeletionPolicy: RetainExceptOnCreate", "DeletionPolicy: Delete", "goes where Database"),
        (":password}}", ":passwort}}", "reads the key passwort, which Secret has not"),
        ("::password}}", "}}", "reads all of Secret, not the password alone"),
        ("password}}'", "password}}!'", "is not one dynamic reference"),
        ("${Secret}::", "${Attachment}::", "waits for the attachment of its own secret"),
        (
            f"MasterUserPassword: {REFERENCE}",
            f"MasterUserPassword: !If [Restore, !Ref AWS::NoValue, {REFERENCE}]",
            "MasterUserPassword has no source any more where Fresh is false",
        ),
        (
            "MasterUsername: !If [Restore, !Ref AWS::NoValue, admin]",
            "MasterUsername: !If [Restore, !Ref AWS::NoValue, "
            "!Sub '{{resolve:secretsmanager:${Secret}::username}}']",
            "the user name beside Database.MasterUserPassword changed",
        ),
        (
            "      MasterUserPassword:",
            "      ManageMasterUserPassword: true\n      MasterUserPassword:",
            "has two sources: the service keeps the password as well",
        ),
        (
            "  Attachment:\n",
            "  Other:\n    Type: AWS::SecretsManager::SecretTargetAttachment\n"
            "    Condition: Fresh\n    Properties: {SecretId: !Ref Secret, "
            "TargetId: !Ref Database, TargetType: AWS::RDS::DBInstance}\n  Attachment:\n",
            "Other and Attachment both attach Secret",
        ),
        ("TargetType: AWS::RDS::DBInstance", "TargetType: AWS::RDS::DBCluster", "another type"),
        (
            SECRET[SECRET.index("  Attachment:") :],
            "",
            "Secret of Database is attached to nothing where Restore is false",
        ),
        ("Type: AWS::RDS::DBInstance\n    P", "Type: AWS::RDS::DBInstance\n    Condition: Fresh\n"
         "    P", "Database no longer exists where Fresh is false"),
        ('{"username": "admin"}', '{"username": admin}', "key password of Secret, which has none"),
    ],
)  # fmt: skip
def test_a_wrong_plan_is_objected_to(right: str, wrong: str, words: str) -> None:
    assert right in SECRET
    found = opinion(DATABASE, SECRET.replace(right, wrong, 1))
    assert found is not None
    assert found.code == "second-opinion"
    assert words in found.reason


def test_a_secret_without_the_condition_of_its_database_is_objected_to() -> None:
    old = DATABASE.replace("Instance\n", "Instance\n    Condition: Restore\n")
    new = SECRET.replace("Type: AWS::RDS::DBInstance\n    P", "Type: AWS::RDS::DBInstance\n"
                         "    Condition: Restore\n    P")  # fmt: skip
    new = new[: new.index("  Attachment:")]
    found = opinion(old, new)
    assert found is not None
    assert "Secret exists, and nothing reads it where Restore is false" in found.reason


def case(name: str, right: str, wrong: str, count: int = 1) -> Refusal | None:
    """Return the opinion on a case's plan with something exchanged."""
    [before] = (CASES / name).glob("before.*")
    after = before.with_name("after" + before.suffix).read_text()
    assert right in after
    return opinion(before.read_text(), after.replace(right, wrong, count))


def test_the_wrong_one_of_two_secrets_is_objected_to() -> None:
    found = case(
        "password-parameters/two-databases-get-one-secret-each",
        "${DBPasswordOrdersSecret}::",
        "${DBPasswordStockSecret}::",
    )
    assert found is not None
    assert "Orders" in found.reason


def test_a_reader_of_the_host_before_the_attachment_is_objected_to() -> None:
    found = case(
        "manual-secrets/reader-waits-for-the-attachment",
        "${DBSecretAttachment}:SecretString:host",
        "${DBSecret}:SecretString:host",
    )
    assert found is not None
    assert "reads the key host of DBSecret before an attachment writes it" in found.reason


def test_a_converted_secret_that_loses_a_key_is_objected_to() -> None:
    name = "manual-secrets/reader-waits-for-the-attachment"
    found = case(name, ', "port": 3306, "dbname": "${DBName}"', "")
    assert found is None  # the attachment writes both
    found = case(name, '"port": 3306', '"port": 3307')
    assert found is not None
    assert "DBSecret has another text under port" in found.reason


def test_a_secret_that_generates_already_must_not_change() -> None:
    found = opinion(SECRET, SECRET.replace("PasswordLength: 32", "PasswordLength: 33"))
    assert found is not None
    assert "Secret would generate another password" in found.reason


TWO = """\
Parameters:
  First: {Type: String, NoEcho: true}
  Second: {Type: String, NoEcho: true}
Resources:
  A:
    Type: AWS::ElastiCache::ReplicationGroup
    Properties: {AuthToken: !Ref First}
  B:
    Type: AWS::ElastiCache::ReplicationGroup
    Properties: {AuthToken: !Ref Second}
  Reader:
    Type: AWS::Lambda::Function
    Properties:
      Environment: {Variables: {URL: !Sub 'rediss://:${First}@a'}}
"""
GENERATED = """\
  %s:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString:
        {SecretStringTemplate: '{}', GenerateStringKey: password, ExcludePunctuation: true}
"""


def two(a: str, b: str, reader: str) -> Refusal | None:
    text = "Resources:\n" + "".join(GENERATED % name for name in ("S1", "S2"))
    text += TWO[TWO.index("  A:") :]
    for old, secret in (("!Ref First", a), ("!Ref Second", b)):
        text = text.replace(old, "!Sub '{{resolve:secretsmanager:${%s}::password}}'" % secret)
    read = "{{resolve:secretsmanager:${%s}::password}}" % reader
    return opinion(TWO, text.replace("${First}", read))


def test_every_reader_of_a_password_reads_its_secret() -> None:
    assert two("S1", "S2", "S1") is None
    found = two("S1", "S2", "S2")
    assert found is not None
    assert "Reader.Properties.Environment.Variables.URL reads ${S2}" in found.reason
    assert "which is not where First went" in found.reason
    found = two("S1", "S1", "S1")
    assert found is not None
    assert "First and Second both became S1" in found.reason


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        ("Type: Custom::Thing\n    Properties: {Password: %s}", "to a custom resource"),
        ("Type: AWS::CloudFormation::Stack\n    Properties: {Parameters: {P: %s}}", "nested stack"),
        ("Type: AWS::EC2::Instance\n    Properties: {UserData: %s}", "no dynamic reference"),
        ("Type: AWS::SNS::Topic\n    Metadata: {P: %s}", "resolves no dynamic reference"),
        ("Type: AWS::SecretsManager::Secret\n    Properties: {SecretString: %s}", "resolves no"),
    ],
)
def test_a_reference_where_none_is_resolved_is_objected_to(resource: str, words: str) -> None:
    text = "  Other:\n    " + resource + "\n"
    found = opinion(DATABASE + text % "!Ref Password", SECRET + text % REFERENCE)
    assert found is not None
    assert words in found.reason


def test_what_no_secret_has_to_do_with_is_not_looked_at() -> None:
    outputs = "Outputs:\n  Topic: {Value: x, Export: %s}\n"
    old, new = (DATABASE + outputs % each for each in ("{}", "{Name: y}"))
    assert opinion(old, new) is None
    assert opinion(DATABASE, DATABASE) is None


def test_too_many_combinations_are_no_opinion() -> None:
    flags = [f"Flag{number}" for number in range(14)]
    conditions = "".join(f"  {each}: !Equals [!Ref {each}, 'yes']\n" for each in flags)
    either = "  Many: !Or [" + ", ".join(f"!Condition {each}" for each in flags) + "]\n"
    old, new = (text.replace("Resources:\n", conditions + either + "Resources:\n", 1)
                .replace("Restore,", "Many,") for text in (DATABASE, SECRET))  # fmt: skip
    found = opinion(old, new)
    assert found is not None
    assert found.code == "too-many-conditions"
    assert "more combinations of values than can be tried" in found.reason


def test_conditions_that_name_one_another_many_times_end() -> None:
    chain = "".join(f"  C{n}: !And [!Condition C{n + 1}, !Condition C{n + 1}]\n" for n in range(60))
    old, new = (text.replace("Resources:\n", chain + "  C60: !Condition C0\nResources:\n", 1)
                .replace("Restore,", "C0,") for text in (DATABASE, SECRET))  # fmt: skip
    found = opinion(old, new)
    assert found is not None  # a circle is never true, so the attachment stands where C0 is not
