"""What the two readers of the proof make of a text: data that compares exactly.

Neither is asked what the other one has read, and neither shares code with the other.
"""

from __future__ import annotations

import json
import warnings
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from .document import Text, long_name
from .errors import EditError
from .model import Value

if TYPE_CHECKING:
    from ruamel.yaml.composer import Composer

_STANDARD = "tag:yaml.org,2002:"
_REMEMBERED = 2_000_000
"""Characters of texts of which it is remembered what ruamel.yaml has read."""

Long: TypeAlias = 'str | list["Long"] | dict[str, "Long"]'
"""Data in the long form in which a scalar is the text `tag:text`: where every leaf is a string,
`==` is exact, while `1 == True` among Python's own values."""


def planned(value: Value) -> Long:
    """Return what a plan writes as the readers must find it."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return {key: planned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [planned(inner) for inner in value]
    if value is None:
        return "null:"
    if isinstance(value, bool):
        return "bool:true" if value else "bool:false"
    kinds = {int: "int", float: "float", str: "str"}
    return f"{kinds[type(value)]}:{value}"


def by_pyyaml(text: Text) -> Long:
    """Return what PyYAML's libyaml has read. Raises EditError where a key is no scalar, or stands
    there twice."""
    return _long(text.root)


def by_ruamel(text: str) -> Long:
    """Return what ruamel.yaml's round-trip parser reads: YAML 1.1, as CloudFormation.

    Of several documents it is the list. Raises its YAMLError, RecursionError, NotImplementedError
    where it has no place for a comment, and EditError as `by_pyyaml` does.
    """
    packed = _recent.take(text)
    if packed is None:
        data = _read_by_ruamel(text)
        packed = json.dumps(data)
    else:
        data = json.loads(packed)  # each time anew, for a proof uses it up
    _recent.put(text, packed)
    return data


class Recent:
    """What was read, in JSON, by its text, the latest use last.

    It takes ruamel.yaml fifty times as long as libyaml, and a repair of several passes, or of a
    family, is proven text by text.
    """

    def __init__(self) -> None:
        self._packed: dict[str, str] = {}
        self._size = 0

    def take(self, text: str) -> str | None:
        """Return what a text was read into, to be put back; None where that is not known."""
        packed = self._packed.pop(text, None)
        if packed is not None:
            self._size -= len(text)
        return packed

    def put(self, text: str, packed: str) -> None:
        """Remember what a text was read into, and forget the oldest where they are too many."""
        self._packed[text] = packed
        self._size += len(text)
        while self._size > _REMEMBERED:
            self.take(next(iter(self._packed)))


_recent = Recent()


def _read_by_ruamel(text: str) -> Long:
    from ruamel.yaml import YAML

    reader = YAML(typ="rt", pure=True)
    reader.version = (1, 1)
    reader.Composer = _composer()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an anchor that is used again is legal
        documents = [_long(document) for document in reader.compose_all(text)]
    vars(reader).clear()  # its parts refer to it, and would stay until garbage is collected
    return documents[0] if len(documents) == 1 else documents


@cache
def _composer() -> type[Composer]:
    """Return ruamel.yaml's composer, but that it looks for its parser and its resolver once, and
    not for every event: an eighth of the time that it takes to read a text."""
    from ruamel.yaml.composer import Composer

    class Prepared(Composer):
        @cached_property
        def parser(self) -> Any:
            return super().parser

        @cached_property
        def resolver(self) -> Any:
            return super().resolver

    return Prepared


class _Number(str):
    """A number of a JSON text, as a leaf that keeps its spelling."""

    __slots__ = ()


def by_json(text: str) -> Long:
    """Return what `json` reads. Raises EditError where an object has a key twice."""

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise EditError("cannot be proven: an object has the same key twice")
        return dict(pairs)

    return planned(
        json.loads(
            text,
            object_pairs_hook=mapping,
            parse_int=lambda number: _Number(f"int:{number}"),
            parse_float=lambda number: _Number(f"float:{number}"),
        )
    )


# --- composed nodes, of either parser --------------------------------------------------------


def _long(node: Any) -> Long:
    function = long_name(str(node.tag))
    if function is None:
        return _content(node)
    if node.id != "scalar":
        return {function: _content(node)}
    if node.tag == "!GetAtt" and "." in node.value:
        resource, _, attribute = node.value.partition(".")
        return {function: [f"str:{resource}", f"str:{attribute}"]}
    return {function: f"str:{_text(node)}"}


def _content(node: Any) -> Long:
    if node.id == "sequence":
        return [_long(item) for item in node.value]
    if node.id == "mapping":
        content = {_key(key): _long(value) for key, value in node.value}
        if len(content) < len(node.value):
            raise EditError("cannot be proven: a mapping has the same key twice")
        return content
    kind = str(node.tag).removeprefix(_STANDARD)
    return "null:" if kind == "null" else f"{kind}:{_text(node)}"


def _text(node: Any) -> str:
    """Return the value of a scalar; ruamel.yaml marks with a bell where it folded a line."""
    value = str(node.value)
    return value.replace("\a", "") if node.style == ">" else value


def _key(node: Any) -> str:
    if node.id != "scalar":
        raise EditError("cannot be proven: the key of a mapping is not a scalar")
    return str(node.value)
