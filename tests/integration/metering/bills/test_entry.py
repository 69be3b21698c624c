from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import psycopg
import pytest

from metering.bills.account import find_account
from metering.bills.accounts import (
    add_account,
    assign,
    bind_meter,
    change_account,
    release_meter,
)
from metering.bills.entry import (
    attach,
    attachment,
    correct_bill,
    correct_purchase,
    enter_bill,
    enter_purchase,
    set_precedence,
    withdraw_bill,
    withdraw_purchase,
)
from metering.bills.model import Attachment, Band, First, NewAccount, NewPurchase, Part
from registry.refusal import RefusedError
from tests.integration.metering.bills.world import (
    ACT,
    Conn,
    account,
    actions,
    active,
    at_once,
    bill,
    estimate,
    open_account,
)

JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
FUEL = NewPurchase("czj", "petrol", JANUARY, Decimal(50), "L", Decimal(400), "vehicle")


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(RefusedError) as caught:
        act()
    return str(caught.value)


def test_two_settled_bills_of_an_account_may_not_overlap(conn: Conn) -> None:
    open_account(conn)
    first = enter_bill(conn, ACT, bill(JANUARY, FEBRUARY))
    said = refusal(lambda: enter_bill(conn, ACT, bill(date(2026, 1, 31), MARCH)))
    assert said == (
        f"户号 510001：与账单 {first}（2026-01-01 起，至 2026-02-01 不含）时段重叠，"
        "请核对起止日期；要更正请先撤销该账单"
    )
    enter_bill(conn, ACT, bill(FEBRUARY, MARCH))  # the next day is free
    enter_bill(conn, ACT, estimate(JANUARY, FEBRUARY, "90"))  # an estimate is no second truth
    assert active(conn, "bill") == 3


def test_a_bill_that_ends_before_it_starts_is_refused(conn: Conn) -> None:
    open_account(conn)
    said = refusal(lambda: enter_bill(conn, ACT, bill(FEBRUARY, JANUARY)))
    assert said == ("户号 510001：账单止于 2026-01-01（不含），不晚于起始日 2026-02-01，请核对")
    assert (active(conn, "bill"), actions(conn)) == (0, ["account.add"])


def test_of_two_who_enter_the_same_at_once_one_is_refused(conn: Conn, database: str) -> None:
    open_account(conn)
    got = at_once(database, conn, lambda one: enter_bill(one, ACT, bill(JANUARY, FEBRUARY)))
    assert got == "户号 510001：同一时段的账单刚被他人录入，请刷新后核对"
    assert active(conn, "bill") == 1


def test_a_withdrawn_bill_stays_readable_and_frees_its_days(conn: Conn) -> None:
    open_account(conn)
    number = enter_bill(conn, ACT, bill(JANUARY, FEBRUARY))
    withdraw_bill(conn, ACT, number, "重复录入")
    row = conn.execute("SELECT withdrawn_by, quantity FROM bill WHERE id = %s", [number])
    assert row.fetchone() == ("王会计", Decimal("100.000000"))
    assert "已撤销" in refusal(lambda: withdraw_bill(conn, ACT, number, "再撤"))
    enter_bill(conn, ACT, bill(JANUARY, FEBRUARY, "101"))


def test_a_correction_that_is_refused_leaves_the_old_bill(conn: Conn) -> None:
    open_account(conn)
    one = enter_bill(conn, ACT, bill(JANUARY, FEBRUARY))
    enter_bill(conn, ACT, bill(FEBRUARY, MARCH))
    assert "时段重叠" in refusal(lambda: correct_bill(conn, ACT, one, bill(JANUARY, MARCH)))
    assert active(conn, "bill") == 2
    assert actions(conn) == ["account.add", "bill.enter", "bill.enter"]


def test_quantity_without_amount_and_the_other_way_round_are_kept(conn: Conn) -> None:
    open_account(conn)
    enter_bill(conn, ACT, bill(JANUARY, FEBRUARY, None))
    enter_bill(conn, ACT, bill(FEBRUARY, MARCH, amount=None))
    rows = conn.execute("SELECT quantity, amount FROM bill ORDER BY id").fetchall()
    assert rows == [(None, Decimal("80.00")), (Decimal(100), None)]


