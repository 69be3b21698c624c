"""What people write on a command line or in a file: times, numbers, ratios."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from registry.refusal import refuse
from registry.years import sensible, wrong_year

_NUMBER: Final = re.compile(r"[0-9]{1,14}(\.[0-9]{1,6})?")
# 1234,5 is no 12345: a comma parts thousands, or it is not understood.
_PLAIN: Final = re.compile(r"[+-]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?")
_RATIO: Final = re.compile(
    r"([0-9]{1,7}(?:\.[0-9]{1,4})?)(?:\s*[/:：]\s*([0-9]{1,7}(?:\.[0-9]{1,4})?))?"
)
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?")


def moment(text: str, zone: ZoneInfo, where: str) -> datetime:
    """Read a date (its midnight) or a time; of ``zone`` when it names no offset.

    Raises:
        RefusedError: it is neither, or of a year that nobody can mean.
    """
    try:
        found = datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        return refuse(where, f"“{text}”不是时间；请写成 2026-10-31 或 2026-10-31 08:30")
    if not sensible(found):
        return refuse(where, wrong_year(found))
    return found if found.tzinfo else found.replace(tzinfo=zone)


def plain_number(text: str) -> Decimal | None:
    """Read digits, with or without thousands separators; None: it is no such number."""
    return Decimal(text.replace(",", "")) if _PLAIN.fullmatch(text) else None


def number(text: str, where: str) -> Decimal:
    """Read a number that is not negative, with up to six decimals.

    Raises:
        RefusedError: it is none.
    """
    plain = text.replace(",", "")
    if not _NUMBER.fullmatch(plain) or plain_number(text) is None:
        return refuse(where, f"“{text}”不是读数；请填写非负数，最多 6 位小数，不带单位")
    return Decimal(plain)


def ratio(text: str, where: str) -> Decimal:
    """Read a ratio: ``80``, or ``400/5`` as on the nameplate.

    Raises:
        RefusedError: it is none, is not above 0, or does not come to four decimals.
    """
    match = _RATIO.fullmatch(text.strip())
    if match is None:
        return refuse(where, f"“{text}”不是变比；请写成 80 或 400/5")
    above, below = Decimal(match[1]), Decimal(match[2] or 1)
    if not above or not below:
        return refuse(where, f"变比“{text}”必须大于 0；没有互感器请写 1")
    value = above / below
    if value != round(value, 4):
        return refuse(where, f"变比“{text}”除不尽，超过 4 位小数；请核对铭牌")
    return value
