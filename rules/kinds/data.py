"""What data say of those who measure: nothing is heard of them, or their clocks are wrong.

One silence is one doubt: of a device where others on its bus are heard of, of the bus where other
buses are, of all that is polled where nothing is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rules.kinds.model import (
    BusLayer,
    DeviceLayer,
    Kind,
    Parameter,
    SiteLayer,
    Sort,
    TerminalLayer,
    Values,
)
from rules.timeline.overlay import Pieces
from rules.timeline.truth import Truth, known


def _is(layer: str, value: float) -> Callable[[Pieces, Values], Truth]:
    def holds(pieces: Pieces, _: Values) -> Truth:
        found = pieces.column(layer)
        return known(found == value, found)

    return holds


def _clock_off(pieces: Pieces, values: Values) -> Truth:
    off = pieces.column(TerminalLayer.CLOCK)
    return known((off > values["ahead"]) | (off < -values["behind"]), off)


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
    Kind(
        "terminal.clock",
        "终端时钟不准",
        (TerminalLayer.CLOCK,),
        (),
        {
            "ahead": Parameter(60.0, "秒", 30.0, 86_400.0, "比接收时间超前"),
            "behind": Parameter(600.0, "秒", 360.0, 86_400.0, "比接收时间稳定滞后"),
        },
        False,
        _clock_off,
        "终端上报的时间比接收时间超前 {ahead:g} 秒以上，或稳定滞后 {behind:g} 秒以上："
        "可能时钟未校准、时区设置有误，滞后的也可能是上报通道有固定延迟。请校时并核对时区；"
        "多台终端同时如此的，先核对采集服务器的时间。",
        sort=Sort.TERMINAL,
    ),
)
