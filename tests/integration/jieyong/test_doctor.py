from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from collector.settings import ModbusSettings, MqttSettings
from jieyong.doctor import examine_installation, exit_code
from jieyong.doctor.broker import check_mqtt
from jieyong.doctor.database import check_database
from jieyong.doctor.finding import Finding, Level
from jieyong.doctor.gateways import check_gateways
from jieyong.embedded.broker import BrokerKind
from jieyong.embedded.broker import prepare as prepare_broker
from jieyong.supervise import Supervisor
from registry.snapshot import BusEntry, Snapshot, load, save
from storage.prepare import prepare
from storage.settings import DatabaseSettings
from tests.integration.collector.modbus.peer import (
    Ask,
    HangUp,
    Peer,
    Script,
    bus,
    device,
    good,
    profile_of,
    register,
    serving,
    until,
)

SETTINGS = DatabaseSettings()
PROFILE = profile_of(register("a", 10), register("b", 11))


def now() -> datetime:
    return datetime.now(UTC)


def looked_at(url: str, settings: DatabaseSettings = SETTINGS) -> list[Finding]:
    return list(check_database(url, settings, now))


def bad(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level is not Level.OK]


def test_a_prepared_database_is_well_but_for_what_the_tests_switch_off(database: str) -> None:
    found = looked_at(database)
    words = [finding.what for finding in found]
    assert any(what.startswith("PostgreSQL ") for what in words)
    assert "the schema is up to date" in words
    assert "its clock agrees with ours" in words
    # The suite's servers run without fsync: the doctor must see that.
    assert {finding.what.split()[0] for finding in bad(found)} <= {
        "fsync",
        "full_page_writes",
        "synchronous_commit",
    }
    assert any(what.startswith("fsync is off") for what in words)


def test_the_engine_is_named(database: str) -> None:
    engine = prepare(database, SETTINGS)
    assert f"({engine.kind})" in looked_at(database)[0].what


def test_a_server_that_compiles_our_statements_is_told_not_to(database: str) -> None:
    with psycopg.connect(database) as conn:
        name = conn.info.dbname
        conn.execute(f'ALTER DATABASE "{name}" SET jit = on')
    with psycopg.connect(database) as conn:
        [(compiles,)] = conn.execute("SELECT pg_jit_available()").fetchall()
    advice = [finding.advice for finding in looked_at(database) if "jit is on" in finding.what]
    assert len(advice) == int(compiles)
    assert all(f'ALTER DATABASE "{name}" SET jit = off' in what for what in advice)


def test_a_database_without_our_schema_lacks_migrations(blank_database: str) -> None:
    (found,) = [f for f in looked_at(blank_database) if f.level is Level.PROBLEM]
    assert "the schema lacks 0001_" in found.what
    assert found.advice == "run `jieyong migrate`"


