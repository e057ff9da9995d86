"""What AWS is asked, what becomes of its answers, and that nothing of it stays."""

from __future__ import annotations

import builtins
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import indent
from typing import Any, ClassVar
from urllib.parse import parse_qs

import boto3  # type: ignore[import-untyped]
import pytest
from botocore import exceptions  # type: ignore[import-untyped]
from botocore.stub import ANY, Stubber  # type: ignore[import-untyped]
from test_cli import BROKEN_EXPORT, CLEAN, remediator, write

from remediator import change_set
from remediator.aws_errors import told
from remediator.change_set import DeployedStack, connect, propose
from remediator.changes import Change, ChangeSet
from remediator.errors import ChangeSetError, Interrupted
from remediator.limits import MOST_INLINE
from remediator.report import text
from remediator.report.changes import lines
from remediator.results import RunResult

NAMES = {"StackName": "live", "ChangeSetName": ANY}
READY = {"Status": "CREATE_COMPLETE", "Changes": []}


class Aws(Stubber):  # type: ignore[misc]
    """Answers as told, in this order; anything else that is asked is an error."""

    def stack(self, status: str = "UPDATE_COMPLETE", *parameters: str) -> Aws:
        found = {
            "StackName": "live",
            "StackStatus": status,
            "CreationTime": "2024-01-01T00:00:00Z",
            "Parameters": [{"ParameterKey": each, "ParameterValue": "x"} for each in parameters],
        }
        self.add_response("describe_stacks", {"Stacks": [found]}, {"StackName": "live"})
        return self

    def creates(self) -> Aws:
        self.add_response("create_change_set", {})
        return self

    def tells(self, **answer: Any) -> Aws:
        self.add_response("describe_change_set", answer, NAMES)
        return self

    def fails(self, operation: str, code: str, message: str = "", status: int = 400) -> Aws:
        self.add_client_error(operation, code, message, http_status_code=status)
        return self

    def deletes(self) -> Aws:
        self.add_response("delete_change_set", {}, NAMES)
        return self

    def ask(self, template: str = CLEAN, *parameters: str) -> ChangeSet:
        with self:
            found = propose(self.client, "live", template, parameters)
        self.assert_no_pending_responses()
        return found

    def refuse(self) -> str:
        with self, pytest.raises(ChangeSetError) as error:
            propose(self.client, "live", CLEAN, ())
        self.assert_no_pending_responses()
        return error.value.message


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    client = boto3.client("cloudformation", region_name="eu-central-1", **keys)
    yield client
    client.close()


@pytest.fixture
def aws(client: Any, monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setattr(change_set, "DELAY", 0)
    monkeypatch.setattr(change_set, "ATTEMPTS", 3)
    return Aws(client)


def change(name: str, action: str = "Modify", **more: Any) -> dict[str, Any]:
    kind = more.pop("kind", "AWS::RDS::DBInstance")
    found = {"Action": action, "LogicalResourceId": name, "ResourceType": kind, **more}
    return {"Type": "Resource", "ResourceChange": found}


def detail(name: str, recreation: str, attribute: str = "Properties") -> dict[str, Any]:
    target = {"Attribute": attribute, "RequiresRecreation": recreation}
    return {"Target": target | ({"Name": name} if name else {})}


def test_the_stack_keeps_the_parameters_it_has_and_executes_nothing(aws: Aws) -> None:
    aws.stack("UPDATE_COMPLETE", "DBUsername", "DBPassword")
    wanted = {
        **NAMES,
        "ChangeSetType": "UPDATE",
        "ClientToken": ANY,
        "Description": ANY,
        "TemplateBody": CLEAN,
        "Parameters": [{"ParameterKey": "DBUsername", "UsePreviousValue": True}],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    aws.add_response("create_change_set", {}, wanted)
    aws.tells(Status="CREATE_IN_PROGRESS").tells(**READY)
    aws.tells(Changes=[change("A", "Add")], NextToken="more").add_response(
        "describe_change_set", {"Changes": [change("B", "Remove")]}, {**NAMES, "NextToken": "more"}
    )
    found = aws.deletes().ask(CLEAN, "DBUsername", "Added")
    kind = "AWS::RDS::DBInstance"
    assert found.changes == (Change("Add", "A", kind), Change("Remove", "B", kind))
    assert not found.left_behind


def test_what_makes_a_replacement_is_named(aws: Aws) -> None:
    details = [detail("MasterUsername", "Always"), detail("Port", "Never"), detail("", "", "Tags")]
    aws.stack().creates().tells(**READY)
    aws.tells(
        Changes=[
            change("A", Replacement="True", Details=[*details, details[0]]),
            change("B", Replacement="Conditional", Details=[detail("Engine", "Conditionally")]),
            change("C", Replacement="False", Details=details[1:]),
            {"Type": "Hook"},
        ]
    )
    found = aws.deletes().ask().changes
    assert [(each.replacement, each.causes) for each in found] == [
        ("True", ("MasterUsername",)),
        ("Conditional", ("Engine",)),
        ("False", ("Port", "Tags")),
    ]


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information.",
        "No updates are to be performed.",
    ],
)
def test_no_changes_are_an_answer(aws: Aws, reason: str) -> None:
    aws.stack().creates().tells(Status="FAILED", StatusReason=reason).deletes()
    assert aws.ask() == ChangeSet("live")


