-- migrate:up
-- What workers of metering need: the oldest due rows of a kind, and all of a subject.
CREATE INDEX metering_due_order ON metering_due (kind, id);
CREATE INDEX metering_due_subject ON metering_due (kind, subject);
-- Which devices hung at a place.
CREATE INDEX device_place_place ON device_place (place_id);

-- Subjects that could not be computed: they stay due and are tried again, later and later. The row
-- goes away with the first success.
CREATE TABLE metering_failure (
    kind     text        NOT NULL CHECK (kind IN ('meter', 'point')),
    subject  int         NOT NULL,
    error    text        NOT NULL,
    failures int         NOT NULL CHECK (failures > 0),
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    retry_at timestamptz NOT NULL,
    PRIMARY KEY (kind, subject)
);
