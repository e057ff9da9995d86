"""What a template says is to stay stays, is counted apart, and has to be true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_cli import remediator

from remediator import registry, suppression
from remediator.comments import Comments
from remediator.document import Document
from remediator.engine import inspect, remediate
from remediator.model import Context, pointer
from remediator.results import FileResult, Status
from remediator.testing import Case, cases

HERE = Path(__file__).parent
YAML_CASES = [case for case in cases(HERE / "cases") if case.before.suffix != ".json"][::3]
SAMPLE = [case for case in YAML_CASES if "remediator:" not in case.before.read_text()]
TRANSFORMS = registry.builtin_transforms()
CONTEXT = Context(registry.catalogue(), required=registry.required_properties)

TEMPLATE = """\
Parameters:
  Password: {Type: String, NoEcho: true}%s
Resources:
  Warehouse:
    Type: AWS::Redshift::Cluster
    Properties: {MasterUsername: a, MasterUserPassword: !Ref Password}
"""
REASON = " # remediator: ignore[password-parameters] typed by the auditors"


def findings(*arguments: str | Path) -> list[dict[str, Any]]:
    report = json.loads(remediator(*arguments, "--format", "json").stdout)
    return [finding for each in report["files"] for finding in each["findings"]]


def run(text: str) -> FileResult:
    return remediate(Document.parse(text), TRANSFORMS, CONTEXT)


def codes(result: FileResult) -> list[str]:
    return [each.refusal.code for each in result.outcomes if each.refusal]


# --- what becomes of a run -------------------------------------------------------------------


@pytest.mark.parametrize("command", ["fix", "check"])
def test_what_is_suppressed_is_nothing_for_a_person(tmp_path: Path, command: str) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(TEMPLATE % REASON)
    shown = remediator(command, file)
    assert shown.exit_code == 0, shown.output
    assert "1 suppressed in the template" in shown.stdout
    assert "auditors" not in shown.stdout
    assert file.read_text() == TEMPLATE % REASON
    [finding] = findings(command, file)
    assert (finding["status"], finding["code"]) == ("suppressed", "suppressed")
    assert finding["reason"] == "typed by the auditors"
    assert (finding["pointer"], finding["line"]) == ("/Parameters/Password", 2)
    summary = json.loads(remediator(command, file, "--format", "json").stdout)["summary"]
    assert (summary["clean"], summary["findings"]["suppressed"]) == (1, 1)


def test_without_a_reason_it_holds_and_is_told(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(TEMPLATE % " # remediator: ignore[password-parameters]")
    shown = remediator("fix", file)
    assert shown.exit_code == 1
    told = " ".join(shown.stdout.split())
    assert f"{file}:2 suppression left: ignore[password-parameters] gives no reason" in told
    assert "NoEcho" in file.read_text()


def test_an_unused_one_is_found_in_a_file_that_no_transform_would_read(tmp_path: Path) -> None:
    text = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic"
    wanted = registry.trigger(TRANSFORMS, registry.catalogue())
    assert not wanted(text + REASON)
    (tmp_path / "t.yaml").write_text(text + REASON)
    [finding] = findings("fix", tmp_path)
    assert (finding["code"], finding["line"], finding["column"]) == ("suppression-unused", 3, 27)


def test_whether_it_is_used_is_not_said_of_transforms_that_did_not_look(tmp_path: Path) -> None:
    for name in ("password-parameters", "*"):
        (tmp_path / "t.yaml").write_text(
            f"# remediator: ignore[{name}] x\nResources:\n  Topic:\n    Type: AWS::SNS::Topic"
        )
        assert not findings("fix", tmp_path, "--select", "export-names")
        assert [each["code"] for each in findings("fix", tmp_path)] == ["suppression-unused"]
    (tmp_path / "t.yaml").write_text("# remediator: ignore[nonsense] x\n" + TEMPLATE % "")
    chosen = findings("fix", tmp_path, "--select", "export-names")
    assert [each["code"] for each in chosen] == ["suppression-unknown"]


def test_an_id_that_is_suppressed_is_known_but_not_repaired(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(TEMPLATE % REASON)
    [finding] = findings("check", file)
    assert remediator("fix", file, "--only", finding["id"]).exit_code == 0
    assert file.read_text() == TEMPLATE % REASON


def test_a_comment_goes_with_its_entry() -> None:
    other = "\n  # remediator: ignore[export-names] of no use\n  # and of none"
    result = run((TEMPLATE % "").replace("Parameters:", f"Parameters:{other}"))
    assert result.status is Status.FIXED
    assert "# " not in result.new
    assert not codes(result)


def test_a_text_without_the_word_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(suppression, "_in_comments", fail)
    monkeypatch.setattr(suppression, "_in_metadata", fail)
    assert run(TEMPLATE % " # a note").status is Status.FIXED
    with pytest.raises(AssertionError):
        run(TEMPLATE % REASON)


@pytest.mark.parametrize(
    "case", YAML_CASES, ids=lambda case: f"{case.transform}/{case.folder.name}"
)
def test_a_first_line_can_keep_everything(case: Case) -> None:
    """In whatever template, under all transforms: nothing changes and nothing is left."""
    text = case.before.read_bytes().decode("utf-8-sig")
    document = Document.parse("# remediator: ignore[*] all of it\n" + text)
    result = remediate(document, TRANSFORMS, CONTEXT)
    assert result.new == document.text
    others = [each for each in result.outcomes if each.transform != suppression.NAME]
    assert {each.status for each in others} <= {Status.SUPPRESSED}
    told = [each.finding.message for each in result.outcomes if each not in others]
    assert ("ignore[*] suppresses nothing" in told) == (not others)


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: f"{case.transform}/{case.folder.name}")
def test_each_repair_can_be_kept_where_its_finding_stands(case: Case) -> None:
    """A comment right above the entry of a finding suppresses it, and it alone of its transform."""
    document = Document.parse(case.before.read_bytes().decode("utf-8-sig"))
    found = inspect(document, TRANSFORMS, CONTEXT).outcomes
    for one in [each for each in found if each.status is Status.REPAIRABLE][:2]:
        line, column = document.place(one.finding.path)
        lines = document.text.splitlines(keepends=True)
        if lines[line - 1][: column - 1].strip(" "):
            continue  # within `{…}` or behind a dash: a comment above speaks of more
        mark = f"{' ' * (column - 1)}# remediator: ignore[{one.transform}] as it is\n"
        marked = Document.parse("".join([*lines[: line - 1], mark, *lines[line - 1 :]]))
        result = remediate(marked, TRANSFORMS, CONTEXT)
        kept = [each for each in result.outcomes if each.status is Status.SUPPRESSED]
        assert one.finding.path in [each.finding.path for each in kept]
        assert all(each.transform == one.transform for each in kept)
        assert mark in result.new
        assert not [each for each in result.outcomes if each.transform == suppression.NAME]


def test_a_secret_that_is_kept_is_masked_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("""\
Resources:
  Warehouse:
    Type: AWS::Redshift::Cluster
    Properties:
      MasterUsername: a
      # remediator: ignore[literal-passwords] Correct-Horse-7 is for a demo
      MasterUserPassword: Correct-Horse-7
