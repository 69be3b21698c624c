-- migrate:up
-- What the basic charge (基本电费) of a meter with a two-part tariff is taken on. Dated facts: a
-- correction withdraws one and adds another. `tariff_assignment.capacity`, which did not say of what
-- it was, is entered and read no more.
CREATE TABLE basic_charge_basis (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    meter_id     int  NOT NULL REFERENCES meter,
    basis        text NOT NULL CHECK (basis IN ('capacity', 'contract', 'measured')),
    size         numeric(12, 3) CHECK (size > 0),  -- kVA of the transformers, kW of the contract
    valid        daterange NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    source       text NOT NULL CHECK (source <> ''),
    entered_by   text NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,
    CHECK ((size IS NULL) = (basis = 'measured')),
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL)),
    EXCLUDE USING gist (meter_id WITH =, valid WITH &&) WHERE (withdrawn_at IS NULL)
);

-- The greatest demand of a month as the supplier's meter or bill has it (抄见最大需量): it counts
-- before what is found from the power, where quarter hours may be missing.
CREATE TABLE entered_demand (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    meter_id     int  NOT NULL REFERENCES meter,
    month        date NOT NULL CHECK (extract(day FROM month) = 1),
    kilowatts    numeric(12, 3) NOT NULL CHECK (kilowatts >= 0),
    source       text NOT NULL CHECK (source <> ''),
    entered_by   text NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL))
);
CREATE UNIQUE INDEX entered_demand_once ON entered_demand (meter_id, month)
    WHERE withdrawn_at IS NULL;