def test_a_change_set_that_fails_is_deleted_and_its_reason_told(aws: Aws) -> None:
    aws.stack().creates().tells(Status="FAILED", StatusReason="Export x is\n taken").deletes()
    assert aws.refuse().endswith("see to what it says: Export x is taken")


def test_a_change_set_that_is_never_ready_is_given_up(aws: Aws) -> None:
    aws.stack().creates()
    for _ in range(3):
        aws.tells(Status="CREATE_IN_PROGRESS")
    busy = "InvalidChangeSetStatus"
    assert "was not ready" in aws.fails("delete_change_set", busy).deletes().refuse()


def test_an_error_leaves_nothing_behind(aws: Aws) -> None:
    aws.stack().creates().fails("describe_change_set", "Throttling").deletes()
    assert "run again in a minute" in aws.refuse()
    # A request that is refused makes nothing, one that ends in a fault of the service may have.
    aws.stack().fails("create_change_set", "ValidationError", "Template error")
    assert aws.refuse().endswith("Template error")
    aws.stack().fails("create_change_set", "InternalFailure", status=500).deletes()
    assert "InternalFailure" in aws.refuse()


@pytest.mark.parametrize("name", ["create_change_set", "get_waiter", "get_paginator"])
@pytest.mark.parametrize("error", [Interrupted(), exceptions.ReadTimeoutError(endpoint_url="x")])
def test_whatever_interrupts_it_is_deleted(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise error

    aws.stack()
    if name != "create_change_set":
        aws.creates()
    if name == "get_paginator":
        aws.tells(**READY)
    monkeypatch.setattr(aws.client, name, interrupt)
    expected = Interrupted if isinstance(error, Interrupted) else ChangeSetError
    with aws.deletes(), pytest.raises(expected):
        propose(aws.client, "live", CLEAN, ())
    aws.assert_no_pending_responses()


class Slow(BaseHTTPRequestHandler):
    """A CloudFormation whose change sets are never ready. Notes what it is asked."""

    asked: ClassVar[list[str]] = []
    waits: ClassVar[threading.Event] = threading.Event()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        (action,) = parse_qs(body)["Action"]
        self.asked.append(action)
        content = {
            "DescribeStacks": "<Stacks><member><StackName>live</StackName><StackStatus>"
            "CREATE_COMPLETE</StackStatus></member></Stacks>",
            "DescribeChangeSet": "<Status>CREATE_IN_PROGRESS</Status>",
        }.get(action, "")
        answer = f"<{action}Response><{action}Result>{content}</{action}Result></{action}Response>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())
        if action == "DescribeChangeSet":
            self.waits.set()

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture
def slow() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_ctrl_c_deletes_it(slow: str, tmp_path: Path) -> None:
    where = ("--endpoint-url", slow, "--region", "eu-central-1")
    arguments = ("fix", "--change-set", "live", *where, str(write(tmp_path)))
    root = str(Path(__file__).parent.parent)
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "NO_PROXY": "127.0.0.1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "remediator", *arguments],
        env={**os.environ, **keys, "PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert Slow.waits.wait(60)
    process.send_signal(signal.SIGINT)
    _, told_us = process.communicate(timeout=60)
    assert (process.returncode, b"interrupted" in told_us) == (130, True)
    assert Slow.asked[:2] == ["DescribeStacks", "CreateChangeSet"]
    assert Slow.asked[-1] == "DeleteChangeSet"


def test_a_change_set_that_stays_is_told(aws: Aws) -> None:
    aws.stack().creates().tells(**READY).tells(Changes=[change("A")])
    found = aws.fails("delete_change_set", "AccessDenied").ask()
    assert found.left_behind.startswith("remediator-")
    command = f"--stack-name live --change-set-name {found.left_behind}"
    assert command in " ".join(shown(found).split())
    aws.stack().creates().fails("describe_change_set", "AccessDenied")
    message = aws.fails("delete_change_set", "AccessDenied").refuse()
    assert "AWS does not allow it" in message
    assert "aws cloudformation delete-change-set" in message


def test_one_that_is_gone_already_is_no_matter(aws: Aws) -> None:
    aws.stack().creates().tells(**READY).tells(Changes=[])
    assert not aws.fails("delete_change_set", "ChangeSetNotFound").ask().left_behind


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("UPDATE_IN_PROGRESS", "run again when that is done"),
        ("REVIEW_IN_PROGRESS", "never deployed"),
        ("ROLLBACK_COMPLETE", "delete it"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
    ],
)
def test_a_stack_that_takes_no_change_set(aws: Aws, status: str, advice: str) -> None:
    message = aws.stack(status).refuse()
    assert status in message
    assert advice in message


@pytest.mark.parametrize(
    ("code", "said", "advice"),
    [
        ("ValidationError", "Stack with id live does not exist", "there is no stack live here"),
        ("AccessDenied", "User: x is not authorized", "DeleteChangeSet are needed: User: x"),
        ("ExpiredToken", "", "aws sso login"),
        ("InvalidClientTokenId", "", "does not take the credentials"),
        ("Throttling", "Rate exceeded", "run again in a minute"),
        ("Parameters", "Parameters: [X] must have values", "has no value for"),
        ("InternalFailure", "oh\nno", "(InternalFailure): oh no"),
    ],
)
def test_what_the_service_says_is_told(aws: Aws, code: str, said: str, advice: str) -> None:
    assert advice in aws.fails("describe_stacks", code, said).refuse()


def made(name: str, **values: Any) -> Exception:
    error: Exception = getattr(exceptions, name)(**values)
    return error


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (made("ProfileNotFound", profile="x"), "list-profiles"),
        (made("NoRegionError"), "--region"),
        (made("NoCredentialsError"), "aws sso login"),
        (made("PartialCredentialsError", provider="x", cred_var="y"), "incomplete"),
        (made("UnauthorizedSSOTokenError"), "has expired"),
        (made("EndpointConnectionError", endpoint_url="x"), "cannot be reached"),
        (made("ConnectTimeoutError", endpoint_url="x"), "cannot be reached"),
        (made("ConnectionClosedError", endpoint_url="x"), "cannot be reached"),
        (made("ProxyConnectionError", proxy_url="http://u:geheim@x"), "the proxy"),
        (made("SSLError", endpoint_url="x", error="y"), "not trusted"),
        (made("ParamValidationError", report="geheim"), "name of the stack"),
        (made("UnknownSignatureVersionError", signature_version="geheim"), "AWS library failed"),
    ],
)
def test_what_the_library_says_is_told(error: Exception, advice: str) -> None:
    message = told(error, "live").message
    assert advice in message
    assert "geheim" not in message


