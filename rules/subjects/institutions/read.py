"""What the database holds of what institutions used, and of what they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from metering.factors import institution_facts
from metering.factors.dated import Span
from metering.plan.progress import Base
from metering.plan.quota import EnteredQuota, quotas_of
from metering.plan.standing import base_in
from metering.plan.usage import Window
from metering.plan.usage_load import institution_usages
from rules.subjects.institutions.layers import Usages
from rules.subjects.meters.weather import mean_temperatures
from rules.subjects.model import Conn


@dataclass(frozen=True, slots=True)
class Stored:
    """See :class:`rules.subjects.institutions.layers.Source`; what was read is kept for a look.

    Attributes:
        conn: may write: the attribution of meters is brought up to date.
        zone: of the site.
    """

    conn: Conn
    zone: ZoneInfo
    _celsius: dict[Window, Mapping[date, float]] = field(default_factory=dict)
    _facts: dict[str, Mapping[tuple[str, str], Sequence[Span]]] = field(default_factory=dict)
    _quotas: dict[tuple[str, int], tuple[EnteredQuota, ...]] = field(default_factory=dict)

    def usages(
        self, institutions: Sequence[str], energies: Sequence[str], window: Window
    ) -> Usages:
        """Return what is known of institutions."""
        return institution_usages(self.conn, institutions, energies, window, self.zone)

    def quotas(self, institution: str, year: int) -> Iterable[EnteredQuota]:
        """Return the quotas of an institution."""
        if (institution, year) not in self._quotas:
            self._quotas[institution, year] = quotas_of(self.conn, institution, year)
        return self._quotas[institution, year]

    def base(self, institution: str, day: date) -> Base:
        """Return its floor area and energy users."""
        if institution not in self._facts:
            self._facts[institution] = institution_facts.read(self.conn, [institution])
        return base_in(self._facts[institution], institution, day)

    def celsius(self, window: Window) -> Mapping[date, float]:
        """Return the mean outdoor temperature of days."""
        if window not in self._celsius:
            found = mean_temperatures(self.conn, self.zone, window.first, window.last)
            self._celsius[window] = found
        return self._celsius[window]
