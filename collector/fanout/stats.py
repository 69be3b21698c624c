"""What the fan-out has done, as plain counters that an exporter reads."""

from __future__ import annotations


class FanoutStats:
    """Counters since the start.

    Attributes:
        published: positions that the broker has acknowledged.
        withheld: positions that are nobody's to know: of a sensitive vehicle, or of a terminal that
            is not in the inventory any more.
        dropped: positions that the spool refused; they are stored, and not published.
    """

    def __init__(self) -> None:
        self.published = 0
        self.withheld = 0
        self.dropped = 0
