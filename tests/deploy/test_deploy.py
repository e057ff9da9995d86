"""Before the repair the engine asks for a value; after it the stack lives without one, and ends."""

from __future__ import annotations

import os
import re
import shutil
import string
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from .cloud import Cloud, Refused
from .conftest import PYTHON

pytestmark = pytest.mark.deploy

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "examples"
SECRET = "AWS::SecretsManager::Secret"
ATTACHMENT = "AWS::SecretsManager::SecretTargetAttachment"
CLUSTER = "AWS::Redshift::Cluster"
# What Redshift takes: https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateCluster.html
REDSHIFT = range(8, 65), set(string.printable) - set(string.whitespace) - set("'\"\\/@")


@dataclass(frozen=True)
class Case:
    """What is to come of a template: its secrets, each with its user and its database."""

    file: str
    asks_for: str = ""
    databases: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Database -> its secret, the user name in it."""
    exports: tuple[str, ...] = ()
    given: dict[str, str] = field(default_factory=dict)
    """Values for parameters that have a default."""

    def __str__(self) -> str:
        return "-".join([self.file, *self.given.values()])


CASES = (
    Case(
        "warehouse.yaml",
        "MasterPassword",
        {"Warehouse": ("MasterPasswordSecret", "salesadmin")},
        ("WarehousePort", "WarehouseHost"),
    ),
    Case(
        "warehouse.json",
        "DbPassword",
        {"Ledger": ("DbPasswordSecret", "ledgerfinance")},
        ("ledger-host",),
    ),
    Case(
        "reporting.yaml",
        "CorePassword,ReportsPassword",
        {"Core": ("CorePasswordSecret", "corealone")},
    ),
    Case(
        "reporting.yaml",
        "CorePassword,ReportsPassword",
        {
            "Core": ("CorePasswordSecret", "coreboth"),
            "Reports": ("ReportsPasswordSecret", "reporter"),
        },
        ("reports",),
        {"WithReports": "yes"},
    ),
    Case(
        "two-warehouses.yaml",
        "Password",
        {
            "Orders": ("PasswordOrdersSecret", "ordersadmin"),
            "Stock": ("PasswordStockSecret", "stockadmin"),
        },
    ),
    Case(
        "hand-made.yaml",
        "AdminPassword",
        {"Archive": ("Credentials", "archivist")},
        ("credentials",),
    ),
    Case("written-out.yaml", "", {"Clickstream": ("ClickstreamSecret", "clicker")}),
    Case(
        "loader.yaml",
        "WarehousePassword",
        {"Warehouse": ("WarehousePasswordSecret", "loader")},
    ),
)
ASKING = [case for case in CASES if case.asks_for]


def must_have(names: str) -> str:
    return f"Parameters: [{names}] must have values"


def before(file: str) -> str:
    return (HERE / "templates" / file).read_text()


def repaired(source: Path, folder: Path, *options: str) -> Path:
    """Return a copy that the installed command has repaired: a file, or a folder of templates."""
    copy = folder / source.name
    (shutil.copytree if source.is_dir() else shutil.copy)(source, copy)
    program = str(Path(sys.executable).with_name("remediator"))
    command = [program, "fix", "--quiet", *options, str(copy)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return copy


class Loader(yaml.CSafeLoader):
    """Reads a template; `!Sub text` becomes `{"!Sub": "text"}`."""


def _with_tag(loader: Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    value: Any = node.value
    if isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    return {f"!{tag}": value}


Loader.add_multi_constructor("!", _with_tag)


def read(text: str) -> dict[str, Any]:
    return dict(yaml.load(text, Loader=Loader))


def assert_keeps(password: str, rules: dict[str, Any]) -> None:
    """Hold a password against the rules by which its secret generates it, and Redshift's own."""
    lengths, characters = REDSHIFT
    assert len(password) in lengths
    assert set(password) <= characters
    assert len(password) == rules["PasswordLength"]
    assert not set(password) & set(rules.get("ExcludeCharacters", ""))
    classes = [string.ascii_lowercase, string.ascii_uppercase, string.digits]
    if rules.get("ExcludePunctuation"):
        assert not set(password) & set(string.punctuation)
    else:
        classes.append(string.punctuation)
    assert rules["RequireEachIncludedType"] is True
    assert all(set(password) & set(each) for each in classes)


