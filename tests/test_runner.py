from __future__ import annotations

import gc
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from remediator import atomic, registry
from remediator.around import Around
from remediator.errors import FileError
from remediator.model import Consequence, Context, Finding, Fix, Replace, Settings
from remediator.reading import MAX_BYTES
from remediator.registry import builtin_transforms
from remediator.results import FileResult, RunResult, Status
from remediator.run import Run
from remediator.runner import Runner
from remediator.template import Template
from remediator.transform import Transform

OLD = "Description: OLDWORD  # why\nResources:\n  Topic: {Type: AWS::SNS::Topic}\n"
NEW = OLD.replace("OLDWORD", "NEWWORD")


def _check(template: Template, context: Context) -> Iterator[Finding]:
    if template.data.get("Description") == "OLDWORD":
        path = ("Description",)
        yield Finding(path, "is old", Fix("say it anew", (Replace(path, "NEWWORD"),)))


RENAME = Transform("rename", "Renames", _check, triggers=("OLDWORD",))


def run(*paths: Path, write: bool = True, check: bool = False) -> RunResult:
    return Run(Runner([RENAME], {}, Settings(), write=write, check=check)).over(paths)


def one(result: RunResult) -> FileResult:
    (file,) = result.files
    return file


def statuses(result: RunResult) -> dict[str, Status]:
    return {Path(file.path).name: file.status for file in result.files}


def test_a_repair_leaves_nothing_of_its_readers_and_writers(tmp_path: Path) -> None:
    """Their parts know one another, and the collector is off for the length of a run."""
    text = (
        "Parameters:\n  Pw: {Type: String, NoEcho: true}\nResources:\n  DB:\n"
        "    Type: AWS::RDS::DBInstance\n    Properties:\n      Engine: mysql\n"
        "      MasterUsername: app\n      MasterUserPassword: !Ref Pw\n"
    )
    (tmp_path / "db.yaml").write_text(text)
    settings = Settings()
    runner = Runner(registry.load(settings), registry.catalogue(), settings)
    gc.collect()
    gc.disable()
    try:
        assert one(Run(runner).over([tmp_path])).status is Status.WOULD_FIX
        left = [vars(each) for each in gc.get_objects() if isinstance(each, YAML)]
        assert not any(left), "one knows its parts, with all that they hold"
    finally:
        gc.enable()


