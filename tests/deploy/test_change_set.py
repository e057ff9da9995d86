"""`fix --change-set` against stacks that are really there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .cloud import REGION, Cloud
from .conftest import free_port
from .test_deploy import CLUSTER, HERE, SECRET, repaired

pytestmark = pytest.mark.deploy

PASSWORD = "Winter2020winter"
TEMPLATE = HERE / "templates" / "loader.yaml"


def command(cloud: Cloud, folder: Path, *arguments: str | Path) -> dict[str, Any]:
    """Return how to start the installed command with the engine as its AWS."""
    program = Path(sys.executable).with_name("remediator")
    return {
        "args": [str(each) for each in (program, "fix", *arguments)],
        "env": {**cloud.environment(), "PATH": os.environ["PATH"], "HOME": str(folder)},
        "cwd": folder,
        "text": True,
    }


def fix(
    cloud: Cloud, folder: Path, *arguments: str | Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    how = command(cloud, folder, *arguments)
    how["env"] |= environment
    return subprocess.run(**how, capture_output=True, check=False)


def proposals(cloud: Cloud) -> list[str]:
    """Return the names of the change sets of the stack that were not executed."""
    found = cloud.client("cloudformation").list_change_sets(StackName="live")["Summaries"]
    return [each["ChangeSetName"] for each in found if each["ChangeSetName"] != "proposal-1"]


def described(cloud: Cloud) -> dict[str, Any]:
    (found,) = cloud.client("cloudformation").describe_stacks(StackName="live")["Stacks"]
    return dict(found)


@pytest.fixture
def live(cloud: Cloud) -> Cloud:
    """Return an account with a stack that runs with the password of its parameter."""
    status = cloud.deploy("live", TEMPLATE.read_text(), WarehousePassword=PASSWORD)
    assert status == "CREATE_COMPLETE", cloud.reasons("live")
    return cloud


def test_an_update_is_told_and_not_done(live: Cloud, tmp_path: Path) -> None:
    before, text = described(live), TEMPLATE.read_text()
    done = fix(live, tmp_path, "--change-set", "live", "--format", "json", TEMPLATE)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)["change_set"]
    assert {(each["action"], each["logical_id"]) for each in found["changes"]} == {
        ("Modify", "Loader"),
        ("Modify", "Warehouse"),
        ("Add", "WarehousePasswordSecret"),
        ("Add", "WarehouseSecretAttachment"),
    }
    assert {each["replacement"] for each in found["changes"]} <= {None, "False"}
    assert found["left_behind"] is None
    assert PASSWORD not in done.stdout + done.stderr

    assert TEMPLATE.read_text() == text
    assert described(live) == before
    assert proposals(live) == []
    assert live.resources("live", SECRET) == {}
    (cluster,) = live.resources("live", CLUSTER).values()
    assert live.login(cluster) == {"user": "loader", "password": PASSWORD}


def test_a_database_that_would_be_replaced_is_told(live: Cloud, tmp_path: Path) -> None:
    """The template on disk has another user name than the stack, which only a new cluster takes."""
    changed = tmp_path / "loader.yaml"
    other = "MasterUsername: somebody"
    changed.write_text(TEMPLATE.read_text().replace("MasterUsername: loader", other))
    done = fix(live, tmp_path, "--change-set", "live", "--quiet", changed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Warehouse (AWS::Redshift::Cluster) is REPLACED" in done.stdout
    assert "A database would be REPLACED (Warehouse)" in done.stdout
    assert proposals(live) == []


def test_a_stack_that_would_not_change(cloud: Cloud, tmp_path: Path) -> None:
    template = repaired(TEMPLATE, tmp_path)
    cloud.deploy("live", template.read_text())
    done = fix(cloud, tmp_path, "--change-set", "live", template)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Stack live would not change." in done.stdout
    assert proposals(cloud) == []


def test_options_lead_there_too(live: Cloud, tmp_path: Path) -> None:
    there = ("--endpoint-url", live.endpoint, "--region", REGION, "--profile", "tests")
    keys = f"aws_access_key_id = {live.account}\naws_secret_access_key = test\n"
    (tmp_path / "credentials").write_text(f"[tests]\n{keys}")
    nothing = dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"), "")
    keys_file = {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")}
    arguments = ("--change-set", "live", *there, TEMPLATE)
    done = fix(live, tmp_path, *arguments, **nothing, **keys_file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing is replaced." in done.stdout


@pytest.mark.parametrize(
    ("stack", "given", "advice"),
    [
        ("absent", {}, "there is no stack absent here"),
        ("live", {"AWS_REGION": "eu-west-1"}, "there is no stack live here"),
        ("live", {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}, "cannot be reached"),
    ],
)
def test_what_cannot_be_told_is_one_line_and_exit_2(
    live: Cloud, tmp_path: Path, stack: str, given: dict[str, str], advice: str
) -> None:
    done = fix(live, tmp_path, "--change-set", stack, TEMPLATE, **given)
    assert (done.returncode, done.stdout) == (2, "")
    assert advice in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_stack_that_was_never_deployed(cloud: Cloud, tmp_path: Path) -> None:
    cloud.propose("live", TEMPLATE.read_text(), WarehousePassword=PASSWORD)
    done = fix(cloud, tmp_path, "--change-set", "live", TEMPLATE)
    assert done.returncode == 2
    assert "it was never deployed" in done.stderr


def test_a_parameter_that_the_stack_has_no_value_for(live: Cloud, tmp_path: Path) -> None:
    changed = tmp_path / "loader.yaml"
    parameter = "Parameters:\n  Size: { Type: Number }\n"
    changed.write_text(TEMPLATE.read_text().replace("Parameters:\n", parameter))
    done = fix(live, tmp_path, "--change-set", "live", changed)
    assert done.returncode == 2
    assert "Parameters: [Size] must have values" in done.stderr
    assert proposals(live) == []
