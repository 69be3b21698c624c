"""Long arrays as parameters, in PostgreSQL's text form.

The driver turns each element of a list by itself: for thousands of meters that took longer than the
statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


def ids(values: Iterable[int]) -> str:
    """Return whole numbers as the text of an ``int[]`` or ``int8[]``."""
    return f"{{{','.join(map(str, values))}}}"


def times(values_us: Sequence[int]) -> str:
    """Return times, µs UTC, as the text of a ``timestamptz[]``."""
    if not values_us:
        return "{}"
    texts = np.datetime_as_string(np.array(values_us, "M8[us]")).tolist()
    return f"{{{'Z,'.join(texts)}Z}}"
