-- migrate:up
-- Rules are about more than places: meters, vehicles, institutions, devices. A subject is a sort and
-- an id; the queue's own word for the sort is kind (storage/due.py).
ALTER TABLE episode RENAME COLUMN place_id TO subject_id;
ALTER TABLE episode ADD COLUMN sort text NOT NULL DEFAULT 'place';
ALTER TABLE episode ALTER COLUMN sort DROP DEFAULT;
ALTER TABLE episode DROP CONSTRAINT episode_pkey;
ALTER TABLE episode ADD PRIMARY KEY (subject_id, rule_id, since, sort);
DROP INDEX episode_until;
CREATE INDEX episode_until ON episode (subject_id, until, sort);

ALTER TABLE doubt RENAME COLUMN place_id TO subject_id;
ALTER TABLE doubt ADD COLUMN sort text NOT NULL DEFAULT 'place';
ALTER TABLE doubt ALTER COLUMN sort DROP DEFAULT;
-- A doubt of a rule is about its sort of subjects for ever: its code says which.
ALTER TABLE doubt DROP CONSTRAINT doubt_rule_code_place_id_tstzrange_excl;
ALTER TABLE doubt ADD CONSTRAINT doubt_once EXCLUDE USING gist
    (rule_code WITH =, subject_id WITH =, sort WITH =, tstzrange(since, until) WITH &&);

ALTER TABLE rules_due RENAME COLUMN place_id TO subject;
ALTER TABLE rules_due ADD COLUMN kind text NOT NULL DEFAULT 'place';
ALTER TABLE rules_due ALTER COLUMN kind DROP DEFAULT;
DROP INDEX rules_due_place, rules_due_from;
CREATE INDEX rules_due_subject ON rules_due (kind, subject);
CREATE INDEX rules_due_from ON rules_due (kind, ts_from);

ALTER TABLE rules_failure RENAME COLUMN place_id TO subject;
ALTER TABLE rules_failure ADD COLUMN kind text NOT NULL DEFAULT 'place';
ALTER TABLE rules_failure ALTER COLUMN kind DROP DEFAULT;
ALTER TABLE rules_failure DROP CONSTRAINT rules_failure_pkey;
ALTER TABLE rules_failure ADD PRIMARY KEY (kind, subject);
DROP INDEX rules_failure_deaths;
CREATE INDEX rules_failure_deaths ON rules_failure (kind) WHERE deaths > 0;
-- What a worker had in hand when it was killed is of the queue's new name.
UPDATE due_in_hand SET queue = 'rules place' WHERE queue = 'rules';

-- What people call a subject.
CREATE VIEW rules_subject AS
SELECT 'place' AS sort, id, code, name FROM place
UNION ALL SELECT 'meter', id, code, name FROM meter
UNION ALL SELECT 'device', id, code, name FROM device
UNION ALL SELECT 'room', id, code, name FROM room
UNION ALL SELECT 'institution', id, code, name FROM institution
UNION ALL
SELECT 'vehicle', id, code, CASE WHEN EXISTS (
    SELECT FROM vehicle_sensitivity AS said WHERE said.vehicle_id = vehicle.id
) THEN code ELSE plate END FROM vehicle;

-- Doubts with what their subject is called, where it was when they began, and whose it was. By look-ups
-- (OFFSET 0): joins over all that is known of all sorts would cost a second for each doubt.
CREATE VIEW doubt_known AS
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
    OFFSET 0
) AS own ON true;

CREATE OR REPLACE FUNCTION rules_binding_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT 'place', near.place_id, coalesce(lower(near.valid), '-infinity'),
           coalesce(upper(near.valid), 'infinity'), 'binding'
    FROM (
        SELECT place_id, valid FROM changed
        UNION
        SELECT other.place_id, changed.valid FROM changed
        JOIN place_room AS own ON own.place_id = changed.place_id
        JOIN place_room AS other ON other.room_id = own.room_id
    ) AS near
    WHERE NOT isempty(near.valid);
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION rules_calendar_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT 'place', places.place_id, days.first, days.last, 'calendar'
    FROM (
        SELECT min(day)::timestamp AT TIME ZONE 'UTC' - interval '1 day' AS first,
               max(day)::timestamp AT TIME ZONE 'UTC' + interval '2 days' AS last
        FROM changed
    ) AS days
    CROSS JOIN (SELECT DISTINCT place_id FROM device_place) AS places
    WHERE days.first IS NOT NULL;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION rules_tag_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH below AS (
        SELECT DISTINCT under.place_id, coalesce(lower(changed.valid), '-infinity') AS since,
               coalesce(upper(changed.valid), 'infinity') AS until
        FROM changed
        CROSS JOIN LATERAL (
            SELECT changed.place_id WHERE changed.place_id IS NOT NULL
            UNION ALL
            SELECT bound.place_id FROM place_room AS bound WHERE bound.room_id = changed.room_id
            UNION ALL
            SELECT bound.place_id FROM room JOIN place_room AS bound ON bound.room_id = room.id
            WHERE room.building_id = changed.building_id
            UNION ALL
            SELECT bound.place_id
            FROM building
            JOIN room ON room.building_id = building.id
            JOIN place_room AS bound ON bound.room_id = room.id
            WHERE building.institution_id = changed.institution_id
        ) AS under
        WHERE NOT isempty(changed.valid)
    )
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT 'place', place_id, since, until, 'tag' FROM below
    UNION ALL
    SELECT DISTINCT 'device', hung.device_id, since, until, 'tag'
    FROM below JOIN device_place AS hung ON hung.place_id = below.place_id;
    RETURN NULL;
END $$;

-- A device is heard of where it hangs.
CREATE FUNCTION rules_hung_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT 'device', device_id, coalesce(lower(valid), '-infinity'),
           coalesce(upper(valid), 'infinity'), 'binding'
    FROM changed WHERE NOT isempty(valid);
    RETURN NULL;
END $$;
CREATE TRIGGER rules_hung AFTER INSERT ON device_place REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_hung_changed();
CREATE TRIGGER rules_rehung AFTER UPDATE ON device_place REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_hung_changed();
CREATE TRIGGER rules_was_hung AFTER UPDATE ON device_place REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_hung_changed();
CREATE TRIGGER rules_unhung AFTER DELETE ON device_place REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_hung_changed();
