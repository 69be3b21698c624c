"""Addresses with their tokens: where they come from, and how they stay out of every text."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from notify.model import Channel, ChannelKind

MASK: Final = "***"
_SHORTEST: Final = 3
"""Nobody's token is shorter, and taking such a piece out would take the words apart."""
_NAMED: Final = re.compile(
    r"(?i)\b((?:access_token|app_?secret|token|secret|password|passwd|sign|key)=)[^&\s'\"]+"
)
_HOST_IS_NO_SECRET: Final = frozenset(
    {"http", "https", "mailto", "mailtos", "json", "jsons", "form", "forms", "xml", "xmls"}
)


class AddressError(ValueError):
    """A channel's address cannot be had; the text does not hold it."""


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Where to send: never shown, logged or stored.

    Attributes:
        url: with its tokens; of kind ``file`` a path.
        signing: the secret with which a robot's messages are signed; empty: none.
    """

    url: str
    signing: str = ""

    def __repr__(self) -> str:
        return f"Address({MASK})"

    def scrub(self, text: str) -> str:
        """Return a text without anything of the address but its scheme and host."""
        found = {unquote(piece) for piece in (self.url, self.signing, *_parts(self.url))}
        for piece in sorted(found, key=len, reverse=True):
            if len(piece) >= _SHORTEST:
                text = re.sub(_however_quoted(piece), MASK, text, flags=re.IGNORECASE)
        return _NAMED.sub(rf"\g<1>{MASK}", text)


def address_of(channel: Channel, beside: Path) -> Address:
    """Read the address of a channel, from where its routes say: each time anew.

    Args:
        channel: whose.
        beside: folder of the routes; files of addresses are looked up from there.

    Raises:
        AddressError: it is not there, or not what the channel takes.
    """
    if channel.place.direct is not None:
        return Address(str(beside / channel.place.direct))
    words = _written(channel, beside).split()
    if not words:
        raise AddressError("its address is empty: write it into the file or the variable")
    signs = channel.kind in {ChannelKind.DINGTALK, ChannelKind.FEISHU}
    if len(words) > 2 or (len(words) == 2 and not signs):
        more = ", and behind it the secret for signing" if signs else ""
        raise AddressError(f"write one address{more}, and nothing else")
    found = Address(*words)
    ours = channel.kind is not ChannelKind.APPRISE
    if ours and not re.match(r"https?://[^/]", found.url):
        raise AddressError("its address must begin with https:// or http://")
    return found


def _written(channel: Channel, beside: Path) -> str:
    place = channel.place
    if place.variable is not None:
        if place.variable not in os.environ:
            raise AddressError(f"the variable {place.variable} is not set")
        return os.environ[place.variable]
    file = beside / (place.file or "")
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise AddressError(f"the file {file} cannot be read: {why}") from None


def _however_quoted(piece: str) -> str:
    """Return a pattern of a piece, each character as it is or quoted: once, or by mistake twice."""
    return "".join(f"(?:{re.escape(char)}|{_quoted(char)})" for char in piece)


def _quoted(char: str) -> str:
    return "".join(f"%(?:25)?{byte:02x}" for byte in char.encode())


def _parts(url: str) -> Iterator[str]:
    if "://" not in url:  # the path of a file
        return
    try:
        parts = urlsplit(url)
    except ValueError:  # an address that is none may still hold a token
        yield from re.split(r"[/@:?&=\[\]]+", url)
        return
    yield from (parts.username or "", parts.password or "", parts.fragment, parts.query)
    yield from parts.path.split("/")
    yield from (named.partition("=")[2] for named in parts.query.split("&"))
    yield from (parts.path, f"{parts.path}?{parts.query}")
    if parts.scheme not in _HOST_IS_NO_SECRET:
        yield parts.netloc
        yield from re.split(r"[@:]", parts.netloc)
