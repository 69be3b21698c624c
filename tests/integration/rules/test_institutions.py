"""Rules about what institutions report: quotas ahead of plan, months above those of last year."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest

from metering.factors import institution_facts
from metering.factors.institution_facts import Fact
from metering.factors.kinds import load_fact_kinds
from metering.plan.progress import Kind, Per
from metering.plan.quota import Quota, enter_quota, withdraw_quota
from metering.plan.standing import HEADS
from metering.plan.usage import month_of
from registry.audit import Act
from registry.calendar import DatedCalendar
from registry.day_kind import DayKind
from registry.published_days import published_days
from rules.subjects.institutions import due as of_institutions
from storage import dirty
from storage.times import us_of
from tests.integration.metering.tree.town import Town
from tests.integration.rules.figures import load_rules
from tests.integration.rules.world import START, ZONE, Conn, look

AHEAD = "code: ahead, kind: quota.ahead.electricity, for: 59d"
YEAR = "code: year, kind: consumption.year_on_year.electricity, for: 28d"
GREW = {1: 1.45, 4: 1.45, 5: 1.45}
"""A cold month; one for no reason; one with new staff."""
CALENDAR = DatedCalendar(published_days())
ACT = Act("李会计", START)


@pytest.fixture
def town(conn: Conn) -> Town:
    town = Town(conn)
    town.house("i", "j")
    town.meter("m", "r-i", energy="electricity", unit="kWh")
    return town


def work(day: date) -> int:
    """kWh of a day: offices use more on workdays."""
    return 300 if CALENDAR.kind(day) is DayKind.WORKDAY else 100


def put(town: Town, first: date, last: date, use: Callable[[date], float] = work) -> None:
    """Days of the meter, as metering leaves them."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    with town.conn.transaction():
        town.conn.execute("DELETE FROM consumption_day WHERE day BETWEEN %s AND %s", [first, last])
        town.conn.execute("DELETE FROM consumption_month")
        town.days("m", {day: round(use(day) * 1e6) for day in days})
        begin = datetime.combine(first, datetime.min.time(), ZONE)
        end = datetime.combine(last, datetime.min.time(), ZONE) + timedelta(days=1)
        dirty.note(town.conn, "consumption", [(town.ids["m"], us_of(begin), us_of(end))])


def found(conn: Conn) -> list[tuple[str, str, str, str]]:
    """Rule, institution, first and last local day."""
    rows = conn.execute(
        "SELECT rule.code, known.code, since, until FROM episode"
        " JOIN rule ON rule.id = rule_id"
        " JOIN rules_subject AS known ON known.sort = episode.sort AND known.id = subject_id"
        " WHERE episode.sort = 'institution' ORDER BY 1, 2, 3"
    )
    return [
        (rule, code, f"{since.astimezone(ZONE):%m-%d}", f"{until.astimezone(ZONE):%m-%d}")
        for rule, code, since, until in rows
    ]


def quota(value: int) -> Quota:
    return Quota(
        *("i", "electricity", 2026, Kind.CONSTRAINT, Per.TOTAL),
        *(Decimal(value), "kWh", "市发〔2026〕1号", date(2026, 1, 15)),
    )


def test_a_month_above_last_years_is_a_doubt_of_that_month(conn: Conn, town: Town) -> None:
    load_rules(conn, YEAR)
    put(town, date(2025, 1, 1), date(2026, 2, 28))
    put(town, date(2026, 3, 1), date(2026, 8, 31), lambda d: work(d) * (1.5 if d.month == 5 else 1))
    look(conn)
    assert found(conn) == [("year", "i", "05-01", "06-01")]


def test_holidays_that_move_are_no_growth(conn: Conn, town: Town) -> None:
    load_rules(conn, YEAR)
    # Spring Festival lies in January and February 2025, and wholly in February 2026.
    put(town, date(2025, 1, 1), date(2026, 11, 30))
    look(conn)
    assert found(conn) == []


def test_new_staff_and_a_cold_month_are_no_growth(conn: Conn, town: Town) -> None:
    load_rules(conn, YEAR)
    for heads, begin, end in (
        (100, date(2025, 1, 1), date(2026, 5, 1)),
        (160, date(2026, 5, 1), None),
    ):
        fact = Fact("i", HEADS, Decimal(heads), begin, end, "编制批复")
        institution_facts.enter(conn, ACT, fact, load_fact_kinds())
    conn.execute(
        "INSERT INTO outdoor_day"
        " SELECT '本地', day, CASE WHEN day < '2026-01-01' THEN 8 ELSE -6 END, '站', '李', now()"
        " FROM generate_series(date '2025-01-01', '2026-03-31', '1 day') AS day"
    )
    put(town, date(2025, 1, 1), date(2025, 12, 31))
    put(town, date(2026, 1, 1), date(2026, 6, 30), lambda d: work(d) * GREW.get(d.month, 1))
    look(conn)
    assert found(conn) == [("year", "i", "04-01", "05-01")]


