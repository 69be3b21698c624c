"""The ledger and the list of bills where institutions report for each other."""

from __future__ import annotations

from datetime import date

import pytest

from metering.bills.entry import enter_bill
from metering.bills.listing import list_tables, listed
from metering.bills.reported_ledger import told_ledger
from metering.bills.reporting import own_and_reported
from metering.bills.ways import ways
from metering.bills.words import words
from metering.tree.relations import Kind, Relation, enter_relation
from registry.table import Table
from tests.integration.metering.bills.world import (
    ACT,
    YEAR,
    ZONE,
    Conn,
    bill,
    hang,
    house,
    open_account,
)


def told(conn: Conn) -> list[Table]:
    names = {"czj": "财政局", "jgj": "机关局"}
    months = (date(2026, 1, 1), date(2026, 2, 1))
    found, given = own_and_reported(conn, months, ZONE)
    return told_ledger(found, given, ways(conn, ZONE, names), "", words())


def two_bills(conn: Conn) -> None:
    for number, whose in (("510001", "czj"), ("510002", "jgj")):
        open_account(conn, number, institution=whose)
        enter_bill(conn, ACT, bill(date(2026, 1, 1), date(2026, 2, 1), "310", account=number))


def relate(conn: Conn, kind: Kind, since: date | None = None, **shares: int) -> None:
    enter_relation(conn, ACT, Relation("institution", "jgj", kind, shares, since))


def test_the_ledger_is_the_plain_one_where_nobody_reports_for_another(conn: Conn) -> None:
    two_bills(conn)
    (table,) = told(conn)
    assert "goes_to" not in {column.key for column in table.columns}


@pytest.mark.parametrize(
    ("kind", "since", "shares", "goes", "contains", "reported_by_both"),
    [
        (Kind.ON_BEHALF, None, {"czj": 1}, "由财政局代报", "机关局", (620, None)),
        (Kind.MERGED, None, {"czj": 1}, "并入财政局（合署）", "机关局", (620, None)),
        (
            *(Kind.ON_BEHALF, date(2026, 1, 11), {"czj": 1}),
            *("由财政局代报（2026-01-11 起）", "机关局", (520, 100)),
        ),
        (
            *(Kind.SHARED, None, {"czj": 1, "jgj": 4}),
            *("分摊：财政局 1/5、机关局 4/5", "机关局（1/5）", (372, 248)),
        ),
        (Kind.EXCLUDED, None, {}, "不计入", "", (310, None)),
    ],
)
def test_the_ledger_says_who_reports_and_whose_it_contains(  # noqa: PLR0917 - a case
    conn: Conn,
    kind: Kind,
    since: date | None,
    shares: dict[str, int],
    goes: str,
    contains: str,
    reported_by_both: tuple[int, int | None],
) -> None:
    two_bills(conn)
    relate(conn, kind, since, **shares)
    (table,) = told(conn)
    czj, jgj = table.rows
    assert (czj["quantity"], jgj["quantity"]) == (310, 310)
    assert (czj["goes_to"], jgj["goes_to"]) == ("", goes)
    assert czj["contains"] == contains
    assert (czj["reported"], jgj.get("reported")) == reported_by_both


def test_the_list_says_of_each_bill_who_reports_it(conn: Conn) -> None:
    two_bills(conn)
    relate(conn, Kind.ON_BEHALF, date(2026, 1, 11), czj=1)
    names = {"czj": "财政局", "jgj": "机关局"}
    (table,) = list_tables(listed(conn, YEAR), "", words(), ways(conn, ZONE, names))
    assert [row["goes_to"] for row in table.rows] == ["", "由财政局代报（2026-01-11 起）"]


def test_an_account_that_goes_with_its_meter_says_so(conn: Conn) -> None:
    two_bills(conn)
    open_account(conn, "510003", meters=("m-3",))
    excluded = Relation("meter", "m-3", Kind.EXCLUDED)
    enter_relation(conn, ACT, excluded)
    (table,) = told(conn)
    assert [row["goes_to"] for row in table.rows] == ["户号 510003 随计量表不计入", ""]


def test_an_account_whose_meters_go_several_ways_says_so(conn: Conn) -> None:
    two_bills(conn)
    open_account(conn, "510003", meters=("m-1", "m-3"))
    enter_relation(conn, ACT, Relation("meter", "m-3", Kind.EXCLUDED))
    (table,) = told(conn)
    assert [row["goes_to"] for row in table.rows] == [
        "户号 510003 的计量表分属几家，有计量的月份按计量分开",
        "",
    ]


def test_the_ledger_shows_what_is_reported_where_meters_see_energy_beside_the_bill(
    conn: Conn,
) -> None:
    two_bills(conn)
    house(conn)
    hang(conn, "m-1", "czj", 300_000_000)
    hang(conn, "m-2", "czj", 5_000_000)  # behind m-1
    hang(conn, "m-3", "jgj", 40_000_000)
    conn.execute("UPDATE meter SET direction = 'out' WHERE code = 'm-2'")
    conn.execute("UPDATE meter SET direction = 'generated' WHERE code = 'm-3'")
    (table,) = told(conn)
    assert [(row["quantity"], row["reported"], row["contains"]) for row in table.rows] == [
        (310, 305, "已扣转供（计量）"),
        (310, 350, "已加自发（计量）"),
    ]


def test_what_passes_on_is_not_summed_twice(conn: Conn) -> None:
    """xfj has no account: its 5 kWh are in the bill of czj, and its own figure has them again."""
    conn.execute("INSERT INTO institution (code, name) VALUES ('xfj', '信访局')")
    two_bills(conn)
    house(conn)
    hang(conn, "m-1", "czj", 300_000_000)
    hang(conn, "m-2", "xfj", 5_000_000)  # behind m-1
    (table,) = told(conn)
    assert [(row["quantity"], row["reported"]) for row in table.rows] == [
        (310, 305),
        (310, 310),
        (5, 5),
    ]
    assert {column.key for column in table.columns if column.summed} == {
        *("amount", "estimated", "by_days", "billed", "difference"),
        *("reported", "reported_amount"),
    }
    assert table.total("reported") == 620
    assert any("不合计" in remark for remark in table.remarks)


def test_a_sum_of_what_is_reported_says_that_a_month_is_missing(conn: Conn) -> None:
    """Of 310 kWh 400 passed on: nobody knows what czj reports, though its bill is there."""
    two_bills(conn)
    house(conn)
    hang(conn, "m-1", "czj", 300_000_000)
    hang(conn, "m-2", "jgj", 400_000_000)  # behind m-1
    (table,) = told(conn)
    assert [row["reported"] for row in table.rows] == [None, 710]
    assert "上报用量合计不含未知的月份：1 个月。" in table.remarks
