"""From replies to packed readings; :func:`storage.records.pack_reading` is the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from collector.modbus.decode import Layout
from collector.modbus.stats import DeviceStats
from storage.records import PG_EPOCH_US

_HEAD: Final = [("fields", ">i2"), ("n1", ">i4"), ("point", ">i4"), ("n2", ">i4"), ("ts", ">i8")]
_TAIL: Final = [
    ("n4", ">i4"),
    ("flags", ">i2"),
    ("n5", ">i4"),
    ("profile", ">i4"),
    ("n6", ">i4"),
    ("observed", ">i8"),
    ("n7", ">i4"),
    ("received", ">i8"),
]
ROW: Final = np.dtype([*_HEAD, ("n3", ">i4"), ("value", ">f8"), *_TAIL])
"""A packed reading with a value; ``n1`` to ``n7`` are the sizes of the fields behind them."""

NULL_ROW: Final = np.dtype([*_HEAD, ("n3", ">i4"), *_TAIL])
"""A packed reading without one."""

_TEMPLATE: Final = np.array((7, 4, 0, 8, 0, 8, 0, 2, 0, 4, 0, 8, 0, 8, 0), ROW)

Ids = npt.NDArray[np.int32]


class Codec:
    """How the replies of one device to one block become rows.

    Attributes:
        layout: how to decode them; shared with other devices of the same plan.
        ids: the point ids, in the layout's order.
        profile_id: the version of the profile, in the database.
        stats: where its rows are counted.
    """

    __slots__ = ("ids", "layout", "profile_id", "stats")

    def __init__(
        self, layout: Layout, ids: Sequence[int], profile_id: int, stats: DeviceStats
    ) -> None:
        self.layout = layout
        self.stats = stats
        self.ids: Ids = np.array(ids, np.int32)
        self.profile_id = profile_id


class Reply(NamedTuple):
    """One good reply as it came; times in µs UTC.

    Attributes:
        frame: the whole reply.
        ts_us: the slot it was polled for.
        observed_us: when it arrived.
        flags: :class:`storage.records.ReadingFlag` of the poll, for every row.
    """

    codec: Codec
    frame: bytes
    ts_us: int
    observed_us: int
    flags: int


def pack(replies: Sequence[Reply], received_us: int) -> bytes:
    """Decode replies and pack all their readings into COPY-binary tuples.

    Args:
        replies: of any devices; rows come grouped by layout, not in this order.
        received_us: when they are handed over, µs UTC.
    """
    groups: dict[Layout, list[Reply]] = {}
    for reply in replies:
        groups.setdefault(reply.codec.layout, []).append(reply)
    return b"".join(_pack_group(layout, group, received_us) for layout, group in groups.items())


def _pack_group(layout: Layout, replies: list[Reply], received_us: int) -> bytes:
    values, flags = layout.decode([reply.frame for reply in replies])
    rows = np.empty(values.shape, ROW)
    rows[...] = _TEMPLATE
    rows["point"] = np.concatenate([reply.codec.ids for reply in replies]).reshape(values.shape)
    rows["value"] = values
    polls = np.array(
        [(r.ts_us, r.observed_us, r.flags, r.codec.profile_id) for r in replies], np.int64
    )
    rows["ts"] = polls[:, 0:1] - PG_EPOCH_US
    rows["observed"] = polls[:, 1:2] - PG_EPOCH_US
    rows["flags"] = polls[:, 2:3] | flags
    rows["profile"] = polls[:, 3:4]
    rows["received"] = received_us - PG_EPOCH_US
    missing = flags != 0
    packed: bytes = rows[~missing].tobytes() if missing.any() else rows.tobytes()
    return packed + _without_value(rows[missing])


def _without_value(rows: npt.NDArray[np.void]) -> bytes:
    if not rows.size:
        return b""
    nulls = np.empty(rows.shape, NULL_ROW)
    for name in NULL_ROW.names or ():
        nulls[name] = rows[name]
    nulls["n3"] = -1
    packed: bytes = nulls.tobytes()
    return packed
