"""What collector/mqtt/client.py assumes of paho, and what it may not change."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from collector.mqtt.client import IngestClient
from collector.mqtt.connection import build_client
from collector.mqtt.packets import body_of, read_publish
from collector.settings import MqttSettings

V3 = MQTTProtocolVersion.MQTTv311
V5 = MQTTProtocolVersion.MQTTv5
CONNACK = {V3: b"\x20\x02\x00\x00", V5: b"\x20\x03\x00\x00\x00"}
Message = tuple[str, bytes, int]


def length(size: int) -> bytes:
    out = bytearray()
    while True:
        size, low = divmod(size, 128)
        out.append(low | (0x80 if size else 0))
        if not size:
            return bytes(out)


def publish(topic: str, payload: bytes, mid: int, version: MQTTProtocolVersion) -> bytes:
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name
    body += mid.to_bytes(2, "big") if mid else b""
    body += b"\x00" if version == V5 else b""
    body += payload
    return bytes([0x32 if mid else 0x30]) + length(len(body)) + body


class Peer:
    """The broker's end of a connection that a client was tricked into."""

    def __init__(self, version: MQTTProtocolVersion, monkeypatch: pytest.MonkeyPatch) -> None:
        self.messages: list[Message] = []
        self.disconnected = 0
        ours, self.end = socket.socketpair()
        self.end.settimeout(10)
        self.client = IngestClient("c", version, lambda *m: self.messages.append(m))
        self.client.on_disconnect = self._on_disconnect
        # As with a loop that writes when the socket is ready, not at once.
        self.client.on_socket_register_write = lambda *_: None
        monkeypatch.setattr(socket, "create_connection", lambda *_, **__: ours)
        self.client.connect("broker")
        self.client.loop_write()
        self.greeting = self.end.recv(4096)
        self.end.sendall(CONNACK[version])
        self.read()

    def _on_disconnect(self, *_: object) -> None:
        self.disconnected += 1

    def read(self) -> None:
        while self.client.read_available():
            pass


MakePeer = Callable[[MQTTProtocolVersion], Peer]


@pytest.fixture
def make_peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakePeer]:
    peers: list[Peer] = []

    def make(version: MQTTProtocolVersion) -> Peer:
        peers.append(Peer(version, monkeypatch))
        return peers[-1]

    yield make
    for peer in peers:
        peer.client.abort()
        peer.end.close()


@pytest.fixture(params=[V3, V5], ids=["3.1.1", "5"])
def version(request: pytest.FixtureRequest) -> MQTTProtocolVersion:
    return MQTTProtocolVersion(request.param)


def test_paho_does_the_handshake(make_peer: MakePeer, version: MQTTProtocolVersion) -> None:
    peer = make_peer(version)
    assert peer.greeting[:1] == b"\x10"
    assert peer.client.is_connected()


def test_messages_are_delivered_however_they_are_cut(
    make_peer: MakePeer, version: MQTTProtocolVersion
) -> None:
    peer = make_peer(version)
    sent: list[Message] = [
        ("a", b"", 1),
        ("长/b", b"x" * 300, 2),
        ("q0", b"y", 0),
        ("big", b"z" * 40_000, 65_535),
    ]
    stream = b"".join(publish(*message, version) for message in sent)
    stream += b"\xd0\x00" + publish("last", b"l", 3, version)  # a PINGRESP between them
    for start in range(0, len(stream), 1777):
        peer.end.sendall(stream[start : start + 1777])
        peer.read()
    assert peer.messages == [*sent, ("last", b"l", 3)]


def test_one_byte_at_a_time(make_peer: MakePeer, version: MQTTProtocolVersion) -> None:
    peer = make_peer(version)
    for byte in publish("a/b", b"hi", 7, version) + publish("a/b", b"ho", 8, version):
        peer.end.sendall(bytes([byte]))
        peer.read()
    assert peer.messages == [("a/b", b"hi", 7), ("a/b", b"ho", 8)]


def test_acknowledgements_are_what_paho_itself_would_send(
    make_peer: MakePeer, version: MQTTProtocolVersion
) -> None:
    peer = make_peer(version)
    for mid in (1, 300, 65_535):
        peer.client.ack(mid, 1)
    peer.client.loop_write()
    one_by_one = peer.end.recv(4096)

    peer.client.acknowledge([1, 300, 65_535])
    assert peer.client.want_write()
    peer.client.loop_write()
    assert peer.end.recv(4096) == one_by_one
    assert not peer.client.want_write()


