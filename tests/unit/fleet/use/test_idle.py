"""Idle is more than not seen."""

from __future__ import annotations

import pytest

from fleet.use.idle import DayUse, Standing, Tail, tail

LETTERS = {"u": DayUse.USED, "-": DayUse.UNUSED, "?": DayUse.UNKNOWN}


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ("u----", Tail(Standing.IDLE, 4, 0)),
        ("u---", Tail(Standing.IN_USE, 3, 0)),
        ("u-?--", Tail(Standing.UNCLEAR, 4, 1)),
        ("u??----", Tail(Standing.IDLE, 4, 0)),
        ("?u----", Tail(Standing.IDLE, 4, 0)),
        ("????", Tail(Standing.UNCLEAR, 4, 4)),
        ("u-?-", Tail(Standing.IN_USE, 3, 1)),
        ("", Tail(Standing.IN_USE, 0, 0)),
        ("----u", Tail(Standing.IN_USE, 0, 0)),
    ],
)
def test_unknown_is_not_idle(days: str, found: Tail) -> None:
    assert tail([LETTERS[one] for one in days], 4) == found
