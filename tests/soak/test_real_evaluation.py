"""Untrue papers on real tracks: above the published floors they are found, and true ones are not.

The tracks are other people's and not in this repository; docs/joining.md says how to get them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fleet.joining.rules import Rules
from jieyong.evaluation.run import evaluate
from jieyong.evaluation.score import ENOUGH_PER_MILLE, together
from jieyong.evaluation.staged import on_recordings
from simulators.receipts.tamper import KINDS

TRACKS = os.environ.get("JIEYONG_TEST_TRACKS")
HELD_OUT = 8_103
FLOORS = {"overfill:tank": 10, "two_fills": 5, "wrong_fuel": 5}
"""As docs/joining.md publishes them for real tracks."""
TOLD_OF_FEW = {"borrowed_card": 300, "station_elsewhere": 500}
"""Likewise, where fewer than half can be told."""

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]


@pytest.mark.skipif(not TRACKS, reason="JIEYONG_TEST_TRACKS names no directory with tracks")
def test_above_its_floor_every_kind_is_found_on_real_tracks() -> None:
    bounds = FLOORS | TOLD_OF_FEW
    kinds = [kind for kind in KINDS if kind.name in bounds]
    curves = evaluate(
        HELD_OUT, Rules(), fleets=4, fleet=on_recordings(Path(TRACKS or "")).fleet, kinds=kinds
    )
    for one in curves:
        scores = [score for score in one.scores if score.size >= bounds[one.kind.name]]
        sums = together(scores)
        print(one.kind.name, sums)
        assert sums.told >= 20, one
        assert (sums.recall or 0) >= ENOUGH_PER_MILLE, one
        assert (sums.precision or 0) >= ENOUGH_PER_MILLE, one
