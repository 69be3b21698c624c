"""Which of PostgreSQL's programs fit a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.backup.programs import BackupError, find


@pytest.fixture
def places(tmp_path: Path) -> list[Path]:
    """Directories with programs of several versions, the newest first; and one of nobody's."""
    for version in (99, 18, 17, 15):
        place = tmp_path / str(version)
        place.mkdir()
        (place / "pg_dump").write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}.1'\n")
        (place / "pg_dump").chmod(0o755)
    other = tmp_path / "other"
    other.mkdir()
    (other / "pg_dump").write_text("no program")
    return [other, *(tmp_path / str(version) for version in (99, 18, 17, 15))]


@pytest.mark.parametrize(("server", "taken"), [(15, 15), (17, 17), (18, 18)])
def test_the_servers_own_is_taken(places: list[Path], server: int, taken: int) -> None:
    assert find("pg_dump", server, places).parent.name == str(taken)


def test_else_the_next_newer_of_those_that_say_the_same(places: list[Path]) -> None:
    assert find("pg_dump", 17, [*places[:3], places[4]]).parent.name == "18"


@pytest.mark.parametrize("server", [14, 16, 100])
def test_what_an_old_server_does_not_take_back_is_not_written(
    places: list[Path], server: int
) -> None:
    with pytest.raises(BackupError, match=f"postgresql-client-{server}"):
        find("pg_dump", server, places)


def test_what_may_not_be_looked_into_is_passed_over(
    places: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "is_file", refuse)
    monkeypatch.setattr(Path, "exists", refuse)
    assert find("pg_dump", 15, places).parent.name == "15"
