from __future__ import annotations

from datetime import UTC, datetime

import pytest

from registry.audit import Act

NOW = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", ["", " ", "\t"])
def test_nobody_enters_nothing_without_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="who enters it"):
        Act(name, NOW)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no zone"):
        Act("王芳", NOW.replace(tzinfo=None))
