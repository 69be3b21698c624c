-- migrate:up
-- Rules about the clocks of terminals, and about institutions that answer none of their doubts.

-- Of whom a doubt was asked when it opened. Doubts about not answering are asked of nobody here: none
-- is ever about another one.
CREATE TABLE doubt_respondent (
    doubt_id       int PRIMARY KEY REFERENCES doubt,
    institution_id int NOT NULL
);
CREATE INDEX doubt_respondent_institution ON doubt_respondent (institution_id);

-- How far a terminal's clock is off in an hour, as far as that can be told; derived from positions and
-- quarantine (rules/subjects/terminals). Removed with the positions of its time.
CREATE TABLE terminal_clock (
    terminal_id   int         NOT NULL,
    hour          timestamptz NOT NULL,
    off_s         float8      NOT NULL,   -- above 0: ahead
    received_from timestamptz NOT NULL,   -- when what tells it came
    received_to   timestamptz NOT NULL,
    PRIMARY KEY (terminal_id, hour)
);
CREATE INDEX terminal_clock_hour ON terminal_clock (hour);

-- Hours of terminals of which something came, gathered for a while: a live terminal sends all the time.
CREATE TABLE terminal_clock_change (
    terminal_id int         NOT NULL,
    hour        timestamptz NOT NULL,
    noted_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (terminal_id, hour)
);
CREATE INDEX terminal_clock_change_noted ON terminal_clock_change (noted_at);

-- What lies too far from our clock is in quarantine: by the hour in which it came.
CREATE INDEX quarantine_clock ON quarantine (received_at) WHERE reason LIKE 'time: %';
CREATE FUNCTION terminal_clock_refused() RETURNS trigger LANGUAGE plpgsql AS $$
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
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER terminal_clock_refused AFTER INSERT ON quarantine
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION terminal_clock_refused();

CREATE OR REPLACE VIEW rules_subject AS
SELECT 'place' AS sort, id, code, name FROM place
UNION ALL SELECT 'meter', id, code, name FROM meter
UNION ALL SELECT 'device', id, code, name FROM device
UNION ALL SELECT 'room', id, code, name FROM room
UNION ALL SELECT 'institution', id, code, name FROM institution
UNION ALL SELECT 'respondent', id, code, name FROM institution
UNION ALL
SELECT 'vehicle', id, code, CASE WHEN EXISTS (
    SELECT FROM vehicle_sensitivity AS said WHERE said.vehicle_id = vehicle.id
) THEN code ELSE plate END FROM vehicle
UNION ALL SELECT 'terminal', id, code, '终端 ' || code FROM terminal
UNION ALL SELECT 'bus', id, code, '总线 ' || code FROM bus
UNION ALL SELECT 'site', 1, 'site', '全部设备';

-- A terminal's is whose its vehicle is.
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
    SELECT doubt.subject_id AS institution_id WHERE doubt.sort IN ('institution', 'respondent')
    UNION ALL
    SELECT institution_id FROM vehicle WHERE doubt.sort = 'vehicle' AND id = doubt.subject_id
    UNION ALL
    SELECT vehicle.institution_id
    FROM terminal_vehicle AS bound JOIN vehicle ON vehicle.id = bound.vehicle_id
    WHERE doubt.sort = 'terminal' AND bound.terminal_id = doubt.subject_id
      AND bound.valid @> doubt.since
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

INSERT INTO doubt_respondent (doubt_id, institution_id)
SELECT id, institution_id FROM doubt_known WHERE institution_id IS NOT NULL;

-- Whoever is asked, and whatever is done with what was asked, makes the respondent due.
CREATE FUNCTION rules_doubt_asked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH asked AS (
        INSERT INTO doubt_respondent (doubt_id, institution_id)
        SELECT known.id, known.institution_id
        FROM changed JOIN doubt_known AS known ON known.id = changed.id
        WHERE changed.sort <> 'respondent' AND known.institution_id IS NOT NULL
        RETURNING doubt_id, institution_id
    )
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT 'respondent', institution_id, min(changed.opened_at), max(changed.opened_at), 'asked'
    FROM asked JOIN changed ON changed.id = doubt_id GROUP BY institution_id;
    RETURN NULL;
