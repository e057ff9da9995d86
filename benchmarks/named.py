"""Where is a removed parameter still named? A check of what the repair of a repository tells.

    python benchmarks/named.py FOLDER

Every folder of FOLDER is taken as a repository, copied, and repaired. Then every text file of it is
searched for the names of the parameters that its templates lost. A line counts as told where a
finding names it: as an edit, in a follow-up, or among its mentions. Not counted are lines of other
templates that have such a parameter themselves, or nest no stack to pass it to.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from remediator.document import Document
from remediator.errors import TemplateError
from remediator.repository import Repository
from remediator.tree_files import is_found

NESTED = re.compile(r"AWS::(?:CloudFormation::Stack|Serverless::Application)")


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the text files of a repository with their paths in it, as git would list them."""
    for path in sorted(root.rglob("*")):
        within = path.relative_to(root).as_posix()
        if path.is_symlink() or not path.is_file() or not is_found(PurePosixPath(within)):
            continue
        raw = path.read_bytes()
        if b"\0" not in raw[:8192] and len(raw) < 1_000_000:
            yield within, raw.decode("utf-8", "replace")


def is_template(text: str) -> bool:
    """Whether a text may be a template."""
    return "Resources" in text and "AWS::" in text


def parameters(text: str) -> frozenset[str]:
    """Return the parameters that a template declares; none where a text is no template."""
    if not is_template(text):
        return frozenset()
    try:
        declared = Document.parse(text.removeprefix("\ufeff")).data.get("Parameters")
    except TemplateError:
        return frozenset(re.findall(r"^\s*[\"']?(\w+)[\"']?:", text, re.MULTILINE))
    return frozenset(declared) if isinstance(declared, dict) else frozenset()


def told(files: list[dict[str, Any]], root: Path) -> tuple[set[tuple[str, int]], str]:
    """Return the lines that the findings of a report name, and all their follow-ups."""
    lines: set[tuple[str, int]] = set()
    follow_ups = []
    for file in files:
        for finding in file["findings"]:
            follow_ups += finding["follow_ups"]
            lines |= {(each["path"], each["line"]) for each in finding.get("mentions", ())}
            for edit in finding.get("edits", ()):
                lines.add((Path(edit["path"]).relative_to(root).as_posix(), edit["line"]))
    return lines, "\n".join(follow_ups)


def given(root: Path, files: dict[str, str], name: str) -> set[tuple[str, int]]:
    """Return the lines that give a parameter to the templates that still declare it."""
    tree = Repository(root)
    keeping = [PurePosixPath(file) for file, text in files.items() if name in parameters(text)]
    calls = (call for place in keeping for call in tree.calls(place, name))
    return {(str(call.place), call.site.line) for call in calls}


def examine(repository: Path, work: Path) -> Counter[str]:
    """Repair a copy of a repository, and print the places that nothing tells of."""
    root = work / repository.name
    shutil.copytree(repository, root, symlinks=True)
    before = dict(texts(root))
    command = [sys.executable, "-m", "remediator", "fix", "-q", "--no-validate"]
    done = subprocess.run(
        [*command, "--format", "json", root], capture_output=True, text=True, check=False
    )
    report = json.loads(done.stdout)
    after = dict(texts(root))
    lines, follow_ups = told(report["files"], root)
    count: Counter[str] = Counter()
    lost = {
        (file, name)
        for file, text in before.items()
        if after[file] != text
        for name in parameters(text) - parameters(after[file])
    }
    for template, name in sorted(lost):
        word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
        for file, text in after.items():
            if file == template or not word.search(text):
                continue
            if name in parameters(text) or (is_template(text) and not NESTED.search(text)):
                count["in another template, of its own"] += 1
                continue
            if (file, name) in lost:
                continue
            for number, line in enumerate(text.split("\n"), 1):
                if not word.search(line):
                    continue
                if (file, number) in lines or f"{file}:{number} " in follow_ups:
                    count["told"] += 1
                elif (file, number) in given(root, after, name):
                    count["given to another template that has it"] += 1
                else:
                    count["NOT TOLD"] += 1
                    place = f"{repository.name}/{template} lost {name}: {file}:{number}"
                    print(f"{place}: {line.strip()[:80]}")
    edits = [e for f in report["files"] for x in f["findings"] for e in x.get("edits", ())]
    count["edited"] += len({(each["path"], each["line"]) for each in edits})
    count["parameters that went"] += len(lost)
    return count


def main() -> None:
    """Examine the repositories of a folder."""
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as work:
        for repository in sorted(Path(sys.argv[1]).iterdir()):
            if repository.is_dir():
                total += examine(repository, Path(work))
    for name, number in sorted(total.items()):
        print(f"{name}: {number}")


if __name__ == "__main__":
    main()
