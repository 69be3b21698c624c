"""`jieyong fleet check` and `evaluate`: papers against tracks, and how much of it is found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from fleet.joining.load import checked
from fleet.joining.verdict import Finding, Verdict
from fleet.ledger.find import count_vehicles, find_consumer
from jieyong.commands import fleet_check_tables, recorded_tracks
from jieyong.commands.options import AsJson, First, Last, Vehicle, until_last
from jieyong.commands.screen import console, counting
from jieyong.commands.session import Config, Reader, Reason, session, tracks_of
from jieyong.evaluation import costs
from jieyong.evaluation.run import FLEETS, evaluate
from jieyong.evaluation.staged import Recorded, on_recordings, simulated
from jieyong.settings_file import load_settings
from registry.refusal import refuse
from simulators.receipts.tamper import KINDS


def check_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    reason: Reason,
    vehicle: Vehicle = None,
    first: First = None,
    last: Last = None,
    evidence: Annotated[bool, typer.Option("--evidence", help="列出每个疑点的依据。")] = False,
    everything: Annotated[bool, typer.Option("--all", help="也列出相符和无法判断的。")] = False,
    as_json: AsJson = False,
    by: Reader = None,
    config: Config = None,
) -> None:
    """Hold papers against tracks; looking is recorded."""
    with session(config, by) as at:
        begin, end = until_last(last, first, at.today, 31)
        which = None if vehicle is None else find_consumer(at.conn, vehicle, end, "--vehicle").code
        days = {"from": begin.isoformat(), "to": end.isoformat()}
        with tracks_of(at, "joining.read", which or "全部车辆", reason, **days) as shown:
            rules = at.settings.joining.rules()
            only = None if which is None else [which]
            behind = end + timedelta(days=1)
            number = count_vehicles(at.conn) if which is None else 1
            found = _counting(checked(at.conn, begin, behind, at.zone, rules, only=only), number)
            told = everything or as_json
            listed = [one for one in found if told or one.finding is Finding.DOUBT]
            shown.update(one.vehicle for one in listed if one.vehicle)
        zone = at.zone
    if as_json:
        typer.echo(fleet_check_tables.as_json(found, zone))
        return
    title = f"{begin} 至 {end} 的{'比对' if everything else '疑点'}"
    if not listed:
        typer.echo(fleet_check_tables.nothing(found, f"{begin} 至 {end}"))
        if not found:
            return
    else:
        console().print(fleet_check_tables.verdicts(listed, title, zone))
    if evidence:
        for one in listed:
            console().print(fleet_check_tables.evidence(one, zone))
    console().print(fleet_check_tables.summary(found))
    typer.echo("疑点有待核实，不是结论；无法判断的原因见 --all。")


def _counting(verdicts: Iterator[Verdict], vehicles: int) -> list[Verdict]:
    """Return verdicts, which come by vehicle; a bar shows how many vehicles are through."""
    found = list[Verdict]()
    with counting(vehicles) as done:
        for _, its in groupby(verdicts, key=lambda one: one.vehicle):
            found += its
            done()
    return found


def evaluate_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    seed: Annotated[int, typer.Option(help="种子；1000 以下和 7001–7010 用于调参，公布不用这些。")],
    as_json: AsJson = False,
    fleets: Annotated[int, typer.Option(min=1, max=20, help="模拟车队数，合并计数。")] = FLEETS,
    tracks: Annotated[
        Path | None,
        typer.Option(help="真实轨迹的目录（Cabspotting 或 T-Drive 格式）；默认用模拟轨迹。"),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="只测一种，如 padded_litres；默认测全部。")
    ] = None,
    config: Config = None,
) -> None:
    """Measure how much is found, and from which size on: on simulated fleets or real tracks."""
    rules = load_settings(config).joining.rules()
    kinds = [one for one in KINDS if kind in {None, one.name}]
    dear = [one for one in costs.KINDS if kind == one.name or (kind is None and tracks is None)]
    if not kinds and (not dear or tracks is not None):
        known = "、".join(one.name for one in (*KINDS, *costs.KINDS))
        refuse("--kind", f"没有 {kind} 这一种，或不能用真实轨迹测；可用：{known}")
    recorded = None if tracks is None else _recorded(tracks)
    fleet = simulated if recorded is None else recorded.fleet
    with counting(fleets * (bool(kinds) + bool(dear))) as done:
        curves = [
            *(evaluate(seed, rules, fleets=fleets, fleet=fleet, kinds=kinds, done=done)
              if kinds else []),
            *(costs.evaluate_costs(seed, rules, fleets=fleets, kinds=dear, done=done)
              if dear else []),
        ]  # fmt: skip
    if as_json:
        typer.echo(fleet_check_tables.curves_as_json(seed, fleets, curves, recorded))
        return
    if recorded is not None:
        typer.echo("\n".join(recorded_tracks.lines(recorded)))
    console().print(fleet_check_tables.floors(curves))
    for curve in curves:
        console().print(fleet_check_tables.curve(curve))


def _recorded(directory: Path) -> Recorded:
    try:
        return on_recordings(directory)
    except (OSError, ValueError) as error:
        refuse("--tracks", f"{error}；每辆车一个 .txt 文件，格式见 docs/joining.md")
