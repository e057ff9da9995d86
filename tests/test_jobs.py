"""`--jobs`: several processes work files out; what comes of it is that of one, byte for byte."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import get_all_start_methods
from pathlib import Path
from typing import Any

import pytest
from test_cli import BROKEN_EXPORT, remediator
from test_pool import is_running

from remediator import ahead, results
from remediator.ahead import Hand, worth
from remediator.around import Around
from remediator.discover import Input, expand
from remediator.lock import Claims
from remediator.results import Validation
from remediator.validator import Judged, Validator

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests" / "repositories"
BOTH = [method for method in ("fork", "spawn") if method in get_all_start_methods()]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

# A process of its own: a fork of one with other threads, as those of the tests, is not sound.
PROGRAM = """
import json, os, pickle, sys
from remediator import ahead, pool, session
from remediator.guard import guarded
from remediator.output import rendered
from remediator.report.formats import FORMATS
from remediator.request import Request

method, jobs, command, *paths = sys.argv[1:]
ahead.WORTH = 1
main = os.getpid()
{patch}
started = []
plain = pool.Pool.start
def start(self, number, begin, _):
    started.append(number)
    plain(self, number, begin, method)
pool.Pool.start = start
request = Request(
    tuple(paths),
    check=command == "check",
    dry_run=command == "fix --dry-run",
    validate=bool(os.environ.get("VALIDATE")),
    jobs=int(jobs),
)
result = session.carry_out(request, guard=guarded).result
shown = {{
    each: rendered(result, request, each, diff=True, colour=False) for each in FORMATS
}}
pickled = pickle.dumps(result).hex()
print(json.dumps({{"shown": shown, "started": started, "result": pickled}}))
"""


def run(
    jobs: int,
    command: str,
    *paths: Path | str,
    method: str = BOTH[0],
    patch: str = "",
    cwd: Path = ROOT,
    **environment: str,
) -> dict[str, Any]:
    """Carry out a command; returns its reports in all formats and how many processes it had."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(patch=patch), method, str(jobs), command, *paths],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    told["result"] = pickle.loads(bytes.fromhex(told["result"]))
    return told


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def many_trees(folder: Path) -> None:
    """The repositories of the cases, each a work tree of its own, and the examples."""
    for case in sorted(CASES.iterdir()):
        tree = shutil.copytree(case / "before", folder / case.name)
        (tree / ".git").mkdir()
    shutil.copytree(ROOT / "examples", folder / "zz-examples")


def one_tree(folder: Path) -> None:
    """The same files as one work tree, in which much of one is tied to much of another."""
    many_trees(folder)
    for case in CASES.iterdir():
        (folder / case.name / ".git").rmdir()
    (folder / ".git").mkdir()


@pytest.mark.parametrize("made", [many_trees, one_tree])
@pytest.mark.parametrize("command", ["check", "fix --dry-run", "fix"])
def test_results_are_those_of_one_process(
    tmp_path: Path, made: Callable[[Path], None], command: str
) -> None:
    folder = tmp_path / "folder"
    told, trees = [], []
    for jobs in (1, 3):
        made(folder)
        told.append(run(jobs, command, folder))
        trees.append(files(folder))
        shutil.rmtree(folder)
    assert [each["started"] for each in told] == [[], [3]]
    assert told[1]["shown"] == told[0]["shown"]
    assert told[1]["result"] == told[0]["result"]
    assert trees[1] == trees[0]
    assert any("AWSTemplateFormatVersion" in file.new for file in told[0]["result"].files)


@pytest.mark.parametrize("method", BOTH[1:])
def test_however_the_processes_are_started(tmp_path: Path, method: str) -> None:
    one_tree(tmp_path / "folder")
    one, two = (run(jobs, "check", "folder", method=method, cwd=tmp_path) for jobs in (1, 2))
    assert two["started"] == [2]
    assert two["shown"] == one["shown"]
    assert two["result"] == one["result"]


def test_settings_and_several_paths_are_heeded(tmp_path: Path) -> None:
    for name, settings in (("A", ""), ("B", 'ignore = ["export-names"]'), ("C", "x = 1")):
        for number in range(4):
            file = tmp_path / name / f"{number}" / "t.yaml"
            file.parent.mkdir(parents=True)
            file.write_text(BROKEN_EXPORT)
        (tmp_path / name / "2" / "remediator.toml").write_text(settings)
    one, two = (run(jobs, "check", "A", "B", "C/1", "C", cwd=tmp_path) for jobs in (1, 2))
    assert two["started"]
    assert two["shown"] == one["shown"]
    assert "x" in json.dumps([each["error"] for each in errors(one)])


def errors(told: dict[str, Any]) -> list[dict[str, Any]]:
    report = json.loads(told["shown"]["json"])
    return [file for file in report["files"] if file["status"] == "error"]


def templates(folder: Path, number: int = 12) -> list[Path]:
    found = []
    for each in range(number):
        file = folder / f"{each:02}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(BROKEN_EXPORT)
        found.append(file)
    return found


