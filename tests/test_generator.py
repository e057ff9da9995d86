"""The passwords that Secrets Manager is told to generate keep to every limit."""

from __future__ import annotations

import random
import re
import string
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator import registry
from remediator.document import Document
from remediator.model import Credential, Refusal, Value
from remediator.template import Template

registry.builtin_transforms()
_generator: Any = sys.modules["remediator.transforms._generator"]


def _template(engine: str) -> Template:
    text = f"""
Parameters:
  AnyEngine: {{Type: String}}
  Free: {{Type: String, AllowedValues: [mysql, oracle-ee]}}
Conditions:
  C: !Equals [a, b]
Resources:
  DB: {{Type: AWS::RDS::DBInstance, Properties: {{Engine: {engine}}}}}
"""
    return Template(Document.parse(text))


GENERATABLE = [
    row
    for rows in registry.catalogue().values()
    for row in rows
    if row.kind != "secret-container" and (row.generatable == "yes" or row.logs_in_later)
]


def _rows(kind: str) -> list[tuple[str, Credential]]:
    [row] = [row for row in registry.catalogue()[kind] if row.target_type]
    return [("DB", row)]


def draw(generator: dict[str, Value], seed: int) -> str:
    """Draw a password as Secrets Manager does: GetRandomPassword with these settings."""
    excluded = str(generator.get("ExcludeCharacters", ""))
    symbols = "" if generator.get("ExcludePunctuation") else string.punctuation
    classes = [string.ascii_lowercase, string.ascii_uppercase, string.digits, symbols]
    kept = ["".join(c for c in each if c not in excluded) for each in classes]
    kept = [each for each in kept if each]
    source = random.Random(seed)
    length = int(str(generator["PasswordLength"]))
    password = [source.choice(each) for each in kept]
    password += source.choices("".join(kept), k=length - len(password))
    source.shuffle(password)
    return "".join(password)


CLASSES = {
    "upper": string.ascii_uppercase,
    "lower": string.ascii_lowercase,
    "digit": string.digits,
    "symbol": string.punctuation,
}
PATTERNS = [
    "",
    "[a-zA-Z0-9]*",
    "^([a-zA-Z0-9!#$%^&*()_+,-])*$",
    r"^(?=.*[A-Z])(?=.*\d)(?=.*[^\w\s])(?!.*[@/'\"]).{8,64}$",
    r"(?=^.{6,255}$)((?=.*\d)(?=.*[A-Z])(?=.*[a-z])).*",
    r"[\p{ASCII}&&[^@/\"]]*",
    r"\p{Alnum}{12,16}",
    "[!-~]+",
    "([a-z]|[A-Z]|[0-9])*",
]


@given(
    row=st.sampled_from(GENERATABLE),
    engine=st.sampled_from(["mysql", "oracle-se2", "postgres", "!Ref AnyEngine", "!Ref Free"]),
    pattern=st.sampled_from(PATTERNS),
    bounds=st.tuples(st.integers(1, 20), st.integers(8, 60)),
    plain=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_generated_passwords_keep_to_all_limits(
    row: Credential, engine: str, pattern: str, bounds: tuple[int, int], plain: bool, seed: int
) -> None:
    parameter: dict[str, Value] = {"MinLength": bounds[0], "MaxLength": str(bounds[1])}
    if pattern:
        parameter["AllowedPattern"] = pattern
    limits = _generator.limits(_template(engine), [("DB", row)], parameter, plain=plain)
    generator = limits.generate("{}")
    if isinstance(generator, Refusal):
        codes = {"limits-exclude-each-other", "pattern-not-met", "symbol-not-possible"}
        assert generator.code in codes
        return
    password = draw(generator, seed)
    assert max(bounds[0], row.min_length) <= len(password) <= bounds[1]
    assert len(password) <= min([64, *(length for _, length in row.max_length if length > 30)])
    assert not set(password) & set(row.forbidden + '"@/\\')
    if row.allowed is not None:
        assert all(char.isalnum() or char in row.allowed for char in password)
    found = {name for name, each in CLASSES.items() if set(password) & set(each)}
    assert set(row.requires) <= found
    assert {"upper", "lower", "digit"} <= found
    if plain:
        assert password.isalnum()
    if engine == "oracle-se2" and row.type == "AWS::RDS::DBInstance":
        assert len(password) <= 30
        assert not set(password) & set("&'")
    python = pattern.replace(r"[\p{ASCII}&&[^@/\"]]", '[^@/"]').replace(r"\p{Alnum}", "[a-zA-Z0-9]")
    assert re.fullmatch(python or ".*", password)


@pytest.mark.parametrize(
    ("engine", "length"),
    [
        ("mysql", 32),
        ("oracle-ee", 30),
        ("!Ref AnyEngine", 30),
        ("!Ref Free", 30),
        ("!If [C, mysql, postgres]", 32),
        ("!If [C, mysql, oracle-ee]", 30),
        ("!FindInMap [M, a, b]", 30),
    ],
)
def test_the_engine_sets_the_length(engine: str, length: int) -> None:
    limits = _generator.limits(_template(engine), _rows("AWS::RDS::DBInstance"), {}, plain=False)
    assert limits.choose()[0] == length


def _choose(pattern: str, symbols: str = "!#$") -> Any:
    return _generator.Limits(8, 41, symbols, False, (pattern,)).choose()


@pytest.mark.parametrize(
    ("pattern", "choice"),
    [
        ("[a-zA-Z0-9]{8,20}", (20, "")),
        ("[a-zA-Z0-9!#]+", (32, "!#")),
        (r"(?=.*[!#$]).+", (32, "!#$")),
        ("([a-z!#$A-Z0-9])+", (32, "!#$")),
        ("([a-z]|[A-Z]|[0-9])*", (32, "")),
        # What cannot be read soundly, but plainly demands no symbol
        (r"[\w&&[^_]]+", (32, "")),
        (r"^(?=.*[A-Z])(?=.*\d)([a-zA-Z]+[0-9!#$]*)+$", (32, "")),
        (r"[\p{Graph}&&[^\"@/]]{8,}", (32, "")),
    ],
)
def test_a_pattern_narrows_length_and_symbols(pattern: str, choice: tuple[int, str]) -> None:
    assert _choose(pattern) == choice


@pytest.mark.parametrize(
    "pattern",
    [
        "[a-z]+",  # no upper case: the generator cannot be told
        "(",
        "[",
        r"(a+)+$",
        r"([a-zA-Z]+)*$",
        ".*.*.*.*.*x",
        r"[\p{L}&&[^a]]+",
        r"^(?=.*[!#$])([a-zA-Z]+[0-9!#$]*)+$",
        r"([a-zA-Z0-9]+!)*",
        r"(?!.*admin)([a-z]+[A-Z]+)*",
        "[a[b]]+",
        "a{99999999999999999999}",
        "x" * 600,
        r"(?=.*\s).+",
    ],
)
def test_what_cannot_be_met_or_read_is_refused(pattern: str) -> None:
    assert _choose(pattern).code == "pattern-not-met"


def test_a_symbol_that_is_demanded_and_impossible() -> None:
    assert _generator.Limits(8, 41, "", True).choose().code == "symbol-not-possible"
    assert _generator.Limits(8, 41, "!", True, ("[a-zA-Z0-9]+",)).choose().code == "pattern-not-met"


def test_the_usual_characters_are_excluded_first() -> None:
    assert _generator.excluded("!#$%&'()*+,-.:;<=>?[]^_`{|}~") == '"@/\\'
    assert _generator.excluded("!#").startswith('"@/\\$%&')
