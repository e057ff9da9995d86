"""Where the literal secrets of a document stand in its text, however they are spelled there.

A secret's source may differ from its value (`"Tr0ub\\/4dor"`, a value folded over lines): what
must not be shown is found by the position of its node, not by its letters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from .document import Document, Node
from .literals import literals, named
from .model import Add, Catalogue, Finding, Path, Span, is_telling
from .results import FileResult
from .text import Text

_KEY = re.compile(r"pass(?:word|wd|phrase)?|pwd|secret|token", re.IGNORECASE)


def with_hidden(document: Document, result: FileResult, catalogue: Catalogue) -> FileResult:
    """Return the result with the template's literal secrets, and the spans that hold them in its
    old and new text; without spans where nothing is found, so that no report shows the text.

    `document` is the one that the old text was read into. No report shows a text that stays as it
    is: where that has something to hide, all of it is.
    """
    found = literals(document, catalogue)
    result = replace(result, secrets=tuple(dict.fromkeys(each.text for each in found)))
    if not result.outcomes and not result.error:
        return result
    if result.new == result.old:
        whole = ((0, len(document.text)),) if result.secrets or named(document) else ()
        return replace(result, hidden_old=whole, hidden_new=whole)
    findings = [outcome.finding for outcome in result.outcomes if outcome.finding.masked]
    new = document.with_text(result.new)
    secrets = {secret.strip() for secret in result.masked} - {""}

    def hidden(text: Document) -> tuple[Span, ...]:
        written = found if text is document else literals(text, catalogue)
        places = [path for finding in findings for path in _places(finding)]
        places += [each.path for each in written]
        return spans(text, secrets, places, named(text))

    return replace(result, hidden_old=hidden(document), hidden_new=hidden(new))


def spans(
    document: Text, secrets: Iterable[str], places: Iterable[Path], named: Iterable[Path] = ()
) -> tuple[Span, ...]:
    """Return the spans of the scalars that hold one of these secrets, in their order, and of those
    that are hidden whatever they say, since they are `named` a password.

    A word that templates use themselves is a secret only at one of the `places`, or below a key
    that speaks of one: `MasterUserPassword: password`, but not `GenerateStringKey: password`.
    """
    known = frozenset(secrets)
    called = tuple(named)
    if not known and not called:
        return ()
    telling = {secret for secret in known if is_telling(secret)}
    from .layout import Layout

    layout = Layout(document)
    found: set[Span] = set()
    known_places = {id(node) for path in places for node in _below(document, path)}
    always = {id(node) for path in called for node in _below(document, path)}
    scalars = [(node, key, str(node.value).strip()) for node, key in _scalars(document.root)]
    embedded = _embedded(telling, [value for _, _, value in scalars])
    for node, key, value in scalars:
        if id(node) in always:
            holds = True
        elif value in known:
            holds = value in telling or id(node) in known_places or bool(_KEY.search(key))
        else:
            # Within a longer value the letters are hidden where they stand as they are.
            source = document.text[node.start_mark.index : node.end_mark.index]
            holds = any(
                secret in value and source.count(secret) < value.count(secret)
                for secret in embedded
            )
        if holds:
            found.add((layout.content(node), layout.end(node)))
    return tuple(sorted(found))


def _embedded(secrets: set[str], values: Sequence[str]) -> list[str]:
    """Return the secrets that stand within a longer value: only these are looked for in each."""
    alone = Counter(values)
    together = "\0".join(values)
    return [secret for secret in secrets if together.count(secret) > alone[secret]]


def _places(finding: Finding) -> Iterator[Path]:
    yield finding.path
    for operation in finding.fix.operations if finding.fix else ():
        if not isinstance(operation, Add):  # what is added is ours
            yield operation.path


def _below(document: Text, path: Path) -> Iterator[Node]:
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