@pytest.mark.parametrize("case", ASKING, ids=str)
def test_before_the_repair_the_engine_asks_for_a_value(cloud: Cloud, case: Case) -> None:
    with pytest.raises(Refused) as refusal:
        cloud.propose("before", before(case.file), **case.given)
    assert str(refusal.value) == must_have(case.asks_for)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_after_the_repair_the_stack_lives_and_ends(
    cloud: Cloud, case: Case, tmp_path: Path
) -> None:
    text = repaired(HERE / "templates" / case.file, tmp_path).read_text()
    assert cloud.deploy("live", text, **case.given) == "CREATE_COMPLETE", cloud.reasons("live")

    secrets, clusters = cloud.resources("live", SECRET), cloud.resources("live", CLUSTER)
    assert clusters.keys() == case.databases.keys()
    assert sorted(secrets) == sorted(secret for secret, _ in case.databases.values())
    assert len(cloud.resources("live", ATTACHMENT)) == len(secrets)
    for database, (secret, user) in case.databases.items():
        content = cloud.secret(secrets[secret])
        assert content["username"] == user
        # The cluster itself got them: the mock behind it tells what it was created with.
        assert cloud.login(clusters[database]) == {"user": user, "password": content["password"]}
        rules = read(text)["Resources"][secret]["Properties"]["GenerateSecretString"]
        assert_keeps(content["password"], rules)
        assert content["password"] not in before(case.file)
    assert cloud.exports() == {f"live-{name}" for name in case.exports}

    with pytest.raises(Refused, match="didn't contain changes"):
        cloud.propose("live", text, **case.given)
    cloud.delete("live")
    assert cloud.left_over() == []


def test_a_password_keeps_the_limits_of_its_parameter(cloud: Cloud, tmp_path: Path) -> None:
    """The limits as the old template has them, not as the new one words them."""
    source = HERE / "templates" / "warehouse.yaml"
    limits = read(source.read_text())["Parameters"]["MasterPassword"]
    cloud.deploy("live", repaired(source, tmp_path).read_text())
    (cluster,) = cloud.resources("live", CLUSTER).values()
    password = cloud.login(cluster)["password"]
    assert re.fullmatch(limits["AllowedPattern"], password)
    assert limits["MinLength"] <= len(password) <= limits["MaxLength"]


def test_two_stacks_of_one_template_have_their_own(cloud: Cloud, tmp_path: Path) -> None:
    text = repaired(HERE / "templates" / "two-warehouses.yaml", tmp_path).read_text()
    stacks = ("one", "two")
    assert {cloud.deploy(stack, text) for stack in stacks} == {"CREATE_COMPLETE"}
    clusters = [name for each in stacks for name in cloud.resources(each, CLUSTER).values()]
    assert len({cloud.login(cluster)["password"] for cluster in clusters}) == 4


def variables(cloud: Cloud, stack: str = "live") -> dict[str, str]:
    """Return the variables of the one function of the stack."""
    (function,) = cloud.resources(stack, "AWS::Lambda::Function").values()
    settings = cloud.client("lambda").get_function_configuration(FunctionName=function)
    return dict(settings["Environment"]["Variables"])


def test_a_function_gets_the_password_in_its_variables(cloud: Cloud, tmp_path: Path) -> None:
    text = repaired(HERE / "templates" / "loader.yaml", tmp_path).read_text()
    cloud.deploy("live", text)
    (cluster,) = cloud.resources("live", CLUSTER).values()
    password = cloud.login(cluster)["password"]
    assert variables(cloud)["DB_PASSWORD"] == password
    assert variables(cloud)["DB_URL"].startswith(f"redshift://loader:{password}@{cluster}.")


def test_a_nested_stack_asks_for_a_value(cloud: Cloud) -> None:
    root = before("platform/root.yaml").replace("    Export:\n", "")  # refused for it even earlier
    with cloud.holding(HERE / "templates" / "platform", "platform-templates"):
        assert cloud.deploy("before", root) == "ROLLBACK_COMPLETE"
    assert must_have("DataPassword") in cloud.reasons("before")


def test_a_nested_stack_lives_and_ends(cloud: Cloud, tmp_path: Path) -> None:
    folder = repaired(HERE / "templates" / "platform", tmp_path)
    root = (folder / "root.yaml").read_text()
    with cloud.holding(folder, "platform-templates"):
        assert cloud.deploy("live", root) == "CREATE_COMPLETE", cloud.reasons("live")
    (child,) = cloud.stacks().keys() - {"live"}
    (secret,) = cloud.resources(child, SECRET).values()
    (cluster,) = cloud.resources(child, CLUSTER).values()
    assert len(cloud.resources(child, ATTACHMENT)) == 1
    content = cloud.secret(secret)
    assert content.keys() == {"username", "password"}
    login = {"user": "metricsadmin", "password": content["password"]}
    assert cloud.login(cluster) == login
    assert cloud.exports() == {"live-MetricsHost"}
    with pytest.raises(Refused, match="didn't contain changes"):
        cloud.propose("live", root)
    cloud.delete("live")
    assert cloud.left_over() == []


