"""What was compared for a doubt about a vehicle: lines for officers, of the rule's own kind.

Of a sensitive vehicle only sums are told: no times, places, people or papers (docs/privacy.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

from fleet.joining import said
from fleet.joining.verdict import Doubt, Figure, Verdict
from fleet.norms.load import mended
from fleet.norms.parts import again, parts
from fleet.yards import load
from fleet.yards.look import Found
from fleet.yards.source import Stored
from fleet.yards.verdicts import Doubt as PlaceDoubt
from rules.kinds.vehicles import Layer
from rules.subjects.model import Basis, Conn
from rules.subjects.vehicles.looking import (
    COST,
    PAPERS,
    RATE,
    At,
    KnownVehicles,
    codes,
    untimed,
    upkeep_of,
    verdicts,
)
from rules.subjects.vehicles.many import Many
from rules.subjects.vehicles.papers import span_of
from rules.subjects.vehicles.places import LOOKS, asked, days
from rules.subjects.vehicles.told_norms import norm_lines

_SUMS: Final = frozenset(
    {"filled_ml", "before_ml", "tank_ml", "holds_ml", "left_ml", "burnt_ml", "room_ml", "over_ml",
     "expected_ml", "base_ml", "base_mm", "driven_mm", "order_mm", "least_mm", "most_mm",
     "slack_pct", "legs", "payments", "product", "energy"}
)  # fmt: skip
"""Figures that name no time, place, person or paper."""
_PAID: Final[LiteralString] = """
    SELECT quantity, fen FROM fleet_spending WHERE id = %s AND unit = 'ml' AND quantity > 0
