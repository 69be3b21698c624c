-- migrate:up
-- What vehicles did: derived from positions, thrown away and computed again at will.

-- What has to be computed again: hints, claimed by workers.
CREATE TABLE fleet_due (
    id         int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vehicle_id int         NOT NULL,
    ts_from    timestamptz NOT NULL,
    ts_to      timestamptz NOT NULL,          -- inclusive; infinity: for ever
    why        text        NOT NULL,
    added_at   timestamptz NOT NULL DEFAULT now(),
    CHECK (ts_from <= ts_to)
);
CREATE INDEX fleet_due_vehicle ON fleet_due (vehicle_id);

-- By which thresholds and in which zone everything was computed: others make everything due.
CREATE TABLE fleet_basis (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    basis text    NOT NULL
);

-- Vehicles that could not be computed: they stay due and are tried again, later and later. The row
-- goes away with the first success.
CREATE TABLE fleet_failure (
    vehicle_id int         PRIMARY KEY,
    error      text        NOT NULL,
    failures   int         NOT NULL CHECK (failures > 0),
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    retry_at   timestamptz NOT NULL
);

-- Where a vehicle stood. Sensitive vehicles have no place.
CREATE TABLE vehicle_stop (
    vehicle_id  int         NOT NULL,
    seen_from   timestamptz NOT NULL,          -- its first fix
    seen_to     timestamptz NOT NULL,          -- its last fix
    began_at    timestamptz NOT NULL,          -- earlier than its first fix, where a gap adjoins
    ended_at    timestamptz NOT NULL,
    lat         float8,
    lon         float8,
    fixes       int         NOT NULL,
    terminal_mm int8,                          -- NULL: unknown
    firm_after  timestamptz,                   -- fleet/trips/firm.py
    firm_before timestamptz,
    PRIMARY KEY (vehicle_id, seen_from),
    CHECK (seen_from <= seen_to AND began_at <= ended_at),
    CHECK ((lat IS NULL) = (lon IS NULL))
);
CREATE INDEX vehicle_stop_firm_after ON vehicle_stop (vehicle_id, firm_after);
CREATE INDEX vehicle_stop_firm_before ON vehicle_stop (vehicle_id, firm_before);

-- The way from one stop to the next.
CREATE TABLE trip (
    vehicle_id       int         NOT NULL,
    started_at       timestamptz NOT NULL,
    ended_at         timestamptz NOT NULL,
    start_lat        float8,                   -- NULL for sensitive vehicles
    start_lon        float8,
    end_lat          float8,
    end_lon          float8,
    distance_mm      int8        NOT NULL CHECK (distance_mm > 0),
    gap_mm           int8        NOT NULL CHECK (gap_mm BETWEEN 0 AND distance_mm),
    terminal_mm      int8,                     -- NULL: unknown
    odometer_from_mm int8,
    odometer_to_mm   int8,
    odometer_faults  int         NOT NULL,
    moving_s         int         NOT NULL,
    idle_s           int         NOT NULL,
    max_speed_kmh    float4,
    fixes            int         NOT NULL,
    left_out         int         NOT NULL,
    jumps            int         NOT NULL,
    flags            int         NOT NULL,     -- fleet.trips.model.TripFlag
    PRIMARY KEY (vehicle_id, started_at),
    CHECK (started_at < ended_at)
);

-- What each trip and stop gives to each local day. A day is their sum, so it can never disagree.
CREATE TABLE vehicle_share (
    vehicle_id  int         NOT NULL,
    day         date        NOT NULL,
    owner_at    timestamptz NOT NULL,          -- first fix of what it comes from
    kind        text        NOT NULL CHECK (kind IN ('trip', 'stop', 'rest')),
    trips       int         NOT NULL,
    distance_mm int8        NOT NULL,
    gap_mm      int8        NOT NULL,
    terminal_mm int8,
    moving_s    int         NOT NULL,
    idle_s      int         NOT NULL,
    fixes       int         NOT NULL,
    left_out    int         NOT NULL,
    first_at    timestamptz,
    last_at     timestamptz,
    PRIMARY KEY (vehicle_id, day, owner_at, kind)
);
CREATE INDEX vehicle_share_owner ON vehicle_share (vehicle_id, owner_at);

