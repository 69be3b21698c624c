"""The dialogue with one terminal: what each of its frames calls for. Without sockets or clocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import structlog

from collector.jt808 import card, location, messages
from collector.jt808.frame import FrameError, wrap
from collector.jt808.header import Header, HeaderError, build, display, split
from collector.jt808.messages import Id, MessageError, Registered, Registration, Result
from collector.jt808.office import Office
from collector.jt808.rows import Fault, OutsideError, card_row, position_row
from collector.jt808.step import NOTHING, Draft, Step
from collector.jt808.subpackets import Assembler, Missing, Whole
from storage.waiting import CARD, INTRODUCTION

log = structlog.get_logger()

_ASSEMBLED: Final = frozenset({Id.LOCATION, Id.LOCATION_ANSWER, Id.LOCATIONS, Id.DRIVER_CARD})
"""What is put together when it comes in packets; other messages are refused packet by packet."""

_NAMES: Final = {int(id_): f"0x{id_:04x}" for id_ in Id}


class Session:
    """One terminal on one connection.

    A frame that names another terminal begins another dialogue: it has to authenticate anew.

    Args:
        office: what all sessions share.
        peer: the other end's address, for what comes before a number is known.

    Attributes:
        terminal: number of the terminal while it is authenticated.
    """

    def __init__(self, office: Office, peer: str) -> None:
        self.terminal: str | None = None
        self._office = office
        self._stats = office.stats
        self._origin = peer
        self._phone = b""
        self._serial = -1
        self._parts = Assembler()

    def handle(self, content: bytes, now_us: int) -> Step:
        """Take the content of a sound frame.

        Args:
            content: header and body.
            now_us: the time, Unix microseconds.
        """
        try:
            header, body = split(content)
        except HeaderError as error:
            # Without a reply: a serial that stands there by chance would acknowledge another.
            return self._kept(Fault.MALFORMED, str(error), content, now_us)
        self._stats.frames[_NAMES.get(header.message_id, "other")] += 1
        if header.phone != self._phone:
            self._begin(header.phone)
        if header.encryption:
            detail = f"message 0x{header.message_id:04x}, method {header.encryption}"
            answer = self._reply(header, Result.UNSUPPORTED)
            return self._kept(Fault.ENCRYPTED, detail, content, now_us, answer, answer)
        act = _ACTS.get(header.message_id)
        if act is not None:
            return act(self, header, body, now_us)
        return self._data(header, body, content, now_us)

    def admit(self, phone: bytes) -> None:
        """Take a terminal for authenticated: for what it sent while it waited to be let in."""
        if phone != self._phone:
            self._begin(phone)
        self.terminal = self._origin

    def remind(self, now_us: int) -> tuple[bytes, ...]:
        """Return what is to be sent although no frame came: requests for missing packets.

        Args:
            now_us: the time, Unix microseconds.
        """
        if not self._parts or self._id() is None:
            return ()
        missing = self._parts.missing(now_us)
        self._count_given_up()
        self._stats.asked_again += sum(len(one.indexes) for one in missing)
        return tuple(self._ask_for(one) for one in missing)

    def unsound(self, raw: bytes, error: FrameError, now_us: int) -> Step:
        """Take a frame that cannot be believed: counted, kept within bounds, never answered."""
        self._stats.bad_frames[error.fault] += 1
        return self._kept(Fault.CHECKSUM, str(error), raw, now_us)

    def failed(self, content: bytes, error: Exception, now_us: int) -> Step:
        """Take a frame at which our own code failed."""
        return self._kept(Fault.INTERNAL, repr(error), content, now_us)

    def _begin(self, phone: bytes) -> None:
        self.terminal = None
        self._phone = phone
        self._origin = display(phone)
        self._forget_parts()

    def _forget_parts(self) -> None:
        self._parts.clear()
        self._count_given_up()

    def _count_given_up(self) -> None:
        self._stats.given_up += self._parts.given_up
        self._parts.given_up = 0

    # The dialogue

    def _register(self, header: Header, body: bytes, now_us: int) -> Step:
        draft = Draft(self._origin, now_us)
        told: Registration | None = None
        try:
            told = messages.parse_registration(body, new=header.version is not None)
        except MessageError as error:
            # What it says of itself decides nothing: it may come in all the same.
            if self._office.may_keep(self._origin, Fault.MALFORMED, now_us):
                draft.refuse(Fault.MALFORMED, f"registration: {error}", body)
        if self._office.terminals.find(self._origin) is not None:
            code = self._office.codes.code(self._origin)
            answer = messages.registered(header.serial, Registered.OK, code)
            log.debug("jt808_registered", terminal=self._origin, of_itself=told)
            return draft.step(self._frame(Id.REGISTERED, answer, header))
        self._office.stranger(self._origin, now_us, told)
        if told is not None and self._office.may_keep(self._origin, Fault.UNKNOWN_TERMINAL, now_us):
            # The body alone: the same at each attempt, so that attempts are one row.
            draft.refuse(Fault.UNKNOWN_TERMINAL, _introduction(self._origin, told), body)
        answer = messages.registered(header.serial, Registered.TERMINAL_UNKNOWN)
        return draft.step(self._frame(Id.REGISTERED, answer, header))

    def _authenticate(self, header: Header, body: bytes, now_us: int) -> Step:
        self.terminal = None
        if self._office.terminals.find(self._origin) is None:
            self._office.stranger(self._origin, now_us, None)
            return self._answer(header, Result.FAILED)
        if not self._office.codes.fits(self._origin, messages.authentication_codes(body)):
            # Of another platform, or from before our secret was lost: it registers again.
            self._stats.refusals["code"] += 1
            return self._answer(header, Result.FAILED)
        self.terminal = self._origin
        return self._answer(header, Result.OK)

    def _heartbeat(self, header: Header, _body: bytes, _now_us: int) -> Step:
        return self._answer(header, Result.FAILED if self._id() is None else Result.OK)

    def _logout(self, header: Header, _body: bytes, _now_us: int) -> Step:
        self.terminal = None
        return self._answer(header, Result.OK)

    def _time(self, header: Header, _body: bytes, now_us: int) -> Step:
        return Step(replies=(self._frame(Id.TIME, messages.time_now(now_us), header),))

    def _ask_again(self, header: Header, _body: bytes, _now_us: int) -> Step:
        return self._answer(header, Result.UNSUPPORTED)  # we send nothing in packets

    def _no_answer(self, _header: Header, _body: bytes, _now_us: int) -> Step:
        return NOTHING

    # What is kept

    def _data(self, header: Header, body: bytes, content: bytes, now_us: int) -> Step:
        terminal_id = self._id()
        if terminal_id is None:
            return self._not_yet(header, content, now_us)
        serials: tuple[int, ...] = (header.serial,)
        if header.total > 1 and header.message_id in _ASSEMBLED:
            whole = self._assemble(header, body, now_us)
            if whole is None:
                return NOTHING  # not acknowledged: a part alone is not on disk
            body, serials, content = whole.body, whole.serials, whole.body
        draft = Draft(self._origin, now_us)
        match header.message_id:
            case Id.LOCATION:
                self._position(draft, terminal_id, body, serials[0], content)
            case Id.LOCATION_ANSWER:
                self._position(draft, terminal_id, body[2:], serials[0], content)
            case Id.LOCATIONS:
                self._bulk(draft, terminal_id, body, serials[0], content)
            case Id.DRIVER_CARD:
                self._card(draft, terminal_id, body, content)
            case _:
                answer = self._reply(header, Result.UNSUPPORTED)
                detail = f"message 0x{header.message_id:04x}"
                return self._kept(Fault.UNSUPPORTED, detail, content, now_us, answer, answer)
        # Whatever was refused is in quarantine, then: sending it again would change nothing.
        return draft.step(*(self._reply(header, Result.OK, serial) for serial in serials))

    def _not_yet(self, header: Header, content: bytes, now_us: int) -> Step:
        """Keep what comes from a terminal that may not send, so that approval finds it."""
        fault, detail = Fault.UNAUTHENTICATED, "it has not authenticated on this connection"
        if self._office.terminals.find(self._origin) is None:
            fault = Fault.UNKNOWN_TERMINAL
            detail = f"terminal {self._origin!r} is not in the inventory; add it"
        answer = self._reply(header, Result.FAILED)
        return self._kept(fault, detail, content, now_us, answer, answer)

    def _bulk(
        self, draft: Draft, terminal_id: int, body: bytes, serial: int, content: bytes
    ) -> None:
        try:
            bulk = location.parse_bulk(body)
        except location.LocationError as error:
            draft.refuse(Fault.MALFORMED, str(error), content)
            return
        for item in bulk.bodies:
            self._position(draft, terminal_id, item, serial, item, blind=bulk.blind)
        if bulk.fault is not None:
            draft.refuse(Fault.MALFORMED, f"0x0704: {bulk.fault}", bulk.rest or content)

    def _position(  # noqa: PLR0913 - whose, what, where to, and what to keep when it is none
        self,
        draft: Draft,
        terminal_id: int,
        body: bytes,
        serial: int,
        payload: bytes,
        *,
        blind: bool = False,
    ) -> None:
        try:
            found = location.parse(body)
            row = position_row(terminal_id, found, serial, draft.now_us, blind=blind)
        except (OutsideError, location.LocationTimeError) as error:
            draft.refuse(Fault.TIME, str(error), payload)
        except location.LocationError as error:
            draft.refuse(Fault.MALFORMED, str(error), payload)
        except Exception as error:
            # One position must not take its neighbours along, whatever we did wrong.
            log.exception("jt808_position_not_decoded", terminal=self._origin)
            draft.refuse(Fault.INTERNAL, repr(error), payload)
        else:
            draft.positions.append(row)

    def _card(self, draft: Draft, terminal_id: int, body: bytes, payload: bytes) -> None:
        try:
            row = card_row(terminal_id, card.parse(body), body, draft.now_us)
        except (OutsideError, card.CardTimeError) as error:
            draft.refuse(Fault.TIME, f"{CARD} {error}", payload)
        except MessageError as error:
            draft.refuse(Fault.MALFORMED, f"{CARD} {error}", payload)
        except Exception as error:
            log.exception("jt808_card_not_decoded", terminal=self._origin)
            draft.refuse(Fault.INTERNAL, repr(error), payload)
        else:
            draft.cards.append(row)

    def _assemble(self, header: Header, body: bytes, now_us: int) -> Whole | None:
        whole = self._parts.add(header, body, now_us)
        self._count_given_up()
        return whole

    def _kept(  # noqa: PLR0913, PLR0917 - what is kept, and both answers
        self,
        fault: Fault,
        detail: str,
        payload: bytes,
        now_us: int,
        answer: bytes | None = None,
        otherwise: bytes | None = None,
    ) -> Step:
        """Keep a refused piece within the hourly bound.

        Args:
            fault: why it is refused.
            detail: in words.
            payload: its bytes.
            now_us: the time, Unix microseconds.
            answer: what to reply once it is on disk.
            otherwise: what to reply when it is beyond the bound; never result 0.
        """
        if not self._office.may_keep(self._origin, fault, now_us):
            return NOTHING if otherwise is None else Step(replies=(otherwise,))
        draft = Draft(self._origin, now_us)
        draft.refuse(fault, detail, payload)
        return draft.step() if answer is None else draft.step(answer)

    def _id(self) -> int | None:
        """Return the terminal's id while it may send."""
        return None if self.terminal is None else self._office.terminals.find(self.terminal)

    # Replies

    def _ask_for(self, packets: Missing) -> bytes:
        new = packets.to.version is not None
        body = messages.send_again(packets.serial, packets.indexes, new=new)
        return self._frame(Id.SEND_AGAIN, body, packets.to)

    def _answer(self, header: Header, result: Result) -> Step:
        return Step(replies=(self._reply(header, result),))

    def _reply(self, header: Header, result: Result, serial: int | None = None) -> bytes:
        asked = header.serial if serial is None else serial
        return self._frame(Id.REPLY, messages.reply(asked, header.message_id, result), header)

    def _frame(self, message_id: Id, body: bytes, to: Header) -> bytes:
        self._serial = (self._serial + 1) & 0xFFFF
        return wrap(build(message_id, body, self._serial, to))


_ACTS: Final[Mapping[int, Callable[[Session, Header, bytes, int], Step]]] = {
    Id.TERMINAL_REPLY: Session._no_answer,  # noqa: SLF001 - a table of its own methods
    Id.HEARTBEAT: Session._heartbeat,  # noqa: SLF001
    Id.LOGOUT: Session._logout,  # noqa: SLF001
    Id.ASK_TIME: Session._time,  # noqa: SLF001
    Id.ASK_AGAIN: Session._ask_again,  # noqa: SLF001
    Id.REGISTER: Session._register,  # noqa: SLF001
    Id.AUTHENTICATE: Session._authenticate,  # noqa: SLF001
}


def _introduction(number: str, told: Registration) -> str:
    return (
        f"terminal {number!r} is not in the inventory; {INTRODUCTION} plate {told.plate!r}, "
        f"maker {told.maker!r}, model {told.model!r}, id {told.terminal!r}"
    )
