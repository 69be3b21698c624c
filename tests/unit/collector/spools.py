"""Spools and batches made for tests."""

from __future__ import annotations

from pathlib import Path

from collector.settings import SpoolSettings
from collector.spool import Spool
from collector.spool_model import Settlement, Stored
from storage.records import Batch, Kind

MANY = 10**9


def batch(rows: int = 1, body: bytes = b"x", kind: Kind = Kind.POSITION) -> Batch:
    return Batch(kind, rows, body)


def make(path: Path, **bounds: int) -> Spool:
    return Spool(path / "spool.db", SpoolSettings(**bounds), now_us=lambda: 1_000)


def delivered(taken: list[Stored]) -> Settlement:
    counts: dict[Kind, int] = {}
    for stored in taken:
        counts[stored.batch.kind] = counts.get(stored.batch.kind, 0) + stored.batch.rows
    return Settlement(taken[-1].id, sum(len(s.batch.body) for s in taken), counts)


def take_all(spool: Spool) -> list[Stored]:
    taken: list[Stored] = []
    while more := spool.take(MANY, MANY):
        taken.extend(more)
    return taken


def bodies(taken: list[Stored]) -> list[bytes]:
    return [stored.batch.body for stored in taken]
