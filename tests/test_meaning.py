"""The second opinion: it finds nothing in any case, and what is wrong in plans that are wrong."""

from __future__ import annotations

from pathlib import Path as File

import pytest

from remediator import registry
from remediator.document import Document
from remediator.meaning import second_opinion
from remediator.model import Refusal
from remediator.testing import Case

CASES = File(__file__).parent / "cases"
AFTERS = sorted(CASES.glob("*/*/after*.*"))


def opinion(old: str, new: str, **unheard: frozenset[str]) -> Refusal | None:
    before, after = (Document.parse(text).data for text in (old, new))
    return second_opinion(before, after, registry.catalogue(), unheard)


@pytest.mark.parametrize("after", AFTERS, ids=lambda file: "/".join(file.parts[-3:]))
def test_no_case_is_objected_to(after: File) -> None:
    before = after.with_name("before" + after.suffix)
    texts = [file.read_bytes().decode("utf-8-sig") for file in (before, after)]
    nested = Case(after.parts[-3], after.parent).family().nested
    unheard = {stack: each.gone for stack, each in nested.items()}
    assert opinion(texts[0], texts[1], **unheard) is None


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


def test_conditions_that_are_very_deep_are_no_opinion() -> None:
    chain = "".join(f"  C{n}: !Not [!Condition C{n + 1}]\n" for n in range(500))
    chain += "  C500: !Condition Restore\nResources:\n"
    old, new = (
        text.replace("Resources:\n", chain, 1).replace("Restore,", "C0,")
        for text in (DATABASE, SECRET)
    )
    found = opinion(old, new)
    assert found is not None
    assert found.code == "too-many-conditions"


# --- readers, outputs and what else is around a credential -------------------------------------

LAMBDA = """\
  Function:
    Type: AWS::Lambda::Function
    Properties: {Environment: {Variables: {P: %s}}}
"""
OUTPUT = "Outputs:\n  P: {Value: %s}\n"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (LAMBDA % "!Ref Password", LAMBDA % REFERENCE, ""),
        (LAMBDA % "!Ref Password", LAMBDA % "x", "Variables.P reads nothing where Password was"),
        (
            LAMBDA.replace("P: %s", "P: !Ref Password, Q: x"),
            LAMBDA.replace("P: %s", "Q: x"),
            "Function.Properties.Environment.Variables.P reads nothing where Password was",
        ),
        (OUTPUT % "!Ref Password", OUTPUT % REFERENCE, "Outputs.P.Value resolves no dynamic"),
        (OUTPUT % "x", OUTPUT % "!Ref Attachment", "refers to Attachment, which does not exist"),
        (OUTPUT % "x", (OUTPUT % "!Ref Attachment").replace("{", "{Condition: Fresh, "), ""),
        (
            OUTPUT % "x, Export: '{{resolve:secretsmanager:name}}'",
            OUTPUT % "x, Export: {Name: '{{resolve:secretsmanager:name}}'}",
            "",  # as wrong as it was
        ),
        (
            "Metadata: {P: !Ref Password}\n",
            f"Metadata: {{P: {REFERENCE}}}\n",
            "Metadata resolves no dynamic reference",
        ),
    ],
)
def test_what_reads_a_password_is_looked_at(old: str, new: str, words: str) -> None:
    found = opinion(DATABASE + old, SECRET + new)
    assert (words in found.reason) if found and words else found is None and not words


def test_what_still_reads_the_parameter_of_a_credential_is_objected_to() -> None:
    kept = SECRET.replace("  Snapshot:", "  Password: {Type: String}\n  Snapshot:", 1)
    reader = LAMBDA % "!Ref Password"
    found = opinion(DATABASE + reader, kept + reader)
    assert found is not None
    assert "P still reads Password, which Database.MasterUserPassword has not" in found.reason


TOKEN = """\
  %s:
    Type: AWS::ElastiCache::ReplicationGroup
    Properties: {AuthToken: %s}
"""
SERVER = """\
Resources:
  DB:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Delete
    Properties: {Engine: mysql, MasterUsername: admin, %s}
"""
MADE = """\
  S:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString:
        SecretStringTemplate: '{"username": "admin"}'
        GenerateStringKey: password
        ExcludePunctuation: true
"""
ATTACHED = """\
  %s:
    Type: AWS::SecretsManager::SecretTargetAttachment
    Properties: {SecretId: !Ref S, TargetId: !Ref DB, TargetType: AWS::RDS::DBInstance}
"""
ROTATED = """\
  Rotation:
    Type: AWS::SecretsManager::RotationSchedule
    Properties: {SecretId: !Ref S, RotationRules: {AutomaticallyAfterDays: 30}}
"""
OF_S = "!Sub '{{resolve:secretsmanager:${S}::password}}'"
LITERAL = SERVER % "MasterUserPassword: hunter2hunter2"
SOUND = SERVER % f"MasterUserPassword: {OF_S}" + MADE + ATTACHED % "At"
ENDPOINT = "  E: {Type: AWS::DMS::Endpoint, Properties: {Username: admin, Password: %s}}\n"


def objection(old: str, new: str) -> str:
    found = opinion(old, new)
    return found.reason if found else ""


def test_two_literals_do_not_become_one_password() -> None:
    old = "Resources:\n" + TOKEN % ("A", "first-of-two-tokens") + TOKEN % ("B", "the-other-token-")
    new = "Resources:\n" + GENERATED % "S" + TOKEN % ("A", OF_S) + TOKEN % ("B", OF_S)
    assert objection(old, new) == "A.AuthToken and B.AuthToken both became S"
    assert not objection(old.replace("the-other-token-", "first-of-two-tokens"), new)


