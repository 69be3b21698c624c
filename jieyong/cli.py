"""The command line."""

from __future__ import annotations

import asyncio
import getpass
import os
import signal
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import psycopg
import typer
from rich.console import Console
from xlsxwriter.exceptions import FileCreateError

from collector.modbus.source import SourceError
from collector.profile import ProfileError, catalogue
from collector.spool_open import SpoolBusyError, SpoolVersionError
from jieyong import logs
from jieyong.collect import PROFILES, SourceName, collect
from jieyong.commands.backup import backup_command, restore_command
from jieyong.commands.bill import bill_app
from jieyong.commands.calendar import calendar_command
from jieyong.commands.consumption import consumption_app
from jieyong.commands.doubt import doubt_app
from jieyong.commands.factor import factor_app
from jieyong.commands.fence import fence_app
from jieyong.commands.fleet import fleet_app
from jieyong.commands.fleet_tip import tip
from jieyong.commands.fleet_use import use
from jieyong.commands.meter import meter_app
from jieyong.commands.notify import notify_app
from jieyong.commands.permission import permission_app
from jieyong.commands.report import report_app
from jieyong.commands.rules import rules_app
from jieyong.commands.session import Reader, Reason, session, track_of
from jieyong.commands.tag import tag_app
from jieyong.commands.temperature import temperature_app
from jieyong.commands.terminal import terminal_app
from jieyong.commands.total import total_app
from jieyong.commands.vehicle import vehicle_app
from jieyong.commands.vehicle_publish import publish_command, published_command
from jieyong.database import database_url
from jieyong.demo.guard import ForeignDatabaseError
from jieyong.demo.run import Options, run
from jieyong.doctor import examine_installation, exit_code, table
from jieyong.embedded.binaries import BinariesMissingError
from jieyong.embedded.broker import BrokerKind, BrokerMissingError
from jieyong.embedded.cluster import EmbeddedPostgresError
from jieyong.settings import Settings
from jieyong.settings_file import SettingsError, load_settings
from jieyong.supervise import ChildFailedError
from jieyong.workers.processes import WorkerEndedError
from metering.factors.files import DataFileError
from metering.facts.standing import standing
from metering.facts.sync import bring_inventory
from registry.audit import Act
from registry.catalogue import Catalogue
from registry.document import InventoryError
from registry.importing import diff
from registry.inventory import Inventory
from registry.reading import read_inventory
from registry.refusal import RefusedError
from registry.snapshot import SnapshotError
from storage import quarantine
from storage.backup.programs import BackupError
from storage.engine import EngineTooOldError
from storage.migrate import MigrationError
from storage.prepare import prepare

EXPECTED = (
    BackupError,
    BinariesMissingError,
    BrokerMissingError,
    ChildFailedError,
    DataFileError,
    EmbeddedPostgresError,
    EngineTooOldError,
    FileCreateError,
    ForeignDatabaseError,
    InventoryError,
    MigrationError,
    ProfileError,
    RefusedError,
    SettingsError,
    SnapshotError,
    SourceError,
    SpoolBusyError,
    SpoolVersionError,
    WorkerEndedError,
    quarantine.NotInQuarantineError,
    OSError,
)
"""What says by itself what happened, where, and what to do: no traceback helps the reader."""

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="节用 Jieyong: energy and vehicles of public institutions.",
)
inventory_app = typer.Typer(no_args_is_help=True, help="What exists: check it, bring it in.")
app.add_typer(inventory_app, name="inventory")
quarantine_app = typer.Typer(no_args_is_help=True, help="What was refused, with its bytes.")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(meter_app, name="meter")
app.add_typer(bill_app, name="bill")
app.add_typer(consumption_app, name="consumption")
app.add_typer(factor_app, name="factor")
app.add_typer(total_app, name="total")
app.add_typer(temperature_app, name="temperature")
vehicle_app.command("publish")(publish_command)
vehicle_app.command("published")(published_command)
app.add_typer(vehicle_app, name="vehicle")
fleet_app.command("tip")(tip)
fleet_app.command("use")(use)
app.add_typer(fleet_app, name="fleet")
app.add_typer(fence_app, name="fence")
app.add_typer(rules_app, name="rules")
app.add_typer(doubt_app, name="doubt")
app.add_typer(notify_app, name="notify")
app.add_typer(permission_app, name="permission")
app.add_typer(terminal_app, name="terminal")
app.add_typer(tag_app, name="tag")
app.add_typer(report_app, name="report")
app.command("backup")(backup_command)
app.command("restore")(restore_command)
app.command("calendar", help="录入与星期不同的日子（CSV：日期,工作日|周末|节假日）。")(
    calendar_command
)

Config = Annotated[
    Path | None, typer.Option("--config", help="Settings; jieyong.toml when there is one.")
]
InventoryFile = Annotated[
    Path | None, typer.Argument(help="The inventory; the one of the settings when left out.")
]


