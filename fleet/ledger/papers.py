"""The sheets of accounts that officers print: 单车核算, and one vehicle in its windows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from fleet.ledger.account import Account, averages
from fleet.ledger.consumption import Consumption, ratio
from fleet.ledger.events import Event, Stretch, Unknown
from fleet.ledger.load import Consumer
from fleet.ledger.words import Words
from registry.table import Column, Look, Table, Value

NAMED: Final = ("sheet", "工作表")
UNITS: Final = {"ml": "L", "wh": "kWh", "dm3": "m³", "g": "kg"}
SOURCES: Final = {"odometer": "里程表", "terminal": "终端里程", "gps": "卫星定位"}
_READ: Final = {"order": "派车单", "reading": "里程表读数"}
_MONEY: Final = ("filling", "charging", "maintenance", "insurance", "toll", "parking")
_OPEN: Final = "区间：两端油箱液位未知，实际值在区间之内；加满一次即收窄。"
_SPAN: Final = "百公里能耗和每公里费用按“里程依据”区段内的用量、费用与里程计算，是总量之比。"
_BLANK: Final = "空格表示不知道，不是零。"
_MARK: Final = "※"
_INSTEAD: Final = f"{_MARK} 里程表读数没有采用，里程取自终端里程或卫星定位，原因见说明。"

_FIGURES: Final = (
    Column("km", "里程", Look.QUANTITY, 10, unit="km"),
    Column("span", "里程依据", width=24),
    Column("litres", "加油", Look.QUANTITY, 10, summed=True, unit="L"),
    Column("kwh", "充电", Look.QUANTITY, 10, summed=True, unit="kWh"),
    Column("per_100_km", "百公里油耗", Look.QUANTITY, 11, unit="L"),
    Column("bounds", "油耗区间", width=14),
    Column("kwh_per_100_km", "百公里电耗", Look.QUANTITY, 11, unit="kWh"),
    Column("yuan_per_km", "每公里费用", Look.QUANTITY, 11, unit="元"),
    *(
        Column(kind, title, Look.MONEY, 11, summed=True, unit="元")
        for kind, title in zip(
            (*_MONEY, "rest"),
            ("油气费", "充电费", "维修费", "保险费", "通行费", "停车费", "其他"),
            strict=True,
        )
    ),
    Column("cost", "运行费合计", Look.MONEY, 13, summed=True, unit="元"),
    Column("orders", "派车单", Look.COUNT, 8, summed=True),
    Column("complete", "完整率", Look.SHARE, 9),
)
BUDGET: Final = (
    Column("budget", "预算", Look.MONEY, 13, summed=True, unit="元"),
    Column("left", "预算余额", Look.MONEY, 13, summed=True, unit="元"),
)
NOTE: Final = Column("note", "说明", width=36)
WHO: Final = (
    Column("code", "车辆编码", width=12),
    Column("plate", "车牌号", width=11),
    Column("class", "类别", width=9),
    Column("energy", "能源", width=9),
    Column("state", "状态", width=8),
)


def list_table(
    found: Sequence[Account],
    particulars: str,
    words: Words,
    budgets: Mapping[str, int] | None = None,
    doubts: Mapping[str, str] | None = None,
) -> Table:
    """Return the sheet 单车核算: one line for each vehicle.

    Args:
        found: the accounts.
        particulars: whose and when.
        words: what codes are called.
        budgets: vehicle → fen of the year; None: the window is no year.
        doubts: vehicle → where sources of its kilometres contradict each other.
    """
    rows = []
    for one in found:
        budget = None if budgets is None else budgets.get(one.consumer.code)
        doubt = (doubts or {}).get(one.consumer.code, "")
        shown = figures(one, words, doubt)
        rows.append({**who(one.consumer, words), **shown, **_left(one, budget)})
    return Table(
        name="单车核算",
        title="单车核算表",
        particulars=particulars,
        columns=(*WHO, *_FIGURES, *(() if budgets is None else BUDGET), NOTE),
        rows=tuple(rows),
        remarks=(*_averages(found, words), *_legend(found), _SPAN, _OPEN, _BLANK),
        sign=("单位负责人：", "车辆管理负责人：", "填表人："),
        named=NAMED,
    )


def account_tables(found: Sequence[Account], words: Words, zone: ZoneInfo) -> list[Table]:
    """Return the account of one vehicle in several windows, its lines, its legs.

    Of a sensitive vehicle only the totals. ``found`` is not empty; lines are those of the widest
    window.
    """
    one = max(found, key=lambda account: account.window.end - account.window.first)
    window = Column("window", "时段", width=20)
    rows = [{"window": each.window.name, **figures(each, words)} for each in found]
    columns = tuple(_unsummed(column) for column in _FIGURES)
    whose = f"{one.consumer.institution_name}　　车辆：{one.consumer.plate}"
    particulars = f"单位：{whose}　　金额单位：元"
    tables = [
        Table(
            name="单车核算",
            title=f"单车核算表：{one.consumer.plate}",
            particulars=particulars,
            columns=(window, *columns, NOTE),
            rows=tuple(rows),
            remarks=(*_missing(one), *_legend(found), _SPAN, _OPEN, _BLANK),
            sign=("单位负责人：", "车辆管理负责人：", "填表人："),
            named=NAMED,
        )
    ]
    if not one.consumer.sensitive:
        tables += [_lines(one, particulars, words, zone), _full(one, particulars, zone)]
    return tables


def figures(one: Account, words: Words, doubt: str = "") -> dict[str, Value]:
    """Return the figures of an account as a sheet shows them; None: not known."""
    known = None if isinstance(one.stretch, Unknown) else one.stretch
    used, electric = one.used.get("ml"), one.used.get("wh")
    fuel = [v for (p, _), v in one.quantities.items() if p in {"petrol", "diesel"}]
    power = [value for (product, _), value in one.quantities.items() if product == "electricity"]
    rest = sum(fen for kind, fen in one.fen.items() if kind not in _MONEY)
    return {
        "km": Decimal(known.hm).scaleb(-1) if known else None,
        "span": _span(known) if known else None,
        "litres": thousandths(sum(fuel)) if fuel else None,
        "kwh": thousandths(sum(power)) if power else None,
        "per_100_km": used.per_100_km if isinstance(used, Consumption) else None,
        "bounds": bounds(used),
        "kwh_per_100_km": electric.per_100_km if isinstance(electric, Consumption) else None,
        "yuan_per_km": one.yuan_per_km,
        **{kind: hundredths(one.fen.get(kind)) for kind in _MONEY},
        "rest": hundredths(rest or None),
        "cost": hundredths(one.cost) if one.priced else None,
        "orders": one.orders.orders,
        "complete": one.orders.score,
        "note": "；".join([*[doubt] * bool(doubt), *_notes(one, words)]),
    }


def bounds(used: Consumption | Unknown | None) -> str | None:
    """Write the interval; exact where both tanks were full, None where nothing is known."""
    if not isinstance(used, Consumption):
        return None
    if used.bounds is None:
        return "油箱容积未登记"
    low, high = used.bounds
    return "加满到加满" if used.low == used.high else f"{low}～{high}"


def _used(one: Account) -> Iterable[str]:
    """Say why figures are not known, and those that have no column."""
    if isinstance(one.stretch, Unknown):
        yield f"里程：{one.stretch.why}"
        return
    if one.stretch.instead:
        yield f"里程表读数没有采用：{one.stretch.instead}"
    for unit, used in one.used.items():
        if isinstance(used, Unknown):
            yield f"百公里能耗（{UNITS[unit]}）：{used.why}"
        elif unit in {"dm3", "g"}:
            yield f"百公里耗气 {used.per_100_km} {UNITS[unit]}"


def _notes(one: Account, words: Words) -> Iterable[str]:
    yield from _used(one)
    for unit, all_legs in one.legs.items():
        if all_legs:
            total = ratio(sum(leg.quantity for leg in all_legs), sum(leg.hm for leg in all_legs))
            yield f"加满法 {total} {UNITS[unit]}/100km（{len(all_legs)} 段）"
    if one.unpriced:
        yield f"{one.unpriced} 笔没有金额"
    own = sum(value for (_, own), value in one.quantities.items() if own)
    if own:
        yield f"其中本单位充电 {thousandths(own):f} kWh 已计入电力"
    if goods := one.other_fen.get("goods"):
        yield f"{words.name('transactions', 'goods')} {hundredths(goods):f} 元未计入"


def who(one: Consumer, words: Words) -> dict[str, Value]:
    """Say who a vehicle is: the values of :data:`WHO`."""
    return {
        "code": one.code,
        "plate": one.plate if one.plate != one.code else "",
        "class": words.name("class", one.facts["class"]) if "class" in one.facts else "",
        "energy": words.name("energies", one.facts["energy"]) if "energy" in one.facts else "",
        "state": words.name("state", one.facts["state"]) if "state" in one.facts else "",
    }


def _left(one: Account, budget: int | None) -> dict[str, Value]:
    left = None if budget is None else budget - one.cost
    return {"budget": hundredths(budget), "left": hundredths(left)}


def _averages(found: Sequence[Account], words: Words) -> Iterable[str]:
    for one in averages(found):
        if isinstance(one.used, Consumption):
            group = words.name("class", one.group) if one.group else "未分类"
            left = f"，另有 {one.left_out} 辆不知道" if one.left_out else ""
            yield (
                f"{group}平均百公里 {one.used.per_100_km} {UNITS[one.unit]}"
                f"（{one.vehicles} 辆总量之比{left}）。"
            )


def _missing(one: Account) -> Iterable[str]:
    if one.orders.orders:
        yield f"派车单 {one.orders.orders} 张：{one.orders}。"


def _lines(one: Account, particulars: str, words: Words, zone: ZoneInfo) -> Table:
    return Table(
        name="明细",
        title=f"明细：{one.consumer.plate}",
        particulars=f"{particulars}　　时段：{one.window.name}",
        columns=(
            Column("number", "编号", Look.COUNT, 8),
            Column("at", "时间", width=17),
            Column("kind", "类别"),
            Column("product", "油品"),
            Column("quantity", "数量", Look.QUANTITY),
            Column("unit", "单位", width=6),
            Column("amount", "金额", Look.MONEY, unit="元"),
            Column("counted", "计入运行费", width=11),
            Column("odometer", "里程表", Look.QUANTITY, unit="km"),
            Column("full", "加满", width=6),
        ),
        rows=tuple(_line(event, words, zone) for event in one.events),
        named=NAMED,
    )


def _line(event: Event, words: Words, zone: ZoneInfo) -> dict[str, Value]:
    kind = _READ.get(event.kind) or words.name("transactions", event.kind)
    odometer = event.odometer_hm
    return {
        "number": event.number,
        "at": f"{event.at.astimezone(zone):%Y-%m-%d %H:%M}",
        "kind": kind,
        "product": product(event.product, words),
        "quantity": thousandths(event.quantity),
        "unit": UNITS.get(event.unit or "", ""),
        "amount": hundredths(event.fen),
        "counted": "" if event.fen is None else "是" if event.counted else "否",
        "odometer": None if odometer is None else Decimal(odometer).scaleb(-1),
        "full": "是" if event.full else "",
    }


def _full(one: Account, particulars: str, zone: ZoneInfo) -> Table:
    rows = [
        {
            "since": f"{leg.first.at.astimezone(zone):%Y-%m-%d}",
            "until": f"{leg.last.at.astimezone(zone):%Y-%m-%d}",
            "km": Decimal(leg.hm).scaleb(-1),
            "quantity": thousandths(leg.quantity),
            "unit": UNITS[unit],
            "per_100_km": ratio(leg.quantity, leg.hm),
        }
        for unit, all_legs in one.legs.items()
        for leg in all_legs
    ]
    return Table(
        name="加满法",
        title=f"加满到加满：{one.consumer.plate}",
        particulars=f"{particulars}　　时段：{one.window.name}",
        columns=(
            Column("since", "自"),
            Column("until", "至"),
            Column("km", "里程", Look.QUANTITY, unit="km"),
            Column("quantity", "用量", Look.QUANTITY),
            Column("unit", "单位", width=6),
            Column("per_100_km", "百公里", Look.QUANTITY),
        ),
        rows=tuple(rows),
        remarks=("未加满的油量结转到下一次加满；漏记之后重新起算。",),
        named=NAMED,
    )


def _unsummed(column: Column) -> Column:
    return Column(column.key, column.title, column.look, column.width, unit=column.unit)


def _span(one: Stretch) -> str:
    mark = _MARK if one.instead else ""
    source = SOURCES.get(one.source, one.source)
    return f"{mark}{source} {one.since:%Y-%m-%d}～{one.until:%Y-%m-%d}"


def _legend(found: Iterable[Account]) -> list[str]:
    marked = any(isinstance(one.stretch, Stretch) and one.stretch.instead for one in found)
    return [_INSTEAD] if marked else []


def product(code: str, words: Words) -> str:
    """Return what sheets call a product."""
    return words.products[code].words[0] if code in words.products else code


def hundredths(value: int | None) -> Decimal | None:
    """Write fen as yuan; None stays unknown."""
    return None if value is None else Decimal(value).scaleb(-2)


def thousandths(value: int | None) -> Decimal | None:
    """Write millilitres as litres, and the like; None stays unknown."""
    return None if value is None else Decimal(value).scaleb(-3)