def test_nothing_is_acknowledged_without_being_asked(
    make_peer: MakePeer, version: MQTTProtocolVersion
) -> None:
    peer = make_peer(version)
    peer.end.sendall(publish("a", b"x", 5, version))
    peer.read()
    assert not peer.client.want_write()
    peer.end.setblocking(False)
    with pytest.raises(BlockingIOError):
        peer.end.recv(1)


def test_more_acknowledgements_than_the_socket_takes_arrive_whole(
    make_peer: MakePeer, version: MQTTProtocolVersion
) -> None:
    peer = make_peer(version)
    mids = [1 + n % 65_535 for n in range(400_000)]
    peer.client.acknowledge(mids)
    got = bytearray()
    while len(got) < 4 * len(mids):
        peer.client.loop_write()
        got += peer.end.recv(1 << 20)
    assert got[:8] == b"\x40\x02\x00\x01\x40\x02\x00\x02"
    assert [int.from_bytes(got[at : at + 2], "big") for at in range(2, len(got), 4)] == mids


def test_acknowledging_on_a_closed_connection_does_nothing(make_peer: MakePeer) -> None:
    peer = make_peer(V5)
    peer.client.abort()
    peer.client.acknowledge([1, 2])
    assert not peer.client.want_write()


def test_the_end_of_the_connection_is_noticed(
    make_peer: MakePeer, version: MQTTProtocolVersion
) -> None:
    peer = make_peer(version)
    peer.end.sendall(publish("a", b"x", 5, version) + b"\x32")
    peer.end.close()
    peer.read()
    assert peer.messages == [("a", b"x", 5)]
    assert peer.disconnected == 1
    assert peer.client.socket() is None


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x30\xff\xff\xff\xff\xff\x01",  # a length that does not end
        b"\x00\x00",  # no such packet
        b"\x32\x05\x00\xffabc",  # a topic beyond its packet
    ],
)
def test_garbage_ends_the_connection_and_nothing_else(
    make_peer: MakePeer, version: MQTTProtocolVersion, garbage: bytes
) -> None:
    peer = make_peer(version)
    peer.end.sendall(publish("a", b"x", 5, version) + garbage)
    peer.read()
    assert peer.messages == [("a", b"x", 5)]
    assert peer.client.socket() is None


def test_a_farewell_of_the_broker_is_heard(make_peer: MakePeer) -> None:
    peer = make_peer(V5)
    peer.end.sendall(b"\xe0\x02\x8e\x00")  # DISCONNECT, session taken over
    peer.read()
    assert peer.disconnected == 1


def test_a_token_without_a_name_is_sent_all_the_same() -> None:
    settings = MqttSettings.model_validate({"password": "token"})
    client = build_client(settings, lambda *_: None)
    assert (client.username, client.password) == ("", "token")


class Oracle(Client):
    """paho's own reading of one packet."""

    def __init__(self, version: MQTTProtocolVersion) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, protocol=version, manual_ack=True)
        self.seen: list[Message] = []
        self.on_message = lambda _c, _d, m: self.seen.append(
            (m.topic, bytes(m.payload), m.mid if m.qos else 0)
        )

    def feed(self, packet: bytes, head: int) -> None:
        self._in_packet["command"] = packet[0]
        self._in_packet["packet"] = bytearray(packet[head:])
        self._in_packet["remaining_length"] = len(packet) - head
        self._packet_handle()


@given(
    topic=st.text(min_size=1, max_size=20).filter(lambda t: "\0" not in t),
    payload=st.binary(max_size=300),
    mid=st.integers(0, 65_535),
    version=st.sampled_from([V3, V5]),
    marks=st.sampled_from([0, 1, 8, 9]),  # retained, sent again
)
def test_a_message_is_read_as_paho_would_read_it(
    topic: str, payload: bytes, mid: int, version: MQTTProtocolVersion, marks: int
) -> None:
    packet = bytearray(publish(topic, payload, mid, version))
    packet[0] |= marks if mid else marks & 1
    body = body_of(packet, 0)
    assert body is not None
    oracle = Oracle(version)
    oracle.feed(bytes(packet), body[0])

    read = read_publish(packet, packet[0], body, properties=version == V5)

    assert [read] == oracle.seen
