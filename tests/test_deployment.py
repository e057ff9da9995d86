"""What a deployment needs is read from the difference of two templates, whoever made it."""

from __future__ import annotations

import pytest
from test_catalogue import schema_of

from remediator import permissions, registry
from remediator.deployment import needs
from remediator.document import Document
from remediator.limits import MOST_INLINE
from remediator.model import Context, Settings
from remediator.results import Deployment, Permission

DATABASE = """
  Db:
    Type: AWS::RDS::DBInstance
    Properties: {MasterUsername: app, MasterUserPassword: %s}
"""
SECRET = """
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties: {%sGenerateSecretString: {GenerateStringKey: password}}
"""
GENERATED = "GenerateSecretString: {GenerateStringKey: password}"
BY_HAND = SECRET.replace(GENERATED, "SecretString: x") % ""
ATTACHED = """
  Attached:
    Type: AWS::SecretsManager::SecretTargetAttachment
    Properties: {SecretId: %s, TargetId: !Ref Db, TargetType: %s}
"""
ROTATED = """
  Rotated:
    Type: AWS::SecretsManager::RotationSchedule
    Properties: {SecretId: !Ref Attached, %s}
"""
READ = "'{{resolve:secretsmanager:%s}}'"
OWN = "!Sub " + READ % "${Secret}::password"
PATTERN = "arn:*:secretsmanager:*:*:secret:Secret-*"
ANY = ("*",)


def difference(old: str, new: str, *, top: str = "", fresh: bool = False) -> Deployment:
    before, after = (
        Document.parse(f"{lines}Resources:\n  Topic: {{Type: AWS::SNS::Topic}}\n{text}")
        for lines, text in (("", old), (top, new))
    )
    return needs(before, after, Context(registry.catalogue(), Settings(new=fresh)))


def added(new: str, old: str = "", *, top: str = "") -> dict[str, Permission]:
    found = difference(old, old + new, top=top).permissions
    assert len({each.sid for each in found}) == len(found)
    return {each.sid: each for each in found}


def names(permission: Permission) -> list[str]:
    return [action.partition(":")[2] for action in permission.actions]


# --- permissions -----------------------------------------------------------------------------


def test_nothing_is_needed_for_what_stays() -> None:
    same = SECRET % "" + DATABASE % OWN
    assert difference(same, same) == Deployment()
    assert difference(same, same + "\n  Queue: {Type: AWS::SQS::Queue}\n") == Deployment()


def test_a_secret_that_is_generated_read_and_attached() -> None:
    attached = ATTACHED % ("!Ref Secret", "AWS::RDS::DBInstance")
    found = added(SECRET % "" + DATABASE % OWN + attached)
    assert {sid: each.resources for sid, each in found.items()} == {
        "CreateSecrets": (PATTERN,),
        "GeneratePasswords": ANY,
        "ReadSecrets": (PATTERN,),
        "AttachSecrets": (PATTERN,),
        "DescribeDatabases": ANY,
    }
    assert names(found["CreateSecrets"]) == [
        *("CreateSecret", "DeleteSecret", "DescribeSecret", "TagResource")
    ]
    assert names(found["GeneratePasswords"]) == ["GetRandomPassword"]
    assert names(found["ReadSecrets"]) == ["GetSecretValue"]
    assert names(found["AttachSecrets"]) == ["GetSecretValue", "PutSecretValue"]
    assert found["DescribeDatabases"].actions == ("rds:DescribeDBInstances",)
    assert not any(each.condition for each in found.values())


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("Name: shop/db, ", "shop/db-??????"),
        ("Name: !Sub '${Stage}/db', ", "*/db-??????"),
        ("Name: !Sub ['${Stage}-db', {Stage: x}], ", "*-db-??????"),
        ("Name: !Sub '${AWS::StackName}-${!odd}', ", "*-*odd*-??????"),
    ],
)
def test_a_secret_is_narrowed_to_its_name(name: str, pattern: str) -> None:
    found = added(SECRET % name)
    assert found["CreateSecrets"].resources == (f"arn:*:secretsmanager:*:*:secret:{pattern}",)


@pytest.mark.parametrize("name", ["!Ref Name", "!Sub '${Name}'", "!Join ['', [a, !Ref B]]"])
def test_a_name_that_tells_nothing_is_any(name: str) -> None:
    assert added(SECRET % f"Name: {name}, ")["CreateSecrets"].resources == ANY


@pytest.mark.parametrize(
    ("key", "resource"),
    [
        ("!Ref Key", "*"),
        ("alias/shop", "*"),
        ('"arn:aws:kms:eu-west-1:1:alias/shop"', "*"),
        ('"arn:aws:kms:eu-west-1:1:key/k"', "arn:aws:kms:eu-west-1:1:key/k"),
    ],
)
def test_a_key_is_used_through_secrets_manager_only(key: str, resource: str) -> None:
    permission = added(SECRET % f"KmsKeyId: {key}, ")["UseKeysOfSecrets"]
    assert permission.actions == ("kms:Decrypt", "kms:GenerateDataKey")
    assert permission.condition == ("StringLike", "kms:ViaService", "secretsmanager.*")
    assert permission.resources == (resource,)


