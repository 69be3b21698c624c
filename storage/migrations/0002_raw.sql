-- migrate:up
-- Raw data: appended, never edited. Only INSERT … ON CONFLICT DO NOTHING and COPY ever write here.
-- No foreign keys: hypertables at 4 000 rows/s do not pay for a look-up per row, and raw data must
-- be accepted even when the registry lags behind.
CREATE TABLE reading (
    point_id    int         NOT NULL,
    ts          timestamptz NOT NULL,
    value       float8,
    flags       int2        NOT NULL,
    profile_id  int         NOT NULL,
    observed_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (point_id, ts)
);

-- The same point and time with another value: both are kept, the first one counts.
CREATE TABLE reading_conflict (
    LIKE reading,
    UNIQUE NULLS NOT DISTINCT (point_id, ts, value, observed_at)
);

CREATE TABLE position (
    terminal_id  int         NOT NULL,
    fix_time     timestamptz NOT NULL,
    content_hash int8        NOT NULL,
    lat          float8      NOT NULL,
    lon          float8      NOT NULL,
    speed_kmh    float4,
    course_deg   float4,
    altitude_m   float4,
    odometer_km  float8,
    satellites   int2,
    acc          boolean,
    flags        int         NOT NULL,
    seq          int8,
    received_at  timestamptz NOT NULL,
    extra        jsonb,
    PRIMARY KEY (terminal_id, fix_time, content_hash)
);

CREATE TABLE quarantine (
    source      text        NOT NULL,
    origin      text        NOT NULL,
    digest      bytea       NOT NULL PRIMARY KEY,
    reason      text        NOT NULL,
    payload     bytea       NOT NULL,
    received_at timestamptz NOT NULL
);
CREATE INDEX quarantine_received_at ON quarantine (received_at);

-- What was touched, for those who derive. Appended in the transaction that wrote the rows; read by
-- committed marks (xid below every running transaction), never by "id <= max".
-- One row names many subjects: 20 000 points a second must not mean 20 000 rows a second here.
CREATE TABLE dirty_log (
    xid       xid8        NOT NULL DEFAULT pg_current_xact_id(),
    kind      text        NOT NULL,
    subjects  int[]       NOT NULL,
    ts_from   timestamptz NOT NULL,
    ts_to     timestamptz NOT NULL,
    logged_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE dirty_log ALTER COLUMN subjects SET STORAGE EXTERNAL;
CREATE INDEX dirty_log_xid ON dirty_log (xid);

CREATE TABLE dirty_mark (
    consumer text PRIMARY KEY,
    xid      xid8 NOT NULL
);

-- The newest row of each point and terminal: derived from the raw tables through the dirty log, so a
-- replay can never put an old value in front.
CREATE TABLE latest_reading (
    point_id    int         PRIMARY KEY,
    ts          timestamptz NOT NULL,
    value       float8,
    flags       int2        NOT NULL,
    observed_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE latest_position (
    terminal_id int         PRIMARY KEY,
    fix_time    timestamptz NOT NULL,
    lat         float8      NOT NULL,
    lon         float8      NOT NULL,
    speed_kmh   float4,
    course_deg  float4,
    acc         boolean,
    flags       int         NOT NULL,
    received_at timestamptz NOT NULL
) WITH (fillfactor = 50);