Outputs:
  Name:
    Value: a
    Export:
""")
    for arguments in ([], ["--format", "json"], ["--dry-run"]):
        shown = remediator("fix", file, *arguments)
        assert "Correct-Horse" not in shown.stdout
        assert shown.exit_code == 0
    assert "Correct-Horse-7\n" in file.read_text()


# --- how it is written -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("comment", "ids", "reason"),
    [
        ("# remediator: ignore[export-names] why", ("export-names",), "why"),
        ("#remediator:ignore[export-names]: why", ("export-names",), "why"),
        ("## remediator: ignore [ null-values ,export-names ] - why", None, "why"),
        ("# remediator: ignore[*] why [and more] # so", ("*",), "why [and more] # so"),
        ("# remediator: ignore[export-names] –", ("export-names",), ""),
        ("# remediator: ignore[]", (), ""),
        ("# remediator: ignore export-names", (), ""),
    ],
)
def test_spellings(comment: str, ids: tuple[str, ...] | None, reason: str) -> None:
    document = Document.parse(f"{comment}\n{TEMPLATE % ''}")
    [found] = suppression._in_comments(document)
    assert found.ids == (("null-values", "export-names") if ids is None else ids)
    assert found.reason == reason
    assert bool(found.fault) == (not found.ids)


@pytest.mark.parametrize(
    "comment",
    [
        "# remediator: keep",
        "# see remediator: ignore",
        "# remediator ignored this",
        "# remediator:",
    ],
)
def test_other_words_are_no_suppression(comment: str) -> None:
    assert not list(suppression._in_comments(Document.parse(f"{comment}\n{TEMPLATE % ''}")))


PLACES = """\
# 0: all
---
# 1: all
Parameters: # 2: Parameters
  # 3: A
  A:
    # 4: Type
    Type: String # 5: Type
      # 6: nothing, deeper than what follows
    NoEcho: true
    # 7: nothing, deeper

  # 8: nothing, above a blank line

  # 9: B
    # 10: nothing, deeper
  # 11: B
  B: {Type: String, # 12: B
    Default: x} # 13: Default
Resources:
# 14: L
  L:
    Type: AWS::SQS::Queue
    Properties:
      Tags:
        # 15: item 0
        - Key: a # 16: item 0
          # 17: Value of 0
          Value: |- # 18: Value of 0
            # no comment
            x

        - !If [C, !Ref A, # 19: item 1
            # 20: the third branch
            !Ref B]
        # 21: item 2
        -
          Key: b # 22: Key of 2
      QueueName: !Sub # 23: QueueName
        - "# no comment"
        - A: a # 24: A of QueueName
      } # no comment, nor valid
