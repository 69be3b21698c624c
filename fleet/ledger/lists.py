"""Lists beside the accounts: vehicles by age, fuel by code, budgets, cards that were nobody's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from zoneinfo import ZoneInfo

from fleet.ledger.account import Account
from fleet.ledger.load import Unbound
from fleet.ledger.over_age import Aged
from fleet.ledger.papers import (
    BUDGET,
    NAMED,
    NOTE,
    UNITS,
    WHO,
    hundredths,
    product,
    thousandths,
    who,
)
from fleet.ledger.sums import Fuel
from fleet.ledger.words import Words
from registry.table import Column, Look, Table, Value


def over_age_table(found: Iterable[Aged], particulars: str, words: Words) -> Table:
    """Return the list of vehicles by age; whether to replace one is for people to say."""
    return Table(
        name="车龄清单",
        title="公务用车车龄清单",
        particulars=particulars,
        columns=(
            *WHO,
            Column("bought_on", "购置日期", Look.DAY),
            Column("years", "车龄", Look.COUNT, 7, unit="年"),
            Column("price", "购置价", Look.MONEY, 13, unit="元"),
            Column("displacement", "排量", Look.QUANTITY, 8, unit="L"),
            Column("over", "更新年限", width=14),
            NOTE,
        ),
        rows=tuple(
            {
                **who(one.consumer, words),
                "bought_on": one.bought_on,
                "years": one.years,
                "price": hundredths(one.consumer.whole("price")),
                "displacement": thousandths(one.consumer.whole("displacement")),
                "over": _age(one),
                "note": "；".join(one.remarks),
            }
            for one in found
        ),
        remarks=("达到年限仍能使用的应当继续使用；是否更新由单位决定。",),
        named=NAMED,
    )


def fuel_table(found: Iterable[Fuel], particulars: str) -> Table:
    """Return petrol and diesel by the codes of the statistics."""
    names = {1501: "汽油 车辆用油", 1502: "汽油 其他用油", 1601: "柴油 车辆用油"}
    return Table(
        name="用油",
        title="用油量与金额",
        particulars=particulars,
        columns=(
            Column("institution", "机构编码"),
            Column("code", "指标代码", Look.COUNT),
            Column("name", "指标", width=16),
            Column("litres", "数量", Look.QUANTITY, unit="L"),
            Column("amount", "金额", Look.MONEY, unit="元", summed=True),
            NOTE,
        ),
        rows=tuple(
            {
                "institution": one.institution,
                "code": one.code,
                "name": names.get(one.code, "柴油 其他用油"),
                "litres": thousandths(one.ml),
                "amount": hundredths(one.fen),
                "note": _open(one.unmeasured, one.unpriced),
            }
            for one in found
        ),
        remarks=("与“购入”中录入的汽油、柴油是同一笔油，上报时只取其一。",),
        named=NAMED,
    )


def budget_table(
    found: Iterable[Account], budgets: Mapping[tuple[str, str | None], int], particulars: str
) -> Table:
    """Return the running cost of each institution against its budget of the year."""
    cost: dict[str, int] = {}
    for one in found:
        whose = one.consumer.institution
        cost[whose] = cost.get(whose, 0) + one.cost
    rows: list[dict[str, Value]] = []
    for whose, fen in sorted(cost.items()):
        budget = budgets.get((whose, None))
        rows.append(
            {
                "institution": whose,
                "cost": hundredths(fen),
                "budget": hundredths(budget),
                "left": None if budget is None else hundredths(budget - fen),
                "share": (Decimal(fen) / budget).quantize(Decimal("0.001")) if budget else None,
            }
        )
    return Table(
        name="预算执行",
        title="运行费与预算",
        particulars=particulars,
        columns=(
            Column("institution", "机构编码"),
            Column("cost", "运行费", Look.MONEY, 14, summed=True, unit="元"),
            *BUDGET,
            Column("share", "执行率", Look.SHARE, 9),
        ),
        rows=tuple(rows),
        remarks=("运行费不含未绑定油卡的交易。",),
        named=NAMED,
    )


def unbound_table(
    found: Iterable[Unbound], particulars: str, words: Words, zone: ZoneInfo
) -> Table:
    """Return the lines of cards that were nobody's at their time."""
    return Table(
        name="未绑定油卡",
        title="交易时未绑定车辆的油卡",
        particulars=particulars,
        columns=(
            Column("id", "编号", Look.COUNT, 8),
            Column("card", "卡号", width=22),
            Column("at", "时间", width=17),
            Column("kind", "类别"),
            Column("product", "油品"),
            Column("quantity", "数量", Look.QUANTITY),
            Column("unit", "单位", width=6),
            Column("amount", "金额", Look.MONEY, summed=True, unit="元"),
            Column("merchant", "商户", width=24),
        ),
        rows=tuple(
            {
                "id": one.id,
                "card": one.card,
                "at": f"{one.at.astimezone(zone):%Y-%m-%d %H:%M}",
                "kind": words.name("transactions", one.kind),
                "product": product(one.product, words),
                "quantity": thousandths(one.quantity),
                "unit": UNITS.get(one.unit or "", ""),
                "amount": hundredths(one.fen),
                "merchant": one.merchant,
            }
            for one in found
        ),
        named=NAMED,
    )


def _age(one: Aged) -> str:
    if one.years is None:
        return "购置日期未登记"
    return "已达更新年限" if one.over else ""


def _open(unmeasured: int, unpriced: int) -> str:
    said = [f"{unmeasured} 笔没有升数"] * bool(unmeasured)
    return "；".join([*said, *[f"{unpriced} 笔没有金额"] * bool(unpriced)])
