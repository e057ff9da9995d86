"""The language server: an editor shows what `check` finds, and makes a repair when it is asked to.

pygls (extra `lsp`) speaks the protocol; the command `lsp` alone loads this module. Texts are looked
at beside the loop that reads requests, in one thread, and repairs are worked out in another: a
proof takes seconds on a large template, and nobody waits for it but who asked for the repair.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcInternalError
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from . import __version__
from .desk import Desk
from .errors import RemediatorError
from .interrupt import SIGNALS
from .lsp_values import Look, Places, diagnostic, is_wanted
from .model import Consequence
from .registry import builtin_transforms
from .report import editor
from .results import FileResult, Status
from .runner import Work
from .trace import without_values
from .tree_files import SUFFIXES

DELAY = 0.2
"""Seconds without a change until a text is looked at."""
FIX_ALL = "source.fixAll.remediator"

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
_P = TypeVar("_P")


class Server(LanguageServer):
    """One editor's session."""

    def __init__(self, desk: Desk) -> None:
        # Whole texts: pygls counts U+2028 and form feeds as line ends, and would put a change of a
        # part into the wrong line.
        kind = types.TextDocumentSyncKind.Full
        super().__init__("remediator", __version__, text_document_sync_kind=kind)
        self.desk = desk
        self.exit_code = 1
        """What the protocol says of an editor that leaves without `shutdown`."""
        self._looks: dict[str, Look] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """The last look at each open text, waiting or done."""
        self._round: asyncio.Task[None] | None = None
        self._stale = False
        self._shown: set[str] = set()
        self._looking = ThreadPoolExecutor(1)
        self._repairing = ThreadPoolExecutor(1)

    def report_server_error(self, error: Exception, source: object) -> None:
        """Log an error of pygls, which would show its message, and what that quotes."""
        _LOG.error("an error in a message", exc_info=error)

    # --- texts ---------------------------------------------------------------------------------

    def text_of(self, uri: str) -> str | None:
        """Return the text of an open file; None for what is none, as the old side of a diff."""
        document = self.workspace.text_documents.get(unquote(uri))
        return None if document is None or to_fs_path(uri) is None else document.source

    def version_of(self, uri: str) -> int | None:
        """Return the version of an open text."""
        version: int | None = self.workspace.text_documents[unquote(uri)].version
        return version

    async def look(self, uri: str) -> Look | None:
        """Return what is found in an open text; None where it is not open, or changed meanwhile."""
        text, looks = self.text_of(uri), self._looks
        if text is None:
            return None
        look = looks.get(uri)
        if look is None or look.text != text:
            work = functools.partial(self._look, text, *self._place(uri))
            look = await asyncio.get_running_loop().run_in_executor(self._looking, work)
            if self.text_of(uri) != text:
                return None
            looks[uri] = look  # of no effect where all was forgotten meanwhile
        return look

    def _look(self, text: str, file: Path, root: Path) -> Look:
        places = Places(text, self.workspace.position_codec.client_num_units)
        return Look(places, self.desk.look(text, file, root))

    async def repair(self, uri: str, look: Look, ids: frozenset[str]) -> FileResult | None:
        """Return what becomes of a text with these repairs alone."""
        work = functools.partial(self.desk.repair, look.text, *self._place(uri), ids)
        return await asyncio.get_running_loop().run_in_executor(self._repairing, work)

    def _place(self, uri: str) -> tuple[Path, Path]:
        """Return the path of an open file and its innermost workspace folder, else its own."""
        file = Path(to_fs_path(uri) or "")
        uris = [self.workspace.root_uri, *(each.uri for each in self.workspace.folders.values())]
        folders = [Path(path) for each in uris if each and (path := to_fs_path(each))]
        around = [folder for folder in folders if file.is_relative_to(folder)]
        return file, max(around, key=lambda folder: len(folder.parts), default=file.parent)

    # --- diagnostics ---------------------------------------------------------------------------

    def show_soon(self, uri: str, delay: float = 0) -> None:
        """Look at a text after a while and show what is found; an earlier request is dropped."""
        self.drop(uri)
        self._tasks[uri] = asyncio.create_task(self._show(uri, delay))

    def show_all_anew(self) -> None:
        """Look at all open texts again: something around them has changed.

        Not put off by the next change, which a build may bring at any moment: it asks for another
        round after this one.
        """
        self._looks = {}
        self.desk.forget()
        self._stale = True
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._show_all())

    async def _show_all(self) -> None:
        while self._stale:
            await asyncio.sleep(DELAY)
            self._stale = False
            for uri in list(self._tasks):
                await self._show(uri, 0)

    def drop(self, uri: str) -> None:
        """Look no more at a text, unless that is asked for again."""
        if uri in self._tasks:
            self._tasks.pop(uri).cancel()

    def clear(self, uri: str) -> None:
        """Forget a file that is closed, and what was shown of it."""
        self.drop(uri)
        self._looks.pop(uri, None)
        self._publish(uri, [], None)

    async def _show(self, uri: str, delay: float) -> None:
        try:
            await asyncio.sleep(delay)
            look = await self.look(uri)
            if look is not None:
                self._publish(uri, look.diagnostics(), self.version_of(uri))
        except Exception as error:  # noqa: BLE001 - nobody waits for this task, so nobody would tell
            _LOG.error("a text could not be looked at", exc_info=error)

    def _publish(self, uri: str, shown: list[types.Diagnostic], version: int | None) -> None:
        if shown or uri in self._shown:
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(uri, shown, version)
            )
        (self._shown.add if shown else self._shown.discard)(uri)

    def close(self) -> None:
        """End what runs beside the loop."""
        for pool in (self._looking, self._repairing):
            pool.shutdown(cancel_futures=True)
        self.desk.close()


