"""paho's client with three inner steps replaced, each for the cost of a message.

This module alone leans on names that paho does not promise; `pyproject.toml` keeps its range
narrow, and tests/unit/collector/mqtt/test_client.py holds every assumption. One client serves one
connection: an acknowledgement can never leave on another than its message came on.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Final

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

Deliver = Callable[[str, bytes, int], None]
"""Takes topic, payload and message id; the id is 0 for QoS 0, which needs no acknowledgement."""

_READ_SIZE: Final = 256 * 1024
_PACKETS_PER_TURN: Final = 2_000
"""Packets handled before other tasks get their turn."""

_PUBACK: Final = 0x40


class IngestClient(paho.Client):
    """Receives much and acknowledges by hand.

    Args:
        client_id: names the session.
        protocol: version of MQTT.
        deliver: called for each message as it comes.
    """

    def __init__(self, client_id: str, protocol: MQTTProtocolVersion, deliver: Deliver) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            # MQTT 5 says it at each connect instead.
            clean_session=None if protocol == MQTTProtocolVersion.MQTTv5 else False,
            protocol=protocol,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._deliver = deliver
        self._received = b""
        self._at = 0
        self._dry = False

    def read_available(self) -> bool:
        """Handle what has come; tell whether more may be waiting."""
        self._dry = False
        for _ in range(_PACKETS_PER_TURN):
            if self.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS or self._dry:
                return False
        return True

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Send PUBACKs in the order given, in one write instead of one each."""
        if not mids or self.socket() is None:
            return
        packed = struct.pack(">" + "BBH" * len(mids), *(b for m in mids for b in (_PUBACK, 2, m)))
        self._packet_queue(paho.PUBACK, packed, 0, 1)

    def abort(self) -> None:
        """Close the socket without a word."""
        self._sock_close()

    # paho asks the socket for one byte, one byte, then the rest, for each packet.
    def _sock_recv(self, bufsize: int) -> bytes:
        if self._at >= len(self._received):
            self._at = 0
            self._received = b""
            try:
                self._received = super()._sock_recv(_READ_SIZE)
            except BlockingIOError:
                self._dry = True
                raise
        data = self._received[self._at : self._at + bufsize]
        self._at += len(data)
        return data

    # paho matches each topic against the callbacks of its filters; we have one filter.
    def _handle_on_message(self, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:  # a broker should not have let it through
            topic = repr(message)
        self._deliver(topic, bytes(message.payload), message.mid if message.qos else 0)
