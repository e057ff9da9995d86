"""Whether the passwords that are generated match the `AllowedPattern` of a parameter."""

from __future__ import annotations

import functools
import random
import re
import string

_CLASS = re.compile(r"\[(\^?)((?:\\.|[^\]\[\\])+)\]")
_BUT = re.compile(r"&&\[\^((?:\\.|[^\]\[\\])+)\]")  # Java: all of a class but these
_PLAIN = re.compile(r"\(\?[:=]|\\[dwSD]|[()|^$.]|[*+?]|\{\d+,?\d*\}")  # groups, repetitions …
_KINDS = {
    string.ascii_lowercase: re.compile(r"a-z|\\[wSD]|\\p\{(?:Al|Lower|Graph|ASCII|Print)"),
    string.ascii_uppercase: re.compile(r"A-Z|\\[wSD]|\\p\{(?:Al|Upper|Graph|ASCII|Print)"),
    string.digits: re.compile(r"0-9|\\[dwS]|\\p\{(?:Alnum|Digit|Graph|ASCII|Print)"),
}


def is_met(pattern: str, length: int, symbols: str) -> bool:
    """Tell whether passwords of a length, drawn from letters, digits and symbols, match a pattern.

    They are drawn as Secrets Manager does; every character is tried at the ends and in the middle.
    A pattern that Python reads in another way than Java, or that could take for ever, is met only
    by passwords without symbols, and where it plainly asks for none.
    """
    compiled = _compiled(pattern)
    if compiled is None:
        return not symbols and _asks_for_none(pattern)
    return all(compiled.fullmatch(password) for password in _samples(length, symbols))


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
    members = [frozenset(each) for each in classes]
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
        # The edge may have taken the place of a class's only character.
        for number, each in enumerate(classes, 1):
            if members[number - 1].isdisjoint(password):
                password[number] = draw.choice(each)
        samples.append("".join(password))
    return tuple(samples)
