"""The scene of the unit tests in a database."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg

from fleet.joining.model import Filling, Records, Vehicle
from storage.times import at_us
from tests.integration.fleet.world import add_terminal, bind, one

_BY = ("test", "2026-06-01T00:00:00Z")


def settle(conn: psycopg.Connection[Any], records: Records) -> None:
    """Put records into the tables that others fill."""
    conn.execute("INSERT INTO institution (code, name) VALUES ('i', '局')")
    for vehicle in records.vehicles.values():
        _vehicle(conn, vehicle)


def _vehicle(conn: psycopg.Connection[Any], vehicle: Vehicle) -> None:
    known: int = one(
        conn,
        "INSERT INTO vehicle (code, plate, institution_id, energy, sensitive)"
        " SELECT %s, %s, id, 'petrol', %s FROM institution RETURNING id",
        [vehicle.code, f"川A·{vehicle.code}", vehicle.sensitive],
    )
    terminal = add_terminal(conn, vehicle.code)
    bind(conn, terminal, known)
    owner: int = one(
        conn,
        "INSERT INTO fuel_consumer (code, kind, institution_id, vehicle_id, key, content,"
        " entered_by, entered_at) SELECT %s, 'vehicle', id, %s, %s, '', %s, %s FROM institution"
        " RETURNING id",
        [vehicle.code, known, vehicle.code, *_BY],
    )
    for name, value in (("tank", "60000"), ("energy", "petrol")):
        conn.execute(
            "INSERT INTO consumer_fact (consumer_id, name, value, since, key, content, entered_by,"
            " entered_at) VALUES (%s, %s, %s, %s, %s, '', %s, %s)",
            [owner, name, value, date(2026, 1, 1), f"{owner} {name}", *_BY],
        )
    card_of(conn, f"card {vehicle.code}", owner)
    for filling in vehicle.fillings:
        spend(conn, filling.number, "filling", f"card {vehicle.code}", filling)
    for repair in vehicle.repairs:
        conn.execute(
            "INSERT INTO fleet_spending (id, kind, consumer_id, at, timed, merchant, key, content,"
            " entered_by, entered_at) OVERRIDING SYSTEM VALUE"
            " VALUES (%s, 'maintenance', %s, %s, false, %s, %s, '', %s, %s)",
            [repair.number, owner, at_us(repair.at_us), repair.merchant, repair.number, *_BY],
        )
    _orders(conn, owner, vehicle)
    _track(conn, known, terminal, vehicle)
    for n, card in enumerate(vehicle.cards):
        conn.execute(
            "INSERT INTO driver_card (terminal_id, at, content_hash, event, timed, name, withheld,"
            " raw, received_at) VALUES (%s, %s, %s, %s, true, %s, false, '', now())",
            [terminal, at_us(card.at_us), n, card.event, card.name],
        )


def card_of(conn: psycopg.Connection[Any], card: str, owner: int | None) -> None:
    """Bind a card to a vehicle of the ledger, or to nobody."""
    conn.execute(
        "INSERT INTO fuel_card_fact (card, main_card, consumer_id, since, key, content, entered_by,"
        " entered_at) VALUES (%s, 'main', %s, '2026-01-01', %s, '', %s, %s)",
        [card, owner, card, *_BY],
    )


def spend(
    conn: psycopg.Connection[Any], number: int, kind: str, card: str, filling: Filling
) -> None:
    """Put a line of a statement into the ledger."""
    conn.execute(
        "INSERT INTO fleet_spending (id, kind, card, at, timed, product, quantity, unit, fen,"
        " odometer_hm, full_tank, merchant, key, content, entered_by, entered_at, consumer_id)"
        " OVERRIDING SYSTEM VALUE"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 10000, %s, %s, %s, %s, '', %s, %s,"
        " (SELECT id FROM fuel_consumer WHERE code = %s))",
        [
            *(number, kind, card, at_us(filling.at_us), filling.timed, filling.product),
            *(filling.ml, None if filling.ml is None else "ml", filling.odometer_hm, filling.full),
            *(filling.merchant, f"line {number}", *_BY, filling.written),
        ],
    )


def _orders(conn: psycopg.Connection[Any], owner: int, vehicle: Vehicle) -> None:
    for order in vehicle.orders:
        times = [None if at is None else at_us(at) for at in (order.out_us, order.back_us)]
        conn.execute(
            "INSERT INTO dispatch_order (id, number, consumer_id, day, out_at, back_at, reason,"
            " passenger, approver, odometer_out_hm, odometer_back_hm, driver, key, content,"
            " entered_by, entered_at) OVERRIDING SYSTEM VALUE"
            " SELECT %s, %s, %s, (%s::timestamptz AT TIME ZONE 'Asia/Shanghai')::date, %s, %s,"
            " '公务', '', '主任', %s, %s, %s, %s, '', %s, %s",
            [
                *(order.number, order.name, owner, at_us(order.day_us), *times),
                *(order.out_hm, order.back_hm, order.driver, order.name, *_BY),
            ],
        )


def _track(conn: psycopg.Connection[Any], known: int, terminal: int, vehicle: Vehicle) -> None:
    stops, trips, sight = vehicle.track.stops, vehicle.track.trips, vehicle.track.sight
    with conn.cursor() as cursor:
        rows: list[tuple[Any, ...]] = [
            (known, at_us(began), at_us(ended), lat, lon, gained, silent)
            for began, ended, lat, lon, gained, silent in zip(
                *(stops.began_us.tolist(), stops.ended_us.tolist(), _places(stops.lat)),
                *(_places(stops.lon), _known(stops.terminal_mm), stops.silent_s.tolist()),
                strict=True,
            )
        ]
        cursor.executemany(
            "INSERT INTO vehicle_stop (vehicle_id, seen_from, seen_to, began_at, ended_at, lat,"
            " lon, fixes, terminal_mm, silent_s) VALUES (%s, %s, %s, %s, %s, %s, %s, 9, %s, %s)",
            [(row[0], row[1], row[2], *row[1:]) for row in rows],
        )
        rows = [
            (known, at_us(started), at_us(ended), mm, gained)
            for started, ended, mm, gained in zip(
                *(trips.started_us.tolist(), trips.ended_us.tolist()),
                *(trips.distance_mm.tolist(), _known(trips.terminal_mm)),
                strict=True,
            )
        ]
        cursor.executemany(
            "INSERT INTO trip (vehicle_id, started_at, ended_at, distance_mm, gap_mm, terminal_mm,"
            " odometer_faults, moving_s, idle_s, fixes, left_out, jumps, flags)"
            " VALUES (%s, %s, %s, %s, 0, %s, 0, 0, 0, 9, 0, 0, 0)",
            rows,
        )
        with cursor.copy(
            "COPY position (terminal_id, fix_time, content_hash, lat, lon, flags, received_at)"
            " FROM STDIN"
        ) as copy:
            for n, (at, lat, lon) in enumerate(
                zip(sight.t_us.tolist(), sight.lat.tolist(), sight.lon.tolist(), strict=True)
            ):
                copy.write_row((terminal, at_us(at), n, lat, lon, 0, at_us(at)))


def _known(values: Any) -> list[int | None]:  # noqa: ANN401
    return [None if value < 0 else value for value in values.tolist()]


def _places(values: Any) -> list[float | None]:  # noqa: ANN401
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124