AT_ONE = """
from remediator.runner import Runner
plain_handle = Runner.handle
def handle(self, entry, *rest):
    if entry.file.name == "05.yaml" and {where}:
        {what}
    return plain_handle(self, entry, *rest)
Runner.handle = handle
"""
ELSEWHERE = "os.getpid() != main"


@pytest.mark.skipif("fork" not in BOTH, reason="what is patched is not in a spawned process")
def test_a_process_that_is_killed_costs_the_file_it_was_at(tmp_path: Path) -> None:
    found = templates(tmp_path / "folder")
    patch = AT_ONE.format(where=ELSEWHERE, what="os.kill(os.getpid(), 9)")
    told = run(2, "fix", tmp_path / "folder", patch=patch)
    assert [(each["path"], each["findings"]) for each in errors(told)] == [(str(found[5]), [])]
    (error,) = errors(told)
    assert "the process that was at work on it has ended" in error["error"]["message"]
    assert [file for file in found if "Name:" not in file.read_text()] == [found[5]]


@pytest.mark.skipif("fork" not in BOTH, reason="what is patched is not in a spawned process")
def test_when_all_are_killed_the_run_does_the_rest(tmp_path: Path) -> None:
    found = templates(tmp_path / "folder")
    patch = AT_ONE.format(where=ELSEWHERE, what="pass").replace(
        'entry.file.name == "05.yaml" and ' + ELSEWHERE + ":\n        pass",
        ELSEWHERE + ":\n        os.kill(os.getpid(), 9)",
    )
    told = run(2, "fix", tmp_path / "folder", patch=patch)
    assert len(errors(told)) == 2
    left = [file for file in found if "Name:" not in file.read_text()]
    assert [str(file) for file in left] == [each["path"] for each in errors(told)]


@pytest.mark.skipif("fork" not in BOTH, reason="what is patched is not in a spawned process")
def test_a_defect_is_told_as_ever(tmp_path: Path) -> None:
    templates(tmp_path / "folder")
    patch = AT_ONE.format(where="True", what="raise ZeroDivisionError")
    one, two = (run(jobs, "check", tmp_path / "folder", patch=patch) for jobs in (1, 2))
    assert two["shown"] == one["shown"]
    (error,) = errors(two)
    assert "a defect of remediator (ZeroDivisionError)" in error["error"]["message"]
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run(2, "check", tmp_path / "folder", patch=patch, REMEDIATOR_DEBUG="1")


@pytest.mark.skipif("fork" not in BOTH, reason="what is patched is not in a spawned process")
def test_what_a_process_cannot_do_the_run_does(tmp_path: Path) -> None:
    templates(tmp_path / "folder")
    patch = "ahead.Hand.__call__ = lambda self, task: 1 / 0"
    one = run(1, "fix --dry-run", tmp_path / "folder")
    two = run(2, "fix --dry-run", tmp_path / "folder", patch=patch)
    assert two["started"] == [2]
    assert two["shown"] == one["shown"]


def test_a_tree_that_another_run_writes_is_left_to_it(tmp_path: Path) -> None:
    for name in "abc":
        templates(tmp_path / name, 5)
        (tmp_path / name / ".git").mkdir()
    with Claims() as claims:
        claims.enter(tmp_path / "b", tmp_path / "b")
        one = run(1, "fix", tmp_path / "b")
        two = run(2, "fix", tmp_path)
    assert two["started"] == [2]
    assert errors(two) == errors(one)
    assert len(errors(two)) == 5
    changed = {file.parent.name for file in tmp_path.rglob("*.yaml") if "Name:" in file.read_text()}
    assert changed == {"a", "c"}


COMMAND = """
import os, sys, time
from pathlib import Path
from remediator import ahead, results
from remediator.runner import Runner
ahead.WORTH = 1
main, pids = os.getpid(), Path(sys.argv.pop())
plain = Runner.handle
def handle(self, entry, *rest):
    if os.getpid() != main:
        (pids / str(os.getpid())).touch()
        time.sleep(60 if entry.file.name == "05.yaml" else 0)
    return plain(self, entry, *rest)
Runner.handle = handle
from remediator.__main__ import main as run
sys.argv[0] = "remediator"
run()
"""


