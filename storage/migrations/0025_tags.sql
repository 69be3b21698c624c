-- migrate:up
-- What a thing is to rules: a server room, a duty room, a day of emergency. Dated; what stands above
-- a thing hands its tags down (registry/tags.py). The inventory states some, people enter others for
-- a time: an import closes only its own.
CREATE TABLE tag (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text NOT NULL
                   CHECK (kind IN ('institution', 'building', 'room', 'place', 'vehicle')),
    subject_id     int  NOT NULL,
    tag            text NOT NULL CHECK (tag ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
    valid          tstzrange NOT NULL,
    reason         text CHECK (reason <> ''),  -- NULL, with who and when: the inventory says so
    entered_by     text,
    entered_at     timestamptz,
    withdrawn_by   text,
    withdrawn_at   timestamptz,
    -- The thing itself, so that there is no tag of nothing.
    institution_id int GENERATED ALWAYS AS (CASE kind WHEN 'institution' THEN subject_id END) STORED
                   REFERENCES institution,
    building_id    int GENERATED ALWAYS AS (CASE kind WHEN 'building' THEN subject_id END) STORED
                   REFERENCES building,
    room_id        int GENERATED ALWAYS AS (CASE kind WHEN 'room' THEN subject_id END) STORED
                   REFERENCES room,
    place_id       int GENERATED ALWAYS AS (CASE kind WHEN 'place' THEN subject_id END) STORED
                   REFERENCES place,
    vehicle_id     int GENERATED ALWAYS AS (CASE kind WHEN 'vehicle' THEN subject_id END) STORED
                   REFERENCES vehicle,
    CHECK (num_nulls(reason, entered_by, entered_at) IN (0, 3)),
    CHECK (num_nulls(withdrawn_by, withdrawn_at) IN (0, 2)),
    CHECK (withdrawn_at IS NULL OR entered_at IS NOT NULL),
    CONSTRAINT tag_stated_once EXCLUDE USING gist
        (kind WITH =, subject_id WITH =, tag WITH =, valid WITH &&) WHERE (entered_at IS NULL),
    CONSTRAINT tag_entered_once EXCLUDE USING gist
        (kind WITH =, subject_id WITH =, tag WITH =, valid WITH &&)
        WHERE (entered_at IS NOT NULL AND withdrawn_at IS NULL)
);
CREATE INDEX tag_subject ON tag (kind, subject_id);
