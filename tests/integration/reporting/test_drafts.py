"""Drafts: compiled from bills and purchases, audited, kept, and compiled anew."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from metering.bills.entry import enter_bill, enter_purchase
from metering.bills.model import NewPurchase
from metering.derive.times import next_month
from metering.tree.relations import Kind, Relation, enter_relation
from registry.refusal import RefusedError
from reporting.audit.reading import load_rules
from reporting.draft import sources, store
from reporting.draft.cells import Standing
from reporting.draft.due import due
from reporting.draft.period import period_of
from reporting.draft.run import Statistics, compile_reports
from reporting.draft.store import Draft
from reporting.forms.reading import load_editions
from tests.integration.metering.bills.world import ACT, Conn, bill, open_account

EDITIONS = load_editions()
RULES = load_rules({line.code for edition in EDITIONS for line in edition.lines()})
STATISTICS = Statistics(EDITIONS, RULES, ZoneInfo("Asia/Shanghai"))
NOW = datetime(2027, 1, 5, tzinfo=UTC)


def months(year: int = 2026) -> list[date]:
    return [date(year, month, 1) for month in range(1, 13)]


def billed(conn: Conn, month: date, quantity: str, account: str = "510001") -> int:
    return enter_bill(conn, ACT, bill(month, next_month(month), quantity, account=account))


def bought(conn: Conn, day: date, litres: str, consumer: str = "vehicle") -> None:
    one = NewPurchase("czj", "petrol", day, Decimal(litres), "L", Decimal(8), consumer, "站", "1")
    enter_purchase(conn, ACT, one)


def compiled(conn: Conn, code: str, *institutions: str) -> dict[str, Draft]:
    found = compile_reports(conn, period_of(code), institutions, STATISTICS, NOW)
    return {one.institution: one for one in found}


def values(draft: Draft, *codes: str) -> list[str | None]:
    shown = [draft.cells[code].value for code in codes]
    return [None if value is None else str(value) for value in shown]


def test_a_draft_leads_back_to_its_papers_and_is_read_as_it_was_written(conn: Conn) -> None:
    open_account(conn)
    ids = [billed(conn, month, "100.125") for month in months()[:3]]
    for month in months()[:3]:
        bought(conn, month, "30.005")
    bought(conn, date(2026, 2, 9), "2", "other")
    draft = compiled(conn, "2026Q1", "czj")["czj"]
    assert values(draft, "110", "111", "150", "1501", "1502", "151") == [
        *("300.38", "240.00"),
        *("92.02", "90.02", "2.00"),
        "32.00",
    ]
    assert [one.bills for one in draft.cells["110"].traces] == [(id_,) for id_ in ids]
    assert [len(one.purchases) for one in draft.cells["1501"].traces] == [1, 2, 1]
    assert store.read(conn, period_of("2026Q1"), ["czj", "jgj"]) == {"czj": draft}


def test_compiled_anew_it_stands_in_place_of_the_one_before(conn: Conn) -> None:
    open_account(conn)
    billed(conn, months()[0], "100")
    assert values(compiled(conn, "2026Q1", "czj")["czj"], "110") == [None]
    for month in months()[1:3]:
        billed(conn, month, "100")
    draft = compiled(conn, "2026Q1", "czj")["czj"]
    assert values(draft, "110") == ["300.00"]
    assert store.read(conn, period_of("2026Q1"), ["czj"])["czj"] == draft
    assert "quantity-missing" not in {found.rule for found in draft.findings}
    for table in ("report", "report_revision"):
        assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)


def test_findings_are_kept(conn: Conn) -> None:
    open_account(conn)
    billed(conn, date(2025, 1, 1), "100")
    billed(conn, date(2026, 1, 1), "131")
    draft = compiled(conn, "2026-01", "czj")["czj"]
    said = {found.rule: found.said for found in draft.findings}
    assert said["use-change"] == "电（110）为 131.00，上年同期 100.00，变化 31.0%"
    assert store.read(conn, period_of("2026-01"), ["czj"])["czj"].findings == draft.findings


def test_a_year_is_the_sum_of_its_quarters_kept_or_not(conn: Conn) -> None:
    open_account(conn)
    for month in months():
        billed(conn, month, "100.003")
    compiled(conn, "2026Q1", "czj")
    draft = compiled(conn, "2026", "czj")["czj"]
    # 300.009 a quarter: four times 300.01, not 1200.036.
    assert values(draft, "110", "111") == ["1200.04", "960.00"]
    assert [one.month for one in draft.cells["110"].traces] == months()
    assert "year" not in {found.rule for found in draft.findings}


def test_a_year_compiled_before_its_quarter_changed_is_blocked_by_nothing_once_anew(
    conn: Conn,
) -> None:
    open_account(conn)
    for month in months()[:9]:
        billed(conn, month, "100")
    year = compiled(conn, "2026", "czj")["czj"]
    assert year.cells["110"].why.startswith("第四季度：2026-10")
    for month in months()[9:]:
        billed(conn, month, "100")
    assert values(compiled(conn, "2026", "czj")["czj"], "110") == ["1200.00"]


def test_who_reports(conn: Conn) -> None:
    conn.execute(
        "INSERT INTO institution (code, name, valid) VALUES"
        " ('old', 'x', '[,2026-01-01 00:00+08)'), ('new', 'x', '[2026-03-31 23:00+08,)'),"
        " ('part', 'x', '[,)'), ('let', 'x', '[,)')"
    )
    for subject, kind, shares in (
        ("jgj", Kind.MERGED, {"czj": 1}),
        ("part", Kind.SHARED, {"new": 1, "czj": 2}),
        ("let", Kind.EXCLUDED, {}),
    ):
        enter_relation(conn, ACT, Relation("institution", subject, kind, shares, months()[0]))
    zone = STATISTICS.zone
    assert sources.reporters(conn, period_of("2026Q1"), zone) == ["czj", "new"]
    assert sources.reporters(conn, period_of("2025Q4"), zone) == [
        "czj",
        "jgj",
        "let",
        "old",
        "part",
    ]


def test_everything_counts_once_over_all_who_report(conn: Conn) -> None:
    open_account(conn)
    open_account(conn, "510002", institution="jgj")
    total = Decimal(0)
    for n, month in enumerate(months()[:3]):
        for account in ("510001", "510002"):
            quantity = f"{100 + n}.{n}1"
            billed(conn, month, quantity, account)
            total += Decimal(quantity)
    conn.execute("INSERT INTO institution (code, name) VALUES ('xfj', '信访局')")
    shares = {"czj": 1, "xfj": 2}
    enter_relation(conn, ACT, Relation("institution", "jgj", Kind.SHARED, shares, months()[0]))
    found = compiled(conn, "2026Q1", "czj", "xfj")
    exact = [
        sum((one.value or Decimal(0)) for one in draft.cells["110"].traces)
        for draft in found.values()
    ]
    assert sum(exact) == total
    assert found["czj"].cells["110"].traces[0].members == ("czj", "jgj")


def test_who_is_merged_within_a_quarter_reports_the_months_before(conn: Conn) -> None:
    open_account(conn)
    open_account(conn, "510002", institution="jgj")
    for month in months()[:3]:
        for account in ("510001", "510002"):
            billed(conn, month, "100", account)
    since = date(2026, 3, 1)
    enter_relation(conn, ACT, Relation("institution", "jgj", Kind.MERGED, {"czj": 1}, since))
    who = sources.reporters(conn, period_of("2026Q1"), STATISTICS.zone)
    found = compiled(conn, "2026Q1", *who)
    assert {code: values(one, "110", "140") for code, one in found.items()} == {
        "czj": ["400.00", None],
        "jgj": ["200.00", None],
    }
    assert sources.reporters(conn, period_of("2026-03"), STATISTICS.zone) == ["czj"]


def test_what_nobody_has_is_absent_and_no_edition_is_older(conn: Conn) -> None:
    draft = compiled(conn, "2026-01", "czj")["czj"]
    assert {draft.cells[code].standing for code in ("110", "120", "150")} == {Standing.ABSENT}
    with pytest.raises(RefusedError, match="适用的报表版本"):
        compiled(conn, "2022Q4", "czj")


def lacking(conn: Conn, today: date) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.period.code, one.institutions) for one in due(conn, today, STATISTICS.zone)]


def test_what_lacks_a_draft_is_due_from_the_first_report_on(conn: Conn) -> None:
    compiled(conn, "2026-01", "czj", "jgj")
    compiled(conn, "2026-03", "jgj")
    assert lacking(conn, date(2026, 4, 1)) == [
        ("2026-02", ("czj", "jgj")),
        ("2026-03", ("czj",)),
    ]


def test_without_a_report_it_is_due_from_what_is_known(conn: Conn) -> None:
    both = ("czj", "jgj")
    assert lacking(conn, date(2026, 4, 1)) == []
    open_account(conn)
    billed(conn, date(2026, 2, 1), "100")
    assert lacking(conn, date(2026, 2, 28)) == []
    assert lacking(conn, date(2026, 4, 1)) == [("2026-02", both), ("2026-03", both)]
    found = [code for code, _ in lacking(conn, date(2027, 4, 1))]
    # Years before the last one are nobody's to begin with.
    assert found == [
        *(f"2026-{month:02}" for month in range(4, 13)),
        *("2027-01", "2027-02", "2027-03"),
        *("2026Q2", "2026Q3", "2026Q4", "2027Q1"),
    ]
    assert [code for code, _ in lacking(conn, date(2028, 1, 1))][-1] == "2027"
