-- migrate:up
-- Who and what exists. Codes are what people write and never change meaning; ids are ours.
-- Who sits where when is a dated binding; bindings of one thing never overlap.
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE institution (
    id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code        text NOT NULL UNIQUE,
    name        text NOT NULL,
    credit_code text,
    parent_id   int REFERENCES institution,
    valid       tstzrange NOT NULL DEFAULT '[,)'
);

CREATE TABLE building (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code           text NOT NULL UNIQUE,
    name           text NOT NULL,
    institution_id int NOT NULL REFERENCES institution,
    floor_area_m2  numeric(12, 2),
    valid          tstzrange NOT NULL DEFAULT '[,)'
);

CREATE TABLE room (
    id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code        text NOT NULL UNIQUE,
    name        text NOT NULL,
    building_id int NOT NULL REFERENCES building,
    purpose     text,
    valid       tstzrange NOT NULL DEFAULT '[,)'
);

-- Where something is measured. It outlives the meters that hang there.
CREATE TABLE place (
    id      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code    text NOT NULL UNIQUE,
    name    text NOT NULL,
    measures text NOT NULL,
    valid   tstzrange NOT NULL DEFAULT '[,)'
);

CREATE TABLE place_room (
    place_id int NOT NULL REFERENCES place,
    room_id  int NOT NULL REFERENCES room,
    valid    tstzrange NOT NULL,
    EXCLUDE USING gist (place_id WITH =, valid WITH &&)
);

-- One version of a device profile, as it decoded readings.
CREATE TABLE profile (
    id      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code    text NOT NULL,
    version int  NOT NULL,
    sha256  text NOT NULL,
    body    text NOT NULL,
    UNIQUE (code, version)
);

-- A shared way to devices: one host and port, or one serial line.
CREATE TABLE bus (
    id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code      text NOT NULL UNIQUE,
    transport text NOT NULL,
    host      text NOT NULL,
    port      int  NOT NULL,
    gap_ms    int  NOT NULL DEFAULT 0,
    valid     tstzrange NOT NULL DEFAULT '[,)'
);

-- The physical meter. A replaced meter is a new device at the same place.
CREATE TABLE device (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code       text NOT NULL UNIQUE,
    name       text NOT NULL,
    serial_no  text,
    profile_id int NOT NULL REFERENCES profile,
    bus_id     int NOT NULL REFERENCES bus,
    unit       int NOT NULL CHECK (unit BETWEEN 0 AND 255),
    interval_s int NOT NULL CHECK (interval_s > 0),
    timeout_ms int NOT NULL CHECK (timeout_ms > 0),
    valid      tstzrange NOT NULL DEFAULT '[,)'
);

CREATE TABLE device_place (
    device_id int NOT NULL REFERENCES device,
    place_id  int NOT NULL REFERENCES place,
    valid     tstzrange NOT NULL,
    EXCLUDE USING gist (device_id WITH =, valid WITH &&)
);

CREATE TABLE point (
    id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id int  NOT NULL REFERENCES device,
    name      text NOT NULL,
    label     text NOT NULL,
    unit      text NOT NULL,
    class     text NOT NULL CHECK (class IN ('counter', 'gauge', 'state')),
    UNIQUE (device_id, name)
);

CREATE TABLE vehicle (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code           text NOT NULL UNIQUE,
    plate          text NOT NULL,
    institution_id int NOT NULL REFERENCES institution,
    energy         text NOT NULL,
    sensitive      boolean NOT NULL DEFAULT false,
    valid          tstzrange NOT NULL DEFAULT '[,)'
);

-- What sends positions. `code` is the identity it uses on the wire.
CREATE TABLE terminal (
    id    int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code  text NOT NULL UNIQUE,
    valid tstzrange NOT NULL DEFAULT '[,)'
);

CREATE TABLE terminal_vehicle (
    terminal_id int NOT NULL REFERENCES terminal,
    vehicle_id  int NOT NULL REFERENCES vehicle,
    valid       tstzrange NOT NULL,
    EXCLUDE USING gist (terminal_id WITH =, valid WITH &&)
);

-- Every import that changed anything: who, when, from which file.
CREATE TABLE inventory_import (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    applied_at timestamptz NOT NULL,
    applied_by text NOT NULL,
    source     text NOT NULL,
    sha256     text NOT NULL,
    changes    jsonb NOT NULL
);
