"""The account of a run: what was sent, what the database has, what lies between."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg

from jieyong.demo import doubts, energy, journeys
from jieyong.demo.figures import Figures
from jieyong.demo.verify import (
    Number,
    Sent,
    StoredReading,
    Verdict,
    compare_cards,
    compare_positions,
    compare_readings,
)
from simulators.truth import (
    STORED_AS,
    Jt808Acked,
    Jt808Sent,
    ModbusReply,
    MqttAcked,
    MqttSent,
    Record,
    read_truth,
)

_READINGS: Final = """
SELECT d.code, p.name, (extract(epoch FROM r.observed_at) * 1000000)::bigint, r.value
FROM device d JOIN point p ON p.device_id = d.id
JOIN reading r ON r.point_id = p.id AND r.ts >= %(slots_from)s
WHERE r.observed_at >= %(since)s
"""
# A simulated terminal of JT/T 808 carries its number in a vendor's item; `seq` is the message's.
_POSITIONS: Final = """
SELECT t.code, coalesce(('x' || (p.extra -> 'items' ->> 'f1'))::bit(32)::int, p.seq), count(*)
FROM terminal t JOIN position p ON p.terminal_id = t.id AND p.fix_time >= %(fixes_from)s
WHERE p.received_at >= %(since)s
GROUP BY 1, 2
"""
_CARDS: Final = """
SELECT t.code, CASE WHEN c.timed THEN (extract(epoch FROM c.at) * 1000000)::bigint END, count(*)
FROM terminal t JOIN driver_card c ON c.terminal_id = t.id
WHERE c.received_at >= %(since)s
GROUP BY 1, 2
"""
_QUARANTINE: Final = "SELECT count(*) FROM quarantine WHERE received_at >= %(since)s"
_ROWS: Final = """
SELECT 'readings', count(*) FROM reading UNION ALL
SELECT 'positions', count(*) FROM position UNION ALL
SELECT 'driver_cards', count(*) FROM driver_card UNION ALL
SELECT 'conflicts', count(*) FROM reading_conflict UNION ALL
SELECT 'quarantine', count(*) FROM quarantine
"""
# From when the reply came, or the vehicle spoke, to when the row was visible to everybody.
_LAG: Final = """
SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY lag) FROM (
    SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - observed_at) * 1000 AS lag
    FROM reading WHERE ts >= %(slots_from)s AND observed_at >= %(since)s
    UNION ALL
    SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - fix_time) * 1000
    FROM position WHERE fix_time >= %(since)s AND fix_time <= received_at
) AS lags
"""
_LONGEST_INTERVAL: Final = timedelta(hours=1)
_LATEST_FIX: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Truth:
    """What the simulators did during a run, as far as the comparison needs it."""

    replies: tuple[ModbusReply, ...]
    sent: Mapping[Number, Sent]
    acknowledged: frozenset[Number]

    @property
    def quarantined(self) -> int:
        """How many acknowledged messages belong in quarantine."""
        return sum(STORED_AS.get(self.sent[n].kind) == "quarantine" for n in self.acknowledged)


@dataclass(frozen=True, slots=True)
class Summary:
    """What ``--summary`` writes.

    Attributes:
        started: when the collectors were started, UTC.
        seconds: how long they ran.
        rows: table → rows in the database, earlier runs included.
        lag_p50_ms: from the reply or the vehicle's message to the commit; None when the server
            keeps no commit times.
        lag_p99_ms: likewise.
        polls_ok: polls with every block answered.
        polls_failed: polls of which a block or all stayed unanswered.
        accepted: rows that the truth says must be there.
        lost: of those, not in the database.
        duplicated: rows beyond the one that a reply or message accounts for.
        invented: rows that nothing sent accounts for.
        refused: rows the spools turned away.
        missed_slots: slots of the schedule that were not polled, whatever the cause.
        missed_by_cause: the same, by cause.
        quarantined: messages that belong in quarantine.
        waiting: rows still in the spools.
        silent_devices: devices that did not answer at the end.
        meters: meters with readings.
        used: unit → what they counted, earlier runs and the past included.
        unbalanced: meters whose consumption is not what their counters say.
        vehicles: vehicles with days of which both mileages are known.
        trips: theirs, earlier runs and the past included.
        driven_km: what they drove by their positions.
        odometer_km: the same by their odometers.
        doubts: told by the rules that come along, earlier runs and the past included.
    """

    started: str
    seconds: float
    rows: Mapping[str, int]
    lag_p50_ms: float | None
    lag_p99_ms: float | None
    polls_ok: int
    polls_failed: int
    accepted: int
    lost: int
    duplicated: int
    invented: int
    refused: int
    missed_slots: int
    missed_by_cause: Mapping[str, int]
    quarantined: int
    waiting: int
    silent_devices: tuple[str, ...]
    meters: int
    used: Mapping[str, float]
    unbalanced: tuple[str, ...]
    vehicles: int
    trips: int
    driven_km: float
    odometer_km: float
    doubts: int

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, doubled or invented, and every meter adds up."""
        return self.lost == self.duplicated == self.invented == 0 and not self.unbalanced

    def as_json(self) -> str:
        """Return it as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n"


def read_run(paths: Iterable[Path], since: datetime) -> Truth:
    """Read from truth files what was served and sent since an instant.

    Raises:
        TruthError: a file is damaged.
    """
    since_us = round(since.timestamp() * 1e6)
    replies: list[ModbusReply] = []
    sent: dict[Number, Sent] = {}
    acknowledged: set[Number] = set()
    for record in _records(paths):
        match record:
            case ModbusReply() if record.served_at >= since_us:
                replies.append(record)
            case MqttSent() | Jt808Sent() if record.sent_at >= since_us:
                sent.setdefault((record.terminal, record.seq), record)
            case Jt808Acked(result=result) if result != 0:
                pass  # the terminal keeps it, and sends it again
            case MqttAcked() | Jt808Acked() if (record.terminal, record.seq) in sent:
                acknowledged.add((record.terminal, record.seq))
    return Truth(tuple(replies), sent, frozenset(acknowledged))


def compare(conn: psycopg.Connection[Any], truth: Truth, since: datetime) -> Verdict:
    """Hold a run's truth against the database."""
    bounds = {
        "since": since,
        "slots_from": since - _LONGEST_INTERVAL,
        "fixes_from": since - _LATEST_FIX,
    }
    readings: defaultdict[tuple[str, str], list[StoredReading]] = defaultdict(list)
    for device, point, observed_us, value in conn.execute(_READINGS, bounds):
        readings[device, point].append(StoredReading(observed_us, value))
    positions = {(code, seq): rows for code, seq, rows in conn.execute(_POSITIONS, bounds)}
    cards = {(code, at): rows for code, at, rows in conn.execute(_CARDS, bounds)}
    (held,) = conn.execute(_QUARANTINE, bounds).fetchone() or (0,)
    return (
        compare_readings(truth.replies, readings)
        + compare_positions(truth.sent, truth.acknowledged, positions)
        + compare_cards(truth.sent, truth.acknowledged, cards)
        + _missing(truth.quarantined, held, since)
    )


