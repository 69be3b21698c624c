"""Mail, SMS gateways, and whatever else apprise speaks to by its URL."""

from __future__ import annotations

import logging
from urllib.parse import quote

from notify.secrets import Address
from notify.send.outcome import NotSentError
from notify.text import Text


def by_apprise(text: Text, address: Address, timeout_s: float) -> str:
    """Send through apprise; return what it says.

    Raises:
        NotSentError: it does not know the URL, or did not send.
    """
    _silence()
    import apprise  # noqa: PLC0415 - 0.2 s and 130 plugins, which only those who send need

    speaker = apprise.Apprise()
    if not speaker.add(_with_key(address.url, text.key)):
        raise NotSentError("apprise does not know this URL: see its documentation")
    result = speaker.notify(
        body=text.body,
        title=text.title,
        body_format=apprise.NotifyFormat.TEXT,
        timeout=timeout_s,
        log_level=logging.DEBUG,
    )
    if result:
        return "apprise: sent"
    said = [one.message for one in result.logs() if _tells(one.level, one.message)]
    raise NotSentError("; ".join(said) or f"apprise: {result.status.name.lower()}")


def _with_key(url: str, key: str) -> str:
    """Have the key travel in a header where there are any: mail and JSON."""
    if url.partition("://")[0].lower() not in {"mailto", "mailtos", "json", "jsons"}:
        return url
    return f"{url}{'&' if '?' in url else '?'}+X-Jieyong-Key={quote(key, safe='')}"


def _tells(level: str, message: str) -> bool:
    return level in {"WARNING", "ERROR", "CRITICAL"} or message.startswith("Socket Exception")


def _silence() -> None:
    """Keep its lines out of our log: some of them hold whole URLs."""
    theirs = logging.getLogger("apprise")
    theirs.propagate = False
    theirs.setLevel(logging.DEBUG)  # why a mail was refused is told there alone
    if not theirs.handlers:
        theirs.addHandler(logging.NullHandler())