# 25: nothing
"""
EXPECTED = {
    **{0: "", 1: "", 2: "/Parameters", 3: "/Parameters/A", 4: "/Parameters/A/Type"},
    **{5: "/Parameters/A/Type", 6: None, 7: None, 8: None, 9: "/Parameters/B", 10: None},
    **{11: "/Parameters/B", 12: "/Parameters/B", 13: "/Parameters/B/Default", 14: "/Resources/L"},
    **{15: "Tags/0", 16: "Tags/0", 17: "Tags/0/Value", 18: "Tags/0/Value", 19: "Tags/1"},
    **{20: "Tags/1/Fn::If/2", 21: "Tags/2", 22: "Tags/2/Key", 23: "QueueName"},
    **{24: "QueueName/Fn::Sub/1", 25: None},
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_a_comment_speaks_of(newline: str) -> None:
    text = PLACES.replace("      } # no comment, nor valid\n", "").replace("\n", newline)
    found = Comments(Document.parse(text)).all
    properties = "/Resources/L/Properties/"
    places = {
        int(each.text[2:].partition(":")[0]): None
        if each.entry is None
        else pointer(each.entry).removeprefix(properties)
        for each in found
    }
    assert places == EXPECTED
    lines = text.split(newline)
    assert all(each.text == lines[each.line - 1][each.column - 1 :] for each in found)


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ("{ignore: [{transform: password-parameters, reason: x}]}", ""),
        ("{ignore: [{transform: [password-parameters, '*'], reason: x}]}", ""),
        ("{ignore: [{transform: password-parameters}]}", "suppression-without-reason"),
        ("{ignore: [{transform: [], reason: x}]}", "suppression-malformed"),
        ("{ignore: [{transform: password-parameters, reason: 7}]}", "suppression-malformed"),
        ("{ignore: [{transform: password-parameters, why: x}]}", "suppression-malformed"),
        ("{ignore: [password-parameters]}", "suppression-malformed"),
        ("{ignore: password-parameters}", "suppression-malformed"),
        ("{ignores: []}", "suppression-malformed"),
        ("password-parameters", "suppression-malformed"),
        ("{ignore: [{transform: x, reason: x}]}", "suppression-unknown"),
        ("{ignore: [{transform: export-names, reason: x}]}", "suppression-unused"),
    ],
)
@pytest.mark.parametrize("level", ["template", "resource"])
def test_metadata(metadata: str, code: str, level: str) -> None:
    entry = f"Metadata: {{remediator: {metadata}}}\n"
    text = TEMPLATE % ""
    if level == "template":
        text = entry + text
    else:
        text = text.replace("    Properties", f"    {entry}    Properties")
    result = run(text)
    told = [each for each in result.outcomes if each.transform == suppression.NAME]
    assert [each.refusal.code for each in told if each.refusal] == ([code] if code else [])
    assert (result.new != text) == (code == "suppression-unused")
    lines = result.new.splitlines()
    assert all("remediator:" in lines[each.line - 1] for each in told)


@pytest.mark.parametrize(
    ("entry", "kept"),
    [
        ("/Parameters/Password", True),
        ("/Parameters", True),
        ("/Resources/Warehouse/Properties/MasterUserPassword", True),
        ("/Resources/Ware~1house", False),
        ("/Resources/Warehouse/Type", False),
    ],
)
def test_an_entry_may_be_named(entry: str, kept: bool) -> None:
    text = TEMPLATE % ""
    text += f"""\
  Ware/house:
    Type: AWS::SNS::Topic
Metadata:
  remediator: {{ignore: [{{transform: password-parameters, entry: {entry}, reason: x}}]}}
"""
    result = run(text)
    assert (result.new == text) == kept
    assert codes(result) == ["suppressed" if kept else "suppression-unused"]


def test_metadata_in_a_loop() -> None:
    text = """\
Transform: AWS::LanguageExtensions
Parameters:
  Password: {Type: String, NoEcho: true}
Resources:
  Fn::ForEach::Warehouses:
    - Name
    - [A, B]
    - Warehouse${Name}:
        Type: AWS::Redshift::Cluster
        Metadata: {remediator: {ignore: [{transform: password-parameters, reason: x}]}}
        Properties: {MasterUsername: a, MasterUserPassword: !Ref Password}
"""
    assert codes(run(text)) == ["suppressed"]
    assert codes(run(text.replace("ignore", "ignores"))) == [
        "suppression-unclear",
        "suppression-malformed",
    ]


@pytest.mark.parametrize("entry", ["Parameters/Password", "/Parameters/None", "/Parameters/0"])
def test_an_entry_that_is_not_there_holds_its_transform_back(entry: str) -> None:
    item = f"{{transform: password-parameters, entry: {entry}, reason: x}}"
    result = run(f"Metadata: {{remediator: {{ignore: [{item}]}}}}\n" + TEMPLATE % "")
    assert result.new == result.old
    assert codes(result) == ["suppression-unclear", "suppression-unused"]