def _missing(expected: int, held: int, since: datetime) -> Verdict:
    # Which of them is not known: they have no number in the database.
    lost = max(0, expected - held)
    return Verdict(expected=expected, lost_at=(round(since.timestamp() * 1e6),) * lost)


def summarise(
    conn: psycopg.Connection[Any], truth: Truth, figures: Figures, since: datetime, until: datetime
) -> Summary:
    """Draw up the account of a run that has ended."""
    verdict = compare(conn, truth, since)
    lag = _lag(conn, since)
    counted, drove = energy.balance(conn), journeys.driven(conn)
    return Summary(
        started=since.astimezone(UTC).isoformat(),
        seconds=round((until - since).total_seconds(), 1),
        rows=dict(conn.execute(_ROWS).fetchall()),
        lag_p50_ms=lag[0],
        lag_p99_ms=lag[1],
        polls_ok=figures.polls.get("ok", 0),
        polls_failed=figures.polls.get("failed", 0) + figures.polls.get("partial", 0),
        accepted=verdict.expected,
        lost=verdict.lost,
        duplicated=verdict.duplicated,
        invented=verdict.invented,
        refused=figures.refused,
        missed_slots=sum(figures.missed.values()),
        missed_by_cause=figures.missed,
        quarantined=truth.quarantined,
        waiting=figures.waiting,
        silent_devices=figures.silent,
        meters=counted.meters,
        used=counted.used,
        unbalanced=counted.unbalanced,
        **asdict(drove),
        doubts=doubts.told(conn),
    )


def _records(paths: Iterable[Path]) -> Iterable[Record]:
    for path in paths:
        yield from read_truth(path)


def _lag(conn: psycopg.Connection[Any], since: datetime) -> tuple[float | None, float | None]:
    kept = conn.execute("SHOW track_commit_timestamp").fetchone()
    if kept is None or kept[0] != "on":
        return None, None
    bounds = {"since": since, "slots_from": since - _LONGEST_INTERVAL}
    row = conn.execute(_LAG, bounds).fetchone()
    if row is None or row[0] is None:
        return None, None
    p50, p99 = row[0]
    return round(float(p50), 1), round(float(p99), 1)
