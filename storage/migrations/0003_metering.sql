-- migrate:up
-- Metering: what is counted where, what people entered about it, and what follows.
-- Facts (ratio, register, entry) are dated and never edited: a correction withdraws one and adds
-- another. Derived tables (consumption…, gauge…, state…) can be thrown away.

-- Who entered what: append-only. Nobody updates or deletes here; a trigger refuses.
CREATE TABLE audit_log (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL,
    principal text        NOT NULL CHECK (principal <> ''),
    action    text        NOT NULL,
    subject   text        NOT NULL,
    detail    jsonb       NOT NULL DEFAULT '{}'
);
CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();

-- What is counted: one counter of whatever device hangs at a place, or a formula over others.
CREATE TABLE meter (
    id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code      text NOT NULL UNIQUE,
    name      text NOT NULL,
    energy    text NOT NULL,             -- electricity, water, gas, heat, cooling, coal, petrol, diesel, lpg, other
    unit      text NOT NULL,             -- kWh, m3, GJ, t, L
    direction text NOT NULL DEFAULT 'in' CHECK (direction IN ('in', 'out', 'generated')),
    item      text,                      -- sub-item code, 01A00 …
    place_id  int REFERENCES place,
    register  text,                      -- name of the counter point; NULL: the device's first counter
    formula   text,                      -- of a virtual meter
    valid     tstzrange NOT NULL DEFAULT '[,)',
    CHECK ((place_id IS NULL) <> (formula IS NULL))
);
CREATE INDEX meter_place ON meter (place_id);

-- Which main meter stands before a sub-meter.
CREATE TABLE meter_main (
    meter_id int NOT NULL REFERENCES meter,
    main_id  int NOT NULL REFERENCES meter,
    valid    tstzrange NOT NULL,
    CHECK (meter_id <> main_id),
    EXCLUDE USING gist (meter_id WITH =, valid WITH &&)
);

-- CT × PT of a place: kWh = register × ct × pt.
CREATE TABLE meter_ratio (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    meter_id     int NOT NULL REFERENCES meter,
    ct           numeric(12, 4) NOT NULL CHECK (ct > 0),
    pt           numeric(12, 4) NOT NULL CHECK (pt > 0),
    valid        tstzrange NOT NULL CHECK (NOT isempty(valid)),
    entered_by   text NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,
    EXCLUDE USING gist (meter_id WITH =, valid WITH &&) WHERE (withdrawn_at IS NULL)
);

-- The register of a device's counter: what it resolves, where it rolls over, how fast it can run.
CREATE TABLE device_register (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id    int NOT NULL REFERENCES device,
    register     text NOT NULL,
    resolution   numeric(12, 6) NOT NULL CHECK (resolution > 0),  -- unit of the point a tick
    capacity     numeric(20, 6) CHECK (capacity > 0),             -- rolls over there; NULL: never
    max_per_hour numeric(16, 6) CHECK (max_per_hour > 0),         -- before CT and PT; NULL: the kind's default
    reversible   boolean NOT NULL DEFAULT false,                  -- may run backwards (net metering)
    valid        tstzrange NOT NULL CHECK (NOT isempty(valid)),
    entered_by   text NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,
    EXCLUDE USING gist (device_id WITH =, register WITH =, valid WITH &&) WHERE (withdrawn_at IS NULL)
);

-- What people read off a meter. 'initial' and 'final' bound a device's time at a place; 'reset'
-- says that the counter went on from this value at this time.
CREATE TABLE counter_entry (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id    int NOT NULL REFERENCES device,
    register     text NOT NULL,
    ts           timestamptz NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('reading', 'initial', 'final', 'reset')),
    value        numeric(20, 6) NOT NULL CHECK (value >= 0),
    note         text NOT NULL DEFAULT '',
    entered_by   text NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz
);
CREATE UNIQUE INDEX counter_entry_once ON counter_entry (device_id, register, ts, kind)
    WHERE withdrawn_at IS NULL;

