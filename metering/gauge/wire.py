"""Arrays to PostgreSQL's binary COPY: a million rows without a Python object each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from storage.records import COPY_HEADER, COPY_TRAILER

Column = npt.NDArray[Any]


def pack(columns: Sequence[Column]) -> bytes:
    """Return a whole COPY file of columns that are equally long.

    Args:
        columns: int16, int32, int64 or float64, for int2, int4, int8 (and timestamptz: µs since
            2000-01-01) and float8; nothing is NULL.
    """
    rows = np.empty(len(columns[0]), _tuples([column.dtype for column in columns]))
    rows["fields"] = len(columns)
    for number, column in enumerate(columns):
        rows[f"size{number}"] = column.dtype.itemsize
        rows[f"value{number}"] = column
    return COPY_HEADER + rows.tobytes() + COPY_TRAILER


def _tuples(dtypes: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for number, dtype in enumerate(dtypes):
        fields += [(f"size{number}", ">i4"), (f"value{number}", dtype.newbyteorder(">").str)]
    return np.dtype(fields)
