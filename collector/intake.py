"""The door through which every source hands over what it accepted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from storage.records import Batch

Accept = Callable[[Sequence[Batch]], Awaitable[None]]
"""Make batches durable.

Returns once every batch is on disk: from then on the rows are *accepted* and the source may
acknowledge. Batches of one call are accepted or refused together.

Raises:
    Refused: nothing of the call was kept; the source counts the rows (polls) or holds the messages
        unacknowledged (MQTT).
"""


class Refused(Exception):  # noqa: N818 - an answer to the source, not a fault
    """The spool cannot take more rows: it is at its bound, or the disk is full.

    Attributes:
        reason: ``bound`` or ``disk``: the label of the counter and of the alarm.
        rows: how many rows were turned away.
    """

    def __init__(self, reason: str, rows: int, advice: str) -> None:
        super().__init__(f"{rows} rows refused ({reason}): {advice}")
        self.reason = reason
        self.rows = rows
