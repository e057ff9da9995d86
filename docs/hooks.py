"""What MkDocs does to the pages of this folder before it makes a site of them (mkdocs.yml)."""

from __future__ import annotations

import posixpath
import re
from typing import Any

_LINK = re.compile(r"\[([^\]]+)\]\(([^)#:]+)(?:#[^)]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Return the text of a page without the links that lead out of docs/, to files of the source.

    The repository has such a file, the site has not: what the link was called stays.
    """
    folder = posixpath.dirname(page.file.src_uri)

    def inside(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[2]))
        return link[1] if target.startswith("../") else link[0]

    return _LINK.sub(inside, markdown)
