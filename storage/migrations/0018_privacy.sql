-- migrate:up
-- Sensitive vehicles store no track (docs/privacy.md).

-- TimescaleDB does not take the next ALTER TABLE while the table may be compressed. What is undone
-- here is done again when the migrations are through (storage/engine.py).
DO $$
BEGIN
    IF to_regclass('timescaledb_information.hypertables') IS NULL THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM timescaledb_information.hypertables
               WHERE hypertable_schema = current_schema AND hypertable_name = 'position'
                 AND compression_enabled) THEN
        PERFORM remove_compression_policy('position', if_exists => true);
        PERFORM decompress_chunk(chunk, if_compressed => true) FROM show_chunks('position') AS chunk;
        ALTER TABLE position SET (timescaledb.compress = false);
    END IF;
END $$;
ALTER TABLE position ALTER lat DROP NOT NULL, ALTER lon DROP NOT NULL;
ALTER TABLE latest_position ALTER lat DROP NOT NULL, ALTER lon DROP NOT NULL;

-- When which vehicle is sensitive, in days of the site's zone: for ever by the inventory, from a day
-- on by the ledger.
CREATE INDEX vehicle_sensitive ON vehicle (id) WHERE sensitive;
CREATE INDEX consumer_fact_sensitive ON consumer_fact (consumer_id, since)
    WHERE name = 'secrecy' AND value = 'sensitive' AND withdrawn_at IS NULL;
CREATE VIEW vehicle_sensitivity AS
SELECT id AS vehicle_id, '-infinity'::date AS since, 'infinity'::date AS until
FROM vehicle WHERE sensitive
UNION ALL
SELECT c.vehicle_id, f.since, coalesce(other.since, 'infinity') AS until
FROM consumer_fact f
JOIN fuel_consumer c ON c.id = f.consumer_id AND c.withdrawn_at IS NULL AND c.vehicle_id IS NOT NULL
LEFT JOIN LATERAL (
    SELECT n.since FROM consumer_fact n
    WHERE n.consumer_id = f.consumer_id AND n.name = 'secrecy' AND n.withdrawn_at IS NULL
      AND n.since > f.since
    ORDER BY n.since LIMIT 1
) other ON true
WHERE f.name = 'secrecy' AND f.value = 'sensitive' AND f.withdrawn_at IS NULL;

-- Vehicles of which something may be stored that must be withheld: hints, read by the workers.
CREATE TABLE withhold_due (
    id         int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vehicle_id int         NOT NULL,
    why        text        NOT NULL,
    added_at   timestamptz NOT NULL DEFAULT now()
);
INSERT INTO withhold_due (vehicle_id, why)
SELECT DISTINCT vehicle_id, 'migration' FROM vehicle_sensitivity ORDER BY vehicle_id;

CREATE FUNCTION withhold_sensitive() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    vehicle int;
BEGIN
    CASE TG_TABLE_NAME
        WHEN 'vehicle' THEN vehicle := NEW.id;
        WHEN 'consumer_fact' THEN
            SELECT vehicle_id INTO vehicle FROM fuel_consumer WHERE id = NEW.consumer_id;
        ELSE vehicle := NEW.vehicle_id;
    END CASE;
    INSERT INTO withhold_due (vehicle_id, why)
    SELECT vehicle, TG_TABLE_NAME WHERE EXISTS (
        SELECT FROM vehicle_sensitivity s WHERE s.vehicle_id = vehicle
    );
    RETURN NULL;
END $$;
CREATE TRIGGER withhold_sensitive AFTER UPDATE OF sensitive ON vehicle
    FOR EACH ROW WHEN (NEW.sensitive AND NOT OLD.sensitive) EXECUTE FUNCTION withhold_sensitive();
CREATE TRIGGER withhold_sensitive AFTER INSERT OR UPDATE ON terminal_vehicle
    FOR EACH ROW EXECUTE FUNCTION withhold_sensitive();
CREATE TRIGGER withhold_sensitive AFTER INSERT OR UPDATE ON consumer_fact
    FOR EACH ROW WHEN (NEW.name = 'secrecy') EXECUTE FUNCTION withhold_sensitive();
CREATE TRIGGER withhold_sensitive AFTER UPDATE OF vehicle_id ON fuel_consumer
    FOR EACH ROW WHEN (NEW.vehicle_id IS NOT NULL) EXECUTE FUNCTION withhold_sensitive();

-- What nobody saw has no distance: NULL is not 0.
ALTER TABLE trip ALTER distance_mm DROP NOT NULL, ALTER gap_mm DROP NOT NULL,
    ALTER moving_s DROP NOT NULL, ALTER idle_s DROP NOT NULL;
ALTER TABLE vehicle_share ALTER distance_mm DROP NOT NULL, ALTER gap_mm DROP NOT NULL,
    ALTER moving_s DROP NOT NULL, ALTER idle_s DROP NOT NULL;
-- A day of which a part was not seen is unknown as a whole.
CREATE OR REPLACE VIEW vehicle_day AS
SELECT vehicle_id, day, sum(trips)::int AS trips,
       CASE WHEN bool_and(distance_mm IS NOT NULL) THEN sum(distance_mm) END::int8 AS gps_mm,
       CASE WHEN bool_and(gap_mm IS NOT NULL) THEN sum(gap_mm) END::int8 AS gap_mm,
       sum(terminal_mm)::int8 AS terminal_mm,
       CASE WHEN bool_and(moving_s IS NOT NULL) THEN sum(moving_s) END::int AS moving_s,
       CASE WHEN bool_and(idle_s IS NOT NULL) THEN sum(idle_s) END::int AS idle_s,
       sum(fixes)::int AS fixes, sum(left_out)::int AS bad,
       min(first_at) AS first_at, max(last_at) AS last_at
FROM vehicle_share GROUP BY vehicle_id, day;

-- Who may do what few may. While nothing was ever granted, whoever reaches the database may.
CREATE TABLE permission_grant (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    principal    text        NOT NULL CHECK (principal <> ''),
    permission   text        NOT NULL,
    note         text        NOT NULL DEFAULT '',
    entered_by   text        NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL))
);
CREATE UNIQUE INDEX permission_grant_once ON permission_grant (principal, permission)
    WHERE withdrawn_at IS NULL;

-- How far tracks are removed: positions before `removed_to` are gone, or about to be.
CREATE TABLE track_retention (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    removed_to timestamptz NOT NULL,
    finished   boolean     NOT NULL           -- false: the removal has not come to its end
);
-- From where on a vehicle's trips can still be computed: what is derived of before stands for ever.
CREATE TABLE track_floor (
    vehicle_id int         PRIMARY KEY,
    from_at    timestamptz NOT NULL,          -- begin of the first piece that is computed
    changes    timestamptz NOT NULL           -- changes of before are passed over
);

-- Terminals that waited, and what people decided of them: let in for a vehicle, or refused.
CREATE TABLE terminal_decision (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code         text        NOT NULL CHECK (code <> ''),
    terminal_id  int         REFERENCES terminal,   -- NULL: refused
    note         text        NOT NULL DEFAULT '',
    entered_by   text        NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL))
);
CREATE UNIQUE INDEX terminal_decision_once ON terminal_decision (code) WHERE withdrawn_at IS NULL;
-- What a terminal sent while it waited, and when that was brought in; the bytes stay.
ALTER TABLE quarantine ADD COLUMN replayed_at timestamptz;
CREATE INDEX quarantine_waiting ON quarantine (source, origin, received_at)
    WHERE reason LIKE 'unknown_terminal:%' OR reason LIKE 'unauthenticated:%';
