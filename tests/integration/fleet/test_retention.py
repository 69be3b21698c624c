"""Tracks of an age are removed; mileage stays, whatever is computed again."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from fleet.derive import due
from fleet.privacy import retention
from fleet.privacy.retention import WHO, Keeping, remove_old
from registry.audit import lines
from storage.engine import probe
from storage.records import Kind
from storage.times import us_of
from storage.writer import BulkWriter
from tests.integration.fleet.world import (
    add_terminal,
    add_vehicle,
    bind,
    derived,
    one,
    work,
    write,
)
from tests.unit.fleet.drives import HOUR, NOON, Drive, Fix
from tests.unit.storage.samples import batch, driver_card

DAY = 86_400_000_000
COVER = timedelta(minutes=5)
KEEPING = Keeping(31, places=False, cover=COVER)
DRIVEN = "SELECT started_at, ended_at, distance_mm, flags FROM trip ORDER BY started_at"
MILEAGE = "SELECT day, trips, gps_mm FROM vehicle_day WHERE gps_mm > 0 ORDER BY day"
BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
"""Of the first day of what is driven."""


def days(count: int) -> list[Fix]:
    """Return days with a drive out and one back each, and a night between them."""
    rows: list[Fix] = []
    for n in range(count):
        drive = Drive(odometer_km=500.0 + 40 * n, every_s=30).park(30).go(20_000).park(60)
        rows += [replace(row, t_us=row.t_us + n * DAY) for row in drive.go(-20_000).park(30).rows]
    return [replace(row, hash=n) for n, row in enumerate(rows)]


def at_day(number: int) -> datetime:
    """Return a time at which all before a day is to be removed."""
    return BEGIN + timedelta(days=31 + number, hours=5)


@pytest.fixture
def driven(conn: psycopg.Connection, database: str) -> int:
    """A vehicle with six days of trips, computed; the terminal's id."""
    terminal, vehicle = add_terminal(conn, "t"), add_vehicle(conn, "v")
    bind(conn, terminal, vehicle)
    write(database, days(6), {1: terminal})
    work(conn)
    return terminal


def oldest(conn: psycopg.Connection) -> datetime:
    found: datetime = one(conn, "SELECT min(fix_time) FROM position")
    return found


@pytest.mark.usefixtures("driven")
def test_old_positions_go_and_the_mileage_stays(conn: psycopg.Connection) -> None:
    before = derived(conn)
    rows = one(conn, "SELECT count(*) FROM position")
    assert remove_old(conn, KEEPING, at_day(3)) is None
    assert oldest(conn) >= BEGIN + timedelta(days=3)
    assert 0 < one(conn, "SELECT count(*) FROM position") < rows
    assert derived(conn) == before
    (line,) = lines(conn, "positions")
    assert (line.principal, line.action) == (WHO, "track.remove")
    assert line.detail["before"].startswith("2026-06-04")
    assert remove_old(conn, KEEPING, at_day(3)) is None
    assert len(lines(conn, "positions")) == 1, "once a day"


def test_drivers_cards_of_that_age_go_along(
    conn: psycopg.Connection, database: str, driven: int
) -> None:
    first = us_of(BEGIN)
    cards = [driver_card(driven, first + n * DAY) for n in range(5)]
    with closing(BulkWriter(database)) as writer:
        writer.write([batch(Kind.DRIVER_CARD, cards)])
    assert remove_old(conn, KEEPING, at_day(3)) is None
    left = conn.execute("SELECT at FROM driver_card ORDER BY at").fetchall()
    assert left == [(BEGIN + timedelta(days=3),), (BEGIN + timedelta(days=4),)]
    (line,) = lines(conn, "positions")
    assert line.detail["cards"] == 3


