"""What Secrets Manager is told to generate: within the limits of every use of a password."""

from __future__ import annotations

import fnmatch
import functools
import random
import re
import string
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from remediator.conditions import literal
from remediator.model import Credential, Refusal, Value
from remediator.template import Template

LENGTH = 32
"""Characters of a generated password, where nothing asks for fewer or more."""
EXCLUDED = '"@/\\'
"""Never generated: most databases refuse the first three, and the last needs escaping."""
PUNCTUATION = string.punctuation
"""What Secrets Manager draws symbols from (GetRandomPassword: all ASCII punctuation)."""


LONGEST_PATTERN = 500
"""Characters of an AllowedPattern that is still read; it is tried on many passwords."""


class Limits(NamedTuple):
    """What a password must keep to. `symbols` are the punctuation characters it may hold."""

    minimum: int
    maximum: int
    symbols: str
    needs_symbol: bool = False
    patterns: tuple[str, ...] = ()

    def generate(self, template: Value, key: str = "password") -> dict[str, Value] | Refusal:
        """Return a `GenerateSecretString` with the password under a key, or why there is none.

        Without a template (None) the secret is the bare password.
        """
        choice = self.choose()
        if isinstance(choice, Refusal):
            return choice
        length, symbols = choice
        generated: dict[str, Value] = {}
        if template is not None:
            generated |= {"SecretStringTemplate": template, "GenerateStringKey": key}
        generated["PasswordLength"] = length
        if symbols:
            generated["ExcludeCharacters"] = excluded(symbols)
        else:
            generated["ExcludePunctuation"] = True
        generated["RequireEachIncludedType"] = True
        return generated

    def choose(self) -> tuple[int, str] | Refusal:
        """Return a length and the symbols to draw from (maybe none), or why nothing fits."""
        if self.minimum > self.maximum:
            return Refusal(
                "limits-exclude-each-other",
                f"its uses want at least {self.minimum} characters and at most {self.maximum}",
            )
        if self.needs_symbol and not self.symbols:
            return Refusal(
                "symbol-not-possible",
                "one use demands a special character, another one cannot take any",
            )
        if any(len(pattern) > LONGEST_PATTERN for pattern in self.patterns):
            reason = f"the parameter's AllowedPattern has more than {LONGEST_PATTERN} characters"
            return Refusal("pattern-not-met", reason)
        for length in dict.fromkeys(map(self._length, (LENGTH, 30, 24, 20, 16, 12, 10, 8))):
            if self._met(length, self.symbols):
                return length, self.symbols
            alone = "".join(s for s in self.symbols if self._met(length, s))
            for symbols in dict.fromkeys((alone, "")):
                if (symbols or not self.needs_symbol) and self._met(length, symbols):
                    return length, symbols
        patterns = " and ".join(self.patterns)
        return Refusal(
            "pattern-not-met",
            f"no generated password is sure to match the parameter's AllowedPattern {patterns}",
        )

    def _met(self, length: int, symbols: str) -> bool:
        """Tell whether the passwords drawn from letters, digits and symbols match all patterns."""
        return all(
            _all_match(pattern, length, symbols)
            or (not symbols and _compiled(pattern) is None and _asks_for_none(pattern))
            for pattern in self.patterns
        )

    def _length(self, wanted: int) -> int:
        return max(self.minimum, min(wanted, self.maximum))


def excluded(symbols: str) -> str:
    """Return `ExcludeCharacters` so that only the symbols given are left: usual ones first."""
    rest = "".join(sorted(set(PUNCTUATION) - set(symbols) - set(EXCLUDED)))
    return EXCLUDED + rest


