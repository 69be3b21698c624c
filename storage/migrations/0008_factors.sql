-- migrate:up
-- What an institution is divided by, and which tariff its energy is priced with. Facts are dated
-- and never edited: a correction withdraws one and adds another. Factors and tariffs themselves are
-- files (metering/factors/data).

-- Floor area, energy users, vehicles …: codes in metering/factors/data/institution_facts.yaml.
CREATE TABLE institution_fact (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    institution_id int NOT NULL REFERENCES institution,
    code           text NOT NULL,
    value          numeric(20, 6) NOT NULL CHECK (value >= 0),
    valid          daterange NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    source         text NOT NULL,
    entered_by     text NOT NULL,
    entered_at     timestamptz NOT NULL,
    withdrawn_by   text,
    withdrawn_at   timestamptz,
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL)),
    EXCLUDE USING gist (institution_id WITH =, code WITH =, valid WITH &&)
        WHERE (withdrawn_at IS NULL)
);

-- Which tariff prices a meter, or an institution's energy where its meters have none of their own.
CREATE TABLE tariff_assignment (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    meter_id       int REFERENCES meter,
    institution_id int REFERENCES institution,
    energy         text,
    tariff         text NOT NULL,
    capacity       numeric(12, 3) CHECK (capacity > 0),  -- kVA, or contracted kW, of a basic charge
    valid          daterange NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    entered_by     text NOT NULL,
    entered_at     timestamptz NOT NULL,
    withdrawn_by   text,
    withdrawn_at   timestamptz,
    CHECK ((meter_id IS NULL) <> (institution_id IS NULL)),
    CHECK ((institution_id IS NULL) = (energy IS NULL)),
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL)),
    EXCLUDE USING gist (meter_id WITH =, valid WITH &&) WHERE (withdrawn_at IS NULL),
    EXCLUDE USING gist (institution_id WITH =, energy WITH =, valid WITH &&)
        WHERE (withdrawn_at IS NULL)
);

-- Base prices that are published by the month (代理购电): multipliers of a tariff apply to them.
CREATE TABLE tariff_base_price (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tariff       text NOT NULL,
    month        date NOT NULL CHECK (extract(day FROM month) = 1),
    yuan         numeric(12, 8) NOT NULL CHECK (yuan >= 0),  -- per unit, from this month on
    source       text NOT NULL,
    entered_by   text NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL))
);
CREATE UNIQUE INDEX tariff_base_price_once ON tariff_base_price (tariff, month)
    WHERE withdrawn_at IS NULL;
