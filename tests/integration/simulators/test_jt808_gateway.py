"""Simulated terminals against our own gateway: two codecs written apart must mean the same."""

from __future__ import annotations

import asyncio
import json
import struct
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from collector.jt808.source import Jt808Source
from collector.settings import Jt808Settings
from simulators.county import Size, county
from simulators.jt808 import fleet, location
from simulators.jt808.dialogue import Send
from simulators.jt808.faults import Leaving, Wire, WireFaults
from simulators.jt808.line import Gate, Line
from simulators.jt808.location import Location
from simulators.jt808.terminal import Since
from simulators.mqtt.payload import MessageFaults
from simulators.run import now_us
from simulators.scenario import Scenario
from simulators.truth import STORED_AS, Jt808Sent, TruthLog, acknowledged_jt808, read_truth
from storage.records import PG_EPOCH_US, Batch, Kind, split
from tests.processes import until

MINUTES = 3
ENOUGH = 120
"""Positions of each terminal; it has three minutes of them behind it when it begins."""

TERMINALS = 6


@dataclass(frozen=True, slots=True)
class Row:
    """What the gateway handed on for one position, as far as it names and places it."""

    terminal: int
    fix_time_us: int
    content_hash: int
    lat: float
    lon: float
    measured: tuple[bytes, ...]
    extra: bytes

    @property
    def items(self) -> dict[str, str]:
        """Every item of the body, hexadecimal."""
        items: dict[str, str] = json.loads(self.extra)["items"]
        return items

    @property
    def number(self) -> int:
        """The simulator's own number of it."""
        return int(self.items["f1"], 16)


class Remembering(Line):
    """A line that keeps the bodies it sends, by number."""

    bodies: dict[int, bytes]

    def leaves(self, send: Send, held: bytes) -> Leaving:
        self.bodies |= {report.seq: report.body for report in send.reports}
        return super().leaves(send, held)