def test_everything_computed_again_leaves_what_is_gone_alone(
    conn: psycopg.Connection, database: str, driven: int
) -> None:
    before = derived(conn)
    remove_old(conn, KEEPING, at_day(3))
    due.mark_all(conn, "test")
    work(conn)
    assert derived(conn) == before
    conn.execute("DELETE FROM terminal_vehicle")
    work(conn)
    assert one(conn, "SELECT count(*) FROM trip WHERE started_at < '2026-06-04'") == 6
    assert one(conn, "SELECT count(*) FROM trip WHERE started_at > '2026-06-05'") == 0
    bind(conn, driven, one(conn, "SELECT id FROM vehicle"))
    work(conn)
    assert derived(conn) == before
    late = [replace(row, t_us=row.t_us + 6 * DAY, hash=1) for row in days(1)]
    write(database, late, {1: driven})
    work(conn)
    assert one(conn, "SELECT count(*) FROM trip") == len(before["trip"]) + 2


SET_ASIDE = """
INSERT INTO fleet_failure (vehicle_id, error, failures, first_at, last_at, retry_at, deaths)
VALUES (%s, 'killed its worker', 3, now(), now(), now(), 3)
"""


@pytest.fixture
def held(conn: psycopg.Connection, database: str, driven: int) -> int:
    """A second vehicle, whose terminal was in the first one until 2 June; it is set aside."""
    vehicle, first = add_vehicle(conn, "poison"), one(conn, "SELECT id FROM vehicle")
    bind(conn, terminal := add_terminal(conn, "u"), first, "[,2026-06-02T00:00Z)")
    bind(conn, terminal, vehicle, "[2026-06-02T00:00Z,)")
    write(database, [replace(row, hash=row.hash + 20_000) for row in days(6)], {1: terminal})
    due.follow(conn)
    conn.execute("DELETE FROM fleet_due WHERE vehicle_id = %s", [first])
    conn.execute(SET_ASIDE, [vehicle])
    assert driven < terminal
    return vehicle


KEPT = """
SELECT terminal_id, min(fix_time)::date::text FROM position GROUP BY terminal_id ORDER BY 1
"""


DROPS = """
CREATE FUNCTION drop_chunks(relation text, older_than timestamptz) RETURNS SETOF text
LANGUAGE sql AS 'DELETE FROM position WHERE fix_time < older_than RETURNING relation'
"""
"""As TimescaleDB does, where every row is a chunk."""


@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_vehicle_that_is_set_aside_holds_up_its_own_track_alone(
    conn: psycopg.Connection, held: int, monkeypatch: pytest.MonkeyPatch, *, in_chunks: bool
) -> None:
    if in_chunks and not probe(conn).is_timescale:
        conn.execute(DROPS)
        monkeypatch.setattr(retention, "_in_chunks", lambda _: True)
    before = derived(conn)
    assert remove_old(conn, KEEPING, at_day(3)) is None
    assert [since for _, since in conn.execute(KEPT)] == ["2026-06-04", "2026-06-02"]
    (line,) = lines(conn, "positions")
    assert line.detail["held"] == [held]
    conn.execute("DELETE FROM fleet_failure")
    work(conn)
    assert one(conn, "SELECT count(*) FROM trip WHERE vehicle_id = %s", [held]) == 10
    assert [row for row in derived(conn)["trip"] if row[0] != held] == before["trip"]
    assert remove_old(conn, KEEPING, at_day(4)) is None
    assert [since for _, since in conn.execute(KEPT)] == ["2026-06-05", "2026-06-05"]
    assert one(conn, "SELECT count(*) FROM trip WHERE vehicle_id = %s", [held]) == 10


def test_positions_that_nobody_took_note_of_hold_up_nobody_else_either(
    conn: psycopg.Connection, database: str, held: int
) -> None:
    late = [replace(row, t_us=row.t_us + DAY, hash=row.hash + 40_000) for row in days(1)]
    terminals = conn.execute("SELECT id FROM terminal ORDER BY id").fetchall()
    write(database, late, {1: terminals[1][0]})
    assert remove_old(conn, KEEPING, at_day(3)) is None
    write(database, late, {1: terminals[0][0]})
    assert remove_old(conn, KEEPING, at_day(4)) is not None
    assert held


