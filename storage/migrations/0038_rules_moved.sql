-- migrate:up
-- What moves, and what the ledger says of a vehicle, decides whose subjects of rules are, and which
-- tags they have.

-- A place takes to another room what hangs there, and what this is on: tags and owners are inherited.
CREATE OR REPLACE FUNCTION rules_meter_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH moved AS (
        SELECT place_id, valid, coalesce(lower(valid), '-infinity') AS since,
               coalesce(upper(valid), 'infinity') AS until
        FROM changed WHERE NOT isempty(valid)
    ), hung AS (
        SELECT DISTINCT device.id, device.bus_id, since, until
        FROM moved
        JOIN device_place AS bound ON bound.place_id = moved.place_id AND bound.valid && moved.valid
        JOIN device ON device.id = bound.device_id
    )
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT 'meter', meter.id, since, until, 'room' FROM moved JOIN meter USING (place_id)
    UNION ALL
    SELECT 'device', id, since, until, 'room' FROM hung
    UNION ALL
    SELECT DISTINCT 'bus', bus_id, since, until, 'room' FROM hung;
    RETURN NULL;
END $$;

-- What is asked more often than all else on its bus decides, for all time, how long that is heard of,
-- and which of its devices are beside each other.
CREATE OR REPLACE FUNCTION rules_hung_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH hung AS (
        SELECT device.id, device.bus_id, device.interval_s,
               coalesce(lower(changed.valid), '-infinity') AS since,
               coalesce(upper(changed.valid), 'infinity') AS until
        FROM changed JOIN device ON device.id = changed.device_id WHERE NOT isempty(changed.valid)
    ), on_bus AS (
        SELECT bus_id, min(interval_s) AS interval_s, min(since) AS since, max(until) AS until
        FROM hung GROUP BY bus_id
    ), reached AS (
        SELECT bus_id, CASE WHEN as_quick THEN since ELSE '-infinity' END AS since,
               CASE WHEN as_quick THEN until ELSE 'infinity' END AS until
        FROM on_bus CROSS JOIN LATERAL (
            SELECT EXISTS (
                SELECT FROM device AS other
                WHERE other.bus_id = on_bus.bus_id AND other.interval_s <= on_bus.interval_s
                  AND EXISTS (SELECT FROM device_place WHERE device_id = other.id)
                  AND NOT EXISTS (SELECT FROM hung WHERE hung.id = other.id)
            ) AS as_quick
        ) AS others
    )
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT 'device', device.id, since, until, 'binding' FROM reached JOIN device USING (bus_id)
    UNION ALL
    SELECT 'bus', bus_id, since, until, 'binding' FROM reached;
    RETURN NULL;
END $$;

-- Whether several buses are used, as it was when what hangs there was last made due: while there is
-- but one, no silence is anybody else's (rules/subjects/devices/due.py).
CREATE TABLE rules_site (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    several boolean NOT NULL
);
INSERT INTO rules_site (several)
SELECT count(DISTINCT bus_id) > 1 FROM device JOIN device_place ON device_id = device.id;

-- The ledger hands tags to vehicles (rules/subjects/vehicles/tags.py), and these to their terminals.
CREATE FUNCTION rules_terminal_of_fact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT DISTINCT 'terminal', bound.terminal_id, '-infinity'::timestamptz,
           'infinity'::timestamptz, 'ledger'
    FROM changed
    JOIN fuel_consumer AS whose ON whose.id = changed.consumer_id
    JOIN terminal_vehicle AS bound ON bound.vehicle_id = whose.vehicle_id
    WHERE changed.name IN ('class', 'use');
    RETURN NULL;
END $$;
CREATE TRIGGER rules_terminal_told AFTER INSERT ON consumer_fact REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_terminal_of_fact();
CREATE TRIGGER rules_terminal_told_otherwise AFTER UPDATE ON consumer_fact
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_terminal_of_fact();
CREATE FUNCTION rules_terminal_of_consumer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT DISTINCT 'terminal', bound.terminal_id, '-infinity'::timestamptz,
           'infinity'::timestamptz, 'ledger'
    FROM now JOIN was USING (id)
    JOIN terminal_vehicle AS bound ON bound.vehicle_id = ANY(ARRAY[was.vehicle_id, now.vehicle_id])
    WHERE (now.vehicle_id, now.withdrawn_at) IS DISTINCT FROM (was.vehicle_id, was.withdrawn_at);
    RETURN NULL;
END $$;
CREATE TRIGGER rules_terminal_of_consumer AFTER UPDATE ON fuel_consumer
    REFERENCING OLD TABLE AS was NEW TABLE AS now
    FOR EACH STATEMENT EXECUTE FUNCTION rules_terminal_of_consumer();

-- In one order: else of two who note the same hours each might wait for what the other has noted.
CREATE OR REPLACE FUNCTION terminal_clock_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- By equal words: when our own clock is wrong, all that comes is refused.
    WITH refused AS (
        SELECT DISTINCT source, origin, date_trunc('hour', received_at, 'UTC') AS hour
        FROM changed WHERE reason LIKE 'time: %' AND source IN ('mqtt', 'jt808')
    )
    INSERT INTO terminal_clock_change (terminal_id, hour)
    SELECT terminal.id, hour
    FROM refused CROSS JOIN LATERAL unnest(string_to_array(origin, '/')) AS level
    JOIN terminal ON terminal.code = level
    WHERE source = 'mqtt'
    UNION
    SELECT terminal.id, hour
    FROM refused JOIN terminal ON ltrim(terminal.code, '0') = ltrim(origin, '0')
    WHERE source = 'jt808'
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
