"""Main meters and load profiles of a meter, from a file into the database, with their dates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import scalar_row, tuple_row

from metering.facts import marks
from metering.facts.file_model import MetersFile, MeterSpec
from metering.facts.meters import Meter, find, known, unknown_meter
from metering.facts.refusal import shown
from metering.facts.span import Span, differing, of_range, to_range
from registry.audit import Act, record
from registry.bindings import Moves, reconcile
from registry.bindings import Span as Bound
from registry.inventory import Binding
from registry.refusal import refuse

_MAINS: Final[LiteralString] = """
    SELECT m.code, b.valid FROM meter_main b JOIN meter m ON m.id = b.main_id
    WHERE b.meter_id = %s AND NOT isempty(b.valid) ORDER BY lower(b.valid) NULLS FIRST
"""
_MOVE_MAIN: Final[LiteralString] = """
    UPDATE meter_main SET valid = %s
    WHERE meter_id = %s AND valid = %s AND main_id = (SELECT id FROM meter WHERE code = %s)
"""
_ADD_MAIN: Final[LiteralString] = """
    INSERT INTO meter_main (meter_id, main_id, valid)
    SELECT %s, id, %s FROM meter WHERE code = %s
"""
# A ring begins where one of its bindings begins.
_BEGINS: Final[LiteralString] = """
    SELECT DISTINCT lower(valid) FROM meter_main WHERE NOT isempty(valid) AND valid && %s
"""
_MAINS_AT: Final[LiteralString] = """
    SELECT meter_id, main_id FROM meter_main WHERE valid @> %s::timestamptz
"""
_PROFILES: Final[LiteralString] = """
    SELECT p.code || '@' || p.version, b.valid
    FROM meter_load_profile b JOIN load_profile p ON p.id = b.load_profile_id
    WHERE b.meter_id = %s AND NOT isempty(b.valid) ORDER BY lower(b.valid) NULLS FIRST
"""
_MOVE_PROFILE: Final[LiteralString] = """
    UPDATE meter_load_profile SET valid = %s WHERE meter_id = %s AND valid = %s
        AND load_profile_id = (SELECT id FROM load_profile WHERE code || '@' || version = %s)
"""
_ADD_PROFILE: Final[LiteralString] = """
    INSERT INTO meter_load_profile (meter_id, load_profile_id, valid)
    SELECT %s, id, %s FROM load_profile WHERE code || '@' || version = %s
