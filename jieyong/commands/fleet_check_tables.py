"""Tables of `jieyong fleet check` and `evaluate`, for people, and the same as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.table import Table

from fleet.joining import said
from fleet.joining.verdict import Check, Doubt, Finding, Kind, Verdict
from jieyong.commands import recorded_tracks
from jieyong.commands.screen import plain
from jieyong.evaluation.run import Curve
from jieyong.evaluation.score import ENOUGH_PER_MILLE, LEAST_TOLD, TOLD_PER_MILLE
from jieyong.evaluation.staged import Recorded
from rules.kinds.catalogue import KINDS

_BAR: Final = 20
_UNITS: Final = (
    (Kind.FILLING, "笔"),
    (Kind.REPAIR, "笔"),
    (Kind.ORDER, "张"),
    (Kind.TRIP, "次"),
)
_WAYS: Final = {
    "tank": "（超过油箱容积）",
    "since": "（超过加满后的余量）",
    "shifted": "（派车单时间不符）",
}


def verdicts(found: Sequence[Verdict], title: str, zone: ZoneInfo) -> Table:
    """Return verdicts, one a row."""
    table = Table(title=title, title_justify="left")
    for heading in ("车辆", "时间", "单据", "编号", "比对", "结果", "说明"):
        table.add_column(heading)
    for one in found:
        table.add_row(
            one.vehicle or "—",
            f"{said.moment(one.at_us, zone):%Y-%m-%d %H:%M}",
            said.KINDS[one.kind],
            "" if one.kind is Kind.TRIP else str(one.number),
            said.CHECKS[one.check],
            said.FINDINGS[one.finding],
            said.headline(one),
        )
    return table


def nothing(found: Iterable[Verdict], when: str) -> str:
    """Say that there are no doubts, of which time, and how much was looked at."""
    looked_at = Counter(kind for kind, _, _ in {(x.kind, x.vehicle, x.number) for x in found})
    if not looked_at:
        return f"{when} 没有疑点：没有可以比对的单据和行程。"
    counts = "、".join(f"{said.KINDS[kind]} {looked_at[kind]} {unit}" for kind, unit in _UNITS)
    return f"{when} 没有疑点：比对了{counts}。"


def evidence(one: Verdict, zone: ZoneInfo) -> Table:
    """Return what a verdict rests on."""
    when = f"{said.moment(one.at_us, zone):%Y-%m-%d %H:%M}"
    title = f"{one.vehicle} {when} {said.KINDS[one.kind]} {one.number}：{said.headline(one)}"
    table = Table(title=title, title_justify="left", show_header=False)
    for name, value in said.evidence(one, zone):
        table.add_row(name, plain(value))
    return table


def summary(found: Iterable[Verdict]) -> Table:
    """Return how many of each comparison agree, are doubts, or cannot be told, and mostly why."""
    counts: Counter[tuple[Check, Finding]] = Counter()
    whys: dict[Check, Counter[str]] = {check: Counter() for check in Check}
    for one in found:
        counts[one.check, one.finding] += 1
        if one.why is not None:
            whys[one.check][said.WHYS[one.why]] += 1
    table = Table(title="比对汇总", title_justify="left")
    for heading in ("比对", *(said.FINDINGS[finding] for finding in Finding), "无法判断的主要原因"):
        table.add_column(heading)
    for check in Check:
        figures = [str(counts[check, finding]) for finding in Finding]
        mostly = "；".join(f"{why} {number}" for why, number in whys[check].most_common(2))
        table.add_row(said.CHECKS[check], *figures, mostly)
    return table


def as_json(found: Iterable[Verdict], zone: ZoneInfo) -> str:
    """Return verdicts for programs: codes, figures in whole units, times in the site's zone."""
    return json.dumps([_plain(one, zone) for one in found], ensure_ascii=False, indent=2)


def _plain(one: Verdict, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "number": one.number,
        "vehicle": one.vehicle,
        "at": said.moment(one.at_us, zone).isoformat(),
        "check": one.check.value,
        "finding": one.finding.value,
        "doubt": None if one.doubt is None else one.doubt.value,
        "why": None if one.why is None else one.why.value,
        "figures": {figure.name: figure.value for figure in one.figures},
        "from": said.moment(one.from_us, zone).isoformat(),
        "to": said.moment(one.to_us, zone).isoformat(),
    }


def floors(curves: Iterable[Curve]) -> Table:
    """Return from which size on each kind is found."""
    table = Table(title="检出下限", title_justify="left")
    for heading in ("疑点", "下限", "仅就可判断的"):
        table.add_column(heading)
    for one in curves:
        table.add_row(_name(one), *(_size(one, size) for size in (one.floor, one.floor_of_told)))
    table.caption = (
        f"自下限起，查准率与查全率均不低于 {ENOUGH_PER_MILLE / 10:.0f}%，"
        f"可判断的不少于 {LEAST_TOLD} 件、{TOLD_PER_MILLE / 10:.0f}%；末列不论后者。"
        "未测：没有可伪造的单据"
    )
    return table


def _size(one: Curve, size: int | None) -> str:
    if not any(score.made for score in one.scores):
        return "未测"
    return "未达到" if size is None else f"{size} {one.kind.unit}"


def curve(one: Curve) -> Table:
    """Return what is found of a kind at each size; 另名: found as the other kind."""
    table = Table(title=_name(one), title_justify="left")
    for heading in (
        "大小",
        "伪造",
        "可判断",
        "检出",
        "另名",
        "误报",
        "查全率",
        "查准率",
        "查全率图",
    ):
        table.add_column(heading)
    for score in one.scores:
        bar = "█" * round((score.recall or 0) * _BAR / 1_000)
        table.add_row(
            f"{score.size} {one.kind.unit}{' ←' if score.size == one.floor else ''}",
            *(str(score.made), str(score.told), str(score.found), str(score.otherwise)),
            str(score.false),
            *(_share(score.recall), _share(score.precision)),
            bar.ljust(_BAR, "·"),
        )
    return table


def curves_as_json(
    seed: int, fleets: int, curves: Iterable[Curve], recorded: Recorded | None = None
) -> str:
    """Return the measurement for programs."""
    kinds = [
        {
            "kind": one.kind.name,
            "unit": one.kind.unit,
            "floor": one.floor,
            "floor_of_told": one.floor_of_told,
            "sizes": [
                {
                    "size": score.size,
                    "made": score.made,
                    "told": score.told,
                    "found": score.found,
                    "named_otherwise": score.otherwise,
                    "false": score.false,
                    "true_papers": score.papers,
                    "recall_per_mille": score.recall,
                    "precision_per_mille": score.precision,
                }
                for score in one.scores
            ],
        }
        for one in curves
    ]
    tracks = None if recorded is None else recorded_tracks.counts(recorded)
    found = {"seed": seed, "fleets": fleets, "tracks": tracks, "kinds": kinds}
    return json.dumps(found, ensure_ascii=False, indent=2)


def _name(one: Curve) -> str:
    kind, _, way = one.kind.name.partition(":")
    if kind in set(Doubt):
        return said.DOUBTS[Doubt(kind)] + _WAYS.get(way, "")
    return KINDS[f"vehicle.{kind}"].label


def _share(per_mille: int | None) -> str:
    return "不知" if per_mille is None else f"{per_mille / 10:.1f}%"