def test_parts_and_scan_are_kept_with_the_bill(conn: Conn) -> None:
    open_account(conn)
    scan = Attachment("一月.pdf", b"%PDF-1.7 scan")
    parts = (Part(Band.PEAK, Decimal(60), Decimal(50)), Part(Band.VALLEY, Decimal(40)))
    number = enter_bill(conn, ACT, bill(JANUARY, FEBRUARY, parts=parts, attachment=scan))
    enter_bill(conn, ACT, bill(FEBRUARY, MARCH, attachment=scan))  # the same scan, once
    query = "SELECT part, quantity, amount FROM bill_part WHERE bill_id = %s ORDER BY part"
    assert conn.execute(query, [number]).fetchall() == [
        ("peak", Decimal(60), Decimal(50)),
        ("valley", Decimal(40), None),
    ]
    ((digest,),) = conn.execute("SELECT sha256 FROM bill_attachment").fetchall()
    assert attachment(conn, digest) == scan.content


def test_a_scan_can_come_later_and_be_replaced(conn: Conn) -> None:
    open_account(conn)
    number = enter_bill(conn, ACT, bill(JANUARY, FEBRUARY))
    attach(conn, ACT, number, Attachment("a.png", b"one"))
    attach(conn, ACT, number, Attachment("b.png", b"two"))
    row = conn.execute("SELECT attachment_name FROM bill").fetchone()
    assert row == ("b.png",)
    old, new = conn.execute(
        "SELECT detail->>'old', detail->>'new' FROM audit_log WHERE action = 'bill.attach'"
        " ORDER BY id DESC LIMIT 1"
    ).fetchall()[0]
    assert (attachment(conn, old), attachment(conn, new)) == (b"one", b"two")
    assert "空文件" in refusal(lambda: attach(conn, ACT, number, Attachment("c.png", b"")))
    assert "不存在" in refusal(lambda: attach(conn, ACT, 99, Attachment("c.png", b"x")))
    assert "不存在" in refusal(lambda: attachment(conn, "0" * 64))


def test_the_database_itself_bounds_a_scan(conn: Conn) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(
            "INSERT INTO bill_attachment VALUES ('x', convert_to(repeat('x', 20971521), 'UTF8'))"
        )


def test_an_account_is_found_by_code_and_by_number(conn: Conn) -> None:
    open_account(conn, "电-1", number="510001")
    assert find_account(conn, "510001").code == find_account(conn, "电-1").code == "电-1"
    open_account(conn, "水-1", number="510001", supplier="自来水公司", energy="water")
    assert "电-1、水-1" in refusal(lambda: find_account(conn, "510001"))
    assert "没有登记" in refusal(lambda: find_account(conn, "510002"))


def test_an_account_is_entered_once(conn: Conn) -> None:
    open_account(conn)
    again = refusal(lambda: open_account(conn, "另一编码", number="510001"))
    assert again == "户号 510001（编码 另一编码）已经登记，不能再次登记"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (account(energy="steam"), "能源“steam”不认识"),
        (account(institution="nobody"), "机构 nobody 不存在"),
        (account(reading_day=32), "抄表例日 32 应为 1 到 31"),
        (account(meters=("m-9",)), "计量表 m-9 不存在"),
        (account(meters=("w-1",)), "与计量表 w-1（water，m3）不一致"),
        (account(supplier=" "), "没有填写"),
    ],
)
def test_a_wrong_account_is_refused_whole(conn: Conn, wrong: NewAccount, said: str) -> None:
    assert said in refusal(lambda: add_account(conn, ACT, wrong))
    assert active(conn, "utility_account_institution") == 0
    assert conn.execute("SELECT count(*) FROM utility_account").fetchone() == (0,)


def test_a_meter_belongs_to_one_account_at_a_time(conn: Conn) -> None:
    open_account(conn, meters=("m-1",))
    open_account(conn, "510002")
    said = refusal(lambda: bind_meter(conn, ACT, "510002", "m-1", MARCH))
    assert "一块表同时只能属于一个户号" in said
    release_meter(conn, ACT, "510001", "m-1", MARCH)
    bind_meter(conn, ACT, "510002", "m-1", MARCH)
    assert "不属于户号" in refusal(lambda: release_meter(conn, ACT, "510001", "m-1", MARCH))


