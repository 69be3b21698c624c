from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterator

import pytest

from jieyong import interpreter


@pytest.fixture
def collector_as_before() -> Iterator[None]:
    thresholds, switch_s = gc.get_threshold(), sys.getswitchinterval()
    yield
    sys.setswitchinterval(switch_s)
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("collector_as_before")
async def test_what_is_there_later_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "SETTLED_AFTER_S", 0.0)
    before = gc.get_freeze_count()
    interpreter.tune()
    assert gc.get_freeze_count() == before
    await asyncio.sleep(0.05)
    assert gc.get_freeze_count() > before
    assert gc.get_threshold() != (700, 10, 10)


@pytest.mark.usefixtures("collector_as_before")
async def test_threads_beside_a_busy_loop_get_their_turn_soon() -> None:
    sys.setswitchinterval(0.005)  # as it is in a new process, which this one may not be
    interpreter.tune()
    assert sys.getswitchinterval() < 0.005
