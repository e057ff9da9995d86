"""The hypothesis part of `make fuzz`: the tests' own strategies, with ever more examples.

Prints its figures as JSON. Exit code 1 where a property does not hold; the template, made as
small as hypothesis can, is then written into the folder named.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from . import grammar
from .properties import Broken, Figures

_ROUND = 25  # examples between two looks at the clock


def choosing(draw: Callable[[st.SearchStrategy[int]], int]) -> grammar.Choose:
    """Return a `choose` behind which hypothesis stands."""
    return lambda count: draw(st.integers(0, count - 1))


@st.composite
def written(draw: st.DrawFn) -> bytes:
    """A template written by the grammar."""
    return grammar.template(choosing(draw))


@st.composite
def edited(draw: st.DrawFn) -> bytes:
    """A template of the repository's cases with random edits."""
    return grammar.edited(choosing(draw))


TEMPLATES = st.one_of(written(), edited())


def _tests(figures: Figures, number: int) -> list[Callable[[], None]]:
    quiet = settings(
        max_examples=_ROUND,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    @seed(number)
    @quiet
    @given(TEMPLATES, st.integers(0, 5))
    def engine(raw: bytes, choice: int) -> None:
        figures.engine(raw, choice)

    @seed(number)
    @quiet
    @given(TEMPLATES, st.data())
    def plan(raw: bytes, data: st.DataObject) -> None:
        figures.plan(raw, choosing(data.draw))

    return [engine, plan]


def main(seconds: float, inputs: int, folder: Path, start: int) -> int:
    """Run for some seconds, or for so many inputs if not 0; return the exit code."""
    figures, end, number = Figures(), time.monotonic() + seconds, start
    failed = 0
    while not failed and time.monotonic() < end and not 0 < inputs <= figures.counts["inputs"]:
        number += 1
        for test in _tests(figures, number):
            try:
                test()
            except Broken as error:
                file = folder / f"hypothesis-{number}.yaml"
                file.write_bytes(error.raw)
                sys.stderr.write(f"{error}\nthe template is in {file}\n")
                failed = 1
    sys.stdout.write(json.dumps({**figures.counts, "failures": failed}) + "\n")
    return failed


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])))
