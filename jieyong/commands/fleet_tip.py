"""`jieyong fleet tip`: answering a report from the public (举报核查)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from fleet.fence.datum import Datum, to_wgs84
from fleet.tip.html import html
from fleet.tip.inquiry import Answer, Asked, answer, borne_then
from fleet.tip.page import Page, page, table, text
from fleet.tip.whereabouts import Place
from jieyong.commands.session import Config, Reader, Reason, Session, session, track_of
from metering.facts import written
from registry.refusal import RefusedError, refuse
from registry.table import write
from registry.vehicles import plain


def tip(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    plate: Annotated[str, typer.Option("--plate", help="举报的号牌。")],
    at: Annotated[str, typer.Option("--at", help="举报的时间：2026-10-03 14:20。")],
    reason: Reason,
    file: Annotated[
        Path | None, typer.Argument(help="写入此文件：.html 或 .xlsx；不写则显示。")
    ] = None,
    within: Annotated[
        int, typer.Option("--within", min=1, max=720, help="核查前后多少分钟。")
    ] = 30,
    lat: Annotated[float | None, typer.Option(help="地点纬度。")] = None,
    lon: Annotated[float | None, typer.Option(help="地点经度。")] = None,
    datum: Annotated[
        Datum, typer.Option("--datum", help="坐标系：高德、腾讯地图为 gcj02，百度为 bd09。")
    ] = Datum.WGS84,
    address: Annotated[str, typer.Option("--address", help="地点文字说明。")] = "",
    near: Annotated[
        int, typer.Option("--near", min=10, max=5_000, help="多少米以内算到过附近。")
    ] = 300,
    by: Reader = None,
    config: Config = None,
) -> None:
    """举报核查：号牌、时间、地点，得一页；查看会记入操作日志."""
    if not plain(plate):
        refuse("--plate", "请写明号牌")
    if file is not None and file.suffix.lower() not in {".html", ".xlsx"}:
        refuse(str(file), "文件名应以 .html 或 .xlsx 结尾")
    with session(config, by) as here:
        moment = written.moment(at, here.zone, "--at")
        if moment > here.now:
            refuse("--at", "晚于现在；请核对时间")
        asked = Asked(
            *(plate.strip(), moment, timedelta(minutes=within)),
            place=_place(lat, lon, datum),
            address=address.strip(),
            reason=reason.strip(),
        )
        found = _looked_up(here, asked)
        made = page(found, near, here.zone, here.act.principal, here.now)
    _give(made, file)


def _looked_up(here: Session, asked: Asked) -> Answer:
    then, _ = borne_then(here.conn, asked, here.zone, here.today)
    subject = then[0].code if len(then) == 1 else plain(asked.plate)
    detail = {
        "plate": asked.plate,
        "reported_at": asked.at.isoformat(),
        "within_minutes": asked.within // timedelta(minutes=1),
        "place": None if asked.place is None else [asked.place.lat, asked.place.lon],
        "address": asked.address,
    }
    with track_of(here, "tip.read", subject, asked.reason, **detail):
        rules = here.settings.trips.rules()
        return answer(here.conn, asked, here.zone, here.today, rules)


def _place(lat: float | None, lon: float | None, datum: Datum) -> Place | None:
    if lat is None and lon is None:
        return None
    if lat is None or lon is None:
        refuse("--lat", "纬度和经度要一起写")
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        refuse("--lat", f"{lat}，{lon} 不是地球上的地点；请核对纬度和经度")
    try:
        east, north = to_wgs84((lon, lat), datum)
    except ValueError:
        refuse("--datum", f"{datum} 只用于中国境内的地点；请核对纬度和经度")
    return Place(north, east)


def _give(made: Page, file: Path | None) -> None:
    if file is None:
        typer.echo(text(made))
        return
    if file.suffix.lower() == ".xlsx":
        write(file, [table(made)])
    else:
        try:
            file.write_text(html(made), encoding="utf-8")
        except OSError as error:
            raise RefusedError(f"{file}：不能写入（{error}），请核对目录") from error
    typer.echo(f"{made.conclusion[0]}已写入 {file}")
