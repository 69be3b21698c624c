-- migrate:up
-- Outdoor temperature, continued: days of which only the mean is known, and sites with a sensor.

-- The newest entry of a time counts; NULL takes back what was entered before.
ALTER TABLE outdoor_temperature ALTER COLUMN celsius DROP NOT NULL;

-- A day of the site's zone of which only the mean is known, from a weather bulletin for example.
CREATE TABLE outdoor_day (
    site       text        NOT NULL,
    day        date        NOT NULL,
    celsius    float8      CHECK (celsius BETWEEN -60 AND 60),  -- NULL: taken back
    source     text        NOT NULL,
    entered_by text        NOT NULL,
    entered_at timestamptz NOT NULL,
    PRIMARY KEY (site, day, entered_at)
);

-- Which point measures the outdoor temperature of a site. Its gauges are read, never copied.
CREATE TABLE outdoor_sensor (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site         text NOT NULL CHECK (site <> ''),
    point_id     int  NOT NULL REFERENCES point,
    valid        tstzrange NOT NULL CHECK (NOT isempty(valid)),
    entered_by   text NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,
    EXCLUDE USING gist (site WITH =, valid WITH &&) WHERE (withdrawn_at IS NULL)
);
