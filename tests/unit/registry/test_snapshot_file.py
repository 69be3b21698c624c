from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.snapshot import (
    BusEntry,
    DeviceEntry,
    Snapshot,
    SnapshotError,
    foreign_profiles,
    read,
    save,
)
from tests.unit.registry.samples import catalogue, profile

SNAPSHOT = Snapshot(
    buses=(
        BusEntry(
            code="网关-1",
            transport="modbus-tcp",
            host="192.0.2.1",
            port=502,
            gap_ms=30,
            devices=(
                DeviceEntry(
                    device_id=7,
                    code="m-1",
                    unit=1,
                    interval_s=60,
                    timeout_ms=1000,
                    profile="meter",
                    profile_id=3,
                    points={"energy": 11, "power": 12},
                    profile_sha256="abc",
                ),
            ),
        ),
    ),
    terminals={"t-1": 5},
)


def test_profiles_that_are_not_the_imported_ones_are_named() -> None:
    same = catalogue(profile("meter", sha256="abc"))
    other = catalogue(profile("meter", 2, sha256="def"))
    assert foreign_profiles(SNAPSHOT, same) == ()
    for known in (other, {}):
        (message,) = foreign_profiles(SNAPSHOT, known)
        assert message.startswith("profile meter is not the one the devices were imported with")


def test_what_was_saved_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    save(SNAPSHOT, path)
    assert read(path) == SNAPSHOT
    assert list(tmp_path.iterdir()) == [path]


def test_a_second_save_replaces_the_first(tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    save(SNAPSHOT, path)
    save(Snapshot((), {}), path)
    assert read(path) == Snapshot((), {})


def test_a_save_that_fails_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "registry.json"
    save(SNAPSHOT, path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(Snapshot((), {}), path)
    assert read(path) == SNAPSHOT
    assert list(tmp_path.iterdir()) == [path]


def test_no_snapshot_yet(tmp_path: Path) -> None:
    with pytest.raises(
        SnapshotError, match=r"none\.json: .*No such file.*start once with the data"
    ):
        read(tmp_path / "none.json")


def test_another_format_is_named(tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    save(SNAPSHOT, path)
    path.write_bytes(path.read_bytes().replace(b'"format":1', b'"format":2', 1))
    with pytest.raises(SnapshotError, match="has format 2, this program reads 1: delete it"):
        read(path)


@given(st.data())
def test_any_damage_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "registry.json"
    save(SNAPSHOT, path)
    raw = bytearray(path.read_bytes())
    if data.draw(st.booleans(), label="cut short"):
        raw = raw[: data.draw(st.integers(0, len(raw) - 1))]
    else:
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw)
    try:
        # A changed blank or a changed case of the checksum may be read; never another registry.
        assert read(path) == SNAPSHOT
    except SnapshotError as error:
        assert str(path) in str(error)  # noqa: PT017
        assert "delete it" in str(error)  # noqa: PT017
