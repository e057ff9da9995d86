"""Measures a campaign: repositories a second by processes, time by number, memory of a worker.

    python benchmarks/campaign.py FOLDER [--sizes 100,300,1000] [--processes 1,2] [--validate]

FOLDER gets the repositories (`repositories.py`), which stay for the next time. Each line is a
`plan` of its own, over the first so many of them, from nothing. CPU seconds count the processes and
every git that they start; where other programs are busy, they tell more than the time on the wall.
Memory is the most that one process at work held, as Linux counts it (`VmHWM`).
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

CAMPAIGN = """\
name = "benchmark"
allow = ["safe", "rotates", "external"]
author = "Benchmark <benchmark@example.com>"
date = 2026-01-31T12:00:00Z
[repositories]
list = "list.txt"
[repair]
validate = {validate}
"""


@dataclass(frozen=True)
class Measured:
    """What a campaign took."""

    size: int
    processes: int
    wall: float
    cpu: float
    memory: int
    """The most that one process at work held, in kB."""

    def __str__(self) -> str:
        rate, each = self.size / self.wall, self.cpu / self.size * 1000
        return (
            f"{self.size:>12} {self.processes:>9} {self.wall:>8.1f} {rate:>6.2f} "
            f"{self.wall / self.size * 1000:>9.0f} {each:>8.0f} {self.memory / 1024:>7.0f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", default="100,300,1000")
    parser.add_argument("--processes", default="1,2")
    parser.add_argument("--validate", action="store_true", help="ask AWS's rules engine, too")
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")]
    numbers = [int(number) for number in asked.processes.split(",")]
    repositories = made(asked.folder, max(sizes))
    print("repositories processes   wall s    1/s wall ms/1 cpu ms/1  MB/1")
    for size in sizes:
        for number in numbers if size == sizes[0] else numbers[-1:]:
            print(measured(repositories[:size], number, validate=asked.validate), flush=True)


def made(folder: Path, number: int) -> list[str]:
    """Return the URLs of so many repositories, which are made where they are not there."""
    file = folder / "list.txt"
    if not file.exists() or len(file.read_text().splitlines()) < number:
        script = Path(__file__).with_name("repositories.py")
        subprocess.run([sys.executable, str(script), str(folder), str(number)], check=True)
    return file.read_text().splitlines()


def measured(urls: list[str], processes: int, *, validate: bool) -> Measured:
    """Return what the local work of a campaign over these repositories takes."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "list.txt").write_text("\n".join(urls))
        (place / "campaign.toml").write_text(CAMPAIGN.format(validate=str(validate).lower()))
        before, start, most = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), 0
        command = ["migrate", "plan", "--quiet", "--processes", str(processes)]
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "remediator", *command],
            cwd=place,
            stdout=subprocess.DEVNULL,
        ) as driver:
            while driver.poll() is None:
                most = max([most, *map(peak, workers(driver.pid))])
                time.sleep(0.5)
        if driver.returncode:
            sys.exit(f"the campaign ended with code {driver.returncode}")
        wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Measured(len(urls), processes, wall, cpu, most)


def workers(driver: int) -> list[int]:
    """Return the processes at work for a driver."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            words = stat.with_name("cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if parent == driver and b"spawn_main" in words:
            found.append(int(stat.parent.name))
    return found


def peak(process: int) -> int:
    """Return the most memory that a process has held until now, in kB."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+)", text)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    main()
