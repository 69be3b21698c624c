"""``jieyong doctor``: what is wrong with an installation, and what to do about it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg

from collector.profile import load_profiles
from collector.settings import MqttSettings
from jieyong.collect import PROFILES, SourceName, home, now_us
from jieyong.database import database_url
from jieyong.doctor.broker import check_mqtt
from jieyong.doctor.clock import check_clock, kernel_synchronised
from jieyong.doctor.database import check_database
from jieyong.doctor.finding import Check, Finding, Level, examine, exit_code, ok, problem, warning
from jieyong.doctor.fleet import check_fleet
from jieyong.doctor.gateways import check_gateways
from jieyong.doctor.metering import check_metering
from jieyong.doctor.notify import check_notes, check_routes
from jieyong.doctor.rules import check_rules
from jieyong.doctor.state import check_directory, check_spool
from jieyong.doctor.table import table
from jieyong.doctor.terminals import check_jt808
from jieyong.settings import Settings
from jieyong.settings_file import DEFAULT_FILE, SettingsError, load_settings
from jieyong.workers.rules import watched
from registry import snapshot
from registry.snapshot import Snapshot, SnapshotError
from storage.connection import connect
from storage.settings import DatabaseSettings

__all__ = ["Finding", "Level", "examine_installation", "exit_code", "table"]


def examine_installation(config: Path | None) -> list[Finding]:
    """Look at everything that collectors and workers need.

    Args:
        config: the settings file; None takes ``jieyong.toml`` of the working directory if there is
            one.

    Returns:
        Findings in the order of looking; when the settings cannot be used, theirs alone.
    """
    where = f"settings {config or DEFAULT_FILE}"
    try:
        settings = load_settings(config)
    except SettingsError as error:
        advice = "correct it; docs/settings.md describes every key"
        return [problem(fault, where, advice) for fault in error.errors]
    return [_settings_found(config), *examine(_checks(settings))]


def _settings_found(config: Path | None) -> Finding:
    file = config or DEFAULT_FILE
    if file.exists():
        return ok("every key is known and every value fits", f"settings {file}")
    return ok(f"no {file} here: defaults and the environment", "settings")


def _checks(settings: Settings) -> Iterator[tuple[str, Check]]:
    state = settings.state_dir
    yield "state directory", partial(check_directory, state, settings.spool)
    for name in SourceName:
        spool = home(state, name) / "spool.db"
        yield f"spool {spool}", partial(check_spool, spool, settings.spool, now_us())
    yield "clock", partial(check_clock, datetime.now(UTC), synchronised=kernel_synchronised())
    yield "database", partial(_database, settings)
    yield "metering", partial(_computed, settings, check_metering)
    yield "trips", partial(_computed, settings, check_fleet)
    yield "rules", partial(_computed, settings, partial(check_rules, watched=watched(settings)))
    yield "routes", partial(check_routes, settings.notify)
    yield "notes", partial(_computed, settings, partial(check_notes, settings.notify))
    current = _in_database(settings)
    yield "inventory", partial(_taken, settings, current)
    known = current or _as_last_seen(settings)
    yield "gateways", partial(_gateways, settings, known)
    yield "broker", partial(_broker, settings, known)
    yield "terminals", partial(check_jt808, settings.jt808)


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        url = database_url(settings)
    except SettingsError as error:
        yield problem(str(error), "database", "set database.url or DATABASE_URL")
        return
    yield from check_database(url, settings.database, lambda: datetime.now(UTC))


def _computed(
    settings: Settings,
    check: Callable[[str, DatabaseSettings, Callable[[], datetime]], Iterator[Finding]],
) -> Iterator[Finding]:
    with contextlib.suppress(SettingsError):  # no database is set: that is told already
        yield from check(database_url(settings), settings.database, lambda: datetime.now(UTC))


def _gateways(settings: Settings, known: Snapshot | None) -> Iterator[Finding]:
    if known is None:
        what = "not looked at: the registry is neither in the database nor on disk"
        advice = "bring the database up, run `jieyong migrate` and `jieyong inventory apply`"
        yield warning(what, "gateways", advice)
        return
    yield from check_gateways(known.buses, load_profiles(PROFILES), settings.modbus)


def _broker(settings: Settings, known: Snapshot | None) -> Iterator[Finding]:
    if known is not None and not known.terminals:
        yield ok("not looked at: no terminal is in the inventory", "broker")
    elif _without_broker(settings):
        what = (
            "not looked at: [mqtt] is not set, and only `jieyong collect jt808` has ever run here"
        )
        yield ok(what, "broker")
    else:
        yield from check_mqtt(settings.mqtt)


def _without_broker(settings: Settings) -> bool:
    """Whether all terminals here speak JT/T 808, which needs no broker."""
    mqtt, jt808 = (
        (home(settings.state_dir, name) / "registry.json").exists()
        for name in (SourceName.MQTT, SourceName.JT808)
    )
    used = settings.mqtt != MqttSettings() or settings.fanout.enabled
    return jt808 and not mqtt and not used


def _taken(settings: Settings, current: Snapshot | None) -> Iterator[Finding]:
    """Look whether the collectors have the inventory that is valid now."""
    if current is None:
        return
    for name in SourceName:
        with contextlib.suppress(SnapshotError):
            seen = snapshot.read(home(settings.state_dir, name) / "registry.json")
            if _part(seen, name) != _part(current, name):
                what = "the inventory has changed since it last started, and it takes it only then"
                advice = f"start `jieyong collect {name}` again"
                yield warning(what, f"collector {name}", advice)


def _part(known: Snapshot, name: SourceName) -> object:
    return known.buses if name is SourceName.MODBUS else dict(known.terminals)


def _in_database(settings: Settings) -> Snapshot | None:
    with (
        contextlib.suppress(SettingsError, psycopg.Error),
        connect(database_url(settings), settings.database, "doctor") as conn,
    ):
        return snapshot.load(conn, datetime.now(UTC))
    return None


def _as_last_seen(settings: Settings) -> Snapshot | None:
    for name in SourceName:
        with contextlib.suppress(SnapshotError):
            return snapshot.read(home(settings.state_dir, name) / "registry.json")
    return None
