-- migrate:up
-- Fences, and what is asked of vehicles by them. Facts as those of the ledger (0014): never edited,
-- `key` stands once, `content` is the digest of what a row says.

-- A shape on the ground. `original` is what was entered, in its datum; `wgs84` what it was converted
-- to, once: both are GeoJSON geometries, of a circle its middle.
CREATE TABLE fleet_fence (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code           text NOT NULL,
    name           text NOT NULL,
    purpose        text NOT NULL DEFAULT '',  -- which designated place: a kind of fleet_party
    institution_id int  REFERENCES institution,  -- NULL: of all
    kind           text NOT NULL CHECK (kind IN ('circle', 'polygon')),
    datum          text NOT NULL CHECK (datum IN ('wgs84', 'gcj02', 'bd09')),
    original       text NOT NULL,
    wgs84          text NOT NULL,
    radius_m       int  CHECK (radius_m > 0),
    margin_m       int  NOT NULL CHECK (margin_m >= 0),
    dwell_s        int  NOT NULL CHECK (dwell_s >= 0),
    since          date NOT NULL,
    until          date,                     -- the day after the last
    note           text NOT NULL DEFAULT '',
    key            text NOT NULL,
    content        text NOT NULL,
    import_id      int  REFERENCES fleet_import,
    cell           text,
    entered_by     text NOT NULL,
    entered_at     timestamptz NOT NULL,
    withdrawn_by   text,
    withdrawn_at   timestamptz,
    CHECK ((kind = 'circle') = (radius_m IS NOT NULL)),
    CHECK (until > since)
);

-- Where vehicles must be at which times (定点停放): of one vehicle, of an institution, or of all.
CREATE TABLE fleet_yard (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fence          text NOT NULL,            -- its code
    vehicle_id     int  REFERENCES vehicle,
    institution_id int  REFERENCES institution,
    days           text NOT NULL,            -- fleet.yards.days
    from_time      time NOT NULL,
    to_time        time NOT NULL,            -- not later than `from_time`: of the next day
    since          date NOT NULL,
    until          date,
    note           text NOT NULL DEFAULT '',
    key            text NOT NULL,
    content        text NOT NULL,
    import_id      int  REFERENCES fleet_import,
    cell           text,
    entered_by     text NOT NULL,
    entered_at     timestamptz NOT NULL,
    withdrawn_by   text,
    withdrawn_at   timestamptz,
    CHECK (vehicle_id IS NULL OR institution_id IS NULL),
    CHECK (until > since)
);

-- When vehicles must not move (封存停驶).
CREATE TABLE fleet_sealed (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vehicle_id     int  REFERENCES vehicle,
    institution_id int  REFERENCES institution,
    class          text NOT NULL DEFAULT '',  -- of vehicles, as the ledger has it; empty: any
    tail           text NOT NULL DEFAULT '',  -- last digits of plates (尾号限行); empty: any
    days           text NOT NULL,
    from_time      time,                     -- NULL with `to_time`: all day
    to_time        time,
    since          date NOT NULL,
    until          date,
    reason         text NOT NULL CHECK (reason <> ''),
    key            text NOT NULL,
    content        text NOT NULL,
    import_id      int  REFERENCES fleet_import,
    cell           text,
    entered_by     text NOT NULL,
    entered_at     timestamptz NOT NULL,
    withdrawn_by   text,
    withdrawn_at   timestamptz,
    CHECK (vehicle_id IS NULL OR institution_id IS NULL),
    CHECK ((from_time IS NULL) = (to_time IS NULL)),
    CHECK (until > since)
);

-- Who is on duty (值班): exempt from both.
CREATE TABLE fleet_duty (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vehicle_id     int  NOT NULL REFERENCES vehicle,
    from_at        timestamptz NOT NULL,
    to_at          timestamptz NOT NULL,
    reason         text NOT NULL CHECK (reason <> ''),
    key            text NOT NULL,
    content        text NOT NULL,
    import_id      int  REFERENCES fleet_import,
    cell           text,
    entered_by     text NOT NULL,
    entered_at     timestamptz NOT NULL,
    withdrawn_by   text,
    withdrawn_at   timestamptz,
    CHECK (from_at < to_at)
);

CREATE UNIQUE INDEX fleet_fence_once ON fleet_fence (key) WHERE withdrawn_at IS NULL;
CREATE UNIQUE INDEX fleet_yard_once ON fleet_yard (key) WHERE withdrawn_at IS NULL;
CREATE UNIQUE INDEX fleet_sealed_once ON fleet_sealed (key) WHERE withdrawn_at IS NULL;
CREATE UNIQUE INDEX fleet_duty_once ON fleet_duty (key) WHERE withdrawn_at IS NULL;
CREATE INDEX fleet_duty_vehicle ON fleet_duty (vehicle_id, from_at) WHERE withdrawn_at IS NULL;
CREATE INDEX fuel_consumer_vehicle ON fuel_consumer (vehicle_id) WHERE withdrawn_at IS NULL;
