"""Reading the file of channels and routes: every mistake, and the line where it stands."""

from __future__ import annotations

import re
from datetime import time, timedelta
from pathlib import Path
from typing import Final

from notify.model import Channel, ChannelKind, Place, Quiet, Route, Routes, Severity
from notify.text import SHORTEST
from registry.document import Entry, InventoryError, Problem, Problems, compose

_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_CODE: Final = re.compile(r"[^\s,/]{1,64}")
_LEAST_A_MINUTE, _MOST_A_MINUTE, _LONGEST = 1, 6000, 1_000_000

# What the receivers say of themselves (docs/notify.md), with room to spare.
_BOUNDS: Final = {
    ChannelKind.WEBHOOK: (60, 200_000),
    ChannelKind.WECOM: (20, 2_000),
    ChannelKind.DINGTALK: (20, 15_000),
    ChannelKind.FEISHU: (60, 15_000),
    ChannelKind.APPRISE: (20, 15_000),
    ChannelKind.FILE: (_MOST_A_MINUTE, _LONGEST),
}
"""Messages a minute, and bytes of one."""


def read_routes(path: Path) -> Routes:
    """Read and check a file of channels and routes.

    Args:
        path: YAML, UTF-8.

    Raises:
        InventoryError: it cannot be used; holds every problem with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        words = f"the routes cannot be read: {why}; notify.routes names the file"
        raise InventoryError(str(path), [Problem(1, words)]) from error
    return parse_routes(text, str(path))


def parse_routes(text: str, source: str) -> Routes:
    """Check channels and routes given as text.

    Args:
        text: YAML.
        source: named in problems.

    Raises:
        InventoryError: as for :func:`read_routes`.
    """
    problems = Problems(source)
    top = compose(text, "routes", problems)
    channels: dict[str, Channel] = {}
    for entry in _listed(top, "channels", "channel"):
        channel = _channel(entry)
        _once(entry, channel.code, channels)
        channels[channel.code] = channel
    routes: dict[str, Route] = {}
    for entry in _listed(top, "routes", "route"):
        route = _route(entry, channels)
        _once(entry, route.code, routes)
        routes[route.code] = route
    top.finish()
    problems.raise_if_any()
    return Routes(channels, routes)


def _listed(top: Entry, key: str, label: str) -> list[Entry]:
    if top.has(key):
        return top.entries(key, label)
    top.problem(key, f"{key} is missing: add it")
    return []


def _once(entry: Entry, code: str, known: dict[str, Channel] | dict[str, Route]) -> None:
    if code in known:
        entry.problem("code", "the code stands above already: give each its own")


def _code(entry: Entry) -> str:
    code = entry.text("code")
    if code and not _CODE.fullmatch(code):
        entry.problem("code", f"code {code}: up to 64 characters without spaces, comma and slash")
    return code


def _channel(entry: Entry) -> Channel:
    code = _code(entry)
    word = entry.choice("kind", [*ChannelKind])
    kind = ChannelKind(word) if word in {*ChannelKind} else ChannelKind.FILE
    per_minute, longest = _BOUNDS[kind]
    channel = Channel(
        code,
        kind,
        _place(entry, kind),
        entry.integer("per_minute", _LEAST_A_MINUTE, _MOST_A_MINUTE, per_minute),
        entry.integer("longest_bytes", SHORTEST, _LONGEST, longest),
    )
    entry.finish()
    return channel


def _place(entry: Entry, kind: ChannelKind) -> Place:
    if kind is ChannelKind.FILE:
        return Place(direct=entry.text("path"))
    place = Place(entry.optional_text("address_file"), entry.optional_text("address_variable"))
    if (place.file is None) == (place.variable is None):
        entry.problem("kind", "give one of address_file, address_variable")
    return place


def _route(entry: Entry, channels: dict[str, Channel]) -> Route:
    route = Route(
        _code(entry),
        _channels(entry, channels),
        _severity(entry, "least", Severity.NOTICE),
        timedelta(minutes=entry.integer("group_minutes", 0, 24 * 60, 0)),
        _quiet(entry),
        _digest(entry),
        _severity(entry, "at_once", Severity.URGENT),
    )
    if entry.has("at_once") and not route.digest:
        entry.problem("at_once", "at_once says nothing without digest: add it, or leave this out")
    early = [clock for clock in route.digest if route.quiet and route.quiet.holds(clock)]
    for clock in early:
        entry.problem("digest", f"digest {clock:%H:%M} lies in the quiet hours: it would not leave")
    entry.finish()
    return route


def _channels(entry: Entry, channels: dict[str, Channel]) -> tuple[str, ...]:
    codes = entry.texts("channels")
    for code in codes:
        if code not in channels:
            near = entry.nearest(code, channels)
            entry.problem("channels", f"channel {code}: there is no channel with this code{near}")
    if not codes:
        entry.problem("channels", "channels names nobody: write [one, another]")
    if len(set(codes)) < len(codes):
        entry.problem("channels", "channels names one twice")
    return tuple(dict.fromkeys(codes))


def _severity(entry: Entry, key: str, default: Severity) -> Severity:
    if not entry.has(key):
        return default
    word = entry.choice(key, [*Severity])
    return Severity(word) if word in {*Severity} else default


def _quiet(entry: Entry) -> Quiet | None:
    written = entry.optional_text("quiet")
    if not written:
        return None
    start, _, end = (part.strip() for part in written.partition("-"))
    if not (_CLOCK.fullmatch(start) and _CLOCK.fullmatch(end)) or start == end:
        entry.problem("quiet", f'quiet is {written}: write two times, "22:00-07:30"')
        return None
    return Quiet(time.fromisoformat(start), time.fromisoformat(end))


def _digest(entry: Entry) -> tuple[time, ...]:
    found = []
    for written in entry.texts("digest"):
        if _CLOCK.fullmatch(written):
            found.append(time.fromisoformat(written))
        else:
            entry.problem("digest", f'digest is {written}: write times, ["08:30", "16:00"]')
    return tuple(sorted(set(found)))
