from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from metering.bills.accounts import assign
from metering.bills.draft import draft
from metering.bills.entry import correct_bill, enter_bill
from metering.bills.imports import apply, imports, undo
from metering.bills.standing import standing_accounts
from metering.bills.template import write_template
from metering.bills.words import words
from registry.refusal import RefusedError
from tests.integration.metering.bills.world import (
    ACCOUNT_HEADINGS,
    ACT,
    BILL_HEADINGS,
    PURCHASE_HEADINGS,
    TODAY,
    Conn,
    actions,
    active,
    at_once,
    bill,
    full_book,
    of_month,
    open_account,
    workbook,
)

ENERGIES = "电、水、天然气、热力、冷量、煤炭、汽油、柴油、液化石油气、其他能源"
UNITS = "kWh、千瓦时、度、MWh、兆瓦时、万千瓦时、万kWh"
JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)


def refusals(act: Callable[[], object]) -> list[str]:
    with pytest.raises(RefusedError) as caught:
        act()
    return [str(fault) for fault in caught.value.faults]


def state(conn: Conn) -> dict[str, list[tuple[object, ...]]]:
    tables = (
        *("utility_account", "utility_account_institution", "utility_account_meter"),
        *("bill", "bill_part", "purchase", "bill_import", "audit_log"),
    )
    return {t: conn.execute(f"SELECT * FROM {t} ORDER BY 1, 2".encode()).fetchall() for t in tables}


def test_a_workbook_comes_in_whole(conn: Conn, tmp_path: Path) -> None:
    done = apply(conn, ACT, full_book(tmp_path / "一月.xlsx"))
    assert done.import_id == 1
    assert done.draft.warnings == ("账单!E3：有用量而无金额，待说明",)
    rows = conn.execute(
        "SELECT lower(period), upper(period), status, quantity, amount, cell, entered_by"
        " FROM bill ORDER BY 1"
    ).fetchall()
    assert rows == [
        (
            *(date(2025, 12, 25), date(2026, 1, 25), "settled", Decimal(3100)),
            *(Decimal("2480.50"), "账单!2", "王会计"),
        ),
        (
            *(date(2026, 1, 25), date(2026, 2, 25), "estimated", Decimal(3100)),
            *(None, "账单!3", "王会计"),
        ),
    ]
    bought = conn.execute(
        "SELECT energy, quantity, unit, consumer, document, nth FROM purchase ORDER BY id"
    ).fetchall()
    assert bought == [
        ("petrol", Decimal(50), "L", "vehicle", "", 1),
        ("petrol", Decimal(50), "L", "vehicle", "", 2),
        ("diesel", Decimal(30), "L", "other", "F-7", 1),
    ]
    (known,) = standing_accounts(conn).values()
    assert known.account.reading_day == 25
    assert known.meters == frozenset(("m-1", "m-2"))
    assert actions(conn) == ["account.add", "bill.import"]


def test_the_same_workbook_once_more_changes_nothing(conn: Conn, tmp_path: Path) -> None:
    apply(conn, ACT, full_book(tmp_path / "一月.xlsx"))
    before = state(conn)
    again = apply(conn, ACT, full_book(tmp_path / "同样内容.xlsx"))
    assert (again.import_id, again.draft.unchanged) == (None, 6)
    assert state(conn) == before


def test_a_preview_says_what_would_come_and_changes_nothing(conn: Conn, tmp_path: Path) -> None:
    before = state(conn)
    drawn = draft(conn, full_book(tmp_path / "一月.xlsx"), TODAY)
    assert [len(drawn.accounts), len(drawn.bills), len(drawn.purchases)] == [1, 2, 3]
    assert bool(drawn)
    assert state(conn) == before


