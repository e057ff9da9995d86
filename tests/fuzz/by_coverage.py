"""The coverage-guided part of `make fuzz`: atheris 3, in a virtual environment of its own.

An input is a head of eight bytes, which choose what is done with it, and the text of a template.
The corpus starts from the templates of tests/cases. The figures are written as JSON to the file
named first, every second or so, since libFuzzer ends the process itself.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

with atheris.instrument_imports(include=["remediator"]):
    from remediator import registry

    registry.builtin_transforms()  # loaded by place, and seen by atheris only here
    from . import grammar
    from .properties import Figures

_HEAD = 8
_FIGURES = Path(sys.argv[1])
_figures = Figures()
_written = 0.0


def one_input(data: bytes) -> None:
    """Do with an input what its head says; any failure is an exception, which atheris reports."""
    global _written
    head, raw = data[:_HEAD], data[_HEAD:]
    if len(head) < _HEAD:
        return
    drawn = random.Random(head)
    if head[0] % 4 == 0:  # the text is the choices of the grammar
        row = iter(raw)
        raw = grammar.template(lambda count: next(row, 0) % count)
    try:
        if head[0] % 2:
            _figures.plan(raw, drawn.randrange)
        else:
            _figures.engine(raw, head[1])
    except Exception:
        _figures.counts["failures"] += 1
        raise
    finally:
        if time.monotonic() - _written > 1 or _figures.counts["failures"]:
            _FIGURES.write_text(json.dumps(_figures.counts), encoding="utf-8")
            _written = time.monotonic()


def seeds(folder: Path) -> None:
    """Write the repository's templates into the corpus, once for each thing that is done."""
    for number, raw in enumerate(grammar.originals()):
        for kind in (1, 2):
            (folder / f"case-{number}-{kind}").write_bytes(bytes([kind, number % 6] * 4) + raw)


if __name__ == "__main__":
    corpus = Path(sys.argv[2])
    seeds(corpus)
    atheris.Setup([sys.argv[0], *sys.argv[3:], str(corpus)], one_input)
    atheris.Fuzz()
