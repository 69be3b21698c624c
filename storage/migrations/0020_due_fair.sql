-- migrate:up
-- What is new is claimed beside what is oldest: by the time that changed.
CREATE INDEX metering_due_from ON metering_due (kind, ts_from);
CREATE INDEX fleet_due_from ON fleet_due (ts_from);

-- What workers have in hand, committed before they begin: a row that nobody answers for any more is
-- of a worker that was killed in the middle of it.
CREATE TABLE due_in_hand (
    id       int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue    text        NOT NULL,
    subjects int[]       NOT NULL CHECK (cardinality(subjects) > 0),
    taken_at timestamptz NOT NULL DEFAULT now()
);

-- How often in a row: after so many the subject is set aside until somebody asks for it.
ALTER TABLE metering_failure ADD COLUMN deaths int NOT NULL DEFAULT 0 CHECK (deaths >= 0);
ALTER TABLE fleet_failure ADD COLUMN deaths int NOT NULL DEFAULT 0 CHECK (deaths >= 0);
CREATE INDEX metering_failure_deaths ON metering_failure (kind) WHERE deaths > 0;
CREATE INDEX fleet_failure_deaths ON fleet_failure (vehicle_id) WHERE deaths > 0;
