"""Where the literal secrets of a document stand in its text, however they are spelled there.

A secret's source may differ from its value (`"Tr0ub\\/4dor"`, a value folded over lines): what
must not be shown is found by the position of its node, not by its letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .document import Document, Node
from .layout import Layout
from .model import Add, FileResult, Finding, Path, Span, is_telling

_KEY = re.compile(r"pass(?:word|wd|phrase)?|pwd|secret|token", re.IGNORECASE)


def with_hidden(document: Document, result: FileResult) -> FileResult:
    """Return the result with the spans that hold a literal secret, in its old and new text.

    `document` is the one that the old text was read into.
    """
    if not result.masked:
        return result
    findings = [outcome.finding for outcome in result.outcomes if outcome.finding.masked]
    new = document if result.new == document.text else document.with_text(result.new)
    return replace(result, hidden_old=spans(document, findings), hidden_new=spans(new, findings))


def spans(document: Document, findings: Sequence[Finding]) -> tuple[Span, ...]:
    """Return the spans of the scalars that hold a secret of these findings, in their order.

    A word that templates use themselves is a secret only at a finding's place, or below a key
    that speaks of one: `MasterUserPassword: password`, but not `GenerateStringKey: password`.
    """
    secrets = {secret.strip() for finding in findings for secret in finding.masked} - {""}
    telling = {secret for secret in secrets if is_telling(secret)}
    layout = Layout(document)
    found: set[Span] = set()
    places = {
        id(node)
        for finding in findings
        for path in _places(finding)
        for node in _below(document, path)
    }
    for node, key in _scalars(document.root):
        value = str(node.value).strip()
        if value in secrets:
            holds = value in telling or id(node) in places or bool(_KEY.search(key))
        else:
            # Within a longer value the letters are hidden where they stand as they are.
            source = document.text[node.start_mark.index : node.end_mark.index]
            holds = any(secret in value and secret not in source for secret in telling)
        if holds:
            found.add((layout.content(node), layout.end(node)))
    return tuple(sorted(found))


def _places(finding: Finding) -> Iterator[Path]:
    yield finding.path
    for operation in finding.fix.operations if finding.fix else ():
        if not isinstance(operation, Add):  # what is added is ours
            yield operation.path


def _below(document: Document, path: Path) -> Iterator[Node]:
    try:
        node = document.node(path)
    except KeyError:
        return
    for scalar, _ in _scalars(node):
        yield scalar


def _scalars(node: Node, key: str = "") -> Iterator[tuple[Node, str]]:
    """Yield the scalars in a node, keys too, each with the key that it stands below."""
    if node.id == "scalar":
        yield node, key
    elif node.id == "mapping":
        for name, value in node.value:
            yield from _scalars(name)
            yield from _scalars(value, str(name.value))
    else:
        for item in node.value:
            yield from _scalars(item, key)
