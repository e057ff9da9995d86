"""What does it cost to repair whole repositories, against their templates alone?

    python benchmarks/whole.py FOLDER [ROUNDS]

Every folder of FOLDER is a PATH of one dry run without the validator. "Alone" is the same run that
knows nothing of who gives a template its parameters. CPU time, the two in turns.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from remediator.around import Around
from remediator.request import Request
from remediator.session import carry_out


class Alone:
    """Templates that nobody calls: what `Around` says of a tree without any other file."""

    callers = staticmethod(lambda *_, **__: {})
    mentions = staticmethod(lambda *_: lambda _: ())


def seconds(paths: tuple[str, ...], *, alone: bool) -> float:
    """Return the CPU time of one run."""
    kept = {name: Around.__dict__[name] for name in ("callers", "mentions")}
    if alone:
        for name in kept:
            setattr(Around, name, Alone.__dict__[name])
    try:
        start = time.process_time()
        carry_out(Request(paths, dry_run=True, validate=False))
        return time.process_time() - start
    finally:
        for name, method in kept.items():
            setattr(Around, name, method)


def main() -> None:
    """Print the medians and their ratio."""
    paths = tuple(str(each) for each in sorted(Path(sys.argv[1]).iterdir()) if each.is_dir())
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    seconds(paths, alone=True)  # what is imported late is imported
    taken: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(rounds):
        for without in taken:
            taken[without].append(seconds(paths, alone=without))
    alone, whole = (statistics.median(taken[each]) for each in (True, False))
    print(f"templates alone  {alone:6.2f} s")
    print(f"repositories     {whole:6.2f} s  {whole / alone:.2f} times")


if __name__ == "__main__":
    main()
