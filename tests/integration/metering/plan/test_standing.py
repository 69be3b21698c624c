"""What is known of an institution, and how it stands to its quotas."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from metering.bills.reporting import reported
from metering.factors import institution_facts
from metering.factors.institution_facts import Fact
from metering.factors.kinds import load_fact_kinds
from metering.factors.library import load_library
from metering.plan import earlier
from metering.plan.base_load import By, week_span
from metering.plan.base_load_read import base_load_of
from metering.plan.compare import Basis, year_on_year
from metering.plan.curve import Shape
from metering.plan.earlier_rows import EarlierMonth
from metering.plan.forecast import Forecast, Refusal
from metering.plan.institution_indicators import Rules, use_of
from metering.plan.progress import Base, Kind, Lack, Per, State
from metering.plan.quota import Quota, enter_quota
from metering.plan.standing import base_of, standings
from metering.plan.usage import MonthTotal, Source, Window, month_of
from metering.plan.usage_load import institution_meters, institution_usage, meter_usage
from registry.audit import Act
from registry.calendar_store import load_calendar
from tests.integration.metering.plan.test_facts import QUOTA, ROW
from tests.integration.metering.quality.world import (
    BEGIN,
    OCTOBER,
    SHANGHAI,
    Conn,
    add_meter,
    compute,
    number,
    poll,
    steady,
)

KWH = 1_000_000
ACT = Act("王芳", datetime(2026, 11, 22, tzinfo=UTC))


def metered(conn: Conn, code: str = "m", quarters: int = 31 * 96) -> int:
    meter = add_meter(conn, code)
    poll(conn, f"{code}-d", steady(0.25, quarters))
    compute(conn, meter)
    return meter


def bill(conn: Conn, institution: str, meter: int, month: date, quantity: int) -> None:
    account = number(
        conn,
        "INSERT INTO utility_account (code, number, supplier, energy, unit)"
        " VALUES ('a', '5001', '供电局', 'electricity', 'kWh')",
    )
    conn.execute(
        "INSERT INTO utility_account_institution (account_id, institution_id, valid, entered_by,"
        " entered_at) SELECT %s, id, '[2020-01-01,)', 'x', now() FROM institution WHERE code = %s",
        [account, institution],
    )
    conn.execute(
        "INSERT INTO utility_account_meter (account_id, meter_id, valid, entered_by, entered_at)"
        " VALUES (%s, %s, '[2020-01-01,)', 'x', now())",
        [account, meter],
    )
    conn.execute(
        "INSERT INTO bill (account_id, period, status, quantity, unit, entered_by, entered_at)"
        " VALUES (%s, daterange(%s, %s, '[]'), 'settled', %s, 'kWh', 'x', now())",
        [account, month, month_of(month).last, quantity],
    )


def entered(month: date, kwh: int) -> EarlierMonth:
    return dataclasses.replace(ROW, month=month, quantity=Decimal(kwh))


def test_days_of_a_meter_are_known_only_when_complete(conn: Conn) -> None:
    meter = metered(conn, quarters=10 * 96 + 3)
    usage = meter_usage(conn, meter, OCTOBER, SHANGHAI)
    assert list(usage.days) == [date(2026, 10, day) for day in range(1, 11)]
    assert set(usage.days.values()) == {24 * KWH}


def test_a_day_of_an_institution_is_known_when_all_its_meters_are(conn: Conn) -> None:
    metered(conn, "m")
    metered(conn, "n", quarters=5 * 96)
    usage = institution_usage(conn, "jg-1", "electricity", OCTOBER, SHANGHAI)
    assert usage.days == {date(2026, 10, day): 48 * KWH for day in range(1, 6)}
    assert institution_usage(conn, "jg-1", "water", OCTOBER, SHANGHAI).days == {}
    assert len(institution_meters(conn, "jg-1", "electricity", OCTOBER, SHANGHAI)) == 2


def test_a_main_is_not_counted_beside_its_sub_meter(conn: Conn) -> None:
    main, sub = metered(conn, "main"), metered(conn, "sub")
    conn.execute("INSERT INTO meter_main VALUES (%s, %s, '[,)')", [sub, main])
    usage = institution_usage(conn, "jg-1", "electricity", OCTOBER, SHANGHAI)
    assert usage.total(OCTOBER) == 744 * KWH


def test_the_bill_is_the_figure_and_the_meter_gives_the_days(conn: Conn) -> None:
    meter = metered(conn)
    bill(conn, "jg-1", meter, date(2026, 10, 1), 750)
    usage = institution_usage(conn, "jg-1", "electricity", OCTOBER, SHANGHAI)
    assert usage.total(OCTOBER) == 750 * KWH
    assert usage.sources(OCTOBER) == {Source.BILLED}
    assert len(usage.days) == 31


def test_what_is_supplied_to_outsiders_is_off_the_bill_and_what_is_generated_on_it(
    conn: Conn,
) -> None:
    """As it is reported: quotas, comparisons and indicators rest on the same figure."""
    main, out, made = metered(conn), metered(conn, "out"), metered(conn, "pv")
    conn.execute("INSERT INTO meter_main VALUES (%s, %s, '[,)')", [out, main])
    conn.execute("UPDATE meter SET direction = 'out' WHERE id = %s", [out])
    conn.execute("UPDATE meter SET direction = 'generated' WHERE id = %s", [made])
    bill(conn, "jg-1", main, date(2026, 10, 1), 750)
    usage = institution_usage(conn, "jg-1", "electricity", OCTOBER, SHANGHAI)
    assert usage.months == {date(2026, 10, 1): MonthTotal(750 * KWH, Source.BILLED)}
    conn.execute("UPDATE meter SET valid = '(,2026-10-01 00:00+08)' WHERE id = %s", [made])
    usage = institution_usage(conn, "jg-1", "electricity", OCTOBER, SHANGHAI)
    assert usage.total(OCTOBER) == (750 - 744) * KWH
    rules = Rules(load_library(), "CN", vehicle_fuel_in_area=True)
    months = (date(2026, 10, 1), date(2026, 11, 1))
    found = use_of(reported(conn, months, SHANGHAI.key, ["jg-1"]), rules)
    assert found.quantities == {"electricity": Decimal(6)}


def test_entered_months_stand_in_only_where_nothing_else_is(conn: Conn) -> None:
    metered(conn)
    earlier.bring_in(conn, ACT, [ROW, entered(date(2026, 10, 1), 9)], "a.xlsx")
    both = Window(date(2025, 10, 1), OCTOBER.last)
    usage = institution_usage(conn, "jg-1", "electricity", both, SHANGHAI)
    assert usage.months == {date(2025, 10, 1): MonthTotal(600 * KWH, Source.ENTERED)}
    found = year_on_year(usage, usage, OCTOBER, load_calendar(conn))
    assert (found.basis, found.now, found.then) == (Basis.WHOLE, 744 * KWH, 600 * KWH)
    assert found.sources == {Source.METERED, Source.ENTERED}


def test_earlier_months_of_a_meter_count_for_the_meter(conn: Conn) -> None:
    meter = metered(conn)
    row = dataclasses.replace(ROW, institution=None, meter="m", quantity=Decimal("500.5"))
    earlier.bring_in(conn, ACT, [row], "a.xlsx")
    usage = meter_usage(conn, meter, Window(date(2025, 10, 1), OCTOBER.last), SHANGHAI)
    assert usage.total(month_of(date(2025, 10, 1))) == 500_500_000


def test_a_quota_per_square_metre_needs_the_area_of_the_day(conn: Conn) -> None:
    metered(conn)
    enter_quota(conn, ACT, QUOTA)
    until = date(2026, 10, 31)
    (without,) = standings(conn, "jg-1", until, SHANGHAI)
    assert (without.progress.limit, without.progress.lack) == (None, Lack.NO_BASE)
    area = Fact("jg-1", "floor-area", Decimal(100), date(2026, 1, 1), None, "房产证")
    institution_facts.enter(conn, ACT, area, load_fact_kinds())
    assert base_of(conn, "jg-1", until) == Base(Decimal(100), None)
    assert base_of(conn, "jg-1", date(2025, 12, 31)) == Base(None, None)
    (found,) = standings(conn, "jg-1", until, SHANGHAI)
    assert found.progress.limit == 6050 * KWH
    assert found.progress.used == 744 * KWH
    assert found.progress.state is State.UNKNOWN
    assert found.progress.lack is Lack.TOO_LITTLE_KNOWN
    assert found.forecast is Refusal.FEW_MONTHS


def test_a_years_quota_with_last_year_entered_has_a_state_and_a_forecast(conn: Conn) -> None:
    rows = [entered(date(2025, month, 1), 1000) for month in range(1, 13)]
    rows += [entered(date(2026, month, 1), 1100) for month in range(1, 7)]
    earlier.bring_in(conn, ACT, rows, "a.xlsx")
    enter_quota(
        conn,
        ACT,
        Quota(
            *("jg-1", "electricity", 2026, Kind.CONSTRAINT, Per.TOTAL, Decimal("1.2"), "万kWh"),
            *("市发〔2026〕1号", date(2026, 1, 15)),
        ),
    )
    (found,) = standings(conn, "jg-1", date(2026, 6, 30), SHANGHAI)
    assert found.unit == "kWh"
    assert found.progress.limit == 12_000 * KWH
    assert found.progress.used == 6_600 * KWH
    assert found.progress.planned == 6_000 * KWH
    assert found.progress.shape is Shape.LAST_YEAR
    assert found.progress.state is State.OVER
    assert isinstance(found.forecast, Forecast)
    assert found.forecast.expected == 13_200 * KWH


def test_the_base_load_of_a_week_comes_from_its_nights(conn: Conn) -> None:
    meter = metered(conn, quarters=14 * 96)
    monday = date(2026, 10, 5)
    found = base_load_of(conn, meter, monday, SHANGHAI)
    assert (found.micro_per_hour, found.nights) == (KWH, 7)
    assert found.by is By.NIGHT
    after = base_load_of(conn, meter, monday + timedelta(days=14), SHANGHAI)
    assert (after.micro_per_hour, after.nights) == (None, 0)
    assert week_span(monday, SHANGHAI)[0] == BEGIN + timedelta(days=4)
