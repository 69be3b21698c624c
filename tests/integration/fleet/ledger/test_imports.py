"""Bringing files in: whole or not at all, once however often, and back again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.ledger.draft import draft
from fleet.ledger.entry import enter_facts, history
from fleet.ledger.imports import apply, imports, undo
from fleet.ledger.lines import COLUMNS
from fleet.ledger.store import withdraw
from fleet.ledger.words import PATH, Papers, read_mapping, words
from registry.refusal import RefusedError
from tests.integration.fleet.ledger.world import (
    ACT,
    CARDS,
    PAPERS,
    SINCE,
    SPENDING,
    TODAY,
    VEHICLES,
    ZONE,
    Conn,
    Rows,
    a_month,
    bring,
    cars,
    spent,
    what_stands,
)
from tests.integration.metering.bills.world import workbook

NOTHING: dict[str, list[tuple[str, str]]] = {table: [] for table in COLUMNS}


def refused(conn: Conn, path: Path, **sheets: Rows) -> list[str]:
    with pytest.raises(RefusedError) as caught:
        bring(conn, path, **sheets)
    return [str(fault) for fault in caught.value.faults]


def test_a_month_comes_in_once_however_often_and_goes_back(conn: Conn, tmp_path: Path) -> None:
    path = tmp_path / "一月.xlsx"
    done = bring(conn, path, **a_month())
    assert done.import_id is not None
    assert done.draft.counts() == {
        "fuel_consumer": 4,
        "consumer_fact": 13,
        "fuel_card_fact": 2,
        "dispatch_order": 2,
        "fleet_spending": 15,
        "fleet_budget": 2,
        "fleet_party": 2,
    }
    stands = what_stands(conn)
    again = bring(conn, tmp_path / "另名.xlsx", **a_month())
    assert (again.import_id, again.draft.unchanged) == (None, 40)
    assert what_stands(conn) == stands

    assert undo(conn, ACT, done.import_id) == 40
    assert what_stands(conn) == NOTHING
    with pytest.raises(RefusedError, match="不存在或已撤销"):
        undo(conn, ACT, done.import_id)
    assert bring(conn, path, **a_month()).import_id is not None
    assert what_stands(conn) == stands
    assert [(one.rows, one.withdrawn_at is None) for one in imports(conn)] == [
        (40, True),
        (40, False),
    ]


def test_every_act_is_in_the_audit_log(conn: Conn, tmp_path: Path) -> None:
    done = bring(conn, tmp_path / "一月.xlsx", 车辆=cars())
    assert done.import_id is not None
    enter_facts(conn, ACT, "A01", ["状态=封存"], date(2026, 3, 1), words())
    number = history(conn, "A01")[-1].id
    withdraw(conn, ACT, "consumer_fact", number, "录错")
    undo(conn, ACT, done.import_id)
    found = conn.execute("SELECT action, principal FROM audit_log ORDER BY id").fetchall()
    assert found == [
        ("vehicle.import", "王会计"),
        ("vehicle.facts", "王会计"),
        ("vehicle.consumer_fact.withdraw", "王会计"),
        ("vehicle.import.undo", "王会计"),
    ]


def test_a_preview_changes_nothing_and_warns_of_cards_that_are_nobodys(
    conn: Conn, tmp_path: Path
) -> None:
    drawn = draft(conn, workbook(tmp_path / "一月.xlsx", **a_month()), PAPERS, ZONE, TODAY)
    assert drawn.warnings == (
        "费用!C2：油卡 9000 当时没有绑定车辆，不计入任何车辆",
        "费用!C7：油卡 9002 当时没有绑定车辆，不计入任何车辆",
    )
    assert what_stands(conn) == NOTHING
    assert conn.execute("SELECT count(*) FROM audit_log").fetchone() == (0,)


def test_one_wrong_cell_refuses_the_file_and_every_one_is_named(conn: Conn, tmp_path: Path) -> None:
    sheets = a_month()
    sheets["车辆"] = [*sheets["车辆"], ["A09", "汽车", "xxx", SINCE]]
    sheets["费用"] = [
        *sheets["费用"][:2],
        spent("T1", None, "9001", "2026-01-04 09:00", "加油", "92号汽油", 40, "三百"),
        spent("T2", "沪Z1", None, "2026-01-04 09:00", "加油", "92号汽油", 40, 300),
    ]
    assert refused(conn, tmp_path / "错.xlsx", **sheets) == [
        "费用!H3：“三百”不是数字；不知道请留空，确实为零请填 0",
        "费用!B4：沪Z1 在 2026-01-04 没有登记，请先在“车辆”表中登记，或核对",
        "车辆!C6：机构 xxx 不存在，请核对编码",
    ]
    assert what_stands(conn) == NOTHING
    assert imports(conn) == []


def test_another_content_under_one_id_is_refused_with_what_stands(
    conn: Conn, tmp_path: Path
) -> None:
    bring(conn, tmp_path / "一.xlsx", **a_month())
    line = spent("T2", None, "9001", "2026-01-04 09:00", "加油", "92号汽油", 40, 301, 1100)
    (said,) = refused(conn, tmp_path / "二.xlsx", 费用=[SPENDING, line])
    assert said.startswith("费用!A2：已录入（编号 ")
    number = int(said.split("编号 ")[1].split("）")[0])
    assert said.endswith(f"jieyong vehicle withdraw fleet_spending {number}")
    withdraw(conn, ACT, "fleet_spending", number, "金额抄错")
    assert bring(conn, tmp_path / "二.xlsx", 费用=[SPENDING, line]).import_id is not None


def test_one_id_twice_in_a_file_is_one_line_or_a_mistake(conn: Conn, tmp_path: Path) -> None:
    bring(conn, tmp_path / "车.xlsx", 车辆=cars())
    line = spent("T2", "A01", None, "2026-01-04 09:00", "加油", "92号汽油", 40, 300)
    other = spent("T2", "A01", None, "2026-01-04 09:00", "加油", "92号汽油", 40, 301)
    assert refused(conn, tmp_path / "错.xlsx", 费用=[SPENDING, line, other]) == [
        "费用!A3：与 费用!2 说的是同一件事而内容不同，请只保留一行"
    ]
    done = bring(conn, tmp_path / "对.xlsx", 费用=[SPENDING, line, line])
    assert (done.draft.counts(), done.draft.unchanged) == ({"fleet_spending": 1}, 1)


def test_undoing_is_refused_while_others_speak_of_its_vehicles(conn: Conn, tmp_path: Path) -> None:
    first = bring(conn, tmp_path / "车.xlsx", 车辆=cars())
    line = spent("T2", "A01", None, "2026-01-04 09:00", "加油", "92号汽油", 40, 300)
    second = bring(conn, tmp_path / "油.xlsx", 费用=[SPENDING, line])
    assert first.import_id is not None
    assert second.import_id is not None
    stands = what_stands(conn)
    with pytest.raises(RefusedError, match="车辆 A01 还有 1 条另外录入的记录"):
        undo(conn, ACT, first.import_id)
    assert what_stands(conn) == stands
    undo(conn, ACT, second.import_id)
    undo(conn, ACT, first.import_id)
    assert what_stands(conn) == NOTHING


def test_a_vehicle_of_the_inventory_is_that_vehicle(conn: Conn, tmp_path: Path) -> None:
    wrong = [VEHICLES, ["A01", "汽车", "jgj", SINCE, "沪A10001"]]
    assert refused(conn, tmp_path / "错.xlsx", 车辆=wrong) == [
        "车辆!C2：清册中这辆车属于机构 czj，请核对编码"
    ]
    bring(conn, tmp_path / "车.xlsx", 车辆=cars())
    assert conn.execute(
        "SELECT c.code, v.code FROM fuel_consumer c LEFT JOIN vehicle v ON v.id = c.vehicle_id"
        " ORDER BY c.code"
    ).fetchall() == [("A01", "A01"), ("A02", None), ("B01", None), ("G1", None)]


def test_a_provider_uploads_its_own_records_from_a_csv(conn: Conn, tmp_path: Path) -> None:
    bring(conn, tmp_path / "车.xlsx", 车辆=cars(), 油卡=[CARDS, ["9001", None, "A01", SINCE]])
    papers = Papers(words(), read_mapping(PATH.parent / "providers" / "example.yaml", words()))
    path = tmp_path / "导出.csv"
    path.write_text(
        "交易序号,持卡卡号,交易发生时间,操作,货品,数量(L),交易额,站点\n"
        "1,9001,2026-01-05 08:30:00,扣款,汽油92,30,240,一站\n"
        "2,9001,2026-01-05 08:00:00,圈存成功,,,500,一站\n",
        encoding="gb18030",
    )
    assert apply(conn, ACT, path, papers, ZONE).import_id is not None
    assert apply(conn, ACT, path, papers, ZONE).import_id is None
    assert imports(conn)[0].provider == "示例石化"
    assert conn.execute(
        "SELECT kind, product, quantity, fen, owner_id IS NOT NULL FROM fleet_spending_owned"
        " ORDER BY kind"
    ).fetchall() == [
        ("filling", "petrol", 30_000, 24_000, True),
        ("transfer", "", None, 50_000, True),
    ]


def test_two_who_import_the_same_at_once_bring_it_in_once(
    conn: Conn, database: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "一月.xlsx", **a_month())

    def work() -> int | None:
        with psycopg.connect(database, autocommit=True) as own:
            return apply(own, ACT, path, PAPERS, ZONE).import_id

    with ThreadPoolExecutor(4) as pool:
        found = [one.result() for one in [pool.submit(work) for _ in range(4)]]
    assert sorted(number for number in found if number is not None) == [1]
    assert len(imports(conn)) == 1


def test_one_fact_said_twice_in_one_go_is_refused(conn: Conn, tmp_path: Path) -> None:
    bring(conn, tmp_path / "车.xlsx", 车辆=cars())
    with pytest.raises(RefusedError, match="状态：写了两次，请删去一个"):
        enter_facts(conn, ACT, "A01", ["状态=封存", "状态=在用"], date(2026, 3, 1), words())


def test_facts_are_entered_all_or_none(conn: Conn, tmp_path: Path) -> None:
    bring(conn, tmp_path / "车.xlsx", 车辆=cars())
    with pytest.raises(RefusedError) as caught:
        enter_facts(
            conn, ACT, "A01", ["状态=封存", "油箱=大", "颜色=红"], date(2026, 3, 1), words()
        )
    assert [str(fault).split("，")[0] for fault in caught.value.faults] == [
        "颜色=红：不认识",
        "油箱=大：“大”不是数字；不知道请留空",
    ]
    with pytest.raises(RefusedError, match="车牌号：自 2026-01-01 起已录入"):
        enter_facts(conn, ACT, "A01", ["车牌=沪A99999"], date(2026, 1, 1), words())
    assert enter_facts(conn, ACT, "A01", ["状态=封存"], date(2026, 3, 1), words()) == 1
    assert enter_facts(conn, ACT, "A01", ["状态=封存"], date(2026, 3, 1), words()) == 0
    last = history(conn, "A01")[-1]
    assert (last.name, last.value, last.since) == ("state", "sealed", date(2026, 3, 1))


def test_progress_is_told_after_every_row(conn: Conn, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = workbook(tmp_path / "车.xlsx", 车辆=cars())
    draft(conn, path, PAPERS, ZONE, TODAY, lambda done, every: told.append((done, every)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4), (4, 4)]


LINES = st.lists(
    st.tuples(
        st.sampled_from([None, "T1", "T2", "T3", "T4", "T5"]),
        st.sampled_from(["A01", "A02", "G1"]),
        st.integers(1, 28),
        st.sampled_from(["加油", "退款", "充值", "维修", "停车"]),
        st.integers(1, 10_000),
    ),
    max_size=12,
    unique_by=lambda line: line[0] or line,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(before=LINES, then=LINES)
def test_undo_of_an_import_is_as_before_and_twice_is_once(
    conn: Conn,
    tmp_path: Path,
    before: list[tuple[str | None, str, int, str, int]],
    then: list[tuple[str | None, str, int, str, int]],
) -> None:
    def sheet(
        lines: list[tuple[str | None, str, int, str, int]], prefix: str
    ) -> list[list[object]]:
        return [
            spent(
                *(txn and prefix + txn, car, None, f"2026-01-{day:02}", kind),
                *("92号汽油" if kind in {"加油", "退款"} else None, None, fen / 100),
            )
            for txn, car, day, kind, fen in lines
        ]

    bring(conn, tmp_path / "车.xlsx", 车辆=cars())
    first = bring(conn, tmp_path / "a.xlsx", 费用=[SPENDING, *sheet(before, "a")])
    stood = what_stands(conn)
    second = bring(conn, tmp_path / "b.xlsx", 费用=[SPENDING, *sheet(then, "b")])
    stands = what_stands(conn)
    assert bring(conn, tmp_path / "b.xlsx", 费用=[SPENDING, *sheet(then, "b")]).import_id is None
    assert what_stands(conn) == stands
    if second.import_id is not None:
        undo(conn, ACT, second.import_id)
    assert what_stands(conn) == stood
    if first.import_id is not None:
        undo(conn, ACT, first.import_id)
    assert what_stands(conn)["fleet_spending"] == []
