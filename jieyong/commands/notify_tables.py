"""Tables of `jieyong notify list`, and the same as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from rich.table import Table

from jieyong.commands.screen import plain
from notify.listing import Row

STATES: Final = {
    "unrouted": "未分发",
    "waiting": "待发",
    "due": "待重试",
    "aside": "已搁置",
    "sent": "已发送",
}
_SEVERITIES: Final = {"notice": "一般", "warning": "提醒", "urgent": "紧急"}


def table(rows: Sequence[Row], zone: ZoneInfo) -> Table:
    """Return what is in the outbox."""
    found = Table(title="通知", title_justify="left")
    for heading in ("状态", "时间", "路线", "渠道", "程度", "标题", "编号", "次数", "原因"):
        found.add_column(heading, overflow="fold")
    for row in rows:
        more = f"（等 {row.notes} 条）" if row.notes > 1 else ""
        found.add_row(
            STATES[row.state],
            _moment(row.at, zone),
            plain(row.route),
            plain(row.channel or ""),
            _SEVERITIES[row.severity],
            plain(row.title) + more,
            plain(row.key),
            str(row.tries) if row.tries else "",
            plain(row.error or ""),
        )
    return found


def total(rows: Sequence[Row]) -> str:
    """Say how many there are of each state."""
    counts = Counter(row.state for row in rows)
    parts = [f"{word} {counts[state]} 条" for state, word in STATES.items() if counts[state]]
    return f"{'，'.join(parts)}。" if parts else "没有待发的通知。"


def as_json(rows: Sequence[Row], zone: ZoneInfo) -> str:
    """Return the rows as a list of objects, times in the site's zone."""
    content = [asdict(row) | {"at": row.at.astimezone(zone).isoformat()} for row in rows]
    return json.dumps(content, ensure_ascii=False, indent=1)


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%m-%d %H:%M}"
