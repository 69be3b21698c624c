"""All settings of the program: one TOML file and the environment, composed of the rooms' models."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from collector.settings import (
    FanoutSettings,
    Jt808Settings,
    ModbusSettings,
    MqttSettings,
    SpoolSettings,
)
from fleet.derive.settings import TripSettings
from fleet.joining.settings import JoiningSettings
from fleet.ledger.settings import SheetSettings
from fleet.yards.settings import FenceSettings
from metering.derive.settings import MeteringSettings
from metering.factors.settings import FactorSettings
from metering.gauge.settings import DegreeDaySettings, GaugeSettings, SeasonSettings
from metering.tree.settings import MainsSettings
from notify.settings import NotifySettings
from rules.work.settings import RulesSettings
from storage.settings import DatabaseSettings

PREFIX = "JIEYONG_"
DELIMITER = "__"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{name} is no time zone; write one like Asia/Shanghai") from error
    return name


class LogSettings(BaseModel):
    """What is written about the program's doings, to standard error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is written."
    )
    form: Literal["console", "json"] = Field(
        default="console", description="Lines for people, or one JSON object a line for machines."
    )


class HttpSettings(BaseModel):
    """Where collectors and workers answer `/health` and `/metrics`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on; whoever reaches it reads metrics without a log-in.",
    )
    modbus_port: int = Field(
        default=9808, ge=0, le=65_535, description="Port of `jieyong collect modbus`; 0 takes any."
    )
    mqtt_port: int = Field(
        default=9809, ge=0, le=65_535, description="Port of `jieyong collect mqtt`; 0 takes any."
    )
    metering_port: int = Field(
        default=9810, ge=0, le=65_535, description="Port of `jieyong meter work`; 0 takes any."
    )
    jt808_port: int = Field(
        default=9811, ge=0, le=65_535, description="Port of `jieyong collect jt808`; 0 takes any."
    )
    fleet_port: int = Field(
        default=9812, ge=0, le=65_535, description="Port of `jieyong fleet work`; 0 takes any."
    )
    rules_port: int = Field(
        default=9814, ge=0, le=65_535, description="Port of `jieyong rules work`; 0 takes any."
    )
    notify_port: int = Field(
        default=9813, ge=0, le=65_535, description="Port of `jieyong notify work`; 0 takes any."
    )


class Settings(BaseSettings):
    """Everything that can be set; the environment stands above the file.

    Use :func:`jieyong.settings_file.load_settings`: it names every mistake and where it stands.
    """

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
        env_ignore_empty=True,
        nested_model_default_partial_update=True,
    )

    state_dir: Path = Field(
        default=Path("var"),
        description="Directory of spools, of the registry as last seen, and of what was learned.",
    )
    inventory: Path = Field(
        default=Path("inventory.yaml"), description="The inventory file; see docs/inventory.md."
    )
    time_zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        default="Asia/Shanghai",
        description="Zone of days and months, and of dates in an inventory that names none.",
    )
    log: LogSettings = Field(default=LogSettings())
    http: HttpSettings = Field(default=HttpSettings())
    database: DatabaseSettings = Field(default=DatabaseSettings())
    spool: SpoolSettings = Field(default=SpoolSettings())
    modbus: ModbusSettings = Field(default=ModbusSettings())
    mqtt: MqttSettings = Field(default=MqttSettings())
    jt808: Jt808Settings = Field(default=Jt808Settings())
    fanout: FanoutSettings = Field(default=FanoutSettings())
    metering: MeteringSettings = Field(default=MeteringSettings())
    factors: FactorSettings = Field(default=FactorSettings())
    mains: MainsSettings = Field(default=MainsSettings())
    gauges: GaugeSettings = Field(default=GaugeSettings())
    degree_days: DegreeDaySettings = Field(default=DegreeDaySettings())
    seasons: SeasonSettings = Field(default=SeasonSettings())
    trips: TripSettings = Field(default=TripSettings())
    joining: JoiningSettings = Field(default=JoiningSettings())
    fences: FenceSettings = Field(default=FenceSettings())
    sheets: SheetSettings = Field(default=SheetSettings())
    rules: RulesSettings = Field(default=RulesSettings())
    notify: NotifySettings = Field(default=NotifySettings())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources, the first one wins: ``DATABASE_URL``, environment, file."""
        url = os.environ.get("DATABASE_URL")
        usual = {"database": {"url": url}} if url else {}
        return InitSettingsSource(settings_cls, usual), env_settings, init_settings
