"""The spool: what was accepted lies here, on disk, until the database has it.

One row of SQLite holds one batch, packed as it will go to the server. Commits reach the disk before
:meth:`Spool.put` returns (WAL, ``synchronous=FULL``). Deletes of delivered batches ride in the next
commit: losing one costs a replay, which the database takes as a no-op.

Each kind has a tally kept in the same transactions, so that at any time, a crash included,
``accepted = delivered + rejected + waiting``.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from collector import spool_model as model
from collector.intake import Refused
from collector.settings import SpoolSettings
from collector.spool_model import Fate, Settlement, SpoolStats, Stored, Tally
from collector.spool_open import is_damage, open_spool_file
from storage.records import Batch, Kind

log = structlog.get_logger()


def _now_us() -> int:
    return time.time_ns() // 1000


_RESTART: Final = "restart the collector: it moves the damaged file aside and deletes nothing"


class Spool:
    """The buffer between the sources and the drain; its methods may be called from any thread.

    Args:
        path: the file; its directory is created.
        settings: bounds.
        now_us: the clock, Unix microseconds.
        free_bytes: free space of the disk; measured when absent.

    Raises:
        SpoolBusyError: another process has the file open.
        SpoolVersionError: a newer version wrote it.
    """

    def __init__(
        self,
        path: Path,
        settings: SpoolSettings,
        *,
        now_us: Callable[[], int] = _now_us,
        free_bytes: Callable[[], int] | None = None,
    ) -> None:
        self.path = path
        self._settings = settings
        self._now_us = now_us
        self._free_bytes = free_bytes or (lambda: shutil.disk_usage(path.parent).free)
        self._file = open_spool_file(path)
        self._writing = threading.Lock()  # held over a commit
        self._state = threading.Lock()  # everything below; never held over I/O
        content = self._file.content()
        self._rows, self._bytes = content.rows, content.size
        self._next_id = content.next_id
        self._disk_upto = content.last_id  # up to here the drain reads back from disk
        self._taken = 0
        self._fresh: deque[Stored] = deque()  # everything above _disk_upto not yet taken
        self._fresh_bytes = 0
        self._deferred: list[Settlement] = []  # wait for the next commit
        self._tally = content.tally
        self._uncounted: Counter[tuple[Kind, Fate]] = Counter()  # refusals not yet on disk
        self._refused: Counter[str] = Counter()
        self._commits = 0
        self._refusing = False
        self._broken: str | None = None
        self._closed = False
        self._wake = threading.Event()
        if self._rows:
            self._wake.set()
            log.info("spool_resumed", path=str(path), rows=self._rows, bytes=self._bytes)

    def put(self, batches: Sequence[Batch]) -> None:
        """Make batches durable: they are on disk when this returns.

        Raises:
            Refused: nothing of them was kept.
        """
        (refused,) = self.put_all([batches])
        if refused is not None:
            raise refused

    def put_all(self, calls: Sequence[Sequence[Batch]]) -> list[Refused | None]:
        """Make the batches of several callers durable in one commit.

        Returns:
            For each call None, or why all of it was refused.

        Raises:
            RuntimeError: the spool is closed.
        """
        with self._writing:
            if self._closed:
                raise RuntimeError(f"{self.path}: the spool is closed; stop the sources first")
            verdicts = self._admit(calls)
            admitted = [
                batch
                for call, refused in zip(calls, verdicts, strict=True)
                if refused is None
                for batch in call
            ]
            try:
                if admitted or self._deferred:
                    self._commit(admitted)
            except sqlite3.Error as error:
                self._note(error)
                remedy = _RESTART if self._broken else "make room, or check the disk"
                advice = f"cannot write {self.path}: {error}; {remedy}"
                verdicts = [
                    refused or self._refuse(call, "disk", advice)
                    for call, refused in zip(calls, verdicts, strict=True)
                ]
            self._report(verdicts)
        return verdicts

    def _admit(self, calls: Sequence[Sequence[Batch]]) -> list[Refused | None]:
        if self._broken:
            # The drain cannot pass the damage: what came now would not come out again.
            advice = f"{self.path} is damaged ({self._broken}); {_RESTART}"
            return [self._refuse(call, "disk", advice) for call in calls]
        least = self._settings.min_free_bytes
        # What delivered rows leave behind in the file is taken again before the file grows.
        if self._free_bytes() + self._file.reusable_bytes() < least:
            advice = f"less than {least} bytes are free on the disk of {self.path}; make room"
            return [self._refuse(call, "disk", advice) for call in calls]
        most = self._settings.max_bytes
        waiting = self._bytes
        verdicts: list[Refused | None] = []
        for call in calls:
            size = sum(len(batch.body) for batch in call)
            # An empty spool takes anything: a source may offer the same rows until they are taken.
            if waiting and waiting + size > most:
                advice = (
                    f"{waiting} of {most} bytes wait for the database in {self.path}; bring the "
                    "database back, or raise spool.max_bytes"
                )
                verdicts.append(self._refuse(call, "bound", advice))
            else:
                waiting += size
                verdicts.append(None)
        return verdicts

    def _refuse(self, call: Sequence[Batch], reason: str, advice: str) -> Refused:
        counts = model.refused(call)
        rows = counts.total()
        with self._state:
            self._uncounted += counts
            self._refused[reason] += rows
        return Refused(reason, rows, advice)

    def _note(self, error: sqlite3.Error) -> None:
        """Remember that the file is damaged, if that is what an error says."""
        if is_damage(error):
            self._broken = str(error)

    def _report(self, verdicts: Sequence[Refused | None]) -> None:
        """Log when refusing begins and when it ends, not every refusal in between."""
        refused = next((verdict for verdict in verdicts if verdict is not None), None)
        if refused is not None and not self._refusing:
            log.error("spool_refuses", path=str(self.path), reason=refused.reason, why=str(refused))
        elif refused is None and self._refusing:
            log.warning("spool_accepts_again", path=str(self.path), refused=dict(self._refused))
        self._refusing = refused is not None

    def wait(self, timeout_s: float) -> bool:
        """Wait until there may be something to take; tell whether there may."""
        woken = self._wake.wait(timeout_s)
        self._wake.clear()
        return woken

    def wake(self) -> None:
        """End a :meth:`wait` early."""
        self._wake.set()

    def take(self, max_rows: int, max_bytes: int) -> list[Stored]:
        """Take the next batches in order, each once; at least one when any is there.

        What was taken stays on disk until it is settled, and comes again after a restart. To be
        called from one thread.

        Raises:
            sqlite3.Error: reading back from disk failed; nothing was taken.
        """
        with self._state:
            after, upto = self._taken, self._disk_upto
        if after < upto:
            try:
                taken = self._file.read(after, upto, max_rows, max_bytes)
            except sqlite3.Error as error:
                self._note(error)
                raise
            with self._state:
                self._taken = taken[-1].id if taken else upto
            if taken:
                return taken
        return self._take_fresh(max_rows, max_bytes)

    def _take_fresh(self, max_rows: int, max_bytes: int) -> list[Stored]:
        taken: list[Stored] = []
        with self._state:
            if self._taken < self._disk_upto:
                return []  # overflowed a moment ago: the next call reads back
            while self._fresh:
                batch = self._fresh[0].batch
                max_rows, max_bytes = max_rows - batch.rows, max_bytes - len(batch.body)
                if taken and (max_rows < 0 or max_bytes < 0):
                    break
                taken.append(self._fresh.popleft())
                self._fresh_bytes -= len(batch.body)
            if taken:
                self._taken = taken[-1].id
        return taken

    def settle(self, settlement: Settlement) -> None:
        """Forget everything taken up to ``settlement.upto``.

        Deliveries alone wait for the next commit; rejections are committed now, together with what
        they became.

        Raises:
            sqlite3.Error: the rejections could not be written; nothing changed, try again.
        """
        if settlement.rejected:
            with self._writing:
                self._commit(settlement.quarantine, settlement)
            return
        with self._state:
            self._deferred.append(settlement)
            self._rows -= settlement.rows
            self._bytes -= settlement.size

    def tidy(self) -> None:
        """Commit what waits for a commit and give free space back; to be called when idle.

        Failure is logged, not raised: nothing is lost, and the next call tries again.
        """
        with self._writing:
            if self._closed:
                return
            try:
                if self._deferred or self._uncounted:
                    self._commit(())
                if self._rows == 0:
                    self._file.shrink()
            except sqlite3.Error as error:
                log.warning("spool_tidy_failed", path=str(self.path), error=str(error))

    def _commit(self, batches: Sequence[Batch], settlement: Settlement | None = None) -> None:
        """Write batches and everything that waits for a commit; all of it or, on error, nothing."""
        now_us = self._now_us()
        stored = [Stored(id_, batch, now_us) for id_, batch in enumerate(batches, self._next_id)]
        with self._state:
            deferred = tuple(self._deferred)
            uncounted = self._uncounted.copy()
        settlements = deferred if settlement is None else (*deferred, settlement)
        counts = model.accepted(batches) + model.settled(settlements) + uncounted
        self._file.write(stored, settlements, counts)
        with self._state:
            del self._deferred[: len(deferred)]
            self._uncounted -= uncounted
            self._tally += counts
            self._commits += 1
            if settlement is not None:
                self._rows -= settlement.rows
                self._bytes -= settlement.size
            self._hand_over(stored)

    def _hand_over(self, stored: Sequence[Stored]) -> None:
        if not stored:
            return
        self._next_id = stored[-1].id + 1
        self._rows += sum(one.batch.rows for one in stored)
        size = sum(len(one.batch.body) for one in stored)
        self._bytes += size
        self._fresh.extend(stored)
        self._fresh_bytes += size
        if self._fresh_bytes > self._settings.handoff_bytes:
            # The drain is far behind: it reads back from disk what is dropped here.
            self._disk_upto = stored[-1].id
            self._fresh.clear()
            self._fresh_bytes = 0
        self._wake.set()

    def stats(self) -> SpoolStats:
        """Return how the spool stands now."""
        with self._state:
            waiting = self._rows > 0
            settled = self._deferred[-1].upto if self._deferred else 0
        oldest_us = self._oldest_us(settled) if waiting and not self._closed else None
        with self._state:
            return SpoolStats(
                rows=self._rows,
                bytes=self._bytes,
                oldest_us=oldest_us,
                refused=dict(self._refused),
                commits=self._commits,
                damaged=self._file.damaged,
                tally=self._whole_tally(),
                broken=self._broken,
            )

    def _oldest_us(self, settled: int) -> int | None:
        try:
            return self._file.oldest_us(settled)
        except sqlite3.Error as error:  # whoever watches must hear of it, not fail with it
            self._note(error)
            return None

    def tally(self) -> Tally:
        """Return rows by kind and fate over the life of the file, uncommitted counts included."""
        with self._state:
            return self._whole_tally()

    def _whole_tally(self) -> Tally:
        return dict(self._tally + self._uncounted + model.settled(self._deferred))

    def close(self) -> None:
        """Commit what waits for a commit and close. What is taken but unsettled comes again."""
        self.tidy()
        with self._writing:
            if not self._closed:
                self._closed = True
                self._file.close()
