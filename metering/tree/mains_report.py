"""Balances of main meters as officers read them: a table, sentences, and JSON. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo

from metering.quality.words import UNKNOWN, amount, unit_name
from metering.tree.periods import Grain
from metering.tree.remainder import Balance, NegativeRemainder, Part, Shared
from metering.tree.report_table import Form, Table

_WHEN: Final = {Grain.MONTH: "%Y-%m", Grain.DAY: "%Y-%m-%d", Grain.HOUR: "%Y-%m-%d %H:%M"}
_COLUMNS: Final = {
    "时间": Form.TEXT,
    "总表": Form.TEXT,
    "总表用量": Form.QUANTITY,
    "自发": Form.QUANTITY,
    "分表之和": Form.QUANTITY,
    "差额": Form.QUANTITY,
    "单位": Form.TEXT,
    "未知的表": Form.TEXT,
}


@dataclass(frozen=True, slots=True)
class Main:
    """A main meter in a period.

    Attributes:
        balance: against its sub-meters.
        unit: of the quantities.
        finding: what is wrong; None: nothing that is known.
    """

    balance: Balance
    unit: str
    finding: NegativeRemainder | None

    @property
    def code(self) -> str:
        """Code of the main meter."""
        return self.balance.main.meter


@dataclass(frozen=True, slots=True)
class MainsReport:
    """Main meters of a month.

    Attributes:
        month: its first day.
        grain: of the periods.
        zone: in whose time they are shown.
        mains: by main and time.
    """

    month: date
    grain: Grain
    zone: ZoneInfo
    mains: Sequence[Main]

    def when(self, balance: Balance) -> str:
        """Return a period as people write it."""
        return balance.begin.astimezone(self.zone).strftime(_WHEN[self.grain])


def mains_table(report: MainsReport) -> Table:
    """Return the balances as a table; what counts twice is taken off in it."""
    titles = tuple(_COLUMNS)
    rows = tuple(
        (
            report.when(one.balance),
            one.code,
            _quantity(one.balance.main.micro),
            _quantity(_sum(one.balance, generated=True)),
            _quantity(_sum(one.balance, generated=False)),
            _quantity(one.balance.remainder),
            unit_name(one.unit),
            "、".join(one.balance.unknown),
        )
        for one in report.mains
    )
    return Table("总分表", titles, titles, tuple(_COLUMNS.values()), rows)


def finding_lines(report: MainsReport) -> Iterator[str]:
    """Yield every negative remainder with what may explain it."""
    for one in report.mains:
        if one.finding is not None:
            more = amount(one.finding.excess, one.unit)
            when = report.when(one.balance)
            yield f"{when} 总表 {one.code}：分表之和比供入多 {more}，可能的原因："
            yield from (f"  {candidate.text}" for candidate in one.finding.candidates)


def shared_lines(report: MainsReport) -> Iterator[str]:
    """Yield what was taken off because virtual sub-meters share it, over all periods together."""
    sums: dict[tuple[object, ...], list[tuple[Main, Shared]]] = defaultdict(list)
    for one in report.mains:
        for shared in one.balance.shared:
            key = (one.code, shared.meter, shared.within, shared.generated)
            sums[key].append((one, shared))
    for (main, shared), *others in sums.values():
        micros = [shared.micro, *(other.micro for _, other in others)]
        known = [micro for micro in micros if micro is not None]
        yield _shared_text(main, shared, sum(known) if len(known) == len(micros) else None)


def aside_lines(report: MainsReport) -> Iterator[str]:
    """Yield which virtual sub-meters were left out, once for all periods."""
    pairs = dict.fromkeys((one.code, sub) for one in report.mains for sub in one.balance.aside)
    for code, sub in pairs:
        yield (
            f"总表 {code}：虚拟分表 {sub} 含有另挂在 {code} 之下的表，为免重复，其间整表不计入，"
            f"它含有的其他表也一并不计；那些表若该计入，请直接挂在 {code} 之下"
        )


def mains_to_json(report: MainsReport) -> str:
    """Return everything; numbers are texts, so that they stay exact, unknown is null."""
    content = {
        "month": f"{report.month:%Y-%m}",
        "grain": report.grain.value,
        "mains": [_main(report, one) for one in report.mains],
    }
    return json.dumps(content, ensure_ascii=False, indent=1)


def _main(report: MainsReport, one: Main) -> dict[str, Any]:
    balance, finding = one.balance, one.finding
    return {
        "when": report.when(balance),
        "main": one.code,
        "unit": unit_name(one.unit),
        "measured": _text(balance.main.micro),
        "generated": _text(_sum(balance, generated=True)),
        "subs": _text(_sum(balance, generated=False)),
        "remainder": _text(balance.remainder),
        "unknown": list(balance.unknown),
        "generated_meters": [_part(part) for part in balance.generated],
        "sub_meters": [_part(part) for part in balance.subs],
        "shared": [
            {
                **_part(shared),
                "factor": _factor(shared.factor),
                "within": {code: _factor(factor) for code, factor in shared.within},
                "text": _shared_text(one, shared, shared.micro),
            }
            for shared in balance.shared
        ],
        "aside": list(balance.aside),
        "excess": None if finding is None else _text(finding.excess),
        "candidates": [] if finding is None else [one.text for one in finding.candidates],
    }


def _part(part: Part | Shared) -> dict[str, Any]:
    return {"meter": part.meter, "quantity": _text(part.micro), "complete": part.complete}


def _shared_text(main: Main, shared: Shared, micro: int | None) -> str:
    subs = "、".join(
        code if factor == 1 else f"{code}（{_factor(factor)} 倍）" for code, factor in shared.within
    )
    where = "自发" if shared.generated else "分表之和"
    what = amount(micro, main.unit) if micro is not None else f"用量{UNKNOWN}"
    return (
        f"总表 {main.code}：{shared.meter} 同时含在虚拟分表 {subs}，"
        f"重复计入的 {_factor(shared.factor)} 倍（{what}）已从{where}中扣除"
    )


def _sum(balance: Balance, *, generated: bool) -> int | None:
    """Return what is generated or what sub-meters measured; None while nothing is known of one."""
    parts = balance.generated if generated else balance.subs
    off = balance.twice(generated=generated)
    if None in [part.micro for part in parts] or None in [one.micro for one in off]:
        return None
    return balance.made if generated else balance.taken


def _factor(factor: Fraction) -> str:
    return f"{Decimal(factor.numerator) / factor.denominator:f}"


def _quantity(micro: int | None) -> Decimal | None:
    return None if micro is None else Decimal(micro).scaleb(-6)


def _text(micro: int | None) -> str | None:
    value = _quantity(micro)
    return None if value is None else f"{value:f}"
