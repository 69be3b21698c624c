"""Yards and sealed vehicles from positions, orders and calendars in the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from fleet.ledger import imports as ledger
from fleet.ledger.words import Papers, words
from fleet.privacy.withholding import withhold_due
from fleet.yards import load
from fleet.yards.look import Asked, Found, at_rest, in_yards
from fleet.yards.settings import FenceSettings
from fleet.yards.source import Stored
from fleet.yards.verdicts import Agrees, CannotTell, Doubt, DoubtKind, Why
from registry.calendar_store import load_calendar
from tests.integration.fleet.fence.world import (
    ACT,
    SEALED,
    YARD,
    ZONE,
    Conn,
    add,
    bring,
    enter,
    goes_out,
    stays,
)
from tests.integration.fleet.world import work
from tests.integration.metering.bills.world import workbook
from tests.unit.fleet.drives import HOUR, NOON, RULES, Drive

FIRST = date(2026, 6, 1)
# 2026-10-01 12:00 in the site's zone: the first of eight days off.
NATIONAL = int(datetime(2026, 10, 1, 4, tzinfo=UTC).timestamp()) * 1_000_000
MINUTES = 60_000_000


def asked(conn: Conn, first: date = FIRST, last: date = FIRST) -> Asked:
    own = FenceSettings()
    return Asked(
        first=first,
        last=last,
        zone=ZONE,
        now=datetime(2026, 11, 29, tzinfo=UTC),
        calendar=load_calendar(conn),
        rules=RULES,
        silence=own.silence(120),
        tolerance_us=own.tolerance_min * MINUTES,
        around_order_us=own.around_order_min * MINUTES,
        limits=own.limits(200),
    )


def nights(conn: Conn, what: Asked | None = None) -> dict[str, list[Found]]:
    its = load.vehicles(conn)
    found = in_yards(Stored(conn), what or asked(conn), its)
    return {one.code: verdicts for one, verdicts in zip(its, found, strict=True)}


def rests(conn: Conn, what: Asked) -> dict[str, list[Found]]:
    its = load.vehicles(conn)
    return {o.code: v for o, v in zip(its, at_rest(Stored(conn), what, its), strict=True)}


def ledger_of(conn: Conn, path: Path, **sheets: list[list[object]]) -> None:
    """Bring vehicles of the inventory, and more sheets, into the ledger."""
    known: list[list[object]] = [
        ["车辆编码", "机构编码", "起始日期", "车牌号", "车辆类别", "状态", "涉密"],
        ["out", "i", date(2026, 1, 1), "川A·out", "轿车", None, None],
    ]
    book = workbook(path, 车辆=known, **sheets)
    ledger.apply(conn, ACT, book, Papers(words()), ZONE)


def test_vehicle_case_18_a_night_of_three_vehicles(fleet: psycopg.Connection) -> None:
    found = nights(fleet)
    (inside,), (outside,), (mute,) = found["in"], found["out"], found["mute"]
    assert isinstance(inside.verdict, Agrees)
    assert isinstance(outside.verdict, Doubt)
    assert outside.verdict.kind is DoubtKind.NOT_IN_YARD
    assert outside.verdict.evidence.fences == ("Y1",)
    place = outside.verdict.evidence.place
    assert place == pytest.approx((104.0 + 20_000 / 95_891, 30.6), abs=1e-3)
    ((start, end),) = outside.verdict.evidence.away
    assert start == NOON + 10 * HOUR
    assert end - start == pytest.approx(4.4 * HOUR, abs=0.1 * HOUR)
    assert isinstance(mute.verdict, CannotTell)
    assert mute.verdict.why is Why.NO_POSITIONS


def test_what_is_said_of_a_night_does_not_depend_on_what_is_asked(
    fleet: psycopg.Connection,
) -> None:
    wide = nights(fleet, asked(fleet, date(2026, 5, 25), date(2026, 6, 10)))
    for code, (narrow,) in nights(fleet).items():
        assert [one for one in wide[code] if one.window.day == FIRST] == [narrow]
    assert len(wide["mute"]) == 17


def test_what_is_said_of_a_vehicle_does_not_depend_on_those_beside_it(
    fleet: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(
        fleet,
        "duty",
        vehicle="in",
        from_at="2026-06-01 20:00",
        to_at="2026-06-02 00:00",
        reason="值班",
    )
    orders: list[list[object]] = [
        ["派车单号", "日期", "车辆", "出车时间", "回车时间"],
        ["P1", date(2026, 6, 1), "out", "2026-06-01 23:00", None],
    ]
    ledger_of(fleet, tmp_path / "a.xlsx", 派车单=orders)
    enter(fleet, "sealed", since="2026-06-01", last="2026-06-03", days="每天", reason="维护")
    what = asked(fleet, FIRST, date(2026, 6, 3))
    its, source = load.vehicles(fleet), Stored(fleet)
    for look in (in_yards, at_rest):
        alone = [found for one in its for found in look(source, what, [one])]
        assert any(one.verdict.evidence.excuses for found in alone for one in found)
        for at_once in (2, 100):
            monkeypatch.setattr("fleet.yards.look._AT_ONCE", at_once)
            assert list(look(source, what, its)) == alone


def test_vehicle_case_09_late_data_repairs_a_night(conn: psycopg.Connection, database: str) -> None:
    rows = goes_out().rows
    terminal = add(conn, "out")
    enter(conn, "fences", **YARD)
    enter(conn, "yards", fence="Y1", since="2026-01-01")
    missing = [one for one in rows if not 7 * HOUR < one.t_us - NOON < 15 * HOUR]
    drive = Drive()
    drive.rows = missing
    bring(database, terminal, drive)
    work(conn)
    (before,) = nights(conn)["out"]
    assert not isinstance(before.verdict, Doubt)
    drive.rows = rows[::-1]
    bring(database, terminal, drive)
    work(conn)
    (after,) = nights(conn)["out"]
    assert isinstance(after.verdict, Doubt)


def test_trips_that_are_still_due_leave_a_doubt_open(
    fleet: psycopg.Connection,
) -> None:
    fleet.execute(
        "INSERT INTO fleet_due (vehicle_id, ts_from, ts_to, why)"
        " SELECT id, '2026-06-01Z', '2026-06-02Z', 'test' FROM vehicle"
    )
    (found,) = nights(fleet)["out"]
    assert isinstance(found.verdict, CannotTell)
    assert found.verdict.why is Why.PENDING
    assert isinstance(nights(fleet)["in"][0].verdict, Agrees)


def test_a_yard_of_its_own_comes_before_the_institutions(fleet: psycopg.Connection) -> None:
    away = {**YARD, "code": "Y2", "lon": str(104.0 + 20_000 / 95_891)}
    enter(fleet, "fences", **away)
    enter(fleet, "yards", fence="Y2", vehicle="out", since="2026-06-01", last="2026-06-01")
    both = nights(fleet, asked(fleet, FIRST, date(2026, 6, 2)))["out"]
    first, second = (one.verdict for one in both)
    assert isinstance(first, Doubt), "it comes home at two, and is not at Y2 from then on"
    assert first.kind is DoubtKind.LEFT_YARD
    assert isinstance(second, Agrees)
    assert (first.evidence.fences, second.evidence.fences) == (("Y2",), ("Y1",))


def test_days_times_and_dates_of_a_yard(fleet: psycopg.Connection) -> None:
    enter(fleet, "fences", **{**YARD, "code": "Y3"})
    enter(
        fleet,
        "yards",
        fence="Y3",
        vehicle="in",
        days="工作日",
        since="2026-06-02",
        from_time="20:00",
        to_time="21:00",
    )
    found = nights(fleet, asked(fleet, FIRST, date(2026, 6, 7)))["in"]
    windows = [(one.window.day.day, one.window.to_us - one.window.from_us) for one in found]
    # Monday the first is the institution's; then its own, and none on Saturday and Sunday.
    assert windows == [(1, 8 * HOUR), *((n, HOUR) for n in (2, 3, 4, 5))]


def test_an_order_and_a_duty_exempt_a_night(fleet: psycopg.Connection, tmp_path: Path) -> None:
    orders: list[list[object]] = [
        ["派车单号", "车辆", "出车时间", "回车时间"],
        ["P1", "out", "2026-06-01 19:30", "2026-06-02 02:30"],
    ]
    ledger_of(fleet, tmp_path / "a.xlsx", 派车单=orders)
    (found,) = nights(fleet)["out"]
    assert isinstance(found.verdict, Agrees)
    assert [one.what for one in found.verdict.evidence.excuses] == ["P1"]
    fleet.execute("UPDATE dispatch_order SET back_at = NULL")
    (open_,) = nights(fleet)["out"]
    assert isinstance(open_.verdict, CannotTell)
    assert open_.verdict.why is Why.ORDER_OPEN
    fleet.execute("UPDATE dispatch_order SET withdrawn_at = now()")
    assert isinstance(nights(fleet)["out"][0].verdict, Doubt)
    said = {"from_at": "2026-06-01 18:00", "to_at": "2026-06-02 08:00", "reason": "防汛值班"}
    enter(fleet, "duty", vehicle="out", **said)
    assert isinstance(nights(fleet)["out"][0].verdict, Agrees)


def test_of_a_sensitive_vehicle_no_place_is_looked_at(
    fleet: psycopg.Connection, tmp_path: Path
) -> None:
    become_sensitive(fleet, tmp_path / "a.xlsx", "2026-01-01")
    (found,) = nights(fleet)["out"]
    assert isinstance(found.verdict, CannotTell)
    assert found.verdict.why is Why.SENSITIVE
    assert found.verdict.evidence.place is None


def become_sensitive(conn: Conn, path: Path, since: str) -> None:
    """Say it in the ledger, and let the workers do what follows."""
    ledger_of(conn, path)
    conn.execute(
        "INSERT INTO consumer_fact (consumer_id, name, value, since, key, content, entered_by,"
        " entered_at) SELECT id, 'secrecy', 'sensitive', %s, 'k', 'c', 'x', now()"
        " FROM fuel_consumer",
        [since],
    )


def test_a_night_into_a_day_on_which_a_vehicle_is_sensitive_is_not_looked_at(
    fleet: psycopg.Connection, tmp_path: Path
) -> None:
    become_sensitive(fleet, tmp_path / "a.xlsx", "2026-06-02")
    (found,) = nights(fleet)["out"]
    assert isinstance(found.verdict, CannotTell)
    assert found.verdict.why is Why.SENSITIVE


def test_the_sealed_day_before_a_vehicle_becomes_sensitive_is_judged(
    conn: psycopg.Connection, database: str, tmp_path: Path
) -> None:
    terminal = add(conn, "out")
    midnight = NOON + 12 * HOUR
    drive = Drive(midnight - 2 * HOUR, every_s=60, odometer_km=5.0).park(110)
    bring(database, terminal, drive.go(30_000).park(300))
    become_sensitive(conn, tmp_path / "a.xlsx", "2026-06-02")
    withhold_due(conn, ZONE, datetime(2026, 11, 29, tzinfo=UTC))
    work(conn)
    enter(conn, "sealed", since="2026-06-01", last="2026-06-01", days="每天", reason="维护")
    (found,) = rests(conn, asked(conn))["out"]
    assert isinstance(found.verdict, Doubt)
    assert found.verdict.evidence.moved_mm is None
    odometer_mm = found.verdict.evidence.odometer_mm
    assert odometer_mm is not None
    assert odometer_mm > 1_000_000


def test_a_fence_that_is_withdrawn_leaves_nothing_to_judge_by(fleet: psycopg.Connection) -> None:
    fleet.execute("UPDATE fleet_fence SET withdrawn_at = now()")
    (found,) = nights(fleet)["in"]
    assert isinstance(found.verdict, CannotTell)
    assert found.verdict.why is Why.NO_FENCE


def test_nobody_is_asked_for_a_yard_that_nobody_entered(
    conn: psycopg.Connection,
) -> None:
    add(conn, "v")
    assert nights(conn) == {"v": []}


def test_vehicles_sealed_on_national_day(conn: psycopg.Connection, database: str) -> None:
    bring(database, add(conn, "in"), stays(NATIONAL))
    bring(database, add(conn, "out"), goes_out(NATIONAL))
    bring(database, add(conn, "secret", sensitive=True), goes_out(NATIONAL, odometer_km=5.0))
    add(conn, "mute")
    work(conn)
    enter(conn, "sealed", **SEALED)
    what = asked(conn, date(2026, 9, 28), date(2026, 10, 2))
    found = rests(conn, what)
    # The first of October and the second: before, nobody is sealed.
    assert {code: len(verdicts) for code, verdicts in found.items()} == dict.fromkeys(found, 2)
    assert isinstance(found["in"][1].verdict, Agrees)
    for code in ("out", "secret"):
        verdict = found[code][0].verdict
        assert isinstance(verdict, Doubt)
        assert verdict.kind is DoubtKind.MOVED_SEALED
        assert found[code][0].reason == SEALED["reason"]
        assert verdict.evidence.place is None
    assert found["secret"][0].verdict.evidence.moved_mm is None
    # To the last message before midnight and from there on.
    assert found["secret"][0].verdict.evidence.odometer_mm == 20_000_000
    assert found["secret"][0].verdict.evidence.away == ()
    for one in found["mute"]:
        assert isinstance(one.verdict, CannotTell)
        assert one.verdict.why is Why.NO_POSITIONS


def test_sealed_by_class_by_state_and_by_dates(fleet: psycopg.Connection, tmp_path: Path) -> None:
    ledger_of(fleet, tmp_path / "a.xlsx")
    dates = {"since": "2026-06-01", "last": "2026-06-02", "reason": "维护"}
    enter(fleet, "sealed", **dates, **{"class": "轿车", "days": "每天"})
    found = rests(fleet, asked(fleet, date(2026, 5, 31), date(2026, 6, 5)))
    assert {code: len(verdicts) for code, verdicts in found.items()} == {
        "in": 0,
        "mute": 0,
        "out": 2,
    }
    fleet.execute(
        "INSERT INTO consumer_fact (consumer_id, name, value, since, key, content, entered_by,"
        " entered_at) SELECT id, 'state', 'sealed', '2026-06-04', 'k', 'c', 'x', now()"
        " FROM fuel_consumer"
    )
    again = rests(fleet, asked(fleet, date(2026, 5, 31), date(2026, 6, 5)))["out"]
    assert [one.window.day.day for one in again] == [1, 2, 4, 5]
    assert again[-1].reason == "车辆状态：封存"


def test_days_by_the_last_digit_of_plates_are_off_until_somebody_enters_them(
    fleet: psycopg.Connection, database: str
) -> None:
    for code in ("x17", "x28", "D1Z"):
        bring(database, add(fleet, code), goes_out(NOON - 5 * HOUR))
    work(fleet)
    week = asked(fleet, FIRST, date(2026, 6, 7))
    assert not any(rests(fleet, week).values())
    times = {"from_time": "07:00", "to_time": "20:00", "reason": "尾号限行通告"}
    enter(fleet, "sealed", tail="1、7", days="周一", since="2026-01-01", **times)
    found = rests(fleet, week)
    assert {code for code, verdicts in found.items() if verdicts} == {"x17", "D1Z"}
    (monday,) = found["x17"]
    assert monday.window.day == FIRST
    assert monday.window.to_us - monday.window.from_us == 13 * HOUR
    assert isinstance(monday.verdict, Doubt)


def test_special_vehicles_are_bound_to_no_day_by_their_plate(
    fleet: psycopg.Connection, tmp_path: Path
) -> None:
    ledger_of(fleet, tmp_path / "a.xlsx")
    said = {"tail": "3", "days": "周一", "since": "2026-01-01", "reason": "尾号限行通告"}
    enter(fleet, "sealed", **said)
    for name, value in (("plate", "川A12343"), ("use", "law")):
        expected = 1 if name == "plate" else 0
        fleet.execute(
            "INSERT INTO consumer_fact (consumer_id, name, value, since, key, content, entered_by,"
            " entered_at) SELECT id, %s, %s, '2026-02-01', %s, 'c', 'x', now() FROM fuel_consumer",
            [name, value, name],
        )
        assert len(rests(fleet, asked(fleet))["out"]) == expected


def test_holidays_that_are_not_published_cannot_be_judged(fleet: psycopg.Connection) -> None:
    enter(fleet, "sealed", **SEALED)
    then = replace(
        asked(fleet, date(2031, 10, 1), date(2031, 10, 1)), now=datetime(2032, 1, 1, tzinfo=UTC)
    )
    (found,) = rests(fleet, then)["in"]
    assert isinstance(found.verdict, CannotTell)
    assert found.verdict.why is Why.CALENDAR


def test_vehicles_are_read_by_their_ids(fleet: Conn) -> None:
    every = load.vehicles(fleet)
    assert len(every) > 2
    some = every[::2]
    assert load.vehicles(fleet, ids=[one.id for one in some]) == some
    assert load.vehicles(fleet, ids=[]) == []