class Door:
    """Takes batches as a spool would, and keeps them."""

    def __init__(self) -> None:
        self.positions: list[Row] = []
        self.taken: Counter[int] = Counter()
        self.quarantined = 0

    async def accept(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            if batch.kind is Kind.POSITION:
                rows = [row_of(packed) for packed in split(batch.body)]
                self.positions += rows
                self.taken.update(row.terminal for row in rows)
            elif batch.kind is Kind.QUARANTINE:
                self.quarantined += batch.rows


def row_of(packed: bytes) -> Row:
    fields = []
    at = 2
    while at < len(packed):
        (size,) = struct.unpack_from(">i", packed, at)
        fields.append(packed[at + 4 : at + 4 + max(size, 0)])
        at += 4 + max(size, 0)
    whole = [int.from_bytes(field, signed=True) for field in fields[:3]]
    lat, lon = (struct.unpack(">d", field)[0] for field in fields[3:5])
    measured = tuple(fields[5:11])
    return Row(whole[0], whole[1] + PG_EPOCH_US, whole[2], lat, lon, measured, fields[-1][1:])


def expected_of(where: Location) -> tuple[bytes, ...]:
    """Speed, course, altitude, odometer, satellites and ignition, as their columns hold them."""
    items = dict(where.items)
    return (
        struct.pack(">f", where.speed / 10),
        struct.pack(">f", where.direction),
        struct.pack(">f", where.altitude),
        struct.pack(">d", int.from_bytes(items[location.MILEAGE]) / 10),
        struct.pack(">h", items[location.SATELLITES][0]),
        struct.pack(">?", bool(where.status & location.ACC)),
    )


def scenario() -> Scenario:
    since = (datetime.now(UTC) - timedelta(days=3)).date()
    plan = county(5, since, Size(2, 2, 0, 0, vehicles=TERMINALS, jt808=TERMINALS))
    eager = tuple(
        msgspec.structs.replace(v, interval_s=1, parked_every=1, patrol=True) for v in plan.vehicles
    )
    wrong = 0.02
    wire = WireFaults(
        bad_checksum=wrong,
        wrong_length=wrong,
        split=wrong,
        joined=wrong,
        garbage=wrong,
        repeated=wrong,
        slow=wrong,
        half_open=0.2,
        silent=0.1,
        after=9,
        quiet_s=0.5,
    )
    messages = MessageFaults(
        malformed=wrong,
        zero_island=wrong,
        out_of_range=wrong,
        future=wrong,
        no_fix=wrong,
        duplicate=wrong,
    )
    return msgspec.structs.replace(plan, vehicles=eager, wire=wire, messages=messages)


async def test_whatever_the_wire_does_every_answered_position_is_there_once(tmp_path: Path) -> None:
    plan, door = scenario(), Door()
    truth = TruthLog(tmp_path / "truth.jsonl")
    ids = {v.terminal: n + 1 for n, v in enumerate(plan.vehicles)}
    settings = Jt808Settings(host="127.0.0.1", port=0)
    source = Jt808Source(settings, ids, door.accept, state_dir=tmp_path)
    stop, hang_up = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(source.run(stop))
    await until(lambda: source.port > 0, "it listens")
    lines = [line(plan, n, Gate("127.0.0.1", source.port), truth) for n in range(TERMINALS)]
    calling = [asyncio.create_task(each.run(hang_up)) for each in lines]
    await until(lambda: all(door.taken[n] > ENOUGH for n in ids.values()), "enough has come")
    hang_up.set()
    await asyncio.gather(*calling)
    stop.set()
    await serving
    truth.close()

    records = list(read_truth(tmp_path / "truth.jsonl"))
    acked = acknowledged_jt808(records)
    rows = defaultdict(set)
    codes = {number: code for code, number in ids.items()}
    for row in door.positions:
        rows[codes[row.terminal], row.number].add(row)
    expected = {key: sent for key, sent in acked.items() if STORED_AS.get(sent.kind) == "position"}
    assert len(expected) > TERMINALS * ENOUGH / 2
    assert expected.keys() - rows.keys() == set(), "answered and not handed on"
    sent = {(r.terminal, r.seq) for r in records if isinstance(r, Jt808Sent)}
    assert rows.keys() - sent == set(), "nobody said it"
    for found in rows.values():
        assert len({(row.fix_time_us, row.content_hash) for row in found}) == 1, "one row"
    assert {key: next(iter(rows[key])).fix_time_us for key in expected} == {
        key: sent.ts for key, sent in expected.items()
    }
    for key, kept in expected.items():
        (place,) = {(row.lat, row.lon) for row in rows[key]}
        assert (place == (0.0, 0.0)) is (kept.kind == "zero_island")
        assert (place[0] > 90) is (kept.kind == "out_of_range")
        body = lines[ids[key[0]] - 1].bodies[key[1]]
        for row in rows[key]:
            same_as_sent(row, location.decode(body))
    assert door.quarantined > 0
    assert [why for each in lines for why in each.terminal.stats.wrong] == []


def same_as_sent(row: Row, where: Location) -> None:
    sign = 1 - 2 * bool(where.status & location.SOUTH), 1 - 2 * bool(where.status & location.WEST)
    assert (row.lat, row.lon) == (sign[0] * where.lat / 1e6, sign[1] * where.lon / 1e6)
    assert row.measured == expected_of(where)
    assert row.items == {f"{name:02x}": data.hex() for name, data in where.items}


def line(plan: Scenario, n: int, gate: Gate, truth: TruthLog) -> Remembering:
    vehicle = plan.vehicles[n]
    habit = replace(fleet.habit_of(plan, vehicle), reply_s=1)
    since = Since(0, now_us() - MINUTES * 60_000_000)
    terminal = fleet.terminal(plan, vehicle, habit, since)
    wire = Wire(plan.wire, plan.seed, vehicle.terminal)
    made = Remembering(terminal, vehicle.terminal, wire, gate, truth, now_us)
    made.bodies = {}
    return made
