"""What Secrets Manager is told to generate: within the limits of every use of a password."""

from __future__ import annotations

import fnmatch
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
        if not self.patterns:
            return True
        from ._allowed_patterns import is_met  # where there are any: few parameters have one

        return all(is_met(pattern, length, symbols) for pattern in self.patterns)

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
