"""Where transforms come from: by place, plugins by name, and never from a scanned repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from remediator import catalogue as credentials
from remediator import registry
from remediator.document import Document
from remediator.errors import ConfigError, TemplateError
from remediator.model import Context, Credential, Settings
from remediator.template import Template
from remediator.transform import Transform

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests" / "cases"
EVIL = 'raise SystemExit("a scanned repository was imported")\n'


def fake(name: str, *triggers: str | re.Pattern[str], reads_catalogue: bool = False) -> Transform:
    return Transform(name, name, lambda template, context: (), triggers, reads_catalogue)


def test_built_in_transforms_have_ids_of_their_own() -> None:
    ids = [transform.id for transform in registry.builtin_transforms()]
    assert ids
    assert len(set(ids)) == len(ids)
    assert all(each.id.replace("-", "").islower() for each in registry.builtin_transforms())


def test_transforms_are_those_beside_the_package() -> None:
    for transform in registry.builtin_transforms():
        module = sys.modules[transform.check.__module__]
        assert module.__name__ == f"remediator.transforms.{transform.id.replace('-', '_')}"
        assert Path(str(module.__file__)).parent in (
            ROOT / "transforms",
            Path(registry.__file__).parent / "transforms",
        )


def test_scanned_repository_is_never_imported(tmp_path: Path) -> None:
    """Its folders stand first on the path, it is the working directory, and nothing of it runs."""
    for folder in ("transforms", "remediator/transforms", "remediator_transforms"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "__init__.py").write_text(EVIL, encoding="utf-8")
    (tmp_path / "export_names.py").write_text(EVIL, encoding="utf-8")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.path.insert(1, sys.argv[2]); "
        "sys.path.insert(0, ''); import remediator.registry as registry; "
        "print(*(each.id for each in registry.builtin_transforms())); "
        "print(len(registry.catalogue()))"
    )
    # `remediator/` there has no __init__.py: the real package is found behind it.
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(ROOT)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ids, types = done.stdout.splitlines()
    assert ids.split() == [transform.id for transform in registry.builtin_transforms()]
    assert int(types) == len(registry.catalogue())


def test_missing_transforms_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "remediator" / "registry.py"))
    with pytest.raises(ConfigError, match="install again"):
        registry._folder()


def test_installed_place_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("transforms", "remediator/transforms"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "__init__.py").touch()
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "remediator" / "registry.py"))
    assert registry._folder() == (tmp_path / "remediator" / "transforms").resolve()


# --- settings --------------------------------------------------------------------------------


def test_all_are_loaded_by_default() -> None:
    assert registry.load(Settings()) == registry.builtin_transforms()


def test_select_and_ignore() -> None:
    first, second, *_ = (transform.id for transform in registry.builtin_transforms())
    chosen = registry.load(Settings(select=frozenset({first, second}), ignore=frozenset({first})))
    assert [transform.id for transform in chosen] == [second]


@pytest.mark.parametrize("name", ["select", "ignore"])
def test_unknown_id_is_refused_and_the_known_are_named(name: str) -> None:
    with pytest.raises(ConfigError, match=r"no transform nonsense \(known: .*export-names"):
        registry.load(Settings(**{name: frozenset({"nonsense"})}))  # type: ignore[arg-type]


# --- plugins ---------------------------------------------------------------------------------

ONE = fake("one")
SEVERAL = (fake("two"), fake("three"))
NOT_ONE = ("text",)
TAKEN = fake("export-names")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    group = "remediator.transforms"
    points = EntryPoints(
        [
            EntryPoint(name, f"{__name__}:{value}", group)
            for name, value in [
                ("one", "ONE"),
                ("several", "SEVERAL"),
                ("wrong", "NOT_ONE"),
                ("gone", "GONE"),
                ("taken", "TAKEN"),
            ]
        ]
    )
    monkeypatch.setattr(metadata, "entry_points", lambda group: points)


@pytest.mark.usefixtures("installed")
def test_plugins_load_only_when_named() -> None:
    assert registry.load(Settings()) == registry.builtin_transforms()
    named = registry.load(Settings(plugins=("several", "one")))
    assert [each.id for each in named[-3:]] == ["two", "three", "one"]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nobody", "no plugin nobody .known: gone, one"),
        ("wrong", "is no Transform"),
        ("gone", "cannot be loaded"),
        ("taken", "two transforms have the id export-names"),
    ],
)
def test_wrong_plugin_is_refused(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        registry.load(Settings(plugins=(name,)))


# --- the catalogue ---------------------------------------------------------------------------

ROW = {"type": "A::B::C", "property": "X/*/{}/Y", "kind": "k", "generatable": "yes"}


def test_row_becomes_a_credential() -> None:
    row = ROW | {
        "user": "U/Name",
        "max_length": {"*": 9, "oracle-*": 30},
        "requires": ["upper"],
        "replaces": True,
    }
    assert credentials._credential(row) == Credential(
        "A::B::C",
        ("X", "*", "{}", "Y"),
        "k",
        "yes",
        user=("U", "Name"),
        max_length=(("oracle-*", 30), ("*", 9)),
        requires=("upper",),
        replaces=True,
    )


def test_single_length_is_for_every_engine() -> None:
    assert credentials._credential(ROW | {"max_length": 41}).max_length == (("*", 41),)


@pytest.mark.parametrize(
    "row", [ROW | {"lenght": 3}, {key: ROW[key] for key in ROW if key != "kind"}]
)
def test_unknown_or_missing_key_is_refused(row: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"A::B::C X.*(lenght|kind) is unknown or missing"):
        credentials._credential(row)


# --- triggers --------------------------------------------------------------------------------

CATALOGUE = {
    "AWS::RDS::DBInstance": (
        Credential("AWS::RDS::DBInstance", ("MasterUserPassword",), "k", "yes"),
    ),
    "AWS::X::Y": (
        Credential("AWS::X::Y", ("Things", "*", "Value"), "k", "yes"),
        Credential("AWS::X::Y", ("Passwords", "*"), "k", "yes"),
    ),
    "AWS::CloudFormation::CustomResource": (
        Credential("AWS::CloudFormation::CustomResource", ("Token",), "k", "no"),
    ),
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Type: AWS::RDS::DBInstance\nMasterUserPassword: x", True),
        ('"MasterUserPassword": x,"Type":"AWS::RDS::DBInstance"', True),
        ('{"Type":AWS::RDS::DBInstance, MasterUserPassword: x}', True),
        ("Type: AWS::X::Y\nPasswords: [x]", True),
        ("Type: AWS::X::Y", True),
        ("MasterUserPassword: x", False),  # of no resource
        ("Type: AWS::RDS::DBInstance", False),
        ("Type: AWS::RDS::DBInstances\nMasterUserPassword: x", False),
        ("Type: AWS::RDS::DBInstance\nMasterUserPasswords: x", False),
        ("Type: AWS::RDS::DBInstance\nOtherMasterUserPassword: x", False),
        ('Type: "AWS::RDS::DBInst\\x61nce"\nMasterUserPassword: x', True),
        ('Type: AWS::RDS::DBInstance\n"MasterUser\\u0050assword": x', True),
        ('Type: "AWS::\\\n  RDS::DBInstance"\nMasterUserPassword: x', True),
        ('Type: "AWS::RDS::DBIn\\\r\n  stance"\nMasterUserPassword: x', True),
        ("Type: AWS::RDS::DBInstance\nMasterUserPassword: '{{resolve:ssm-secure:x}}'", False),
        ("Type: AWS::RDS::DBInstance\nMasterUserPassword: !Sub '{{resolve:x:${Y}}}'", False),
        ('"AWS::RDS::DBInstance" "MasterUserPassword": {"Fn::Sub": "{{resolve:x}}"}', False),
        (
            '"AWS::RDS::DBInstance" "MasterUserPassword": {"Fn::Join": ["", ["{{resolve:x"]]}',
            False,
        ),
        ("Type: AWS::RDS::DBInstance\nMasterUserPassword: ${A}{{resolve:x}}", True),
        (
            "Type: AWS::RDS::DBInstance\nMasterUserPassword: '{{resolve:x}}'\n"
            "MasterUserPassword: !Ref Password",
            True,
        ),
        ("Type: AWS::RDS::DBInstance\nVariables: MasterUserPassword", False),
        ("Type: AWS::RDS::DBInstance\n? MasterUserPassword # why\n: x", True),
        ("Type: AWS::RDS::DBInstance\n  ? >-\n    MasterUserPassword\n  : x", True),
        ("Type: AWS::RDS::DBInstance\nA: &k MasterUserPassword\nB:\n  *k: x", True),
        ("Type: AWS::S3::Bucket\nA: b ? c : d\nB: '*:'", False),
        ("Type: AWS::RDS::DBInstance\n? MasterUserPassword\n: x", True),
        ("Type: AWS::RDS::DBInstance\nA: &k MasterUserPassword\nB:\n  *k : x", True),
        ("UserData: curl \\\n  -s", False),
        ("UserData: echo \\u2019 \\x1b", False),
        ("Type: Custom::Thing", False),
        ("Token: x", False),  # a row that is no credential is nothing to find
        ("Value: x", False),
        ("a literal (", False),
        ("", False),
    ],
)
def test_catalogue_triggers(text: str, found: bool) -> None:
    wanted = registry.trigger([fake("a", reads_catalogue=True)], CATALOGUE)
    assert wanted(text) == found


def test_literal_triggers_are_literal() -> None:
    wanted = registry.trigger([fake("a", "Export"), fake("b", "(.")], CATALOGUE)
    assert wanted("  Export:")
    assert wanted("a (. b")
    assert not wanted("MasterUserPassword, Exp., (x")


@pytest.mark.parametrize(
    ("only", "text"),
    [
        ("export-names", '"Exp\\u006frt": x'),
        ("manual-secrets", '"Secret\\u0053tring": x'),
        ("manual-secrets", "? SecretString # why\n: x"),
        (
            "secret-attachments",
            "::RDS::DBInstance\nGenerateSecretString: !Join ['', ['{{', 'resolve:x']]",
        ),
    ],
)
def test_odd_spellings_are_looked_at_for_every_transform(only: str, text: str) -> None:
    transforms = [each for each in registry.builtin_transforms() if each.id == only]
    assert registry.trigger(transforms, registry.catalogue())(text)


def test_patterns_are_triggers_too() -> None:
    wanted = registry.trigger([fake("a", "Export"), fake("b", re.compile("^x+$", re.M))], CATALOGUE)
    assert wanted("Export")
    assert wanted("a\nxx\n")
    assert not wanted("a xx")


def test_no_transform_finds_nothing() -> None:
    assert not registry.trigger([], CATALOGUE)("MasterUserPassword")


def test_every_row_has_a_sign_in_a_text_that_uses_it() -> None:
    reads = [each for each in registry.builtin_transforms() if each.reads_catalogue]
    assert reads
    wanted = registry.trigger(reads, registry.catalogue())
    for rows in registry.catalogue().values():
        for row in (each for each in rows if each.generatable != "no"):
            text = f"Type: {row.type}\n" + "".join(f"{step}:\n" for step in row.property)
            assert wanted(text), row


def test_no_case_is_without_the_words_that_its_findings_need() -> None:
    """What a transform finds in a case, it would be asked about by a run over a folder."""
    texts = [file.read_text(encoding="utf-8-sig") for file in CASES.glob("*/*/before.*")]
    context = Context(registry.catalogue(), required=registry.required_properties)
    assert texts
    for transform in registry.builtin_transforms():
        wanted = registry.trigger([transform], registry.catalogue())
        for text in texts:
            if not wanted(text):
                template = Template(Document.parse(text))
                assert not list(transform.check(template, context)), text


_VALUE = re.compile(r"^( *(?:- )?[\w\"']+:)[ ]\S.*$", re.MULTILINE)


def variants(text: str) -> Iterator[str]:
    """Yield a text with other line ends, without each of its values, and without each line."""
    yield text.replace("\n", "\r\n")
    for value in _VALUE.finditer(text):
        yield text[: value.end(1)] + text[value.end() :]
    lines = text.split("\n")
    for number in range(len(lines)):
        yield "\n".join(lines[:number] + lines[number + 1 :])


@pytest.mark.parametrize("transform", registry.builtin_transforms(), ids=lambda each: each.id)
def test_what_is_broken_in_a_case_has_its_words_too(transform: Transform) -> None:
    context = Context(registry.catalogue(), required=registry.required_properties)
    wanted = registry.trigger([transform], registry.catalogue())
    looked_at = 0
    for file in sorted(CASES.glob(f"{transform.id}/*/before.*"))[::4]:
        for text in variants(file.read_text(encoding="utf-8-sig")):
            if wanted(text):
                continue
            try:
                template = Template(Document.parse(text))
            except TemplateError:
                continue
            looked_at += 1
            assert not list(transform.check(template, context)), text
    assert looked_at or transform.id == "callers"
