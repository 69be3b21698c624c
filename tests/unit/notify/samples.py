"""Notes, channels and routes to vary."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from notify.model import Channel, ChannelKind, Note, Place, Severity

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 30, 12, tzinfo=ZONE).astimezone(UTC)


def at(hours: int, minutes: int = 0, day: int = 30) -> datetime:
    """A time of the site's clock, as UTC."""
    return datetime(2026, 11, day, hours, minutes, tzinfo=ZONE).astimezone(UTC)


def note(
    key: str = "case-1",
    severity: Severity = Severity.WARNING,
    route: str = "energy",
    happened_at: datetime = NOON,
    body: str = "三楼会议室空调设定 22 °C，已持续 40 分钟。",
) -> Note:
    return Note(key, route, severity, "room-301", f"疑点：{key}", body, happened_at)


def channel(
    per_minute: int = 20, longest: int = 2000, kind: ChannelKind = ChannelKind.FILE
) -> Channel:
    return Channel("group", kind, Place(direct="notes.jsonl"), per_minute, longest)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