CREATE VIEW vehicle_day AS
SELECT vehicle_id, day, sum(trips)::int AS trips, sum(distance_mm)::int8 AS gps_mm,
       sum(gap_mm)::int8 AS gap_mm, sum(terminal_mm)::int8 AS terminal_mm,
       sum(moving_s)::int AS moving_s, sum(idle_s)::int AS idle_s, sum(fixes)::int AS fixes,
       sum(left_out)::int AS bad, min(first_at) AS first_at, max(last_at) AS last_at
FROM vehicle_share GROUP BY vehicle_id, day;

-- What somebody read off the dashboard. Never edited: a correction withdraws one and adds another.
CREATE TABLE dashboard_reading (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vehicle_id   int         NOT NULL REFERENCES vehicle,
    read_at      timestamptz NOT NULL,
    km           numeric(9, 1) NOT NULL CHECK (km >= 0),
    restarts     boolean     NOT NULL DEFAULT false,  -- another dashboard, or set anew: no way from before
    note         text        NOT NULL DEFAULT '',
    entered_by   text        NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL))
);
CREATE UNIQUE INDEX dashboard_reading_once ON dashboard_reading (vehicle_id, read_at)
    WHERE withdrawn_at IS NULL;

-- Which terminals a vehicle carried.
CREATE INDEX terminal_vehicle_vehicle ON terminal_vehicle (vehicle_id);

-- A changed binding touches what it held before or holds now, of both vehicles, however long ago.
CREATE FUNCTION terminal_vehicle_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed tstzmultirange := '{}';
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.vehicle_id = NEW.vehicle_id
        AND OLD.terminal_id = NEW.terminal_id THEN
        changed := (OLD.valid::tstzmultirange - NEW.valid::tstzmultirange)
            + (NEW.valid::tstzmultirange - OLD.valid::tstzmultirange);
        INSERT INTO fleet_due (vehicle_id, ts_from, ts_to, why)
        SELECT NEW.vehicle_id, coalesce(lower(part), '-infinity'), coalesce(upper(part), 'infinity'),
               'binding'
        FROM unnest(changed) AS part;
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' AND NOT isempty(OLD.valid) THEN
        INSERT INTO fleet_due (vehicle_id, ts_from, ts_to, why)
        VALUES (OLD.vehicle_id, coalesce(lower(OLD.valid), '-infinity'),
                coalesce(upper(OLD.valid), 'infinity'), 'binding');
    END IF;
    IF TG_OP <> 'DELETE' AND NOT isempty(NEW.valid) THEN
        INSERT INTO fleet_due (vehicle_id, ts_from, ts_to, why)
        VALUES (NEW.vehicle_id, coalesce(lower(NEW.valid), '-infinity'),
                coalesce(upper(NEW.valid), 'infinity'), 'binding');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER terminal_vehicle_changed AFTER INSERT OR UPDATE OR DELETE ON terminal_vehicle
    FOR EACH ROW EXECUTE FUNCTION terminal_vehicle_changed();

-- A vehicle that becomes sensitive loses its places; one that ceases to be gets them back.
CREATE FUNCTION vehicle_sensitive_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO fleet_due (vehicle_id, ts_from, ts_to, why)
    VALUES (NEW.id, '-infinity', 'infinity', 'sensitivity');
    RETURN NULL;
END $$;
CREATE TRIGGER vehicle_sensitive_changed AFTER UPDATE ON vehicle
    FOR EACH ROW WHEN (OLD.sensitive IS DISTINCT FROM NEW.sensitive)
    EXECUTE FUNCTION vehicle_sensitive_changed();
