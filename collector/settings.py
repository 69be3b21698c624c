"""Settings of the collector's parts; `jieyong.settings` composes them into one file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class SpoolSettings(BaseModel):
    """The buffer on disk between a source and the database.

    One file per collector lies in the state directory. Sizes are bytes, times seconds unless the
    name says otherwise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_bytes: int = Field(
        default=4 * 1024**3,
        ge=64 * 1024,
        description="Most bytes that may wait for the database; beyond it rows are refused.",
    )
    min_free_bytes: int = Field(
        default=256 * 1024**2,
        # What SQLite needs to take delivered rows out again: its log, and the file to copy it to.
        ge=32 * 1024**2,
        description="Free disk space below which rows are refused, so that the rest keeps running.",
    )
    handoff_bytes: int = Field(
        default=16 * 1024**2,
        ge=0,
        description="Fresh batches kept in memory for the drain; older ones are read from disk.",
    )
    drain_ms: int = Field(
        default=25,
        ge=1,
        le=10_000,
        description="Least time between two writes to the database, in milliseconds.",
    )
    drain_rows: int = Field(
        default=50_000, ge=1, description="Most rows joined into one write to the database."
    )
    drain_bytes: int = Field(
        default=8 * 1024**2, ge=1, description="Most bytes joined into one write to the database."
    )
    retry_max_s: float = Field(
        default=2.0,
        gt=0,
        description="Longest pause between two attempts while the database is away.",
    )
    latest_s: float = Field(
        default=1.0,
        gt=0,
        description="Least pause between two refreshes of the newest rows.",
    )
    stop_s: float = Field(
        default=5.0,
        ge=0,
        description="How long a stop may take to empty the spool into the database.",
    )


