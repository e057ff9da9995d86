"""A look at a raw text: whether all its exports are plainly fine, so that it need not be parsed."""

from __future__ import annotations

import re

from remediator.template import ANCHOR, plain_parameters

from ._export_names import LONGEST

_EXPORT = re.compile(r"""Export(?<!\wExport)["']?\s*:""")
# `Export:` and below it a name of letters, digits, `:`, `-` and variables, on a line of its own,
# with no deeper one below.
_NAMED = re.compile(
    r"""Export["']?[ \t]*:[ \t]*\r?\n(?P<margin>[ \t]+)Name[ \t]*:[ \t]+(?P<sub>!Sub[ \t]+)?"""
    r"""(?P<quote>["']?)(?P<name>(?:[A-Za-z0-9:-]|\$\{(?:AWS::)?\w+\})+)(?P=quote)[ \t]*"""
    r"""(?:\Z|(?=\r?\n)(?!\s*\n(?P=margin)[ \t]))"""
)
_VARIABLE = re.compile(r"\$\{([\w:]+)\}")
_PSEUDO = {"AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::StackName"}
# Names that YAML reads as something else than a text, where no quotes and no tag say otherwise.
_NO_TEXT = re.compile(r"(?:null|y|yes|n|no|true|false|on|off|[0-9:-].*)\Z", re.IGNORECASE)
_KEY = re.compile(r"^( +)[\"']?(\w+)[\"']?[ \t]*:", re.MULTILINE)


def may_be_unnamed(text: str) -> bool:
    """Tell whether a template may have an export without a name, or with one that is refused.

    It has none where each has a name that no other has, made of parameters and what a name may
    hold.
    """
    count = len(_EXPORT.findall(text))
    found = list(_NAMED.finditer(text)) if count else []
    names = {match["name"] for match in found}
    # An anchor may stand for an export that another place repeats.
    if len(names) < count or (count and ANCHOR.search(text)):
        return True
    if any(
        _NO_TEXT.match(match["name"]) for match in found if not (match["sub"] or match["quote"])
    ):
        return True
    variables = {name for match in found for name in _VARIABLE.findall(match["name"])}
    written_out = any("$" in match["name"] and not match["sub"] for match in found)
    longest = max(map(len, names), default=0)
    known = _PSEUDO | _parameters(text) if variables else _PSEUDO
    return written_out or longest > LONGEST or not variables <= known


def _parameters(text: str) -> set[str]:
    """Return the names of the parameters that stand one below the other in plain YAML; none where
    the section may be another one."""
    keys = _KEY.findall(plain_parameters(text) or "")
    least = min((margin for margin, _ in keys), key=len, default="")
    return {name for margin, name in keys if margin == least}