def test_what_logs_in_with_a_literal_goes_with_it() -> None:
    old = LITERAL + ENDPOINT % "hunter2hunter2"
    assert not objection(old, SOUND + ENDPOINT % OF_S)
    found = objection(old, SOUND + ENDPOINT % "hunter2hunter2")
    assert found == "E.Password keeps the password that DB.MasterUserPassword has not any more"


def test_an_attachment_beside_one_that_stands_is_objected_to() -> None:
    assert not objection(SERVER % f"MasterUserPassword: {OF_S}" + MADE, SOUND)
    assert objection(SOUND, SOUND + ATTACHED % "Second") == "At and Second both attach S"


def test_a_database_keeps_the_attachment_of_another_user() -> None:
    other = (ATTACHED % "Application").replace("!Ref S", "!ImportValue ApplicationSecret")
    assert not objection(LITERAL + other, SOUND + other)


def test_a_type_that_takes_no_attachment_gets_none() -> None:
    user = SERVER.replace("RDS::DBInstance", "MemoryDB::User")
    user %= "AuthenticationMode: {Passwords: [%s]}"
    new = user % OF_S + MADE + (ATTACHED % "At").replace("RDS::DBInstance", "MemoryDB::User")
    found = objection(user % "hunter2hunter2hunter2", new)
    assert found == "At attaches DB, whose type takes no attachment"


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ("ManageMasterUserPassword: true", ""),
        ("AllocatedStorage: 5", "DB.MasterUserPassword has no source any more"),
        ("ManageMasterUserPassword: true, MasterUserPassword: hunter2hunter2", "has two sources"),
    ],
)
def test_the_service_keeps_a_password_alone_or_not_at_all(properties: str, words: str) -> None:
    found = objection(LITERAL, SERVER % properties)
    assert words in found if words else not found


def test_two_sources_that_stood_before_are_not_the_repairs() -> None:
    both = SERVER % "ManageMasterUserPassword: true, MasterUserPassword: %s"
    assert not objection(both % "hunter2hunter2", both % OF_S + MADE)


def test_what_logs_in_to_a_managed_database_is_objected_to() -> None:
    reader = ENDPOINT % "hunter2hunter2"
    found = objection(LITERAL + reader, SERVER % "ManageMasterUserPassword: true" + reader)
    assert found == "E.Password keeps the password that DB.MasterUserPassword has not any more"


def test_a_credential_reads_the_key_of_its_password() -> None:
    new = SOUND.replace("::password}}", "::username}}")
    found = "DB.MasterUserPassword reads a key of S that is not its password"
    assert objection(LITERAL, new) == found


def test_a_reference_is_to_a_secret() -> None:
    new = SOUND.replace("${S}::", "${Topic}::") + "  Topic: {Type: AWS::SNS::Topic}\n"
    found = "DB.Properties.MasterUserPassword reads Topic, which is no secret"
    assert objection(LITERAL, new) == found


def test_a_converted_secret_generates_its_password_and_no_other_key() -> None:
    written = """\
  S:
    Type: AWS::SecretsManager::Secret
    Properties: {SecretString: '{"username": "admin", "password": "hunter2"}'}
"""
    old = SOUND.replace(MADE, written)
    assert not objection(old, SOUND)
    new = SOUND.replace('"username": "admin"', '"password": "hunter2"')
    found = objection(old, new.replace("Key: password", "Key: username"))
    assert found == "DB.MasterUserPassword reads a key of S that is not its password"


def test_what_read_a_secret_reads_the_one_in_its_place() -> None:
    written = """\
  Old:
    Type: AWS::SecretsManager::Secret
    Properties: {SecretString: !Sub '{"username": "admin", "password": "${P}"}'}
"""
    old = SOUND.replace(MADE + ATTACHED % "At", written) + LAMBDA % OF_S
    old = "Parameters: {P: {Type: String}}\n" + old.replace("${S}", "${Old}")
    assert not objection(old, SOUND + LAMBDA % OF_S)
    other = MADE.replace("  S:", "  Other:") + LAMBDA % OF_S.replace("${S}", "${Other}")
    found = objection(old, SOUND + other)
    assert found == (
        "Function.Properties.Environment.Variables.P reads ${Other}, which is not where P went"
    )


def test_what_is_rotated_has_no_copies_and_a_database() -> None:
    rotated = SOUND + ROTATED
    assert not objection(LITERAL, rotated)
    found = objection(LITERAL + LAMBDA % "x", rotated + LAMBDA % OF_S)
    assert "Variables.P keeps a password that Rotation exchanges" in found
    alone = SERVER % f"MasterUserPassword: {OF_S}" + MADE
    assert objection(alone, alone + ROTATED) == "Rotation rotates S, which is attached to nothing"


def test_a_service_gets_the_characters_that_it_demands_and_no_others() -> None:
    domain = """\
Resources:
  Domain:
    Type: AWS::OpenSearchService::Domain
    Properties:
      AdvancedSecurityOptions: {MasterUserOptions: {MasterUserName: admin, MasterUserPassword: %s}}
"""
    old, new = domain % "hunter2-Hunter2", domain % OF_S + MADE
    assert "demands symbol characters, which S may not generate" in objection(old, new)
    assert not objection(old, new.replace("ExcludePunctuation: true", "PasswordLength: 32"))
    spaces = SOUND.replace("ExcludePunctuation: true", "{}\n        IncludeSpace: true")
    spaces = spaces.replace("{}", "ExcludePunctuation: true")
    assert "refuses the blanks that S may generate" in objection(LITERAL, spaces)
