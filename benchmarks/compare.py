"""Measures remediator beside what it builds on and what it is compared with, in one run.

    python benchmarks/compare.py [FOLDER] [--sample N] [--seed S] [--rounds R]

Nothing is judged: the figures depend on machine, folder and load, the ratios much less. How to
read them stands in the README beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import made

ROOT = Path(__file__).resolve().parent.parent
WORK = Path(__file__).with_name("work.py")
SMALL = ROOT / "examples" / "rds-minimal.yaml"
REMEDIATOR = (sys.executable, "-m", "remediator")
CFN_LINT = shutil.which("cfn-lint", path=str(Path(sys.executable).parent)) or shutil.which(
    "cfn-lint"
)
CFN_LINT_SAMPLE = 40
SIZES = (10, 100, 1_000, 10_000)
FOLDERS = (100, 1_000, 10_000)
PROCESSES = 2_000


@dataclass(frozen=True)
class Cost:
    """What one measurement took: seconds, megabytes; the processor's count all its processes."""

    wall: float
    cpu: float
    peak: float
    told: Any = None


class Bench:
    """Runs measurements in processes of their own, with byte code that is compiled already.

    A folder of this run holds the byte code, so that an environment that forbids to write some
    beside the sources does not count as time to start.
    """

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder = folder
        self.rounds = rounds
        forbids = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
        kept = {name: value for name, value in os.environ.items() if name not in forbids}
        self._environment = {**kept, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}

    def command(self, *command: str, cwd: Path = ROOT) -> Cost:
        """Run a command to its end; how it exits does not matter here."""
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)

    def work(self, name: str, *paths: str | Path) -> Cost:
        """Have `work.py` do something; only what it does counts, not its start."""
        done = subprocess.run(
            [sys.executable, str(WORK), name, *map(str, paths)],
            env=self._environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
        )
        return Cost(**json.loads(done.stdout))

    def listed(self, files: Sequence[str]) -> str:
        """Return how to pass on many files."""
        handle, name = tempfile.mkstemp(dir=self.folder, text=True)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write("\n".join(files))
        return f"@{name}"

    def alternately(self, works: Mapping[str, Callable[[], Cost]]) -> dict[str, Cost]:
        """Return the median cost of each; they take turns, so that a busy minute hits all alike."""
        costs: dict[str, list[Cost]] = {name: [] for name in works}
        for _ in range(self.rounds):
            for name, work in works.items():
                costs[name].append(work())
        return {name: _median(own) for name, own in costs.items()}


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.peak for cost in costs),
        costs[0].told,
    )


def _head(title: str, last: str = "ratio") -> None:
    print(f"\n{title:<46}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{last:>9}")


def _row(name: str, cost: Cost, last: float, remark: str = "") -> None:
    print(
        f"{name:<46}{cost.wall:9.3f}{cost.cpu:9.3f}{cost.peak:9.0f}{last:9.2f}  {remark}".rstrip()
    )


def over_the_folder(bench: Bench, folder: Path, files: Sequence[str], sample: int) -> None:
    """Measure (a) to (g): what reads every template of the folder, and two on some of them."""
    size = sum(Path(file).stat().st_size for file in files)
    every, some = bench.listed(files), bench.listed(files[:sample])
    forty = files[:CFN_LINT_SAMPLE]
    costs = bench.alternately(
        {
            "compose": lambda: bench.work("compose", every),
            "read": lambda: bench.work("read", every),
            "check": lambda: bench.work("check", folder),
            "fix": lambda: bench.work("fix", folder),
        }
    )
    base, check, fix = costs["compose"], costs["check"], costs["fix"]
    changed = bench.listed(fix.told)
    changing = bench.alternately({"compose": lambda: bench.work("compose", changed)})["compose"]
    command = bench.command(*REMEDIATOR, "check", "--format", "json", str(folder))
    print(
        f"{len(files)} templates, {size / 1e6:.2f} MB; {check.told['parsed']} of them are parsed, "
        f"{check.told['found']} hold something to tell, {len(fix.told)} would change"
    )
    _head("over all of them, CPU against composing")
    for label, cost, remark in (
        ("(c) PyYAML (libyaml) composes each once", base, ""),
        ("(d) reads each", costs["read"], ""),
        ("(a) remediator check, once started", check, ""),
        ("    remediator check --format json, a command", command, "once"),
        ("(b) remediator fix --dry-run, once started", fix, "without validator"),
        ("    PyYAML composes those that would change", changing, ""),
    ):
        _row(label, cost, cost.cpu / base.cpu, remark)
    judged = bench.work("validate", every)
    remark = f"once; {judged.told['unanswered']} without an answer"
    _row("(f) cloudformation-validate judges each", judged, judged.cpu / base.cpu, remark)
    trip = bench.work("ruamel", some)
    scale = size / max(1, trip.told)
    scaled = Cost(trip.wall * scale, trip.cpu * scale, trip.peak)
    remark = f"once; scaled by size from {min(sample, len(files))} files, {trip.told / 1e6:.2f} MB"
    _row("(g) ruamel.yaml loads and dumps each once", scaled, scaled.cpu / base.cpu, remark)
    if fix.told:
        proof = (fix.cpu - check.cpu) / changing.cpu
        print(f"fix costs what check does, and {proof:.1f} times composing what would change")
    if CFN_LINT is None:
        print("cfn-lint is not installed: left out")
        return
    _head(f"(e) {len(forty)} templates in one command", "ms each")
    linting = bench.command(CFN_LINT, *forty)
    checking = bench.command(*REMEDIATOR, "check", *forty)
    for name, cost in (("cfn-lint", linting), ("remediator check", checking)):
        _row(name, cost, cost.cpu / len(forty) * 1000)
    ratio = (linting.cpu / len(forty)) / (check.cpu / len(files))
    print(f"a template takes cfn-lint {ratio:.0f} times as long as (a)")


