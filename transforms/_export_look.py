"""A look at a raw text: whether all its exports are plainly fine, so that it need not be parsed."""

from __future__ import annotations

import re

from ._export_names import LONGEST

_EXPORT = re.compile(r"""Export(?<!\wExport)["']?\s*:""")
# `Export:` and below it a name of letters, digits, `:`, `-` and variables, on its own line.
_NAMED = re.compile(
    r"""Export["']?[ \t]*:[ \t]*\r?\n[ \t]+Name[ \t]*:[ \t]+(?P<sub>!Sub[ \t]+)?(?P<quote>["']?)"""
    r"""(?P<name>(?:[A-Za-z0-9:-]|\$\{(?:AWS::)?\w+\})+)(?P=quote)[ \t]*(?=[\r\n]|\Z)"""
)
_VARIABLE = re.compile(r"\$\{([\w:]+)\}")
_PSEUDO = {"AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::StackName"}
_NULL = {"null", "Null", "NULL"}
# What stands elsewhere, and may hold an export of the same name.
_ALIAS = re.compile(r"<<[\"']?\s*:|[:-][ \t]+\*\w")
_PARAMETERS = re.compile(r"^Parameters[ \t]*:[ \t]*((?:\r?\n(?:[ #][^\r\n]*)?)+)", re.MULTILINE)
_KEY = re.compile(r"^( +)(\w+)[ \t]*:", re.MULTILINE)


def may_be_unnamed(text: str) -> bool:
    """Tell whether a template may have an export without a name, or with one that is refused.

    It has none where each has a name that no other has, made of parameters and what a name may
    hold.
    """
    count = len(_EXPORT.findall(text))
    found = list(_NAMED.finditer(text)) if count else []
    names = {match["name"] for match in found} - _NULL
    if len(names) < count or (count and _ALIAS.search(text)):
        return True
    variables = {name for match in found for name in _VARIABLE.findall(match["name"])}
    written_out = any("$" in match["name"] and not match["sub"] for match in found)
    longest = max(map(len, names), default=0)
    known = _PSEUDO | _parameters(text) if variables else _PSEUDO
    return written_out or longest > LONGEST or not variables <= known


def _parameters(text: str) -> set[str]:
    """Return the names of the parameters that stand one below the other in plain YAML."""
    section = _PARAMETERS.search(text)
    keys = _KEY.findall(section[1]) if section else []
    return {name for margin, name in keys if margin == keys[0][0]}
