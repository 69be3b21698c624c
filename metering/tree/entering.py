"""What entering a dated fact of the tree needs: codes looked up, days checked, refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import scalar_row
from psycopg.types.range import DateRange, Range

from registry.refusal import RefusedError

_SUBJECTS: Final[Mapping[str, tuple[str, LiteralString]]] = {
    "institution": ("机构", "SELECT id FROM institution WHERE code = %s"),
    "building": ("建筑", "SELECT id FROM building WHERE code = %s"),
    "room": ("房间", "SELECT id FROM room WHERE code = %s"),
    "meter": ("计量表", "SELECT id FROM meter WHERE code = %s"),
}


def id_of(conn: psycopg.Connection[Any], kind: str, code: str) -> int:
    """Look the code of an institution, building, room or meter up.

    Raises:
        RefusedError: there is no such kind or code.
    """
    if kind not in _SUBJECTS:
        raise RefusedError(f"不认识的对象种类 {kind}：应是 {'、'.join(_SUBJECTS)}")
    name, query = _SUBJECTS[kind]
    found = scalar(conn, query, [code])
    if found is None:
        raise RefusedError(f"没有编码为 {code} 的{name}：请更正编码或先登记")
    return int(found)


def scalar(conn: psycopg.Connection[Any], query: LiteralString, values: Sequence[object]) -> Any:  # noqa: ANN401 - whatever the column holds
    """Return the first column of the first row; None when there is none."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(query, values).fetchone()


def days(since: date | None, until: date | None) -> Range[date]:
    """Return the days since ≤ day < until.

    Raises:
        RefusedError: there is no day among them.
    """
    if since is not None and until is not None and since >= until:
        raise RefusedError(f"结束日期 {until} 不在开始日期 {since} 之后：请更正日期")
    return DateRange(since, until)


def shown_days(days: Range[date]) -> str:
    """Return days as officers read them."""
    since = days.lower.isoformat() if days.lower else "最初"
    until = f"{days.upper.isoformat()} 前" if days.upper else "今后"
    return f"{since}至{until}"