def test_a_longer_file_brings_only_what_is_new(conn: Conn, tmp_path: Path) -> None:
    open_account(conn)
    rows: list[tuple[object, ...]] = [
        ("510001", JANUARY, date(2026, 1, 31), 100, 80, "", ""),
        ("510001", FEBRUARY, date(2026, 2, 28), 90, 70, "", ""),
    ]
    apply(conn, ACT, workbook(tmp_path / "a.xlsx", 账单=[BILL_HEADINGS, rows[0]]))
    done = apply(conn, ACT, workbook(tmp_path / "b.xlsx", 账单=[BILL_HEADINGS, *rows]))
    assert (done.draft.unchanged, len(done.draft.bills)) == (1, 1)
    assert active(conn, "bill") == 2


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("账单", (BILL_HEADINGS, ("510001", JANUARY, date(2026, 1, 31), 1, 1, "", ""))),
        ("购入", (PURCHASE_HEADINGS, ("czj", "煤炭", JANUARY, 5, 9, "", ""))),
        ("户号", (ACCOUNT_HEADINGS, ("7", "燃气", "气", "czj", JANUARY, 1, ""))),
    ],
)
def test_of_two_who_import_the_same_at_once_one_is_refused(
    conn: Conn, database: str, tmp_path: Path, name: str, rows: Sequence[Sequence[object]]
) -> None:
    open_account(conn)
    path = workbook(tmp_path / "a.xlsx", **{name: rows})
    got = at_once(database, conn, lambda one: apply(one, ACT, path))
    assert got in {
        "a.xlsx：导入期间有人录入了相同的内容，请重新导入",
        "户号!2：户号 7（编码 7）已经登记，不能再次登记",
    }
    assert apply(conn, ACT, path).import_id is None
    assert len(imports(conn)) == 1


def test_undoing_an_import_withdraws_it_and_it_can_come_again(conn: Conn, tmp_path: Path) -> None:
    path = full_book(tmp_path / "一月.xlsx")
    apply(conn, ACT, path)
    assert undo(conn, ACT, 1) == 8  # 2 bills, 3 purchases, an institution, 2 meters
    assert [active(conn, t) for t in ("bill", "purchase", "utility_account_meter")] == [0, 0, 0]
    assert len(refusals(lambda: undo(conn, ACT, 1))) == 1
    again = apply(conn, ACT, path)
    assert (len(again.draft.placed), len(again.draft.bills)) == (1, 2)
    assert active(conn, "bill") == 2
    newest, first = imports(conn)
    assert (newest.bills, newest.purchases, newest.withdrawn_at) == (2, 3, None)
    assert (first.id, first.withdrawn_by, first.withdrawn_at) == (1, "王会计", ACT.at)


def test_an_import_whose_accounts_are_in_use_is_not_undone(conn: Conn, tmp_path: Path) -> None:
    apply(conn, ACT, full_book(tmp_path / "一月.xlsx"))
    enter_bill(conn, ACT, bill(date(2026, 2, 25), date(2026, 3, 25)))
    before = state(conn)
    said = refusals(lambda: undo(conn, ACT, 1))
    assert said == ["户号 510001 还有 1 张另外录入的账单，请先撤销这些账单"]
    assert state(conn) == before


def test_what_was_corrected_since_stays_corrected(conn: Conn, tmp_path: Path) -> None:
    open_account(conn)
    row = ("510001", JANUARY, date(2026, 1, 31), 1000, 80, "", "")
    apply(conn, ACT, workbook(tmp_path / "a.xlsx", 账单=[BILL_HEADINGS, row]))
    ((wrong,),) = conn.execute("SELECT id FROM bill").fetchall()
    correct_bill(conn, ACT, wrong, bill(JANUARY, FEBRUARY, "100"))
    assert undo(conn, ACT, 1) == 0
    assert of_month(conn, JANUARY).micro == 100_000_000


