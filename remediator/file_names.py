"""What the names and places of files say: which template a parameter file is for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

_END = re.compile(r"(\.(template|cfn|cf|ya?ml|json))+$", re.I)
_PURPOSE = re.compile(
    r"[-_.].*?(param|parm|conf|input|value|env|dev|test|stag|prod|default|live|qa|uat|sample)", re.I
)


def stem(name: str) -> str:
    """Return a file's name without what says that it is a template: of `DB.template.yaml`, `db`."""
    return _END.sub("", name).lower()


def stems_for(given: str) -> list[str]:
    """Return what a template may be called that a parameter file is named after, longest first.

    `db-params-dev.json` may be for `db-params-dev.yaml`, `db-params.yaml` or `db.yaml`.
    """
    name = stem(given)
    stems = {name, *(name[:end] for end in _ends(name) if _PURPOSE.match(name[end:]))}
    if leading := re.match(r"param(eter)?s?[-_.]", name):
        rest = name[leading.end() :]
        stems |= {rest, *(rest[:end] for end in _ends(rest))}
    return sorted(stems, key=len, reverse=True)


def _ends(name: str) -> list[int]:
    return [position for position, character in enumerate(name) if character in "-_."]


def in_common(left: Iterable[str], right: Iterable[str]) -> int:
    """Return how many steps two places have in common, from the first on.

    That of the `left` one may have more in front: `v1-db.yaml`, which is `db.yaml`.
    """
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other and not (count == 0 and one.endswith(other)):
            break
        count += 1
    return count


def nearest_to(places: Iterable[PurePosixPath], source: PurePosixPath) -> list[PurePosixPath]:
    """Return those of the places that share the most folders with a file."""
    shared = {place: in_common(place.parent.parts, source.parent.parts) for place in places}
    most = max(shared.values(), default=0)
    return [place for place, count in shared.items() if count == most]