def run(*, validate: bool = True) -> int:
    """Serve an editor over standard input and output until it leaves; returns the exit code.

    Nothing is written to any file. What goes wrong is logged to standard error, without a value.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_WithoutValues())
    logging.basicConfig(level=logging.ERROR, handlers=[handler])
    for each in SIGNALS:  # there is nothing to finish, and a thread waits for the editor
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, signal.SIG_DFL)
    server = Server(Desk(_guarded, validate=validate))
    for name, (handle, options) in _HANDLERS.items():
        server.feature(name, options)(handle)
    try:
        server.start_io()
    finally:
        server.close()
    return server.exit_code


class _WithoutValues(logging.Formatter):
    """Says what went wrong where: a message, of pygls too, may hold the text of a request."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines for one event."""
        error = record.exc_info[1] if record.exc_info else None
        trace = without_values(error) if error is not None else ""
        return f"remediator lsp: {record.name}, {record.filename}:{record.lineno}\n{trace}".rstrip()


def _guarded(name: str, work: Work) -> FileResult | None:
    """Turn what is wrong with a file, or with us, into the error that the editor shows."""
    try:
        return work()
    except RemediatorError as error:
        line, column = error.line, error.column
        return FileResult(
            name, Status.ERROR, error=error.message, error_line=line, error_column=column
        )
    except Exception as error:  # noqa: BLE001 - the server goes on, whatever it was
        _LOG.error("a defect", exc_info=error)
        told = f"a defect of remediator ({type(error).__name__}); please report it, with the trace"
        return FileResult(name, Status.ERROR, error=f"{told} in the log of the language server")


def _discreet(
    handle: Callable[[Server, _P], Awaitable[_T]],
) -> Callable[[Server, _P], Coroutine[Any, Any, _T]]:
    """Let a request fail without the message of the error, which pygls would send."""

    @functools.wraps(handle)
    async def handled(ls: Server, params: _P) -> _T:
        try:
            return await handle(ls, params)
        except Exception as error:  # noqa: BLE001 - its type is told, and logged with its trace
            _LOG.error("a request failed", exc_info=error)
            told = f"a defect of remediator ({type(error).__name__})"
            raise JsonRpcInternalError(told) from None

    return handled


# --- what the editor tells -----------------------------------------------------------------------


def _initialized(ls: Server, _: types.InitializedParams) -> None:
    """Ask to be told of changed files: settings, and what may call a template."""
    asked = "workspace.did_change_watched_files.dynamic_registration"
    if get_capability(ls.client_capabilities, asked):
        glob = f"**/*{{{','.join(sorted(SUFFIXES))}}}"
        watched = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(glob)])
        name = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        each = types.Registration("watched-files", name, watched)
        ls.client_register_capability(types.RegistrationParams([each]))


