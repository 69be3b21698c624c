"""What data say of those who measure: that nothing is heard of a device, a bus, or anything.

One silence is one doubt: of a device where others on its bus are heard of, of the bus where other
buses are, of all that is polled where nothing is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rules.kinds.model import BusLayer, DeviceLayer, Kind, SiteLayer, Sort, Values
from rules.timeline.overlay import Pieces
from rules.timeline.truth import Truth, known


def _is(layer: str, value: float) -> Callable[[Pieces, Values], Truth]:
    def holds(pieces: Pieces, _: Values) -> Truth:
        found = pieces.column(layer)
        return known(found == value, found)

    return holds


KINDS: Final = (
    Kind(
        "data.silent",
        "设备无数据",
        (DeviceLayer.OWN,),
        (DeviceLayer.HEARD,),
        {},
        False,
        _is(DeviceLayer.OWN, 1),
        "没有收到设备的数据：可能断电、断线、损坏或已拆除。",
        sort=Sort.DEVICE,
    ),
    Kind(
        "bus.silent",
        "总线（网关）无数据",
        (BusLayer.OWN,),
        (BusLayer.HEARD,),
        {},
        False,
        _is(BusLayer.OWN, 1),
        "总线上的设备都没有数据：可能网关断电、网络中断或线路故障。",
        sort=Sort.BUS,
    ),
    Kind(
        "site.silent",
        "全部设备无数据",
        (SiteLayer.HEARD,),
        (),
        {},
        False,
        _is(SiteLayer.HEARD, 0),
        "全部设备都没有数据：可能采集程序停机、供电或网络中断。",
        sort=Sort.SITE,
    ),
)