"""
_PROFILE_NAMES: Final[LiteralString] = "SELECT code || '@' || version FROM load_profile"


def bind_mains(
    conn: psycopg.Connection[Any], act: Act, stated: MetersFile, spec: MeterSpec
) -> list[str]:
    """Bring a meter's main meters to what the file says.

    Returns:
        What changed, in Chinese.

    Raises:
        RefusedError: a main is unknown, counts another energy, or stands behind the meter itself.
    """
    if spec.mains is None:
        return []
    meter = find(conn, spec.code, stated.where(spec.line("")))
    for binding in spec.mains:
        _fitting(conn, stated, meter, binding)
    _apart(stated, spec.mains)
    moves = reconcile(_held(conn, _MAINS, meter.id), _wanted(spec.mains), act.at)
    if not _write(conn, meter.id, moves, (_MOVE_MAIN, _ADD_MAIN)):
        return []
    for binding in spec.mains:
        _no_ring(conn, stated, meter, binding)
    record(conn, act, "main.bind", meter.code, _detail(moves))
    return [f"{meter.code} 的总表：{_words(spec.mains)}"]


def bind_profiles(
    conn: psycopg.Connection[Any], act: Act, stated: MetersFile, spec: MeterSpec
) -> list[str]:
    """Bring a meter's load profiles to what the file says; estimates are computed again.

    Returns:
        What changed, in Chinese.

    Raises:
        RefusedError: a load profile is unknown.
    """
    if spec.profiles is None:
        return []
    meter = find(conn, spec.code, stated.where(spec.line("")))
    with conn.cursor(row_factory=scalar_row) as cursor:
        names = cursor.execute(_PROFILE_NAMES).fetchall()
    for binding in spec.profiles:
        if binding.target not in names:
            listed = "、".join(names) or "（没有）"
            words = f"没有负荷曲线 {binding.target}；已有：{listed}。请在 load_profiles 中写明"
            refuse(stated.where(binding.line), words)
    _apart(stated, spec.profiles)
    moves = reconcile(_held(conn, _PROFILES, meter.id), _wanted(spec.profiles), act.at)
    spans = _write(conn, meter.id, moves, (_MOVE_PROFILE, _ADD_PROFILE))
    if not spans:
        return []
    marks.meters(conn, [meter.id], spans, "load profile changed")
    record(conn, act, "load_profile.bind", meter.code, _detail(moves))
    return [f"{meter.code} 的负荷曲线：{_words(spec.profiles)}"]


def _fitting(
    conn: psycopg.Connection[Any], stated: MetersFile, meter: Meter, binding: Binding
) -> None:
    where = stated.where(binding.line)
    main = known(conn, binding.target)
    if main is None:
        refuse(where, unknown_meter(conn, binding.target))
    if main.id == meter.id:
        refuse(where, f"{meter.code} 不能是自己的总表")
    if (main.energy, main.unit) != (meter.energy, meter.unit):
        words = f"总表 {main.code} 计 {main.energy}（{main.unit}），"
        refuse(where, f"{words}{meter.code} 计 {meter.energy}（{meter.unit}）；请改正总表编码")


def _apart(stated: MetersFile, bindings: Sequence[Binding]) -> None:
    ordered = sorted(_wanted(bindings), key=lambda b: (b.since is not None, b.since))
    for earlier, later in pairwise(ordered):
        if Span(earlier.since, earlier.until).meets(Span(later.since, later.until)):
            line = next(b.line for b in bindings if b.target == later.target)
            words = f"{later.target}（自 {shown(later.since)}）与 {earlier.target} 时间重叠"
            refuse(stated.where(line), f"{words}；请给前一个写上 until")


def _no_ring(
    conn: psycopg.Connection[Any], stated: MetersFile, meter: Meter, binding: Binding
) -> None:
    """Follow the mains above a meter, wherever one of them begins."""
    span = Span(binding.since, binding.until)
    for (begin,) in conn.execute(_BEGINS, [to_range(span)]).fetchall():
        moment = max(span.first, begin or span.first)
        above = dict(conn.execute(_MAINS_AT, [moment]).fetchall())
        seen = [meter.id]
        while (main := above.get(seen[-1])) is not None:
            if main in seen:
                words = f"{meter.code} 的总表 {binding.target} 又以它为总表，成了环"
                refuse(stated.where(binding.line), f"{words}；请改正其中之一")
            seen.append(main)


def _held(conn: psycopg.Connection[Any], query: LiteralString, meter_id: int) -> list[Bound]:
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, [meter_id]).fetchall()
    return [
        Bound(target, span.since, span.until)
        for target, valid in rows
        if (span := of_range(valid)) is not None
    ]


def _wanted(bindings: Iterable[Binding]) -> list[Bound]:
    spans = [Bound(b.target, b.since, b.until) for b in bindings]
    return sorted(spans, key=lambda s: (s.since is not None, s.since))


def _write(
    conn: psycopg.Connection[Any],
    meter_id: int,
    moves: Moves,
    statements: tuple[LiteralString, LiteralString],
) -> list[Span]:
    """Write the moves; return the time in which something differs from before."""
    move, add = statements
    changed: list[Span] = []
    # Shrink all before any grows: bindings of one meter may never overlap.
    for old, new in sorted(moves.updates, key=lambda pair: _grows(*pair)):
        before = Span(old.since, old.until)
        after = Span(new.since, new.until) if new else None
        conn.execute(move, [to_range(after), meter_id, to_range(before), old.target])
        changed += differing(before, after)
    for span in moves.inserts:
        held = Span(span.since, span.until)
        conn.execute(add, [meter_id, to_range(held), span.target])
        changed.append(held)
    return changed


def _grows(old: Bound, new: Bound | None) -> bool:
    if new is None:
        return False
    before, after = Span(old.since, old.until), Span(new.since, new.until)
    return after.first < before.first or after.end > before.end


def _detail(moves: Moves) -> dict[str, object]:
    return {
        "changed": [
            [str(old), str(new) if new else None, old.target] for old, new in moves.updates
        ],
        "added": [[str(span), span.target] for span in moves.inserts],
    }


def _words(bindings: Iterable[Binding]) -> str:
    return "、".join(
        f"{b.target}（自 {shown(b.since)}）" if b.since else b.target for b in bindings
    )
