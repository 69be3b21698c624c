-- migrate:up
-- The ledger of vehicles and of what else burns fuel. Facts are never edited: a correction
-- withdraws one and enters another. `key` says what a row speaks of and stands once, `content` is
-- the digest of what it says: the same once more is a no-op, something else under the same key is
-- refused.

-- Every file that brought something in. Undoing it withdraws what it brought.
CREATE TABLE fleet_import (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source       text        NOT NULL,
    sha256       text        NOT NULL,
    provider     text        NOT NULL DEFAULT '',  -- who uploaded records of its own
    entered_by   text        NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz
);

-- What burns fuel or carries a battery: vehicle, motorcycle, vessel, generator, boiler.
CREATE TABLE fuel_consumer (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code           text NOT NULL,
    kind           text NOT NULL,        -- a word of fleet/ledger/data/words.yaml
    institution_id int  NOT NULL REFERENCES institution,
    vehicle_id     int  REFERENCES vehicle,  -- the one of the inventory that has this code
    key            text NOT NULL,
    content        text NOT NULL,
    import_id      int  REFERENCES fleet_import,
    cell           text,
    entered_by     text NOT NULL,
    entered_at     timestamptz NOT NULL,
    withdrawn_by   text,
    withdrawn_at   timestamptz
);

-- Dated facts: plate, class, energy, tank … It holds from `since` until the next one of its name.
CREATE TABLE consumer_fact (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer_id  int  NOT NULL REFERENCES fuel_consumer,
    name         text NOT NULL,
    value        text NOT NULL,
    since        date NOT NULL,
    key          text NOT NULL,
    content      text NOT NULL,
    import_id    int  REFERENCES fleet_import,
    cell         text,
    entered_by   text NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz
);
CREATE INDEX consumer_fact_by_consumer ON consumer_fact (consumer_id, name, since)
    WHERE withdrawn_at IS NULL;

-- Whose fuel card it is from a moment on; without a consumer: nobody's.
CREATE TABLE fuel_card_fact (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    card         text NOT NULL,
    main_card    text NOT NULL DEFAULT '',
    consumer_id  int  REFERENCES fuel_consumer,
    since        timestamptz NOT NULL,
    key          text NOT NULL,
    content      text NOT NULL,
    import_id    int  REFERENCES fleet_import,
    cell         text,
    entered_by   text NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz
);
CREATE INDEX fuel_card_fact_by_card ON fuel_card_fact (card, since) WHERE withdrawn_at IS NULL;

-- What was paid, filled, charged, moved between cards. NULL is "not stated", never zero.
CREATE TABLE fleet_spending (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text NOT NULL,        -- filling, topup, transfer, refund, goods, maintenance …
    consumer_id    int  REFERENCES fuel_consumer,  -- as the paper says it; a card decides by itself
    card           text NOT NULL DEFAULT '',
    at             timestamptz NOT NULL, -- noon of the day where only that is known
    timed          boolean NOT NULL,     -- the time of day is known
    product        text NOT NULL DEFAULT '',
    quantity       int8,                 -- whole `unit`
    unit           text CHECK (unit IN ('ml', 'wh', 'dm3', 'g')),
    fen            int8,
    odometer_hm    int8 CHECK (odometer_hm >= 0),  -- 0.1 km
    full_tank      boolean NOT NULL DEFAULT false,
    missed         boolean NOT NULL DEFAULT false, -- a filling before this one is not in the books
    own_premises   boolean NOT NULL DEFAULT false, -- its energy is in the electricity figure already
    merchant       text NOT NULL DEFAULT '',
    part           text NOT NULL DEFAULT '',
    transaction_id text NOT NULL DEFAULT '',
    provider       text NOT NULL DEFAULT '',
    document       text NOT NULL DEFAULT '',
    note           text NOT NULL DEFAULT '',
    key            text NOT NULL,
    content        text NOT NULL,
    import_id      int  REFERENCES fleet_import,
    cell           text,
    entered_by     text NOT NULL,
    entered_at     timestamptz NOT NULL,
    withdrawn_by   text,
    withdrawn_at   timestamptz,
    CHECK ((quantity IS NULL) = (unit IS NULL))
);
CREATE INDEX fleet_spending_by_time ON fleet_spending (at) WHERE withdrawn_at IS NULL;
CREATE INDEX fleet_spending_by_consumer ON fleet_spending (consumer_id, at)
    WHERE withdrawn_at IS NULL;
