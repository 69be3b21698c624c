from __future__ import annotations

from pathlib import Path

import pytest

from storage.migrate import DIRECTORY, MigrationError, read


def put(directory: Path, name: str, text: str = "-- migrate:up\nSELECT 1;\n") -> None:
    (directory / name).write_text(text, encoding="utf-8")


def test_files_are_read_in_order_and_nothing_below_down_is_run(tmp_path: Path) -> None:
    put(tmp_path, "0002_b.sql", "-- migrate:up transaction:false\nSELECT 2;\n")
    put(tmp_path, "0001_a.sql", "-- migrate:up\nSELECT 1;\n-- migrate:down\nDROP TABLE reading;\n")
    put(tmp_path, "README.md", "not a migration")

    first, second = read(tmp_path)

    assert (first.version, first.name, first.sql) == (1, "0001_a.sql", "SELECT 1;\n")
    assert (first.transaction, second.transaction) == (True, False)


def test_line_ends_do_not_change_the_digest(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_bytes(b"-- migrate:up\nSELECT 1;\n")
    (tmp_path / "0002_b.sql").write_bytes(b"-- migrate:up\r\nSELECT 1;\r\n")
    first, second = read(tmp_path)
    assert first.sha256 == second.sha256


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("1_a.sql", "-- migrate:up\n", "1_a.sql: name it NNNN_words.sql"),
        ("0001-A.sql", "-- migrate:up\n", "0001-A.sql: name it NNNN_words.sql"),
        ("0001_a.sql", "CREATE TABLE x ();\n", "0001_a.sql:1: the first line must be"),
        ("0001_a.sql", "", "0001_a.sql:1: the first line must be"),
        ("0001_a.sql", "-- migrate:up transaction=no\n", "unknown option 'transaction=no'"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_named(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    put(tmp_path, name, text)
    with pytest.raises(MigrationError, match=said):
        read(tmp_path)


def test_two_files_with_one_number_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "0001_a.sql")
    put(tmp_path, "0001_b.sql")
    with pytest.raises(MigrationError, match=r"0001_a.sql and 0001_b.sql share the number 0001"):
        read(tmp_path)


def test_our_own_migrations_are_in_order_and_without_holes() -> None:
    versions = [migration.version for migration in read(DIRECTORY)]
    assert versions == list(range(1, len(versions) + 1))
