"""Arrays as PostgreSQL sends them in binary: no Python object for each item."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

_HEADER_BYTES: Final = 20  # of a one-dimensional array in PostgreSQL's binary format


def items(array: bytes | None, kind: str) -> npt.NDArray[Any]:
    """Return the items of a one-dimensional array without NULLs.

    Args:
        array: in the binary format; None: no rows were aggregated.
        kind: of its items, as numpy names it: big-endian.
    """
    body = b"" if array is None else memoryview(array)[_HEADER_BYTES:]
    return np.frombuffer(body, np.dtype([("size", ">i4"), ("item", kind)]))["item"]
