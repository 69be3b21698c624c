"""What a collector must know of the registry: a frozen picture, kept on disk for outages."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final, LiteralString

import msgspec
import psycopg
from psycopg.rows import dict_row, tuple_row

from registry.catalogue import Catalogue

_FORMAT: Final = 1

# A device that was taken down (bound once, and no more) is not polled; one that comes later is,
# unless the unit still belongs to another.
_DEVICES: Final[LiteralString] = """
    SELECT DISTINCT ON (b.code, d.unit)
        b.code AS bus, b.transport, b.host, b.port, b.gap_ms,
        d.id AS device_id, d.code, d.unit, d.interval_s, d.timeout_ms,
        f.code AS profile, f.id AS profile_id,
        f.sha256 AS profile_sha256, s.points
    FROM device d
    JOIN bus b ON b.id = d.bus_id
    JOIN profile f ON f.id = d.profile_id
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_object_agg(p.name, p.id), '{}') AS points
        FROM point p WHERE p.device_id = d.id
    ) s
    CROSS JOIN LATERAL (
        SELECT count(*) AS bindings,
            min(lower(valid)) FILTER (WHERE upper_inf(valid) OR upper(valid) > %(now)s) AS since,
            coalesce(bool_or(upper_inf(valid) OR upper(valid) > %(now)s), false) AS bound
        FROM device_place WHERE device_id = d.id AND NOT isempty(valid)
    ) h
    WHERE d.valid @> %(now)s::timestamptz AND b.valid @> %(now)s::timestamptz
        AND (h.bound OR h.bindings = 0) AND b.transport <> 'by-hand'
    ORDER BY b.code, d.unit, h.since NULLS FIRST, d.code
"""
_TERMINALS: Final[LiteralString] = """
    SELECT code, id FROM terminal WHERE valid @> %s::timestamptz ORDER BY code
"""


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """A device as the poller needs it.

    Attributes:
        device_id: immutable id.
        code: stable code, as people write it.
        unit: Modbus unit id, 0..255.
        interval_s: polling interval in seconds.
        timeout_ms: how long to wait for a reply.
        profile: code of its profile.
        profile_id: id of the profile's version.
        points: name of the profile's point → point id.
        profile_sha256: of the profile as it was imported; see :func:`foreign_profiles`.
    """

    device_id: int
    code: str
    unit: int
    interval_s: int
    timeout_ms: int
    profile: str
    profile_id: int
    points: Mapping[str, int]
    profile_sha256: str = ""


@dataclass(frozen=True, slots=True)
class BusEntry:
    """One host and port with the devices behind it; one queue serves it.

    Attributes:
        gap_ms: the least pause between two requests.
    """

    code: str
    transport: str
    host: str
    port: int
    gap_ms: int
    devices: tuple[DeviceEntry, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is valid now.

    Attributes:
        buses: each with its devices.
        terminals: wire identity → terminal id.
    """

    buses: tuple[BusEntry, ...]
    terminals: Mapping[str, int]


_DEVICE_FIELDS: Final = tuple(field.name for field in fields(DeviceEntry))


class SnapshotError(Exception):
    """The snapshot on disk cannot be used."""


def load(conn: psycopg.Connection[Any], now: datetime) -> Snapshot:
    """Read what is valid at ``now`` from the database.

    Args:
        conn: a connection.
        now: with a time zone.
    """
    with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
        devices = cursor.execute(_DEVICES, {"now": now}).fetchall()
        terminals = load_terminals(conn, now)
    return Snapshot(
        buses=tuple(_bus(rows) for _, rows in groupby(devices, key=lambda row: row["bus"])),
        terminals=terminals,
    )


def load_terminals(conn: psycopg.Connection[Any], now: datetime) -> dict[str, int]:
    """Read which terminals are valid at ``now``: wire identity → terminal id."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        return dict(cursor.execute(_TERMINALS, [now]).fetchall())


def foreign_profiles(snapshot: Snapshot, catalogue: Catalogue) -> tuple[str, ...]:
    """Tell which profiles are not those the devices were imported with.

    Readings name the version of their profile; decoding them with another one would make that name
    wrong.

    Returns:
        One message for each such profile, in order of their codes.
    """
    imported = {d.profile: d.profile_sha256 for bus in snapshot.buses for d in bus.devices}
    return tuple(
        f"profile {code} is not the one the devices were imported with: restore its file, or raise "
        "its version and run `jieyong inventory apply` again"
        for code, sha256 in sorted(imported.items())
        if code not in catalogue or catalogue[code].sha256 != sha256
    )


def save(snapshot: Snapshot, path: Path) -> None:
    """Write a snapshot so that a crash leaves either the old file or the new one.

    Args:
        snapshot: what to keep.
        path: the file; its directory must exist.

    Raises:
        OSError: it could not be written; an older file is untouched.
    """
    body = msgspec.json.encode(snapshot)
    head = msgspec.json.encode({"format": _FORMAT, "sha256": hashlib.sha256(body).hexdigest()})
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(head + b"\n" + body)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def read(path: Path) -> Snapshot:
    """Read a snapshot that :func:`save` wrote.

    Raises:
        SnapshotError: there is none, or it is damaged or of another version; says what to do.
    """
    try:
        head, _, body = path.read_bytes().partition(b"\n")
    except OSError as error:
        raise SnapshotError(
            f"{path}: the registry's snapshot cannot be read ({error.strerror}); it is written "
            "whenever a collector starts with the database at hand: start once with the database"
        ) from error
    try:
        header = msgspec.json.decode(head, type=_Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(path, "its first line is no header") from error
    if header.format != _FORMAT:
        raise SnapshotError(
            f"{path}: the snapshot has format {header.format}, this program reads {_FORMAT}: "
            "delete it and start once with the database at hand"
        )
    if hashlib.sha256(body).hexdigest() != header.sha256:
        raise _damaged(path, "its checksum does not fit")
    try:
        return msgspec.json.decode(body, type=Snapshot)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from error


class _Header(msgspec.Struct, frozen=True):
    format: int
    sha256: str


def _damaged(path: Path, why: str) -> SnapshotError:
    return SnapshotError(
        f"{path}: the snapshot is damaged, {why}: delete it and start once with the database at "
        "hand"
    )


def _bus(rows: Iterable[dict[str, Any]]) -> BusEntry:
    devices = list(rows)
    bus = devices[0]
    return BusEntry(
        code=bus["bus"],
        transport=bus["transport"],
        host=bus["host"],
        port=bus["port"],
        gap_ms=bus["gap_ms"],
        devices=tuple(
            DeviceEntry(**{name: row[name] for name in _DEVICE_FIELDS}) for row in devices
        ),
    )


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