def test_every_mistake_is_named_with_its_cell_and_nothing_comes_in(
    conn: Conn, tmp_path: Path
) -> None:
    open_account(conn)
    path = workbook(
        tmp_path / "错.xlsx",
        户号=[
            ACCOUNT_HEADINGS,
            ("510009", "国网供电", "蒸汽", "czj", JANUARY, 35, ""),
            ("510008", "国网供电", "电", "nobody", JANUARY, None, "m-9"),
            ("510007", "", "电", "czj", "昨天", None, ""),
        ],
        账单=[
            BILL_HEADINGS,
            ("510001", FEBRUARY, date(2026, 1, 15), 100, 80, "", ""),
            ("510001", MARCH, date(2026, 3, 31), "约一百", 80, "抄了", ""),
            ("999999", MARCH, date(2026, 3, 31), 100, 80, "", ""),
            ("510001", MARCH, None, None, None, "", ""),
            ("510001", MARCH, date(2026, 3, 31), None, None, "", ""),
            ("510001", JANUARY, date(2026, 1, 31), 100, 80, "", ""),
            ("510001", date(2026, 1, 31), date(2026, 2, 5), 100, 80.005, "", ""),
        ],
        购入=[
            PURCHASE_HEADINGS,
            ("czj", "汽油", "2026-13-01", 50, 400, "车辆", ""),
            ("czj", "汽油", JANUARY, 50, 400, "", ""),
            ("czj", "木柴", JANUARY, 50, 400, "", ""),
            ("nobody", "煤炭", JANUARY, -5, 400, "", ""),
        ],
    )
    before = state(conn)
    said = refusals(lambda: apply(conn, ACT, path))
    assert said == [
        f"户号!C2：能源“蒸汽”不认识，请从这些中选：{ENERGIES}",
        "户号!F2：抄表例日 35 应为 1 到 31",
        "户号!E4：“昨天”不是日期，请写成 2026-01-31",
        "户号!B4：没有填写，请补上",
        "户号!D3：机构 nobody 不存在，请核对编码",
        "户号!G3：计量表 m-9 不存在，请核对编码",
        "账单!C2：账单止于 2026-01-16（不含），不晚于起始日 2026-02-01，请核对",
        "账单!F3：“抄了”不认识，请填 已结算、估算",
        "账单!D3：“约一百”不是数字；不知道请留空，确实为零请填 0",
        "账单!A4：户号 999999 没有登记，请先在“户号”表中登记，或核对号码",
        "账单!C5：没有账单的起止日期，请填写起始日期和截止日期，或账单月份",
        "账单!D6：用量和金额都没有填写，至少填写一项（确实为零请填 0）",
        "账单!E8：金额 80.005 最多两位小数（元）",
        "购入!C2：“2026-13-01”不是日期，请写成 2026-01-31",
        "购入!F3：用途“”不认识，请填：车辆、其他",
        f"购入!B4：“木柴”不认识，请从这些中选：{ENERGIES}",
        "购入!D5：用量 -5 应为不小于 0 的数；退补请撤销原账单后重新录入",
    ]
    assert state(conn) == before


def test_overlaps_are_named_with_both_sides(conn: Conn, tmp_path: Path) -> None:
    open_account(conn)
    number = enter_bill(conn, ACT, bill(JANUARY, FEBRUARY))
    rows = [
        ("510001", JANUARY, date(2026, 1, 31), 101, 80, "", ""),
        ("510001", MARCH, date(2026, 3, 31), 100, 80, "", ""),
        ("510001", date(2026, 3, 31), date(2026, 4, 30), 100, 80, "", ""),
    ]
    path = workbook(tmp_path / "a.xlsx", 账单=[BILL_HEADINGS, *rows])
    there = f"与账单 {number}（2026-01-01 起，至 2026-02-01 不含）时段重叠而内容不同"
    assert refusals(lambda: apply(conn, ACT, path)) == [
        f"账单!A2：{there}；更正请先执行 jieyong bill withdraw {number}",
        "账单!A4：与 账单!3 的账单时段重叠，请核对起止日期",
    ]