def limits(
    template: Template,
    credentials: Iterable[tuple[str, Credential]],
    *parameters: Mapping[str, Value],
    plain: bool,
) -> Limits:
    """Return the limits of a password: those of all its uses and of the parameters it was.

    `credentials` are resources with the catalogue's row, `parameters` definitions. `plain` says
    that something reads the password where punctuation would be misread (a URL, a shell, a DMS
    endpoint).
    """
    minimum, maximum, symbols, needs_symbol = 8, 4096, set(PUNCTUATION) - set(EXCLUDED), False
    for resource, credential in credentials:
        minimum = max(minimum, credential.min_length)
        maximum = min(maximum, _maximum(template, resource, credential))
        symbols -= set(_forbidden(template, resource, credential))
        if credential.allowed is not None:
            symbols &= set(credential.allowed)
        needs_symbol = needs_symbol or "symbol" in credential.requires
    for parameter in parameters:
        lowest, highest = _number(parameter.get("MinLength")), _number(parameter.get("MaxLength"))
        minimum = minimum if lowest is None else max(minimum, lowest)
        maximum = maximum if highest is None else min(maximum, highest)
    patterns = [literal(parameter.get("AllowedPattern")) or "" for parameter in parameters]
    kept = "" if plain else "".join(sorted(symbols))
    return Limits(
        minimum, maximum, kept, needs_symbol, tuple(dict.fromkeys(filter(None, patterns)))
    )


def _number(value: Value) -> int | None:
    text = literal(value)
    if text is None or not (text.isdigit() and text.isascii()):
        return None
    return int(text[:10])  # of more digits, the first say enough: none is a password's length


def _maximum(template: Template, resource: str, credential: Credential) -> int:
    """Return the longest password that every engine a resource may have takes."""
    if not credential.max_length:
        return LENGTH
    engines = engines_of(template, template.properties(resource).get("Engine"))
    if not engines:
        return min(length for _, length in credential.max_length)
    return min(_of_engine(credential, engine) for engine in engines)


def _forbidden(template: Template, resource: str, credential: Credential) -> str:
    """Return the characters that any engine which a resource may have refuses."""
    engines = engines_of(template, template.properties(resource).get("Engine"))
    return credential.forbidden + "".join(
        characters
        for glob, characters in credential.engine_forbidden
        if not engines or any(fnmatch.fnmatchcase(engine.lower(), glob) for engine in engines)
    )


def _of_engine(credential: Credential, engine: str) -> int:
    for glob, length in credential.max_length:
        if fnmatch.fnmatchcase(engine.lower(), glob):
            return length
    return min(length for _, length in credential.max_length)


def engines_of(template: Template, value: Value) -> tuple[str, ...]:
    """Return every engine that an expression may name; nothing where that cannot be told."""
    text = literal(value)
    if text is not None:
        return (text,)
    if isinstance(value, dict) and len(value) == 1:
        [(function, argument)] = value.items()
        if function == "Ref" and isinstance(argument, str):
            allowed = template.parameter(argument).get("AllowedValues")
            names = [literal(item) for item in allowed] if isinstance(allowed, list) else []
            return tuple(name for name in names if name is not None)
        if function == "Fn::If" and isinstance(argument, list) and len(argument) == 3:
            branches = [engines_of(template, branch) for branch in argument[1:]]
            return tuple(e for branch in branches for e in branch) if all(branches) else ()
    return ()


_CLASS = re.compile(r"\[(\^?)((?:\\.|[^\]\[\\])+)\]")
_BUT = re.compile(r"&&\[\^((?:\\.|[^\]\[\\])+)\]")  # Java: all of a class but these
_PLAIN = re.compile(r"\(\?[:=]|\\[dwSD]|[()|^$.]|[*+?]|\{\d+,?\d*\}")  # groups, repetitions …
_KINDS = {
    string.ascii_lowercase: re.compile(r"a-z|\\[wSD]|\\p\{(?:Al|Lower|Graph|ASCII|Print)"),
    string.ascii_uppercase: re.compile(r"A-Z|\\[wSD]|\\p\{(?:Al|Upper|Graph|ASCII|Print)"),
    string.digits: re.compile(r"0-9|\\[dwS]|\\p\{(?:Alnum|Digit|Graph|ASCII|Print)"),
}


def _asks_for_none(pattern: str) -> bool:
    """Tell whether a pattern, which cannot be read soundly, plainly demands no symbol.

    Every class of it holds letters or digits, they hold all kinds together, no character stands
    for itself, and nothing is looked for that must be absent.
    """
    pattern = _BUT.sub(lambda match: match[0] if _kinds(match[1]) else "", pattern)
    held: set[str] = set()
    for negated, inside in _CLASS.findall(pattern):
        kinds = _kinds(inside)
        if bool(negated) == bool(kinds) or "&&" in inside:
            return False
        held |= set(_KINDS) if negated else kinds
    rest = _CLASS.sub("", pattern)
    return held == set(_KINDS) and not _PLAIN.sub("", rest) and rest.count("(") == rest.count(")")