def test_whose_an_account_was_stays_known(conn: Conn) -> None:
    open_account(conn)
    assign(conn, ACT, "510001", "jgj", FEBRUARY)
    assign(conn, ACT, "510001", "czj", MARCH)
    rows = conn.execute(
        "SELECT i.code, lower(o.valid), upper(o.valid) FROM utility_account_institution o"
        " JOIN institution i ON i.id = o.institution_id WHERE withdrawn_at IS NULL ORDER BY 2"
    ).fetchall()
    assert rows == [
        ("czj", date(2025, 1, 1), FEBRUARY),
        ("jgj", FEBRUARY, MARCH),
        ("czj", MARCH, None),
    ]
    assert "机构 x 不存在" in refusal(lambda: assign(conn, ACT, "510001", "x", MARCH))
    assert active(conn, "utility_account_institution") == 3


def test_what_is_known_of_an_account_can_be_put_right(conn: Conn) -> None:
    open_account(conn, reading_day=25)
    change_account(conn, ACT, "510001", {"reading_day": 1, "prepaid": True})
    found = find_account(conn, "510001")
    assert (found.reading_day, found.prepaid) == (1, True)
    detail = conn.execute("SELECT detail FROM audit_log WHERE action = 'account.change'")
    assert detail.fetchone() == (
        {
            "old": {"reading_day": 25, "prepaid": False},
            "new": {"reading_day": 1, "prepaid": True},
        },
    )
    assert "没有写明" in refusal(lambda: change_account(conn, ACT, "510001", {}))


def test_a_purchase_is_entered_once_unless_it_is_the_second(conn: Conn) -> None:
    enter_purchase(conn, ACT, FUEL)
    assert "已经录入" in refusal(lambda: enter_purchase(conn, ACT, FUEL))
    number = enter_purchase(conn, ACT, FUEL, nth=2)
    new = correct_purchase(conn, ACT, number, replace(FUEL, document="F-1"))
    withdraw_purchase(conn, ACT, new, "误录")
    assert active(conn, "purchase") == 1
    assert "不存在或已撤销" in refusal(lambda: withdraw_purchase(conn, ACT, new, "误录"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (replace(FUEL, energy="wood"), "能源“wood”不认识"),
        (replace(FUEL, consumer="ship"), "用途“ship”不认识"),
        (replace(FUEL, unit="kWh"), "“kWh”不是汽油的计量单位"),
        (replace(FUEL, institution="nobody"), "机构 nobody 不存在"),
        (replace(FUEL, quantity=Decimal(-1)), "应为不小于 0 的数"),
        (replace(FUEL, amount=Decimal("1.005")), "最多两位小数"),
    ],
)
def test_a_wrong_purchase_is_refused(conn: Conn, wrong: NewPurchase, said: str) -> None:
    assert said in refusal(lambda: enter_purchase(conn, ACT, wrong))
    assert active(conn, "purchase") == 0


@pytest.mark.parametrize(
    ("whose", "since", "said"),
    [
        (("czj", "electricity"), date(2026, 1, 2), "不是月初"),
        (("nobody", "electricity"), JANUARY, "机构 nobody 不存在"),
        (("czj", "wood"), JANUARY, "不认识"),
    ],
)
def test_a_wrong_precedence_is_refused(
    conn: Conn, whose: tuple[str, str], since: date, said: str
) -> None:
    assert said in refusal(lambda: set_precedence(conn, ACT, whose, First.METER, since))


def test_every_act_stands_in_the_audit_log_with_who_and_when(conn: Conn) -> None:
    open_account(conn, meters=("m-1",))
    number = enter_bill(conn, ACT, bill(JANUARY, FEBRUARY))
    number = correct_bill(conn, ACT, number, bill(JANUARY, FEBRUARY, "99"))
    withdraw_bill(conn, ACT, number, "误录")
    release_meter(conn, ACT, "510001", "m-1", MARCH)
    bind_meter(conn, ACT, "510001", "m-3", MARCH)
    assign(conn, ACT, "510001", "jgj", MARCH)
    set_precedence(conn, ACT, ("czj", "electricity"), First.METER, MARCH)
    purchase = enter_purchase(conn, ACT, FUEL)
    withdraw_purchase(conn, ACT, purchase, "误录")
    assert actions(conn) == [
        *("account.add", "bill.enter", "bill.correct", "bill.withdraw", "account.release"),
        *("account.bind", "account.assign", "precedence.set", "purchase.enter"),
        "purchase.withdraw",
    ]
    who = conn.execute("SELECT DISTINCT principal, at FROM audit_log").fetchall()
    assert who == [("王会计", ACT.at)]
