"""Quotas and earlier months: entered, corrected, withdrawn, and on record."""

from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from metering.plan import earlier
from metering.plan.earlier_rows import EarlierMonth
from metering.plan.progress import Kind, Per
from metering.plan.quota import Quota, correct_quota, enter_quota, quotas_of, withdraw_quota
from registry.audit import Act
from registry.refusal import RefusedError
from tests.integration.metering.quality.world import Conn, add_meter

ACT = Act("王芳", datetime(2026, 11, 22, tzinfo=UTC))
QUOTA = Quota(
    institution="jg-1",
    energy="electricity",
    year=2026,
    kind=Kind.CONSTRAINT,
    per=Per.M2,
    value=Decimal("60.5"),
    unit="kWh",
    source="市发〔2026〕1号",
    issued=date(2026, 1, 15),
)
ROW = EarlierMonth(
    row=2,
    institution="jg-1",
    meter=None,
    month=date(2025, 10, 1),
    energy="electricity",
    unit="kWh",
    quantity=Decimal(600),
    amount=None,
)


def audit(conn: Conn) -> list[tuple[str, str, str]]:
    rows = conn.execute("SELECT principal, action, subject FROM audit_log ORDER BY id")
    return [(who, action, subject) for who, action, subject in rows]


def in_force(conn: Conn) -> list[tuple[object, ...]]:
    return conn.execute(
        "SELECT month, quantity, import_id FROM earlier_month WHERE withdrawn_at IS NULL ORDER BY 1"
    ).fetchall()


def test_a_quota_is_entered_once_and_on_record(conn: Conn) -> None:
    number = enter_quota(conn, ACT, QUOTA)
    assert enter_quota(conn, ACT, QUOTA) == number
    (found,) = quotas_of(conn, "jg-1", 2026)
    assert found.quota == QUOTA
    assert (found.entered_by, found.entered_at) == ("王芳", ACT.at)
    assert audit(conn) == [("王芳", "quota.enter", "jg-1")]
    assert quotas_of(conn, "jg-1", 2025) == ()


