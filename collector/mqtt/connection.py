"""One connection to the broker, driven by asyncio: no thread of paho's, no polling."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from typing import Final

import structlog
from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from collector.mqtt.client import Deliver, IngestClient
from collector.settings import MqttSettings

log = structlog.get_logger()

_MISC_S: Final = 1.0


class _TidySocket(ssl.SSLSocket):
    """Closes itself when the handshake fails; paho would leave that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


class BrokerRefusedError(Exception):
    """The broker answered, but does not let us in or does not let us subscribe."""


def subscription(settings: MqttSettings) -> str:
    """Return the filter to subscribe to."""
    if settings.share_group is None:
        return settings.topic
    return f"$share/{settings.share_group}/{settings.topic}"


def build_client(settings: MqttSettings, deliver: Deliver) -> IngestClient:
    """Return a client that is not yet connected.

    Raises:
        OSError: a certificate or the password's file cannot be read.
    """
    version = (
        MQTTProtocolVersion.MQTTv5 if settings.protocol == "5" else MQTTProtocolVersion.MQTTv311
    )
    client = IngestClient(settings.client_id, version, deliver)
    prepare(client, settings)
    return client


def prepare(client: Client, settings: MqttSettings) -> None:
    """Give a client its log-in and its TLS.

    Raises:
        OSError: a certificate or the password's file cannot be read.
    """
    password = settings.read_password()
    if settings.username is not None or password is not None:
        # paho sends no password without a name; who looks at a token alone takes an empty one.
        client.username_pw_set(settings.username or "", password)
    if settings.tls:
        context = ssl.create_default_context(cafile=settings.ca_file)
        context.sslsocket_class = _TidySocket
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
        client.tls_set_context(context)


def connect_blocking(client: IngestClient, settings: MqttSettings) -> None:
    """Open the socket and send CONNECT; returns before the broker has answered.

    Raises:
        OSError: nobody answers, or TLS fails.
    """
    if settings.protocol == "5":
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.ReceiveMaximum = settings.receive_maximum
        properties.SessionExpiryInterval = settings.session_expiry_s
        client.connect(
            settings.host,
            settings.port,
            settings.keepalive_s,
            clean_start=False,
            properties=properties,
        )
    else:
        client.connect(settings.host, settings.port, settings.keepalive_s)


class Connection:
    """One connection: opened once, closed once.

    Args:
        settings: where to and how.
        deliver: called for each message as it comes.

    Attributes:
        ready: done once subscribed; the result says whether the broker had kept our session.
        closed: done once the connection is gone; the result says why.
    """

    def __init__(self, settings: MqttSettings, deliver: Deliver) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[bool] = self._loop.create_future()
        self.closed: asyncio.Future[str] = self._loop.create_future()
        self._client = build_client(settings, deliver)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_socket_close = self._on_socket_close
        self._client.on_socket_register_write = self._on_register_write
        self._client.on_socket_unregister_write = self._on_unregister_write
        self._fd: int | None = None  # known to the loop
        self._paused = False
        self._misc: asyncio.TimerHandle | None = None
        self._session_present = False

    async def open(self) -> bool:
        """Connect and subscribe; return whether the broker had kept our session.

        Raises:
            OSError: nobody answers, TLS fails, or the connection is lost on the way.
            BrokerRefusedError: the broker does not want us.
        """
        # Name look-up and the TLS handshake block. Nothing else touches the client meanwhile.
        opening = self._loop.run_in_executor(None, connect_blocking, self._client, self._settings)
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(self._abandon)
            raise
        self._attach()
        await asyncio.wait((self.ready, self.closed), return_when=asyncio.FIRST_COMPLETED)
        if self.ready.done():
            return self.ready.result()
        raise OSError(f"the broker closed the connection: {self.closed.result()}")

    @property
    def is_open(self) -> bool:
        """Whether an acknowledgement still reaches the broker."""
        return not self.closed.done()

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Acknowledge messages of this connection; nothing happens once it is closed."""
        if not self.closed.done():
            self._client.acknowledge(mids)

    def pause(self) -> None:
        """Stop reading: what comes stays with the broker."""
        if self._fd is not None and not self._paused:
            self._loop.remove_reader(self._fd)
        self._paused = True

    def resume(self) -> None:
        """Read again."""
        if self._fd is not None and self._paused:
            self._loop.add_reader(self._fd, self._readable)
            # What was read from the socket already will not make it readable again.
            self._loop.call_soon(self._readable)
        self._paused = False

    async def close(self, within_s: float = 2.0) -> None:
        """Send what is queued, take leave, and close; the broker keeps our session."""
        if not self.closed.done():
            self._client.disconnect()
            self._client.loop_write()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self.closed), within_s)
        self._client.abort()
        self._end("closed by us")

    # -- between paho and the loop -------------------------------------------------------------

    def _attach(self) -> None:
        socket = self._client.socket()
        if socket is None:
            self._end("closed while connecting")
            return
        self._fd = socket.fileno()
        self._loop.add_reader(self._fd, self._readable)
        # Taken for registered by paho since the thread wrote CONNECT; empties it or comes again.
        self._loop.add_writer(self._fd, self._writable)
        self._misc = self._loop.call_later(_MISC_S, self._housekeeping)

    def _abandon(self, opening: asyncio.Future[None]) -> None:
        if not opening.cancelled() and opening.exception() is None:
            self._client.abort()

    def _readable(self) -> None:
        if self._fd is None or self._paused:
            return
        try:
            if self._client.read_available():
                self._loop.call_soon(self._readable)
        except Exception as error:  # paho raises on packets it cannot read
            log.exception("mqtt_read_failed")
            self._client.abort()
            self._end(repr(error))

    def _writable(self) -> None:
        self._client.loop_write()

    def _housekeeping(self) -> None:
        if self.closed.done():
            return
        if self._client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._end("no sign of life from the broker")
            return
        self._misc = self._loop.call_later(_MISC_S, self._housekeeping)

    def _on_register_write(self, *_: object) -> None:
        if self._fd is not None:
            self._loop.add_writer(self._fd, self._writable)

    def _on_unregister_write(self, *_: object) -> None:
        if self._fd is not None:
            self._loop.remove_writer(self._fd)

    def _on_socket_close(self, *_: object) -> None:
        if self._fd is not None:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
        self._fd = None

    # -- what the broker says ------------------------------------------------------------------

    def _on_connect(
        self,
        _client: object,
        _data: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._refuse(f"the broker refuses the connection: {reason}")
            return
        self._session_present = flags.session_present
        # Again at each connect: the filter may have changed, and it costs one packet.
        self._client.subscribe(subscription(self._settings), qos=1)

    def _on_subscribe(
        self,
        _client: object,
        _data: object,
        _mid: int,
        reasons: Sequence[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            name = subscription(self._settings)
            self._refuse(f"the broker refuses the subscription {name!r}: {', '.join(refused)}")
        elif not self.ready.done():
            self.ready.set_result(self._session_present)

    def _refuse(self, what: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(BrokerRefusedError(what))

    def _on_disconnect(
        self,
        _client: object,
        _data: object,
        _flags: object,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._end(str(reason))

    def _end(self, why: str) -> None:
        if self._misc is not None:
            self._misc.cancel()
        if not self.closed.done():
            self.closed.set_result(why)
