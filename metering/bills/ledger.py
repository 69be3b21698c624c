"""The monthly ledger (台账): what is reported month by month, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from metering.bills.month import Figure, Reason, Source
from metering.bills.words import Words
from registry.table import Column, Look, Row, Table

_MICRO: Final = Decimal("0.000001")
_FEN: Final = Decimal("0.01")
_PRICE: Final = Decimal("0.0001")
_FINE: Final = frozenset({"t", "GJ", "tce"})
SOURCES: Final[Mapping[Source, str]] = {
    Source.BILLED: "票据",
    Source.MIXED: "票据＋计量",
    Source.METERED: "计量",
    Source.ENTERED: "历史录入",
    Source.NONE: "未知",
}
REASONS: Final[Mapping[Reason, str]] = {
    Reason.NO_BILL: "票据未到齐或未列用量",
    Reason.NO_METER: "有户号未装计量表",
    Reason.METER_GAP: "计量数据有缺口",
    Reason.BILL_ESTIMATED: "账单为估算",
    Reason.RATIO: "疑似倍率问题",
    Reason.READING_DAY: "抄表日与月末不一致",
    Reason.BELOW_ZERO: "转供、外供多于用量",
    Reason.UNEXPLAINED: "待说明",
}
"""They word doubts, never a finding."""


def ledger_tables(
    figures: Sequence[Figure], names: Mapping[str, str], particulars: str, words: Words
) -> list[Table]:
    """Return the ledger as tables, one for each energy.

    Args:
        figures: of whole months; see :func:`metering.bills.figures.figures`.
        names: code → name of the institution.
        particulars: whose it is and of which time, for the line below the title.
        words: names and units.
    """
    return [
        ledger_table(energy, found, names, particulars, words)
        for energy in words.energies
        if (found := [f for f in figures if f.facts.energy == energy])
    ]


def ledger_table(
    energy: str,
    figures: Sequence[Figure],
    names: Mapping[str, str],
    particulars: str,
    words: Words,
) -> Table:
    """Return the ledger of one energy; see :func:`ledger_tables`."""
    kind = words.energies[energy]
    consumers = [
        consumer
        for consumer in words.consumers
        if energy in words.ask_consumer and any(f.facts.purchases for f in figures)
    ]
    unknown = sum(figure.micro is None for figure in figures)
    no_cost = sum(figure.fen is None for figure in figures)
    remarks = ["用量以结算票据为准，计量数据用于核对；留空表示未知，不是零。"]
    if unknown or no_cost:
        remarks.append(f"合计不含未知的月份：{unknown} 个月无用量，{no_cost} 个月无金额。")
    if any(figure.facts.is_mixed for figure in figures):
        remarks.append("户号在月内起止的，有户号的日子按票据，其余日子按计量；这些日子的金额未知。")
    return Table(
        name=kind.name,
        title=f"能源资源消费台账（{kind.name}）",
        particulars=particulars,
        columns=_columns(kind.unit, consumers, words),
        rows=tuple(_row(figure, names, consumers) for figure in figures),
        remarks=tuple(remarks),
        sign=("单位负责人：", "统计负责人：", "填表人："),
    )


def _columns(unit: str, consumers: Sequence[str], words: Words) -> tuple[Column, ...]:
    look = Look.FINE if unit in _FINE else Look.QUANTITY
    return (
        Column("month", "月份", Look.MONTH, 10),
        Column("institution", "机构编码"),
        Column("name", "机构名称", width=20),
        Column("quantity", "用量", look, 14, summed=True, unit=unit),
        *(
            Column(
                f"quantity_{consumer}",
                f"其中：{words.consumers[consumer].words[0]}",
                look,
                12,
                summed=True,
                unit=unit,
            )
            for consumer in consumers
        ),
        Column("amount", "金额", Look.MONEY, 14, summed=True, unit="元"),
        Column("price", "单价", Look.PRICE, 10, unit=f"元/{unit}"),
        Column("source", "数据来源", width=9),
        Column("estimated", "其中估算", look, 12, summed=True, unit=unit),
        Column("by_days", "其中按天分摊", look, 12, summed=True, unit=unit),
        Column("billed", "票据用量", look, 13, summed=True, unit=unit),
        Column("metered", "计量用量", look, 13, summed=True, unit=unit),
        Column("difference", "差额（票据－计量）", look, 13, summed=True, unit=unit),
        Column("reasons", "差异原因", width=24),
        Column("lineage", "票据编号", width=16),
    )


def _row(figure: Figure, names: Mapping[str, str], consumers: Sequence[str]) -> Row:
    facts = figure.facts
    known = figure.micro is not None
    return {
        "month": facts.month,
        "institution": facts.institution,
        "name": names.get(facts.institution, ""),
        "quantity": quantity_of(figure.micro),
        **{
            f"quantity_{consumer}": quantity_of(figure.of_consumer(consumer)[0])
            for consumer in consumers
        },
        "amount": amount_of(figure.fen),
        "price": _price(figure),
        "source": sources_text(
            list(figure.by_source) if figure.source is Source.MIXED else [figure.source],
            figure.by_source,
        ),
        "estimated": quantity_of(figure.estimated) if known else None,
        "by_days": quantity_of(figure.by_days) if known else None,
        "billed": quantity_of(figure.billed),
        "metered": quantity_of(figure.metered),
        "difference": quantity_of(figure.difference),
        "reasons": "、".join(_reason(figure, reason) for reason in figure.reasons),
        "lineage": "、".join(
            [f"Z{number}" for number in figure.bill_ids]
            + [f"G{number}" for number in figure.purchase_ids]
        ),
    }


def quantity_of(micro: int | None) -> Decimal | None:
    """Return a quantity in its unit."""
    return None if micro is None else micro * _MICRO


def sources_text(sources: Sequence[Source], micros: Mapping[Source, int]) -> str:
    """Say what a figure rests on; where that is several, how much on each."""
    if len(sources) < 2:
        return "、".join(SOURCES[source] for source in sources)
    said = {s: f"{SOURCES[s]} {(micro * _MICRO).normalize():f}" for s, micro in micros.items()}
    return "、".join(said.get(source, SOURCES[source]) for source in sources)


def amount_of(fen: int | None) -> Decimal | None:
    """Return an amount in yuan."""
    return None if fen is None else fen * _FEN


def _price(figure: Figure) -> Decimal | None:
    if not figure.micro or figure.fen is None:
        return None
    return (figure.fen * _FEN / (figure.micro * _MICRO)).quantize(_PRICE)


def _reason(figure: Figure, reason: Reason) -> str:
    if reason is not Reason.RATIO:
        return REASONS[reason]
    ratio = next(a.ratio for a in figure.facts.accounts if a.ratio is not None)
    times = f"票据约为计量的 {ratio} 倍" if ratio > 0 else f"计量约为票据的 {-ratio} 倍"
    return f"{REASONS[reason]}（{times}）"