class MqttSettings(BaseModel):
    """Where vehicle positions come from, and how the session is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", min_length=1, description="The broker.")
    port: int = Field(default=1883, ge=1, le=65535, description="Its port; 8883 is usual with TLS.")
    protocol: Literal["5", "3.1.1"] = Field(default="5", description="Version of MQTT to speak.")
    client_id: str = Field(
        default="jieyong-collector",
        min_length=1,
        max_length=128,
        description="Names the session at the broker: stable, and one per collector.",
    )
    username: str | None = Field(default=None, description="Log-in at the broker.")
    password: SecretStr | None = Field(
        default=None, description="Its password; prefer password_file."
    )
    password_file: Path | None = Field(
        default=None, description="File whose first line is the password."
    )
    tls: bool = Field(default=False, description="Encrypt, and check the broker's certificate.")
    ca_file: Path | None = Field(
        default=None, description="Authority of the broker's certificate; the system's when absent."
    )
    cert_file: Path | None = Field(
        default=None, description="Our certificate, when the broker asks one."
    )
    key_file: Path | None = Field(default=None, description="Key of our certificate.")
    topic: str = Field(
        default="jieyong/v1/+/position",
        description="Topic of positions; the one `+` is the terminal's code.",
    )
    share_group: str | None = Field(
        default=None,
        pattern=r"^[^/+#]+$",
        description="Shared subscription: collectors of one group share the messages.",
    )
    keepalive_s: int = Field(
        default=30, ge=5, le=3600, description="Seconds between signs of life."
    )
    session_expiry_s: int = Field(
        default=7 * 86_400,
        ge=60,
        le=0xFFFF_FFFE,
        description="How long the broker keeps our queue while we are away (MQTT 5).",
    )
    receive_maximum: int = Field(
        default=1000,
        ge=1,
        le=65_535,
        description="Messages that may be unacknowledged at once; also bounds what we hold.",
    )
    max_payload_bytes: int = Field(
        default=64 * 1024,
        ge=256,
        description="A longer message goes to quarantine, cut to this length.",
    )
    flush_ms: int = Field(
        default=20,
        ge=1,
        le=10_000,
        description="Messages are gathered this long, then spooled together.",
    )
    reconnect_max_s: float = Field(
        default=10.0, gt=0, description="Longest pause between two attempts to connect."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        levels = self.topic.split("/")
        if levels.count("+") != 1 or self.topic.count("+") != 1 or "#" in self.topic:
            raise ValueError(
                f"mqtt.topic {self.topic!r}: exactly one level must be `+` (the terminal's code) "
                "and `#` is not allowed; for example jieyong/v1/+/position"
            )
        if self.password is not None and self.password_file is not None:
            raise ValueError("mqtt: give password or password_file, not both")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("mqtt: cert_file and key_file belong together; give both or neither")
        if not self.tls and (self.ca_file is not None or self.cert_file is not None):
            raise ValueError("mqtt: ca_file, cert_file and key_file have no effect; set tls = true")
        return self

    def read_password(self) -> str | None:
        """Return the password, from its file when one is named.

        Raises:
            OSError: the file cannot be read.
        """
        if self.password_file is not None:
            return self.password_file.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
        return None if self.password is None else self.password.get_secret_value()


class FanoutSettings(BaseModel):
    """Publishing what terminals of JT/T 808 sent, to the broker of `[mqtt]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(
        default=False, description="Publish positions; never those of sensitive vehicles."
    )
    topic: str = Field(
        default="jieyong/v1/fanout/+/position",
        pattern=r"^[^+#]*\+[^+#]*$",
        description="Where to; the one `+` becomes the terminal's code.",
    )
    within_s: float = Field(
        default=30.0,
        ge=1,
        description="Positions that the broker has not acknowledged by then are published again.",
    )


class Jt808Settings(BaseModel):
    """Where terminals of JT/T 808 connect, and what each of them may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on; `0.0.0.0` lets terminals in from everywhere.",
    )
    port: int = Field(default=8808, ge=0, le=65535, description="Port to listen on; 0 takes any.")
    connections: int = Field(
        default=10_000, ge=1, description="Most connections at once; more are turned away."
    )
    connections_per_address: int = Field(
        default=8_000,
        ge=1,
        description="Most of them from one address; operators put many terminals behind one.",
    )
    authenticate_s: float = Field(
        default=60.0, gt=0, description="Seconds a terminal has to authenticate."
    )
    idle_s: float = Field(
        default=600.0,
        gt=0,
        description="A connection without a sound frame for so many seconds is closed.",
    )
    bytes_per_s: int = Field(
        default=32 * 1024,
        ge=1024,
        description="Bytes a second of one connection; it is read no faster, nothing is lost.",
    )
    frames_per_s: int = Field(
        default=200,
        ge=1,
        description="Frames a second of one connection; it is read no faster, nothing is lost.",
    )
    refused_per_hour: int = Field(
        default=1_000,
        ge=0,
        description="Refused pieces that are kept of one terminal or address an hour; more are "
        "counted and not acknowledged.",
    )
    strangers_per_hour: int = Field(
        default=200,
        ge=0,
        description="Unknown terminals and addresses of which anything is kept an hour.",
    )
    flush_ms: int = Field(
        default=20,
        ge=1,
        le=10_000,
        description="Positions are gathered this long, then spooled together.",
    )


class ModbusSettings(BaseModel):
    """How devices are polled. What belongs to one bus or device stands in the inventory."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flush_ms: int = Field(
        default=50,
        ge=1,
        le=10_000,
        description="Readings are gathered this long, then spooled together.",
    )
    max_pending_rows: int = Field(
        default=200_000,
        ge=1_000,
        description="Rows that may wait in memory while the spool is slow; more are refused.",
    )
    stagger_share: float = Field(
        default=0.3,
        ge=0,
        lt=1,
        description="Share of its interval over which the devices' polls are spread.",
    )
    stagger_max_s: float = Field(
        default=30.0, ge=0, description="Longest spread, in seconds, however long the interval."
    )
    connect_timeout_ms: int = Field(
        default=3_000, ge=1, description="How long to wait for a gateway to accept the connection."
    )
    connect_backoff_s: float = Field(
        default=1.0, gt=0, description="Pause added by each failed connection in a row, in seconds."
    )
    connect_backoff_max_s: float = Field(
        default=30.0, gt=0, description="Longest pause between two attempts to connect, in seconds."
    )
    dead_after: int = Field(
        default=3, ge=1, description="Unanswered polls in a row after which a device backs off."
    )
    backoff_s: float = Field(
        default=2.0, gt=0, description="Pause added by each further unanswered poll, in seconds."
    )
    backoff_max_s: float = Field(
        default=300.0,
        gt=0,
        description="Longest pause between two polls of a dead device, in seconds.",
    )
    busy_retries: int = Field(
        default=2, ge=0, le=10, description="Repeats of a request the device was too busy for."
    )
    busy_retry_ms: int = Field(
        default=100, ge=0, le=5_000, description="Pause before such a repeat, in milliseconds."
    )
    learned_days: float = Field(
        default=7.0, gt=0, description="Days after which a refused register is tried again."
    )
