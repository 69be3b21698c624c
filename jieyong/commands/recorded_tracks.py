"""What a measurement on real tracks stands on, and what of a directory it leaves out."""

from __future__ import annotations

from typing import Any

from jieyong.evaluation.staged import Recorded
from simulators.receipts.road import LAPS


def counts(recorded: Recorded) -> dict[str, Any]:
    """Return how much was read, of one lap, and what was not used, for programs."""
    laps = recorded.way.vehicles
    return {
        "vehicles": len(laps),
        "vehicle_days": sum(lap.days for lap in laps),
        "positions": sum(len(lap.sent.t_us) // LAPS for lap in laps),
        "told_again": sum(lap.again for lap in laps),
        "not_believed": sum(lap.wild for lap in laps),
        "laps": LAPS,
        "never_stood": list(recorded.way.never_stood),
        "not_read": list(recorded.unread),
    }


def lines(recorded: Recorded) -> list[str]:
    """Return the same for people; what was left out is named."""
    found = counts(recorded)
    read = (
        f"真实轨迹：{found['vehicles']} 辆车，{found['vehicle_days']} 车日，"
        f"{found['positions']} 个定位（另有同一时刻重复的 {found['told_again']} 行；"
        f"{found['not_believed']} 个不当作真实位置）；每辆车重复行驶 {LAPS} 遍。"
    )
    said = [read]
    if found["never_stood"]:
        said.append(f"未用（从未停留三分钟）：{'、'.join(found['never_stood'])}")
    if found["not_read"]:
        said.append(f"未读（不是 .txt 文件）：{'、'.join(found['not_read'])}")
    return said