-- How the energy of a gap is spread: 672 weights, the quarters of a local week from Monday 00:00.
-- A version is frozen: recomputing must give the same estimate for ever.
CREATE TABLE load_profile (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code       text NOT NULL,
    version    int  NOT NULL,
    weights    int[] NOT NULL CHECK (cardinality(weights) = 672 AND 0 <= ALL (weights)),
    source     text NOT NULL,
    UNIQUE (code, version)
);
CREATE TABLE meter_load_profile (
    meter_id        int NOT NULL REFERENCES meter,
    load_profile_id int NOT NULL REFERENCES load_profile,
    valid           tstzrange NOT NULL,
    EXCLUDE USING gist (meter_id WITH =, valid WITH &&)
);

-- What has to be computed again. Appended by whoever changed a fact or found readings; workers
-- take rows with SKIP LOCKED.
CREATE TABLE metering_due (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind      text NOT NULL CHECK (kind IN ('meter', 'point')),
    subject   int  NOT NULL,
    ts_from   timestamptz NOT NULL,
    ts_to     timestamptz NOT NULL,
    why       text NOT NULL,
    CHECK (ts_from <= ts_to)
);

-- Quarter hours, UTC. Quantities are millionths of the meter's unit: whole numbers add up exactly.
-- No row: nothing is known of that quarter; that is not zero.
CREATE TABLE consumption (
    meter_id  int         NOT NULL,
    slot      timestamptz NOT NULL,
    micro     int8        NOT NULL,
    estimated int8        NOT NULL,      -- the part of it that was allotted over a gap
    covered_s int2        NOT NULL,      -- seconds of the quarter between accepted readings
    flags     int2        NOT NULL,
    PRIMARY KEY (meter_id, slot)
);
CREATE TABLE consumption_hour (
    meter_id int NOT NULL, slot timestamptz NOT NULL,
    micro int8 NOT NULL, estimated int8 NOT NULL, covered_s int4 NOT NULL, flags int2 NOT NULL,
    PRIMARY KEY (meter_id, slot)
);
-- Days and months of the site's zone.
CREATE TABLE consumption_day (
    meter_id int NOT NULL, day date NOT NULL,
    micro int8 NOT NULL, estimated int8 NOT NULL, covered_s int4 NOT NULL, flags int2 NOT NULL,
    PRIMARY KEY (meter_id, day)
);
CREATE TABLE consumption_month (
    meter_id int NOT NULL, month date NOT NULL,
    micro int8 NOT NULL, estimated int8 NOT NULL, covered_s int4 NOT NULL, flags int2 NOT NULL,
    PRIMARY KEY (meter_id, month)
);
CREATE INDEX consumption_month_by_month ON consumption_month (month, meter_id) INCLUDE (micro, estimated, covered_s);

-- What is not ordinary in a counter's history, and what was made of it. Derived.
CREATE TABLE counter_finding (
    meter_id  int         NOT NULL,
    device_id int         NOT NULL,
    ts        timestamptz NOT NULL,
    until     timestamptz NOT NULL,
    kind      text        NOT NULL,      -- dip, spike, suspect, rollover, reset, jump, gap, …
    before    float8,
    after     float8,
    micro     int8,                      -- booked for it; NULL: nothing is known
    PRIMARY KEY (meter_id, ts, kind)
);

-- Gauges: quarter hours, UTC; time-weighted, a value holds until the next one or the longest silence.
CREATE TABLE gauge (
    point_id  int         NOT NULL,
    slot      timestamptz NOT NULL,
    low       float8      NOT NULL,
    high      float8      NOT NULL,
    mean      float8      NOT NULL,      -- time-weighted; of active power: the 15-minute demand
    covered_s int2        NOT NULL,
    PRIMARY KEY (point_id, slot)
);
-- Seconds that a state stood at a value in a quarter hour.
CREATE TABLE state_time (
    point_id  int         NOT NULL,
    slot      timestamptz NOT NULL,
    value     int         NOT NULL,
    seconds   int2        NOT NULL CHECK (seconds BETWEEN 1 AND 900),
    PRIMARY KEY (point_id, slot, value)
);
-- Outdoor temperature of a site: entered, from an API, or from a sensor's point.
CREATE TABLE outdoor_temperature (
    site       text        NOT NULL,
    ts         timestamptz NOT NULL,
    celsius    float8      NOT NULL CHECK (celsius BETWEEN -60 AND 60),
    source     text        NOT NULL,
    entered_by text        NOT NULL,
    entered_at timestamptz NOT NULL,
    PRIMARY KEY (site, ts, entered_at)
);
