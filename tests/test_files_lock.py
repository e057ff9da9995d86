"""Two runs that write the same tree keep off each other; no file is left of that."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from test_files import only, template
from test_runner import NEW, OLD, RENAME, one, run, statuses

from remediator.errors import FileError
from remediator.lock import Claims
from remediator.model import Context, Finding, Settings
from remediator.results import Status
from remediator.run import Run
from remediator.runner import Runner
from remediator.template import Template
from remediator.transform import Transform

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no flock")


def work_tree(folder: Path) -> Path:
    (folder / ".git").mkdir(parents=True)
    return template(folder).parent


@contextmanager
def at_work(*folders: Path) -> Iterator[None]:
    """Another run has these trees: for the kernel, one of this process is as good."""
    with Claims() as claims:
        for folder in folders:
            claims.enter(folder, folder)
        yield


def busy(folder: Path) -> bool:
    with Claims() as claims:
        try:
            claims.enter(folder, folder)
        except FileError as error:
            return "another run of remediator is at work on " in error.message
    return False


def test_a_tree_that_another_run_has_is_an_error_and_the_others_go_on(tmp_path: Path) -> None:
    first, second = work_tree(tmp_path / "first"), work_tree(tmp_path / "second")
    (first / "notes.txt").write_text("no template")
    (first / "inner").mkdir()
    template(first / "inner", "inner.yaml")
    with at_work(first):
        result = run(tmp_path)
        assert [(Path(each.path).parent.name, each.status) for each in result.files] == [
            ("first", Status.ERROR),
            ("inner", Status.ERROR),
            ("second", Status.FIXED),
        ]
        assert result.files[0].error == (
            f"another run of remediator is at work on {first}; run again when it has ended"
        )
        assert result.skipped == 1
        assert one(run(first / "t.yaml")).status is Status.ERROR
    assert (first / "t.yaml").read_text() == OLD
    assert (second / "t.yaml").read_text() == NEW
    assert statuses(run(first)) == {"t.yaml": Status.FIXED, "inner.yaml": Status.FIXED}
    only(first, ".git", "t.yaml", "notes.txt", "inner")


def test_who_writes_nothing_locks_nothing(tmp_path: Path) -> None:
    work_tree(tmp_path)
    with at_work(tmp_path):
        assert one(run(tmp_path, write=False)).status is Status.WOULD_FIX
        assert one(run(tmp_path, write=False, check=True)).outcomes[0].status is Status.REPAIRABLE
    seen: list[bool] = []

    def check(template: Template, context: Context) -> Iterator[Finding]:
        seen.append(busy(tmp_path))
        yield from RENAME.check(template, context)

    spy = Transform("rename", "Renames", check, triggers=("OLDWORD",))
    Run(Runner([spy], {}, Settings(), check=True)).over([tmp_path])
    Run(Runner([spy], {}, Settings())).over([tmp_path])
    assert not any(seen)
    Run(Runner([spy], {}, Settings(), write=True)).over([tmp_path])
    assert seen[-1]
    assert not busy(tmp_path)


def test_the_command_exits_2_and_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    work_tree(tmp_path)
    program = (
        "import os, sys; from pathlib import Path; from remediator.lock import Claims\n"
        "place = Path(sys.argv[1]); claims = Claims(); claims.enter(place, place)\n"
        "print('locked', flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        command = [sys.executable, "-m", "remediator", "fix", "--select", "export-names", tmp_path]
        options = {"env": environment, "capture_output": True, "text": True, "check": False}
        (tmp_path / "t.yaml").write_text(OLD)
        refused = subprocess.run(command, **options)  # type: ignore[call-overload]
        assert refused.returncode == 2
        assert f"another run of remediator is at work on {tmp_path}" in " ".join(
            refused.stdout.split()
        )
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert subprocess.run(command, **options).returncode == 0  # type: ignore[call-overload]
    only(tmp_path, ".git", "t.yaml")


def test_trees_without_git_exclude_those_above_and_below(tmp_path: Path) -> None:
    outer, inner = tmp_path / "outer", tmp_path / "outer" / "inner"
    beside = tmp_path / "outer" / "beside"
    for folder in (inner, beside):
        folder.mkdir(parents=True)
    with at_work(inner):
        assert busy(outer)
        assert busy(inner)
        assert not busy(beside)
    with at_work(outer):
        assert busy(inner)
        assert busy(tmp_path)
    assert not busy(inner)
    # Also where one run has both: it does not exclude itself.
    for pair in ([outer, inner], [inner, outer], [inner, beside, outer, inner]):
        with at_work(*pair):
            assert busy(pair[-1])


def test_a_work_tree_within_another_is_one_of_its_own(tmp_path: Path) -> None:
    outer = work_tree(tmp_path / "outer")
    inner = work_tree(outer / "inner")
    template(outer / "later", "later.yaml")
    with at_work(inner):
        assert statuses(run(outer)) == {"t.yaml": Status.ERROR, "later.yaml": Status.FIXED}
        assert (outer / "t.yaml").read_text() == NEW
        assert (inner / "t.yaml").read_text() == OLD
    with at_work(outer):
        assert one(run(inner)).status is Status.FIXED
    with Claims() as claims:
        for folder in (outer, inner, outer / "later"):
            claims.enter(folder, tmp_path)
        assert busy(outer)
        assert not busy(inner)  # given back: the run is past it


def test_a_link_is_locked_where_it_leads(tmp_path: Path) -> None:
    outer = work_tree(tmp_path / "outer")
    inner = work_tree(outer / "inner")
    (outer / "link.yaml").symlink_to(inner / "t.yaml")
    with at_work(inner):
        assert one(run(outer / "link.yaml")).status is Status.ERROR
    assert one(run(outer / "link.yaml")).status is Status.FIXED


def test_very_many_trees_do_not_use_up_the_handles(tmp_path: Path) -> None:
    trees = [work_tree(tmp_path / str(number)) for number in range(60)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = len(os.listdir("/dev/fd"))  # noqa: PTH208
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken + 30, hard))
    try:
        result = run(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [file.status for file in result.files] == [Status.FIXED] * len(trees)


def test_a_refused_tree_stays_so_for_the_run(tmp_path: Path) -> None:
    """Half a tree repaired would be worse than none."""
    tree, other = work_tree(tmp_path / "tree"), work_tree(tmp_path / "other")
    with Claims() as claims:
        with at_work(tree), pytest.raises(FileError):
            claims.enter(tree, tree)
        claims.enter(other, other)
        with pytest.raises(FileError, match="another run"):
            claims.enter(tree, tree)
    assert not busy(tree)


def test_what_cannot_be_locked_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_tree(tmp_path)

    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert one(run(tmp_path)).status is Status.FIXED


def test_a_folder_that_went_is_an_error_of_its_own(tmp_path: Path) -> None:
    with Claims() as claims, pytest.raises(FileError, match="cannot be locked: No such file"):
        claims.enter(tmp_path / "absent", tmp_path / "absent")


def test_who_comes_to_a_tree_by_different_ways_has_it_all_the_same(tmp_path: Path) -> None:
    """A link leads elsewhere than its own folder, which must be claimed for the next file."""
    first, second = work_tree(tmp_path / "first"), work_tree(tmp_path / "first" / "second")
    (first / "a.yaml").symlink_to(second / "t.yaml")
    (first / "b.yaml").symlink_to(tmp_path / "outside.yaml")
    template(tmp_path, "outside.yaml")
    with at_work(first):
        names = ["a.yaml", "b.yaml", "t.yaml"]
        found = run(*(first / name for name in names))
        assert statuses(found) == {
            "a.yaml": Status.FIXED,
            "b.yaml": Status.ERROR,
            "t.yaml": Status.ERROR,
        }
        assert "outside of" in found.files[1].error
        assert "another run" in found.files[2].error
    assert (first / "t.yaml").read_text() == OLD