def test_an_account_that_stands_otherwise_is_refused(conn: Conn, tmp_path: Path) -> None:
    open_account(conn, reading_day=25)
    row = ("510001", "国网供电", "电", "jgj", date(2025, 6, 1), 1, "")
    path = workbook(tmp_path / "a.xlsx", 户号=[ACCOUNT_HEADINGS, row])
    assert refusals(lambda: apply(conn, ACT, path)) == [
        "户号!F2：户号 510001 登记为“25”，与“1”不同；更正请用 jieyong bill account 命令",
        "户号!D2：户号 510001 在 2025-06-01 归属 czj；变更归属请用 jieyong bill assign 命令",
    ]


def test_a_meter_that_cannot_count_an_account_is_refused_with_its_cell(
    conn: Conn, tmp_path: Path
) -> None:
    open_account(conn, meters=("m-1",))
    rows = [
        ("510002", "国网供电", "电", "czj", JANUARY, None, "m-3,m-1"),
        ("510003", "国网供电", "电", "czj", JANUARY, None, "m-3"),
        ("510004", "国网供电", "电", "czj", JANUARY, None, "w-1"),
    ]
    path = workbook(tmp_path / "a.xlsx", 户号=[ACCOUNT_HEADINGS, *rows])
    before = state(conn)
    assert refusals(lambda: draft(conn, path, TODAY)) == [
        "户号!G2：计量表 m-1 已属于户号 510001，一块表同时只能属于一个户号",
        "户号!G3：计量表 m-3 已写在 户号!2，一块表同时只能属于一个户号",
        "户号!G4：计量表 w-1（water，m3）与户号（electricity，kWh）不一致，请核对",
    ]
    assert state(conn) == before


def test_a_suppliers_own_sheet_is_read_by_its_headings(conn: Conn, tmp_path: Path) -> None:
    open_account(conn, reading_day=25)
    path = workbook(
        tmp_path / "供电公司.xlsx",
        Sheet1=[
            ("某供电公司电费明细",),
            (),
            (
                "用户编号",
                "电费年月",
                "总电量\n(万千瓦时)",
                "高峰电量",
                "低谷电量",
                "电费（元）",
                "功率因数",
            ),
            (510001, 202601, 0.31, 0.2, 0.1, "2,480.50", 0.95),
            (510001, "2026年2月", 0.28, None, None, 2240, 0.96),
            ("合计", None, 0.59, None, None, 4720.5, None),
        ],
    )
    done = apply(conn, ACT, path)
    assert done.draft.ignored == ("Sheet1：功率因数",)
    assert done.draft.warnings == ("Sheet1!C4：分时用量合计 0.3 与用量 0.31 不等，请说明",)
    rows = conn.execute(
        "SELECT lower(period), upper(period), quantity, unit, amount FROM bill ORDER BY 1"
    ).fetchall()
    assert rows == [
        (
            *(date(2025, 12, 25), date(2026, 1, 25)),
            *(Decimal("0.31"), "万千瓦时", Decimal("2480.50")),
        ),
        (date(2026, 1, 25), date(2026, 2, 25), Decimal("0.28"), "万千瓦时", Decimal(2240)),
    ]
    assert of_month(conn, date(2026, 2, 1)).bill_ids == (2,)


def test_a_gap_between_bills_is_pointed_out(conn: Conn, tmp_path: Path) -> None:
    open_account(conn)
    enter_bill(conn, ACT, bill(JANUARY, FEBRUARY))
    row = ("510001", MARCH, date(2026, 3, 31), 100, 80, "", "")
    drawn = draft(conn, workbook(tmp_path / "a.xlsx", 账单=[BILL_HEADINGS, row]), TODAY)
    assert drawn.warnings == (
        "户号 510001：2026-02-01 至 2026-03-01（不含）之间没有账单，请核对是否缺漏",
    )


