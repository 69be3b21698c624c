"""A demo does not touch a database that holds something else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from collector.profile import catalogue
from jieyong import cli
from jieyong.collect import PROFILES
from jieyong.demo.guard import ForeignDatabaseError, refuse_foreign
from jieyong.demo.plan import Layout, load_or_make
from jieyong.demo.stage import import_inventory
from metering.facts.move import Move, move_place
from registry.audit import Act
from registry.document import InventoryError
from registry.importing import apply
from registry.reading import read_inventory
from simulators.inventory import inventory_yaml
from simulators.scenario import Scenario, with_ports

EXAMPLE = Path(__file__).parents[3] / "registry" / "examples" / "county.yaml"
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def bring(database: str, inventory: Path) -> None:
    profiles = catalogue(PROFILES)
    with psycopg.connect(database) as conn:
        apply(conn, read_inventory(inventory, profiles), profiles, now=NOW, by="test")


def made(layout: Layout) -> Scenario:
    for files in (layout.equipment, layout.fleet):
        files.state.mkdir(parents=True)
    return load_or_make(layout, NOW, 1)


def test_an_empty_database_is_taken(blank_database: str, database: str) -> None:
    refuse_foreign(blank_database, None)
    refuse_foreign(database, None)


def test_its_own_county_is_taken_unless_it_begins_anew(database: str, tmp_path: Path) -> None:
    plan = made(Layout(tmp_path))
    placed = with_ports(plan, {bus.code: 5000 + n for n, bus in enumerate(plan.buses)})
    (tmp_path / "inventory.yaml").write_text(inventory_yaml(placed), encoding="utf-8")
    bring(database, tmp_path / "inventory.yaml")
    refuse_foreign(database, plan)
    with pytest.raises(ForeignDatabaseError, match="120 devices and terminals"):
        refuse_foreign(database, None)


def test_the_next_start_does_not_undo_what_somebody_entered(database: str, tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    plan = made(layout)
    ports = {bus.code: 5000 + n for n, bus in enumerate(plan.buses)}
    layout.equipment.ready.write_text(json.dumps({"ports": ports}), encoding="utf-8")
    import_inventory(database, plan, layout, NOW)
    later = NOW + timedelta(days=1)
    import_inventory(database, plan, layout, later)
    with psycopg.connect(database, autocommit=True) as conn:
        row = conn.execute(
            "SELECT p.code, r.code FROM place p JOIN place_room l ON l.place_id = p.id"
            " JOIN room r ON r.id <> l.room_id ORDER BY 1, 2 LIMIT 1"
        ).fetchone()
        assert row is not None
        place, room = row
        move_place(conn, Act("王芳", later), Move(place, room, later))
        with pytest.raises(InventoryError, match="王芳"):
            import_inventory(database, plan, layout, later + timedelta(days=1))


def test_a_foreign_inventory_is_left_alone_and_so_is_the_state(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(database, EXAMPLE)
    monkeypatch.setenv("DATABASE_URL", database)
    kept = tmp_path / "state" / "kept"
    kept.parent.mkdir()
    kept.write_text("x", encoding="utf-8")
    words = ["demo", "--fresh", "--for", "1", "--state", str(kept.parent)]

    result = CliRunner().invoke(cli.app, words)

    assert isinstance(result.exception, ForeignDatabaseError)
    assert "ac-0305, " in str(result.exception)
    assert "password" not in str(result.exception).lower()
    assert kept.exists()
    with psycopg.connect(database) as conn:
        query = "SELECT bool_and(upper_inf(valid)) FROM device"
        assert conn.execute(query).fetchone() == (True,)


def test_a_summary_that_cannot_be_written_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    summary, state = tmp_path / "file" / "summary.json", tmp_path / "state"
    words = ["demo", "--for", "1", "--state", str(state), "--summary", str(summary)]
    result = CliRunner().invoke(cli.app, words)
    assert isinstance(result.exception, OSError)
    assert str(tmp_path / "file") in str(result.exception)
    assert not state.exists()
