"""Runs every folder of collector/modbus/testcases; its README says how to add one."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
import yaml

from collector.modbus.device import Plans
from collector.modbus.frame import Answer, build, check
from collector.modbus.plan import plan
from collector.modbus.rows import Codec, Reply, pack
from collector.modbus.stats import DeviceStats
from collector.profile import ProfileError, load_profile
from collector.profile_model import Profile
from storage.records import READING_BYTES, split

CASES = Path(__file__).parents[4] / "collector" / "modbus" / "testcases"
FOLDERS = sorted(path for path in CASES.iterdir() if path.is_dir())


def case_of(folder: Path) -> dict[str, Any]:
    case: dict[str, Any] = yaml.safe_load((folder / "case.yaml").read_text(encoding="utf-8"))
    return case


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_case(folder: Path) -> None:
    case = case_of(folder)
    path = folder / "profile.yaml"
    if "errors" in case:
        with pytest.raises(ProfileError) as caught:
            load_profile(path)
        assert [error.removeprefix(f"{path}:") for error in caught.value.errors] == case["errors"]
        return
    assert exchange(load_profile(path), case) == case["values"]


def exchange(profile: Profile, case: dict[str, Any]) -> dict[str, float | None]:
    """Hold the requests to the case, feed its replies, return the values."""
    blocks = plan(profile, profile.points)
    requests = [build(case["unit"], block.span) for block in blocks]
    wanted = [bytes.fromhex(one["request"]) for one in case["exchanges"]]
    assert [request.tail.hex(" ") for request in requests] == [one.hex(" ") for one in wanted]
    values: dict[str, float | None] = {}
    for block, request, one in zip(blocks, requests, case["exchanges"], strict=True):
        reply = b"\x12\x34" + bytes.fromhex(one["reply"])
        assert check(reply, 0x1234, request) == Answer()
        layout = Plans().layout(profile, block)
        codec = Codec(layout, range(len(layout.points)), 1, DeviceStats("d", "b"))
        for row in split(pack([Reply(codec, reply, 0, 0, 0)], 0)):
            (number,) = struct.unpack_from(">i", row, 6)
            null = len(row) < READING_BYTES
            values[layout.points[number].name] = (
                None if null else struct.unpack_from(">d", row, 26)[0]
            )
    return values


def test_there_are_cases() -> None:
    assert len(FOLDERS) >= 7
