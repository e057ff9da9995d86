"""Templates written as text, edits of real ones, and plans, from a row of small choices.

Everything is drawn by `choose(n)`, which returns a number from 0 to n - 1: hypothesis, the
coverage-guided fuzzer and a seeded generator can all be behind it. 0 is the plainest choice, so
that what hypothesis shrinks becomes plain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path as File
from typing import TypeAlias, TypeVar

from remediator.model import Add, Credential, Operation, Path, Remove, Replace, Value
from remediator.registry import catalogue

Choose: TypeAlias = Callable[[int], int]
_Item = TypeVar("_Item")

CASES = File(__file__).parent.parent / "cases"
ODD = (
    *("\t", "\r", "\r\n", "\x85", "\u2028", "\u200b", "\u202e", "\ufeff", "\ufffe", "\x00", "\x7f"),
    *("\U0001f511", "&a ", "*a", "!Sub ", "!", "<<: ", "? ", "- ", ": ", " #", "#", "|\n", ">-\n"),
    *("'", '"', "\\", "{", "}", "[", "]", ",", "${", "${P0}", "{{resolve:", "}}", "---\n", "...\n"),
    *("%YAML 1.1\n", "null", "~", "yes", "012", "1e9", "=", "@", "`", " ", "\n", "\n\n", "    "),
)
_VALUES: list[Value] = [
    "a",
    {"Ref": "P0"},
    {"Fn::Sub": "x-${P0}"},
    {"Fn::If": ["C0", {"Ref": "P0"}, "b"]},
    {"Fn::Join": ["", ["a", {"Ref": "P1"}]]},
    {"Fn::GetAtt": ["R0", "Arn"]},
    {"Fn::Sub": "{{resolve:secretsmanager:${S0}::password}}"},
    {"Fn::If": ["C1", "longpassword1", {"Ref": "AWS::NoValue"}]},
    {"Fn::FindInMap": ["M", {"Ref": "P1"}, "k"]},
    {"Fn::ImportValue": "x"},
    ["a", {"Ref": "P0"}],
    "correct horse 7",
    "it's",
    "a: b",
    "# x",
    "a\nb",
    "yes",
    "é",
    "",
    None,
    True,
    12,
    1.5,
    [],
    {},
]
_CREDENTIAL: list[Value] = [
    {"Ref": "P0"},
    {"Ref": "P1"},
    {"Ref": "Gone"},
    {"Fn::Sub": "${P0}"},
    {"Fn::If": ["C0", {"Ref": "P0"}, {"Ref": "AWS::NoValue"}]},
    {"Fn::Sub": "{{resolve:secretsmanager:${S0}::password}}"},
    {"Fn::Join": ["", [{"Ref": "P0"}, "x"]]},
    {"Fn::FindInMap": ["M", "a", "k"]},
    "hunter2hunter2",
    None,
]
_CONDITIONS: list[Value] = [
    {"Fn::Equals": [{"Ref": "P2"}, "prod"]},
    {"Fn::Equals": [{"Ref": "P0"}, ""]},
    {"Fn::Not": [{"Condition": "C0"}]},
    {"Fn::Or": [{"Condition": "C0"}, {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}]},
    {"Condition": "C1"},
]


def pick(choose: Choose, items: Sequence[_Item]) -> _Item:
    """Return one of some items."""
    return items[choose(len(items))]


def some(choose: Choose, items: Sequence[Value]) -> Value:
    """Return one of some values."""
    return pick(choose, items)


# --- data ------------------------------------------------------------------------------------


def data(choose: Choose) -> dict[str, Value]:
    """Return the data of a template with credentials, and much that may be in their way."""
    count = 1 + choose(3)
    resources: dict[str, Value] = {}
    for number in range(count):
        resources[f"R{number}"] = _resource(choose, number)
    if choose(3) == 1:
        resources["S0"] = _secret(choose)
    template: dict[str, Value] = {
        "Parameters": {f"P{n}": _parameter(choose) for n in range(1 + choose(3))},
        "Resources": resources,
    }
    if choose(3) == 1:
        template["Conditions"] = {f"C{n}": some(choose, _CONDITIONS) for n in range(1 + choose(2))}
    if choose(3) == 1:
        template["Outputs"] = {f"O{n}": _output(choose) for n in range(1 + choose(2))}
    if choose(6) == 1:
        template["Mappings"] = {"M": {"a": {"k": some(choose, _VALUES)}}}
    if choose(6) == 1:
        groups: Value = [{"Label": {"default": "x"}, "Parameters": ["P0", "P1"]}]
        interface: Value = {"ParameterGroups": groups, "ParameterLabels": {"P0": {"default": "y"}}}
        template["Metadata"] = {"AWS::CloudFormation::Interface": interface}
    if choose(8) == 1:
        template["Rules"] = {"Q": {"Assertions": [{"Assert": some(choose, _CONDITIONS)}]}}
    if choose(10) == 1:
        template["Transform"] = pick(choose, ("AWS::Serverless-2016-10-31", "Own"))
    return _shuffled(choose, template)


def _shuffled(choose: Choose, mapping: dict[str, Value]) -> dict[str, Value]:
    keys = list(mapping)
    if choose(2):
        keys = [keys.pop(choose(len(keys))) for _ in range(len(keys))]
    return {key: mapping[key] for key in keys}


def _parameter(choose: Choose) -> Value:
    found: dict[str, Value] = {"Type": "String"}
    more: Mapping[str, Value] = {
        "NoEcho": True,
        "Default": some(choose, ("admin", "", "{{resolve:ssm:x}}", 12, "longpassword1")),
        "MinLength": some(choose, (8, "12", 40, "x")),
        "MaxLength": some(choose, (41, 16, 4, "9" * 30)),
        "AllowedPattern": some(choose, ("[a-zA-Z0-9]*", "^(?=.*[a-z]).{8,}$", "(a+)+", "[", "")),
        "AllowedValues": ["prod", "dev"],
        "Description": some(choose, ("The password", "x: y", 'say "it"')),
    }
    return found | {key: value for key, value in more.items() if choose(4) == 1}


@cache
def _rows() -> tuple[Credential, ...]:
    return tuple(row for rows in catalogue().values() for row in rows)


_USUAL = ("AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::ElastiCache::ReplicationGroup")


def _resource(choose: Choose, number: int) -> Value:
    rows = _rows()
    if choose(2) == 0:
        rows = tuple(row for row in rows if row.type in _USUAL)
    row = pick(choose, rows)
    properties: dict[str, Value] = {}
    if row.user is not None and choose(4):
        _put(properties, row.user, some(choose, ("admin", *_VALUES)))
    for key, globs in row.where:
        _put(properties, (*row.property[:-1], key), globs[0].replace("*", "x"))
    _put(properties, row.property, some(choose, _CREDENTIAL))
    for name in ("Engine", "DBName", "Tags", "DBSnapshotIdentifier", "DBClusterIdentifier"):
        if choose(6) == 1:
            properties[name] = some(choose, ("mysql", *_VALUES))
    found: dict[str, Value] = {"Type": row.type, "Properties": _shuffled(choose, properties)}
    for name, value in (("Condition", "C0"), ("DependsOn", "R0"), ("DeletionPolicy", "Delete")):
        if choose(6) == 1:
            found[name] = value if number or name != "DependsOn" else ["S0"]
    return found


def _put(properties: dict[str, Value], path: tuple[str, ...], value: Value) -> None:
    """Put a value at a path of the catalogue, where `*` is a list and `{}` any key."""
    step, rest = ("Name" if path[0] == "{}" else path[0]), path[1:]
    if not rest:
        properties[step] = value
    elif rest[0] == "*":
        items = properties.setdefault(step, [{}])
        if isinstance(items, list) and items and isinstance(items[0], dict) and rest[1:]:
            _put(items[0], rest[1:], value)
        else:
            properties[step] = [value]
    else:
        inner = properties.setdefault(step, {})
        if isinstance(inner, dict):
            _put(inner, rest, value)


def _secret(choose: Choose) -> Value:
    text = '{"username": "admin", "password": "${P0}"}'
    generated: Value = {
        "SecretStringTemplate": '{"username": "admin"}',
        "GenerateStringKey": "password",
    }
    properties: Mapping[str, Value] = pick(
        choose,
        (
            {"GenerateSecretString": generated},
            {"SecretString": {"Fn::Sub": text}},
            {"SecretString": {"Ref": "P0"}},
            {"SecretString": '{"password": "longpassword1"}'},
        ),
    )
    return {"Type": "AWS::SecretsManager::Secret", "Properties": dict(properties)}


def _output(choose: Choose) -> Value:
    found: dict[str, Value] = {"Value": some(choose, ("x", *_VALUES))}
    if choose(2):
        found["Export"] = some(
            choose, (None, {}, {"Name": None}, {"Name": {"Fn::Sub": "${AWS::StackName}-x"}}, "x")
        )
    return found


# --- text ------------------------------------------------------------------------------------

_SHORT = ("Fn::Sub", "Fn::If", "Fn::Join", "Fn::GetAtt", "Fn::Equals", "Fn::Not", "Fn::Or")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 .:/-]*(?<![: ])")


class Writer:
    """Writes data as YAML, drawing every matter of style."""

    def __init__(self, choose: Choose) -> None:
        self.choose = choose
        self.step = (2, 4, 1, 3)[choose(4)]
        self.dash = (self.step, 0)[choose(2)]
        self.short = choose(3) != 2
        self.comments = choose(2)

    def scalar(self, value: Value, *, flow: bool = False) -> str:
        """Return a scalar on one line."""
        if not isinstance(value, str):
            return json.dumps(value) if value is not None or flow or self.choose(2) else ""
        style = self.choose(3)
        plain = _PLAIN.fullmatch(value) and ": " not in value and value not in ("yes", "null")
        if style == 0 and plain and not (flow and ":" in value):
            return value
        if style < 2 and "\n" not in value:
            return "'" + value.replace("'", "''") + "'"
        return json.dumps(value, ensure_ascii=bool(self.choose(2)))

    def inline(self, value: Value) -> str:
        """Return a value in flow style."""
        tagged = self.tagged(value)
        if tagged is not None:
            return f"{tagged[0]} {self.inline(tagged[1])}"
        if isinstance(value, dict):
            pairs = (f"{self.key(key)}: {self.inline(item)}" for key, item in value.items())
            return "{" + ", ".join(pairs) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self.inline, value)) + "]"
        return self.scalar(value, flow=True)

    def key(self, key: str) -> str:
        """Return a key, in quotes now and then."""
        return json.dumps(key) if self.choose(8) == 1 or not _PLAIN.fullmatch(key) else key

    def tagged(self, value: Value) -> tuple[str, Value] | None:
        """Return a short tag with its argument, where the value is a function."""
        if not self.short or not isinstance(value, dict) or len(value) != 1:
            return None
        [(name, argument)] = value.items()
        if name == "Ref" or name in _SHORT:
            if name == "Fn::GetAtt" and isinstance(argument, list):
                argument = ".".join(map(str, argument))
            return "!" + name.removeprefix("Fn::"), argument
        return None

    def below(self, value: Value, margin: str) -> list[str]:
        """Return the lines of a value; the first stands behind its key or dash."""
        tagged = self.tagged(value)
        head = "" if tagged is None else f" {tagged[0]}"
        content = value if tagged is None else tagged[1]
        if isinstance(content, (dict, list)) and content and self.choose(6) != 1:
            lines = (
                self.entries(content, margin + " " * self.step)
                if isinstance(content, dict)
                else self.items(content, margin + " " * self.dash)
            )
            return [head + self.beside(), *lines]
        if isinstance(content, str) and "\n" in content and self.choose(2):
            inner = margin + " " * max(self.step, 1)
            return [head + " |-", *(inner + line for line in content.split("\n"))]
        text = self.inline(content) if isinstance(content, (dict, list)) else self.scalar(content)
        return [f"{head} {text}".rstrip() + self.beside()]

    def beside(self) -> str:
        """Return a comment behind a value, or nothing."""
        return "  # beside" if self.comments and self.choose(6) == 1 else ""

    def above(self, margin: str) -> list[str]:
        """Return the lines above an entry that belong to no value."""
        if not self.comments:
            return []
        own = f"{margin}# above"
        return ([], [own], [""], ["", own], [own, ""], ["# ====="])[max(self.choose(10) - 4, 0)]

    def entries(self, value: dict[str, Value], margin: str) -> list[str]:
        """Return the lines of a block mapping."""
        lines: list[str] = []
        for key, item in value.items():
            first, *rest = self.below(item, margin)
            lines += [*self.above(margin), f"{margin}{self.key(key)}:{first}", *rest]
        return lines

    def items(self, value: list[Value], margin: str) -> list[str]:
        """Return the lines of a block list."""
        lines: list[str] = []
        for item in value:
            first, *rest = self.below(item, margin + " ")
            lines += [f"{margin}-{first}", *rest]
        return lines


def template(choose: Choose) -> bytes:
    """Return the bytes of a template: YAML in block or flow style or JSON, CRLF, a BOM."""
    value = data(choose)
    kind = choose(6)
    if kind == 5:
        indent = (2, None, 4, "\t")[choose(4)]
        text = json.dumps(value, indent=indent, ensure_ascii=bool(choose(2)))
    elif kind == 4:
        text = Writer(choose).inline(value)
    else:
        text = "\n".join(Writer(choose).entries(value, ""))
    text += ("\n", "", "\n\n")[choose(3)]
    if choose(4) == 1:
        text = text.replace("\n", "\r\n")
    return (b"\xef\xbb\xbf" if choose(8) == 1 else b"") + text.encode()


# --- edits of real templates -----------------------------------------------------------------


@cache
def originals() -> tuple[bytes, ...]:
    """Return the templates of the repository's own cases."""
    return tuple(file.read_bytes() for file in sorted(CASES.glob("*/*/before.*")))


