"""Whose subjects are, as layers: of an institution, or of any below it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from metering.gauge.hold import Holds
from registry.belonging import belonging
from rules.derive.evaluate import whose
from rules.kinds.model import Sort
from rules.subjects.model import Conn
from rules.subjects.tagging import Spans, joined, spanned
from rules.timeline.overlay import Windows
from storage.times import ALWAYS_US, NEVER_US, us_of


def load_owners(
    conn: Conn, sort: Sort, codes: Collection[str], windows: Windows
) -> dict[str, Holds]:
    """Load which subjects belong to institutions, as :class:`rules.derive.evaluate.Layers` wants.

    Args:
        conn: any connection.
        sort: of the subjects.
        codes: of the institutions that matter.
        windows: of the subjects.
    """
    if not codes or not len(windows):
        return {}
    spans: dict[str, Spans] = defaultdict(list)
    for one in belonging(conn, sort.value, windows.subject.tolist(), codes):
        begin = ALWAYS_US if one.since is None else us_of(one.since)
        end = NEVER_US if one.until is None else us_of(one.until)
        spans[one.above].append((one.id, begin, end))
    return {whose(code): spanned(joined(found)) for code, found in spans.items()}
