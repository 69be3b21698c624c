"""Lines of a day that has not come: refused where something must have happened by then."""

from __future__ import annotations

from datetime import date

import pytest

from fleet.ledger.fact_lines import consumer_lines
from fleet.ledger.record_lines import order_lines
from registry.workbook import Cell
from tests.unit.fleet.ledger.test_lines import READING, USUAL, row, spend


@pytest.mark.parametrize(
    ("said", "cell"),
    [
        ({"日期": "2027-01-01"}, "费用!B2"),
        ({"日期": date(2027, 1, 1)}, "费用!B2"),
        ({"日期": "", "时间": "2027-01-01 00:00"}, "费用!H2"),
        ({"日期": "2027-01-01", "时间": "08:00"}, "费用!B2"),
    ],
)
def test_a_line_of_a_day_that_has_not_come_is_refused(said: dict[str, Cell], cell: str) -> None:
    lines, found = spend({**USUAL, **said})
    assert lines == []
    assert found == [f"{cell}：2027-01-01 还没有到（今天是 2026-12-31），请核对日期"]


@pytest.mark.parametrize("said", [{"日期": "2026-12-31"}, {"日期": "", "时间": "2026-12-31 23:59"}])
def test_the_rest_of_today_is_allowed(said: dict[str, Cell]) -> None:
    lines, found = spend({**USUAL, **said})
    assert (len(lines), found) == (1, [])


def test_an_order_of_a_day_to_come_has_no_reading_yet() -> None:
    ahead: dict[str, Cell] = {"派车单号": "P1", "车辆": "A01", "日期": "2027-01-01"}
    one = row("orders", ahead, "派车单")
    assert len(list(order_lines(one, READING))) == 1
    for heading in ("出车里程", "回车里程"):
        one = row("orders", {**ahead, heading: 100}, "派车单")
        assert list(order_lines(one, READING)) == []
        assert one.refusals.found == [
            "派车单!D2：2027-01-01 还没有到（今天是 2026-12-31），请核对日期"
        ]


def test_a_vehicle_is_not_bought_on_a_day_to_come() -> None:
    said: dict[str, Cell] = {"车辆编码": "A01", "机构编码": "czj", "起始日期": "2026-01-01"}
    one = row("consumers", {**said, "购置日期": "2027-01-01"})
    list(consumer_lines(one, READING))
    assert one.refusals.found == ["表!D2：2027-01-01 还没有到（今天是 2026-12-31），请核对日期"]
