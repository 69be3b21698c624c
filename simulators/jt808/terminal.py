"""A Beidou terminal on virtual time: measures, registers, reports, keeps what it cannot send.

It does no I/O: it is told what happens, and answers with what is to be done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulators.jt808 import header, messages
from simulators.jt808.dialogue import Action, Answered, Asked, HangUp, Questions, Send
from simulators.jt808.habit import Habit, State, Stats
from simulators.jt808.header import Header, HeaderError, Version
from simulators.jt808.messages import Identity, MessageError
from simulators.jt808.report import CARD, Report, compose
from simulators.mqtt.payload import Fix, Mishaps
from simulators.mqtt.terminal import Schedule

_SERIALS: Final = 0x1_0000
_SECOND_US: Final = 1_000_000
_TIME_BYTES: Final = 6


@dataclass(frozen=True, slots=True)
class Since:
    """Where a terminal goes on.

    Attributes:
        seq: number of its last report so far.
        measured_us: it has measured everything up to here.
    """

    seq: int
    measured_us: int


class Terminal:
    """One terminal.

    Args:
        who: its identity.
        schedule: when and what it measures.
        mishaps: which positions go wrong.
        habit: how it behaves.
        since: where it goes on.
    """

    def __init__(
        self, who: Identity, schedule: Schedule, mishaps: Mishaps, habit: Habit, since: Since
    ) -> None:
        self.who = who
        self.state = State.OFFLINE
        self.stats = Stats()
        self._schedule, self._mishaps, self._habit = schedule, mishaps, habit
        self._phone = header.phone_of(who.phone, who.version)
        self._seq, self._measured_us = since.seq, since.measured_us
        self._serial = 0
        self._code, self._fresh = b"", False
        self._kept: dict[int, Report] = {}
        self._cards: deque[Report] = deque()
        self._driving = False
        self._questions = Questions(habit.reply_s * _SECOND_US, habit.tries)
        self._said_us = self._retry_us = self._resume_us = 0

    @property
    def unanswered(self) -> int:
        """Messages out."""
        return len(self._questions)

    @property
    def kept(self) -> int:
        """Positions that wait to be caught up with."""
        return len(self._kept)

    def reachable(self, now_us: int) -> bool:
        """Tell whether there is a network: in a tunnel there is none."""
        return self._mishaps.tunnel_end(now_us) == 0

    def connected(self, now_us: int) -> list[Action]:
        """Begin on a new connection: with the code it was given, or by registering."""
        self._measure(now_us)
        self._fresh = False
        return self._log_in(now_us)

    def lost(self) -> None:
        """Take back what was not answered: it is caught up with later."""
        self.state = State.OFFLINE
        for asked in self._questions.drop():
            self._take_back(asked)

    def tick(self, now_us: int) -> list[Action]:
        """Do what is due now: measure, report, catch up, ask again, give a sign of life."""
        live = self._measure(now_us)
        if self.state in (State.OFFLINE, State.LEAVING):
            self._keep(live)
            return []
        try:
            actions = self._ask_again(now_us)
        except TimeoutError:
            self._keep(live)
            return [HangUp()]
        if self.state is State.READY:
            return [*actions, *self._report(live, now_us), *self._sign_of_life(now_us)]
        self._keep(live)
        if self.state is State.REFUSED and now_us >= self._retry_us:
            actions += self._log_in(now_us)
        return actions

    def leave(self, now_us: int) -> list[Action]:
        """Log out."""
        self.state = State.LEAVING
        return self._ask(messages.LOGOUT, b"", (), now_us)

    def received(self, content: bytes, now_us: int) -> list[Action]:
        """Take header and body of a frame from the platform.

        What is not as the standard has it is counted and changes nothing.
        """
        try:
            head, body = header.decode(content)
            self._check(head)
            return self._handle(head, body, now_us)
        except (HeaderError, MessageError) as error:
            self.stats.wrong[str(error)] += 1
            return []

    def _check(self, head: Header) -> None:
        if (head.phone, head.version is Version.V2019) != (self._phone, self._newer):
            raise HeaderError("for another terminal, or of another edition")

    @property
    def _newer(self) -> bool:
        return self.who.version is Version.V2019

    def _handle(self, head: Header, body: bytes, now_us: int) -> list[Action]:
        match head.message:
            case messages.GENERAL_ANSWER:
                return self._answered(messages.read_answer(body), now_us)
            case messages.REGISTERED:
                return self._registered(messages.read_registered(body), now_us)
            case messages.SEND_AGAIN:
                return self._send_again(*messages.read_send_again(self.who.version, body))
            case messages.WHERE:
                return self._here(head.serial, now_us)
            case messages.TIME if len(body) == _TIME_BYTES:
                return []
        reply = messages.general_reply(head.serial, head.message, messages.UNSUPPORTED)
        return self._say(messages.REPLY, reply, now_us)

    # Logging in.

    def _log_in(self, now_us: int) -> list[Action]:
        if self._code:
            self.state = State.AUTHENTICATING
            body = messages.authenticate(self.who, self._code)
            return self._ask(messages.AUTHENTICATE, body, (), now_us)
        self.state = State.REGISTERING
        return self._ask(messages.REGISTER, messages.register(self.who), (), now_us)

    def _registered(self, told: messages.Registered, now_us: int) -> list[Action]:
        if self._questions.was_answered(told.serial):
            return []
        if self._questions.answered(told.serial, messages.REGISTER) is None:
            raise MessageError("0x8100 without a registration")
        if told.result == messages.OK and told.code:
            self._code, self._fresh = told.code, True
            return self._log_in(now_us)
        self.state = State.REFUSED
        self._retry_us = now_us + self._habit.retry_s * _SECOND_US
        return []

    def _authenticated(self, result: int, now_us: int) -> list[Action]:
        if result != messages.OK:
            # An old code: register at once. A fresh one: there is no hurry.
            pause = self._habit.retry_s if self._fresh else 0
            self._code, self.state = b"", State.REFUSED
            self._retry_us = now_us + pause * _SECOND_US
            return []
        self.state = State.READY
        return self._say(messages.TIME_QUERY, b"", now_us) if self._newer else []

    # Answers.

    def _answered(self, told: messages.Answer, now_us: int) -> list[Action]:
        if self._questions.was_answered(told.serial):
            return []
        if self._questions.find(told.serial) is None:
            raise MessageError("0x8001 for a serial that is not out")
        asked = self._questions.answered(told.serial, told.message)
        if asked is None:
            return []
        self.stats.answered[told.result] += 1
        if asked.message == messages.AUTHENTICATE:
            return self._authenticated(told.result, now_us)
        if told.result == messages.FAILED:
            self._take_back(asked)
            if now_us >= self._resume_us:
                self._resume_us = now_us + self._habit.retry_s * _SECOND_US
        return [Answered(report, told.result) for report in asked.reports]

    def _send_again(self, serial: int, missing: Sequence[int]) -> list[Action]:
        asked = self._questions.find(serial)
        if asked is None:
            raise MessageError("0x8003 for a serial that is not out")
        wanted = [n - 1 for n in missing if 1 <= n <= len(asked.contents)]
        self.stats.repeated += len(wanted)
        return [Send(asked.contents[n], asked.message, asked.serials[n]) for n in wanted]

    def _here(self, serial: int, now_us: int) -> list[Action]:
        self._seq += 1
        report = self._compose(self._schedule.at(now_us))
        body = messages.on_demand(serial, report.body)
        return self._ask(messages.LOCATION_ON_DEMAND, body, (report,), now_us)

    # Reporting.

    def _measure(self, now_us: int) -> list[Report]:
        """Return what was measured since the last time, a driver's card aside."""
        found = []
        for fix in self._schedule.between(self._measured_us, now_us):
            self._card_moves(fix)
            self._seq += 1
            found.append(self._compose(fix))
        self._measured_us = now_us
        self.stats.measured += len(found)
        if self.state is State.OFFLINE:
            self._keep(found)
            return []
        return found

    def _compose(self, fix: Fix) -> Report:
        kind = self._mishaps.kind(self._seq)
        kind = "ok" if kind == "unknown_terminal" else kind  # here whole connections are unknown
        every = self._habit.awkward_every
        awkward = every > 0 and self._seq % every == 0
        return compose(self._seq, fix, kind, self._habit.fuel, awkward=awkward)

    def _card_moves(self, fix: Fix) -> None:
        moved, self._driving = fix.acc != self._driving, fix.acc
        card, version = self.who.driver, self.who.version
        if card is None or not moved or (version is Version.V2011 and not fix.acc):
            return
        self._seq += 1
        time_s = fix.t_us // _SECOND_US
        body = messages.driver(version, card, time_s, leaves=not fix.acc)
        self._cards.append(Report(self._seq, time_s * _SECOND_US, CARD, body))

    def _report(self, live: list[Report], now_us: int) -> list[Action]:
        actions: list[Action] = []
        while self._cards and now_us >= self._resume_us:
            card = self._cards.popleft()
            actions += self._ask(messages.DRIVER, card.body, (card,), now_us)
        room = max(0, self._habit.window - self._questions.waiting(messages.LOCATION))
        self._keep(live[room:])
        for report in live[:room]:
            for _ in range(2 if report.kind == "duplicate" else 1):
                actions += self._ask(messages.LOCATION, report.body, (report,), now_us)
        return actions + self._catch_up(now_us)

    def _catch_up(self, now_us: int) -> list[Action]:
        if now_us < self._resume_us or self._questions.waiting(messages.LOCATIONS):
            return []
        ripe = now_us - self._habit.late_s * _SECOND_US
        order = sorted(self._kept, reverse=self._habit.newest_first)
        taken = [n for n in order if self._kept[n].ts <= ripe][: self._habit.batch]
        if not taken:
            return []
        reports = [self._kept.pop(n) for n in taken]
        body = messages.locations([report.body for report in reports])
        return self._ask(messages.LOCATIONS, body, reports, now_us)

    def _keep(self, reports: Sequence[Report]) -> None:
        self._kept.update((report.seq, report) for report in reports)
        while len(self._kept) > self._habit.capacity:
            del self._kept[min(self._kept)]
            self.stats.overwritten += 1

    def _take_back(self, asked: Asked) -> None:
        for report in asked.reports:
            if report.kind == CARD:
                self._cards.append(report)
            else:
                self._keep((report,))

    # Saying.

    def _sign_of_life(self, now_us: int) -> list[Action]:
        if now_us - self._said_us < self._habit.heartbeat_s * _SECOND_US:
            return []
        return self._ask(messages.HEARTBEAT, b"", (), now_us)

    def _ask_again(self, now_us: int) -> list[Action]:
        actions: list[Action] = []
        for asked in self._questions.overdue(now_us):
            self.stats.repeated += 1
            actions += self._frames(asked.message, asked.contents, asked.serials, asked.reports)
        return actions

    def _ask(
        self, message: int, body: bytes, reports: Sequence[Report], now_us: int
    ) -> list[Action]:
        contents, serials = self._contents(message, body)
        self._questions.ask(message, contents, serials, reports, now_us)
        self._said_us = now_us
        return self._frames(message, contents, serials, reports)

    def _say(self, message: int, body: bytes, now_us: int) -> list[Action]:
        """Send what wants no answer of ours to wait for."""
        contents, serials = self._contents(message, body)
        self._said_us = now_us
        return self._frames(message, contents, serials, ())

    def _contents(self, message: int, body: bytes) -> tuple[Sequence[bytes], Sequence[int]]:
        head = Header(message, self._phone, self._serial, self.who.version)
        contents = header.cut(head, body, self._habit.most_body)
        serials = [(self._serial + n) % _SERIALS for n in range(len(contents))]
        self._serial = (self._serial + len(contents)) % _SERIALS
        return contents, serials

    def _frames(
        self,
        message: int,
        contents: Sequence[bytes],
        serials: Sequence[int],
        reports: Sequence[Report],
    ) -> list[Action]:
        return [
            Send(content, message, serial, tuple(reports) if n == 0 else ())
            for n, (content, serial) in enumerate(zip(contents, serials, strict=True))
        ]
