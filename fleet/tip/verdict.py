"""What may be said of a report, in sober words: seen there, not there, or nobody can tell."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fleet.tip.inquiry import Answer
from fleet.tip.plates import Bearer
from fleet.tip.whereabouts import Whereabouts
from storage.times import at_us

_OFF: Final = {"sealed": "封存", "disposed": "已处置"}
"""States in which a vehicle is not to be driven, as the sheet says them."""


class Verdict(enum.Enum):
    """What positions say of a place and a time."""

    NEAR = "当时到过附近"
    ELSEWHERE = "当时不在该地"
    OPEN = "不能判断"
    NO_PLACE = "未给出坐标，只列出当时的位置"


def verdict(seen: Whereabouts, near_m: int, *, place: bool) -> Verdict:
    """Return what positions say.

    Args:
        seen: the positions.
        near_m: so near is there.
        place: a place is asked about.
    """
    if not place:
        return Verdict.NO_PLACE
    if seen.nearest is not None and (seen.nearest.metres or 0.0) <= near_m:
        return Verdict.NEAR
    return Verdict.ELSEWHERE if seen.certain else Verdict.OPEN


def conclusion(answer: Answer, near_m: int, zone: ZoneInfo) -> list[str]:
    """Return the answer in sentences; of a sensitive vehicle that there is none to give."""
    asked, bearer = answer.asked, answer.bearer
    day = f"{asked.at.astimezone(zone):%Y-%m-%d}"
    then = [one for one in answer.bearers if one.on(asked.at.astimezone(zone).date())]
    if bearer is None and len(then) > 1:
        return [f"{day} 有 {len(then)} 辆车登记为这一号牌，请先核对台账，再行核查。"]
    if bearer is None and answer.bearers:
        return [f"{day} 本系统没有车辆使用这一号牌；它在其他日期使用过，见下。"]
    if bearer is None:
        return ["本系统没有这一号牌，不是本系统登记的车辆，或号牌有误；请核对号牌。"]
    if bearer.sensitive:
        return ["该车按规定不提供位置、行程和派车单，请按保密规定办理。"]
    return [*_state(bearer, day), *_positions(answer, near_m, zone), *_papers(answer)]


def _state(bearer: Bearer, day: str) -> list[str]:
    """Say that a vehicle was under seal, or gone: then it should have been nowhere."""
    if bearer.state not in _OFF:
        return []
    return [f"台账登记该车自 {bearer.state_since} 起{_OFF[bearer.state]}，{day} 不应在外行驶。"]


def _positions(answer: Answer, near_m: int, zone: ZoneInfo) -> list[str]:
    asked, seen = answer.asked, answer.seen
    span = f"{_clock(asked.span[0], zone)} 至 {_clock(asked.span[1], zone)}"
    if seen is None or not answer.terminals:
        return [f"不能判断：{span}，该车没有绑定定位终端。"]
    found = verdict(seen, near_m, place=asked.place is not None)
    said = [f"{found.value}。"]
    if seen.nearest is not None and seen.nearest.metres is not None:
        at = _clock(at_us(seen.nearest.t_us), zone)
        said.append(f"{span}，离所述地点最近 {distance(seen.nearest.metres)}（{at}）。")
    if not seen.points:
        said.append(f"{span} 没有可用的定位。")
    unseen = timedelta(microseconds=sum(gap.to_us - gap.from_us for gap in seen.gaps))
    if seen.gaps:
        said.append(f"其中 {len(seen.gaps)} 段、共 {minutes(unseen)} 没有定位，见下。")
    return said


def _papers(answer: Answer) -> list[str]:
    if answer.orders:
        return [f"有 {len(answer.orders)} 张派车单涉及这一时间，见下。"]
    if answer.bearer is not None and answer.bearer.consumer_id is None:
        return ["该车没有建账，不知道有没有派车单。"]
    return ["没有登记这一时间的派车单；没有登记不等于没有派车，请核对。"]


def distance(metres: float) -> str:
    """Write a distance as people say it."""
    return f"{metres / 1_000:.1f} 公里" if metres >= 1_000 else f"{round(metres, -1):.0f} 米"


def minutes(span: timedelta) -> str:
    """Write a length of time in whole minutes."""
    return f"{-(-span // timedelta(minutes=1))} 分钟"


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%m-%d %H:%M}"
