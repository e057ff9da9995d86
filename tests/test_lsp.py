"""The language server, asked by an editor over its pipes."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lsp_client import CAPABLE, LONG, Editor, Message, applied
from pygls.exceptions import JsonRpcInternalError
from typer.testing import CliRunner

from remediator import Settings, lsp
from remediator.cli import app
from remediator.desk import Desk
from remediator.document import LINE_END
from remediator.edits import between, carry_out
from remediator.errors import FileError
from remediator.lsp_values import Places
from remediator.registry import load
from remediator.report.refusals import REFUSALS
from remediator.results import FileResult, Status
from remediator.tree_files import SUFFIXES

ROOT = Path(__file__).parent.parent
EXAMPLE = (ROOT / "examples" / "rds-minimal.yaml").read_text()
FIXED = (ROOT / "examples" / "rds-minimal.fixed.yaml").read_text()
WARNING, INFORMATION, ERROR = 2, 3, 1

TEMPLATE = """\
Parameters:
  DBPassword:
    Type: String
    NoEcho: true
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: mysql
      MasterUsername: admin
      MasterUserPassword: !Ref DBPassword
Outputs:
  Name:
    Value: !Ref Database
    Export:
"""
NAME = "      Name: !Sub '${AWS::StackName}-Name'\n"
LITERAL = TEMPLATE.replace("!Ref DBPassword", "Tr0ub4dorAnd3").replace(
    "  Name:", "  Tr0ub4dorAnd3:"
)


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    session = Editor(tmp_path_factory.mktemp("capable"), CAPABLE, "--no-validate")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """An editor that can do no more than it must, and counts bytes."""
    capabilities = {"general": {"positionEncodings": ["utf-8"]}}
    session = Editor(tmp_path_factory.mktemp("plain"), capabilities, "--no-validate", "--stdio")
    yield session
    session.stop()


def slices(text: str, shown: Message, units: str = "utf-16-le") -> str:
    """Return the piece of a text that a diagnostic marks."""
    start, end = shown["range"]["start"], shown["range"]["end"]
    assert start["line"] == end["line"]
    size = 2 if units == "utf-16-le" else 1
    line = LINE_END.split(text)[start["line"]].encode(units)
    return bytes(line[start["character"] * size : end["character"] * size]).decode(units)


def edits_of(action: Message) -> Any:
    (document,) = action["edit"]["documentChanges"]
    return document["edits"]


def chosen(editor: Editor, uri: str, line: int, kind: str = "quickfix") -> Message:
    (action,) = editor.actions(uri, line, [kind])
    return editor.resolve(action)


# --- what is found ---------------------------------------------------------------------------


def test_a_finding_its_repair_and_its_explanation(editor: Editor) -> None:
    uri = editor.open("database.yaml", EXAMPLE, version=7)
    (shown,) = editor.shown(uri, 7)
    assert (shown["source"], shown["code"], shown["severity"]) == (
        "remediator",
        "password-parameters",
        WARNING,
    )
    assert slices(EXAMPLE, shown) == "DBPassword"
    assert "rotates: the live password of Database becomes the generated one" in shown["message"]
    line = shown["range"]["start"]["line"]
    (action,) = editor.actions(uri, line)
    assert action["title"] == (
        "remediator: DBPassword becomes the generated secret DBPasswordSecret [rotates]"
    )
    assert action["diagnostics"] == [shown]
    assert "edit" not in action  # it is worked out when somebody wants it
    (document,) = editor.resolve(action)["edit"]["documentChanges"]
    assert document["textDocument"] == {"uri": uri, "version": 7}
    assert applied(EXAMPLE, document["edits"]) == FIXED
    said = editor.hover(uri, line, shown["range"]["end"]["character"])
    assert said is not None
    transform = next(each for each in load(Settings()) if each.id == "password-parameters")
    assert shown["message"] in said
    assert transform.documentation in said
    assert editor.hover(uri, 0, 0) is None
    assert editor.actions(uri, 0) == []


def test_the_ids_are_those_of_the_command_line(editor: Editor) -> None:
    (editor.folder / "clone" / ".git").mkdir(parents=True)
    file = editor.folder / "clone" / "ids.yaml"
    file.write_text(TEMPLATE)
    uri = editor.open("clone/ids.yaml", TEMPLATE)
    shown = {each["code"]: each["data"] for each in editor.shown(uri)}
    report = json.loads(CliRunner().invoke(app, ["check", "--format", "json", str(file)]).stdout)
    found = report["files"][0]["findings"]
    assert shown == {each["transform"]: each["id"] for each in found}


def test_each_repair_alone_and_all_safe_ones(editor: Editor) -> None:
    uri = editor.open("several.yaml", TEMPLATE)
    rotates, safe = sorted(editor.shown(uri), key=lambda each: int(each["range"]["start"]["line"]))
    first = applied(TEMPLATE, edits_of(chosen(editor, uri, rotates["range"]["start"]["line"])))
    assert "DBPasswordSecret:" in first
    assert first.endswith("    Export:\n")
    named = applied(TEMPLATE, edits_of(chosen(editor, uri, safe["range"]["start"]["line"])))
    assert named == TEMPLATE + NAME
    for kind in ("source.fixAll.remediator", "source.fixAll", "source"):
        assert applied(TEMPLATE, edits_of(chosen(editor, uri, 0, kind))) == named
    assert editor.actions(uri, rotates["range"]["start"]["line"], ["refactor"]) == []
    editor.change(uri, first, 2)
    assert [each["code"] for each in editor.shown(uri, 2)] == ["export-names"]
    editor.change(uri, first.replace("    Export:\n", ""), 3)
    assert editor.shown(uri, 3) == []
    assert editor.actions(uri, 0) == []


def test_what_is_left_says_why_and_cannot_be_chosen(editor: Editor) -> None:
    text = TEMPLATE.replace("    Export:\n", "    Description: !Ref DBPassword\n")
    uri = editor.open("left.yaml", text)
    (shown,) = editor.shown(uri)
    assert (shown["code"], shown["severity"]) == ("used-in-output", INFORMATION)
    assert "left: " in shown["message"]
    line = shown["range"]["start"]["line"]
    assert editor.actions(uri, line) == []
    said = editor.hover(uri, line, shown["range"]["start"]["character"]) or ""
    assert REFUSALS["used-in-output"] in said


def test_a_repair_that_cannot_be_made_is_told(editor: Editor, plain: Editor) -> None:
    case = ROOT / "tests" / "cases" / "null-values" / "anchors" / "before.yaml"
    text = case.read_text()
    uri = editor.open("anchors.yaml", text)
    found = [each for each in editor.shown(uri) if each["severity"] == WARNING]
    action = chosen(editor, uri, found[0]["range"]["start"]["line"])
    assert "edit" not in action
    told = editor.wait(lambda message: message.get("method") == "window/showMessage")["params"]
    assert "not possible: " in told["message"]
    assert "anchor" in told["message"]
    uri = plain.open("anchors.yaml", text)
    assert plain.actions(uri, found[0]["range"]["start"]["line"]) == []
    told = plain.wait(lambda message: message.get("method") == "window/showMessage")["params"]
    assert "anchor" in told["message"]


def test_unreadable_templates_have_an_error_at_its_line(editor: Editor) -> None:
    text = TEMPLATE.replace("    Type: String\n", "    Type: String\n  : [\n")
    (shown,) = editor.shown(editor.open("broken.yaml", text))
    assert shown["severity"] == ERROR
    assert shown["message"].startswith("is not valid YAML")
    assert shown["range"]["start"]["line"] in (3, 4)
    (shown,) = editor.shown(editor.open("half.json", TEMPLATE + "# \ud83d"))
    assert "is not UTF-8" in shown["message"]


def test_other_files_are_not_looked_at(editor: Editor) -> None:
    folder = editor.folder / "elsewhere"
    folder.mkdir()
    (folder / "remediator.toml").write_text("this is no TOML")  # and nobody reads it
    other = editor.open("elsewhere/playbook.yaml", "hosts: all\nResources: [\n")
    picture = editor.open("elsewhere/x.yaml", "\0\1 AWS::")
    uri = editor.open("after.yaml", TEMPLATE)
    assert editor.shown(uri)
    assert not [each for each in editor.waiting if each in (other, picture)]
    assert editor.actions(other, 0) == []
    assert editor.hover(other, 0, 0) is None


# --- places ----------------------------------------------------------------------------------

FLOW = (
    '{"Description": "\U0001f600 \u00e9\u2028", "Parameters": {"DBPassword": {"Type": "String", '
    '"NoEcho": true}},\t"Resources": {"D": {"Type": "AWS::RDS::DBInstance", "Properties": '
    '{"MasterUsername": "admin", "MasterUserPassword": {"Ref": "DBPassword"}}}}}'
)
TEXTS = {
    "crlf": EXAMPLE.replace("\n", "\r\n"),
    "cr": EXAMPLE.replace("\n", "\r"),
    "bom": "\ufeff" + FLOW,
    "bom-yaml": "\ufeff" + EXAMPLE,
    "astral": EXAMPLE.replace("Master password", "\U0001f511 Master password \U0001f600"),
    "separators": 'Metadata: {a: "\U0001f600\u2028 b\u0085 c"}\n' + EXAMPLE,
    "flow": FLOW,
    "tabs": json.dumps(json.loads(FLOW), indent="\t", ensure_ascii=False),
    "no-newline": EXAMPLE.rstrip("\n"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_places_are_those_of_the_editor(name: str, editor: Editor, plain: Editor) -> None:
    text = TEXTS[name]
    new = Desk(validate=False).repair(text, Path("/nowhere/x"), Path("/nowhere"), frozenset())
    assert new is not None
    for session, units in ((editor, "utf-16-le"), (plain, "utf-8")):
        uri = session.open(f"places-{name}.yaml", text)
        shown = next(each for each in session.shown(uri) if each["severity"] == WARNING)
        assert slices(text, shown, units).strip('"') == "DBPassword"
        line = shown["range"]["start"]["line"]
        if session is editor:
            edits = edits_of(chosen(session, uri, line))
        else:  # it asks for no action's edit, and takes no versions
            (action,) = session.actions(uri, line)
            edits = action["edit"]["changes"][uri]
        assert applied(text, edits, units) == new.new


def test_edits_are_small(editor: Editor) -> None:
    text = TEMPLATE + "# " + "x\n# " * 2000 + "\n"
    uri = editor.open("small.yaml", text)
    editor.shown(uri)
    (edit,) = edits_of(chosen(editor, uri, 0, "source"))
    assert edit["newText"] == NAME


LINES = st.lists(st.sampled_from(["a", "b\n", "\r\n", "\r", "c\r\n", "d\u2028", "\n"]), max_size=12)


@given(LINES.map("".join), LINES.map("".join))
@example("a\r\n", "a\n")
@example("", "a")
@example("a\nb\na\n", "a\n")
def test_edits_make_one_text_the_other(old: str, new: str) -> None:
    edits = between(old, new)
    assert carry_out(old, edits) == new
    assert applied(old, _as_messages(old, edits), "utf-8") == new
    assert (edits == []) == (old == new)


def _as_messages(text: str, edits: list[Any]) -> list[Message]:
    places = Places(text, lambda piece: len(piece.encode()))

    def place(offset: int) -> Message:
        position = places.position(offset)
        return {"line": position.line, "character": position.character}

    return [
        {"range": {"start": place(each.start), "end": place(each.end)}, "newText": each.text}
        for each in edits
    ]


# --- what stands around ----------------------------------------------------------------------


def test_settings_and_callers_are_read_anew(editor: Editor) -> None:
    folder = editor.folder / "around"
    folder.mkdir()
    (folder / "db.yaml").write_text(TEMPLATE)
    uri = editor.open("around/db.yaml", TEMPLATE)
    assert len(editor.shown(uri)) == 2
    asked = editor.wait(lambda message: message.get("method") == "client/registerCapability")
    (registration,) = asked["params"]["registrations"]
    assert registration["method"] == "workspace/didChangeWatchedFiles"
    (watcher,) = registration["registerOptions"]["watchers"]
    assert all(suffix in watcher["globPattern"] for suffix in (".toml", ".yaml", ".json"))

    def changed(file: str, content: str) -> list[Message]:
        (folder / file).write_text(content)
        changes = [{"uri": (folder / file).as_uri(), "type": 2}]
        editor.tell("workspace/didChangeWatchedFiles", {"changes": changes})
        return editor.shown(uri)

    shown = changed("remediator.toml", 'ignore = ["export-names"]\n')
    assert [each["code"] for each in shown] == ["password-parameters"]
    (shown_error,) = changed("remediator.toml", "strategy = 1\n")
    assert shown_error["severity"] == ERROR
    assert "remediator.toml: strategy must be" in shown_error["message"]
    assert changed("remediator.toml", "new = true\n")[0]["message"].count("rotates") == 0
    (folder / "remediator.toml").unlink()
    parent = (
        "Resources:\n  Child:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n"
        "      TemplateURL: around/db.yaml\n      Parameters:\n        DBPassword: x\n"
    )
    codes = [each["code"] for each in changed("../parent.yaml", parent)]
    assert sorted(codes) == ["export-names", "passed-by-caller"]
    (editor.folder / "parent.yaml").unlink()
    editor.tell("textDocument/didSave", {"textDocument": {"uri": uri}})  # where nobody watches
    assert [each["code"] for each in editor.shown(uri)] == ["password-parameters", "export-names"]
    editor.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert editor.shown(uri) == []


def test_the_text_is_that_of_the_editor(editor: Editor) -> None:
    file = editor.folder / "saved.yaml"
    file.write_text("Resources: {}\n")
    uri = editor.open("saved.yaml", EXAMPLE)
    (shown,) = editor.shown(uri)
    action = chosen(editor, uri, shown["range"]["start"]["line"])
    assert applied(EXAMPLE, edits_of(action)) == FIXED
    assert file.read_text() == "Resources: {}\n"


def test_superseded_texts_are_dropped(editor: Editor) -> None:
    uri = editor.open("typing.yaml", TEMPLATE)
    editor.shown(uri, 1)
    (action,) = editor.actions(uri, 1, ["quickfix"])
    late = editor.ask_later("codeAction/resolve", action)
    for version in range(2, 40):
        editor.change(uri, TEMPLATE + "#\n" * version, version)
    editor.shown(uri, 39)
    answer = editor.wait(lambda message: message.get("id") == late and "method" not in message)
    for document in answer["result"].get("edit", {}).get("documentChanges", []):
        assert document["textDocument"]["version"] == 1  # the editor refuses it
    assert applied(TEMPLATE + "#\n" * 39, edits_of(chosen(editor, uri, 1))).endswith("#\n" * 39)
    editor.change(uri, TEMPLATE, 40)
    editor.shown(uri, 40)  # all that was to come has come
    assert editor.waiting.count(uri) < 20  # not one for each text


def test_files_that_never_rest_put_nothing_off(editor: Editor) -> None:
    uri = editor.open("busy.yaml", TEMPLATE)
    editor.shown(uri, 1)
    rest = threading.Event()

    def build() -> None:
        changes = [{"uri": (editor.folder / "log.json").as_uri(), "type": 2}]
        while not rest.wait(lsp.DELAY / 10):
            editor.tell("workspace/didChangeWatchedFiles", {"changes": changes})

    editor.change(uri, EXAMPLE, 2)
    building = threading.Thread(target=build)
    building.start()
    try:
        assert [each["code"] for each in editor.shown(uri, 2)] == ["password-parameters"]
        assert editor.shown(uri, 2)  # and again, for what has changed around it
    finally:
        rest.set()
        building.join()


# --- secrets and faults ----------------------------------------------------------------------

SECRET = "-".join(("secret", "4711"))  # not as a trace shows it, which quotes this file


def test_secrets_are_not_shown(editor: Editor) -> None:
    uri = editor.open("literal.yaml", LITERAL)
    shown = editor.shown(uri)
    assert any("the export of ********" in each["message"] for each in shown)
    line = next(
        each["range"]["start"]["line"] for each in shown if each["code"] == "literal-passwords"
    )
    actions = editor.actions(uri, line)
    for other in shown:
        actions += editor.actions(uri, other["range"]["start"]["line"])
    said = editor.hover(uri, line, 8)
    assert said
    assert "Tr0ub4dor" not in json.dumps([shown, actions, said])
    new = applied(LITERAL, edits_of(editor.resolve(actions[0])))
    assert new.count("Tr0ub4dor") == 1  # the name of an output, which is nobody's secret any more
    editor.change(uri, LITERAL.replace("admin\n", "admin: [\n"), 2)
    assert "Tr0ub4dor" not in json.dumps(editor.shown(uri, 2))


def test_nothing_that_is_sent_ends_the_server(editor: Editor) -> None:
    editor.send(b'{"jsonrpc": "2.0", "secret-4711')
    editor.send(b'{"jsonrpc": "2.0", "id": 9001, "method": "textDocument/hover", "params": 1}')
    editor.tell("textDocument/didChange", {"textDocument": "secret-4711"})
    editor.change((editor.folder / "never-opened.yaml").as_uri(), "secret-4711", 2)
    editor.tell("workspace/didChangeConfiguration", {"settings": None})
    assert "error" in editor.ask("textDocument/nonsense", {"a": "secret-4711"})
    untitled = {"uri": "untitled:One", "languageId": "yaml", "version": 1, "text": TEMPLATE}
    editor.tell("textDocument/didOpen", {"textDocument": untitled})
    assert editor.actions("untitled:One", 1) == []
    action = {"title": "x", "data": {"uri": "untitled:One", "ids": ["secret-4711"]}}
    assert editor.resolve(action) == action
    assert editor.resolve({"title": "y"}) == {"title": "y"}
    assert editor.shown(editor.open("still-here.yaml", TEMPLATE))
    logged = editor.errors.read_text()
    assert "remediator lsp: " in logged
    assert "secret-4711" not in logged


def test_a_defect_is_told_and_logged_without_values(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> FileResult:
        raise KeyError(SECRET)

    result = lsp._guarded("t.yaml", fails)
    assert result is not None
    assert result.status is Status.ERROR
    assert result.error.startswith("a defect of remediator (KeyError)")

    def lacks() -> FileResult:
        raise FileError("it is too large", line=3)

    result = lsp._guarded("t.yaml", lacks)
    assert result is not None
    assert (result.error, result.error_line) == ("it is too large", 3)

    async def request(_: lsp.Server, __: str) -> None:
        fails()

    server = lsp.Server(Desk(validate=False))
    with pytest.raises(JsonRpcInternalError) as caught:
        asyncio.run(lsp._discreet(request)(server, SECRET))
    assert caught.value.message == "a defect of remediator (KeyError)"
    monkeypatch.setattr(server, "look", fails)
    asyncio.run(server._show("file:///t.yaml", 0))
    server.report_server_error(ValueError(SECRET), None)
    server.close()
    logged = [lsp._WithoutValues().format(record) for record in caplog.records]
    assert len(logged) == 4
    assert all(record.levelno == logging.ERROR for record in caplog.records)
    assert "KeyError" in logged[0]
    assert "test_lsp.py" in logged[0]
    assert SECRET not in "".join(logged)


def test_a_session_with_the_validator_and_a_goodbye(tmp_path: Path) -> None:
    pytest.importorskip("cloudformation_validate")
    session = Editor(tmp_path, CAPABLE)
    try:
        uri = session.open("t.yaml", EXAMPLE)
        line = session.shown(uri)[0]["range"]["start"]["line"]
        assert applied(EXAMPLE, edits_of(chosen(session, uri, line))) == FIXED
        assert session.leave() == 0
        assert session.errors.read_text() == ""
    finally:
        session.stop()


@pytest.mark.parametrize("way", ["end of input", "signal"])
def test_how_a_session_ends_without_a_goodbye(way: str, tmp_path: Path) -> None:
    (tmp_path / "pygls.py").write_text("raise SystemExit('this must not run')")
    session = Editor(tmp_path, CAPABLE, "--no-validate")
    try:
        if way == "end of input":
            assert session.process.stdin is not None
            session.process.stdin.close()
            assert session.process.wait(LONG) == 1
        else:
            session.process.terminate()
            assert session.process.wait(LONG) == -signal.SIGTERM
    finally:
        session.stop()
    assert session.errors.read_text() == ""


def test_without_pygls_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygls", None)
    result = CliRunner().invoke(app, ["lsp"])
    assert result.exit_code == 2
    assert "pipx install 'remediator[lsp,validate]'" in result.stderr


def test_the_recipes_name_what_is_there() -> None:
    text = (ROOT / "docs" / "editors.md").read_text()
    assert lsp.FIX_ALL in text
    assert "(docs/editors.md)" in (ROOT / "README.md").read_text()
    assert text.count('"remediator", "lsp"') + text.count('"remediator", args: ["lsp"]') == 2
    named = re.search(r"pattern: \"\*\*/\*\.\{(.*)\}\"", text)
    assert named
    assert {f".{suffix}" for suffix in named[1].split(",")} <= SUFFIXES
    assert re.findall(r"(--no[-a-z]+)", text) == ["--no-validate"]
    assert "--no-validate" in CliRunner().invoke(app, ["lsp", "--help"]).stdout
