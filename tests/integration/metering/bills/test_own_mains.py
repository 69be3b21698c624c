"""Meters of an account behind other meters of the same account count through those, once."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from metering.bills.accounts import bind_meter, release_meter
from metering.bills.entry import enter_bill
from metering.bills.month import Source
from metering.tree.account_mains import standing
from metering.tree.account_problems import account_problems
from tests.integration.metering.bills.reports import FEBRUARY, JANUARY, MILLION, january
from tests.integration.metering.bills.world import (
    ACT,
    ZONE,
    Conn,
    bill,
    count_days,
    hang,
    house,
    of_month,
    open_account,
)

SINCE = date(2025, 1, 1)
TEN = datetime(2026, 1, 11, 10, tzinfo=ZoneInfo(ZONE))
"""In the middle of the eleventh."""


@pytest.fixture
def counted(conn: Conn) -> Conn:
    """An account without a bill has m-1, 3 kWh a day, and m-2, 1 kWh a day; nothing hangs yet."""
    conn.execute("DELETE FROM meter_main")
    open_account(conn, meters=("m-1", "m-2"))
    for meter, kwh in (("m-1", 3), ("m-2", 1), ("m-3", 2)):
        count_days(conn, meter, (JANUARY, FEBRUARY), kwh * MILLION)
    return conn


def stand(
    conn: Conn,
    main: str,
    since: datetime | None = None,
    until: datetime | None = None,
    meter: str = "m-2",
) -> None:
    conn.execute(
        "INSERT INTO meter_main (meter_id, main_id, valid)"
        " SELECT s.id, m.id, tstzrange(%s, %s) FROM meter s, meter m"
        " WHERE s.code = %s AND m.code = %s",
        [since, until, meter, main],
    )


def virtual(conn: Conn, formula: str) -> None:
    conn.execute(
        "INSERT INTO meter (code, name, energy, unit, formula)"
        " VALUES ('v', 'v', 'electricity', 'kWh', %s)",
        [formula],
    )


def kwh(conn: Conn) -> float:
    """What the figure of January says; it rests on meters, and what is reported says the same."""
    own = of_month(conn, JANUARY)
    assert (own.source, january(conn)["czj"].micro) == (Source.METERED, own.micro)
    return (own.micro or 0) / MILLION


def test_the_day_on_which_a_meter_moves_belongs_to_where_it_moved(counted: Conn) -> None:
    stand(counted, "m-1", TEN)
    assert kwh(counted) == 31 * 3 + 10


def test_the_day_on_which_it_moves_away_belongs_to_where_it_moved(counted: Conn) -> None:
    stand(counted, "m-1", None, TEN)
    stand(counted, "m-3", TEN)
    assert kwh(counted) == 31 * 3 + 21


def test_the_day_on_which_it_is_let_go_belongs_to_where_it_was(counted: Conn) -> None:
    """As in the tree: nothing else holds on that day."""
    stand(counted, "m-1", None, TEN)
    assert kwh(counted) == 31 * 3 + 20


def test_on_the_day_of_a_move_an_account_is_divided_as_its_meters_count(counted: Conn) -> None:
    """Which meters tell of a day is one answer: else nothing of that day could be divided."""
    stand(counted, "m-1", TEN)
    (line,) = standing(counted, ZoneInfo(ZONE)).inside.values()
    assert [(span.begin, span.end) for span in line] == [(TEN.date(), date.max)]


@pytest.mark.parametrize("formula", ["{m-1}", "{m-1} + {m-3}", "2 * {m-1} - {m-3}"])
def test_behind_a_virtual_main_of_the_account_it_counts_through_that(
    counted: Conn, formula: str
) -> None:
    """What the formula adds is all of the account."""
    virtual(counted, formula)
    stand(counted, "v")
    bind_meter(counted, ACT, "510001", "m-3", SINCE)
    assert kwh(counted) == 31 * (3 + 2)


def test_of_a_virtual_main_of_which_the_account_has_a_part_nobody_can_say(counted: Conn) -> None:
    """Until the eleventh m-3, which it adds too, is nobody's: unknown, and named, not 124 kWh."""
    virtual(counted, "{m-1} + {m-3}")
    stand(counted, "v")
    bind_meter(counted, ACT, "510001", "m-3", TEN.date())
    own = of_month(counted, JANUARY)
    assert (own.micro, january(counted)["czj"].micro) == (None, None)
    (problem,) = account_problems(counted, ZoneInfo(ZONE))
    assert (problem.subject, "户号 510001" in problem.text) == ("m-2", True)
    counted.execute("UPDATE utility_account_meter SET valid = '[2025-01-01,)'")
    assert account_problems(counted, ZoneInfo(ZONE)) == []
    assert kwh(counted) == 31 * (3 + 2)


def test_an_account_does_not_count_by_a_virtual_meter_and_by_what_it_adds(counted: Conn) -> None:
    virtual(counted, "{m-1} + {m-3}")
    count_days(counted, "v", (JANUARY, FEBRUARY), 5 * MILLION)
    bind_meter(counted, ACT, "510001", "v", SINCE)
    assert of_month(counted, JANUARY).micro is None
    (problem,) = account_problems(counted, ZoneInfo(ZONE))
    assert problem.subject == "m-1"
    release_meter(counted, ACT, "510001", "m-1", SINCE)
    assert account_problems(counted, ZoneInfo(ZONE)) == []
    assert kwh(counted) == 31 * (1 + 5)


