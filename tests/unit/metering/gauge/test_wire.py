from __future__ import annotations

import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metering.gauge import wire
from storage.records import COPY_HEADER, COPY_TRAILER

ROWS = st.lists(
    st.tuples(
        st.integers(-(2**15), 2**15 - 1),
        st.integers(-(2**31), 2**31 - 1),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
    )
)


@given(ROWS)
def test_rows_are_packed_as_struct_packs_them_one_by_one(
    rows: list[tuple[int, int, int, float]],
) -> None:
    types = (np.int16, np.int32, np.int64, np.float64)
    columns = [np.array([row[number] for row in rows], dtype) for number, dtype in enumerate(types)]
    one_by_one = (
        struct.pack(">hihiiiqid", 4, 2, small, 4, middle, 8, large, 8, real)
        for small, middle, large, real in rows
    )
    assert wire.pack(columns) == COPY_HEADER + b"".join(one_by_one) + COPY_TRAILER
