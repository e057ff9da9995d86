"""The annotations: what GitHub's runner makes of the output."""

from __future__ import annotations

import re

import pytest

from remediator.model import Finding, Fix, Refusal, Replace
from remediator.report import github
from remediator.report.screen import visible_line
from remediator.results import FileResult, Outcome, RunResult, Status

FIX = Fix("x: becomes, y", (Replace(("a",), 1),), follow_ups=("Tell Ann.",))
LEFT = Refusal("used-in-userdata", "50 % of it\r\nstays")
COMMAND = re.compile(r"::(\w[\w-]*)(?: (.*?))?::(.*)")


def understood(output: str) -> list[tuple[str, dict[str, str], str]]:
    """Return the commands that the runner of GitHub Actions finds in an output."""
    found = []
    stopped = ""
    for line in output.splitlines():
        match = COMMAND.fullmatch(line.lstrip())
        if stopped:
            stopped = "" if line == f"::{stopped}::" else stopped
        elif match and match[1] == "stop-commands":
            stopped = match[3]
        elif match:
            pairs = (each.split("=", 1) for each in (match[2] or "").split(","))
            found.append((match[1], {name: decoded(value) for name, value in pairs},
                          decoded(match[3])))  # fmt: skip
    assert not stopped, "commands are left switched off"
    return found


def decoded(text: str) -> str:
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ",")):
        text = text.replace(code, character)
    return text.replace("%25", "%")


def outcome(status: Status, refusal: Refusal | None = None) -> Outcome:
    finding = Finding(("a",), "100% é", None if refusal else FIX, refusal, ("Tr0ub4dor",))
    return Outcome("export-names", finding, status, 3, 5, refusal, "0123456789")


def commands(*files: FileResult, command: str = "check") -> list[tuple[str, dict[str, str], str]]:
    return understood(github.render(RunResult(files, command)))


def test_each_status_has_its_command() -> None:
    made = (outcome(Status.REPAIRABLE), outcome(Status.LEFT, LEFT))
    file = FileResult("./a,b:c%.yaml", Status.ERROR, made, error="is Tr0ub4dor", error_line=2)
    repaired, left, error = commands(file)
    assert repaired[0] == "notice"
    assert repaired[1] == {
        "file": "a,b:c%.yaml",
        "line": "3",
        "col": "5",
        "title": "remediator: export-names: repairable [safe]",
    }
    assert repaired[2] == "100% é\nx: becomes, y (0123456789)\nTell Ann."
    assert left[0] == "warning"
    assert left[1]["title"] == "remediator: export-names: left, used-in-userdata"
    assert "50 % of it\r\nstays\n`remediator explain used-in-userdata`" in left[2]
    assert error[0] == "error"
    assert (error[1]["line"], error[2]) == ("2", "is ********")


def test_standard_input_has_no_file_and_a_declined_repair_no_annotation() -> None:
    declined = outcome(Status.LEFT, Refusal("declined", "r"))
    file = FileResult("-", Status.LEFT, (declined, outcome(Status.LEFT, LEFT)))
    ((_, properties, _),) = commands(file)
    assert "file" not in properties


def test_lines_are_those_of_the_commit() -> None:
    file = FileResult(
        "t", Status.WOULD_FIX, (outcome(Status.LEFT, LEFT),), old="a\nb\n", new="n\na\nb\n"
    )
    ((_, properties, _),) = commands(file, command="fix --dry-run")
    assert properties["line"] == "2"


@pytest.mark.parametrize("name", ["x\n::error::y", "::error::y", "a ::error::" + "y" * 70])
def test_a_name_is_no_command(name: str) -> None:
    file = FileResult(name, Status.REPAIRABLE, (outcome(Status.REPAIRABLE),), needs_after=("P",))
    found = commands(file)
    assert [kind for kind, _, _ in found] == ["notice"]
    assert found[0][1]["file"] == visible_line(name)


def test_the_summary_comes_last() -> None:
    shown = github.render(RunResult((FileResult("t", Status.CLEAN),), "check"))
    assert shown.splitlines()[1:-1] == ["1 template clean."]
