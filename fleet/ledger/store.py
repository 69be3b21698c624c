"""Lines in their tables: what stands, putting new ones in, withdrawing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import msgspec
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from fleet.ledger.lines import COLUMNS, REFERS, Line
from registry.audit import Act, record
from registry.refusal import RefusedError

_LOCK: Final = 0x4A59_0F18
"""Advisory lock of writing: what is read before is what stands when it is written."""
_OWN: Final = ("key", "content", "import_id", "cell", "entered_by", "entered_at")
_PUT: Final[LiteralString] = """
    INSERT INTO {table} ({columns})
    SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %s)
"""
_LINK: Final[LiteralString] = """
    UPDATE fuel_consumer c SET vehicle_id = v.id FROM vehicle v
    WHERE v.code = c.code AND c.import_id IS NOT DISTINCT FROM %s AND c.vehicle_id IS NULL
        AND c.withdrawn_at IS NULL
"""
_STANDING: Final[LiteralString] = """
    SELECT id, key, content FROM {table} WHERE withdrawn_at IS NULL AND key = ANY(%s)
"""
_CODES: Final[LiteralString] = """
    SELECT 'consumer', code, id FROM fuel_consumer WHERE withdrawn_at IS NULL AND code = ANY(%(c)s)
    UNION ALL SELECT 'institution', code, id FROM institution WHERE code = ANY(%(c)s)
    UNION ALL SELECT 'vehicle', code, id FROM vehicle WHERE code = ANY(%(c)s)
"""
_WITHDRAW: Final[LiteralString] = """
    UPDATE {table} SET withdrawn_by = %s, withdrawn_at = %s
    WHERE id = %s AND withdrawn_at IS NULL RETURNING key
"""
# What still stands on a consumer, whoever brought it.
_LEFT: Final[LiteralString] = """
    SELECT c.code, count(*) FROM {table} t JOIN fuel_consumer c ON c.id = t.consumer_id
    WHERE t.withdrawn_at IS NULL AND c.withdrawn_at IS NOT NULL GROUP BY c.code
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """A row that stands: its number, and the digest of what it says."""

    id: int
    content: str


def lock(conn: psycopg.Connection[Any]) -> None:
    """Keep everyone else who writes into the ledger out until the transaction ends."""
    conn.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def standing(conn: psycopg.Connection[Any], table: str, keys: Sequence[str]) -> dict[str, Standing]:
    """Return the rows of a table that stand under some keys."""
    found = conn.execute(_of(_STANDING, table), [list(keys)])
    return {key: Standing(number, content) for number, key, content in found}


def put(
    conn: psycopg.Connection[Any], act: Act, lines: Iterable[Line], import_id: int | None
) -> int:
    """Write lines, in the order in which they may refer to each other; return how many.

    Args:
        conn: in the transaction of the act.
        act: who and when.
        lines: of any tables; what they refer to stands or is among them.
        import_id: what brings them; None: entered by hand.
    """
    by_table: dict[str, list[Line]] = {table: [] for table in COLUMNS}
    for line in lines:
        by_table[line.table].append(line)
    for table, its in by_table.items():
        if its:
            _write(conn, act, table, its, import_id)
        if its and table == "fuel_consumer":
            conn.execute(_LINK, [import_id])
    return sum(map(len, by_table.values()))


def withdraw(conn: psycopg.Connection[Any], act: Act, table: str, number: int, why: str) -> str:
    """Withdraw one row; return what it spoke of. It stays readable.

    Raises:
        RefusedError: there is none that stands, or others stand on it.
    """
    with conn.transaction():
        lock(conn)
        found = conn.execute(_of(_WITHDRAW, table), [act.principal, act.at, number]).fetchone()
        if found is None:
            raise RefusedError(f"编号 {number} 不存在或已撤回，请核对编号")
        refuse_orphans(conn)
        record(conn, act, f"vehicle.{table}.withdraw", str(number), {"key": found[0], "why": why})
    return str(found[0])


def refuse_orphans(conn: psycopg.Connection[Any]) -> None:
    """Refuse to leave records without the consumer that they speak of.

    Raises:
        RefusedError: there are some; the transaction must not be committed.
    """
    left: dict[str, int] = {}
    for table in (table for table, refers in REFERS.items() if "consumer" in refers):
        for code, number in conn.execute(_of(_LEFT, table)):
            left[code] = left.get(code, 0) + number
    if left:
        raise RefusedError(
            *(
                f"车辆 {code} 还有 {number} 条另外录入的记录，请先撤回这些记录"
                for code, number in sorted(left.items())
            )
        )


def _write(
    conn: psycopg.Connection[Any],
    act: Act,
    table: str,
    lines: Sequence[Line],
    import_id: int | None,
) -> None:
    refers = REFERS[table]
    wanted = {str(code) for line in lines for name in refers if (code := line.values[name])}
    ids = {(kind, code): number for kind, code, number in conn.execute(_CODES, {"c": list(wanted)})}
    common = {
        "import_id": import_id,
        "entered_by": act.principal,
        "entered_at": act.at.isoformat(),
    }
    rows = [
        {
            **{name: line.values[name] for name in COLUMNS[table]},
            **{f"{name}_id": ids.get((name, str(line.values[name]))) for name in refers},
            **common,
            "key": line.key,
            "content": line.content,
            "cell": None if import_id is None else line.row.where,
        }
        for line in lines
    ]
    columns = [*COLUMNS[table], *(f"{name}_id" for name in refers), *_OWN]
    statement = sql.SQL(_PUT).format(
        table=sql.Identifier(table), columns=sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    conn.execute(statement, [Jsonb(rows, dumps=msgspec.json.encode)])


def _of(statement: LiteralString, table: str) -> sql.Composed:
    if table not in COLUMNS:
        raise ValueError(f"{table} is no table of the ledger")
    return sql.SQL(statement).format(table=sql.Identifier(table))
