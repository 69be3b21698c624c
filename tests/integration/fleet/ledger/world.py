"""Two institutions with a few vehicles, and workbooks to bring in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from fleet.ledger.account import Account, accounts
from fleet.ledger.imports import Applied, apply
from fleet.ledger.lines import COLUMNS
from fleet.ledger.window import Window, months
from fleet.ledger.words import Papers, words
from registry.audit import Act
from tests.integration.metering.bills.world import workbook

Conn = psycopg.Connection[Any]
Rows = Sequence[Sequence[object]]
ZONE = ZoneInfo("Asia/Shanghai")
ACT = Act("王会计", datetime(2027, 1, 5, 8, tzinfo=UTC))
PAPERS = Papers(words())
JANUARY = months(date(2026, 1, 1), 1)
SINCE = date(2026, 1, 1)
TODAY = date(2027, 1, 5)
VEHICLES = (
    "车辆编码",
    "类型",
    "机构编码",
    "起始日期",
    "车牌号",
    "能源",
    "车辆类别",
    "油箱容积",
    "涉密",
)
CARDS = ("卡号", "主卡号", "车辆", "起始时间")
ORDERS = (
    *("派车单号", "车辆", "事由", "乘车人", "审批人"),
    *("出车时间", "回车时间", "出车里程", "回车里程"),
)
SPENDING = (
    *("交易流水号", "车辆", "卡号", "时间", "类别", "油品", "数量", "金额", "里程表", "加满"),
    *("之前漏记", "本单位充电", "商户"),
)


def settle(conn: Conn) -> None:
    """Two institutions, and one vehicle in the inventory."""
    conn.execute("INSERT INTO institution (code, name) VALUES ('czj', '财政局'), ('jgj', '机关局')")
    conn.execute(
        "INSERT INTO vehicle (code, plate, institution_id, energy)"
        " SELECT 'A01', '沪A10001', id, 'petrol' FROM institution WHERE code = 'czj'"
    )


def cars() -> Rows:
    return [
        VEHICLES,
        ["A01", "汽车", "czj", SINCE, "沪A10001", "汽油", "轿车", 55, None],
        ["A02", "汽车", "czj", SINCE, "沪A10002", "柴油", "中型客车", 80, "涉密"],
        ["B01", "汽车", "jgj", SINCE, "沪B10001", "纯电动", "轿车", None, None],
        ["G1", "发电机", "jgj", SINCE, None, "柴油", None, None, None],
    ]


def spent(  # noqa: PLR0917 - a line of a statement
    txn: str | None,
    car: str | None,
    card: str | None,
    at: str,
    kind: str,
    product: str | None = None,
    quantity: object = None,
    amount: object = None,
    odometer: object = None,
    **more: str,
) -> list[object]:
    marks = [more.get(name) for name in ("full", "missed", "own", "merchant")]
    return [txn, car, card, at, kind, product, quantity, amount, odometer, *marks]


def a_month() -> dict[str, Rows]:
    """January 2026: cards, one of them nobody's at first; orders; every kind of line."""
    return {
        "车辆": cars(),
        "油卡": [
            CARDS,
            ["9001", "9000", "A01", "2026-01-01"],
            ["9002", "9000", "A02", "2026-01-10"],
        ],
        "派车单": [
            ORDERS,
            [
                "P1",
                "A01",
                "送文件",
                "李四",
                "王五",
                "2026-01-02 08:00",
                "2026-01-02 10:00",
                1000,
                1040,
            ],
            ["P2", "A01", "开会", None, None, "2026-01-03 08:00", None, None, None],
        ],
        "费用": [
            SPENDING,
            spent("T0", None, "9000", "2026-01-01 09:00", "充值", amount=5000),
            spent("T1", None, "9001", "2026-01-01 09:05", "圈存", amount=1000),
            spent("T2", None, "9001", "2026-01-04 09:00", "加油", "92号汽油", 40, 300, 1100),
            spent("T3", None, "9001", "2026-01-20 09:00", "加油", "92号汽油", 30.5, 228.75, 1500),
            spent("T4", None, "9001", "2026-01-20 09:01", "消费", "便利店商品", 1, 25),
            spent("T5", None, "9002", "2026-01-05 09:00", "加油", "0号柴油", 50, 400),
            spent("T6", None, "9002", "2026-01-15 09:00", "加油", "0号柴油", 60, 480, 8000),
            spent("T7", None, "9002", "2026-01-15 10:00", "消费", "车用尿素", 10, 80),
            spent("T8", None, "9001", "2026-01-21 09:00", "退款", "92号汽油", 0.5, 3.75),
            spent(None, "A01", None, "2026-01-22", "维修", amount=820.5, merchant="示例维修厂"),
            spent(None, "A01", None, "2026-01-22", "通行费", amount=15),
            spent(None, "A01", None, "2026-01-22", "通行费", amount=15),
            spent(None, "B01", None, "2026-01-08 20:00", "充电", None, 30, 36, 500, own="是"),
            spent(None, "B01", None, "2026-01-18 20:00", "充电", None, 20, 32, 800),
            spent(None, "G1", None, "2026-01-09", "加油", "0号柴油", 100, 800),
            ["合计", None, None, None, None, None, 341, 7000],
        ],
        "预算": [
            ("机构编码", "车辆", "年度", "预算金额"),
            ["czj", None, 2026, 30000],
            ["czj", "A01", 2026, 20000],
        ],
        "人员与定点": [
            ("类别", "名称", "机构编码", "起始日期"),
            ["司机", "张三", "czj", SINCE],
            ["定点维修厂", "示例维修厂", None, SINCE],
        ],
    }


def bring(conn: Conn, path: Path, **sheets: Rows) -> Applied:
    """Write a workbook and import it."""
    return apply(conn, ACT, workbook(path, **sheets), PAPERS, ZONE)


def january(conn: Conn, window: Window = JANUARY) -> dict[str, Account]:
    return {one.consumer.code: one for one in accounts(conn, window, ZONE, words())}


def what_stands(conn: Conn) -> dict[str, list[tuple[str, str]]]:
    """Return what every table says, without numbers."""
    return {
        table: conn.execute(
            f"SELECT key, content FROM {table} WHERE withdrawn_at IS NULL ORDER BY 1, 2".encode()
        ).fetchall()
        for table in COLUMNS
    }