def test_a_folder_is_searched_by_content(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    for folder in (inner, tmp_path / ".hidden", tmp_path / "node_modules", tmp_path / ".git"):
        folder.mkdir()
        (folder / "t.any").write_text(OLD)
    (tmp_path / "clean.yaml").write_text(NEW)
    (tmp_path / "notes.txt").write_text("Resources of OLDWORD")
    (tmp_path / "binary.yaml").write_bytes(b"\0" + OLD.encode())
    (tmp_path / ".hidden.yaml").write_text(OLD)
    result = run(tmp_path)
    assert statuses(result) == {"t.any": Status.FIXED, "clean.yaml": Status.CLEAN}
    assert (result.scanned, result.skipped) == (4, 2)
    assert (inner / "t.any").read_text() == NEW
    assert (tmp_path / ".hidden" / "t.any").read_text() == OLD


def test_a_file_without_a_trigger_is_not_parsed(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(NEW + "Broken: [\n")
    assert one(run(tmp_path)).status is Status.CLEAN


def test_a_named_file_is_parsed(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(NEW + "Broken: [\n")
    assert one(run(tmp_path / "t.yaml")).status is Status.ERROR


def test_no_text_is_kept_of_a_file_in_a_folder_that_has_nothing_to_tell(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(OLD.replace("OLDWORD", "no OLDWORD"))
    (tmp_path / "b.yaml").write_text(OLD)
    clean, changed = run(tmp_path, write=False).files
    assert (clean.status, clean.old, clean.new) == (Status.CLEAN, "", "")
    assert (changed.old, changed.new) == (OLD, NEW)


def test_a_folder_without_templates_is_an_error_wherever_the_others_have_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("full/inner", "empty"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "full" / "inner" / "a.yaml").write_text(OLD)
    monkeypatch.chdir(tmp_path)
    found = run(Path(), Path("full"), Path("empty"), Path("full/inner"), check=True)
    assert [(file.path, file.status) for file in found.files] == [
        ("full/inner/a.yaml", Status.REPAIRABLE),
        ("empty", Status.ERROR),
    ]


def test_a_tree_is_forgotten_once_the_run_is_through_with_it(tmp_path: Path) -> None:
    files = [tmp_path / name / "a.yaml" for name in ("one", "inner", "two")]
    files.insert(2, tmp_path / "one" / "b.yaml")  # comes back to the first tree
    for file in files:
        (file.parent / ".git").mkdir(parents=True, exist_ok=True)
        file.write_text(OLD)
    known: list[tuple[int, set[str]]] = []
    around = Around()

    def check(template: Template, context: Context) -> Iterator[Finding]:
        trees = {tree.name: repository for tree, repository in around._trees.items()}
        known.append((id(trees.get("one")), set(trees)))
        yield from ()

    transform = Transform("look", "Looks", check, triggers=("OLDWORD",))
    Run(Runner([transform], {}, Settings(), around=around)).over(files)
    assert [trees for _, trees in known] == [
        {"one"},
        {"one"},
        {"inner"},
        {"two"},
    ]
    assert known[0][0] == known[1][0]  # and is not read again


def test_a_dry_run_and_a_check_write_nothing(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(OLD)
    dry = run(file, write=False)
    assert (dry.command, one(dry).status, one(dry).new) == ("fix --dry-run", Status.WOULD_FIX, NEW)
    assert one(run(file, write=False, check=True)).outcomes[0].status is Status.REPAIRABLE
    assert file.read_text() == OLD


@pytest.mark.parametrize(
    "old",
    [
        b"\xef\xbb\xbf" + OLD.encode(),
        OLD.replace("\n", "\r\n").encode(),
        OLD.rstrip("\n").encode(),
        OLD.replace("why", "wh\u00e9 \U0001f600").encode(),
    ],
)
def test_what_no_repair_touches_stays_to_the_byte(tmp_path: Path, old: bytes) -> None:
    file = tmp_path / "t.yaml"
    file.write_bytes(old)
    result = one(run(file))
    assert file.read_bytes() == old.replace(b"OLDWORD", b"NEWWORD")
    assert result.old.encode() == old


def test_the_mode_stays(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(OLD)
    file.chmod(0o640)
    run(file)
    assert file.read_text() == NEW
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.yaml"]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text(OLD)
    link = tmp_path / "link.yaml"
    link.symlink_to("real.yaml")
    run(link)
    assert link.is_symlink()
    assert (tmp_path / "real.yaml").read_text() == NEW


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    tree = tmp_path / "tree"
    outside.mkdir()
    tree.mkdir()
    (outside / "t.yaml").write_text(OLD)
    (tree / "away.yaml").symlink_to(outside / "t.yaml")
    (tree / "away").symlink_to(outside)
    (tree / "circle").symlink_to(tree)
    (tree / "self").symlink_to("self")
    (tree / "t.yaml").write_text(OLD)
    assert statuses(run(tree)) == {"t.yaml": Status.FIXED}
    assert (outside / "t.yaml").read_text() == OLD


def test_a_file_named_twice_is_handled_once(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(OLD)
    (tmp_path / "link.yaml").symlink_to(file)
    assert len(run(file, tmp_path, tmp_path / "link.yaml").files) == 1


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(OLD)
    other = tmp_path / "other.yaml"
    other.write_text(OLD)

    def check(template: Template, context: Context) -> Iterator[Finding]:
        file.write_text("changed by someone")
        yield from _check(template, context)

    spy = Transform("rename", "Renames", check, triggers=("OLDWORD",))
    result = Run(Runner([spy], {}, Settings(), write=True)).over([file, other])
    assert [entry.status for entry in result.files] == [Status.ERROR, Status.FIXED]
    assert "changed while remediator was at work" in result.files[0].error
    assert file.read_text() == "changed by someone"


def test_a_read_only_file_is_an_error_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text(OLD)
    (tmp_path / "a.yaml").chmod(0o444)
    if os.access(tmp_path / "a.yaml", os.W_OK):  # root may write everything: ask as others would
        monkeypatch.setattr(os, "access", lambda file, _: bool(file.stat().st_mode & 0o222))
    result = run(tmp_path)
    assert statuses(result) == {"a.yaml": Status.ERROR, "b.yaml": Status.FIXED}
    assert "read-only" in result.files[0].error
    assert (tmp_path / "a.yaml").read_text() == OLD


def test_a_full_disk_leaves_the_old_file_whole(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(OLD)
    program = (
        "import resource, sys; from pathlib import Path; from remediator import atomic\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "file = Path(sys.argv[1])\n"
        "atomic.replace(file, b'x' * 100, expected=file.read_bytes())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, file], capture_output=True, text=True, check=False
    )
    assert "FileError: the file cannot be written" in done.stderr
    assert file.read_text() == OLD
    assert list(tmp_path.iterdir()) == [file]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 10


def test_a_folder_that_takes_no_file_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(OLD)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FileError, match="cannot be written: Permission denied"):
        atomic.replace(file, b"new", expected=OLD.encode())
    monkeypatch.undo()
    assert file.read_text() == OLD


def test_a_file_that_was_asked_for_may_be_private(tmp_path: Path) -> None:
    atomic.create(tmp_path / "x.diff", b"secret", private=True)
    assert stat.S_IMODE((tmp_path / "x.diff").stat().st_mode) == 0o600


def test_a_very_large_template_is_told_and_other_large_files_are_passed_over(
    tmp_path: Path,
) -> None:
    (tmp_path / "t.yaml").write_text(OLD + "#" * MAX_BYTES)
    (tmp_path / "data.json").write_text(" " * (MAX_BYTES + 1))
    result = run(tmp_path)
    assert statuses(result) == {"t.yaml": Status.ERROR}
    assert "5.0 MB" in result.files[0].error
    assert result.skipped == 1


def test_settings_and_order_are_deterministic(tmp_path: Path) -> None:
    for name in ("b", "a", "c/d", "a1"):
        file = tmp_path / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(OLD)
    names = [Path(file.path).name for file in run(tmp_path, write=False).files]
    assert names == ["a.yaml", "a1.yaml", "b.yaml", "d.yaml"]
    assert all(
        outcome.finding.fix and outcome.finding.fix.consequence is Consequence.SAFE
        for file in run(tmp_path, write=False).files
        for outcome in file.outcomes
    )


def test_an_export_gets_the_name_that_another_template_imports(tmp_path: Path) -> None:
    network = (
        "Resources: {A: {Type: AWS::EC2::VPC}}\nOutputs:\n  VpcId: {Value: !Ref A, Export: }\n"
    )
    app = (
        "Parameters: {NetworkStack: {Type: String}}\nResources:\n  A:\n    Type: AWS::SNS::Topic\n"
        "    Properties: {TopicName: !ImportValue {Fn::Sub: '${NetworkStack}:vpc-id'}}\n"
    )
    (tmp_path / "app.yaml").write_text(app)
    file = tmp_path / "network.yaml"
    file.write_text(network)
    transforms = [each for each in builtin_transforms() if each.id == "export-names"]
    Run(Runner(transforms, {}, Settings(), write=True)).over([file])
    assert "Export: {Name: !Sub '${AWS::StackName}:vpc-id'}" in file.read_text()
    assert (tmp_path / "app.yaml").read_text() == app
