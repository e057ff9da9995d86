"""Writes the pages of this folder that follow from the code: `make docs`.

Whole pages: one for each transform (its docstring and one of its cases as a diff), the command line
(every `--help`) and the codes of what is left. In pages written by hand: the block behind a comment
`<!-- output: remediator … -->` is what the command prints in a folder with the examples, the block
behind `<!-- file: … -->` is that file of the repository, and the one behind `<!-- diff: … -->` what
becomes of a repository in tests/repositories. tests/test_docs.py holds them all.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import TextWrapper, dedent

import typer
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from remediator.cli import app
from remediator.registry import builtin_transforms
from remediator.report.refusals import EXAMPLES, REFUSALS
from remediator.testing import Case, cases
from remediator.transform import Transform

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
NOTE = "<!-- written by docs/generate.py: make docs -->\n\n"
CASES = list(cases(ROOT / "tests" / "cases"))
# The case that a page shows; where none is named here, the shortest that changes.
SHOWN = {
    "callers": "argument-and-its-parameter-go",
    "export-names": "follows-the-convention",
    "literal-passwords": "written-out",
    "manual-secrets": "circular-endpoint",
    "null-values": "optional-keys",
    "password-parameters": "rds-instance",
    "secret-attachments": "instance",
}
_LINES = TextWrapper(100, break_long_words=False, break_on_hyphens=False)
_SECTION = re.compile(r"^(\w[\w ]*)\n((?: {4}.*\n|\n)+)", re.MULTILINE)
_BLOCK = re.compile(
    r"(?P<head><!-- (?P<kind>output|file|diff): (?P<what>.+?) -->\n\n(?P<fence>`{3,})\w+\n)"
    r".*?^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


def pages() -> dict[Path, str]:
    """Return every page that follows from the code, whole or in part, with its text as it is now.

    Raises KeyError where a page names a case that is not there.
    """
    generated = {DOCS / "codes.md": codes(), DOCS / "command-line.md": command_line()}
    for transform in builtin_transforms():
        generated[DOCS / "transforms" / f"{transform.id}.md"] = page_of(transform)
    by_hand = (page for page in DOCS.rglob("*.md") if page not in generated)
    for page in sorted(by_hand):
        text = page.read_text(encoding="utf-8")
        if _BLOCK.search(text):
            generated[page] = _BLOCK.sub(_filled, text)
    return generated


def page_of(transform: Transform) -> str:
    """Return the page of a transform: its docstring as Markdown, and a case as a diff."""
    summary, _, body = f"{transform.documentation}\n".partition("\n")
    case = _shown(transform)
    before = case.before
    difference = difflib.unified_diff(
        before.read_text(encoding="utf-8").splitlines(),
        case.after(new=False).read_text(encoding="utf-8").splitlines(),
        before.name,
        before.name,
        lineterm="",
        n=100,
    )
    diff = "\n".join(["```diff", *difference, "```"])
    example = (
        f"## Example\n\n{diff}\n\nThe case `{transform.id}/{case.folder.name}` of tests/cases.\n"
    )
    before_see, see, address = _SECTION.sub(_section, body).partition("## See\n")
    return f"{NOTE}# {transform.id}\n\n{summary}\n{before_see}{example}\n{see}{address}"


def _section(found: re.Match[str]) -> str:
    text = dedent(found[2]).strip()
    linked = re.sub(r"^(https://\S+)$", r"<\1>", text, flags=re.MULTILINE)
    return f"## {found[1]}\n\n{linked}\n\n" if found[1] != "See" else f"## See\n\n{linked}\n"


def _shown(transform: Transform) -> Case:
    own = {
        case.folder.name: case
        for case in CASES
        if case.transform == transform.id and case.after(new=False) != case.before
    }
    if transform.id in SHOWN:
        return own[SHOWN[transform.id]]
    return min(own.values(), key=lambda case: len(case.before.read_bytes()))


def codes() -> str:
    """Return the page of what each code of a refusal means, and what to write there."""
    return NOTE + "\n".join(_codes())


def _codes() -> Iterator[str]:
    yield "# Codes of what is left\n"
    yield _LINES.fill(
        "A finding that is left has a code: in brackets in the text, `code` in the JSON. Each is "
        "followed by what it means and the way out, as `remediator explain <code>` prints it. "
        "[What is left, how often, and why](refusals.md) counts them in practice; the "
        "[README](../README.md#what-it-refuses) groups them.\n"
    )
    for code, meaning in REFUSALS.items():
        yield f"## {code}\n\n{_LINES.fill(meaning)}\n"
        if code in EXAMPLES:
            yield f"```text\n{EXAMPLES[code]}```\n"


def command_line() -> str:
    """Return the page with the help of every command."""
    names = _commands(get_command(app))
    blocks = (
        f"## {' '.join(['remediator', *name])}\n\n```text\n{help_of(*name)}```\n" for name in names
    )
    return f"{NOTE}# The command line\n\n" + "\n".join(blocks)


def _commands(command: object) -> Iterator[list[str]]:
    """Yield the names that lead to a command and to those within it."""
    yield []
    if isinstance(command, TyperGroup):
        context = typer.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            yield from ([name, *names] for names in _commands(inner))


def help_of(*command: str) -> str:
    """Return what a command prints for `--help`."""
    shown = CliRunner().invoke(app, [*command, "--help"], prog_name="remediator", env=_plain())
    assert shown.exit_code == 0, shown.output
    return shown.stdout


def repaired(case: Path) -> str:
    """Return what becomes of the files of a case in tests/repositories, as a diff."""
    lines: list[str] = []
    for after in sorted(path for path in (case / "after").rglob("*") if path.is_file()):
        name = after.relative_to(case / "after")
        old, new = ((case / side / name).read_text("utf-8") for side in ("before", "after"))
        lines += difflib.unified_diff(
            old.splitlines(), new.splitlines(), f"a/{name}", f"b/{name}", lineterm="", n=2
        )
    return "\n".join(lines)


def _filled(found: re.Match[str]) -> str:
    what = found["what"]
    if found["kind"] == "diff":
        text = repaired(ROOT / what)
    elif found["kind"] == "output":
        text = printed(what)
    else:
        text = (ROOT / what).read_text(encoding="utf-8")
    return f"{found['head']}{text.rstrip()}\n{found['fence']}"


def printed(command: str) -> str:
    """Return what a command of remediator prints in a folder that holds the examples."""
    program, *arguments = shlex.split(command)
    assert program == "remediator", command
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "examples", Path(folder) / "examples")
        done = subprocess.run(
            [sys.executable, "-P", "-m", "remediator", *arguments],
            cwd=folder,
            env=_plain(),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
    assert done.returncode in (0, 1), f"{command}: {done.stderr}"
    return done.stdout


def _plain() -> dict[str, str]:
    """Return an environment in which no terminal decides how the text is formed."""
    return {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}


def main() -> None:
    """Write every page that is not as it should be."""
    for page, text in pages().items():
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            page.parent.mkdir(exist_ok=True)
            page.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {page.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
