"""A million frames gone wrong, another million at each run."""

from __future__ import annotations

import os
import random

import pytest

from tests.unit.collector.jt808.mutate import run

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

FRAMES = int(os.environ.get("JIEYONG_TEST_SOAK_FRAMES", "1000000"))


def test_a_million_mutated_frames_raise_nothing_and_pass_no_wrong_checksum() -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}, {FRAMES} frames")
    found = run(FRAMES, seed)
    print(dict(found))
    assert found["believed"] > FRAMES // 3
