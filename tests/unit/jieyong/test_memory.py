from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from jieyong import memory


@pytest.fixture
def collector_as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("collector_as_before")
async def test_what_is_there_later_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SETTLED_AFTER_S", 0.0)
    before = gc.get_freeze_count()
    memory.settle_later()
    assert gc.get_freeze_count() == before
    await asyncio.sleep(0.05)
    assert gc.get_freeze_count() > before
    assert gc.get_threshold() != (700, 10, 10)