def test_temperatures_that_are_entered_late_withdraw_what_they_explain(
    conn: Conn, town: Town
) -> None:
    load_rules(conn, YEAR)
    put(town, date(2025, 1, 1), date(2025, 12, 31))
    put(town, date(2026, 1, 1), date(2026, 2, 28), lambda d: work(d) * GREW.get(d.month, 1))
    look(conn)
    # The first look has the tree built, which makes all due once more.
    look(conn)
    assert found(conn) == [("year", "i", "01-01", "02-01")]
    conn.execute(
        "INSERT INTO outdoor_day"
        " SELECT '本地', day, CASE WHEN day < '2026-01-01' THEN 8 ELSE -6 END, '站', '李', now()"
        " FROM generate_series(date '2025-01-01', '2026-03-31', '1 day') AS day"
    )
    look(conn)
    assert found(conn) == []


def test_a_month_that_has_only_begun_or_has_gaps_says_nothing(conn: Conn, town: Town) -> None:
    load_rules(conn, YEAR)
    put(town, date(2025, 1, 1), date(2025, 12, 31))
    put(town, date(2026, 5, 1), date(2026, 5, 20), lambda d: work(d) * 2)
    look(conn)
    assert found(conn) == []
    put(town, date(2026, 5, 1), date(2026, 5, 31), lambda d: work(d) * 2)
    look(conn)
    assert found(conn) == [("year", "i", "05-01", "06-01")]


def test_a_year_ahead_of_its_quota_is_a_doubt_as_long_as_it_is(conn: Conn, town: Town) -> None:
    load_rules(conn, AHEAD)
    put(town, date(2025, 1, 1), date(2026, 7, 31))
    total = sum(work(date(2025, 1, 1) + timedelta(days=n)) for n in range(365))
    number = enter_quota(conn, ACT, quota(round(total * 0.8)))
    look(conn)
    assert found(conn) == [("ahead", "i", "01-01", "08-01")]
    withdraw_quota(conn, ACT, number)
    enter_quota(conn, ACT, quota(round(total * 1.1)))
    look(conn)
    assert found(conn) == []


def test_what_is_new_makes_an_institution_due_when_a_month_is_over(conn: Conn, town: Town) -> None:
    load_rules(conn, YEAR)
    put(town, date(2025, 1, 1), date(2025, 12, 31))
    look(conn)
    conn.execute("DELETE FROM dirty_log")
    for month, day, due in ((5, 15, 0), (5, 31, 0), (6, 2, 1)):
        at = datetime(2026, month, day, 8, 45, tzinfo=ZONE)
        conn.execute(
            "INSERT INTO dirty_log (kind, subjects, ts_from, ts_to, logged_at)"
            " VALUES ('consumption', %s, %s, %s, %s)",
            [[town.ids["m"]], at, at, at],
        )
        of_institutions.follow(conn)
        rows = conn.execute("SELECT count(*) FROM rules_due WHERE kind = 'institution'")
        assert rows.fetchone() == (due,)


def _more(by: float, day: date) -> float:
    return work(day) * by


@pytest.mark.parametrize("seed", range(2))
def test_any_order_gives_what_one_look_at_everything_gives(
    conn: Conn, town: Town, seed: int
) -> None:
    load_rules(conn, AHEAD, YEAR)
    enter_quota(conn, ACT, quota(70_000))
    dice = random.Random(seed)
    factors = {month: dice.choice([0.7, 1, 1, 1.5]) for month in range(24)}
    months = [date(2025 + n // 12, n % 12 + 1, 1) for n in range(22)]
    dice.shuffle(months)
    for first in months:
        factor = factors[(first.year - 2025) * 12 + first.month - 1]
        put(town, first, month_of(first).last, partial(_more, factor))
        if dice.random() < 0.5:
            look(conn)
    look(conn)
    piecemeal = found(conn)
    assert {rule for rule, *_ in piecemeal} == {"ahead", "year"}
    conn.execute("DELETE FROM episode")
    conn.execute("DELETE FROM dirty_mark WHERE consumer = 'rules institution'")
    look(conn)
    assert found(conn) == piecemeal
