"""Doubts on the screen: nothing that has not happened yet is told as if it had."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from jieyong.commands.doubt_tables import energy, listed, row_of, shown, sums_table
from registry.day_kind import DayKind
from rules.cases.evidence import Evidence
from rules.cases.life import State
from rules.cases.listing import Listed
from rules.cases.sums import Sum
from rules.cases.used import Used
from rules.kinds.model import Sort
from rules.ruleset.reading import read_rule_set
from rules.timeline.overlay import Pieces

ZONE = ZoneInfo("Asia/Shanghai")
DEFAULT = Path(__file__).parents[3] / "rules" / "sets" / "default.yaml"
BEGIN = datetime(2026, 11, 30, 0, 0, tzinfo=UTC)
WHO = ("i", "局")
DOUBT = Listed(
    *(
        1,
        State.ASKED,
        Sort.PLACE,
        BEGIN,
        BEGIN + timedelta(minutes=49),
        BEGIN,
        "r",
        "制热",
        "notice",
    ),
    *("aircon.heating", 1, "ac", "210空调", "210办公室", *WHO),
)


@pytest.mark.parametrize(
    ("minutes", "until", "lasted"),
    [(34, "持续中", 34), (49, "2026-11-30 08:49", 49), (600, "2026-11-30 08:49", 49)],
)
def test_what_goes_on_has_no_end_yet_and_lasts_until_now(
    minutes: int, until: str, lasted: int
) -> None:
    table = listed([DOUBT], "疑点", ZONE, BEGIN + timedelta(minutes=minutes), {})
    (row,) = table.rows
    assert (row["since"], row["until"], row["minutes"]) == ("2026-11-30 08:00", until, lasted)


def test_why_the_energy_is_not_known_is_not_made_up() -> None:
    assert energy(Used(Decimal("1.2"), "kWh", "计量表")) == "1.2 kWh（按计量表）"
    assert energy(Used(None, "kWh", None)) == "不详（计量表和设备功率都没有覆盖这段时间）"


def summed(*used: Used) -> tuple[object, ...]:
    one = Sum("i", "局", date(2026, 7, 1), "kWh")
    for stretch in used:
        one.used.add(stretch)
    (row,) = sums_table([one], "7 月").rows
    return tuple(row[key] for key in ("used", "used_yuan", "unknown", "unpriced"))


def test_what_nobody_knows_adds_up_to_nothing_and_not_to_zero() -> None:
    nobody = Used(None, "kWh", None)
    unpriced = Used(Decimal("1.2"), "kWh", "表", None, "没有指定电价")
    priced = Used(Decimal("2.0"), "kWh", "表", Decimal("1.405"), "一般工商业")
    assert summed() == (0, Decimal("0.00"), 0, 0)
    assert summed(nobody) == (None, None, 1, 0)
    assert summed(nobody, unpriced) == (Decimal("1.2"), None, 1, 1)
    assert summed(nobody, unpriced, priced) == (Decimal("3.2"), Decimal("1.41"), 1, 1)


@pytest.mark.parametrize(
    ("kind", "said"),
    [(DayKind.HOLIDAY, "2026-10-01 节假日"), (None, "2026-10-01 节假日安排尚未公布")],
)
def test_a_doubt_outside_hours_tells_the_hours_and_what_the_day_was(
    kind: DayKind | None, said: str
) -> None:
    rules = read_rule_set(DEFAULT.read_text("utf-8"), "default.yaml", ZONE).rules
    rule = next(one for one in rules if one.code == "aircon-outside-hours")
    nothing = Pieces(*(np.empty(0, np.int64),) * 3, {})
    rests = Evidence(rule, (date(2026, 10, 1), kind), [], None, None, [], nothing, {})
    (row,) = shown(row_of(DOUBT, ZONE, BEGIN), rests).rows
    assert row["thresholds"] == ("时段（工作日 07:30-19:00；周末 无；节假日 无）；持续 1 小时以上")
    assert row["day"] == said
