"""What a vehicle used, or paid, against its norms: lines for officers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from fleet.joining import said
from fleet.ledger.window import later, months
from fleet.norms.compare import Bound, Compared
from fleet.norms.peers import Peers
from fleet.norms.used import Used
from rules.subjects.vehicles.looking import COST, At, norms_of
from rules.subjects.vehicles.normal import NORM, month_us, most_above

_NAMES: Final = {"own": "本车以往", "class": "同类车辆的通常范围", "fleet": "同能源车辆的通常范围"}


def norm_lines(at: At, code: str, since: int, until: int) -> Iterator[str]:
    """Yield what was compared of a vehicle in the months of a time, µs UTC."""
    norms, money = norms_of(at), bool(COST & at.known.wanted)
    asked = {name: above for v in at.basis.versions for name, above in v.rule.values.items()}
    above = {norm: asked.get(f"{norm}_above", 0.0) for norm in NORM}
    for month, its in (norms.cost if money else norms.rate).items():
        begin, end = month_us(month, at.basis.zone)
        mine = [one for one in its if one.code == code]
        shown = most_above(mine, above) if begin < until and end > since else None
        if shown is not None:
            norm, one = shown
            price = norms.prices.at("diesel" if one.energy == "diesel" else "petrol", begin)
            yield _line(month, norm, one, at.basis.zone, price=price, money=money)


def _line(  # noqa: PLR0913 - what is told, each by its name
    month: date,
    norm: str,
    one: Compared,
    zone: ZoneInfo,
    *,
    price: float | None,
    money: bool,
) -> str:
    bound = NORM[norm](one) or Bound(0.0, 0.0)
    name = months(later(month, 1 - one.months), one.months).name
    parts = [f"{name}：{_used(one.used, money=money)}"]
    if one.base is not None and one.expected_ml is not None and norm == "own":
        season = "" if one.season is None else f"，其间其他车辆为其以往的 {one.season:.2f} 倍"
        spoken = f"{_day(one.base.since_us, zone)} 至 {_day(one.base.until_us, zone)}"
        parts.append(
            f"以往（{spoken}）{_used(one.base, money=money)}{season}，"
            f"照此应{'折合' if money else '用'} {one.expected_ml / 1000:.0f} L"
        )
    parts += _peers("同类", one.of_class) if norm == "class" else []
    parts += _peers("同能源", one.of_fleet) if norm == "fleet" else []
    parts.append(f"比{_NAMES[norm]}高 {bound.least:.0f}% 至 {bound.most:.0f}%")
    over = one.used.low_ml * (1 - 1 / (1 + bound.least / 100)) if bound.least > 0 else 0.0
    yuan = "" if price is None else f"、按当时油价约 {over * price / 100:.0f} 元"
    parts.append(f"至少多出 {over / 1000:.0f} L{yuan}")
    return "；".join(parts)


def _used(used: Used, *, money: bool) -> str:
    sums = used.sums
    rate, low, high = (ml / used.sums.mm * 1e5 for ml in (sums.ml, used.low_ml, used.high_ml))
    what = "燃油费按当时油价折合" if money else "加油"
    return (
        f"行驶 {sums.mm / 1e6:.0f} km，{what} {sums.ml / 1000:.0f} L，"
        f"百公里 {rate:.2f} L（计入油箱余量 {low:.2f} 至 {high:.2f} L）"
    )


def _peers(name: str, peers: Peers | None) -> list[str]:
    if peers is None:
        return []
    usual = f"中位数 {peers.median:.2f} L/100 km，通常不超过 {peers.fence:.2f}"
    return [f"{name} {peers.vehicles} 辆{usual}"]


def _day(us: int, zone: ZoneInfo) -> str:
    return f"{said.moment(us, zone):%Y-%m}"