def test_a_killed_removal_spares_whom_it_noted_even_if_that_can_be_computed_since(
    conn: psycopg.Connection, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(retention, "_positions", killed)
        with pytest.raises(KeyboardInterrupt):
            remove_old(conn, KEEPING, at_day(3))
    conn.execute("DELETE FROM fleet_failure")
    assert remove_old(conn, KEEPING, at_day(3)) is None
    assert [since for _, since in conn.execute(KEPT)] == ["2026-06-04", "2026-06-02"]
    work(conn)
    assert one(conn, "SELECT count(*) FROM trip WHERE vehicle_id = %s", [held]) == 10


def test_what_comes_later_than_tracks_are_kept_changes_no_trip(
    conn: psycopg.Connection, database: str, driven: int
) -> None:
    before = derived(conn)
    remove_old(conn, KEEPING, at_day(3))
    late = [replace(row, hash=row.hash + 10_000, lat=row.lat + 1) for row in days(1)]
    write(database, late, {1: driven})
    work(conn)
    assert derived(conn) == before
    assert remove_old(conn, KEEPING, at_day(4)) is None
    assert oldest(conn) >= BEGIN + timedelta(days=4), "they go with the next day"


def test_nothing_goes_before_its_trips_are_computed(
    conn: psycopg.Connection, database: str
) -> None:
    terminal, vehicle = add_terminal(conn, "t"), add_vehicle(conn, "v")
    bind(conn, terminal, vehicle)
    work(conn)
    write(database, days(6), {1: terminal})
    assert remove_old(conn, KEEPING, at_day(3)) is not None, "nobody has taken note of them"
    due.follow(conn)
    assert remove_old(conn, KEEPING, at_day(3)) is not None, "due"
    assert oldest(conn) < BEGIN + timedelta(days=1)
    work(conn)
    conn.execute("INSERT INTO withhold_due (vehicle_id, why) VALUES (%s, 'test')", [vehicle])
    why = remove_old(conn, KEEPING, at_day(3))
    assert why is not None
    assert "sensitive" in why
    work(conn)
    assert remove_old(conn, KEEPING, at_day(3)) is None
    assert oldest(conn) >= BEGIN + timedelta(days=3)
    assert one(conn, "SELECT count(*) FROM trip") == 12


@pytest.mark.usefixtures("driven")
def test_what_is_due_of_later_days_holds_up_nothing(conn: psycopg.Connection) -> None:
    (vehicle,) = conn.execute("SELECT id FROM vehicle").fetchall()[0]
    now = datetime.fromtimestamp(NOON / 1e6 + 5 * 86_400, UTC)
    due.QUEUE.mark(conn, vehicle, now, now, "test")
    assert remove_old(conn, KEEPING, at_day(3)) is None
    assert oldest(conn) >= BEGIN + timedelta(days=3)


@pytest.mark.usefixtures("driven")
def test_a_removal_that_was_killed_is_brought_to_its_end(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(retention, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            remove_old(conn, KEEPING, at_day(3))
    assert lines(conn, "positions") == []
    assert remove_old(conn, KEEPING, at_day(3)) is None
    assert len(lines(conn, "positions")) == 1
    assert oldest(conn) >= BEGIN + timedelta(days=3)


@pytest.mark.usefixtures("driven")
def test_places_of_that_age_go_when_they_shall(conn: psycopg.Connection) -> None:
    places = "SELECT count(start_lat), count(*) FROM trip WHERE ended_at < '2026-06-04'"
    assert conn.execute(places).fetchall() == [(6, 6)]
    remove_old(conn, Keeping(31, places=True, cover=COVER), at_day(3))
    assert conn.execute(places).fetchall() == [(0, 6)]
    assert one(conn, "SELECT count(start_lat) FROM trip") == 6
    assert one(conn, "SELECT count(*) FROM vehicle_stop WHERE lat IS NULL") > 0
    assert one(conn, "SELECT sum(gps_mm) FROM vehicle_day") > 239_000_000


@pytest.mark.usefixtures("driven")
def test_newest_places_and_refused_bytes_of_that_age_go_too(conn: psycopg.Connection) -> None:
    conn.execute(
        "INSERT INTO latest_position (terminal_id, fix_time, lat, lon, flags, received_at)"
        " VALUES (77, '2026-06-01Z', 30, 104, 0, '2026-06-01Z')"
    )
    for source, origin, day in (("mqtt", "t", 1), ("mqtt", "t", 5), ("drain", "reading", 1)):
        conn.execute(
            "INSERT INTO quarantine VALUES (%s, %s, sha256(random()::text::bytea), 'r', 'p', %s)",
            [source, origin, BEGIN + timedelta(days=day)],
        )
    conn.execute(
        "INSERT INTO terminal_clock SELECT 77, at, 9, at, at"
        " FROM unnest('{2026-06-01Z, 2026-08-01Z}'::timestamptz[]) AS at"
    )
    # Where no worker of rules runs, hours are noted and never judged.
    conn.execute("DELETE FROM terminal_clock_change")
    conn.execute("INSERT INTO terminal_clock_change SELECT terminal_id, hour FROM terminal_clock")
    remove_old(conn, KEEPING, at_day(3))
    assert one(conn, "SELECT count(*) FROM latest_position") == 0
    assert one(conn, "SELECT count(*) FROM terminal_clock WHERE hour < '2026-07-01Z'") == 0
    assert one(conn, "SELECT count(*) FROM terminal_clock") == 1
    assert one(conn, "SELECT count(*) FROM terminal_clock_change") == 1
    left = conn.execute("SELECT source, origin FROM quarantine ORDER BY 1").fetchall()
    assert left == [("drain", "reading"), ("mqtt", "t")]


def test_a_vehicle_that_stood_since_begins_anew(
    conn: psycopg.Connection, database: str, driven: int
) -> None:
    before = derived(conn)
    assert remove_old(conn, KEEPING, at_day(40)) is None
    assert one(conn, "SELECT count(*) FROM position") == 0
    later = [replace(row, t_us=row.t_us + 41 * DAY) for row in days(1)]
    write(database, later, {1: driven})
    work(conn)
    trips = derived(conn)["trip"]
    assert trips[:12] == before["trip"]
    assert len(trips) == 14


@pytest.mark.parametrize("hours", [3, 8, 10.1, 12, 30])
def test_wherever_a_removal_cuts_what_was_made_stays(
    conn: psycopg.Connection, database: str, hours: float
) -> None:
    """Within a drive or a stop; then thresholds change, and late fixes come."""
    terminal, vehicle = add_terminal(conn, "t"), add_vehicle(conn, "v")
    bind(conn, terminal, vehicle)
    begin = us_of(BEGIN) - int(hours * HOUR)
    drive = Drive(begin)
    for metres in (5_000, 6_000, 7_000, 8_000):
        drive.park(600).go(metres, kmh=20)
    write(database, drive.park(30).rows, {1: terminal})
    work(conn)
    trips, mileage = conn.execute(DRIVEN).fetchall(), conn.execute(MILEAGE).fetchall()
    assert len(trips) == 4
    assert remove_old(conn, KEEPING, at_day(0)) is None
    assert oldest(conn) >= BEGIN
    due.mark_all(conn, "thresholds")
    write(database, Drive(begin + HOUR).park(5).rows, {1: terminal})
    work(conn)
    assert conn.execute(DRIVEN).fetchall() == trips
    assert conn.execute(MILEAGE).fetchall() == mileage
    assert one(conn, "SELECT count(*) FROM fleet_due") == 0
