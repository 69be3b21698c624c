"""`jieyong factor power`: what a bill says of the power factor, computed again."""

from __future__ import annotations

from typing import Annotated

import typer

from jieyong.commands.factor_files import decimal
from metering.factors.power_factor import adjustment, mean_factor
from metering.factors.power_factor_file import load_adjustments
from registry.refusal import RefusedError


def power(
    active: Annotated[str, typer.Option(help="当月有功电量，kWh。")],
    reactive: Annotated[str, typer.Option(help="当月无功电量，kvarh。")],
    standard: Annotated[str, typer.Option(help="执行的功率因数标准，见电费账单，如 0.85。")],
    charge: Annotated[
        str, typer.Option(help="账单上参与调整的电费，元：基本电费加电度电费，不含代征基金及附加。")
    ],
) -> None:
    """Compute the power-factor adjustment of a month from the figures of its bill."""
    tables = load_adjustments()
    real, blind, held = decimal(active), decimal(reactive), decimal(standard)
    if held not in tables.tables:
        known = "、".join(f"{one}" for one in tables.tables)
        raise RefusedError(f"没有标准值为 {standard} 的调整表：可用 {known}")
    try:
        factor = mean_factor(real, blind)
    except ValueError as error:
        raise RefusedError("有功、无功电量须不小于 0，且不同时为 0") from error
    percent = tables.percent(held, factor)
    yuan = adjustment(decimal(charge), percent)
    word = "减收" if percent < 0 else "增收"
    typer.echo(f"实际功率因数 {factor:.2f}，标准 {held:.2f}：{word} {abs(percent):.2f} %。")
    typer.echo(f"功率因数调整电费 {yuan:,} 元。")
    typer.echo(f"依据：{tables.provenance.source}。请与供电企业核对。")
