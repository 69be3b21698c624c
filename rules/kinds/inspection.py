"""Inspections: what somebody sees who walks through the rooms. Nothing measures it."""

from __future__ import annotations

from typing import Final

import numpy as np

from rules.kinds.model import Kind, Sort, Values
from rules.timeline.overlay import Pieces
from rules.timeline.truth import FALSE, Truth


def _never(pieces: Pieces, _: Values) -> Truth:
    return np.full(len(pieces), FALSE)


INSPECTION: Final = Kind(
    "inspection",
    "巡查发现",
    ("seen",),
    (),
    {},
    False,
    _never,
    "巡查人员在现场见到。",
    sort=Sort.ROOM,
    reported=True,
)
KINDS: Final = (INSPECTION,)
