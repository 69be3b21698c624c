"""When most terminals are off alike, it is our own clock."""

from __future__ import annotations

import pytest

from rules.subjects.terminals.alike import Alike, alike


@pytest.mark.parametrize(("offs", "reported", "told"), [
    ([120.0, 118.0, 131.0], 5, Alike(120.0, 3, 5)),
    ([120.0, 118.0, 131.0], 6, None),
    ([300.0] * 4 + [-28_800.0], 5, Alike(300.0, 4, 5)),
    ([-28_800.0, -3_600.0, 120.0, 7_200.0], 4, None),
    ([120.0, 120.0], 2, None),
    ([], 0, None),
])  # fmt: skip
def test_more_than_half_of_those_that_reported(
    offs: list[float], reported: int, told: Alike | None
) -> None:
    assert alike(offs, reported) == told
