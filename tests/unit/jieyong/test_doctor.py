from __future__ import annotations

import io
import shlex
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from collector.settings import SpoolSettings
from collector.spool import Spool
from collector.spool_model import Aside, Settlement
from jieyong.doctor import clock, state
from jieyong.doctor.database import place_of
from jieyong.doctor.finding import Finding, Level, examine, exit_code, ok, problem, warning
from jieyong.doctor.table import table
from storage.records import Batch, Kind, pack_quarantine

NOW_US = 1_800_000_000_000_000
ROOMY = SpoolSettings(max_bytes=1024**2, min_free_bytes=32 * 1024**2)


def test_whatever_is_not_well_wants_advice() -> None:
    with pytest.raises(ValueError, match="wants advice"):
        Finding(Level.WARNING, "odd", "here")


def test_a_check_that_fails_is_a_problem_and_stops_no_other() -> None:
    def broken() -> list[Finding]:
        raise RuntimeError("boom")

    found = examine([("first", broken), ("second", lambda: [ok("fine", "second")])])

    assert [finding.level for finding in found] == [Level.PROBLEM, Level.OK]
    assert found[0].what == "could not be checked: RuntimeError: boom"
    assert found[0].where == "first"


def test_findings_made_before_a_check_fails_are_kept() -> None:
    def half() -> list[Finding]:
        found = [ok("fine", "here")]
        raise_after(found)
        return found

    def raise_after(_: list[Finding]) -> None:
        raise RuntimeError("late")

    assert exit_code(examine([("here", half)])) == 1


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([], 0),
        ([ok("a", "b")], 0),
        ([warning("a", "b", "c")], 0),
        ([ok("a", "b"), problem("a", "b", "c")], 1),
    ],
)
def test_only_problems_make_the_exit_code(findings: list[Finding], code: int) -> None:
    assert exit_code(findings) == code


def test_the_table_shows_what_where_and_what_to_do() -> None:
    text = io.StringIO()
    findings = [
        ok("does answer", "database [main]"),
        problem("no answer within 300 ms", "device 市财政局-01, unit 3", "check its power"),
    ]
    Console(file=text, width=100).print(table(findings))
    shown = text.getvalue()
    for words in (
        "✓ ok",
        "database [main]",
        "✗ problem",
        "市财政局-01",
        "no answer within 300 ms",
        "→ check its power",
        "1 problem, 0 warnings, 1 ok",
    ):
        assert words in shown


def levels(findings: list[Finding]) -> list[Level]:
    return [finding.level for finding in findings]


@pytest.mark.parametrize(
    ("year", "synchronised", "level"),
    [
        (1970, True, Level.PROBLEM),
        (2027, False, Level.WARNING),
        (2027, True, Level.OK),
        (2027, None, Level.OK),
    ],
)
def test_the_clock(year: int, synchronised: bool | None, level: Level) -> None:
    now = datetime(year, 1, 1, tzinfo=UTC)
    (found,) = clock.check_clock(now, synchronised=synchronised)
    assert found.level is level


def test_the_kernel_is_asked_and_nothing_is_changed() -> None:
    before = datetime.now(UTC)
    answer = clock.kernel_synchronised()
    assert answer in (True, False, None)
    assert abs((datetime.now(UTC) - before).total_seconds()) < 60


def test_a_roomy_directory_is_well_and_left_as_it_was(tmp_path: Path) -> None:
    directory = tmp_path / "var"
    found = list(state.check_directory(directory, ROOMY))
    assert {Level.OK} == set(levels(found)) - {Level.WARNING}
    assert "synced" in found[0].what
    assert list(directory.iterdir()) == []


def test_a_directory_that_cannot_be_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (found,) = state.check_directory(tmp_path / "file" / "var", ROOMY)
    assert found.level is Level.PROBLEM
    assert "cannot be written" in found.what


