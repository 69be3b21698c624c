"""What leaves by a channel now: pure, the time is an argument."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from notify.clock import after_quiet, is_quiet
from notify.model import Channel, Delivery, Message, Note, Route, Severity
from notify.text import packed

MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Group:
    """Notes that shall leave as one message.

    Attributes:
        route: code.
        severity: the highest of them.
        notes: in the order of telling.
        due_at: since when the first of them should be on its way.
    """

    route: str
    severity: Severity
    notes: tuple[Note, ...]
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do by one channel.

    Attributes:
        send: what leaves now, in this order: groups become messages, messages are tried again.
        held: what fell into quiet hours, and until when it is held.
        again: when there is something to do next; None: nothing waits.
    """

    send: tuple[Group | Message, ...] = ()
    held: tuple[tuple[Delivery | Message, datetime], ...] = ()
    again: datetime | None = None


def plan(  # noqa: PLR0913, PLR0917 - all that it depends on
    channel: Channel,
    routes: Mapping[str, Route],
    waiting: Sequence[Delivery],
    unsent: Sequence[Message],
    tried: Sequence[datetime],
    now: datetime,
    zone: ZoneInfo,
) -> Plan:
    """Plan what leaves by a channel.

    Args:
        channel: whose bounds hold.
        routes: by code; what waits for a route that is not there goes on waiting.
        waiting: notes that are in no message yet.
        unsent: messages that were tried and are not sent.
        tried: when attempts were made by the channel, of the last minute at least.
        now: aware.
        zone: the site's.
    """
    known = [one for one in waiting if one.route in routes]
    messages = [one for one in unsent if one.route in routes]
    items: list[Delivery | Message] = [*known, *messages]
    held = [(one, until) for one in items if (until := _held(one, routes, now, zone)) > now]
    kept = {one for one, _ in held}
    ready: list[Group | Message] = [m for m in messages if m not in kept and m.due_at <= now]
    ready += _groups([one for one in known if one not in kept], routes, channel, now)
    # What is urgent first; among the rest whoever waits longest, so that nobody waits for ever.
    ready.sort(key=lambda one: (one.severity is not Severity.URGENT, one.due_at))
    lately = sorted(at for at in tried if now - at < MINUTE)
    free = max(0, channel.per_minute - len(lately))
    later = [until for _, until in held]
    later += [one.due_at for one in items if one.due_at > now]
    if len(ready) > free:
        later.append((lately[0] if lately else now) + MINUTE)
    return Plan(tuple(ready[:free]), tuple(held), min(later, default=None))


def _held(
    one: Delivery | Message, routes: Mapping[str, Route], now: datetime, zone: ZoneInfo
) -> datetime:
    """Return until when something that is due is held; ``now``: it is not."""
    severity = one.severity if isinstance(one, Message) else one.note.severity
    if one.due_at > now or severity is Severity.URGENT:
        return now
    quiet = routes[one.route].quiet
    return after_quiet(quiet, now, zone) if is_quiet(quiet, now, zone) else now


def _groups(
    waiting: Sequence[Delivery], routes: Mapping[str, Route], channel: Channel, now: datetime
) -> Iterator[Group]:
    together: dict[tuple[str, str], list[Delivery]] = defaultdict(list)
    for one in waiting:
        route = routes[one.route]
        together[route.code, _class(route, one.note.severity)].append(one)
    for (code, kind), members in together.items():
        due_at = min(one.due_at for one in members)
        if due_at > now:
            continue
        # A digest takes what came before its time; others take along whoever is there.
        taken = [one for one in members if kind != "digest" or one.due_at <= now]
        notes = sorted((one.note for one in taken), key=lambda note: (note.happened_at, note.key))
        for pack in packed(notes, channel.longest):
            yield Group(code, max((n.severity for n in pack), key=lambda s: s.rank), pack, due_at)


def _class(route: Route, severity: Severity) -> str:
    if severity is Severity.URGENT:
        return "urgent"
    return "digest" if route.digests(severity) else "soon"
