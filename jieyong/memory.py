"""What a long-running process tells Python about its memory."""

from __future__ import annotations

import asyncio
import gc
from typing import Final

SETTLED_AFTER_S: Final = 5.0
"""By then connections, layouts and modules are there; what comes later does not stay."""

_THRESHOLDS: Final = (50_000, 20, 50)


def settle_later() -> None:
    """Take what is there in a few seconds out of the garbage collector's rounds.

    A poller of thousands of devices holds some hundred thousand objects as long as it lives. Going
    through them again and again stopped the loop for up to a tenth of the time, in pauses that
    make polls late. To be called in the loop, once.
    """
    asyncio.get_running_loop().call_later(SETTLED_AFTER_S, _settle)


def _settle() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
