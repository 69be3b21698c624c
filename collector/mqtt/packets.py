"""The two packets of MQTT that come and go by the thousand; paho handles all others.

Both are the same in MQTT 3.1.1 and 5 but for the properties that a PUBLISH of 5 carries.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

PUBLISH: Final = 0x30
_PUBACK: Final = 0x40
_KIND: Final = 0xF0
_QOS: Final = 0x06


class Publish(NamedTuple):
    """One message; ``mid`` is 0 at QoS 0, which needs no acknowledgement."""

    topic: str
    payload: bytes
    mid: int


def body_of(data: bytearray, at: int) -> tuple[int, int] | None:
    """Find the body of the packet that begins at ``at``.

    Returns:
        Where the body begins and ends; None while its end has not come.

    Raises:
        ValueError: the packet's length is malformed.
    """
    size, shift, here, end = 0, 0, at + 1, len(data)
    while here < end:
        byte = data[here]
        size |= (byte & 0x7F) << shift
        here += 1
        if byte < 0x80:
            return (here, here + size) if here + size <= end else None
        shift += 7
        if shift > 21:
            raise ValueError(f"remaining length of more than four bytes at {at}")
    return None


def read_publish(
    data: bytearray, command: int, body: tuple[int, int], *, properties: bool
) -> Publish | None:
    """Read a PUBLISH of QoS 0 or 1; None when the packet is something else or malformed.

    Args:
        data: what came from the socket.
        command: the packet's first byte.
        body: where its body begins and ends.
        properties: whether it carries properties (MQTT 5); they are passed over, for none of them
            concerns us: without a topic alias maximum of ours a broker may not send aliases.
    """
    if command & _KIND != PUBLISH or command & _QOS > 2:
        return None
    begin, end = body
    try:
        at = begin + 2 + (data[begin] << 8 | data[begin + 1])
        topic = data[begin + 2 : at]
        mid = 0
        if command & _QOS:
            mid = data[at] << 8 | data[at + 1]
            at += 2
        if properties:
            if data[at]:
                found = body_of(data, at - 1)
                if found is None:
                    return None
                at = found[1]
            else:
                at += 1
    except (IndexError, ValueError):
        return None
    if at > end or (command & _QOS and mid == 0):
        return None
    return Publish(topic.decode("utf-8", "replace"), bytes(data[at:end]), mid)


def pubacks(mids: Sequence[int]) -> bytes:
    """Return one PUBACK for each message id, in their order."""
    return struct.pack(
        ">" + "BBH" * len(mids), *(part for mid in mids for part in (_PUBACK, 2, mid))
    )
