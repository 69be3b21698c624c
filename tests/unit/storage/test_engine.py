from __future__ import annotations

import pytest

from storage.engine import EngineTooOldError, supported_version


def test_the_oldest_supported_server_is_15() -> None:
    assert supported_version(150_000) == "15.0"
    with pytest.raises(EngineTooOldError, match=r"PostgreSQL 14\.9 is too old: 15 or newer"):
        supported_version(140_009)