def _opened(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
    ls.show_soon(params.text_document.uri)


def _changed(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
    ls.show_soon(params.text_document.uri, DELAY)


def _closed(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    ls.clear(params.text_document.uri)


def _surroundings_changed(ls: Server, _: object) -> None:
    ls.show_all_anew()  # a file that is saved may call, or be called by, any other


def _shut_down(ls: Server, _: None) -> None:
    ls.exit_code = 0


# --- what the editor asks ------------------------------------------------------------------------


@_discreet
async def _code_actions(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    """Return the repairs in a range, and that of all safe ones.

    What they change is worked out when one is chosen, where the editor can ask for that.
    """
    uri = params.text_document.uri
    look = await ls.look(uri)
    if look is None or look.result is None:
        return []
    only = params.context.only
    offered: list[types.CodeAction] = []
    safe: list[str] = []
    for outcome, place in look.found():
        fix = outcome.finding.fix
        if outcome.status is not Status.REPAIRABLE or fix is None:
            continue
        if fix.consequence is Consequence.SAFE:
            safe.append(outcome.id)
        if place.start.line <= params.range.end.line and params.range.start.line <= place.end.line:
            offered.append(
                types.CodeAction(
                    editor.title(look.result, outcome),
                    kind=types.CodeActionKind.QuickFix,
                    diagnostics=[diagnostic(look.result, outcome, place)],
                    data={"uri": uri, "ids": [outcome.id]},
                )
            )
    if safe:
        title = "remediator: make all safe repairs"
        offered.append(types.CodeAction(title, FIX_ALL, data={"uri": uri, "ids": safe}))
    offered = [each for each in offered if is_wanted(each.kind or "", only)]
    if _resolves(ls):
        return offered
    return [each for each in [await _resolved(ls, each) for each in offered] if each.edit]


def _resolves(ls: Server) -> bool:
    """Whether the editor asks for the edit of an action when it is chosen."""
    able = get_capability(ls.client_capabilities, "text_document.code_action.resolve_support")
    keeps = get_capability(ls.client_capabilities, "text_document.code_action.data_support")
    return bool(able and keeps and "edit" in able.properties)


@_discreet
async def _resolve(ls: Server, action: types.CodeAction) -> types.CodeAction:
    return await _resolved(ls, action)


async def _resolved(ls: Server, action: types.CodeAction) -> types.CodeAction:
    """Return an action with its edit; without one, and the reason shown, where it is not proven."""
    if not isinstance(action.data, dict):
        return action
    uri, ids = str(action.data.get("uri")), frozenset(map(str, action.data.get("ids") or ()))
    look = await ls.look(uri)
    if look is None or not ids:
        return action
    result = await ls.repair(uri, look, ids)
    if ls.text_of(uri) != look.text:
        return action  # superseded: the edit would meet another text
    if result is None or result.new == result.old:
        why = editor.refused(result, ids)
        words = f"{action.title}: not possible: {why}"
        ls.window_show_message(types.ShowMessageParams(types.MessageType.Warning, words))
        return action
    action.edit = _edit(ls, uri, look.edits(result.new))
    return action


def _edit(ls: Server, uri: str, edits: list[types.TextEdit]) -> types.WorkspaceEdit:
    if get_capability(ls.client_capabilities, "workspace.workspace_edit.document_changes"):
        document = types.OptionalVersionedTextDocumentIdentifier(uri, ls.version_of(uri))
        return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, [*edits])])
    return types.WorkspaceEdit(changes={uri: edits})


@_discreet
async def _hover(ls: Server, params: types.HoverParams) -> types.Hover | None:
    """Return what there is to say about the findings at a place."""
    look = await ls.look(params.text_document.uri)
    if look is None or look.result is None:
        return None
    known = {each.id: each.documentation for each in builtin_transforms()}
    at = (params.position.line, params.position.character)
    said = [
        (editor.explanation(look.result, outcome, known.get(outcome.transform, "")), place)
        for outcome, place in look.found()
        if (place.start.line, place.start.character) <= at <= (place.end.line, place.end.character)
    ]
    if not said:
        return None
    text = "\n\n".join(words for words, _ in said)
    return types.Hover(types.MarkupContent(types.MarkupKind.PlainText, text), said[0][1])


_ACTIONS = types.CodeActionOptions(
    code_action_kinds=[types.CodeActionKind.QuickFix, FIX_ALL], resolve_provider=True
)
_HANDLERS: dict[str, tuple[Callable[..., Any], Any]] = {
    types.INITIALIZED: (_initialized, None),
    types.SHUTDOWN: (_shut_down, None),
    types.TEXT_DOCUMENT_DID_OPEN: (_opened, None),
    types.TEXT_DOCUMENT_DID_CHANGE: (_changed, None),
    types.TEXT_DOCUMENT_DID_SAVE: (_surroundings_changed, None),
    types.TEXT_DOCUMENT_DID_CLOSE: (_closed, None),
    types.WORKSPACE_DID_CHANGE_WATCHED_FILES: (_surroundings_changed, None),
    types.TEXT_DOCUMENT_CODE_ACTION: (_code_actions, _ACTIONS),
    types.CODE_ACTION_RESOLVE: (_resolve, None),
    types.TEXT_DOCUMENT_HOVER: (_hover, None),
}
