"""What the commands of bills and purchases read from words, and say in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from metering.bills.model import Attachment, Band, Part
from metering.bills.recorded import History
from metering.bills.words import words
from metering.quality.words import UNKNOWN
from registry.refusal import RefusedError, refuse

NOT_STATED: Final = "-"
"""Written for what the paper does not say."""
BANDS: Final = {
    Band.SHARP: "尖",
    Band.PEAK: "峰",
    Band.FLAT: "平",
    Band.VALLEY: "谷",
    Band.DEEP: "深谷",
}

Number = Annotated[int, typer.Argument(help="编号，不带 Z 或 G。", min=1)]
Quantity = Annotated[str | None, typer.Option("--quantity", help="用量；不知道写 -，零写 0。")]
Amount = Annotated[str | None, typer.Option("--amount", help="金额，元；不知道写 -。")]
Unit = Annotated[str | None, typer.Option("--unit", help="用量的单位；缺省为该能源的常用单位。")]
Note = Annotated[str | None, typer.Option("--note", help="说明。")]
Scan = Annotated[Path | None, typer.Option("--scan", help="扫描件，至多 20 MB。")]


def decimal(text: str | None, where: str) -> Decimal | None:
    """Read a quantity or an amount; None: not stated."""
    if text is None or text == NOT_STATED:
        return None
    try:
        read = Decimal(text.replace(",", ""))
    except InvalidOperation:
        refuse(where, f"“{text}”不是数，请写成 1234.5；不知道写 -")
    if not read.is_finite():
        refuse(where, f"“{text}”不是数，请写成 1234.5；不知道写 -")
    return read


def changed(**given: tuple[Any, Callable[[Any], object]]) -> dict[str, Any]:
    """Return what was written, read; what was left out is absent.

    Args:
        given: name of a field → what was written (None: left out), and how it is read.
    """
    return {name: read(value) for name, (value, read) in given.items() if value is not None}


def parts(texts: Sequence[str]) -> tuple[Part, ...]:
    """Read ``峰=120`` or ``峰=120:96.50``, the amount behind the colon."""
    found: dict[Band, Part] = {}
    for text in texts:
        name, _, rest = text.partition("=")
        band = next((b for b, shown in BANDS.items() if name in {b.value, shown}), None)
        quantity, _, amount = rest.partition(":")
        if band is None or not quantity:
            known = "、".join(BANDS.values())
            refuse("--time-of-use", f"“{text}”不认识，请写成 峰=120 或 峰=120:96.5；时段有 {known}")
        if band in found:
            refuse("--time-of-use", f"{BANDS[band]}写了两次，请删去一个")
        found[band] = Part(
            band, decimal(quantity, "--time-of-use"), decimal(amount or None, "--time-of-use")
        )
    return tuple(found.values())


def scan(path: Path | None) -> Attachment | None:
    """Read a scan.

    Raises:
        RefusedError: the file cannot be read.
    """
    if path is None:
        return None
    try:
        return Attachment(path.name, path.read_bytes())
    except OSError as error:
        raise RefusedError(f"{path}：不能读取（{error.strerror}），请核对路径") from error


def energy(word: str) -> str:
    """Read a kind of energy, by code or by name."""
    code = words().energy(word)
    if code is None:
        known = "、".join(one.name for one in words().energies.values())
        refuse("能源", f"“{word}”不认识，请从这些中选：{known}")
    return code


def shown(value: Decimal | None, unit: str) -> str:
    """Say a quantity or an amount."""
    return UNKNOWN if value is None else f"{value:f} {unit}"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Say a time on the site's clock, to the minute."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def history_lines(history: History, zone: ZoneInfo, show: str) -> list[str]:
    """Say who entered, corrected and withdrew.

    Args:
        history: of a bill or a purchase.
        zone: the site's.
        show: the command that shows another one.
    """
    came = "手工录入"
    if history.import_id is not None:
        came = f"导入 {history.import_id}，{history.cell}"
    lines = [f"录入：{history.entered_by}，{moment(history.entered_at, zone)}（{came}）"]
    if history.replaces is not None:
        lines.append(f"更正自：{history.replaces}（{show} {history.replaces}）")
    if history.withdrawn_at is not None:
        when = f"{history.withdrawn_by}，{moment(history.withdrawn_at, zone)}"
        if history.replaced_by is not None:
            lines.append(
                f"已更正：{when}，现为 {history.replaced_by}（{show} {history.replaced_by}）"
            )
        else:
            lines.append(f"已撤销：{when}")
    lines.append(f"附件：{history.scan or '无'}")
    return lines