@pytest.mark.parametrize(
    "change", [{"institution": "jg-2"}, {"energy": "water", "unit": "m3"}, {"year": 2025}]
)
def test_a_quota_is_not_put_in_the_place_of_anothers(conn: Conn, change: dict[str, object]) -> None:
    """A slip in its number would take it out of force unseen."""
    number = enter_quota(conn, ACT, QUOTA)
    with pytest.raises(RefusedError, match="请核对编号"):
        correct_quota(conn, ACT, number, dataclasses.replace(QUOTA, **change))  # type: ignore[arg-type]
    assert [one.id for one in quotas_of(conn, "jg-1", 2026)] == [number]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"institution": "x"}, "没有编码为 x 的机构"),
        ({"value": Decimal(0)}, "必须大于 0"),
        ({"value": Decimal("NaN")}, "必须大于 0"),
        ({"value": Decimal("0.0000001")}, "小数超过 6 位"),
        ({"value": Decimal("1e400")}, "太大，应小于 10,000,000,000,000，请核对单位"),
        ({"year": 20_26_0}, "20260 年不在 2000 年至 2100 年之间"),
        ({"source": " "}, "请写明定额的依据"),
        ({"energy": "wood"}, "没有名为 wood 的能源"),
        ({"unit": "m3"}, "定额的单位有误"),
    ],
)
def test_a_quota_that_cannot_be_is_refused(
    conn: Conn, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(RefusedError, match=message):
        enter_quota(conn, ACT, dataclasses.replace(QUOTA, **change))
    assert audit(conn) == []


def test_another_value_needs_a_correction_which_keeps_both(conn: Conn) -> None:
    number = enter_quota(conn, ACT, QUOTA)
    other = dataclasses.replace(QUOTA, value=Decimal(58))
    with pytest.raises(RefusedError, match=r"已有 60.5 kWh（编号 1，王芳 录入）：请更正或先撤销"):
        enter_quota(conn, ACT, other)
    new = correct_quota(conn, ACT, number, other)
    assert [one.id for one in quotas_of(conn, "jg-1", 2026)] == [new]
    assert conn.execute("SELECT count(*) FROM quota").fetchone() == (2,)
    assert [action for _, action, _ in audit(conn)] == [
        "quota.enter",
        "quota.withdraw",
        "quota.enter",
    ]


def test_a_correction_that_is_refused_withdraws_nothing(conn: Conn) -> None:
    number = enter_quota(conn, ACT, QUOTA)
    with pytest.raises(RefusedError):
        correct_quota(conn, ACT, number, dataclasses.replace(QUOTA, value=Decimal(-1)))
    assert len(quotas_of(conn, "jg-1", 2026)) == 1
    withdraw_quota(conn, ACT, number)
    with pytest.raises(RefusedError, match="没有编号为 1 的有效定额"):
        withdraw_quota(conn, ACT, number)


def test_the_same_rows_again_change_nothing(conn: Conn) -> None:
    first = earlier.bring_in(conn, ACT, [ROW], "a.xlsx")
    assert (first.added, first.unchanged) == (1, 0)
    again = earlier.bring_in(conn, ACT, [dataclasses.replace(ROW, row=9)], "b.xlsx")
    assert (again.number, again.added, again.unchanged) == (None, 0, 1)
    assert in_force(conn) == [(ROW.month, 600, first.number)]
    assert audit(conn) == [("王芳", "earlier.import", "a.xlsx")]


def test_a_file_that_grew_adds_its_new_rows_only(conn: Conn) -> None:
    first = earlier.bring_in(conn, ACT, [ROW], "a.xlsx")
    more = dataclasses.replace(ROW, row=3, month=date(2025, 11, 1))
    tried = earlier.preview(conn, [ROW, more])
    assert (tried.number, tried.added, tried.unchanged) == (None, 1, 1)
    second = earlier.bring_in(conn, ACT, [ROW, more], "a.xlsx")
    assert in_force(conn) == [(ROW.month, 600, first.number), (more.month, 600, second.number)]


def test_another_figure_of_the_same_month_refuses_the_file_whole(conn: Conn) -> None:
    earlier.bring_in(conn, ACT, [ROW], "a.xlsx")
    other = dataclasses.replace(ROW, row=2, quantity=None, amount=Decimal(5))
    more = dataclasses.replace(ROW, row=3, month=date(2025, 11, 1))
    message = r"历史月份!E2：2025-10 已由导入 1 录入（数量 600、金额 未知）；如需更改，先撤销导入 1"
    with pytest.raises(RefusedError, match=message):
        earlier.bring_in(conn, ACT, [other, more], "b.xlsx")
    assert len(in_force(conn)) == 1


def test_what_was_withdrawn_can_come_again(conn: Conn) -> None:
    first = earlier.bring_in(conn, ACT, [ROW], "a.xlsx")
    assert first.number is not None
    assert earlier.withdraw(conn, ACT, first.number) == 1
    assert in_force(conn) == []
    again = earlier.bring_in(conn, ACT, [dataclasses.replace(ROW, quantity=Decimal(7))], "a.xlsx")
    assert in_force(conn) == [(ROW.month, 7, again.number)]
    with pytest.raises(RefusedError, match="没有编号为 1 的有效导入"):
        earlier.withdraw(conn, ACT, first.number)


def test_a_sheet_may_speak_of_what_exists(conn: Conn) -> None:
    add_meter(conn, "m")
    known = earlier.known(conn, date(2026, 11, 1))
    assert known.institutions == {"jg-1"}
    assert known.meters == {"m": "electricity"}
    assert known.kinds["电"].code == "electricity"
    assert earlier.subjects(conn) == [("计量点", "m", "总电表"), ("机构", "jg-1", "市机关")]


def test_two_sessions_with_the_same_file_bring_it_in_once(database: str, conn: Conn) -> None:
    done: list[int] = []

    def bring() -> None:
        with psycopg.connect(database, autocommit=True) as own:
            done.append(earlier.bring_in(own, ACT, [ROW], "a.xlsx").added)

    sessions = [threading.Thread(target=bring) for _ in range(3)]
    for one in sessions:
        one.start()
    for one in sessions:
        one.join(60)
    assert sorted(done) == [0, 0, 1]
    assert len(in_force(conn)) == 1
