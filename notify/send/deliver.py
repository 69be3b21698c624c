"""One attempt at one message: the only door to receivers, and nothing secret comes back by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from notify.model import Channel, ChannelKind, Note
from notify.secrets import Address, AddressError, address_of
from notify.send import robots
from notify.send.by_apprise import by_apprise
from notify.send.file import append
from notify.send.outcome import NotSentError
from notify.send.webhook import webhook
from notify.text import Text, written

_LONGEST = 500


def deliver(
    channel: Channel, notes: Sequence[Note], beside: Path, now: datetime, timeout_s: float
) -> str:
    """Send notes as one message.

    Args:
        channel: by which.
        notes: at least one.
        beside: folder of the routes, for the address.
        now: aware; robots sign it.
        timeout_s: what the receiver is given to answer.

    Returns:
        What the receiver answered, without anything secret.

    Raises:
        NotSentError: it did not confirm; likewise.
    """
    try:
        address = address_of(channel, beside)
    except AddressError as error:
        raise NotSentError(str(error)) from None
    text = written(notes, channel.longest)
    try:
        said = _send(channel.kind, text, notes, address, now, timeout_s)
    except NotSentError as error:
        why = str(error)
    except Exception as error:  # noqa: BLE001 - whatever a library throws must not stop the others
        why = f"{type(error).__name__}: {error}"
    else:
        return _plain(address.scrub(said))
    # Outside of the except: what was caught holds the address, and must not hang on what we raise.
    raise NotSentError(_plain(address.scrub(why)))


def _plain(text: str) -> str:
    """Return what is said without what a database refuses and a screen obeys."""
    return "".join(char for char in text if char.isprintable())[:_LONGEST]


def _send(  # noqa: PLR0913, PLR0917 - everything there is to a message
    kind: ChannelKind,
    text: Text,
    notes: Sequence[Note],
    address: Address,
    now: datetime,
    timeout_s: float,
) -> str:
    match kind:
        case ChannelKind.WEBHOOK:
            return webhook(text, notes, address, timeout_s)
        case ChannelKind.WECOM:
            return robots.wecom(text, address, timeout_s)
        case ChannelKind.DINGTALK:
            return robots.dingtalk(text, address, now, timeout_s)
        case ChannelKind.FEISHU:
            return robots.feishu(text, address, now, timeout_s)
        case ChannelKind.FILE:
            return append(text, notes, address)
        case ChannelKind.APPRISE:
            return by_apprise(text, address, timeout_s)
