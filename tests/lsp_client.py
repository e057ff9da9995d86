"""An editor, as far as a language server can tell: JSON-RPC over the pipes of a process."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any, TypeAlias

LONG = 60.0
"""Seconds until an answer counts as missing; none takes one."""
CAPABLE = {
    "textDocument": {
        "codeAction": {"dataSupport": True, "resolveSupport": {"properties": ["edit"]}},
    },
    "workspace": {
        "didChangeWatchedFiles": {"dynamicRegistration": True},
        "workspaceEdit": {"documentChanges": True},
    },
}
Message: TypeAlias = dict[str, Any]


class Editor:
    """A session with `remediator lsp` in a process of its own."""

    def __init__(self, folder: Path, capabilities: Message, *options: str) -> None:
        self.folder = folder
        self.errors = folder / "stderr.txt"
        command = [sys.executable, "-m", "remediator", "lsp", *options]
        with self.errors.open("wb") as stderr:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, cwd=folder
            )
        self._messages: SimpleQueue[Message | None] = SimpleQueue()
        self._kept: list[Message] = []
        self._number = 0
        threading.Thread(
            target=_pass_on, args=(self.process.stdout, self._messages), daemon=True
        ).start()
        params = {
            "processId": None,
            "rootUri": folder.as_uri(),
            "workspaceFolders": [{"uri": folder.as_uri(), "name": "here"}],
            "capabilities": capabilities,
        }
        self.server = self.ask("initialize", params)["result"]["capabilities"]
        self.tell("initialized", {})

    def send(self, body: bytes) -> None:
        """Send the body of a message, whatever it holds."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def tell(self, method: str, params: Any) -> None:
        self.send(_body({"method": method, "params": params}))

    def ask(self, method: str, params: Any) -> Message:
        """Return the answer to a request."""
        number = self.ask_later(method, params)
        return self.wait(lambda message: message.get("id") == number and "method" not in message)

    def ask_later(self, method: str, params: Any) -> int:
        """Send a request; returns its number."""
        self._number += 1
        self.send(_body({"id": self._number, "method": method, "params": params}))
        return self._number

    def wait(self, is_wanted: Any, seconds: float = LONG) -> Message:
        """Return the first message that is wanted; the others wait to be asked for."""
        for message in self._kept:
            if is_wanted(message):
                self._kept.remove(message)
                return message
        while True:
            try:
                message = self._messages.get(timeout=seconds) or {"method": "the end"}
            except Empty:
                message = {"method": "nothing came"}
            if is_wanted(message):
                return message
            said = self.errors.read_text()
            assert message.get("method") not in ("the end", "nothing came"), (message, said)
            self._kept.append(message)

    @property
    def waiting(self) -> list[str]:
        """The files whose diagnostics came and nobody asked for yet."""
        return [message["params"]["uri"] for message in self._kept if _is_diagnostics(message)]

    # --- files -----------------------------------------------------------------------------

    def open(self, name: str, text: str, version: int = 1) -> str:
        uri = (self.folder / name).as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": version, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def change(self, uri: str, text: str, version: int) -> None:
        document = {"uri": uri, "version": version}
        changes = {"textDocument": document, "contentChanges": [{"text": text}]}
        self.tell("textDocument/didChange", changes)

    def shown(self, uri: str, version: int | None = None) -> list[Message]:
        """Return the next diagnostics of a file, or those of a version."""

        def is_wanted(message: Message) -> bool:
            params = message.get("params") or {}
            return (
                _is_diagnostics(message)
                and params["uri"] == uri
                and version in (None, params.get("version"))
            )

        found: list[Message] = self.wait(is_wanted)["params"]["diagnostics"]
        return found

    def actions(self, uri: str, line: int, only: list[str] | None = None) -> list[Message]:
        """Return the code actions of a line."""
        place = {"line": line, "character": 0}
        context: Message = {"diagnostics": []} | ({"only": only} if only else {})
        params = {
            "textDocument": {"uri": uri},
            "range": {"start": place, "end": place},
            "context": context,
        }
        found: list[Message] = self.ask("textDocument/codeAction", params)["result"]
        return found

    def resolve(self, action: Message) -> Message:
        """Return an action with its edit."""
        resolved: Message = self.ask("codeAction/resolve", action)["result"]
        return resolved

    def hover(self, uri: str, line: int, character: int) -> str | None:
        place = {"line": line, "character": character}
        params = {"textDocument": {"uri": uri}, "position": place}
        found = self.ask("textDocument/hover", params)["result"]
        return None if found is None else str(found["contents"]["value"])

    def leave(self) -> int:
        """Say goodbye as the protocol wants it; returns the exit code."""
        self.ask("shutdown", None)
        self.tell("exit", None)
        return self.process.wait(LONG)

    def stop(self) -> None:
        """End the process, if it still runs."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def applied(text: str, edits: list[Message], units: str = "utf-16-le") -> str:
    """Return a text with edits made as an editor makes them: positions count code units."""
    ends = [0]
    for index, character in enumerate(text):
        if character == "\n" or (character == "\r" and text[index + 1 : index + 2] != "\n"):
            ends.append(index + 1)
    size = {"utf-16-le": 2, "utf-8": 1}[units]

    def offset(place: Message) -> int:
        line = text[ends[place["line"]] :].encode(units)
        return ends[place["line"]] + len(line[: place["character"] * size].decode(units))

    for edit in reversed(edits):
        start, end = (offset(edit["range"][each]) for each in ("start", "end"))
        text = text[:start] + edit["newText"] + text[end:]
    return text


def _is_diagnostics(message: Message) -> bool:
    return message.get("method") == "textDocument/publishDiagnostics"


def _body(message: Message) -> bytes:
    return json.dumps({"jsonrpc": "2.0"} | message).encode()


def _pass_on(stream: IO[bytes], messages: SimpleQueue[Message | None]) -> None:
    length = 0
    for line in stream:
        if line.startswith(b"Content-Length:"):
            length = int(line.split(b":")[1])
        elif not line.strip():
            messages.put(json.loads(stream.read(length)))
    messages.put(None)
