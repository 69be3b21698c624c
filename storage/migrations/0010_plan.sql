-- migrate:up
-- What consumption is held against: quotas, the calendar of workdays, and months of before metering.
-- Facts are never edited: a correction withdraws one and adds another.

-- A local value for an institution, an energy and a year.
CREATE TABLE quota (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    institution_id int  NOT NULL REFERENCES institution,
    energy         text NOT NULL,
    year           int  NOT NULL CHECK (year BETWEEN 2000 AND 2100),
    kind           text NOT NULL CHECK (kind IN ('constraint', 'baseline', 'guide')),  -- 约束值, 基准值, 引导值
    per            text NOT NULL CHECK (per IN ('total', 'm2', 'head')),
    value          numeric(18, 6) NOT NULL CHECK (value > 0),
    unit           text NOT NULL CHECK (unit <> ''),       -- of the energy, before "per m²" or "per head"
    source         text NOT NULL CHECK (source <> ''),     -- the document that says so
    issued         date NOT NULL,                          -- of that document
    entered_by     text NOT NULL,
    entered_at     timestamptz NOT NULL,
    withdrawn_by   text,
    withdrawn_at   timestamptz
);
CREATE UNIQUE INDEX quota_once ON quota (institution_id, energy, year, kind, per)
    WHERE withdrawn_at IS NULL;

-- Days that are not what their weekday says, as the yearly notice has them. A year without a row
-- has not been published.
CREATE TABLE calendar_day (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day          date NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('workday', 'weekend', 'holiday')),
    source       text NOT NULL CHECK (source <> ''),
    entered_by   text NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz
);
CREATE UNIQUE INDEX calendar_day_once ON calendar_day (day) WHERE withdrawn_at IS NULL;

-- Months of before metering and bills, brought in by Excel so that there is a last year.
CREATE TABLE earlier_import (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256       text NOT NULL,                            -- of its content, not of its file
    name         text NOT NULL,
    entered_by   text NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz
);
CREATE UNIQUE INDEX earlier_import_once ON earlier_import (sha256) WHERE withdrawn_at IS NULL;
CREATE TABLE earlier_month (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_id      int  NOT NULL REFERENCES earlier_import,
    institution_id int  REFERENCES institution,
    meter_id       int  REFERENCES meter,
    month          date NOT NULL CHECK (extract(day FROM month) = 1),
    energy         text NOT NULL,
    unit           text NOT NULL,
    quantity       numeric(20, 6) CHECK (quantity >= 0),
    amount         numeric(16, 2) CHECK (amount >= 0),      -- yuan
    note           text NOT NULL DEFAULT '',
    withdrawn_at   timestamptz,                             -- with its import
    CHECK ((institution_id IS NULL) <> (meter_id IS NULL)),
    CHECK (quantity IS NOT NULL OR amount IS NOT NULL)
);
CREATE UNIQUE INDEX earlier_month_once ON earlier_month (institution_id, meter_id, month, energy)
    NULLS NOT DISTINCT WHERE withdrawn_at IS NULL;
CREATE INDEX earlier_month_import ON earlier_month (import_id);
