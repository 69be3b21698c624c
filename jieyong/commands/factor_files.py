"""What commands on factors and tariffs share: the files, numbers that people write."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from jieyong.commands.session import Session
from jieyong.settings import Settings
from metering.factors.library import Library, load_library
from metering.factors.meter_basic import DemandRule
from metering.factors.meter_cost import Pricing
from metering.factors.tariff import Tariff
from metering.factors.tariff_file import load_tariffs
from registry.calendar import Calendar
from registry.refusal import RefusedError


def files(settings: Settings) -> tuple[Library, tuple[Tariff, ...]]:
    """Read the factor sets and tariffs, those of one's own included.

    Raises:
        DataFileError: a file has mistakes; each is named with its line.
        RefusedError: the jurisdiction of the settings is not known.
    """
    library = load_library(more=settings.factors.own("sets"))
    place = settings.factors.jurisdiction
    if place not in library.parents:
        raise RefusedError(
            f"设置 factors.jurisdiction 为 {place}：没有这个地区；"
            "请写省级行政区划代码前两位，如 50，或 CN"
        )
    return library, load_tariffs(library, more=settings.factors.own("tariffs"))


def pricing(at: Session, calendar: Calendar) -> Pricing:
    """Return what pricing needs besides the database; raises as :func:`files`."""
    rule = DemandRule(at.settings.factors.power, at.settings.gauges.demand_least_s)
    tariffs = files(at.settings)[1]
    return Pricing(tariffs, calendar.kind, at.zone, at.now, rule, calendar.published)


def decimal(text: str) -> Decimal:
    """Read a number as people write it, ``6,000.5``.

    Raises:
        RefusedError: it is none.
    """
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation as error:
        raise RefusedError(f"“{text}”不是数：请填写数值，不带单位") from error
