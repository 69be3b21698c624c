"""paho's client, with its two hot packets taken over: PUBLISH coming in, PUBACK going out.

paho keeps connection, log-in, TLS, session, subscription and keep-alive. It would read each message
with three calls to the socket and build a table of properties for it: 25 µs of the 45 that a
message may cost. This module alone leans on names paho does not promise; `pyproject.toml` keeps its
range narrow, and tests/unit/collector/mqtt/test_client.py holds every assumption.

One client serves one connection: an acknowledgement can never leave on another than its message
came on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from collector.mqtt.packets import body_of, pubacks, read_publish

Deliver = Callable[[str, bytes, int], None]
"""Takes topic, payload and message id; the id is 0 for QoS 0, which needs no acknowledgement."""

_READ_SIZE: Final = 128 * 1024
_READS_PER_TURN: Final = 8
"""Reads before other tasks get their turn."""


class IngestClient(paho.Client):
    """Receives much and acknowledges by hand.

    Args:
        client_id: names the session.
        protocol: version of MQTT.
        deliver: called for each message as it comes.
    """

    def __init__(self, client_id: str, protocol: MQTTProtocolVersion, deliver: Deliver) -> None:
        self._properties = protocol == MQTTProtocolVersion.MQTTv5
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            # MQTT 5 says it at each connect instead.
            clean_session=None if self._properties else False,
            protocol=protocol,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._deliver = deliver
        self._buffer = bytearray()
        self._at = self._end = 0  # what of it paho may read
        self._lost: OSError | None = None

    def read_available(self) -> bool:
        """Handle what has come; tell whether more may be waiting."""
        for _ in range(_READS_PER_TURN):
            try:
                chunk = super()._sock_recv(_READ_SIZE)
            except BlockingIOError:
                return False
            except OSError as error:
                self._lost = error
            else:
                self._buffer += chunk
                self._lost = None if chunk else ConnectionResetError("closed by the broker")
            if self._handle_whole_packets() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return False
        return True

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Send PUBACKs in the order given, in one write instead of one each."""
        if mids and self.socket() is not None:
            self._packet_queue(paho.PUBACK, pubacks(mids), 0, 1)

    def abort(self) -> None:
        """Close the socket without a word."""
        self._sock_close()

    def _handle_whole_packets(self) -> MQTTErrorCode:
        buffer = self._buffer
        at, end = 0, len(buffer)
        result = MQTTErrorCode.MQTT_ERR_SUCCESS
        while at < end and result == MQTTErrorCode.MQTT_ERR_SUCCESS:
            try:
                body = body_of(buffer, at)
            except ValueError:
                return self._give_to_paho(at, end)  # which knows how to part from such a broker
            if body is None:
                break
            publish = read_publish(buffer, buffer[at], body, properties=self._properties)
            if publish is not None:
                self._deliver(*publish)
            else:
                result = self._give_to_paho(at, body[1])
            at = body[1]
        del buffer[:at]
        if self._lost is not None and result == MQTTErrorCode.MQTT_ERR_SUCCESS:
            result = self._give_to_paho(0, 0)
        return result

    def _give_to_paho(self, begin: int, end: int) -> MQTTErrorCode:
        """Let paho handle one packet, all of which lies in the buffer."""
        self._at, self._end = begin, end
        return self.loop_read()

    def _sock_recv(self, bufsize: int) -> bytes:
        """Give paho what it would have read from the socket."""
        data = bytes(self._buffer[self._at : min(self._at + bufsize, self._end)])
        self._at += len(data)
        if data:
            return data
        if self._lost is not None:
            raise self._lost
        raise BlockingIOError