"""
_SENSITIVE: Final[LiteralString] = """
    SELECT EXISTS (SELECT FROM vehicle_sensitivity
                   WHERE vehicle_id = %s AND since <= %s AND until > %s)
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A doubt: of which vehicle, in which time (µs UTC), and whether only sums may be told."""

    at: At
    since: int
    until: int
    secret: bool


def told(conn: Conn, basis: Basis, vehicle: int, since: int, until: int) -> Sequence[str]:
    """Return what was compared from one moment to another, µs UTC.

    Args:
        conn: any connection.
        basis: with the rules that are asked about.
        vehicle: id.
        since: begin.
        until: end.
    """
    layers = frozenset(name for one in basis.versions for name in one.rule.kind.inputs)
    span = days(since, until - 1, basis.zone)
    ids = codes(conn, [vehicle])
    row = conn.execute(_SENSITIVE, [vehicle, span[1], span[0]]).fetchone()
    secret = row is None or bool(row[0])
    known = KnownVehicles((vehicle,), basis, layers, Many(basis, keeps=False))
    at = At(conn, known, (vehicle,), ids, span)
    one = _Asked(at, since, until, secret)
    return [line for names, lines in _LINES.items() if names & layers for line in lines(one)]


def _papers(it: _Asked) -> Iterator[str]:
    wanted = it.at.known.wanted
    found = [one for one in verdicts(it.at, wanted) if one.doubt in wanted]
    dateless = untimed(it.at.conn, found)
    for one in found:
        since, until = span_of(one, dateless, it.at.basis.zone)
        if since < it.until and until > it.since:
            yield _verdict(it, one)


def _verdict(it: _Asked, one: Verdict) -> str:
    figures = [f for f in one.figures if f.value is not None and (not it.secret or f.name in _SUMS)]
    told = [f"{said.FIGURES[f.name]} {said.shown(f, it.at.basis.zone)}" for f in figures]
    return "，".join([said.headline(one), *told, *_involved(it.at.conn, one)])


def _involved(conn: Conn, one: Verdict) -> list[str]:
    """Say how many litres and yuan a doubt about a filling is about."""
    paid = conn.execute(_PAID, [one.number]).fetchone() if one.doubt in _OF_FILLINGS else None
    if paid is None:
        return []
    over = next((f.value for f in one.figures if f.name == "over_ml"), None)
    ml = over if isinstance(over, int) and over > 0 else paid[0]
    yuan = "" if paid[1] is None else f"、约 {paid[1] * ml / paid[0] / 100:.0f} 元"
    return [f"涉及 {ml / 1000:.1f} L{yuan}"]


_OF_FILLINGS: Final = frozenset(
    {
        *(Doubt.BORROWED_CARD, Doubt.OTHER_VEHICLE, Doubt.STATION_ELSEWHERE, Doubt.TWO_FILLS),
        *(Doubt.WITHOUT_TRAVEL, Doubt.OVERFILL, Doubt.PADDED_LITRES, Doubt.WRONG_FUEL),
    }
)


def _norms(it: _Asked) -> Iterator[str]:
    for code in it.at.ids:
        yield from norm_lines(it.at, code, it.since, it.until)


def _upkeep(it: _Asked) -> Iterator[str]:
    its = [one for month in upkeep_of(it.at).values() for one in month]
    for one in its[-1:]:
        km = one.hm / 10
        line = f"十二个月维修 {(one.fen + one.dearest_fen) / 100:.0f} 元，行驶 {km:.0f} km，"
        line += f"最大一笔 {one.dearest_fen / 100:.0f} 元不计，"
        line += f"其余每公里 {one.fen / one.hm / 10:.2f} 元"
        if one.peers is not None:
            median, fence = one.peers.median / 10, one.peers.fence / 10
            line += (
                f"；同类 {one.peers.vehicles} 辆中位数 {median:.2f} 元，通常不超过 {fence:.2f} 元"
            )
            line += f"，多出约 {max(one.fen - one.peers.fence * one.hm, 0) / 100:.0f} 元"
        yield line


def _parts(it: _Asked) -> Iterator[str]:
    zone = it.at.basis.zone
    for lines in mended(it.at.conn, sorted(it.at.ids)).values():
        for one in again(lines, parts()):
            if it.since <= one.at_us < it.until and one.early_pct is not None:
                word, life = one.part.words[0], one.part
                usual = f"通常可用 {life.days} 天或 {life.km} km"
                if it.secret:
                    yield f"{word}再次更换，{usual}"
                    continue
                before = said.moment(one.before.at_us, zone)
                yield (
                    f"{word}：{said.moment(one.at_us, zone):%Y-%m-%d} 更换，"
                    f"上次 {before:%Y-%m-%d}（编号 {one.before.number}）；{usual}，"
                    f"还差 {one.early_pct:.0f}%"
                )


def _places(it: _Asked) -> Iterator[str]:
    if it.secret:
        return
    at = it.at
    vehicles = load.vehicles(at.conn, ids=at.vehicles)
    for layer in sorted(LOOKS.keys() & at.known.wanted):
        for its in LOOKS[layer](Stored(at.conn), asked(at.basis, *at.span), vehicles):
            yield from (_place(it, one) for one in its if _meets(it, one))


def _meets(it: _Asked, one: Found) -> bool:
    met = one.window.from_us < it.until and one.window.to_us > it.since
    return met and isinstance(one.verdict, PlaceDoubt)


def _place(it: _Asked, one: Found) -> str:
    evidence, zone = one.verdict.evidence, it.at.basis.zone
    parts_ = [f"应在时段 {_span(it, one.window.from_us, one.window.to_us)}"]
    if evidence.fences:
        parts_.append(f"停放地点 {'、'.join(evidence.fences)}")
    if evidence.away:
        spans = "、".join(_span(it, *span) for span in evidence.away)
        parts_.append(f"不在或行驶 {spans}")
    distances = (("按定位行驶", evidence.moved_mm), ("按终端里程表", evidence.odometer_mm))
    parts_ += [f"{name} {said.shown(Figure('x_mm', mm), zone)}" for name, mm in distances if mm]
    if evidence.excuses:
        excused = "、".join(f"{one.said}（{_span(it, *one.span)}）" for one in evidence.excuses)
        parts_.append(f"已扣除 {excused}")
    if one.reason:
        parts_.append(f"依据 {one.reason}")
    return "，".join(parts_)


def _span(it: _Asked, since: int, until: int) -> str:
    begin, end = (said.moment(us, it.at.basis.zone) for us in (since, until))
    return f"{begin:%m-%d %H:%M} 至 {end:%m-%d %H:%M}"


_LINES: Final[Mapping[frozenset[str], Callable[[_Asked], Iterator[str]]]] = {
    PAPERS: _papers,
    RATE | COST: _norms,
    frozenset({Layer.UPKEEP.value}): _upkeep,
    frozenset({Layer.PART_EARLY.value}): _parts,
    frozenset(LOOKS): _places,
}
"""Layers → who says what was compared for them."""
