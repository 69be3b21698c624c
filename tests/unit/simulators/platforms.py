"""A platform for terminals to talk to, without sockets: answers as told, keeps what it hears."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from simulators import almanac
from simulators.jt808 import header, location, messages
from simulators.jt808.dialogue import Action, Answered, HangUp, Send
from simulators.jt808.habit import Habit
from simulators.jt808.header import Header, Version
from simulators.jt808.location import Location
from simulators.jt808.messages import Driver, Identity
from simulators.jt808.terminal import Since, Terminal
from simulators.models.route import City
from simulators.models.vehicle import PATROL, Vehicle
from simulators.mqtt.payload import MessageFaults, Mishaps
from simulators.mqtt.terminal import Schedule

CODE = b"code-1"


@dataclass(slots=True)
class Platform:
    """What one platform answers, and what it has heard.

    Attributes:
        register: result of 0x8100.
        authenticate: result for 0x0102.
        results: message id → result; None: no answer; what is not named gets 0.
        heard: header and body of each frame, in order.
        bodies: of 0x0200, 0x0201 and 0x0704, whole and answered with 0, in order.
    """

    register: int = messages.OK
    authenticate: int = messages.OK
    results: dict[int, int | None] = field(default_factory=dict)
    heard: list[tuple[Header, bytes]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    serial: int = 0
    parts: dict[int, bytes] = field(default_factory=dict)

    @property
    def ids(self) -> list[int]:
        """Ids of the messages heard."""
        return [head.message for head, _ in self.heard]

    @property
    def positions(self) -> list[Location]:
        """The positions taken, read."""
        return [location.decode(body) for body in self.bodies]

    @property
    def numbers(self) -> list[int]:
        """Numbers of the positions taken."""
        found = [location.number_of(where) for where in self.positions]
        return [n for n in found if n is not None]

    def hear(self, content: bytes) -> list[bytes]:
        """Take one frame's content; return the contents of the answers."""
        head, body = header.decode(content)
        self.heard.append((head, body))
        if head.message == messages.REGISTER:
            code = CODE if self.register == messages.OK else b""
            told = head.serial.to_bytes(2) + bytes((self.register,)) + code
            return [self.say(head, messages.REGISTERED, told)]
        if head.message == messages.TIME_QUERY:
            return [self.say(head, messages.TIME, bytes.fromhex("260801040000"))]
        result = self.results.get(head.message, messages.OK)
        if head.message == messages.AUTHENTICATE:
            result = self.authenticate
        whole = self._whole(head, body)
        if result is None or whole is None or head.message == messages.REPLY:
            return []
        if result == messages.OK:
            self.bodies += _bodies(head.message, whole)
        return [self.answer(head, head.serial, result)]

    def answer(self, head: Header, serial: int, result: int) -> bytes:
        """Return 0x8001 for a message."""
        told = serial.to_bytes(2) + head.message.to_bytes(2) + bytes((result,))
        return self.say(head, messages.GENERAL_ANSWER, told)

    def say(self, head: Header, message: int, body: bytes) -> bytes:
        """Return what the platform says to the terminal of a header."""
        self.serial += 1
        return header.encode(Header(message, head.phone, self.serial, head.version), body)

    def _whole(self, head: Header, body: bytes) -> bytes | None:
        if not head.total:
            return body
        self.parts[head.index] = body
        if len(self.parts) < head.total:
            return None
        whole = b"".join(self.parts[n + 1] for n in range(head.total))
        self.parts.clear()
        return whole


def _bodies(message: int, whole: bytes) -> list[bytes]:
    if message == messages.LOCATION:
        return [whole]
    if message == messages.LOCATION_ON_DEMAND:
        return [whole[2:]]
    if message == messages.LOCATIONS:
        return messages.read_locations(whole)[1]
    return []


@dataclass(slots=True)
class Talk:
    """A terminal on its platform, second by second.

    Attributes:
        now: µs since the Unix epoch.
        online: whether the terminal is connected.
        hung_up: how often the terminal gave up the connection.
        answered: result of every numbered report that was answered.
    """

    terminal: Terminal
    platform: Platform
    now: int
    online: bool = False
    hung_up: int = 0
    answered: list[tuple[int, int]] = field(default_factory=list)

    def connect(self) -> None:
        """Open the connection."""
        self.online = True
        self.do(self.terminal.connected(self.now))

    def cut(self) -> None:
        """Lose it."""
        self.online = False
        self.terminal.lost()

    def wait(self, seconds: int) -> None:
        """Let so many seconds go by."""
        for _ in range(seconds):
            self.now += 1_000_000
            self.do(self.terminal.tick(self.now))

    def tell(self, message: int, body: bytes) -> None:
        """Let the platform speak first."""
        head, _ = self.platform.heard[-1]
        self.do(self.terminal.received(self.platform.say(head, message, body), self.now))

    def do(self, actions: Iterable[Action]) -> None:
        """Carry out what the terminal wants."""
        for action in actions:
            match action:
                case Send():
                    assert self.online, "it speaks without a connection"
                    for content in self.platform.hear(action.content):
                        self.do(self.terminal.received(content, self.now))
                case Answered():
                    self.answered.append((action.report.seq, action.result))
                case HangUp():
                    self.hung_up += 1
                    self.cut()


SINCE = 20_500
BEGIN = almanac.start_of(SINCE + 3) + 10 * 3600 * 1_000_000
"""Ten in the morning of a day, µs since the Unix epoch."""

CARD = Driver("王强", "510100198000000001", "51010000000001", "交通局", "20301231")
WHO = Identity("13912345678", Version.V2013, "川A12345")


def terminal(
    habit: Habit | None = None,
    who: Identity = WHO,
    faults: MessageFaults | None = None,
    since: Since | None = None,
) -> Terminal:
    """Return the terminal of a vehicle that is on the road day and night."""
    vehicle = Vehicle(PATROL, City(30.572, 104.066), 11, SINCE)
    schedule = Schedule(vehicle, 10, 6, 11)
    mishaps = Mishaps(faults or MessageFaults(), 5, who.phone)
    return Terminal(who, schedule, mishaps, habit or Habit(), since or Since(0, BEGIN))


def talk(
    habit: Habit | None = None,
    platform: Platform | None = None,
    who: Identity = WHO,
    faults: MessageFaults | None = None,
    since: Since | None = None,
) -> Talk:
    """Return such a terminal before it connects to a platform."""
    return Talk(terminal(habit, who, faults, since), platform or Platform(), BEGIN)