def test_a_text_that_is_too_long_asks_nothing(aws: Aws) -> None:
    filler = "# " + "ä" * (MOST_INLINE // 2) + "\n"
    with aws, pytest.raises(ChangeSetError, match="--template-url"):
        propose(aws.client, "live", filler + CLEAN, ())


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder; AWS is configured nowhere."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ((), "no AWS region"),
        (("--profile", "absent"), "no such AWS profile"),
        (("--region", "eu central"), "no name of one"),
        (("--region", "eu-central-1", "--endpoint-url", "nonsense"), "http://"),
        (("--region", "eu-central-1"), "no AWS credentials"),
    ],
)
def test_a_way_to_aws_that_is_none_is_one_line_and_exit_2(
    nowhere: Path, options: tuple[str, ...], advice: str
) -> None:
    result = remediator("fix", "--change-set", "live", *options, write(nowhere))
    assert result.exit_code == 2
    assert advice in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_without_boto3_it_says_how_to_get_it(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name == "boto3":
            raise ModuleNotFoundError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ChangeSetError, match=r"remediator\[aws\]"):
        connect(DeployedStack("live", "eu-central-1"))


def test_it_goes_with_exactly_one_template(nowhere: Path) -> None:
    file = write(nowhere)
    for paths in ([nowhere], [file, write(nowhere, CLEAN, "b.yaml")]):
        result = remediator("fix", "--change-set", "live", *paths)
        assert (result.exit_code, "exactly one template" in result.stderr) == (2, True)
    lonely = remediator("fix", "--region", "eu-central-1", file)
    assert (lonely.exit_code, "go with --change-set" in lonely.stderr) == (2, True)
    nameless = remediator("fix", "--change-set", "", file)
    assert (nameless.exit_code, "name of a stack" in nameless.stderr) == (2, True)
    assert file.read_text() == BROKEN_EXPORT


