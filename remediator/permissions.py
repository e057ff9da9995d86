"""The IAM actions that CloudFormation takes for what a repair may add, by resource type.

Sources. `type` names the resource type whose provider schema lists the actions, under
`handlers.*.permissions` (github.com/aws-cloudformation; a test reads them as cfn-lint has them);
left out are those for properties that no repair writes, such as replicas of a secret. Without a
type: GetSecretValue, https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html;
keys, https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html;
macros, https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-template.html.
What hosted rotation puts into its nested stack, and the bucket of its code:
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/SecretsManagerReadWrite.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SECRET = "AWS::SecretsManager::Secret"
ATTACHMENT = "AWS::SecretsManager::SecretTargetAttachment"
ROTATION = "AWS::SecretsManager::RotationSchedule"

ANY = "*"
VIA_SECRETS_MANAGER = ("StringLike", "kms:ViaService", "secretsmanager.*")
"""Condition: a key is used by Secrets Manager only, on behalf of whoever deploys."""
PASSED_TO_LAMBDA = ("StringEquals", "iam:PassedToService", "lambda.amazonaws.com")


@dataclass(frozen=True, slots=True)
class Grant:
    """Actions that are needed together, under the id of their statement in a policy."""

    sid: str
    actions: tuple[str, ...]
    type: str = ""
    condition: tuple[str, str, str] | None = None


def _of(service: str, *actions: str) -> tuple[str, ...]:
    return tuple(f"{service}:{action}" for action in actions)


CREATE = Grant(
    "CreateSecrets",
    _of("secretsmanager", "CreateSecret", "DeleteSecret", "DescribeSecret", "TagResource"),
    SECRET,
)
GENERATE = Grant("GeneratePasswords", _of("secretsmanager", "GetRandomPassword"), SECRET)
CHANGE = Grant(
    "ChangeSecrets",
    _of("secretsmanager", "DescribeSecret", "GetSecretValue", "TagResource", "UpdateSecret"),
    SECRET,
)
DELETE = Grant("DeleteSecrets", _of("secretsmanager", "DeleteSecret", "DescribeSecret"), SECRET)
READ = Grant("ReadSecrets", _of("secretsmanager", "GetSecretValue"))
ATTACH = Grant(
    "AttachSecrets", _of("secretsmanager", "GetSecretValue", "PutSecretValue"), ATTACHMENT
)
MANAGED: Mapping[str, Grant] = MappingProxyType(
    {
        switch: Grant(
            "LetServicesKeepPasswords",
            _of("secretsmanager", "CreateSecret", "TagResource") + keys,
            of_type,
        )
        for switch, of_type, keys in (
            (
                "ManageMasterUserPassword",
                "AWS::RDS::DBInstance",
                _of("kms", "CreateGrant", "DescribeKey"),
            ),
            (
                "ManageMasterPassword",
                "AWS::Redshift::Cluster",
                _of("kms", "CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey"),
            ),
            (
                "ManageAdminPassword",
                "AWS::RedshiftServerless::Namespace",
                _of("kms", "CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey")
                + _of("secretsmanager", "DescribeSecret", "RotateSecret"),
            ),
        )
    }
)
"""What a service asks of whoever lets it keep a password, by the property that says so."""
USE_KEYS = Grant(
    "UseKeysOfSecrets", _of("kms", "Decrypt", "GenerateDataKey"), condition=VIA_SECRETS_MANAGER
)
DECRYPT = Grant("DecryptSecrets", _of("kms", "Decrypt"), condition=VIA_SECRETS_MANAGER)
EXPAND = Grant("ExpandTemplates", _of("cloudformation", "CreateChangeSet"))

_TARGETS = {
    "AWS::RDS::DBInstance": _of("rds", "DescribeDBInstances"),
    "AWS::RDS::DBCluster": _of("rds", "DescribeDBClusters"),
    # DocumentDB answers to the API of RDS.
    "AWS::DocDB::DBInstance": _of("rds", "DescribeDBInstances"),
    "AWS::DocDB::DBCluster": _of("rds", "DescribeDBClusters"),
    "AWS::DocDBElastic::Cluster": _of("docdb-elastic", "GetCluster"),
    "AWS::Redshift::Cluster": _of("redshift", "DescribeClusters"),
    "AWS::RedshiftServerless::Namespace": _of(
        "redshift-serverless", "GetNamespace", "ListWorkgroups"
    ),
}
TARGETS: Mapping[str, Grant] = MappingProxyType(
    {target: Grant("DescribeDatabases", some, ATTACHMENT) for target, some in _TARGETS.items()}
)
"""What an attachment asks of its database, by `TargetType`."""

ROTATE = Grant(
    "RotateSecrets",
    _of("secretsmanager", "CancelRotateSecret", "DescribeSecret", "RotateSecret"),
    ROTATION,
)
INVOKE = Grant("StartRotation", _of("lambda", "InvokeFunction"), ROTATION)
HOSTED: tuple[tuple[Grant, str], ...] = (
    (
        Grant(
            "HostRotation",
            _of("cloudformation", "CreateStack", "DeleteStack", "DescribeStacks"),
            "AWS::CloudFormation::Stack",
        ),
        ANY,
    ),
    (
        Grant(
            "MakeRotationFunctions",
            _of("lambda", "CreateFunction", "DeleteFunction", "GetFunction", "TagResource"),
            "AWS::Lambda::Function",
        ),
        ANY,
    ),
    (
        Grant(
            "ConnectRotationFunctions",
            _of("ec2", "DescribeNetworkInterfaces", "DescribeSecurityGroups")
            + _of("ec2", "DescribeSubnets", "DescribeVpcs"),
            "AWS::Lambda::Function",
        ),
        ANY,
    ),
    (
        Grant("ReadRotationCode", _of("s3", "GetObject"), "AWS::Lambda::Function"),
        "arn:*:s3:::secrets-manager-rotation-apps-*/*",
    ),
    (
        Grant(
            "PermitRotation",
            _of("lambda", "AddPermission", "RemovePermission"),
            "AWS::Lambda::Permission",
        ),
        ANY,
    ),
    # The role's logical id in the nested stack starts with SecretsManager, and so does that part
    # of its name: https://github.com/aws-samples/aws-secrets-manager-rotation-lambdas/issues/115
    (
        Grant(
            "MakeRotationRoles",
            _of("iam", "AttachRolePolicy", "CreateRole", "DeleteRole", "DeleteRolePolicy")
            + _of("iam", "DetachRolePolicy", "GetRole", "GetRolePolicy", "PutRolePolicy")
            + _of("iam", "TagRole"),
            "AWS::IAM::Role",
        ),
        "arn:*:iam::*:role/*SecretsManager*",
    ),
    (
        Grant(
            "PassRotationRoles",
            _of("iam", "PassRole"),
            "AWS::Lambda::Function",
            condition=PASSED_TO_LAMBDA,
        ),
        "arn:*:iam::*:role/*SecretsManager*",
    ),
)
"""What the nested stack of a `HostedRotationLambda` needs, each with its resources."""
GRANTS: tuple[Grant, ...] = (
    *(CREATE, GENERATE, CHANGE, DELETE, READ, ATTACH, *TARGETS.values()),
    *MANAGED.values(),
    *(USE_KEYS, DECRYPT, ROTATE, INVOKE, *(grant for grant, _ in HOSTED), EXPAND),
)
"""All of them, in the order of a policy."""