def test_a_secret_that_changes_is_updated() -> None:
    found = {each.sid: each for each in difference(BY_HAND, SECRET % "").permissions}
    assert list(found) == ["GeneratePasswords", "ChangeSecrets"]
    assert found["ChangeSecrets"].resources == (PATTERN,)
    assert "UpdateSecret" in names(found["ChangeSecrets"])


def test_a_secret_that_goes_is_deleted() -> None:
    (found,) = difference(SECRET % "Name: old, ", "").permissions
    assert found.sid == "DeleteSecrets"
    assert found.resources == ("arn:*:secretsmanager:*:*:secret:old-??????",)
    assert names(found) == ["DeleteSecret", "DescribeSecret"]


@pytest.mark.parametrize(
    ("target", "actions"),
    [
        ("AWS::RDS::DBCluster", ["rds:DescribeDBClusters"]),
        ("AWS::DocDB::DBCluster", ["rds:DescribeDBClusters"]),
        ("AWS::DocDBElastic::Cluster", ["docdb-elastic:GetCluster"]),
        ("AWS::Redshift::Cluster", ["redshift:DescribeClusters"]),
        (
            "AWS::RedshiftServerless::Namespace",
            ["redshift-serverless:GetNamespace", "redshift-serverless:ListWorkgroups"],
        ),
    ],
)
def test_a_database_is_described_by_its_type(target: str, actions: list[str]) -> None:
    found = added(ATTACHED % ("!GetAtt Secret.Id", target), SECRET % "" + DATABASE % "x")
    assert list(found) == ["AttachSecrets", "DescribeDatabases"]
    assert list(found["DescribeDatabases"].actions) == actions
    assert found["AttachSecrets"].resources == (PATTERN,)


def test_a_target_and_a_secret_that_are_not_known_are_any() -> None:
    found = added(ATTACHED % ("!Ref Given", "!Ref Kind"))
    assert len(found["DescribeDatabases"].actions) == 6
    assert found["AttachSecrets"].resources == ANY


@pytest.mark.parametrize(
    ("secret", "resource"),
    [
        ("shop/db:SecretString:password", "arn:*:secretsmanager:*:*:secret:shop/db-??????"),
        ("${Stage}/db::password", "arn:*:secretsmanager:*:*:secret:*/db-??????"),
        ("${SecretArn}::password", "*"),
        ("${SecretArn}", "*"),
        (
            "arn:aws:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:db-AbCdEf:SecretString:p",
            "arn:aws:secretsmanager:*:*:secret:db-AbCdEf*",
        ),
    ],
)
def test_a_secret_outside_is_read_and_maybe_decrypted(secret: str, resource: str) -> None:
    found = added(DATABASE % f"!Sub {READ % secret}")
    assert list(found) == ["ReadSecrets", "DecryptSecrets"]
    assert found["ReadSecrets"].resources == (resource,)
    assert found["DecryptSecrets"].condition == ("StringLike", "kms:ViaService", "secretsmanager.*")


def test_a_reference_through_the_attachment_is_to_the_same_secret() -> None:
    old = SECRET % "" + ATTACHED % ("!Ref Secret", "AWS::RDS::DBInstance")
    through = DATABASE % OWN.replace("${Secret}", "${Attached}")
    assert difference(old + DATABASE % OWN, old + through).permissions == ()
    assert added(through, old)["ReadSecrets"].resources == (PATTERN,)


def test_the_table_says_what_the_provider_schemas_say() -> None:
    for grant in permissions.GRANTS:
        if not grant.type:
            continue
        schema = schema_of(grant.type)
        assert schema is not None, grant.type
        handlers = schema["handlers"].values()
        listed = {action for handler in handlers for action in handler["permissions"]}
        assert set(grant.actions) <= listed, grant.sid


def test_statements_of_one_id_share_their_condition() -> None:
    assert len({(each.sid, each.condition) for each in permissions.GRANTS}) == len(
        {each.sid for each in permissions.GRANTS}
    )


# --- capabilities ----------------------------------------------------------------------------

MACRO = "Transform: AWS::SecretsManager-2024-09-16\n"
BESIDE = SECRET % "" + DATABASE % OWN + ATTACHED % ("!Ref Secret", "AWS::RDS::DBInstance")


def test_hosted_rotation_needs_capabilities_and_what_its_nested_stack_needs() -> None:
    hosted = ROTATED % "HostedRotationLambda: {RotationType: MySQLSingleUser}"
    found = difference(BESIDE, BESIDE + hosted, top=MACRO)
    assert found.capabilities == ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
    by_sid = {each.sid: each for each in found.permissions}
    assert by_sid["RotateSecrets"].resources == (PATTERN,)
    assert by_sid["ExpandTemplates"].resources == (
        "arn:*:cloudformation:*:aws:transform/SecretsManager-2024-09-16",
    )
    assert "lambda:CreateFunction" in by_sid["MakeRotationFunctions"].actions
    assert all(
        by_sid[sid].resources == ("arn:*:iam::*:role/*SecretsManager*",)
        for sid in ("MakeRotationRoles", "PassRotationRoles")
    )
    assert by_sid["PassRotationRoles"].condition is not None


