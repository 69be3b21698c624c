"""A small county with accounts and meters, and workbooks to bring in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import xlsxwriter

from metering.bills.accounts import add_account
from metering.bills.figures import figures
from metering.bills.model import NewAccount, NewBill, Status
from metering.bills.month import Figure
from metering.derive.times import next_month
from registry.audit import Act
from registry.refusal import RefusedError

Conn = psycopg.Connection[Any]
ZONE = "Asia/Shanghai"
TODAY = date(2028, 1, 5)
ACT = Act("王会计", datetime(2028, 1, 5, 8, tzinfo=UTC))
YEAR = (date(2026, 1, 1), date(2027, 1, 1))
ACCOUNT_HEADINGS = ("户号", "供应单位", "能源", "机构编码", "起始日期", "抄表例日", "计量表编码")
BILL_HEADINGS = ("户号", "起始日期", "截止日期", "用量", "金额", "状态", "说明")
PURCHASE_HEADINGS = ("机构编码", "能源", "日期", "用量", "金额", "用途", "单据号")


def settle(conn: Conn) -> None:
    """Two institutions, three meters at places, of which m-2 stands behind m-1."""
    conn.execute("INSERT INTO institution (code, name) VALUES ('czj', '财政局'), ('jgj', '机关局')")
    for code, energy, unit in (
        ("m-1", "electricity", "kWh"),
        ("m-2", "electricity", "kWh"),
        ("m-3", "electricity", "kWh"),
        ("w-1", "water", "m3"),
    ):
        conn.execute(
            "INSERT INTO place (code, name, measures) VALUES (%s, %s, %s)", [code, code, energy]
        )
        conn.execute(
            "INSERT INTO meter (code, name, energy, unit, place_id)"
            " SELECT %s, %s, %s, %s, id FROM place WHERE code = %s",
            [code, code, energy, unit, code],
        )
    conn.execute(
        "INSERT INTO meter_main (meter_id, main_id, valid)"
        " SELECT s.id, m.id, '[,)' FROM meter s, meter m WHERE s.code = 'm-2' AND m.code = 'm-1'"
    )


def account(code: str = "510001", **more: Any) -> NewAccount:  # noqa: ANN401 - fields of the entry
    usual: dict[str, Any] = {
        "number": code,
        "supplier": "国网供电",
        "energy": "electricity",
        "institution": "czj",
        "since": date(2025, 1, 1),
    }
    return NewAccount(code=code, **(usual | more))


def open_account(conn: Conn, code: str = "510001", **more: Any) -> int:  # noqa: ANN401 - fields of the entry
    return add_account(conn, ACT, account(code, **more))


def bill(first: date, end: date, quantity: str | None = "100", **more: Any) -> NewBill:  # noqa: ANN401 - fields of the entry
    usual: dict[str, Any] = {"account": "510001", "unit": "kWh", "amount": Decimal("80.00")}
    stated = None if quantity is None else Decimal(quantity)
    return NewBill(first=first, end=end, quantity=stated, **(usual | more))


def estimate(first: date, end: date, quantity: str) -> NewBill:
    return bill(first, end, quantity, status=Status.ESTIMATED)


def count_days(
    conn: Conn, meter: str, days: tuple[date, date], micro: int, covered_s: int = 86_400
) -> None:
    """Say that a meter counted so much on every day of ``[first, end)``."""
    conn.execute(
        "INSERT INTO consumption_day (meter_id, day, micro, estimated, covered_s, flags)"
        " SELECT m.id, d::date, %s, 0, %s, 0"
        " FROM meter m, generate_series(%s::timestamp, %s::timestamp, interval '1 day') AS d"
        " WHERE m.code = %s",
        [micro, covered_s, days[0], days[1] - timedelta(days=1), meter],
    )


def of_month(conn: Conn, month: date, energy: str = "electricity", who: str = "czj") -> Figure:
    found = figures(conn, (month, next_month(month)), ZONE, [who])
    return next(one for one in found if one.facts.energy == energy)


def house(conn: Conn) -> None:
    """A building and a room for each institution."""
    conn.execute(
        "INSERT INTO building (code, name, institution_id) SELECT code, name, id FROM institution"
    )
    conn.execute("INSERT INTO room (code, name, building_id) SELECT code, name, id FROM building")


def hang(conn: Conn, meter: str, room: str, micro: int | None = None) -> None:
    conn.execute(
        "INSERT INTO place_room (place_id, room_id, valid) SELECT p.id, r.id, '[,)'"
        " FROM place p, room r WHERE p.code = %s AND r.code = %s",
        [meter, room],
    )
    if micro is not None:
        conn.execute(
            "INSERT INTO consumption_month (meter_id, month, micro, estimated, covered_s, flags)"
            " SELECT id, '2026-01-01', %s, 0, 31 * 86400, 0 FROM meter WHERE code = %s",
            [micro, meter],
        )


def workbook(path: Path, **sheets: Sequence[Sequence[object]]) -> Path:
    """Write rows into sheets as they stand, headings and all."""
    with xlsxwriter.Workbook(str(path)) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for column, value in enumerate(row):
                    if isinstance(value, date):
                        moment = datetime(value.year, value.month, value.day)  # noqa: DTZ001
                        sheet.write_datetime(number, column, moment, day)
                    elif value is not None:
                        sheet.write(number, column, value)
    return path


def full_book(path: Path) -> Path:
    """An account, a month's bill and one that lacks its amount, two fillings that look alike."""
    filling = ("czj", "92号汽油", date(2026, 1, 9), 50, 400, "车辆", "")
    return workbook(
        path,
        户号=[
            ACCOUNT_HEADINGS,
            ("510001", "国网供电", "电", "czj", date(2025, 1, 1), 25, "m-1、m-2"),
        ],
        账单=[
            BILL_HEADINGS,
            ("510001", date(2025, 12, 25), date(2026, 1, 24), 3100, 2480.5, "已结算", ""),
            ("510001", date(2026, 1, 25), date(2026, 2, 24), 3100, None, "估算", ""),
        ],
        购入=[
            PURCHASE_HEADINGS,
            filling,
            filling,
            ("czj", "柴油", "2026-01-20", 30, 240, "发电机", "F-7"),
        ],
    )


def active(conn: Conn, table: str) -> int:
    query = f"SELECT count(*) FROM {table} WHERE withdrawn_at IS NULL"
    row = conn.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def actions(conn: Conn) -> list[str]:
    rows = conn.execute("SELECT action FROM audit_log ORDER BY id").fetchall()
    return [action for (action,) in rows]


def at_once(database: str, conn: Conn, act: Callable[[Conn], object]) -> object:
    """Act in a transaction, and in a second session that must wait for it; return what that got."""
    outcome: list[object] = []

    def other() -> None:
        with psycopg.connect(database) as second:
            try:
                outcome.append(act(second))
            except RefusedError as error:
                outcome.append(str(error))

    with conn.transaction():
        act(conn)
        thread = threading.Thread(target=other)
        thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        with psycopg.connect(database, autocommit=True) as third:
            while thread.is_alive() and third.execute(waiting).fetchone() == (0,):
                thread.join(0.01)
    thread.join()
    return outcome[0]