@pytest.mark.parametrize(
    ("settings", "level", "words"),
    [
        (SpoolSettings(min_free_bytes=2**62), Level.PROBLEM, "below spool.min_free_bytes"),
        (SpoolSettings(max_bytes=2**62), Level.WARNING, "before the spool is at spool.max_bytes"),
        (ROOMY, Level.OK, "the spool may grow to 1.0 MiB"),
    ],
)
def test_room_is_judged_by_the_spools_bounds(
    tmp_path: Path, settings: SpoolSettings, level: Level, words: str
) -> None:
    found = list(state.check_directory(tmp_path, settings))[1]
    assert found.level is level
    assert words in found.what


def test_a_file_system_is_named_by_its_innermost_mount() -> None:
    assert state.filesystem(Path("/proc/self")) == "proc"


def _spool(directory: Path) -> Path:
    """A spool in which two rows wait since 2027-01-15."""
    path = directory / "spool.db"
    rows = b"".join(
        pack_quarantine("mqtt", "car", bytes([n]), "odd", b"x" * 1000, NOW_US) for n in (1, 2)
    )
    spool = Spool(path, ROOMY, now_us=lambda: NOW_US)
    spool.put([Batch(Kind.QUARANTINE, 2, rows)])
    spool.close()
    return path


def test_no_spool_no_finding(tmp_path: Path) -> None:
    assert list(state.check_spool(tmp_path / "spool.db", ROOMY, NOW_US)) == []


@pytest.mark.parametrize(
    ("age_s", "settings", "level", "words"),
    [
        (5, ROOMY, Level.OK, "2 rows wait (0.0 MiB), the oldest for 5 s"),
        (61, ROOMY, Level.WARNING, "the oldest for 61 s"),
        (5, ROOMY.model_copy(update={"max_bytes": 4000}), Level.PROBLEM, "more than half"),
    ],
)
def test_a_spool_is_judged_by_age_and_size(
    tmp_path: Path, age_s: int, settings: SpoolSettings, level: Level, words: str
) -> None:
    path = _spool(tmp_path)
    (found,) = state.check_spool(path, settings, NOW_US + age_s * 1_000_000)
    assert found.level is level
    assert words in found.what


def test_a_spool_in_use_is_read_without_disturbing_its_owner(tmp_path: Path) -> None:
    path = _spool(tmp_path)
    spool = Spool(path, ROOMY, now_us=lambda: NOW_US)
    try:
        (found,) = state.check_spool(path, ROOMY, NOW_US)
        assert "2 rows wait" in found.what
        spool.put([Batch(Kind.QUARANTINE, 1, pack_quarantine("a", "b", b"c", "d", b"e", NOW_US))])
        assert spool.stats().rows == 3
    finally:
        spool.close()


def test_damage_is_told_now_and_after_it_was_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    path.write_bytes(b"not a database at all" * 100)
    (found,) = state.check_spool(path, ROOMY, NOW_US)
    assert found.level is Level.PROBLEM
    assert "cannot be read" in found.what

    Spool(path, ROOMY, now_us=lambda: NOW_US).close()
    fresh, aside = state.check_spool(path, ROOMY, NOW_US)
    assert fresh.level is Level.OK
    assert aside.level is Level.WARNING
    assert "moved aside" in aside.what


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://me:secret@db.example:5433/city", "database city at db.example:5433"),
        ("host=db dbname=city password=secret", "database city at db:5432"),
        ("postgresql://[", "database (its URL cannot be read)"),
    ],
)
def test_a_database_is_named_without_its_password(url: str, place: str) -> None:
    assert place_of(url) == place


def test_rows_that_nobody_took_are_named_with_the_way_to_look_at_them(tmp_path: Path) -> None:
    path = _spool(tmp_path)
    spool = Spool(path, ROOMY, now_us=lambda: NOW_US)
    (stored,) = spool.take(10, 10_000)
    refused = Aside(Kind.QUARANTINE, "no room in the index", b"row")
    spool.settle(Settlement(stored.id, 0, {}, {Kind.QUARANTINE: 1}, aside=(refused,)))
    spool.close()
    _, aside = state.check_spool(path, ROOMY, NOW_US)
    assert aside.level is Level.WARNING
    assert "1 rows were refused" in aside.what
    query = shlex.split(aside.advice.split("`")[1])
    assert query[:2] == ["sqlite3", str(path)]
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute(query[2]).fetchall() == [(1, "quarantine", "no room in the index", 3)]
