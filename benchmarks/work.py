"""One measurement in a process of its own: what it takes once all is imported, and its memory.

    python benchmarks/work.py WORK PATH...

Prints one line of JSON: seconds (`wall`, and `cpu`, that of children too), `peak` in megabytes, and
what was `told`. `templates` only lists them; a PATH `@FILE` stands for the lines of a file.
"""

from __future__ import annotations

import io
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from remediator.ahead import worth
from remediator.discover import Input, expand
from remediator.document import Document
from remediator.errors import RemediatorError
from remediator.registry import builtin_transforms, catalogue
from remediator.request import Request
from remediator.results import FileResult
from remediator.runner import Runner
from remediator.session import carry_out


def templates(paths: Sequence[Path]) -> list[str]:
    """Return the files that remediator reads as templates."""
    found = []
    for entry in expand(paths):
        if isinstance(entry, Input):
            try:
                Document.decode(entry.file.read_bytes(), entry.file.name)
            except (RemediatorError, OSError):
                continue
            found.append(str(entry.file))
    return found


def read(paths: Sequence[Path]) -> int:
    return sum(len(file.read_text(encoding="utf-8-sig")) for file in paths)


def compose(paths: Sequence[Path]) -> None:
    for file in paths:
        yaml.compose(file.read_text(encoding="utf-8-sig"), Loader=yaml.CSafeLoader)


def check(paths: Sequence[Path]) -> dict[str, int]:
    """Carry out a whole `check`, but for its report."""
    parsed = 0
    work = Runner._work

    def counted(*arguments: Any) -> FileResult:
        nonlocal parsed
        parsed += 1
        return work(*arguments)

    Runner._work = counted  # type: ignore[assignment, method-assign]
    result = carry_out(Request(tuple(map(str, paths)), check=True)).result
    return {
        "files": len(result.files),
        "found": sum(bool(file.outcomes) for file in result.files),
        "parsed": parsed,
    }


def fix(paths: Sequence[Path]) -> list[str]:
    """Carry out a whole `fix --dry-run --no-validate`; return the templates that would change."""
    request = Request(tuple(map(str, paths)), dry_run=True, validate=False)
    return [
        file.path
        for file in carry_out(request).result.files
        if file.is_template and file.old != file.new
    ]


def ruamel(paths: Sequence[Path]) -> int:
    """Load and dump; return the characters of what could be read."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    characters = 0
    for file in paths:
        text = file.read_text(encoding="utf-8-sig")
        reader = YAML(typ="rt")
        try:
            reader.dump(reader.load(text), io.StringIO())
        except (YAMLError, ValueError):
            continue
        characters += len(text)
    return characters


def validate(paths: Sequence[Path]) -> dict[str, int]:
    """Have AWS's rules engine judge every template, as remediator asks it; ten seconds each."""
    from remediator.validator import Validator

    documents = [Document.decode(file.read_bytes(), str(file)) for file in paths]
    judge = Validator()
    for document in documents:
        judge.judge(documents[0], document)
    judge.close()
    return {"unanswered": len(judge.unanswered)}


def carried_out(paths: Sequence[Path], *, checks: bool, jobs: int) -> dict[str, int]:
    """Carry out a whole `check` or `fix --dry-run`, without the validator and the report."""
    request = Request(
        tuple(map(str, paths)), check=checks, dry_run=not checks, validate=False, jobs=jobs
    )
    inputs = [entry for entry in expand(paths) if isinstance(entry, Input)]
    carry_out(request)
    return {"processes": worth(inputs, jobs)}


WORKS: dict[str, Callable[[Sequence[Path]], object]] = {
    work.__name__: work for work in (templates, read, compose, check, fix, ruamel, validate)
}
for _jobs in (1, 2):
    WORKS[f"check --jobs {_jobs}"] = partial(carried_out, checks=True, jobs=_jobs)
    WORKS[f"fix --dry-run --jobs {_jobs}"] = partial(carried_out, checks=False, jobs=_jobs)


def _paths(arguments: Sequence[str]) -> Iterator[Path]:
    for argument in arguments:
        if argument.startswith("@"):
            yield from map(Path, Path(argument[1:]).read_text(encoding="utf-8").splitlines())
        else:
            yield Path(argument)


def _usage() -> tuple[float, float]:
    """Return the processor's seconds and the peak of memory, of this process and its children."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both), max(one.ru_maxrss for one in both)


def main() -> None:
    work = WORKS[sys.argv[1]]
    paths = list(_paths(sys.argv[2:]))
    builtin_transforms(), catalogue()  # imported and read before the clock starts
    cpu, wall = _usage()[0], time.perf_counter()
    told = work(paths)
    wall, (end, peak) = time.perf_counter() - wall, _usage()
    print(json.dumps({"wall": wall, "cpu": end - cpu, "peak": peak / 1024, "told": told}))


if __name__ == "__main__":
    main()
