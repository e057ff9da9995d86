"""Takes credentials out of what is said, logged or kept: URLs, tokens, headers."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from ..report.screen import visible_line

HIDDEN = "***"
_SHORT = 4
"""Characters up to which a password is hidden within URLs alone: it may be part of any word."""

# In http URLs the user name may be the token itself; ssh://git@host names no secret.
_HTTP = re.compile(r"(?i)\b((?:https?|ftps?)://)[^\s/?#@]*(?:@[^\s/?#@]*)*@")
_OTHER = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s/?#@:]*):[^\s/?#]*@")
_QUERY = re.compile(
    r"(?i)([?&](?:access_token|private_token|token|key|sig|signature|password|x-amz-[a-z-]+)=)"
    r"[^\s&#]+"
)
_HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization|private-token|job-token|set-cookie|cookie)(\s*[:=]\s*)\S.*"
)
# How tokens look: GitHub, GitLab, Slack, Atlassian, Azure, AWS, and JSON Web Tokens.
_TOKEN = re.compile(
    r"\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_\w{16,}|\bgl[a-z]{2,8}-[\w.-]{16,}"
    r"|\bxox[a-z]-[\w-]{10,}|\bAT[A-Z]{2}[A-Za-z0-9_=-]{20,}|\b[a-z2-7]{52}\b"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
)


def scrub(text: str, *urls: str) -> str:
    """Return a text without credentials.

    Those of these URLs are taken out wherever they stand, others where they look like some.
    """
    for secret in sorted(_secrets(urls), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _HTTP.sub(rf"\1{HIDDEN}@", text)
    text = _OTHER.sub(rf"\1:{HIDDEN}@", text)
    text = _QUERY.sub(rf"\1{HIDDEN}", text)
    text = _HEADER.sub(rf"\1\2{HIDDEN}", text)
    return _TOKEN.sub(HIDDEN, text)


def told(text: str, *urls: str) -> str:
    """Return what another program said as one line for a person, without credentials."""
    return visible_line(scrub(" ".join(text.split()), *urls))


def has_password(url: str) -> bool:
    """Whether a URL holds a password, or a token in its place."""
    return bool(_secrets((url,)))


def _secrets(urls: tuple[str, ...]) -> set[str]:
    found = set()
    for url in urls:
        try:
            parts = urlsplit(url)
        except ValueError:
            continue
        is_http = parts.scheme.lower() in ("http", "https")
        # GitHub takes a token as the user name, with any password or none.
        for word in (parts.password, parts.username if is_http else None):
            if word:
                found |= {word, unquote(word)}
    return {word for word in found if len(word) > _SHORT and word not in _USERS}


_USERS = frozenset({"oauth2", "x-access-token", "x-token-auth", "gitlab-ci-token", "token"})
"""User names that stand beside a token and are no secret."""