def test_what_an_account_gives_away_behind_its_virtual_main_is_not_lost(counted: Conn) -> None:
    """m-2 stands at jgj: the account's own meters count it, and the account gives it away."""
    house(counted)
    virtual(counted, "{m-1}")
    stand(counted, "v")
    hang(counted, "m-1", "czj")
    hang(counted, "m-2", "jgj")
    counted.execute(
        "INSERT INTO consumption_month (meter_id, month, micro, estimated, covered_s, flags)"
        " SELECT meter_id, '2026-01-01', sum(micro), 0, 31 * 86400, 0 FROM consumption_day"
        " GROUP BY meter_id"
    )
    found = january(counted)
    assert {code: one.micro for code, one in found.items()} == {
        "czj": 62 * MILLION,
        "jgj": 31 * MILLION,
    }


def test_a_top_meter_without_an_account_beside_those_that_have_one_is_named(counted: Conn) -> None:
    """A second supply whose account was forgotten would be missing in what is reported."""
    house(counted)
    for meter in ("m-1", "m-2", "m-3"):
        hang(counted, meter, "czj")
    assert kwh(counted) == 31 * 4
    (problem,) = account_problems(counted, ZoneInfo(ZONE))
    assert (problem.kind, problem.subject) == ("no_account", "m-3")
    open_account(counted, "510009")  # an account that nobody says what counts: it may have m-3
    assert account_problems(counted, ZoneInfo(ZONE)) == []
    virtual(counted, "{m-3}")
    bind_meter(counted, ACT, "510009", "v", SINCE)
    assert account_problems(counted, ZoneInfo(ZONE)) == []


def metered(conn: Conn) -> dict[str | None, float | None]:
    """What is reported of January, kWh; all of it rests on meters."""
    found = january(conn)
    assert all(one.sources == (Source.METERED,) for one in found.values())
    return {code: one.micro and one.micro / MILLION for code, one in found.items()}


@pytest.fixture
def apart(counted: Conn) -> Conn:
    """m-2, behind m-1 of czj's account, has an account of its own, of jgj; nobody has a bill."""
    release_meter(counted, ACT, "510001", "m-2", SINCE)
    open_account(counted, "510002", institution="jgj", meters=("m-2",))
    return counted


@pytest.mark.parametrize("formula", [None, "{m-1}"])
def test_what_another_account_counts_behind_it_is_taken_off(
    apart: Conn, formula: str | None
) -> None:
    """As in bills, where a supplier sells nothing twice: 93 kWh came in, and 93 are reported."""
    if formula is not None:
        virtual(apart, formula)
    stand(apart, "m-1" if formula is None else "v")
    assert metered(apart) == {"czj": 62, "jgj": 31}
    enter_bill(apart, ACT, bill(JANUARY, FEBRUARY, "61"))
    assert of_month(apart, JANUARY).difference == -MILLION, "bill and meter tell of the same"


def test_it_is_taken_off_from_the_next_account_above_it(apart: Conn) -> None:
    """m-3 of czj's account behind m-2 of jgj's behind m-1 of czj's: each kilowatt-hour once."""
    stand(apart, "m-1")
    stand(apart, "m-2", meter="m-3")
    bind_meter(apart, ACT, "510001", "m-3", SINCE)
    apart.execute(
        "UPDATE consumption_day SET micro = micro / 4"
        " WHERE meter_id = (SELECT id FROM meter WHERE code = 'm-3')"
    )
    assert metered(apart) == {"czj": 62 + 15.5, "jgj": 31 - 15.5}


def test_on_the_day_it_gets_its_account_it_is_taken_off(apart: Conn) -> None:
    stand(apart, "m-1", TEN)
    assert metered(apart) == {"czj": 93 - 21, "jgj": 31}


def test_while_what_is_taken_off_is_unknown_the_rest_is(apart: Conn) -> None:
    stand(apart, "m-1")
    apart.execute(
        "DELETE FROM consumption_day WHERE day = '2026-01-09'"
        " AND meter_id = (SELECT id FROM meter WHERE code = 'm-2')"
    )
    assert {code: one.micro for code, one in january(apart).items()} == {"czj": None, "jgj": None}


def test_whether_it_is_taken_off_is_in_doubt_behind_a_virtual_main_in_part(apart: Conn) -> None:
    """Of v = m-1 + m-3 czj's account has m-1: what jgj reports is known, what czj does is not."""
    virtual(apart, "{m-1} + {m-3}")
    stand(apart, "v")
    assert {code: one.micro for code, one in january(apart).items()} == {
        "czj": None,
        "jgj": 31 * MILLION,
    }
    (problem,) = account_problems(apart, ZoneInfo(ZONE))
    assert (problem.subject, "户号 510001" in problem.text) == ("m-2", True)
