"""An account of the engine: deploys templates in it and tells what is there."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
REGION = "eu-central-1"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Opens addresses of this machine, whatever proxy it has."""
_SECONDS = 60
"""How long a stack or a change set may take; they take one or two."""


class Refused(Exception):
    """The engine took no template or change set, for this reason."""


@dataclass
class Cloud:
    """One account. The engine keeps accounts apart, so that each test begins with nothing."""

    endpoint: str
    account: str
    clients: dict[str, Any] = field(default_factory=dict)
    proposals: int = 0

    def environment(self) -> dict[str, str]:
        """Return the variables by which an AWS tool finds the account."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "NO_PROXY": "127.0.0.1",
        }

    def client(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=REGION,
                aws_access_key_id=self.account,
                aws_secret_access_key="test",
                config=Config(proxies={}, retries={"total_max_attempts": 1}),
            )
        return self.clients[service]

    def close(self) -> None:
        for client in self.clients.values():
            client.close()

    def propose(self, stack: str, text: str, **parameters: str) -> list[dict[str, Any]]:
        """Create a change set for a new or an existing stack, and return its changes.

        Raises Refused where the engine takes no such change set, or it fails.
        """
        cloudformation = self.client("cloudformation")
        given = [{"ParameterKey": key, "ParameterValue": parameters[key]} for key in parameters]
        kind = "UPDATE" if self.status(stack) not in ("", "REVIEW_IN_PROGRESS") else "CREATE"
        self.proposals += 1
        names = {"StackName": stack, "ChangeSetName": f"proposal-{self.proposals}"}
        try:
            cloudformation.create_change_set(
                **names,
                ChangeSetType=kind,
                TemplateBody=text,
                Parameters=given,
                Capabilities=CAPABILITIES,
            )
        except ClientError as error:
            raise Refused(error.response["Error"]["Message"]) from error
        for _ in self._waiting(f"the change set of {stack}"):
            change_set = cloudformation.describe_change_set(**names)
            if change_set["Status"] == "CREATE_COMPLETE":
                break
            if change_set["Status"] == "FAILED":
                cloudformation.delete_change_set(**names)
                raise Refused(change_set["StatusReason"])
        return [each["ResourceChange"] for each in change_set["Changes"]]

    def deploy(self, stack: str, text: str, **parameters: str) -> str:
        """Create and execute a change set; return the status in which the stack ends."""
        self.propose(stack, text, **parameters)
        name = f"proposal-{self.proposals}"
        self.client("cloudformation").execute_change_set(StackName=stack, ChangeSetName=name)
        return self._settled(stack)

    def delete(self, stack: str) -> None:
        self.client("cloudformation").delete_stack(StackName=stack)
        assert self._settled(stack) == ""

    @contextmanager
    def holding(self, folder: Path, bucket: str) -> Iterator[None]:
        """Keep the files of a folder in a bucket, where parents look for nested templates."""
        store = self.client("s3")
        place = {"LocationConstraint": REGION}
        store.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
        try:
            self.put(folder, bucket)
            yield
        finally:  # all accounts share the names of buckets
            for each in store.list_objects_v2(Bucket=bucket)["Contents"]:
                store.delete_object(Bucket=bucket, Key=each["Key"])
            store.delete_bucket(Bucket=bucket)

    def put(self, folder: Path, bucket: str) -> None:
        for file in folder.iterdir():
            self.client("s3").put_object(Bucket=bucket, Key=file.name, Body=file.read_bytes())

    def status(self, stack: str) -> str:
        """Return the status of a stack; empty where there is none."""
        return self.stacks().get(stack, "")

    def stacks(self) -> dict[str, str]:
        """Return the stacks that are not deleted, each with its status."""
        found = self.client("cloudformation").describe_stacks()["Stacks"]
        status = {each["StackName"]: each["StackStatus"] for each in found}
        return {name: status[name] for name in status if status[name] != "DELETE_COMPLETE"}

    def reasons(self, stack: str) -> str:
        """Return what its events say went wrong."""
        found = self.client("cloudformation").describe_stack_events(StackName=stack)
        return "; ".join(
            f"{each['LogicalResourceId']}: {each['ResourceStatusReason']}"
            for each in found["StackEvents"]
            if each.get("ResourceStatusReason") and "FAILED" in each["ResourceStatus"]
        )

    def resources(self, stack: str, kind: str) -> dict[str, str]:
        """Return the resources of a type that stand, each by its logical id with its own."""
        found = self.client("cloudformation").describe_stack_resources(StackName=stack)
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for each in found["StackResources"]
            if each["ResourceType"] == kind
            and each["ResourceStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        }

    def described(self, stack: str) -> dict[str, Any]:
        (found,) = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return dict(found)

    def outputs(self, stack: str) -> dict[str, str]:
        found = self.described(stack).get("Outputs", [])
        return {each["OutputKey"]: each["OutputValue"] for each in found}

    def secret(self, arn: str) -> dict[str, str]:
        value = self.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
        return dict(json.loads(value))

    def login(self, cluster: str) -> dict[str, str]:
        """Return the user and password that a cluster was created with: see engine.py."""
        with DIRECT.open(f"{self.endpoint}/_tests/clusters", timeout=10) as answer:
            return dict(json.load(answer)[cluster])

    def exports(self) -> set[str]:
        found = self.client("cloudformation").list_exports()["Exports"]
        return {each["Name"] for each in found}

    def left_over(self) -> list[str]:
        """Return the names of all that a deployment here can make and that still stands."""
        secrets = self.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)
        clusters = self.client("redshift").describe_clusters()
        parameters = self.client("ssm").describe_parameters()
        roles = self.client("iam").list_roles()
        policies = self.client("iam").list_policies(Scope="Local")
        functions = self.client("lambda").list_functions()
        return [
            *(each["Name"] for each in secrets["SecretList"]),
            *(each["ClusterIdentifier"] for each in clusters["Clusters"]),
            *(each["Name"] for each in parameters["Parameters"]),
            *(each["RoleName"] for each in roles["Roles"]),
            *(each["PolicyName"] for each in policies["Policies"]),
            *(each["FunctionName"] for each in functions["Functions"]),
            *self.exports(),
            *self.stacks(),
        ]

    def _settled(self, stack: str) -> str:
        status = ""
        for _ in self._waiting(f"the stack {stack}"):
            status = self.status(stack)
            if not status.endswith("IN_PROGRESS"):
                break
        return status

    @staticmethod
    def _waiting(what: str) -> Any:
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            yield
            time.sleep(0.1)
        raise AssertionError(f"{what} is not done after {_SECONDS} seconds")