END $$;
CREATE TRIGGER rules_doubt_asked AFTER INSERT ON doubt REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_doubt_asked();
CREATE FUNCTION rules_doubt_answered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT 'respondent', institution_id, min(at), max(at), 'deed'
    FROM changed JOIN doubt_respondent USING (doubt_id)
    WHERE changed.step <> 'escalate' GROUP BY institution_id;
    RETURN NULL;
END $$;
CREATE TRIGGER rules_doubt_answered AFTER INSERT ON doubt_deed REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_doubt_answered();

-- Tags exempt; of a terminal those of the vehicle that it is in.
CREATE FUNCTION rules_answers_tag_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT 'respondent', institution_id, coalesce(lower(valid), '-infinity'),
           coalesce(upper(valid), 'infinity'), 'tag'
    FROM changed WHERE institution_id IS NOT NULL AND NOT isempty(valid)
    UNION ALL
    SELECT DISTINCT 'terminal', bound.terminal_id, coalesce(lower(changed.valid), '-infinity'),
           coalesce(upper(changed.valid), 'infinity'), 'tag'
    FROM changed
    JOIN vehicle ON changed.kind = 'vehicle' AND vehicle.id = changed.subject_id
        OR changed.kind = 'institution' AND vehicle.institution_id = changed.subject_id
    JOIN terminal_vehicle AS bound ON bound.vehicle_id = vehicle.id
    WHERE NOT isempty(changed.valid);
    RETURN NULL;
END $$;
CREATE TRIGGER rules_answers_tagged AFTER INSERT ON tag REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_answers_tag_changed();
CREATE TRIGGER rules_answers_retagged AFTER UPDATE ON tag REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_answers_tag_changed();
CREATE TRIGGER rules_answers_was_tagged AFTER UPDATE ON tag REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_answers_tag_changed();

-- In which vehicle a terminal is, and whose that one is.
CREATE FUNCTION rules_terminal_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT DISTINCT 'terminal', bound.terminal_id, '-infinity'::timestamptz,
           'infinity'::timestamptz, 'vehicle'
    FROM changed JOIN terminal_vehicle AS bound
        ON bound.vehicle_id = changed.vehicle_id OR bound.terminal_id = changed.terminal_id;
    RETURN NULL;
END $$;
CREATE TRIGGER rules_terminal_bound AFTER INSERT ON terminal_vehicle
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_terminal_moved();
CREATE TRIGGER rules_terminal_rebound AFTER UPDATE ON terminal_vehicle
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_terminal_moved();
CREATE FUNCTION rules_vehicle_handed_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT DISTINCT 'terminal', bound.terminal_id, '-infinity'::timestamptz,
           'infinity'::timestamptz, 'vehicle'
    FROM now JOIN was USING (id) JOIN terminal_vehicle AS bound ON bound.vehicle_id = now.id
    WHERE now.institution_id IS DISTINCT FROM was.institution_id;
    RETURN NULL;
END $$;
CREATE TRIGGER rules_vehicle_handed_over AFTER UPDATE ON vehicle
    REFERENCING OLD TABLE AS was NEW TABLE AS now
    FOR EACH STATEMENT EXECUTE FUNCTION rules_vehicle_handed_over();

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
        SELECT DISTINCT 'terminal', bound.terminal_id
        FROM below JOIN vehicle ON institution_id = below.id
        JOIN terminal_vehicle AS bound ON bound.vehicle_id = vehicle.id
        UNION ALL
        SELECT 'institution', id FROM below
        UNION ALL
        SELECT 'respondent', id FROM below
    ) AS there
    WHERE EXISTS (SELECT FROM rule WHERE meaning ? 'institutions')
$$;
