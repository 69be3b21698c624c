-- migrate:up
-- Rules: what is held true when, and the doubts that follow from it.

-- Each file that was loaded, as it was.
CREATE TABLE rule_set (
    id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code      text        NOT NULL,
    text      text        NOT NULL,
    loaded_at timestamptz NOT NULL,
    loaded_by text        NOT NULL CHECK (loaded_by <> '')
);

-- A version of a rule: another meaning is another row, and the older one ends where it begins. What
-- does not change the meaning (title, severity, route) is changed in place.
CREATE TABLE rule (
    id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    set_code  text  NOT NULL,
    code      text  NOT NULL,
    digest    text  NOT NULL,
    meaning   jsonb NOT NULL,
    title     text  NOT NULL,
    severity  text  NOT NULL,
    route     text,
    source    text  NOT NULL,
    valid     tstzrange NOT NULL,
    EXCLUDE USING gist (code WITH =, valid WITH &&)
);

-- Doubts, derived: they can be thrown away. No clock made them: one had stood long enough at
-- `confirmed_at`, whoever asks before that does not see it.
CREATE TABLE episode (
    rule_id      int         NOT NULL REFERENCES rule,
    place_id     int         NOT NULL,
    since        timestamptz NOT NULL,
    confirmed_at timestamptz NOT NULL,
    until        timestamptz NOT NULL,
    stood_us     int8        NOT NULL,            -- how long it was true between them
    behind       text        NOT NULL CHECK (behind IN ('false', 'unknown', 'edge')),
    PRIMARY KEY (place_id, rule_id, since),
    CHECK (since < until AND confirmed_at BETWEEN since AND until)
);
CREATE INDEX episode_until ON episode (place_id, until);
CREATE INDEX episode_confirmed ON episode (confirmed_at);

CREATE TABLE rules_due (
    id        int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    place_id  int         NOT NULL,
    ts_from   timestamptz NOT NULL,
    ts_to     timestamptz NOT NULL,          -- inclusive; infinity: for ever
    why       text        NOT NULL,
    added_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (ts_from <= ts_to)
);
CREATE INDEX rules_due_place ON rules_due (place_id);
CREATE INDEX rules_due_from ON rules_due (ts_from);

CREATE TABLE rules_failure (
    place_id int         PRIMARY KEY,
    error    text        NOT NULL,
    failures int         NOT NULL CHECK (failures > 0),
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    retry_at timestamptz NOT NULL,
    deaths   int         NOT NULL DEFAULT 0 CHECK (deaths >= 0)
);
CREATE INDEX rules_failure_deaths ON rules_failure (place_id) WHERE deaths > 0;

-- What hangs where, and in which room, decides what is looked at: whoever changes it makes it due,
-- with all that is in the room, for a sensor speaks for all of it. Once a statement: an inventory
-- brings a city's bindings in one.
CREATE FUNCTION rules_binding_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (place_id, ts_from, ts_to, why)
    SELECT near.place_id, coalesce(lower(near.valid), '-infinity'),
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
DO $$
DECLARE
    bound text;
BEGIN
    FOREACH bound IN ARRAY ARRAY['device_place', 'place_room'] LOOP
        EXECUTE format(
            'CREATE TRIGGER rules_bound AFTER INSERT ON %1$I REFERENCING NEW TABLE AS changed
             FOR EACH STATEMENT EXECUTE FUNCTION rules_binding_changed();
             CREATE TRIGGER rules_rebound AFTER UPDATE ON %1$I REFERENCING NEW TABLE AS changed
             FOR EACH STATEMENT EXECUTE FUNCTION rules_binding_changed();
             CREATE TRIGGER rules_was_bound AFTER UPDATE ON %1$I REFERENCING OLD TABLE AS changed
             FOR EACH STATEMENT EXECUTE FUNCTION rules_binding_changed();
             CREATE TRIGGER rules_unbound AFTER DELETE ON %1$I REFERENCING OLD TABLE AS changed
             FOR EACH STATEMENT EXECUTE FUNCTION rules_binding_changed();', bound);
    END LOOP;
END $$;

-- What people do with doubts: never derived, never recomputed, never deleted. It hangs on the code of
-- the rule, so that another version of it goes on with the same.
CREATE TABLE doubt (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_code  text        NOT NULL,
    place_id   int         NOT NULL,
    since      timestamptz NOT NULL,
    until      timestamptz NOT NULL,
    opened_at  timestamptz NOT NULL,
    state      text        NOT NULL,
    changed_at timestamptz NOT NULL,
    EXCLUDE USING gist (rule_code WITH =, place_id WITH =, tstzrange(since, until) WITH &&)
);
CREATE INDEX doubt_state ON doubt (state, since);
CREATE TABLE doubt_deed (
    id        int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    doubt_id  int         NOT NULL REFERENCES doubt,
    at        timestamptz NOT NULL,
    principal text        NOT NULL CHECK (principal <> ''),
    step      text        NOT NULL,
    words     text        NOT NULL,
    verdict   text,
    cause     text,
    measure   text
);
CREATE INDEX doubt_deed_doubt ON doubt_deed (doubt_id, id);
CREATE FUNCTION doubt_deed_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was done with a doubt is append-only';
END $$;
CREATE TRIGGER doubt_deed_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON doubt_deed
    FOR EACH STATEMENT EXECUTE FUNCTION doubt_deed_is_append_only();

-- Up to when episodes that had stood long enough have become doubts.
CREATE TABLE doubt_mark (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    at  timestamptz NOT NULL
);

-- Another calendar, other working hours.
CREATE FUNCTION rules_calendar_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (place_id, ts_from, ts_to, why)
    SELECT places.place_id, days.first, days.last, 'calendar'
    FROM (
        SELECT min(day)::timestamp AT TIME ZONE 'UTC' - interval '1 day' AS first,
               max(day)::timestamp AT TIME ZONE 'UTC' + interval '2 days' AS last
        FROM changed
    ) AS days
    CROSS JOIN (SELECT DISTINCT place_id FROM device_place) AS places
    WHERE days.first IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER rules_calendar_entered AFTER INSERT ON calendar_day
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_calendar_changed();
CREATE TRIGGER rules_calendar_withdrawn AFTER UPDATE ON calendar_day
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_calendar_changed();

-- A tag exempts, or brings in, all that stands below what has it.
CREATE FUNCTION rules_tag_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (place_id, ts_from, ts_to, why)
    SELECT DISTINCT below.place_id, coalesce(lower(changed.valid), '-infinity'),
           coalesce(upper(changed.valid), 'infinity'), 'tag'
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
    ) AS below
    WHERE NOT isempty(changed.valid);
    RETURN NULL;
END $$;
CREATE TRIGGER rules_tagged AFTER INSERT ON tag REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_tag_changed();
CREATE TRIGGER rules_retagged AFTER UPDATE ON tag REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_tag_changed();
CREATE TRIGGER rules_was_tagged AFTER UPDATE ON tag REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_tag_changed();
