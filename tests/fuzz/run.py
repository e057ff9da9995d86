"""`make fuzz`: both parts at once for some minutes, then their figures; exit code 1 on a failure.

Where atheris cannot be installed, the hypothesis part runs alone and that is said.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FOLDER = ROOT / ".fuzz"
COLUMNS = ("inputs", "templates", "refused", "repaired", "plans carried out", "failures")


@dataclass(frozen=True, slots=True)
class Work:
    """How long to run: some seconds, or so many inputs for each part if not 0.

    A seed other than 0 gives the same inputs every time.
    """

    seconds: float
    inputs: int
    seed: int

    def hypothesis(self) -> list[str]:
        """Return the command of the part that hypothesis drives."""
        first = self.seed or time.time_ns() % 10**9
        given = (str(self.seconds), str(self.inputs), str(FOLDER), str(first))
        return [sys.executable, "-m", "fuzz.by_hypothesis", *given]

    def coverage(self, python: Path) -> list[str]:
        """Return the command of the part that looks for new ways through the code."""
        corpus = FOLDER / "corpus"
        if self.seed:
            shutil.rmtree(corpus, ignore_errors=True)  # what earlier runs found leads elsewhere
        corpus.mkdir(exist_ok=True)
        options = [
            f"-max_total_time={int(self.seconds)}",
            f"-runs={self.inputs or -1}",
            f"-seed={self.seed}",  # of 0 it makes one of its own
            f"-dict={HERE / 'tokens.dict'}",
            f"-artifact_prefix={FOLDER}/",
            "-max_len=20000",
            "-timeout=60",  # one input that takes a minute is a failure
            "-rss_limit_mb=3000",
            "-print_final_stats=0",
            "-verbosity=0",
        ]
        files = [str(FOLDER / "coverage.json"), str(corpus)]
        return [str(python), "-m", "fuzz.by_coverage", *files, *options]


def main(work: Work, python: Path) -> int:
    """Run both parts at once; return the exit code."""
    FOLDER.mkdir(exist_ok=True)
    figures = FOLDER / "coverage.json"
    figures.unlink(missing_ok=True)
    parts = {"hypothesis": work.hypothesis()}
    if python.is_file():
        parts["atheris"] = work.coverage(python)
    else:
        print("atheris is not installed here: hypothesis runs alone")
    outputs = {name: (FOLDER / f"{name}.log").open("w+", encoding="utf-8") for name in parts}
    running = {
        name: subprocess.Popen(
            command,
            cwd=HERE.parent,
            stdout=subprocess.PIPE if name == "hypothesis" else outputs[name],
            stderr=outputs[name],
            text=True,
            env={**os.environ, "PYTHONHASHSEED": "0"} if work.seed else None,
        )
        for name, command in parts.items()
    }
    told, _ = running["hypothesis"].communicate()
    last = told.strip().rpartition("\n")[2]  # hypothesis may have told of an example before
    counts = {"hypothesis": json.loads(last) if last.startswith("{") else {"failures": 1}}
    if "atheris" in running:
        running["atheris"].wait()
        counts["atheris"] = json.loads(figures.read_text()) if figures.is_file() else {}
    print("".join(f"{name:>20}" for name in ("", *COLUMNS)))
    for name, each in counts.items():
        print(f"{name:>20}" + "".join(f"{each.get(column, 0):>20,}" for column in COLUMNS))
    failed = [name for name, process in running.items() if process.returncode]
    for name in failed:
        print(f"\n{name} failed; its input is in {FOLDER}, and this is what it said:")
        outputs[name].seek(0)
        print("".join(outputs[name].readlines()[-40:]))
    for output in outputs.values():
        output.close()
    return 1 if failed else 0


if __name__ == "__main__":
    minutes, inputs, seed, atheris = sys.argv[1:]
    sys.exit(main(Work(float(minutes) * 60, int(inputs), int(seed)), Path(atheris)))
