"""What data say of those who measure: devices of which nothing is heard."""

from __future__ import annotations

from typing import Final

from rules.kinds.model import DeviceLayer, Kind, Sort, Values
from rules.timeline.overlay import Pieces
from rules.timeline.truth import Truth, known


def _silent(pieces: Pieces, _: Values) -> Truth:
    heard = pieces.column(DeviceLayer.HEARD)
    return known(heard == 0, heard)


KINDS: Final = (
    Kind(
        "data.silent",
        "设备无数据",
        (DeviceLayer.HEARD,),
        (),
        {},
        False,
        _silent,
        "没有收到设备的数据：可能断电、断线、损坏或已拆除。",
        sort=Sort.DEVICE,
    ),
)