def main() -> None:
    """Run the command line; an expected failure is one message and exit code 1."""
    try:
        app()
    except psycopg.OperationalError as error:
        advice = "its address is database.url, or DATABASE_URL; `jieyong doctor` looks at it"
        sys.stderr.write(f"jieyong: the database failed: {error}\n{advice}\n")
        sys.exit(1)
    except EXPECTED as error:
        sys.stderr.write(f"jieyong: {error}\n")
        sys.exit(1)


@app.command()
def migrate(config: Config = None) -> None:
    """Bring the database's schema up to date and use what its engine offers."""
    settings = _settings(config)
    engine = prepare(database_url(settings), settings.database)
    typer.echo(f"The schema is up to date: {engine}.")


@inventory_app.command("check")
def inventory_check(file: InventoryFile = None, config: Config = None) -> None:
    """Check an inventory; every mistake is named with its line, nothing is changed."""
    settings = _settings(config)
    inventory = _read(settings, file, catalogue(PROFILES))
    typer.echo(f"{inventory.source}: no mistakes; {len(inventory.devices)} devices.")


@inventory_app.command("apply")
def inventory_apply(
    file: InventoryFile = None,
    config: Config = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
) -> None:
    """Bring an inventory into the database, all of it or nothing."""
    settings = _settings(config)
    profiles = catalogue(PROFILES)
    inventory = _read(settings, file, profiles)
    now = datetime.now(UTC)
    with psycopg.connect(database_url(settings)) as conn, conn.transaction():
        if dry_run:
            changes = diff(conn, inventory, profiles, now=now, entered=standing(conn))
        else:
            changes = bring_inventory(conn, Act(getpass.getuser(), now), inventory, profiles)
    typer.echo(str(changes))
    if changes and not dry_run:
        typer.echo("Collectors learn of terminals by themselves; for devices start them again.")


@quarantine_app.command("list")
def quarantine_list(
    most: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    collector: Annotated[
        str | None, typer.Option("--collector", help="Only of this source, e.g. mqtt.")
    ] = None,
    config: Config = None,
) -> None:
    """List refused messages: when, where from, why."""
    settings = _settings(config)
    with psycopg.connect(database_url(settings)) as conn:
        found = quarantine.newest(conn, most, collector)
    zone = ZoneInfo(settings.time_zone)
    for one in found:
        at = one.received_at.astimezone(zone).isoformat(timespec="seconds")
        typer.echo(f"{at}  {one.digest}  {one.source} {one.origin}  {one.size} B  {one.reason}")
    if not found:
        typer.echo("Nothing is in quarantine.")


@quarantine_app.command("export")
def quarantine_export(
    digest: str, file: Path, reason: Reason, by: Reader = None, config: Config = None
) -> None:
    """Write the bytes of a refused message to a file, as they arrived; they may hold a place."""
    with (
        session(config, by) as at,
        track_of(at, "quarantine.export", digest, reason, file=file.name),
    ):
        content = quarantine.payload(at.conn, digest)
    file.write_bytes(content)
    typer.echo(f"{len(content)} bytes written to {file}")


@app.command()
def doctor(config: Config = None) -> None:
    """Look at everything that collectors and metering need; say what is wrong and what to do."""
    logs.configure("error")  # warnings are among the findings
    findings = examine_installation(config)
    Console().print(table(findings))
    raise typer.Exit(exit_code(findings))


@app.command("collect")
def collect_command(source: SourceName, config: Config = None) -> None:
    """Collect from one source until told to stop."""
    settings = _settings(config)

    async def work() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await collect(settings, source, stop)

    _run_fast(work())


@app.command()
def demo(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    state: Annotated[Path, typer.Option(help="Directory the demo keeps its data in.")] = Path(
        "var/demo"
    ),
    seconds: Annotated[
        float | None, typer.Option("--for", min=1, help="End after so many seconds.")
    ] = None,
    summary: Annotated[
        Path | None, typer.Option(help="Write the account of the run here, as JSON.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget earlier runs.")] = False,
    history: Annotated[
        int, typer.Option(min=0, help="Days of the past to bring in at the first start.")
    ] = 7,
    broker: Annotated[
        BrokerKind | None, typer.Option(help="Which broker; mosquitto when it is installed.")
    ] = None,
) -> None:
    """Run everything on simulated meters and vehicles, and account for every row."""
    logs.configure("warning")
    options = Options(
        state=state,
        seconds=seconds,
        summary=summary,
        fresh=fresh,
        history_days=history,
        broker=broker,
        database=os.environ.get("DATABASE_URL"),
    )
    try:
        code = asyncio.run(run(options, Console()))
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
        code = 130
    raise typer.Exit(code)


def _settings(config: Path | None) -> Settings:
    settings = load_settings(config)
    logs.configure(settings.log.level, settings.log.form)
    return settings


def _read(settings: Settings, file: Path | None, profiles: Catalogue) -> Inventory:
    return read_inventory(file or settings.inventory, profiles, zone=settings.time_zone)


def _run_fast(work: Coroutine[Any, Any, None]) -> None:
    if sys.platform == "win32":
        asyncio.run(work)
        return
    import uvloop  # noqa: PLC0415 - not there on Windows

    uvloop.run(work)
