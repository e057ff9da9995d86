"""Measures remediator beside what it builds on and what it is compared with, in one run.

    python benchmarks/compare.py [FOLDER] [--sample N] [--seed S] [--rounds R]

Nothing is judged: the figures depend on machine, folder and load, the ratios much less. How to
read them stands in the README beside this file.
"""

from __future__ import annotations

import argparse
import io
import random
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from remediator.discover import Input, expand
from remediator.document import Document
from remediator.errors import RemediatorError
from remediator.model import Settings
from remediator.registry import catalogue, load, trigger
from remediator.run import Run
from remediator.runner import Runner

ROOT = Path(__file__).resolve().parent.parent
SMALL = ROOT / "examples" / "rds-minimal.yaml"
REMEDIATOR = (sys.executable, "-m", "remediator")
CFN_LINT = shutil.which("cfn-lint", path=str(Path(sys.executable).parent)) or shutil.which(
    "cfn-lint"
)
CFN_LINT_SAMPLE = 40


@dataclass(frozen=True)
class Cost:
    """Seconds of one measurement; the processor's count all processes it started."""

    wall: float
    cpu: float


def processor_seconds() -> float:
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def measure(work: Callable[[], object]) -> Cost:
    cpu, wall = processor_seconds(), time.perf_counter()
    work()
    return Cost(time.perf_counter() - wall, processor_seconds() - cpu)


def median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
    )


def alternately(rounds: int, *works: Callable[[], object]) -> list[Cost]:
    """Return the median cost of each; they take turns, so that a busy minute hits all alike."""
    costs: list[list[Cost]] = [[] for _ in works]
    for _ in range(rounds):
        for work, own in zip(works, costs, strict=True):
            own.append(measure(work))
    return [median(own) for own in costs]


def run(*command: str) -> None:
    """Run a command to its end. What it prints and how it exits does not matter here."""
    subprocess.run(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )


def templates(folder: Path) -> list[Path]:
    """Return the files below a folder that remediator reads as templates."""
    found = []
    for entry in expand([folder]):
        if isinstance(entry, Input):
            try:
                Document.decode(entry.file.read_bytes(), entry.file.name)
            except (RemediatorError, OSError):
                continue
            found.append(entry.file)
    return found


def compose(files: Sequence[Path]) -> None:
    for file in files:
        yaml.compose(file.read_text(encoding="utf-8-sig"), Loader=yaml.CSafeLoader)


def check(paths: Sequence[Path]) -> None:
    settings = Settings()
    Run(Runner(load(settings), catalogue(), settings, check=True)).over(paths)


def round_trip(files: Sequence[Path]) -> int:
    """Load and dump files with ruamel.yaml; return the characters of those that it could read."""
    characters = 0
    for file in files:
        text = file.read_text(encoding="utf-8-sig")
        reader = YAML(typ="rt")
        try:
            reader.dump(reader.load(text), io.StringIO())
        except (YAMLError, ValueError):
            continue
        characters += len(text)
    return characters


def row(name: str, cost: Cost, base: Cost, size: float, remark: str = "") -> None:
    speed = f"{size / cost.wall:8.2f}" if cost.wall else "       –"
    ratio = cost.wall / base.wall
    print(f"{name:<44}{cost.wall:9.3f}{cost.cpu:9.3f}{speed}{ratio:9.2f}  {remark}".rstrip())


def over_the_folder(folder: Path, files: Sequence[Path], sample: int, rounds: int) -> None:
    """Measure what reads every template of the folder, and ruamel.yaml on some of them."""
    size = sum(file.stat().st_size for file in files) / 1e6
    settings = Settings()
    wanted = trigger(load(settings), catalogue())
    parsed = sum(wanted(file.read_text(encoding="utf-8-sig")) for file in files)
    print(
        f"{len(files)} templates, {size:.2f} MB; {parsed} of them hold what a transform looks for"
    )
    print(f"median of {rounds} rounds\n")
    print(f"{'over all of them':<44}{'wall s':>9}{'CPU s':>9}{'MB/s':>8}{'ratio':>9}")
    composing, checking, command, named = alternately(
        rounds,
        lambda: compose(files),
        lambda: check([folder]),
        lambda: run(*REMEDIATOR, "check", "--format", "json", str(folder)),
        lambda: check(files),
    )
    row("PyYAML (libyaml) composes each once", composing, composing, size)
    row("remediator check FOLDER, in this process", checking, composing, size)
    row("remediator check FOLDER, as a command", command, composing, size)
    row("remediator check FILE…, in this process", named, composing, size, "every file is parsed")
    some = files[:sample]
    read: list[int] = []
    trip = measure(lambda: read.append(round_trip(some)))
    scale = size * 1e6 / max(1, sum(read))
    scaled = Cost(trip.wall * scale, trip.cpu * scale)
    remark = f"scaled by size from {len(some)} files, {sum(read) / 1e6:.2f} MB"
    row("ruamel.yaml loads and dumps each once", scaled, composing, size, remark)


def beside_cfn_lint(files: Sequence[Path], rounds: int) -> None:
    """Measure both linters on the same files, each in one process for all of them."""
    some = [str(file) for file in files[:CFN_LINT_SAMPLE]]
    print(f"\n{f'{len(some)} templates in one command':<44}{'wall s':>9}{'CPU s':>9}{'a file':>8}")
    if CFN_LINT is None:
        print("cfn-lint is not installed: left out")
        return
    linting, checking = alternately(
        rounds,
        lambda: run(CFN_LINT, *some),
        lambda: run(*REMEDIATOR, "check", *some),
    )
    for name, cost in (("cfn-lint", linting), ("remediator check", checking)):
        print(f"{name:<44}{cost.wall:9.3f}{cost.cpu:9.3f}{cost.wall / len(some):8.3f}")
    print(f"cfn-lint takes {linting.wall / checking.wall:.1f} times as long")


def start_up(rounds: int) -> None:
    """Measure how long a command takes that has little to do."""
    commands = {
        "python -c pass": (sys.executable, "-c", "pass"),
        "remediator --version": (*REMEDIATOR, "--version"),
        f"remediator check {SMALL.name}": (*REMEDIATOR, "check", str(SMALL)),
        f"remediator fix --dry-run {SMALL.name}": (*REMEDIATOR, "fix", "--dry-run", str(SMALL)),
    }
    if CFN_LINT is not None:
        commands[f"cfn-lint {SMALL.name}"] = (CFN_LINT, str(SMALL))
    costs = alternately(rounds, *(lambda c=c: run(*c) for c in commands.values()))
    print(f"\n{'starting, one small template':<44}{'wall s':>9}{'CPU s':>9}{'':>8}{'ratio':>9}")
    for name, cost in zip(commands, costs, strict=True):
        ratio = cost.wall / costs[0].wall
        print(f"{name:<44}{cost.wall:9.3f}{cost.cpu:9.3f}{'':>8}{ratio:9.1f}")


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
    files = templates(folder)
    if not files:
        parser.error(f"{folder} holds no CloudFormation templates")
    random.Random(arguments.seed).shuffle(files)
    over_the_folder(folder, files, arguments.sample, arguments.rounds)
    beside_cfn_lint(files, 1)
    start_up(2 * arguments.rounds + 1)


if __name__ == "__main__":
    main()
