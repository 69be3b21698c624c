-- migrate:up
-- Whose a silence is: a device's own, its bus's, or that of all that is polled. So a device is looked
-- at with what is on its bus.
CREATE INDEX device_bus ON device (bus_id);

CREATE OR REPLACE VIEW rules_subject AS
SELECT 'place' AS sort, id, code, name FROM place
UNION ALL SELECT 'meter', id, code, name FROM meter
UNION ALL SELECT 'device', id, code, name FROM device
UNION ALL SELECT 'room', id, code, name FROM room
UNION ALL SELECT 'institution', id, code, name FROM institution
UNION ALL
SELECT 'vehicle', id, code, CASE WHEN EXISTS (
    SELECT FROM vehicle_sensitivity AS said WHERE said.vehicle_id = vehicle.id
) THEN code ELSE plate END FROM vehicle
UNION ALL SELECT 'bus', id, code, '总线 ' || code FROM bus
UNION ALL SELECT 'site', 1, 'site', '全部设备';

-- A bus is an institution's when all its devices hung with that one.
CREATE OR REPLACE VIEW doubt_known AS
SELECT doubt.*, called.code AS subject, called.name AS subject_name, stood.room_id,
       coalesce(own.institution_id, building.institution_id) AS institution_id
FROM doubt
CROSS JOIN LATERAL (
    SELECT code, name FROM rules_subject AS one
    WHERE one.sort = doubt.sort AND one.id = doubt.subject_id OFFSET 0
) AS called
LEFT JOIN LATERAL (
    SELECT doubt.subject_id AS place_id WHERE doubt.sort = 'place'
    UNION ALL
    SELECT place_id FROM meter WHERE doubt.sort = 'meter' AND id = doubt.subject_id
    UNION ALL
    (SELECT place_id FROM device_place AS bound
     WHERE doubt.sort = 'device' AND bound.device_id = doubt.subject_id
       AND bound.valid @> doubt.since LIMIT 1)
    OFFSET 0
) AS hangs ON true
LEFT JOIN LATERAL (
    SELECT doubt.subject_id AS room_id WHERE doubt.sort = 'room'
    UNION ALL
    (SELECT room_id FROM place_room AS bound
     WHERE bound.place_id = hangs.place_id AND bound.valid @> doubt.since LIMIT 1)
    OFFSET 0
) AS stood ON true
LEFT JOIN LATERAL (
    SELECT building.institution_id FROM room JOIN building ON building.id = room.building_id
    WHERE room.id = stood.room_id OFFSET 0
) AS building ON true
LEFT JOIN LATERAL (
    SELECT doubt.subject_id AS institution_id WHERE doubt.sort = 'institution'
    UNION ALL
    SELECT institution_id FROM vehicle WHERE doubt.sort = 'vehicle' AND id = doubt.subject_id
    UNION ALL
    SELECT min(building.institution_id)
    FROM device
    JOIN device_place AS hung ON hung.device_id = device.id AND hung.valid @> doubt.since
    JOIN place_room AS bound ON bound.place_id = hung.place_id AND bound.valid @> doubt.since
    JOIN room ON room.id = bound.room_id
    JOIN building ON building.id = room.building_id
    WHERE doubt.sort = 'bus' AND device.bus_id = doubt.subject_id
    HAVING min(building.institution_id) = max(building.institution_id)
    OFFSET 0
) AS own ON true;

-- A device is heard of where it hangs; and what hangs beside it decides whose a silence is.
CREATE OR REPLACE FUNCTION rules_hung_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH hung AS (
        SELECT changed.device_id, device.bus_id, coalesce(lower(changed.valid), '-infinity') AS since,
               coalesce(upper(changed.valid), 'infinity') AS until
        FROM changed JOIN device ON device.id = changed.device_id WHERE NOT isempty(changed.valid)
    ), on_bus AS (
        SELECT bus_id, min(since) AS since, max(until) AS until FROM hung GROUP BY bus_id
    )
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT 'device', device.id, since, until, 'binding' FROM on_bus JOIN device USING (bus_id)
    UNION ALL
    SELECT 'bus', bus_id, since, until, 'binding' FROM on_bus;
    RETURN NULL;
END $$;

-- The same where a device comes to another bus, goes, or is asked at other times.
CREATE FUNCTION rules_device_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH bus AS (
        SELECT DISTINCT unnest(ARRAY[was.bus_id, now.bus_id]) AS bus_id
        FROM now JOIN was USING (id)
        WHERE (now.bus_id, now.valid, now.interval_s) IS DISTINCT FROM
              (was.bus_id, was.valid, was.interval_s)
    )
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT kind, subject, '-infinity', 'infinity', 'device' FROM (
        SELECT 'device' AS kind, device.id AS subject FROM bus JOIN device USING (bus_id)
        UNION ALL
        SELECT 'bus', bus_id FROM bus
    ) AS there;
    RETURN NULL;
END $$;
CREATE TRIGGER rules_device_changed AFTER UPDATE ON device
    REFERENCING OLD TABLE AS was NEW TABLE AS now
    FOR EACH STATEMENT EXECUTE FUNCTION rules_device_changed();

-- Whose a bus is, is decided by what hangs on it.
CREATE OR REPLACE FUNCTION rules_moved(moved int[]) RETURNS void LANGUAGE sql AS $$
    WITH RECURSIVE below AS (
        SELECT id FROM institution WHERE id = ANY(moved)
        UNION
        SELECT institution.id FROM institution JOIN below ON institution.parent_id = below.id
    ), place_there AS (
        SELECT DISTINCT bound.place_id FROM below
        JOIN building ON building.institution_id = below.id
        JOIN room ON room.building_id = building.id
        JOIN place_room AS bound ON bound.room_id = room.id
    )
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT kind, subject, '-infinity', 'infinity', 'institution' FROM (
        SELECT 'place' AS kind, place_id AS subject FROM place_there
        UNION ALL
        SELECT DISTINCT 'device', device_id FROM place_there JOIN device_place USING (place_id)
        UNION ALL
        SELECT DISTINCT 'bus', bus_id
        FROM place_there JOIN device_place USING (place_id) JOIN device ON device.id = device_id
        UNION ALL
        SELECT 'meter', id FROM place_there JOIN meter USING (place_id)
        UNION ALL
        SELECT 'vehicle', vehicle.id FROM below JOIN vehicle ON institution_id = below.id
        UNION ALL
        SELECT 'institution', id FROM below
    ) AS there
    WHERE EXISTS (SELECT FROM rule WHERE meaning ? 'institutions')
$$;

-- What was found of silent devices is looked at again: some of it was of their buses.
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT DISTINCT 'device', device_id, '-infinity'::timestamptz, 'infinity'::timestamptz, 'buses'
FROM device_place
WHERE EXISTS (SELECT FROM rule WHERE meaning ->> 'kind' = 'data.silent');