def several_processes(bench: Bench, folder: Path) -> None:
    """Measure two processes against one, over the folder if it is worth two, and a made one."""
    made_one = bench.folder / "two-processes"
    made.folder(made_one, PROCESSES)
    for where, name in ((folder, "the folder"), (made_one, f"{PROCESSES:,} made templates")):
        works = [f"{name} --jobs {n}" for name in ("check", "fix --dry-run") for n in (1, 2)]
        costs = bench.alternately({work: partial(bench.work, work, where) for work in works})
        if costs["check --jobs 2"].told["processes"] < 2:
            print(f"\n{name}: too small for two processes")
            continue
        _head(f"{name}, one process and two, wall", "times")
        for work, cost in costs.items():
            _row(work, cost, costs[f"{work[:-1]}1"].wall / cost.wall)


def start_up(bench: Bench) -> None:
    """Measure how long a command takes that has little to do."""
    alone = bench.folder / "alone"
    alone.mkdir()
    shutil.copy(SMALL, alone)
    commands = {
        "python -c pass": (sys.executable, "-c", "pass"),
        "remediator --version": (*REMEDIATOR, "--version"),
        f"remediator check {SMALL.name}": (*REMEDIATOR, "check", SMALL.name),
        f"remediator fix --dry-run {SMALL.name}": (*REMEDIATOR, "fix", "--dry-run", SMALL.name),
    }
    if CFN_LINT is not None:
        commands[f"cfn-lint {SMALL.name}"] = (CFN_LINT, SMALL.name)
    for command in commands.values():
        bench.command(*command, cwd=alone)  # compiles
    works = {name: partial(bench.command, *each, cwd=alone) for name, each in commands.items()}
    rounds, bench.rounds = bench.rounds, 4 * bench.rounds + 1
    costs = bench.alternately(works)
    bench.rounds = rounds
    _head("starting, one small template, CPU against python")
    for name, cost in costs.items():
        _row(name, cost, cost.cpu / costs["python -c pass"].cpu)


def against_size(bench: Bench) -> None:
    """Measure one template of more and more resources, and folders of more and more templates."""
    works = {}
    for count in SIZES:
        file = bench.folder / f"resources-{count}" / "template.yaml"  # its folder is its tree
        file.parent.mkdir()
        file.write_text(made.template(count), encoding="utf-8")
        for name in ("compose", "check", "fix"):
            works[f"{name}, {count:,} resources"] = (count, file, name)
    costs = bench.alternately(
        {label: partial(bench.work, name, file) for label, (_, file, name) in works.items()}
    )
    _head("one template, CPU", "µs each")
    for label, cost in costs.items():
        _row(label, cost, cost.cpu / works[label][0] * 1e6)
    folders = {f"check, {count:,} templates": bench.folder / f"folder-{count}" for count in FOLDERS}
    for count, folder in zip(FOLDERS, folders.values(), strict=True):
        made.folder(folder, count)
    costs = bench.alternately(
        {label: partial(bench.work, "check", folder) for label, folder in folders.items()}
    )
    _head("folders of made templates, one in ten to be repaired", "µs each")
    for count, (label, cost) in zip(FOLDERS, costs.items(), strict=True):
        _row(label, cost, cost.cpu / count * 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "examples")
    parser.add_argument(
        "--sample", type=int, default=60, help="files that ruamel.yaml reads (default 60)"
    )
    parser.add_argument("--seed", type=int, default=1, help="which ones (default 1)")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions (default 3)")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench(Path(temporary), arguments.rounds)
        files = bench.work("templates", folder).told
        if not files:
            parser.error(f"{folder} holds no CloudFormation templates")
        random.Random(arguments.seed).shuffle(files)
        print(f"median of {arguments.rounds} rounds")
        over_the_folder(bench, folder, files, arguments.sample)
        several_processes(bench, folder)
        start_up(bench)
        against_size(bench)


if __name__ == "__main__":
    main()