def test_nulls_are_refused_and_repaired(cloud: Cloud, tmp_path: Path) -> None:
    """CloudFormation says `'null' values are not allowed in templates`; LocalStack as it can."""
    with pytest.raises(Refused, match="NoneType"):
        cloud.propose("before", before("exports.yaml"))
    text = repaired(HERE / "templates" / "exports.yaml", tmp_path).read_text()
    assert cloud.deploy("live", text) == "CREATE_COMPLETE", cloud.reasons("live")
    assert cloud.exports() == {"live-LimitName"}
    cloud.delete("live")
    assert cloud.exports() == set()


def test_a_safe_repair_leaves_a_deployed_stack_as_it_runs(cloud: Cloud, tmp_path: Path) -> None:
    source = HERE / "templates" / "unattached.yaml"
    assert cloud.deploy("live", source.read_text()) == "CREATE_COMPLETE", cloud.reasons("live")
    (secret,) = cloud.resources("live", SECRET).values()
    (cluster,) = cloud.resources("live", CLUSTER).values()
    running = cloud.secret(secret), cloud.login(cluster)
    text = repaired(source, tmp_path, "--allow", "safe").read_text()
    (change,) = cloud.propose("live", text)
    assert (change["Action"], change["ResourceType"]) == ("Add", ATTACHMENT)
    assert cloud.deploy("live", text) == "UPDATE_COMPLETE", cloud.reasons("live")
    assert len(cloud.resources("live", ATTACHMENT)) == 1
    assert (cloud.secret(secret), cloud.login(cluster)) == running


@pytest.fixture
def live(cloud: Cloud) -> tuple[Path, str]:
    """Return the template of a stack that runs with a password that somebody gave, and that."""
    source, password = HERE / "templates" / "loader.yaml", "Herbst2021herbst"
    status = cloud.deploy("live", source.read_text(), WarehousePassword=password)
    assert status == "CREATE_COMPLETE", cloud.reasons("live")
    return source, password


def test_a_live_stack_rotates(cloud: Cloud, live: tuple[Path, str], tmp_path: Path) -> None:
    """Seen at the function: LocalStack calls a cluster updated, but leaves it as it is."""
    source, old = live
    assert variables(cloud)["DB_PASSWORD"] == old
    text = repaired(source, tmp_path).read_text()
    changes = {each["LogicalResourceId"]: each["Action"] for each in cloud.propose("live", text)}
    assert changes == {
        "Loader": "Modify",
        "Warehouse": "Modify",
        "WarehousePasswordSecret": "Add",
        "WarehouseSecretAttachment": "Add",
    }
    assert cloud.deploy("live", text) == "UPDATE_COMPLETE", cloud.reasons("live")
    (secret,) = cloud.resources("live", SECRET).values()
    assert variables(cloud)["DB_PASSWORD"] == cloud.secret(secret)["password"]


def test_a_live_stack_keeps_its_password_by_reference(
    cloud: Cloud, live: tuple[Path, str], tmp_path: Path
) -> None:
    """The script of --seed-script is run for real, with the aws command of the engine.

    LocalStack resolves references before it compares, so that it finds nothing to change.
    """
    source, current = live
    script = tmp_path / "seed.sh"
    options = ("--strategy", "reference", "--seed-script", str(script))
    text = repaired(source, tmp_path, *options).read_text()
    path = f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**cloud.environment(), "PATH": path, "HOME": str(tmp_path)}
    command = ["sh", str(script), "live"]
    subprocess.run(command, input=f"{current}\n", env=environment, text=True, check=True)
    assert cloud.propose("live", text) == []
    assert cloud.deploy("live", text) == "UPDATE_COMPLETE", cloud.reasons("live")
    assert variables(cloud)["DB_PASSWORD"] == current


@pytest.mark.parametrize("example", ["rds-minimal", "payment-processing"])
def test_the_examples_are_accepted(cloud: Cloud, example: str, tmp_path: Path) -> None:
    """A change set is all that LocalStack can make of them: it has no RDS, nor DMS."""
    source = EXAMPLES / f"{example}.yaml"
    with pytest.raises(Refused, match=re.escape("Parameters: [")):
        cloud.propose("before", source.read_text())
    text = repaired(source, tmp_path, "--new").read_text()
    added = {each["LogicalResourceId"] for each in cloud.propose("live", text)}
    assert added <= read(text)["Resources"].keys()
    assert added & {"DBSecret", "DBPasswordSecret"}
