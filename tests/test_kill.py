"""A run that is killed at any moment leaves every file old or new, and the next run completes it.

`REMEDIATOR_KILLS=300 pytest tests/test_kill.py` kills more often than the tests that run all the
time; `REMEDIATOR_SEED` repeats the moments of a run that failed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from test_cli import BROKEN_EXPORT, remediator

from remediator import atomic, folder, interrupt, lock, metadata, run

ROOT = Path(__file__).parent.parent
KILLS = int(os.environ.get("REMEDIATOR_KILLS", "0"))
SEED = int(os.environ.get("REMEDIATOR_SEED", str(random.randrange(10**6))))
FILES = 24
MODES = (0o644, 0o640, 0o600, 0o755)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "remediator", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True)
class Tree:
    """Some dozens of templates: what they were, and what they become."""

    root: Path
    old: dict[Path, bytes]
    new: dict[Path, bytes]
    first: float
    """Seconds after the start of a run at which it writes its first file."""
    whole: float

    @property
    def kills(self) -> int:
        """How often a run is killed: 25 times; less often where the machine has other work."""
        return KILLS or max(8, min(25, int(20 / self.whole)))

    def restore(self) -> None:
        for number, (file, content) in enumerate(self.old.items()):
            file.write_bytes(content)
            file.chmod(MODES[number % len(MODES)])

    def changed(self) -> set[Path]:
        """Return the files that are new; all others are old, all have their mode."""
        changed = set()
        for number, file in enumerate(self.old):
            content = file.read_bytes()
            assert content in (self.old[file], self.new[file]), f"{file} is neither old nor new"
            assert stat.S_IMODE(file.stat().st_mode) == MODES[number % len(MODES)], file
            if content == self.new[file]:
                changed.add(file)
        return changed

    def others(self) -> list[Path]:
        """Return the files that do not belong there."""
        return [file for file in self.root.rglob("*") if file.is_file() and file not in self.old]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    root = tmp_path_factory.mktemp("tree")
    old = {}
    for number in range(FILES):
        file = root / str(number % 3) / f"{number}.yaml"
        file.parent.mkdir(exist_ok=True)
        old[file] = BROKEN_EXPORT.replace("Topic", f"Topic{number}").encode()
    tree = Tree(root, old, {}, 0, 0)
    first = whole = 0.0
    for _ in range(2):  # the second is not slowed down by what is read for the first time
        tree.restore()
        before = time.time()
        process = start("fix", "-q", root)
        output, errors = process.communicate()
        assert process.returncode == 0, output + errors
        whole = time.time() - before
        first = min(file.stat().st_mtime for file in old) - before
    new = {file: file.read_bytes() for file in old}
    assert all(b"Name:" in content for content in new.values())
    return Tree(root, old, new, max(first, 0), whole)


def stop_at(tree: Tree, moment: float, number: signal.Signals) -> tuple[int, str]:
    """Start a run and send it a signal; returns its exit code and standard output."""
    process = start("fix", "-q", "--format", "json", tree.root)
    time.sleep(moment)
    process.send_signal(number)
    output, _ = process.communicate()
    return process.returncode, output


def moments(tree: Tree, dice: random.Random, count: int) -> list[float]:
    """Return moments over the whole run; most lie where it writes."""
    starts = [0.0 if number % 4 == 0 else tree.first for number in range(count)]
    return [dice.uniform(start, tree.whole) for start in starts]


def complete(tree: Tree) -> None:
    result = remediator("fix", "-q", tree.root)
    assert result.exit_code == 0, result.output
    assert tree.changed() == set(tree.old)
    assert tree.others() == []


def test_a_run_that_is_killed_leaves_every_file_old_or_new(tree: Tree) -> None:
    dice = random.Random(SEED)
    amid = temporary = 0
    for moment in moments(tree, dice, tree.kills):
        tree.restore()
        stop_at(tree, moment, signal.SIGKILL)
        with told(f"killed after {moment:.3f} of {tree.whole:.3f} s"):
            amid += 0 < len(tree.changed()) < FILES
            temporary += len(tree.others())
            complete(tree)
    sys.stdout.write(  # pytest -s shows it
        f"seed {SEED}: killed {tree.kills} times, {amid} times amid the files; {temporary} times a "
        "temporary file was left, and removed by the next run\n"
    )


def test_a_run_that_is_interrupted_tells_what_it_did(tree: Tree) -> None:
    dice = random.Random(SEED)
    for _ in range(max(3, tree.kills // 5)):
        moment = dice.uniform(tree.first, tree.whole)
        tree.restore()
        code, output = stop_at(tree, moment, signal.SIGINT)
        with told(f"interrupted after {moment:.3f} of {tree.whole:.3f} s"):
            changed = tree.changed()
            assert tree.others() == []
            if output:
                report = json.loads(output)
                if report["interrupted"] is not None:
                    assert code == 130
                fixed = [each["path"] for each in report["files"] if each["status"] == "fixed"]
                assert set(map(Path, fixed)) == changed
            else:  # before the first file or after the last
                assert changed in (set(), set(tree.old))
            complete(tree)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Tell with a failure how it can be had again."""
    try:
        yield
    except AssertionError as error:
        error.add_note(f"{what}; REMEDIATOR_SEED={SEED} repeats it")
        raise


