"""Everything that makes a figure, as plain data: printed by the command line, shown elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from metering.counter.model import Flag
from metering.quality.check import Check
from metering.quality.completeness import share_of
from metering.quality.gaps import Gap
from metering.quality.presence import Change, Span


@dataclass(frozen=True, slots=True)
class Subject:
    """The meter in question; `formula` only of a virtual one, `place` only of a physical one."""

    code: str
    name: str
    energy: str
    unit: str
    direction: str
    place: str | None
    formula: str | None


@dataclass(frozen=True, slots=True)
class Period:
    """A row of the table: a day of a month, or an hour of a day.

    Attributes:
        begin: aware.
        end: aware.
        micro: millionths of the unit; None: nothing is known.
        estimated: the part of it that was allotted over gaps.
        covered_s: seconds between accepted readings.
        expected_s: seconds that could be known.
        flags: what it is made of.
    """

    begin: datetime
    end: datetime
    micro: int | None
    estimated: int
    covered_s: int
    expected_s: int
    flags: Flag

    @property
    def share(self) -> Decimal:
        """Which part of what is expected is known."""
        return share_of(self.covered_s, self.expected_s)


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter at a time, in the unit of its point."""

    device: str
    ts: datetime
    value: Decimal


@dataclass(frozen=True, slots=True)
class Device:
    """A device's time at the meter; None: from ever, to this day, or not entered."""

    code: str
    serial_no: str | None
    register: str | None
    begin: datetime | None
    end: datetime | None
    initial: Decimal | None
    final: Decimal | None
    profile: str  # what its registers mean: code@version


@dataclass(frozen=True, slots=True)
class RatioLine:
    """CT × PT for a time, also when it was withdrawn."""

    ct: Decimal
    pt: Decimal
    begin: datetime | None
    end: datetime | None
    entered_by: str
    entered_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class LoadProfileLine:
    """A frozen load profile by which the energy of gaps was spread; see its version's weights."""

    code: str
    version: int
    source: str
    begin: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class FindingLine:
    """What is not ordinary; `before` and `after` in the unit of the point."""

    kind: str
    device: str
    ts: datetime
    until: datetime
    before: float | None
    after: float | None
    micro: int | None


@dataclass(frozen=True, slots=True)
class EntryLine:
    """What a person read off the device, also when it was withdrawn."""

    kind: str
    device: str
    ts: datetime
    value: Decimal
    note: str
    entered_by: str
    entered_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class BillLine:
    """A bill of an account that the meter belongs to; the period is [first, end)."""

    id: int
    account: str
    supplier: str
    first: date
    end: date
    status: str
    quantity: Decimal | None
    unit: str
    amount: Decimal | None
    entered_by: str
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class AccountDays:
    """Days ``[first, end)`` on which the meter counts an account, or none.

    Attributes:
        account: code; None: no account tells of these days.
        micro: what the meter counted on them, millionths of the unit; None: nothing is known.
    """

    account: str | None
    first: date
    end: date
    micro: int | None


@dataclass(frozen=True, slots=True)
class InputLine:
    """What a formula names.

    Attributes:
        code: of the meter.
        micro: its figure, millionths of the unit; None: nothing is known.
        flags: what the figure is made of.
        replaced: when devices of it, or of what it is made of itself, gave way to others.
    """

    code: str
    micro: int | None
    flags: Flag
    replaced: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A figure and what it rests on.

    Attributes:
        subject: the meter.
        title: of the window: a month or a day.
        zone: in which days are cut.
        as_of: figures are expected up to then.
        micro: the figure, millionths of the unit; None: nothing is known.
        estimated: the part of it that was allotted over gaps.
        estimated_quarters: over how many quarter hours.
        entered: the part of it in quarters that rest on a person's reading.
        periods: days or hours; absent ones are neither known nor expected.
        first: first counter reading of the window that counts.
        last: last one.
        devices: that hung there.
        absent: when no device hung there: nothing is expected, and the figure is of the rest.
        ratios: of the window, withdrawn ones too; where none is in force: 1.
        unrated: where ratios were entered, when a device hung there and none was in force: 1.
        load_profiles: by which gaps were spread; where there is none, evenly.
        findings: that touch the window.
        missing: times that should be known and are not, with the reason.
        entries: that people made.
        bills: that overlap it.
        accounts: its days by account, where it counts one on some of them only.
        check: against the counter; None for a virtual meter.
        inputs: of a virtual meter, by code.
        waiting: something is to be computed again.
        failure: why it could not be computed.
    """

    subject: Subject
    title: str
    zone: str
    as_of: datetime
    micro: int | None
    estimated: int
    estimated_quarters: int
    entered: int
    periods: tuple[Period, ...]
    first: Counter | None
    last: Counter | None
    devices: tuple[Device, ...]
    absent: tuple[Span, ...]
    ratios: tuple[RatioLine, ...]
    unrated: tuple[Span, ...]
    load_profiles: tuple[LoadProfileLine, ...]
    findings: tuple[FindingLine, ...]
    missing: tuple[Gap, ...]
    entries: tuple[EntryLine, ...]
    bills: tuple[BillLine, ...]
    accounts: tuple[AccountDays, ...]
    check: Check | None
    inputs: tuple[InputLine, ...]
    waiting: bool
    failure: str | None

    @property
    def covered_s(self) -> int:
        """Seconds between accepted readings."""
        return sum(period.covered_s for period in self.periods)

    @property
    def expected_s(self) -> int:
        """Seconds that could be known."""
        return sum(period.expected_s for period in self.periods)

    @property
    def share(self) -> Decimal:
        """Which part of what is expected is known."""
        return share_of(self.covered_s, self.expected_s)
