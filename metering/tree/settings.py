"""What can be set about main meters."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from metering.tree.remainder import Tolerance


class MainsSettings(BaseModel):
    """Main meters against their sub-meters: how much less a main may show without a finding."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tolerance_percent: float = Field(
        default=2.0, ge=0, le=100, description="Of what came in: meters have errors."
    )
    tolerance_least: float = Field(
        default=1.0,
        ge=0,
        le=1_000_000,
        description="At least so much, in the unit of the meter: kWh, m³, GJ.",
    )

    def tolerance(self) -> Tolerance:
        """Return it as the balances take it."""
        share = Decimal(str(self.tolerance_percent)) / 100
        return Tolerance(share, int(Decimal(str(self.tolerance_least)) * 1_000_000))