@pytest.mark.parametrize(
    ("headings", "said"),
    [
        (("户号", "用量"), "账单!1：缺少“账单月份”或“用能周期”或“起始日期”列，请补上表头"),
        (("电话", "地址"), "账单：前 20 行内没有找到表头，请用模板填写"),
        (
            ("户号", "账单月份", "用量", "电量"),
            "账单!D1：“电量”与 C1 是同一项，请只保留一列",
        ),
        (
            ("户号", "账单月份", "用量（兆焦）"),
            f"账单!C1：表头单位“兆焦”不是电的计量单位，可用：{UNITS}",
        ),
        (("户号", "账单月份", "金额（万元）"), "账单!C1：金额的单位是“万元”，请换算成元后再导入"),
    ],
)
def test_a_sheet_of_the_wrong_shape_is_refused(
    conn: Conn, tmp_path: Path, headings: tuple[str, ...], said: str
) -> None:
    open_account(conn)
    path = workbook(tmp_path / "a.xlsx", 账单=[headings, ("510001", "2026-01", 5, 5)])
    assert said in refusals(lambda: apply(conn, ACT, path))
    assert active(conn, "bill") == 0


def test_what_is_no_workbook_is_refused(conn: Conn, tmp_path: Path) -> None:
    broken = tmp_path / "a.xlsx"
    broken.write_text("no workbook", encoding="utf-8")
    (said,) = refusals(lambda: apply(conn, ACT, broken))
    assert said.startswith("a.xlsx：不是能读取的 Excel 文件")
    other = workbook(tmp_path / "b.xlsx", 通讯录=[("姓名", "电话"), ("张三", 1)])
    (said,) = refusals(lambda: apply(conn, ACT, other))
    assert said == "b.xlsx：没有找到可导入的工作表（户号、账单、购入），请用模板填写"


def test_the_template_lists_the_accounts_and_comes_back_unchanged(
    conn: Conn, tmp_path: Path
) -> None:
    open_account(conn, reading_day=25, meters=("m-1",), name="县财政局", prepaid=True)
    open_account(conn, "510002")
    assign(conn, ACT, "510002", "jgj", MARCH)
    path = tmp_path / "模板.xlsx"
    write_template(path, words(), list(standing_accounts(conn).values()))
    drawn = draft(conn, path, TODAY)
    assert (bool(drawn), drawn.unchanged) == (False, 2)


def test_every_bill_that_overlaps_a_long_one_is_named(conn: Conn, tmp_path: Path) -> None:
    open_account(conn)
    book = workbook(
        tmp_path / "重叠.xlsx",
        账单=[
            BILL_HEADINGS,
            ("510001", JANUARY, date(2026, 3, 31), 9, 9, "", ""),
            ("510001", date(2026, 1, 5), date(2026, 1, 9), 1, 1, "", ""),
            ("510001", date(2026, 2, 5), date(2026, 2, 9), 1, 1, "", ""),
            ("510001", date(2026, 4, 1), date(2026, 4, 30), 1, 1, "", ""),
        ],
    )
    assert refusals(lambda: apply(conn, ACT, book)) == [
        f"账单!A{row}：与 账单!2 的账单时段重叠，请核对起止日期" for row in (3, 4)
    ]


def test_a_bill_in_another_unit_is_the_same_bill(conn: Conn, tmp_path: Path) -> None:
    open_account(conn)
    headings = ("户号", "起始日期", "截止日期", "用量", "单位", "金额")
    written = [(1500, "kWh"), (1.5, "MWh"), (1.5, "kWh")]
    books = [
        workbook(
            tmp_path / f"{number}.xlsx",
            账单=[headings, ("510001", JANUARY, date(2026, 1, 31), *quantity, 80)],
        )
        for number, quantity in enumerate(written)
    ]
    assert apply(conn, ACT, books[0]).import_id is not None
    assert apply(conn, ACT, books[1]).draft.unchanged == 1
    assert "时段重叠而内容不同" in refusals(lambda: apply(conn, ACT, books[2]))[0]