CREATE INDEX fleet_spending_by_card ON fleet_spending (card, at) WHERE withdrawn_at IS NULL;

-- 派车单.
CREATE TABLE dispatch_order (
    id               int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number           text NOT NULL,
    consumer_id      int  NOT NULL REFERENCES fuel_consumer,
    day              date NOT NULL,
    driver           text NOT NULL DEFAULT '',
    reason           text NOT NULL DEFAULT '',
    passenger        text NOT NULL DEFAULT '',
    approver         text NOT NULL DEFAULT '',
    destination      text NOT NULL DEFAULT '',
    out_at           timestamptz,
    back_at          timestamptz,
    odometer_out_hm  int8 CHECK (odometer_out_hm >= 0),
    odometer_back_hm int8 CHECK (odometer_back_hm >= 0),
    note             text NOT NULL DEFAULT '',
    key              text NOT NULL,
    content          text NOT NULL,
    import_id        int  REFERENCES fleet_import,
    cell             text,
    entered_by       text NOT NULL,
    entered_at       timestamptz NOT NULL,
    withdrawn_by     text,
    withdrawn_at     timestamptz,
    CHECK (back_at >= out_at)
);
CREATE INDEX dispatch_order_by_consumer ON dispatch_order (consumer_id, day)
    WHERE withdrawn_at IS NULL;

-- Drivers, and the designated places (定点): stations, garages, insurers, parking.
CREATE TABLE fleet_party (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text NOT NULL,
    name           text NOT NULL,
    institution_id int  REFERENCES institution,  -- NULL: of all
    since          date NOT NULL,
    until          date,                 -- the day after the last
    chain          boolean NOT NULL DEFAULT false,  -- any house of this name
    detail         text NOT NULL DEFAULT '',
    key            text NOT NULL,
    content        text NOT NULL,
    import_id      int  REFERENCES fleet_import,
    cell           text,
    entered_by     text NOT NULL,
    entered_at     timestamptz NOT NULL,
    withdrawn_by   text,
    withdrawn_at   timestamptz,
    CHECK (until > since)
);

-- What running costs may come to in a year: of an institution, or of one vehicle.
CREATE TABLE fleet_budget (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    institution_id int  NOT NULL REFERENCES institution,
    consumer_id    int  REFERENCES fuel_consumer,
    year           int  NOT NULL,
    fen            int8 NOT NULL CHECK (fen >= 0),
    key            text NOT NULL,
    content        text NOT NULL,
    import_id      int  REFERENCES fleet_import,
    cell           text,
    entered_by     text NOT NULL,
    entered_at     timestamptz NOT NULL,
    withdrawn_by   text,
    withdrawn_at   timestamptz
);

CREATE UNIQUE INDEX fuel_consumer_once ON fuel_consumer (key) WHERE withdrawn_at IS NULL;
CREATE UNIQUE INDEX consumer_fact_once ON consumer_fact (key) WHERE withdrawn_at IS NULL;
CREATE UNIQUE INDEX fuel_card_fact_once ON fuel_card_fact (key) WHERE withdrawn_at IS NULL;
CREATE UNIQUE INDEX fleet_spending_once ON fleet_spending (key) WHERE withdrawn_at IS NULL;
CREATE UNIQUE INDEX dispatch_order_once ON dispatch_order (key) WHERE withdrawn_at IS NULL;
CREATE UNIQUE INDEX fleet_party_once ON fleet_party (key) WHERE withdrawn_at IS NULL;
CREATE UNIQUE INDEX fleet_budget_once ON fleet_budget (key) WHERE withdrawn_at IS NULL;

-- Spending that stands, with whose it is: a card's holder at that moment, otherwise as written.
-- NULL `owner_id`: the card was nobody's then.
CREATE VIEW fleet_spending_owned AS
SELECT s.*, CASE WHEN s.card = '' THEN s.consumer_id ELSE held.consumer_id END AS owner_id
FROM fleet_spending s
LEFT JOIN LATERAL (
    SELECT f.consumer_id FROM fuel_card_fact f
    WHERE f.card = s.card AND f.withdrawn_at IS NULL AND f.since <= s.at
    ORDER BY f.since DESC LIMIT 1
) held ON s.card <> ''
WHERE s.withdrawn_at IS NULL;
