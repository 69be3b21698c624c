-- migrate:up
-- What walking inspectors find. Their doubts live like all others; these say what they rest on.
CREATE TABLE inspection_photo (
    sha256  text  PRIMARY KEY,
    type    text  NOT NULL CHECK (type IN ('image/jpeg', 'image/png', 'image/webp', 'image/heic')),
    content bytea NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 20971520)
);
CREATE TABLE inspection (
    doubt_id     int            PRIMARY KEY REFERENCES doubt,
    seen_at      timestamptz    NOT NULL,
    inspector    text           NOT NULL CHECK (inspector <> ''),
    words        text           NOT NULL CHECK (words <> ''),
    reading      numeric(12, 3),
    unit         text,                      -- of the reading
    photo_sha256 text           REFERENCES inspection_photo,
    photo_name   text,
    entered_at   timestamptz    NOT NULL,
    CHECK ((reading IS NULL) = (unit IS NULL)),
    CHECK ((photo_sha256 IS NULL) = (photo_name IS NULL))
);
CREATE FUNCTION inspection_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what an inspector found is append-only: conclude its doubt instead';
END $$;
CREATE TRIGGER inspection_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON inspection
    FOR EACH STATEMENT EXECUTE FUNCTION inspection_is_append_only();
CREATE TRIGGER inspection_photo_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON inspection_photo
    FOR EACH STATEMENT EXECUTE FUNCTION inspection_is_append_only();

-- Rules may speak of an institution and all below it: whoever moves one, or a building or vehicle
-- to another, makes what is there due. Only where any rule does.
CREATE FUNCTION rules_moved(moved int[]) RETURNS void LANGUAGE sql AS $$
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
        SELECT 'meter', id FROM place_there JOIN meter USING (place_id)
        UNION ALL
        SELECT 'vehicle', vehicle.id FROM below JOIN vehicle ON institution_id = below.id
        UNION ALL
        SELECT 'institution', id FROM below
    ) AS there
    WHERE EXISTS (SELECT FROM rule WHERE meaning ? 'institutions')
$$;
CREATE FUNCTION rules_institution_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM rules_moved(array_agg(now.id))
    FROM now JOIN was USING (id) WHERE now.parent_id IS DISTINCT FROM was.parent_id
    HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER rules_moved AFTER UPDATE ON institution
    REFERENCING OLD TABLE AS was NEW TABLE AS now
    FOR EACH STATEMENT EXECUTE FUNCTION rules_institution_moved();
CREATE FUNCTION rules_owner_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM rules_moved(array_agg(whose)) FROM (
        SELECT unnest(ARRAY[was.institution_id, now.institution_id])
        FROM now JOIN was USING (id) WHERE now.institution_id <> was.institution_id
    ) AS changed (whose)
    HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER rules_owner_changed AFTER UPDATE ON building
    REFERENCING OLD TABLE AS was NEW TABLE AS now
    FOR EACH STATEMENT EXECUTE FUNCTION rules_owner_changed();
CREATE TRIGGER rules_owner_changed AFTER UPDATE ON vehicle
    REFERENCING OLD TABLE AS was NEW TABLE AS now
    FOR EACH STATEMENT EXECUTE FUNCTION rules_owner_changed();
