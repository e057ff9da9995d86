"""What becomes of a file that is replaced: all it has is kept, or it is left with the reason."""

from __future__ import annotations

import errno
import os
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from test_runner import NEW, OLD, RENAME, one, run, statuses

from remediator import atomic, discover
from remediator.errors import FileError
from remediator.folder import Folder
from remediator.handled import Handled, settled
from remediator.model import Settings
from remediator.results import FileResult, Status
from remediator.run import Run
from remediator.runner import Runner

ROOT = Path(__file__).parent.parent

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives files to other users"
)


def template(folder: Path, name: str = "t.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(OLD)
    return file


def replace(file: Path, within: Path | None = None) -> None:
    atomic.replace(file, NEW.encode(), expected=OLD.encode(), within=within)


def only(folder: Path, *names: str) -> None:
    """No temporary file is left."""
    assert sorted(entry.name for entry in folder.iterdir()) == sorted(names)


@needs_root
def test_owner_and_group_are_kept(tmp_path: Path) -> None:
    file = template(tmp_path)
    os.chown(file, 12345, 54321)
    file.chmod(0o2664)
    replace(file)
    found = file.stat()
    assert (found.st_uid, found.st_gid) == (12345, 54321)
    assert stat.S_IMODE(found.st_mode) == 0o2664


@needs_posix
def test_where_the_owner_cannot_be_kept_the_file_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = template(tmp_path)
    plain = os.fstat

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    def of_another(handle: int) -> os.stat_result:
        found = plain(handle)
        if stat.S_IMODE(found.st_mode) == 0o600:  # the temporary file
            return found
        return os.stat_result([*found[:4], found.st_uid + 1, *found[5:10]])

    monkeypatch.setattr(os, "fchown", refuse)
    monkeypatch.setattr(os, "fstat", of_another)
    with pytest.raises(FileError, match=r"owner and group .* cannot be kept; run as its owner"):
        replace(file)
    assert file.read_text() == OLD
    only(tmp_path, "t.yaml")


def _set_attribute(file: Path, name: str, value: bytes) -> None:
    if sys.platform != "linux":
        pytest.skip("extended attributes are kept on Linux only")
    try:
        os.setxattr(file, name, value)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        pytest.skip(f"this file system has no {name}")


def _access_list(*entries: tuple[int, int, int]) -> bytes:
    """Return a POSIX access control list as the kernel stores it (acl(5)): tag, permissions, id."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOBODY = 0xFFFFFFFF
ACCESS = _access_list(
    (1, 6, NOBODY), (2, 4, 1234), (4, 4, NOBODY), (16, 6, NOBODY), (32, 0, NOBODY)
)


def test_extended_attributes_are_kept(tmp_path: Path) -> None:
    file = template(tmp_path)
    _set_attribute(file, "user.origin", b"\0by hand")
    replace(file)
    assert file.read_text() == NEW
    assert os.getxattr(file, "user.origin") == b"\0by hand"


def test_access_control_lists_are_kept(tmp_path: Path) -> None:
    file = template(tmp_path)
    _set_attribute(file, "system.posix_acl_access", ACCESS)
    before = file.stat()
    replace(file)
    assert os.getxattr(file, "system.posix_acl_access") == ACCESS
    assert file.stat().st_mode == before.st_mode


def test_a_folder_gives_no_one_access_to_a_file_that_had_no_list(tmp_path: Path) -> None:
    file = template(tmp_path)
    file.chmod(0o640)
    _set_attribute(tmp_path, "system.posix_acl_default", ACCESS)
    replace(file)
    assert os.listxattr(file) == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_an_attribute_that_cannot_be_kept_leaves_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = template(tmp_path)
    _set_attribute(file, "user.origin", b"x")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "setxattr", refuse)
    with pytest.raises(FileError, match=r"attribute user.origin cannot be kept \(No space"):
        replace(file)
    assert file.read_text() == OLD
    only(tmp_path, "t.yaml")


@needs_posix
def test_a_temporary_file_is_private_until_it_takes_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = template(tmp_path)
    file.chmod(0o666)
    modes: list[tuple[int, int]] = []
    plain = os.fchmod

    def spy(handle: int, mode: int) -> None:
        modes.append((stat.S_IMODE(os.fstat(handle).st_mode), os.fstat(handle).st_size))
        plain(handle, mode)

    monkeypatch.setattr(os, "fchmod", spy)
    mask = os.umask(0)
    try:
        replace(file)
    finally:
        os.umask(mask)
    assert modes == [(0o600, len(NEW))]
    assert stat.S_IMODE(file.stat().st_mode) == 0o666


@needs_posix
def test_the_file_is_on_the_disk_before_its_name_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = template(tmp_path)
    steps: list[str] = []
    plain_sync, plain_rename = os.fsync, os.rename

    def sync(handle: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        plain_sync(handle)

    def rename(old: str, new: str, **folders: int) -> None:
        steps.append("name")
        plain_rename(old, new, **folders)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", rename)
    replace(file)
    assert steps == ["file", "name", "folder"]


@needs_posix
def test_a_file_with_other_names_is_left(tmp_path: Path) -> None:
    file = template(tmp_path)
    (tmp_path / "twin.txt").hardlink_to(file)
    for write in (True, False):
        result = one(Run(Runner([RENAME], {}, Settings(), write=write, in_place=True)).over([file]))
        assert result.status is Status.ERROR
        assert "has 2 names (hard links)" in result.error
        assert "-o FILE" in result.error
        assert len(result.outcomes) == 1
    assert file.read_text() == OLD
    assert file.samefile(tmp_path / "twin.txt")
    with pytest.raises(FileError, match="has 2 names"):
        atomic.create(file, b"x")


@needs_posix
def test_a_link_stays_as_it_is_and_its_target_is_repaired(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    real = template(tmp_path / "real")
    link = tmp_path / "links" / "t.yaml"
    link.parent.mkdir()
    link.symlink_to("../real/t.yaml")
    before = link.lstat()
    assert one(run(link)).status is Status.FIXED
    after = link.lstat()
    assert real.read_text() == NEW
    assert os.readlink(link) == "../real/t.yaml"  # noqa: PTH115
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (
        *(before.st_ino, before.st_mtime_ns, before.st_ctime_ns),
    )


@needs_posix
@pytest.mark.parametrize("git", [True, False], ids=["work-tree", "folder"])
def test_a_link_out_of_the_tree_is_left_with_the_way_out(tmp_path: Path, git: bool) -> None:
    real = template(tmp_path / "outside")
    tree = tmp_path / "tree"
    tree.mkdir()
    if git:
        (tree / ".git").mkdir()
    (tree / "link.yaml").symlink_to(real)
    (tree / "folder").symlink_to(real.parent)
    named = [tree / "link.yaml", *([tree / "folder" / "t.yaml"] if git else [])]
    for file in named:
        for write in (True, False):
            runner = Runner([RENAME], {}, Settings(), write=write, in_place=True)
            result = one(Run(runner).over([file]))
            assert result.status is Status.ERROR
            assert f"leads to {real}, outside of {tree}" in result.error
            assert "to repair that file, name it" in result.error
            assert len(result.outcomes) == 1
        assert one(run(file, write=False, check=True)).status is not Status.ERROR
    assert real.read_text() == OLD
    only(real.parent, "t.yaml")
    assert one(run(real)).status is Status.FIXED


@needs_posix
def test_the_tree_of_a_path_with_dots_is_where_it_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = template(tmp_path / "plain")
    here = tmp_path / "repository"
    (here / ".git").mkdir(parents=True)
    monkeypatch.chdir(here)
    assert discover.tree_of(Path("../plain/t.yaml"), Path("../plain")).samefile(file.parent)
    assert one(run(Path("../plain/t.yaml"))).status is Status.FIXED
    assert discover.tree_of(Path("t.yaml"), Path()) == here


def swapped(file: Path, swap: Callable[[], None]) -> str:
    """Replace a file after the first look at it; returns why it was left."""

    class Late(Folder):
        def create(self, name: str) -> int:
            swap()
            return super().create(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(atomic, "Folder", Late)
        with pytest.raises(FileError) as left:
            replace(file, within=file.parent.parent)
    return left.value.message


CHANGED = "the file changed while remediator was at work; run again"


@needs_posix
def test_a_file_that_changes_until_it_is_replaced_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "tree" / "a"
    file = template(folder)
    other = template(tmp_path / "other", "o.yaml")

    def write() -> None:
        times = file.stat()
        file.write_text(OLD.replace("why", "who"))  # as long, and with the old time
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    def take_place(file: Path) -> None:
        template(folder, "same.yaml").replace(file)

    assert swapped(file, write) == CHANGED
    assert file.read_text() == OLD.replace("why", "who")
    file.write_text(OLD)
    assert swapped(file, lambda: file.chmod(0o600)) == CHANGED
    assert swapped(file, lambda: os.link(file, folder / "twin")) == CHANGED
    (folder / "twin").unlink()
    assert swapped(file, lambda: take_place(file)) == CHANGED
    assert swapped(file, file.unlink) == CHANGED
    only(folder)

    template(folder)

    def link() -> None:
        file.unlink()
        file.symlink_to(other)

    assert swapped(file, link) == CHANGED
    assert file.is_symlink()
    file.unlink()

    template(folder)

    def make_folder() -> None:
        file.unlink()
        file.mkdir()

    assert swapped(file, make_folder) == "it is no longer a regular file, and is left"
    file.rmdir()

    template(folder)

    def make_pipe() -> None:
        file.unlink()
        os.mkfifo(file)

    assert swapped(file, make_pipe) == "it is no longer a regular file, and is left"
    only(folder, "t.yaml")
    assert other.read_text() == OLD


@needs_posix
def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere_else(tmp_path: Path) -> None:
    """The folder that was opened is written to, wherever it is now; never what took its place."""
    file = template(tmp_path / "tree" / "a")
    outside = template(tmp_path / "outside")
    moved = tmp_path / "tree" / "moved"

    def swap() -> None:
        file.parent.rename(moved)
        file.parent.symlink_to(outside.parent)

    class Late(Folder):
        def create(self, name: str) -> int:
            swap()
            return super().create(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(atomic, "Folder", Late)
        replace(file, within=tmp_path / "tree")
    assert (moved / "t.yaml").read_text() == NEW
    assert outside.read_text() == OLD
    only(outside.parent, "t.yaml")
    only(moved, "t.yaml")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the last step is looked at")
@pytest.mark.parametrize("step", ["a", "a/b"])
def test_a_link_on_the_way_is_not_followed(tmp_path: Path, step: str) -> None:
    file = template(tmp_path / "a" / "b")
    place = tmp_path / step
    place.rename(tmp_path / "moved")
    place.symlink_to(tmp_path / "moved")
    with pytest.raises(NotADirectoryError):
        Folder(file.parent)


def settled_alone(entry: discover.Input, runner: Runner, result: FileResult) -> FileResult:
    (each,) = settled([Handled(entry, runner, result)])
    assert each.result is not None
    return each.result


@needs_posix
def test_a_folder_met_on_the_way_that_becomes_a_link_is_left(tmp_path: Path) -> None:
    outside = template(tmp_path / "outside")
    (outside.parent / ".git").mkdir()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "met").symlink_to(outside.parent)
    entry = discover.Input.of(tree / "met" / "t.yaml", named=False, root=tree)
    runner = Runner([RENAME], {}, Settings(), write=True)
    worked = runner.handle(entry)
    assert worked is not None
    assert "outside of" in settled_alone(entry, runner, worked).error
    assert outside.read_text() == OLD


def test_the_longest_name_of_a_file_is_no_obstacle(tmp_path: Path) -> None:
    file = template(tmp_path, "ü" * 120 + ".yaml")
    replace(file)
    assert file.read_text() == NEW
    only(tmp_path, file.name)


def test_where_nothing_can_be_done_within_an_open_folder_paths_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows."""
    monkeypatch.setattr(os, "supports_dir_fd", set())
    file = template(tmp_path)
    left = tmp_path / ".x.yaml.remediator-0123abcd.tmp"
    left.write_text("x")
    assert one(run(tmp_path)).status is Status.FIXED
    assert file.read_text() == NEW
    only(tmp_path, "t.yaml")


AS_NOBODY = """
import os, sys
from pathlib import Path
from remediator import atomic
from remediator.errors import FileError
os.chdir(sys.argv[1])
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for name in sys.argv[2:]:
    file = Path(name)
    try:
        atomic.replace(file, b"new", expected=b"old")
        print(f"{name}: replaced")
    except FileError as error:
        print(f"{name}: {error.message}")
"""


@needs_posix
def test_what_may_not_be_written_is_left_with_the_reason() -> None:
    """As a user who may not do everything, also where the tests run as root."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are for one user only
        place = Path(name)
        place.chmod(0o755)
        files = [place / each / "t" for each in ("good", "file", "folder", "hidden")]
        for file in files:
            file.parent.mkdir()
            file.write_text("old")
            if os.geteuid() == 0:
                for each in (file, file.parent):
                    os.chown(each, 65534, 65534)
        (place / "file" / "t").chmod(0o444)
        (place / "folder").chmod(0o555)
        (place / "hidden").chmod(0)
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, place, *(f"{file.parent.name}/t" for file in files)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        for file in files:
            file.parent.chmod(0o700)
        assert done.stdout.splitlines() == [
            "good/t: replaced",
            "file/t: the file is read-only; make it writable and run again",
            "folder/t: folder folder is not writable; make it so and run again",
            "hidden/t: the file cannot be written: Permission denied",
        ], done.stderr
        assert [file.read_text() for file in files] == ["new", "old", "old", "old"]
        for file in files:
            only(file.parent, "t")


@needs_posix
@pytest.mark.parametrize("call", ["fsync", "fchmod", "replace"])
def test_what_fails_at_the_last_moment_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    file = template(tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(FileError, match="the file cannot be written: No space left on device"):
        replace(file)
    assert file.read_text() == OLD
    only(tmp_path, "t.yaml")


@pytest.mark.parametrize("dry", [False, True])
def test_a_file_that_vanishes_meanwhile_is_told(tmp_path: Path, dry: bool) -> None:
    files = [template(tmp_path, f"{name}.yaml") for name in "ab"]
    runner = Runner([RENAME], {}, Settings(), write=not dry, in_place=True)
    entry = discover.Input.of(files[0], named=True, root=tmp_path)
    worked = runner.handle(entry)
    assert worked is not None
    files[0].unlink()
    result = settled_alone(entry, runner, worked)
    assert result.status is Status.ERROR
    assert result.error == (
        "the file cannot be found: No such file or directory" if dry else CHANGED
    )
    only(tmp_path, "b.yaml")
    assert one(Run(runner).over([tmp_path])).status is (Status.WOULD_FIX if dry else Status.FIXED)


def test_what_a_killed_run_left_is_removed_by_the_next_that_writes(tmp_path: Path) -> None:
    file = template(tmp_path)
    folder = tmp_path / "inner"
    template(folder)
    (tmp_path / "apart").mkdir()
    left = [place / ".t.yaml.remediator-0123abcd.tmp" for place in (tmp_path, folder)]
    others = [
        tmp_path / ".t.yaml.tmp",
        tmp_path / "t.yaml.remediator-0123abcd.tmp",
        tmp_path / ".t.yaml.remediator-0123abcd.tmp.yaml",
        tmp_path / "apart" / ".t.yaml.remediator-0123abcd.tmp",
    ]
    for each in [*left, *others]:
        each.write_text(OLD)
    strange = tmp_path / ".d.remediator-0123abcd.tmp"
    strange.mkdir()
    run(tmp_path, write=False)
    run(tmp_path, write=False, check=True)
    assert all(each.exists() for each in left)
    # A name that only begins as one does is searched like any other.
    assert statuses(run(tmp_path)) == {
        "t.yaml": Status.FIXED,
        "t.yaml.remediator-0123abcd.tmp": Status.FIXED,
    }
    assert not any(each.exists() for each in left)
    assert all(each.exists() for each in [*others, strange])
    assert file.read_text() == NEW


@needs_posix
def test_a_temporary_file_that_is_being_written_stays(tmp_path: Path) -> None:
    with Folder(tmp_path.resolve()) as folder:
        name = ".x.diff.remediator-0123abcd.tmp"
        handle = folder.create(name)
        atomic.sweep(tmp_path)
        assert (tmp_path / name).exists()
        os.close(handle)
        atomic.sweep(tmp_path)
        only(tmp_path)
    os.mkfifo(tmp_path / name)
    atomic.sweep(tmp_path)
    assert (tmp_path / name).exists()
    atomic.sweep(tmp_path / "absent")
