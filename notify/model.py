"""What notes, routes, channels and messages are."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

KEY: Final = re.compile(r"[!-~]{1,120}")
"""Of a note: ASCII without spaces, for it travels in HTTP headers."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_BODY: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Severity(enum.StrEnum):
    """How much a note matters, least first."""

    NOTICE = "notice"
    WARNING = "warning"
    URGENT = "urgent"

    @property
    def rank(self) -> int:
        """Higher matters more."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Note:
    """Something that somebody shall be told.

    Attributes:
        key: names it for ever; the same key again is the same note.
        route: code of who is told; behind an ``@`` of which institution, see :meth:`Routes.of`.
        severity: how much it matters.
        subject: code of what it is about; for programs.
        title: one line of plain Chinese text.
        body: plain Chinese text, with line breaks; may be empty.
        happened_at: aware.

    Raises:
        ValueError: one of them is not as it should be.
    """

    key: str
    route: str
    severity: Severity
    subject: str
    title: str
    body: str
    happened_at: datetime

    def __post_init__(self) -> None:
        if not KEY.fullmatch(self.key):
            raise ValueError(f"key {self.key!r}: 1 to 120 visible ASCII characters, no spaces")
        for name, text in (("title", self.title), ("subject", self.subject), ("route", self.route)):
            if not text.strip() or _CONTROL.search(text):
                raise ValueError(f"{self.key}: {name} {text!r} is no plain line of text")
        if _CONTROL_IN_BODY.search(self.body):
            raise ValueError(f"{self.key}: the body holds control characters")
        if self.happened_at.tzinfo is None:
            raise ValueError(f"{self.key}: happened_at is not aware")


class ChannelKind(enum.StrEnum):
    """How a channel is spoken to."""

    WEBHOOK = "webhook"
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"
    APPRISE = "apprise"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a channel's address stands; the address itself is a secret and is read when used.

    Attributes:
        file: whose text it is; relative ones lie beside the routes.
        variable: of the environment; one of both is set.
        direct: the address itself: of kind ``file`` only, which has no secret.
    """

    file: str | None = None
    variable: str | None = None
    direct: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """One way out.

    Attributes:
        code: names it.
        kind: how it is spoken to.
        place: where its address stands.
        per_minute: messages in any sixty seconds, attempts that failed included.
        longest: UTF-8 bytes of title and text of a message.
    """

    code: str
    kind: ChannelKind
    place: Place
    per_minute: int
    longest: int


@dataclass(frozen=True, slots=True)
class Quiet:
    """From ``start`` until before ``end`` on the site's clock, over midnight when it is later."""

    start: time
    end: time

    def holds(self, clock: time) -> bool:
        """Whether a time of the site's clock lies within."""
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end


@dataclass(frozen=True, slots=True)
class Route:
    """Who is told, and when.

    Attributes:
        code: names it.
        channels: codes; every one gets every note.
        least: what matters less is not sent.
        group: notes wait so long for others, and leave as one message.
        quiet: nothing but what is urgent leaves then; None: there are no quiet hours.
        digest: times of the site's clock at which what is below ``at_once`` is told; empty: all
            is told at once.
        at_once: what matters as much does not wait for the digest.
    """

    code: str
    channels: tuple[str, ...]
    least: Severity = Severity.NOTICE
    group: timedelta = timedelta(0)
    quiet: Quiet | None = None
    digest: tuple[time, ...] = ()
    at_once: Severity = Severity.URGENT

    def digests(self, severity: Severity) -> bool:
        """Whether a note waits for the digest."""
        return bool(self.digest) and severity.rank < self.at_once.rank


@dataclass(frozen=True, slots=True)
class Routes:
    """All channels and routes of an installation, by code."""

    channels: Mapping[str, Channel]
    routes: Mapping[str, Route]

    def of(self, code: str) -> Route | None:
        """Return the route that a note means, None: there is none.

        ``energy@school-3`` is that route, or where there is none of its own ``energy``: so that an
        institution may have a route, and need not.
        """
        return self.routes.get(code) or self.routes.get(code.partition("@")[0])


@dataclass(frozen=True, slots=True)
class Delivery:
    """A note that waits to leave by one channel.

    Attributes:
        note: the note.
        route: code of the route that it goes by.
        due_at: when it shall leave, unless others of its group leave earlier and take it along.
    """

    note: Note
    route: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """Notes that leave together; once formed it never changes, however often it is tried.

    Attributes:
        id: in the database.
        key: of the note when it is one; otherwise made of the keys of all.
        route: code.
        severity: the highest of its notes.
        due_at: when it is tried next.
        tries: how often it was, those that a worker died of included.
    """

    id: int
    key: str
    route: str
    severity: Severity
    due_at: datetime
    tries: int
