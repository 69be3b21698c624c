"""What can be set about joining papers and tracks: each threshold with its reason."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from fleet.joining.rules import DAY_US, MINUTE_US, SECOND_US, Rules


class JoiningSettings(BaseModel):
    """Papers against tracks: tolerances, and what is enough for a doubt (docs/joining.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    late_min: int = Field(
        default=35,
        ge=1,
        le=240,
        description="A statement may be so much later than the pump: tills book in batches",
    )
    early_min: int = Field(
        default=10,
        ge=1,
        le=120,
        description="or so much earlier: clocks of tills differ, and a car stays after the pump",
    )
    other_visit_min: int = Field(
        default=240,
        ge=30,
        le=1_440,
        description="A visit to the station within so much is taken for a wrong time: no doubt",
    )
    place_m: int = Field(
        default=300,
        ge=50,
        le=2_000,
        description="So far from a learned place is at it: forecourts, scatter of receivers",
    )
    dwell_s: int = Field(
        default=90, ge=30, le=600, description="Nobody fills, or comes and goes, in less"
    )
    detour_kmh: int = Field(
        default=120,
        ge=30,
        le=200,
        description="How fast a vehicle can have been where nobody saw it: the motorway's limit",
    )
    silence_min: int = Field(
        default=75,
        ge=5,
        le=720,
        description="A terminal may be silent so long: parked ones report hourly at least",
    )
    history_days: int = Field(
        default=180,
        ge=30,
        le=400,
        description="Places and consumption are learned from so long before",
    )
    place_vehicles: int = Field(
        default=2, ge=1, le=20, description="A place stands on so many vehicles at least"
    )
    place_matches: int = Field(default=4, ge=2, le=50, description="and on so many papers")
    place_share_pct: int = Field(
        default=50, ge=10, le=100, description="and on so much of those that could have matched"
    )
    usual_pct: int = Field(
        default=8,
        ge=1,
        le=50,
        description="Where a vehicle stands for so much of its time it lives: no station",
    )
    visit_min: int = Field(
        default=60, ge=10, le=240, description="Longer stops are not taken for a filling"
    )
    pump_min: int = Field(
        default=20,
        ge=5,
        le=60,
        description="Hours before a statement, not even these: offices lie near stations",
    )
    still_min: int = Field(
        default=60,
        ge=10,
        le=720,
        description="Filled without travel: it stood so long before and after",
    )
    still_blind_min: int = Field(
        default=180,
        ge=30,
        le=1_440,
        description="likewise where the station is not known, or no place is kept",
    )
    still_m: int = Field(
        default=2_000,
        ge=100,
        le=20_000,
        description="or it drove less than this since the filling before: to a station and back",
    )
    apart_min: int = Field(
        default=120,
        ge=10,
        le=720,
        description="Two fillings in less are a doubt: as in published cases (58 L, 39 L)",
    )
    split_min: int = Field(
        default=40,
        ge=0,
        le=120,
        description="but at one station within this they are one bill: cards are capped",
    )
    tank_over_pct: int = Field(
        default=10,
        ge=0,
        le=30,
        description="A tank takes so much more than its papers say: filler neck and tolerance",
    )
    brim_pct: int = Field(
        default=6,
        ge=0,
        le=30,
        description="A tank said to be full may lack so much: pumps click off early",
    )
    burn_over_pct: int = Field(
        default=20,
        ge=0,
        le=200,
        description="On one leg a vehicle may use so much more than it usually does",
    )
    burn_most: int = Field(
        default=25, ge=5, le=100, description="L/100 km at most where nothing is learned yet"
    )
    waiting_ml: int = Field(
        default=2_500,
        ge=0,
        le=20_000,
        description="and so much more on any leg: hours of waiting with the engine on",
    )
    running_ml_h: int = Field(
        default=900,
        ge=0,
        le=5_000,
        description="ml an hour that an engine burns by running: tells town from motorway",
    )
    back: int = Field(
        default=6, ge=1, le=30, description="What is left in the tank is counted from so far back"
    )
    base_km: int = Field(
        default=1_500,
        ge=100,
        le=50_000,
        description="A consumption is learned from so much: the tank's share is small then",
    )
    base_legs: int = Field(default=6, ge=2, le=100, description="and from so many fillings")
    run_least: int = Field(
        default=6, ge=2, le=50, description="Litres are weighed over so many fillings at least"
    )
    run_most: int = Field(default=16, ge=3, le=100, description="and at most")
    run_days: int = Field(
        default=120, ge=7, le=366, description="and over so many days: seasons differ beyond"
    )
    slack_pct: int = Field(
        default=18,
        ge=0,
        le=100,
        description="Over several fillings a vehicle may use so much more: season, roads, load",
    )
    garage_before_days: int = Field(
        default=10, ge=0, le=60, description="An invoice may be so much later than the visit"
    )
    garage_after_days: int = Field(default=1, ge=0, le=30, description="or so much earlier")
    garage_stay_min: int = Field(
        default=25, ge=5, le=480, description="A shorter stop is no visit to learn a garage from"
    )
    garage_own_pct: int = Field(
        default=25,
        ge=0,
        le=100,
        description="So much of the stops at a garage falls about its invoices: offices differ",
    )
    garage_hidden_min: int = Field(
        default=180,
        ge=0,
        le=2_880,
        description="So much of the opening hours about an invoice may be unseen",
    )
    order_slack_min: int = Field(
        default=30, ge=0, le=240, description="Times on an order may be so much off"
    )
    home_min: int = Field(
        default=20,
        ge=0,
        le=240,
        description="Home for so long, an outing is over: what is driven then is another order's",
    )
    order_pct: int = Field(
        default=8, ge=0, le=50, description="Kilometres on an order may be so much off: tyres"
    )
    order_km: int = Field(
        default=3, ge=0, le=50, description="and by this much: dashboards are read to the kilometre"
    )
    trip_m: int = Field(
        default=1_000,
        ge=0,
        le=20_000,
        description="A shorter trip needs no order: moved in the yard",
    )
    orders_days: int = Field(
        default=31,
        ge=1,
        le=366,
        description="Without an order in so long, orders are not kept here: cannot tell",
    )
    card_hours: int = Field(
        default=24,
        ge=1,
        le=168,
        description="A driver's card of which nothing more is heard was in the terminal so long",
    )

    def rules(self) -> Rules:
        """Return the thresholds as the pure parts take them."""
        return Rules(
            before_us=self.late_min * MINUTE_US,
            after_us=self.early_min * MINUTE_US,
            wide_us=self.other_visit_min * MINUTE_US,
            radius_mm=self.place_m * 1_000,
            dwell_us=self.dwell_s * SECOND_US,
            fastest_kmh=self.detour_kmh,
            silence_us=self.silence_min * MINUTE_US,
            history_us=self.history_days * DAY_US,
            vehicles=self.place_vehicles,
            matches=self.place_matches,
            share_pct=self.place_share_pct,
            usual_pct=self.usual_pct,
            visit_us=self.visit_min * MINUTE_US,
            pump_us=self.pump_min * MINUTE_US,
            still_us=self.still_min * MINUTE_US,
            still_blind_us=self.still_blind_min * MINUTE_US,
            still_mm=self.still_m * 1_000,
            apart_us=self.apart_min * MINUTE_US,
            split_us=self.split_min * MINUTE_US,
            tank_over_pct=self.tank_over_pct,
            brim_pct=self.brim_pct,
            burn_over_pct=self.burn_over_pct,
            burn_most=self.burn_most,
            waiting_ml=self.waiting_ml,
            running_ml_h=self.running_ml_h,
            back=self.back,
            base_mm=self.base_km * 1_000_000,
            base_legs=self.base_legs,
            legs_least=self.run_least,
            legs_most=self.run_most,
            run_us=self.run_days * DAY_US,
            slack_pct=self.slack_pct,
            garage_before_us=self.garage_before_days * DAY_US,
            garage_after_us=self.garage_after_days * DAY_US,
            garage_stay_us=self.garage_stay_min * MINUTE_US,
            garage_own_pct=self.garage_own_pct,
            garage_hidden_us=self.garage_hidden_min * MINUTE_US,
            order_slack_us=self.order_slack_min * MINUTE_US,
            home_us=self.home_min * MINUTE_US,
            order_pct=self.order_pct,
            order_mm=self.order_km * 1_000_000,
            trip_mm=self.trip_m * 1_000,
            orders_us=self.orders_days * DAY_US,
            card_us=self.card_hours * 60 * MINUTE_US,
        )