@pytest.mark.skipif("fork" not in BOTH, reason="what is patched is not in a spawned process")
@pytest.mark.parametrize("to_all", [True, False], ids=["to-all", "to-one"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_all_of_them(
    tmp_path: Path, number: signal.Signals, code: int, to_all: bool
) -> None:
    """Ctrl-C goes to all processes of the terminal, a kill to one."""
    first, second = templates(tmp_path / "folder" / "a", 3), templates(tmp_path / "folder" / "b")
    for name in "ab":
        (tmp_path / "folder" / name / ".git").mkdir()
    pids = tmp_path / "pids"
    pids.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "fix", "-q", "-j", "2", tmp_path / "folder", pids],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    # The tree before is written, and both are at the next.
    while "Name:" not in first[2].read_text() or len(list(pids.iterdir())) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    start = time.monotonic()
    if to_all:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    _, told = process.communicate()
    assert time.monotonic() - start < 30
    assert process.returncode == code
    assert told == "remediator: interrupted after 3 of 15 files; those are repaired\n"
    assert not any("Name:" in file.read_text() for file in second)
    assert not [each for each in pids.iterdir() if is_running(int(each.name))]


# --- when it is worth it ------------------------------------------------------------------------


def entries(folder: Path) -> list[Input]:
    return [entry for entry in expand([folder]) if isinstance(entry, Input)]


def test_few_small_files_stay_in_one_process(tmp_path: Path) -> None:
    templates(tmp_path)
    assert worth(entries(tmp_path), 8) == 1
    (tmp_path / "pictures.bin").write_bytes(b"\0" * 4_000_000)
    assert worth(entries(tmp_path), 8) == 1
    (tmp_path / "large.yaml").write_bytes(b" " * 4_000_000)
    (tmp_path / "too-large.yaml").write_bytes(b" " * 6_000_000)
    assert worth(entries(tmp_path), 8) == 8
    assert worth(entries(tmp_path), 100) == 13
    assert worth([], 8) == 1


def test_the_docs_say_what_is_worth_a_process() -> None:
    text = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")
    assert f"less than {ahead.WORTH // 1000} kB of templates each" in text


def test_one_file_is_never_worth_two(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_bytes(b" " * 4_000_000)
    assert worth(entries(tmp_path), 8) == 1


@pytest.mark.parametrize("options", [[], ["-j2"], ["--jobs", "auto"], ["--jobs", "0"]])
def test_one_process_imports_nothing_for_several(tmp_path: Path, options: list[str]) -> None:
    templates(tmp_path)
    program = (
        "import sys\nfrom remediator.__main__ import main\n"
        "try:\n    main()\nfinally:\n"
        "    assert not {'multiprocessing', 'concurrent.futures'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "check", "-q", *options, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("jobs", ["-1", "two", "1.5", "", "²"])
def test_what_is_no_number_is_told(tmp_path: Path, jobs: str) -> None:
    result = remediator("check", "--jobs", jobs, tmp_path)
    assert result.exit_code == 2
    assert result.stderr == f"remediator: --jobs: {jobs!r} is neither a number nor auto\n"


def test_auto_is_one_for_each_processor_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert ahead.processors(0) == 3
    assert ahead.processors(2) == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert ahead.processors(0) == 1


@pytest.mark.parametrize("number", [0, 1, 7, 100, 1000])
def test_batches_hold_all_in_order_and_become_smaller(number: int) -> None:
    inputs = [Input.of(Path(str(each)), named=False, root=Path()) for each in range(number)]
    parts = list(ahead._parted(inputs, 2))
    assert [entry for part in parts for entry in part] == inputs
    sizes = [len(part) for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    assert not sizes or sizes[-1] == 1


# --- what a process keeps, and what its judge tells ----------------------------------------------


def test_trees_that_are_left_behind_are_forgotten(tmp_path: Path) -> None:
    around = Around()
    left: list[str] = []
    around.leave = lambda tree: left.append(tree.name)  # type: ignore[method-assign]
    hand = Hand(lambda _: pytest.fail("not asked"), around, None)
    for name in ("a", "a/inner", "b", "c"):
        (tmp_path / name / ".git").mkdir(parents=True)
    for name in ("a", "a/inner", "a", "b", "b", "c"):
        hand._enter(Input.of(tmp_path / name / "t.yaml", named=False, root=tmp_path))
    assert left == ["inner", "a"]


def test_what_judges_did_is_put_together_in_order() -> None:
    there, here = Validator(), Validator()
    there.unanswered, there.asked = ["b", "a"], True
    here.hear(there.told())
    assert there.told() == Judged()
    here.hear(Judged(("a", "c"), asked=False, broken=True))
    assert (here.unanswered, here.asked, here.broken) == (["b", "a", "c"], True, True)


SILENT = """
from remediator import validator
class Silent(validator.Validator):
    def _errors(self, document):
        self.asked = True
        return None if document.name.endswith(("07.yaml", "03.yaml", "10.yaml")) else {}
validator.Validator = Silent
"""


@pytest.mark.skipif("fork" not in BOTH, reason="what is patched is not in a spawned process")
def test_each_process_has_a_judge_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("cloudformation_validate")
    templates(tmp_path / "folder")
    one, two = (
        run(jobs, "fix --dry-run", tmp_path / "folder", patch=SILENT, VALIDATE="1")
        for jobs in (1, 2)
    )
    assert two["shown"] == one["shown"]
    assert two["result"] == one["result"]
    names = [Path(name).name for name in two["result"].validation.unanswered]
    assert names == ["03.yaml", "07.yaml", "10.yaml"]


@pytest.mark.parametrize("method", BOTH)
def test_aws_judges_the_same(tmp_path: Path, method: str) -> None:
    pytest.importorskip("cloudformation_validate")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    one, two = (
        run(jobs, "fix --dry-run", tmp_path, method=method, VALIDATE="1") for jobs in (1, 2)
    )
    assert two["started"] == [2]
    assert two["result"] == one["result"]
    assert two["result"].validation == Validation(results.Validator.ASKED)