def test_a_changed_migration_is_a_problem(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("UPDATE schema_migration SET sha256 = 'other' WHERE version = 1")
    found = [f.what for f in looked_at(database) if f.level is Level.PROBLEM]
    assert len(found) == 1
    assert "the schema does not fit this program: 0001_" in found[0]


@pytest.mark.parametrize(
    ("ahead", "level"),
    [
        (timedelta(seconds=1), Level.OK),
        (timedelta(seconds=30), Level.WARNING),
        (timedelta(seconds=-30), Level.WARNING),
        (timedelta(minutes=30), Level.PROBLEM),
        (timedelta(minutes=-30), Level.PROBLEM),
    ],
)
def test_clocks_that_differ_are_told(database: str, ahead: timedelta, level: Level) -> None:
    found = check_database(database, SETTINGS, lambda: now() + ahead)
    (clock,) = [finding for finding in found if "clock" in finding.what]
    assert clock.level is level


def test_what_went_to_quarantine_today_is_told(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO quarantine (source, origin, digest, reason, payload, received_at) VALUES"
            " ('mqtt', 'a', '\\x01', 'not JSON', '\\x00', now()),"
            " ('mqtt', 'b', '\\x02', 'not JSON', '\\x00', now()),"
            " ('mqtt', 'c', '\\x03', 'long ago', '\\x00', now() - interval '2 days')"
        )
    told = [finding.what for finding in looked_at(database) if "quarantine" in finding.what]
    assert told == ["2 rows of mqtt went to quarantine within a day: not JSON"]


def test_places_that_are_still_to_be_withheld_are_told(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("INSERT INTO withhold_due (vehicle_id, why) VALUES (1, 'now')")
        assert not [one for one in looked_at(database) if "sensitive" in one.what]
        conn.execute("UPDATE withhold_due SET added_at = now() - interval '1 hour'")
    (found,) = [one for one in looked_at(database) if "sensitive" in one.what]
    assert found.level is Level.PROBLEM


def test_a_database_that_does_not_answer_is_a_problem_without_its_password() -> None:
    url = f"postgresql://me:hunter2@127.0.0.1:{_free_port()}/city"
    (found,) = looked_at(url)
    assert found.level is Level.PROBLEM
    assert "does not answer" in found.what
    assert "hunter2" not in str(found)


@asynccontextmanager
async def served(script: Script = good) -> AsyncIterator[Peer]:
    async with serving(script) as peer:
        yield peer
        # A connection that came and went without a request may still have to be accepted.
        await until(lambda: peer.connections > 0 and peer.open_now == 0)
    await asyncio.sleep(0)  # the transports aborted at the end close in the loop's next round


async def ask(buses: list[BusEntry]) -> list[Finding]:
    settings = ModbusSettings(connect_timeout_ms=2000)
    return await asyncio.to_thread(check_gateways, buses, {PROFILE.code: PROFILE}, settings)


async def _refuse(ask: Ask) -> bytes:
    return ask.refuse(2)


async def _gateway_refuses(ask: Ask) -> bytes:
    return ask.refuse(11)


async def _other_unit(ask: Ask) -> bytes:
    return ask.reply(unit=ask.unit + 1)


async def _mute(_: Ask) -> None:
    return None


async def _hang_up(_: Ask) -> bytes:
    raise HangUp


async def test_devices_that_answer_are_counted_by_bus() -> None:
    async with served() as peer:
        devices = [device(number, PROFILE) for number in (1, 2, 3)]
        (found,) = await ask([bus(peer.port, *devices, code="gw-1")])
    assert found.level is Level.OK
    assert found.what == "3 of 3 devices answer"
    assert found.where == f"bus gw-1 at 127.0.0.1:{peer.port}"
    assert {one.function for one in peer.asks} == {3}


@pytest.mark.parametrize(
    ("script", "what", "advice"),
    [
        (_mute, "no answer within 300 ms", "check its power"),
        (_refuse, "answers holding 0x000a..0x000b with exception 2", "the profile does not fit"),
        (_gateway_refuses, "with exception 11", "the gateway got no answer from it"),
        (_other_unit, "answers what was not asked (bad_unit)", "another program"),
        (_hang_up, "no answer (lost)", "one client only"),
    ],
)
async def test_a_device_that_fails_is_named_with_what_to_do(
    script: Script, what: str, advice: str
) -> None:
    async def one_bad(asked: Ask) -> bytes | None:
        return await script(asked) if asked.unit == 2 else asked.reply()

    async with served(one_bad) as peer:
        answered, found = await ask([bus(peer.port, device(1, PROFILE), device(2, PROFILE))])
    assert answered.what == "1 of 2 devices answer"
    assert found.level is Level.PROBLEM
    assert what in found.what
    assert advice in found.advice
    assert found.where.startswith("device d2, unit 2, bus bus at ")


async def test_a_gateway_that_is_away_is_one_problem() -> None:
    entry = bus(_free_port(), device(1, PROFILE), device(2, PROFILE), code="gw-9")
    (found,) = await ask([entry])
    assert found.level is Level.PROBLEM
    assert found.what == "cannot be connected: the connection is refused; 2 devices behind it"


async def test_an_empty_inventory_and_an_unknown_profile_are_told() -> None:
    (empty,) = await ask([])
    assert empty.level is Level.WARNING
    async with served() as peer:
        other = profile_of(register("a", 1), code="other")
        (found,) = await ask([bus(peer.port, device(1, other))])
    assert "nothing to ask it: profile 'other'" in found.what


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without settings from the machine that runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return tmp_path


def test_a_whole_installation(place: Path, database: str) -> None:
    (place / "jieyong.toml").write_text(f'[database]\nurl = "{database}"\n', encoding="utf-8")

    found = examine_installation(None)

    where = " ".join(finding.where for finding in found)
    for part in ("settings jieyong.toml", "state directory var", "clock", "database ", "inventory"):
        assert part in where
    assert "every key is known" in found[0].what


def test_the_broker_is_looked_at_when_a_terminal_wants_it(place: Path, database: str) -> None:
    port = _free_port()
    text = f'[database]\nurl = "{database}"\n[mqtt]\nport = {port}\n'
    (place / "jieyong.toml").write_text(text, encoding="utf-8")

    def told() -> list[Finding]:
        return [finding for finding in examine_installation(None) if "broker" in finding.where]

    (nothing,) = told()
    assert nothing.level is Level.OK
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("INSERT INTO terminal (code) VALUES ('car-1')")
    (away,) = told()
    assert away.level is Level.PROBLEM
    assert away.where == f"broker at 127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("ran", "mqtt", "looked_at"),
    [
        (("jt808",), "", False),
        (("jt808",), '[mqtt]\nhost = "127.0.0.2"\n', True),
        (("jt808", "mqtt"), "", True),
        ((), "", True),
    ],
)
def test_who_uses_jt808_alone_needs_no_broker(
    place: Path, database: str, ran: tuple[str, ...], mqtt: str, looked_at: bool
) -> None:
    text = f'[database]\nurl = "{database}"\n{mqtt}'
    (place / "jieyong.toml").write_text(text, encoding="utf-8")
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("INSERT INTO terminal (code) VALUES ('car-1')")
        for name in ran:
            home = place / "var" / f"collect-{name}"
            home.mkdir(parents=True)
            save(load(conn, datetime.now(UTC)), home / "registry.json")

    (found,) = [one for one in examine_installation(None) if "broker" in one.where]

    assert found.what.startswith("not looked at") is not looked_at


def test_a_collector_that_has_an_old_inventory_is_told(place: Path, database: str) -> None:
    (place / "jieyong.toml").write_text(f'[database]\nurl = "{database}"\n', encoding="utf-8")
    for name in ("modbus", "mqtt"):
        (place / "var" / f"collect-{name}").mkdir(parents=True)

    def started(name: str) -> None:
        with psycopg.connect(database) as conn:
            save(load(conn, datetime.now(UTC)), place / "var" / f"collect-{name}" / "registry.json")

    def told() -> list[str]:
        return [f.where for f in examine_installation(None) if "has changed since" in f.what]

    assert told() == []
    started("modbus")
    started("mqtt")
    assert told() == []
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("INSERT INTO terminal (code) VALUES ('car-1')")
    assert told() == ["collector mqtt"]
    started("mqtt")
    assert told() == []


def test_without_its_database_it_goes_by_what_a_collector_last_saw(place: Path) -> None:
    home = place / "var" / "collect-modbus"
    home.mkdir(parents=True)
    entry = bus(_free_port(), device(1, PROFILE, interval_s=60), code="gw-9")
    save(Snapshot((entry,), {}), home / "registry.json")

    where = [f.where for f in examine_installation(None) if f.level is Level.PROBLEM]

    assert where == ["database", f"bus gw-9 at 127.0.0.1:{entry.port}"]


async def test_a_broker_that_serves_us_is_well(tmp_path: Path) -> None:
    broker = prepare_broker(tmp_path / "var", kind=BrokerKind.AMQTT)
    settings = MqttSettings(host=broker.host, port=broker.port, protocol="3.1.1")
    async with Supervisor([broker.child()], tmp_path / "logs"):
        found = await asyncio.to_thread(lambda: list(check_mqtt(settings)))
    assert bad(found) == []
    assert "granted at QoS 1" in " ".join(finding.what for finding in found)


def test_an_installation_without_a_database_is_a_problem(place: Path) -> None:
    found = examine_installation(None)
    assert exit_code(found) == 1
    assert any("no database is set" in finding.what for finding in found)
    assert any(finding.where == "gateways" for finding in found)
    assert (place / "var").is_dir()


def test_bad_settings_are_told_one_by_one_and_nothing_else_is_looked_at(place: Path) -> None:
    (place / "my.toml").write_text("[spool]\nmax_byte = 1\ndrain_ms = 0\n", encoding="utf-8")
    found = examine_installation(Path("my.toml"))
    assert len(found) == 2
    assert {finding.level for finding in found} == {Level.PROBLEM}
    assert {finding.where for finding in found} == {"settings my.toml"}
    assert not (place / "var").exists()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
