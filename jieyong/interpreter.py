"""What a long-running process asks of its Python interpreter."""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import Final

SETTLED_AFTER_S: Final = 5.0
"""By then connections, layouts and modules are there; what comes later does not stay."""

_THRESHOLDS: Final = (50_000, 20, 50)

_SWITCH_S: Final = 0.001


def tune() -> None:
    """Set the interpreter up for a loop beside a few threads. To be called in the loop, once.

    A poller of thousands of devices holds some hundred thousand objects as long as it lives. Going
    through them again and again stopped the loop for up to a tenth of the time, in pauses that
    make polls late: what is there in a few seconds is taken out of the garbage collector's rounds.

    The drain's thread asks for the interpreter some twenty times a write. Beside a busy loop each
    took Python's default of 5 ms, and the database stood idle for half of the time.
    """
    sys.setswitchinterval(_SWITCH_S)
    asyncio.get_running_loop().call_later(SETTLED_AFTER_S, _settle)


def _settle() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
