"""Parents, their nested stacks and their parameter files, which `remediator fix` repairs together.

Their parameter files are read as the AWS CLI reads `--parameters file://…`, and by that itself.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .cloud import Cloud, Refused
from .conftest import PYTHON
from .test_deploy import (
    ATTACHMENT,
    CLUSTER,
    HERE,
    SECRET,
    assert_keeps,
    before,
    must_have,
    read,
    repaired,
    variables,
)

pytestmark = pytest.mark.deploy

STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Case:
    """A folder of templates, and what is to come of it.

    `asks_for` is the parameter of the root that a person has to type. `clusters` are all clusters,
    by the nested stack they are in (`Europe.Storage`): its template, the secret that the repair
    adds there, the user name in it.
    """

    folder: str
    root: str
    parameters: str
    asks_for: str
    clusters: dict[str, tuple[str, str, str]]
    exports: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.folder

    @property
    def source(self) -> Path:
        return HERE / "templates" / self.folder

    @property
    def bucket(self) -> str:
        return f"{self.folder}-templates"


SHOP = Case(
    "shop",
    "root.yaml",
    "root.test.json",
    "AdminPassword",
    {"Data": ("data.yaml", "MasterPasswordSecret", "shopadmin")},
    ("live-Host", "shop-test-host"),
)
CHAIN = Case(
    "chain",
    "company.yaml",
    "company-params.json",
    "LedgerPassword",
    {"Europe.Storage.Ledger": ("ledger.yaml", "MasterUserPasswordSecret", "bookkeeper")},
    ("live-ledger",),
)
TWINS = Case(
    "twins",
    "all.yaml",
    "all.live.json",
    "Password",
    {
        "Orders": ("cluster.yaml", "MasterPasswordSecret", "ordersadmin"),
        "Stock": ("cluster.yaml", "MasterPasswordSecret", "stockadmin"),
        "Archive": ("archive.yaml", "ArchivePasswordSecret", "archivist"),
    },
)
CASES = (SHOP, CHAIN, TWINS)


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the folders as the installed command has repaired them, each by its name."""
    place = tmp_path_factory.mktemp("repaired")
    return {case.folder: repaired(case.source, place) for case in CASES}


def given(file: Path) -> dict[str, str]:
    """Return the parameters of a file: as CloudFormation has them, or CodePipeline."""
    content = json.loads(file.read_text())
    if isinstance(content, dict):
        return dict(content["Parameters"])
    return {each["ParameterKey"]: each["ParameterValue"] for each in content}


def deployed(cloud: Cloud, case: Case, folder: Path) -> str:
    """Deploy the root of a folder with its parameter file; return the status it ends in."""
    parameters = given(folder / case.parameters)
    return cloud.deploy("live", (folder / case.root).read_text(), **parameters)


def nested(cloud: Cloud, stack: str = "live", path: str = "") -> Iterator[tuple[str, str]]:
    """Yield all nested stacks, each by its logical ids from the root: `Europe.Storage`."""
    for name, identity in cloud.resources(stack, STACK).items():
        yield f"{path}{name}", identity
        yield from nested(cloud, identity, f"{path}{name}.")


def logins(cloud: Cloud) -> dict[str, dict[str, str]]:
    """Return what every cluster was created with, by the nested stack it is in."""
    return {
        path: cloud.login(cluster)
        for path, stack in nested(cloud)
        for cluster in cloud.resources(stack, CLUSTER).values()
    }


@pytest.mark.parametrize("case", CASES, ids=str)
def test_before_the_repair_somebody_types_the_password(cloud: Cloud, case: Case) -> None:
    """It stands in the parameter file, and reaches every cluster; without it there is no stack."""
    parameters = given(case.source / case.parameters)
    typed = parameters.pop(case.asks_for)
    with cloud.holding(case.source, case.bucket):
        with pytest.raises(Refused) as refusal:
            cloud.propose("without", before(f"{case.folder}/{case.root}"), **parameters)
        assert str(refusal.value) == must_have(case.asks_for)
        assert deployed(cloud, case, case.source) == "CREATE_COMPLETE", cloud.reasons("live")
    assert logins(cloud) == {
        path: {"user": user, "password": typed} for path, (_, _, user) in case.clusters.items()
    }


