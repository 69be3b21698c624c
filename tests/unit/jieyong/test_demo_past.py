from __future__ import annotations

from datetime import date

import numpy as np

from jieyong.demo import past
from simulators.county import Size, county


def test_where_jt808_is_spoken_the_past_has_odometers_in_its_tenths() -> None:
    size = Size(institutions=1, meters=1, ac=1, lights=1, vehicles=2, jt808=1)
    plan = county(1, date(2026, 11, 1), size)
    whole = {
        "position_terminal": np.array([0, 1, 0, 1]),
        "odometer": np.array([123.449, 123.449, 123.451, 123.451]),
        "lat": np.array([30.1, 30.2, 30.3, 30.4]),
    }
    sent = past._as_sent(plan, whole)
    assert sent["odometer"].tolist() == [123.4, 123.449, 123.5, 123.451]
    assert sent["lat"] is whole["lat"]
