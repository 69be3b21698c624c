from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.gauge import wire
from storage.records import COPY_HEADER, COPY_TRAILER

TYPES = (np.int16, np.int32, np.int64, np.float64)
ROWS = st.lists(
    st.tuples(
        st.integers(-(2**15), 2**15 - 1),
        st.integers(-(2**31), 2**31 - 1),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False),
    )
)


@given(ROWS)
def test_what_is_packed_comes_out_again(rows: list[tuple[int, int, int, float]]) -> None:
    columns = [np.array([row[number] for row in rows], dtype) for number, dtype in enumerate(TYPES)]
    back = wire.unpack(wire.pack(columns), TYPES)
    assert [column.tolist() for column in back] == [column.tolist() for column in columns]
    assert [column.dtype for column in back] == [np.dtype(dtype) for dtype in TYPES]


def test_rows_of_another_shape_are_refused() -> None:
    body = wire.pack([np.array([1], np.int32)])
    with pytest.raises(ValueError, match="not rows of"):
        wire.unpack(body, (np.int64,))
    with pytest.raises(ValueError, match="not rows of"):
        wire.unpack(body[3:], (np.int32,))


def test_a_null_is_refused() -> None:
    null = b"\0\1" + b"\xff\xff\xff\xff"
    with pytest.raises(ValueError, match="is NULL somewhere"):
        wire.unpack(COPY_HEADER + null + null[:4] + COPY_TRAILER, (np.int32,))