@pytest.mark.parametrize(
    ("case", "file", "why"),
    [
        (SHOP, "data.yaml", "Parameters: [MasterPassword] do not exist in the template"),
        (
            CHAIN,
            "ledger.yaml",
            "Parameter values specified for a template which does not require them",
        ),
    ],
    ids=["shop", "chain"],
)
def test_a_child_that_is_repaired_alone_takes_its_parents_down(
    cloud: Cloud, case: Case, file: str, why: str, after: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(case.source, tmp_path / "naive")
    shutil.copy(after[case.folder] / file, folder)
    with cloud.holding(folder, case.bucket):
        assert deployed(cloud, case, folder) == "ROLLBACK_COMPLETE"
    found = "; ".join(map(cloud.reasons, cloud.stacks()))
    assert why in found


def test_a_parameter_file_that_is_left_behind_is_refused(
    cloud: Cloud, after: dict[str, Path]
) -> None:
    root = (after["shop"] / SHOP.root).read_text()
    with pytest.raises(Refused) as refusal:
        cloud.propose("live", root, **given(SHOP.source / SHOP.parameters))
    assert str(refusal.value) == "Parameters: [AdminPassword] do not exist in the template"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_after_the_repair_the_stacks_live_and_end(
    cloud: Cloud, case: Case, after: dict[str, Path]
) -> None:
    folder = after[case.folder]
    parameters = given(folder / case.parameters)
    assert case.asks_for not in parameters
    with cloud.holding(folder, case.bucket):
        assert deployed(cloud, case, folder) == "CREATE_COMPLETE", cloud.reasons("live")
        assert set(cloud.stacks().values()) == {"CREATE_COMPLETE"}
        assert_generated(cloud, case, folder)
        assert cloud.exports() == set(case.exports)
        with pytest.raises(Refused, match="didn't contain changes"):
            cloud.propose("live", (folder / case.root).read_text(), **parameters)
        cloud.delete("live")
    assert cloud.left_over() == []


def limits(case: Case) -> Iterator[dict[str, Any]]:
    """Yield the hidden parameters of all templates: the password came through each of them."""
    for file in case.source.iterdir():
        if file.name != case.parameters:
            parameters = read(file.read_text())["Parameters"].values()
            yield from (each for each in parameters if each.get("NoEcho"))


def assert_generated(cloud: Cloud, case: Case, folder: Path) -> None:
    """Every cluster has a secret of its own in its stack, and was created with what that holds."""
    made = {path: cloud.resources(stack, SECRET) for path, stack in nested(cloud)}
    made = {path: secrets for path, secrets in made.items() if secrets}
    assert {path: list(made[path]) for path in made} == {
        path: [secret] for path, (_, secret, _) in case.clusters.items()
    }
    contents = {path: cloud.secret(*secrets.values()) for path, secrets in made.items()}
    assert logins(cloud) == {
        path: {"user": user, "password": contents[path]["password"]}
        for path, (_, _, user) in case.clusters.items()
    }
    passwords = {content["password"] for content in contents.values()}
    assert len(passwords) == len(case.clusters)
    for path, stack in nested(cloud):
        assert len(cloud.resources(stack, ATTACHMENT)) == len(made.get(path, ()))
        given_there = json.dumps(cloud.described(stack).get("Parameters", []))
        assert not any(hidden in given_there for hidden in ("****", *passwords))
    for path, (file, secret, user) in case.clusters.items():
        assert contents[path]["username"] == user
        rules = read((folder / file).read_text())["Resources"][secret]["Properties"]
        assert_keeps(contents[path]["password"], rules["GenerateSecretString"])
    for limit in limits(case):
        for password in passwords:
            assert limit.get("MinLength", 1) <= len(password) <= limit.get("MaxLength", 64)
            assert re.fullmatch(limit.get("AllowedPattern", ".*"), password)


@pytest.mark.parametrize("live", [False, True], ids=["created", "updated"])
def test_two_children_have_one_password(cloud: Cloud, after: dict[str, Path], live: bool) -> None:
    """The second one reads the secret of the first; a stack that lives changes over with both.

    The cluster of a stack that is updated stays as it is: that is LocalStack's.
    """
    with cloud.holding(SHOP.source, SHOP.bucket):
        typed = given(SHOP.source / SHOP.parameters)[SHOP.asks_for]
        if live:
            assert deployed(cloud, SHOP, SHOP.source) == "CREATE_COMPLETE"
            assert reader_gets(cloud) == {typed}
        folder = after["shop"]
        cloud.put(folder, SHOP.bucket)
        assert deployed(cloud, SHOP, folder) == f"{'UPDATE' if live else 'CREATE'}_COMPLETE"
    assert len(set(cloud.stacks().values())) == 1, cloud.stacks()
    stacks = dict(nested(cloud))
    (secret,) = cloud.resources(stacks["Data"], SECRET).values()
    assert cloud.outputs(stacks["Data"])["MasterPasswordSecretArn"] == secret
    passed = cloud.described(stacks["Reports"])["Parameters"]
    assert {"ParameterKey": "WarehousePasswordSecretArn", "ParameterValue": secret} in passed
    assert reader_gets(cloud) == {cloud.secret(secret)["password"]}
    assert reader_gets(cloud) != {typed}
    if not live:
        (login,) = logins(cloud).values()
        assert reader_gets(cloud) == {login["password"]}


def reader_gets(cloud: Cloud) -> set[str]:
    """Return the passwords that the function of the second child and its parameter hold."""
    reports = dict(nested(cloud))["Reports"]
    assert variables(cloud, reports)["DB_HOST"] == cloud.outputs("live")["Host"]
    name = cloud.outputs("live")["Address"]
    value = cloud.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    address = re.fullmatch(r"redshift://shopadmin:(.+)@(.+):5439/shop", value)
    assert address is not None
    assert address[2] == cloud.outputs("live")["Host"]
    return {address[1], variables(cloud, reports)["DB_PASSWORD"]}


@pytest.mark.parametrize("case", [SHOP, CHAIN], ids=str)
def test_the_aws_command_takes_the_repaired_file(
    cloud: Cloud, case: Case, after: dict[str, Path], tmp_path: Path
) -> None:
    """That of the chain is empty by then: `[]`."""
    folder = after[case.folder]
    command = f"""
        aws cloudformation create-change-set --stack-name live --change-set-type CREATE
        --change-set-name first --template-body file://{case.root}
        --parameters file://{case.parameters}
    """
    path = f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**cloud.environment(), "PATH": path, "HOME": str(tmp_path)}
    done = subprocess.run(
        command.split(), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    change_set = cloud.client("cloudformation").describe_change_set(
        StackName="live", ChangeSetName="first"
    )
    assert change_set["Status"] == "CREATE_COMPLETE"
    found = change_set.get("Parameters", [])
    passed = {each["ParameterKey"]: each["ParameterValue"] for each in found}
    assert passed.items() >= given(folder / case.parameters).items()
    assert case.asks_for not in passed