@pytest.fixture
def answered(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Aws]:
    """Return what makes AWS answer the command line with these changes."""

    def answer(*changes: dict[str, Any]) -> Aws:
        aws.stack().creates().tells(**READY).tells(Changes=list(changes)).deletes().activate()
        monkeypatch.setattr(change_set, "connect", lambda _: aws.client)
        return aws

    return answer


def test_the_answer_is_in_the_reports(tmp_path: Path, answered: Callable[..., Aws]) -> None:
    file = write(tmp_path)
    changes = (
        change("New", "Add", kind="AWS::SecretsManager::Secret"),
        change("Data", Replacement="True", Details=[detail("Engine", "Always")]),
    )
    aws = answered(*changes)
    told_text = remediator("fix", "--change-set", "live", "-q", file)
    aws.deactivate()
    assert told_text.exit_code == 0
    assert "Data (AWS::RDS::DBInstance) is REPLACED (because of Engine)" in told_text.stdout
    assert "A database would be REPLACED (Data)" in told_text.stdout
    assert "run again without --change-set" in told_text.stdout
    answered(*changes)
    report = json.loads(remediator("fix", "--change-set", "live", "--format", "json", file).stdout)
    aws.deactivate()
    assert report["change_set"]["stack"] == "live"
    assert report["change_set"]["left_behind"] is None
    assert report["change_set"]["changes"][1] == {
        "action": "Modify",
        "logical_id": "Data",
        "type": "AWS::RDS::DBInstance",
        "replacement": "True",
        "causes": ["Engine"],
    }
    assert file.read_text() == BROKEN_EXPORT


def test_a_message_of_aws_shows_no_secret(
    tmp_path: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = write(
        tmp_path,
        "Resources:\n  Data:\n    Type: AWS::RDS::DBInstance\n    Properties:\n"
        "      Engine: mysql\n      MasterUsername: chief\n      MasterUserPassword: Zx81geheim\n",
    )
    aws.stack().fails("create_change_set", "ValidationError", "bad: Zx81geheim").activate()
    monkeypatch.setattr(change_set, "connect", lambda _: aws.client)
    result = remediator("fix", "--change-set", "live", template)
    aws.deactivate()
    assert result.exit_code == 2
    assert "bad: ****" in result.stderr
    assert "Zx81geheim" not in result.output


def test_a_template_that_cannot_be_read_asks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_set, "connect", lambda _: pytest.fail("it asks"))
    result = remediator("fix", "--change-set", "live", write(tmp_path, "Resources: ["))
    assert result.exit_code == 2
    assert "error:" in result.stdout


def shown(found: ChangeSet) -> str:
    return text.render(RunResult((), "fix --dry-run", change_set=found))


def test_the_text_says_at_once_what_matters() -> None:
    database, queue = "AWS::RDS::DBInstance", "AWS::SQS::Queue"
    added = Change("Add", "N", queue)
    assert "Stack live would not change." in shown(ChangeSet("live"))
    assert "Nothing is replaced." in shown(ChangeSet("live", (added,)))
    queues = shown(ChangeSet("live", (added, Change("Modify", "Q", queue, "True"))))
    assert queues.index("Q (AWS::SQS::Queue) is REPLACED") < queues.index("is added")
    assert "A database" not in queues
    assert "Nothing is replaced" not in queues
    maybe = shown(ChangeSet("live", (Change("Modify", "D", database, "Conditional", ("Port",)),)))
    assert "D (AWS::RDS::DBInstance) may be REPLACED (because of Port)" in maybe
    assert "A database may be REPLACED (D)" in maybe


def test_the_documentation_shows_what_is_printed() -> None:
    page = (Path(__file__).parent.parent / "docs" / "deploying.md").read_text(encoding="utf-8")
    changes = (
        Change("Add", "DataPasswordSecret", "AWS::SecretsManager::Secret"),
        Change("Modify", "Data", "AWS::RDS::DBInstance", "True", ("MasterUsername",)),
    )
    printed = "\n".join(lines(ChangeSet("payments", changes), lambda line, _: line))
    assert indent(printed, "    ") in page