def edited(choose: Choose) -> bytes:
    """Return one of the repository's templates with random edits, still UTF-8 mostly."""
    text = pick(choose, originals()).decode("utf-8", errors="replace")
    for _ in range(1 + choose(4)):
        text = _edit(choose, text)
    return text.encode("utf-8", errors="replace")


def _edit(choose: Choose, text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    one, other = choose(len(lines)), choose(len(lines))
    kind = choose(8)
    if kind == 0:
        place = choose(len(text) + 1)
        return text[:place] + pick(choose, ODD) + text[place:]
    if kind == 1:
        del lines[one]
    elif kind == 2:
        lines.insert(other, lines[one])
    elif kind == 3:
        lines[one], lines[other] = lines[other], lines[one]
    elif kind == 4:
        lines[one] = " " * choose(5) + lines[one]
    elif kind == 5:
        lines[one] = lines[one].lstrip(" ")
    elif kind == 6:
        place = choose(len(text) + 1)
        return text[:place] + text[place + 1 + choose(20) :]
    else:
        words = re.findall(r"[\w:]+", text) or [""]
        return text.replace(pick(choose, words), pick(choose, words), 1)
    return "".join(lines)


# --- plans -----------------------------------------------------------------------------------


def places(value: Value, path: Path = ()) -> list[Path]:
    """Return the place of every entry below a value."""
    children: list[tuple[str | int, Value]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return [
        place for step, item in children for place in [(*path, step), *places(item, (*path, step))]
    ]


def plan(choose: Choose, document: Mapping[str, Value]) -> list[Operation]:
    """Return some operations on a template's data."""
    found = [place for place in places(dict(document)) if len(place) > 1]
    return [_operation(choose, pick(choose, found)) for _ in range(1 + choose(3))] if found else []


def _operation(choose: Choose, place: Path) -> Operation:
    kind = choose(3)
    if kind == 0:
        return Replace(place, some(choose, _VALUES))
    if kind == 1:
        return Remove(place)
    if isinstance(place[-1], int):
        return Add(place, some(choose, _VALUES))
    beside = choose(3)
    return Add(
        (*place[:-1], pick(choose, ("New", "Newer", "yes", "a b"))),
        some(choose, _VALUES),
        before=place[-1] if beside == 1 else None,
        after=place[-1] if beside == 2 else None,
    )