def test_rotation_with_a_function_of_ones_own_needs_none() -> None:
    found = difference(BESIDE, BESIDE + ROTATED % "RotationLambdaARN: !Ref Arn")
    assert found.capabilities == ()
    assert [each.sid for each in found.permissions] == ["RotateSecrets", "StartRotation"]


def test_a_macro_that_was_there_is_nothing_new() -> None:
    before, after = (
        Document.parse(f"{MACRO}Resources:\n  A: {{Type: AWS::SNS::Topic{more}}}\n")
        for more in ("", ", Properties: {TopicName: a}")
    )
    assert needs(before, after, Context(registry.catalogue())) == Deployment()
    own = difference("", DATABASE % "x", top="Transform: [Mine]\n")
    assert own == Deployment(capabilities=("CAPABILITY_AUTO_EXPAND",))


# --- notes -----------------------------------------------------------------------------------

FUNCTION = """
  Worker:
    Type: AWS::Lambda::Function
    Properties:
      Environment: {Variables: {A: %s}}
"""
ENDPOINT = """
  Endpoint:
    Type: AWS::DMS::Endpoint
    Properties: {Password: %s}
"""
TAIL = "; when the secret changes, only an update of that resource reads it anew"


@pytest.mark.parametrize(
    ("reader", "place"),
    [
        (FUNCTION % OWN, "in clear, as before, to Worker (Environment)"),
        (FUNCTION % f"!If [C, x, {OWN}]", "in clear, as before, to Worker (Environment)"),
        (ENDPOINT % OWN, "to Endpoint (Password)"),
        (ENDPOINT % f"!If [C, {OWN}, x]", "to Endpoint (Password)"),
        (
            FUNCTION % OWN
            + f"      Description: {OWN}\n"
            + (FUNCTION % OWN).replace("Worker", "Mailer")
            + (FUNCTION % OWN).replace("Worker", "Sweeper"),
            "in clear, as before, to Worker (Environment, Description), Mailer (Environment) and "
            "Sweeper (Environment)",
        ),
        (
            FUNCTION % ("!Sub " + READ % "${Secret}") + ENDPOINT % OWN,
            "in clear, as before, to Worker (Environment), and to Endpoint (Password)",
        ),
    ],
)
def test_a_copy_of_the_password_is_told(reader: str, place: str) -> None:
    found = difference(SECRET % "", SECRET % "" + DATABASE % OWN + reader)
    tail = TAIL if place.count(" (") == 1 else TAIL.replace("that resource", "these resources")
    assert found.notes == (f"the password goes {place}{tail}",)


def test_neither_the_credential_itself_nor_another_key_is_a_copy() -> None:
    reader = FUNCTION % OWN.replace("password", "username")
    assert difference(SECRET % "", SECRET % "" + DATABASE % OWN + reader).notes == ()


def test_a_reader_that_would_keep_the_old_password_is_told() -> None:
    reader = FUNCTION % OWN
    told = (
        "Worker (Environment) reads Secret and does not change: it keeps the old password until "
        "something in it is updated",
    )
    assert difference(BY_HAND + reader, SECRET % "" + reader).notes == told
    assert difference(BY_HAND + reader, SECRET % "" + reader, fresh=True).notes == ()
    user = FUNCTION % OWN.replace("password", "username")
    assert difference(BY_HAND + user, SECRET % "" + user).notes == ()
    updated = reader + "      Timeout: 5\n"
    assert difference(BY_HAND + reader, SECRET % "" + updated).notes == ()
    described = SECRET % "Description: x, "
    assert difference(SECRET % "" + reader, described + reader).notes == ()


def sized(length: int, *, bom: bool = False) -> Document:
    head, tail = "Resources:\n  A: {Type: AWS::SNS::Topic}\n# ", "\n"
    text = head + "a" * (length - len(head) - len(tail)) + tail
    return Document.decode((b"\xef\xbb\xbf" if bom else b"") + text.encode(), "t.yaml")


@pytest.mark.parametrize(
    ("before", "after", "bom", "told"),
    [
        (-1, 0, False, False),
        (0, 1, False, True),
        (-3, -2, True, True),
        (1, 2, False, False),
        (1, 0, False, False),
    ],
)
def test_a_template_that_no_longer_goes_inline_is_told(
    before: int, after: int, bom: bool, told: bool
) -> None:
    old, new = (sized(MOST_INLINE + more, bom=bom) for more in (before, after))
    notes = needs(old, new, Context(registry.catalogue())).notes
    assert len(notes) == told
    assert all("deploy it from S3" in note and str(MOST_INLINE) in note for note in notes)
