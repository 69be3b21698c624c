"""Signed by three, frozen, returned, revised; whatever is signed is what stands there."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest

from registry.audit import Act
from registry.refusal import RefusedError
from reporting.draft import store
from reporting.draft.cells import Cell, Standing
from reporting.draft.entering import Entered, enter
from reporting.draft.period import period_of
from reporting.life import acting
from reporting.life.content import Explained, content
from reporting.life.life import Role, State, Step
from tests.integration.metering.bills.world import Conn, open_account
from tests.integration.reporting.test_drafts import (
    EDITIONS,
    STATISTICS,
    billed,
    compiled,
    months,
    values,
)

ACT = Act("张三", datetime(2027, 1, 6, tzinfo=UTC))
JANUARY = period_of("2026-01")
WHOSE = ("czj", JANUARY)


@pytest.fixture
def draft(conn: Conn) -> store.Draft:
    """A draft of January in which nothing blocks; what is found of it is explained."""
    open_account(conn)
    billed(conn, date(2026, 1, 1), "100")
    found = compiled(conn, "2026-01", "czj")["czj"]
    for rule in dict.fromkeys(one.rule for one in found.findings):
        acting.explain(conn, ACT, *WHOSE, rule, "已核对")
    return found


def standing(conn: Conn) -> store.Draft:
    return store.read(conn, JANUARY, ["czj"])["czj"]


def signed(conn: Conn, *roles: Role) -> State:
    return [acting.sign(conn, ACT, *WHOSE, role, STATISTICS) for role in roles or Role][-1]


def test_from_draft_to_accepted(conn: Conn, draft: store.Draft) -> None:
    assert signed(conn, Role.FILLER) is State.HANDED_IN
    assert signed(conn, Role.LEAD) is State.HANDED_IN
    assert signed(conn, Role.HEAD) is State.SIGNED
    assert acting.do(conn, ACT, *WHOSE, Step.SUBMIT) is State.SUBMITTED
    assert acting.do(conn, ACT, *WHOSE, Step.ACCEPT) is State.ACCEPTED
    assert standing(conn) == replace(draft, state=State.ACCEPTED)
    deeds = conn.execute("SELECT step, role, sha256 FROM report_deed ORDER BY id").fetchall()
    assert [row[:2] for row in deeds] == [
        *(("sign", role) for role in ("filler", "lead", "head")),
        ("submit", None),
        ("accept", None),
    ]
    assert len({bytes(row[2]) for row in deeds}) == 1
    log = conn.execute("SELECT action FROM audit_log WHERE action LIKE 'report.%' ORDER BY id")
    assert [action for (action,) in log][-5:] == [
        *(["report.sign"] * 3),
        "report.submit",
        "report.accept",
    ]


def test_what_blocks_is_not_signed(conn: Conn) -> None:
    open_account(conn)
    compiled(conn, "2026-01", "czj")
    with pytest.raises(
        RefusedError, match=r"尚不能签字：电（110）未知：2026-01 用量未知；补录账单或购入"
    ):
        signed(conn, Role.FILLER)


def test_what_asks_is_signed_once_it_is_explained(conn: Conn) -> None:
    open_account(conn)
    billed(conn, date(2025, 1, 1), "100")
    billed(conn, date(2026, 1, 1), "200")
    compiled(conn, "2026-01", "czj")
    for rule in ("fact-missing", "use-change"):
        with pytest.raises(RefusedError, match="尚不能签字"):
            signed(conn, Role.FILLER)
        acting.explain(conn, ACT, *WHOSE, rule, "新增办公楼")
    assert signed(conn, Role.FILLER) is State.HANDED_IN


def test_what_is_handed_in_is_what_would_be_compiled_now(conn: Conn, draft: store.Draft) -> None:
    enter(conn, ACT, WHOSE, EDITIONS[-1], Entered("210", Decimal(73)))
    with pytest.raises(RefusedError, match=r"依据有变（指标 210），.*--period 2026-01"):
        signed(conn, Role.FILLER)
    enter(conn, ACT, WHOSE, EDITIONS[-1], Entered("210", None))
    conn.execute("UPDATE bill SET amount = amount + 1")
    with pytest.raises(RefusedError, match="依据有变（指标 111）"):
        signed(conn, Role.FILLER)
    compiled(conn, "2026-01", "czj")
    assert signed(conn, Role.FILLER) is State.HANDED_IN
    assert draft.cells["111"].value == 80


def test_a_year_is_not_signed_that_is_not_its_quarters_any_more(conn: Conn) -> None:
    open_account(conn)
    for month in months(2025):
        billed(conn, month, "100")
    compiled(conn, "2025Q1", "czj")
    year = period_of("2025")
    for rule in {one.rule for one in compiled(conn, "2025", "czj")["czj"].findings}:
        acting.explain(conn, ACT, "czj", year, rule, "已核对")
    conn.execute("UPDATE bill SET quantity = 90 WHERE lower(period) = '2025-01-01'")
    compiled(conn, "2025Q1", "czj")
    with pytest.raises(RefusedError, match="依据有变（指标 110）"):
        acting.sign(conn, ACT, "czj", year, Role.FILLER, STATISTICS)


def test_what_stood_there_a_year_before_is_frozen_as_well(conn: Conn) -> None:
    open_account(conn)
    billed(conn, date(2025, 1, 1), "100")
    billed(conn, date(2026, 1, 1), "100")
    # Nobody made a draft of that time: what would be compiled is what the audit looks at.
    for rule in {one.rule for one in compiled(conn, "2026-01", "czj")["czj"].findings}:
        acting.explain(conn, ACT, *WHOSE, rule, "已核对")
    signed(conn)
    conn.execute("UPDATE bill SET quantity = 90 WHERE lower(period) = '2025-01-01'")
    compiled(conn, "2025-01", "czj")
    assert standing(conn).cells["110"].before == 100


def test_an_explanation_does_not_outlive_what_it_explained(conn: Conn) -> None:
    open_account(conn)
    billed(conn, date(2025, 1, 1), "100")
    billed(conn, date(2026, 1, 1), "200")
    for rule in {one.rule for one in compiled(conn, "2026-01", "czj")["czj"].findings}:
        acting.explain(conn, ACT, *WHOSE, rule, "新增办公楼")
    conn.execute("UPDATE bill SET quantity = 900 WHERE quantity = 200")
    compiled(conn, "2026-01", "czj")
    with pytest.raises(RefusedError, match=r"电（110）为 900\.00，上年同期 100\.00"):
        signed(conn, Role.FILLER)
    conn.execute("UPDATE bill SET quantity = 200 WHERE quantity = 900")
    compiled(conn, "2026-01", "czj")
    assert signed(conn, Role.FILLER) is State.HANDED_IN


def test_what_was_explained_of_a_signed_revision_stays(conn: Conn, draft: store.Draft) -> None:
    signed(conn)
    acting.do(conn, ACT, *WHOSE, Step.REVISE, "漏填")
    of = "SELECT id, words, entered_by, entered_at FROM report_explanation WHERE number = %s"
    kept = conn.execute(of, [1]).fetchall()
    assert [row[1:] for row in conn.execute(of, [2])] == [row[1:] for row in kept]
    acting.explain(conn, ACT, *WHOSE, draft.findings[0].rule, "另一原因")
    assert conn.execute(of, [1]).fetchall() == kept


def test_an_explanation_holds_for_what_it_explained(conn: Conn, draft: store.Draft) -> None:
    assert draft.findings
    with pytest.raises(RefusedError, match="没有 year 的审核结果"):
        acting.explain(conn, ACT, *WHOSE, "year", "x")
    with pytest.raises(RefusedError, match="写明原因"):
        acting.explain(conn, ACT, *WHOSE, draft.findings[0].rule, " ")
    acting.explain(conn, ACT, *WHOSE, draft.findings[0].rule, "另一原因")
    counts = conn.execute(
        "SELECT count(*), count(withdrawn_at) FROM report_explanation WHERE rule = %s",
        [draft.findings[0].rule],
    ).fetchone()
    assert counts is not None
    assert counts[0] == 2 * counts[1]
    signed(conn, Role.FILLER)
    with pytest.raises(RefusedError, match="不能再说明"):
        acting.explain(conn, ACT, *WHOSE, draft.findings[0].rule, "x")


@pytest.mark.parametrize("roles", [(Role.FILLER,), tuple(Role)])
def test_what_is_signed_is_not_compiled_anew(
    conn: Conn, draft: store.Draft, roles: tuple[Role, ...]
) -> None:
    state = signed(conn, *roles)
    conn.execute("UPDATE bill SET quantity = 999")
    assert compiled(conn, "2026-01", "czj") == {}
    assert standing(conn) == replace(draft, state=state)


@pytest.mark.parametrize("role", [Role.FILLER, Role.HEAD])
@pytest.mark.usefixtures("draft")
def test_what_is_signed_is_no_draft_again(conn: Conn, role: Role) -> None:
    signed(conn, *[*Role][: [*Role].index(role) + 1])
    back = "UPDATE report_revision SET state = 'draft', sha256 = NULL"
    if role is Role.FILLER:
        conn.execute(back)
        return
    with pytest.raises(psycopg.errors.RaiseException, match="revise it"):
        conn.execute(back)


@pytest.mark.usefixtures("draft")
def test_nothing_is_moved_into_what_is_signed(conn: Conn) -> None:
    signed(conn)
    compiled(conn, "2026-01", "jgj")
    conn.execute(
        "INSERT INTO report_cell SELECT report_id, 1, 'x', 1, 'known', '', '[]'"
        " FROM report_revision WHERE state = 'draft'"
    )
    with pytest.raises(psycopg.errors.RaiseException, match="frozen"):
        conn.execute("UPDATE report_cell SET report_id = 1 WHERE line = 'x'")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE report_cell SET value = 1 WHERE line = '110'",
        "DELETE FROM report_cell WHERE line = '110'",
        "INSERT INTO report_cell VALUES (1, 1, 'x', 1, 'known', '', '[]')",
        "DELETE FROM report_finding",
        "UPDATE report_finding SET said = ''",
        "UPDATE report_explanation SET words = 'x'",
        "DELETE FROM report_explanation",
        "TRUNCATE report_cell",
        "TRUNCATE report_finding",
        "TRUNCATE report_explanation",
        "TRUNCATE report_deed",
        "TRUNCATE institution CASCADE",
        "DELETE FROM report_deed",
        "UPDATE report_revision SET edition = '2022'",
        "UPDATE report_revision SET sha256 = sha256('x')",
        "UPDATE report_revision SET sha256 = NULL",
    ],
)
@pytest.mark.usefixtures("draft")
def test_the_database_itself_refuses_to_change_what_is_signed(conn: Conn, change: str) -> None:
    signed(conn, Role.FILLER)
    with pytest.raises((psycopg.errors.RaiseException, psycopg.errors.CheckViolation)):
        conn.execute(change.encode())


def test_taken_back_it_is_compiled_anew_and_signed_from_the_beginning(
    conn: Conn, draft: store.Draft
) -> None:
    signed(conn, Role.FILLER, Role.LEAD)
    assert acting.do(conn, ACT, *WHOSE, Step.TAKE_BACK, "账单有误") is State.DRAFT
    conn.execute("UPDATE bill SET quantity = 90")
    assert values(compiled(conn, "2026-01", "czj")["czj"], "110") == ["90.00"]
    with pytest.raises(RefusedError, match="现由填表人签字"):
        signed(conn, Role.HEAD)
    assert signed(conn) is State.SIGNED
    assert standing(conn).number == draft.number


def test_returned_it_is_revised_and_the_first_one_stays(conn: Conn, draft: store.Draft) -> None:
    signed(conn)
    acting.do(conn, ACT, *WHOSE, Step.SUBMIT)
    acting.do(conn, ACT, *WHOSE, Step.RETURN, "电量与账单不符")
    assert acting.do(conn, ACT, *WHOSE, Step.REVISE, "按退回意见") is State.DRAFT
    assert standing(conn) == replace(draft, number=2, compiled_at=ACT.at)
    conn.execute("UPDATE bill SET quantity = 90")
    again = compiled(conn, "2026-01", "czj")["czj"]
    assert (again.number, values(again, "110")) == (2, ["90.00"])
    assert standing(conn) == again
    rows = conn.execute(
        "SELECT number, state, value FROM report_revision JOIN report_cell"
        " USING (report_id, number) WHERE line = '110' ORDER BY 1"
    ).fetchall()
    assert rows == [(1, "returned", Decimal("100.00")), (2, "draft", Decimal("90.00"))]
    assert signed(conn) is State.SIGNED


def test_what_stands_there_is_what_the_others_signed(conn: Conn, draft: store.Draft) -> None:
    signed(conn, Role.FILLER)
    conn.execute("ALTER TABLE report_cell DISABLE TRIGGER ALL")
    conn.execute("UPDATE report_cell SET value = 999 WHERE line = '110'")
    with pytest.raises(RefusedError, match="与已签的内容不符"):
        signed(conn, Role.LEAD)
    assert draft.cells["110"].value == 100


def test_every_figure_is_signed(draft: store.Draft) -> None:
    whole = content(draft, {})
    for code, cell in draft.cells.items():
        other = {**draft.cells, code: Cell(code, Decimal(7), Standing.KNOWN, "", cell.traces)}
        assert content(replace(draft, cells=other), {}) != whole
        other = {**draft.cells, code: replace(cell, before=Decimal(7))}
        assert content(replace(draft, cells=other), {}) != whole
    others = [replace(draft, number=2), replace(draft, edition="2022")]
    said: Explained = {("use-change", ("110",)): "新增"}
    bodies = [whole, content(draft, said), *(content(one, {}) for one in others)]
    assert len(set(bodies)) == 4


def test_of_several_who_sign_at_once_one_does(
    conn: Conn, database: str, draft: store.Draft
) -> None:
    start, done = threading.Barrier(4), list[State]()

    def work() -> None:
        with psycopg.connect(database, autocommit=True) as own:
            start.wait()
            with contextlib.suppress(RefusedError):
                done.append(acting.sign(own, ACT, *WHOSE, Role.FILLER, STATISTICS))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [State.HANDED_IN]
    assert conn.execute("SELECT count(*) FROM report_deed").fetchone() == (1,)
    assert standing(conn) == replace(draft, state=State.HANDED_IN)


class Behind:
    """What somebody tries while another, who holds the report, is not done yet."""

    def __init__(self, database: str, work: Callable[[Conn], object]) -> None:
        self._database, self._work = database, work
        self._thread = threading.Thread(target=self._run)
        self.said = list[object]()

    def _run(self) -> None:
        with psycopg.connect(self._database, autocommit=True) as own:
            try:
                self.said.append(self._work(own))
            except RefusedError as error:
                self.said.append(str(error))

    def wait(self, conn: Conn) -> None:
        """Begin, and return once it waits for the lock."""
        self._thread.start()
        while not conn.execute("SELECT FROM pg_locks WHERE NOT granted").fetchall():
            assert self._thread.is_alive()
            time.sleep(0.01)

    def done(self) -> list[object]:
        self._thread.join()
        return self.said


@pytest.mark.usefixtures("draft")
def test_who_waited_sees_what_was_done_meanwhile(conn: Conn, database: str) -> None:
    signed(conn, Role.FILLER, Role.LEAD)
    other = Behind(database, lambda own: acting.do(own, ACT, *WHOSE, Step.TAKE_BACK, "x"))
    with conn.transaction(), psycopg.connect(database) as watch:
        signed(conn, Role.HEAD)
        other.wait(watch)
    assert other.done() == ["报表已签，不能撤回：只有待签的报表可以"]
    assert standing(conn).state is State.SIGNED


def test_what_is_returned_meanwhile_is_not_accepted_with_the_clean_ones(
    conn: Conn, database: str
) -> None:
    compile_clean(conn)
    for role in Role:
        acting.sign(conn, ACT, "jgj", JANUARY, role, STATISTICS)
    acting.do(conn, ACT, "jgj", JANUARY, Step.SUBMIT)
    other = Behind(database, lambda own: acting.accept_clean(own, ACT, JANUARY))
    with conn.transaction(), psycopg.connect(database) as watch:
        acting.do(conn, ACT, "jgj", JANUARY, Step.RETURN, "x")
        other.wait(watch)
    assert other.done() == [[]]


def compile_clean(conn: Conn) -> None:
    conn.execute(
        "INSERT INTO institution_fact (institution_id, code, value, valid, source, entered_by,"
        " entered_at) SELECT institution.id, fact.code, 100, '[2020-01-01,)', 'x', 'x', now()"
        " FROM institution, (VALUES ('floor-area'), ('energy-users')) AS fact (code)"
        " WHERE institution.code = 'jgj'"
    )
    assert compiled(conn, "2026-01", "jgj")["jgj"].findings == ()


def test_all_that_are_clean_are_accepted_at_once(conn: Conn, draft: store.Draft) -> None:
    compile_clean(conn)
    assert draft.findings
    for code in ("czj", "jgj"):
        for role in Role:
            acting.sign(conn, ACT, code, JANUARY, role, STATISTICS)
        acting.do(conn, ACT, code, JANUARY, Step.SUBMIT)
    assert acting.accept_clean(conn, ACT, JANUARY) == ["jgj"]
    assert acting.accept_clean(conn, ACT, JANUARY) == []
    assert standing(conn).state is State.SUBMITTED
    assert acting.do(conn, ACT, *WHOSE, Step.ACCEPT) is State.ACCEPTED


def test_no_report_says_how_to_make_one(conn: Conn) -> None:
    for act, step in itertools.product([ACT], [Step.SUBMIT, Step.RETURN]):
        with pytest.raises(RefusedError, match="jieyong report run --period 2026-01"):
            acting.do(conn, act, *WHOSE, step, "x")