AT_EVERY_LINE = """
import json, os, signal, sys
from pathlib import Path
from remediator import atomic
from remediator.errors import Interrupted
from remediator.interrupt import Handler
from test_runner import NEW, OLD, RENAME
from remediator.model import Settings
from remediator.results import Status
from remediator.run import Run
from remediator.runner import Runner

number, modules, files = int(sys.argv[1]), sys.argv[2].split(","), [*map(Path, sys.argv[3:])]

def traced(step):
    left = step
    def trace(frame, event, _):
        nonlocal left
        if frame.f_code.co_filename not in modules:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), number)
        return trace
    return trace

def interrupted(step):
    Handler().install()
    runner = Runner([RENAME], {}, Settings(), write=True)
    sys.settrace(traced(step))
    try:
        result = Run(runner).over(files)
    except Interrupted:  # before the first file, or after the last
        sys.settrace(None)
        done = sum(file.read_text() == NEW for file in files)
        return 1 if done in (0, len(files)) else 3
    sys.settrace(None)
    told = {file.path for file in result.files if file.status is Status.FIXED}
    if told != {str(file) for file in files if file.read_text() == NEW}:
        return 4
    return 1 if result.interrupted is not None else 0

def killed(step):
    sys.settrace(traced(step))
    atomic.replace(files[0], NEW.encode(), expected=OLD.encode())
    return 0

files[0].write_text(OLD)
Run(Runner([RENAME], {}, Settings())).over(files[:1])  # what is imported late is imported once

for step in range(1, 100_000):
    for file in files:
        file.write_text(OLD)
        file.chmod(0o640)
    child = os.fork()
    if child == 0:
        code = 5
        try:
            code = (killed if number == signal.SIGKILL else interrupted)(step)
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    folder = files[0].parent
    others = sorted(set(folder.iterdir()) - set(files))
    seen = {
        "step": step,
        "code": os.waitstatus_to_exitcode(status),
        "contents": [{OLD: "old", NEW: "new"}.get(file.read_text()) for file in files],
        "modes": [file.stat().st_mode & 0o777 for file in files],
        "others": [file.name for file in others],
    }
    atomic.sweep(folder)
    seen["swept"] = sorted(folder.iterdir()) == sorted(files)
    print(json.dumps(seen))
    if seen["code"] == 0:
        break
"""


def at_every_line(
    number: signal.Signals, modules: Sequence[object], *files: Path
) -> list[dict[str, object]]:
    """Return what is found after a signal at each line of the modules; the last had none."""
    names = ",".join(str(getattr(module, "__file__", "")) for module in modules)
    done = subprocess.run(
        [sys.executable, "-c", AT_EVERY_LINE, str(int(number)), names, *files],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    assert seen[-1]["code"] == 0
    for each in seen:
        assert {*each["contents"]} <= {"old", "new"}, each
        assert {*each["modes"]} == {0o640}, each
        assert each["swept"], each
    return seen


def test_killed_at_any_line_of_a_write_the_file_is_old_or_new(tmp_path: Path) -> None:
    seen = at_every_line(signal.SIGKILL, [atomic, folder, metadata, lock], tmp_path / "t.yaml")
    assert {each["code"] for each in seen[:-1]} == {-signal.SIGKILL}
    contents = [str(each["contents"]) for each in seen]
    assert contents == sorted(contents, reverse=True)  # "old" up to one line, "new" from there on
    assert len(set(contents)) == 2
    assert any(each["others"] for each in seen)


def test_interrupted_at_any_line_a_run_tells_what_it_did(tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.yaml" for name in "ab"]
    seen = at_every_line(signal.SIGINT, [run, atomic, interrupt], *files)
    assert {each["code"] for each in seen[:-1]} == {1}
    assert not any(each["others"] for each in seen)
    assert {str(each["contents"]) for each in seen} == {
        "['old', 'old']",
        "['new', 'old']",
        "['new', 'new']",
    }


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
@pytest.mark.parametrize("within", [True, False], ids=["within-a-file", "between-files"])
def test_the_file_in_hand_is_finished_and_told(
    tmp_path: Path, number: signal.Signals, code: int, within: bool
) -> None:
    files = [tmp_path / f"{name}.yaml" for name in "abc"]
    for file in files:
        file.write_text(BROKEN_EXPORT)
    place = "os.fsync" if within else "reading.read"
    program = f"""
import os
from remediator import reading
from remediator.__main__ import main
plain = {place}
calls = 0
def spy(*arguments):
    global calls
    calls += 1
    if calls == {1 if within else 2}:
        os.kill(os.getpid(), {int(number)})
    return plain(*arguments)
{place} = spy
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "fix", "-q", tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    # A tree is worked out as a whole before anything of it is written.
    those = "1 of 3 files; those are repaired" if within else "0 of 3 files; nothing is changed"
    assert done.stderr == f"remediator: interrupted after {those}\n"
    assert ["Name:" in file.read_text() for file in files] == [within, False, False]
    assert sorted(tmp_path.iterdir()) == files


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN);"
        "from remediator import interrupt; interrupt.Handler().install();"
        "signal.raise_signal(signal.SIGINT); print(interrupt.exit_code());"
        "signal.raise_signal(signal.SIGTERM)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "130\n"
    assert "Interrupted" in done.stderr
