"""The spool's door for asyncio: one thread that commits for everybody who asked meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from collector.spool import Spool
from storage.records import Batch

log = structlog.get_logger()

_IDLE_S: Final = 0.25
"""After this long without a call, what waits for a commit gets one of its own."""


@dataclass(frozen=True, slots=True)
class _Call:
    batches: Sequence[Batch]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]


class Acceptor:
    """Implements :data:`collector.intake.Accept` on a :class:`~collector.spool.Spool`.

    Calls that arrive while a commit runs share the next one. Use as a context manager; leaving it
    finishes the calls that were made, and does not close the spool.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)

    def __enter__(self) -> Acceptor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._calls.put(None)
        self._thread.join()

    async def accept(self, batches: Sequence[Batch]) -> None:
        """Return once every batch is on disk.

        Raises:
            Refused: nothing of this call was kept.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._calls.put(_Call(batches, loop, done))
        await done

    def _run(self) -> None:
        open_ = True
        while open_:
            calls, open_ = self._gather()
            if calls:
                self._commit(calls)
            else:
                self._spool.tidy()

    def _gather(self) -> tuple[list[_Call], bool]:
        """Wait for a call and take all others that are there; tell whether more may come."""
        calls: list[_Call] = []
        with contextlib.suppress(queue.Empty):
            call = self._calls.get(timeout=_IDLE_S)
            while call is not None:
                calls.append(call)
                call = self._calls.get_nowait()
            return calls, False
        return calls, True

    def _commit(self, calls: Sequence[_Call]) -> None:
        verdicts: Sequence[Exception | None]
        try:
            verdicts = self._spool.put_all([call.batches for call in calls])
        except Exception as error:  # whoever waits must hear of it, whatever it is
            log.exception("spool_failed")
            verdicts = [error] * len(calls)
        for call, verdict in zip(calls, verdicts, strict=True):
            # The loop may be gone when the program is being torn down.
            with contextlib.suppress(RuntimeError):
                call.loop.call_soon_threadsafe(_answer, call.done, verdict)


def _answer(done: asyncio.Future[None], verdict: Exception | None) -> None:
    if done.done():  # its caller was cancelled; the rows are on disk all the same
        return
    if verdict is None:
        done.set_result(None)
    else:
        done.set_exception(verdict)