def _kinds(inside: str) -> set[str]:
    return {kind for kind, sign in _KINDS.items() if sign.search(inside)}


_SAMPLES = 40
_QUANTIFIED_GROUP = re.compile(r"\)[*+{]")
_CHOICE = re.compile(r"\||(?<!\()[*+?]|\{\d*,\d*\}")  # where a match may go two ways


def _all_match(pattern: str, length: int, symbols: str) -> bool:
    """Tell whether passwords drawn as Secrets Manager draws them match a pattern.

    Every character is tried at the ends and in the middle. A pattern that Python reads in
    another way than Java, or that could take for ever, matches nothing.
    """
    compiled = _compiled(pattern)
    if compiled is None:
        return False
    return all(compiled.fullmatch(p) is not None for p in _samples(length, symbols))


@functools.lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    # `[\\p{ASCII}&&[^@/]]`: Java's intersection, the one form of it that templates use.
    translated = _ASCII_BUT.sub(r"[^\1\\x80-\\U0010ffff]", pattern)
    translated = _ALTERNATED_CLASSES.sub(_one_class, translated)
    translated = _GROUPED_CLASS.sub(r"\1", translated)
    translated = _CLASS_OR_NAMED.sub(_in_python, translated)
    # A repeated group, or several repetitions or branches in a row, may take exponential time.
    plain = re.sub(r"\\.", "x", _CLASS.sub("x", translated), flags=re.DOTALL)
    parts = re.split(r"\(\?[=!]", plain)
    if (
        "&&" in translated
        or r"\p" in translated
        or "[[" in translated
        or re.search(r"\[[^\]\\]*(?<!\[)\[", translated)
        or _QUANTIFIED_GROUP.search(translated)
        or any(len(_CHOICE.findall(part)) > 4 for part in parts)
    ):
        return None
    try:
        return re.compile(translated)
    except (re.error, OverflowError, RecursionError):
        return None


_ASCII_BUT = re.compile(r"\[\\p\{ASCII\}&&\[\^((?:[^\]\\]|\\.)*)\]\]")
_GROUPED_CLASS = re.compile(r"\((\[(?:[^\]\\]|\\.)*\])\)")  # `([a-z])*`, safe without its group
_ALTERNATED_CLASSES = re.compile(r"\((?:\?:)?(\[[^\]\[^\\]+\](?:\|\[[^\]\[^\\]+\])+)\)")
_CLASS_OR_NAMED = re.compile(r"\[(?:\\.|[^\]\\])*\]|\\p\{\w+\}")
_JAVA_CLASSES = {
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\p{Alpha}": "a-zA-Z",
    r"\p{Lower}": "a-z",
    r"\p{Upper}": "A-Z",
    r"\p{Digit}": "0-9",
}


def _one_class(match: re.Match[str]) -> str:
    """Return `([a-z]|[0-9])` as the one class that it is."""
    return match[1].replace("]|[", "")


def _in_python(match: re.Match[str]) -> str:
    """Return a character class, or a named one that stands alone, as Python writes it."""
    text = match[0]
    for java, python in _JAVA_CLASSES.items():
        text = text.replace(java, python if text.startswith("[") else f"[{python}]")
    return text


@functools.lru_cache(maxsize=512)
def _samples(length: int, symbols: str) -> tuple[str, ...]:
    classes = [
        string.ascii_lowercase,
        string.ascii_uppercase,
        string.digits,
        *filter(None, [symbols]),
    ]
    letters = "".join(classes)
    draw = random.Random(length)  # no secret: these passwords are only tried
    samples = []
    for index in range(max(_SAMPLES, len(letters))):
        password = draw.choices(letters, k=length)
        for position, each in enumerate(classes, index):
            password[position % length] = draw.choice(each)
        edge = letters[index % len(letters)]
        for position in (0, length // 2, length - 1):
            password[position] = edge
        for each in classes:  # the edge may have taken the place of a class's only character
            if not set(password) & set(each):
                password[1 + classes.index(each)] = draw.choice(each)
        samples.append("".join(password))
    return tuple(samples)
