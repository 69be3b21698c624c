-- migrate:up
-- Utility accounts, their bills, fuel and coal bought. Days are local; a period is [from, to).
-- Facts are never edited: a correction withdraws one and adds another.

-- Every file of bills that brought something in. Undoing it withdraws what it brought.
CREATE TABLE bill_import (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source       text        NOT NULL,
    sha256       text        NOT NULL,
    entered_by   text        NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz
);

-- What a supplier sends bills for (户号).
CREATE TABLE utility_account (
    id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code        text NOT NULL UNIQUE,    -- ours; the number itself unless two suppliers share it
    number      text NOT NULL,           -- 户号, as it stands on the bill
    name        text NOT NULL DEFAULT '',
    supplier    text NOT NULL,
    energy      text NOT NULL,
    unit        text NOT NULL,           -- kWh, m3, GJ, t, L: of its figures
    reading_day int CHECK (reading_day BETWEEN 1 AND 31),  -- 抄表例日; NULL: not known
    prepaid     boolean NOT NULL DEFAULT false,
    UNIQUE (supplier, number)
);

-- Whose account it is.
CREATE TABLE utility_account_institution (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id     int NOT NULL REFERENCES utility_account,
    institution_id int NOT NULL REFERENCES institution,
    valid          daterange NOT NULL CHECK (NOT isempty(valid)),
    import_id      int REFERENCES bill_import,
    entered_by     text NOT NULL,
    entered_at     timestamptz NOT NULL,
    withdrawn_by   text,
    withdrawn_at   timestamptz,
    CONSTRAINT account_has_one_institution
        EXCLUDE USING gist (account_id WITH =, valid WITH &&) WHERE (withdrawn_at IS NULL)
);
CREATE INDEX utility_account_institution_by_institution
    ON utility_account_institution (institution_id) WHERE withdrawn_at IS NULL;

-- Which meters count what the account is billed for. A meter belongs to one account at a time.
CREATE TABLE utility_account_meter (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id   int NOT NULL REFERENCES utility_account,
    meter_id     int NOT NULL REFERENCES meter,
    valid        daterange NOT NULL CHECK (NOT isempty(valid)),
    import_id    int REFERENCES bill_import,
    entered_by   text NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,
    CONSTRAINT meter_has_one_account
        EXCLUDE USING gist (meter_id WITH =, valid WITH &&) WHERE (withdrawn_at IS NULL)
);
CREATE INDEX utility_account_meter_by_account
    ON utility_account_meter (account_id) WHERE withdrawn_at IS NULL;

-- The scan of a bill, once however often it is named.
CREATE TABLE bill_attachment (
    sha256  text  PRIMARY KEY,
    content bytea NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 20971520)
);

-- Quantity without amount and amount without quantity both occur lawfully: NULL is "not stated".
CREATE TABLE bill (
    id                int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id        int NOT NULL REFERENCES utility_account,
    period            daterange NOT NULL
        CHECK (NOT isempty(period) AND NOT lower_inf(period) AND NOT upper_inf(period)),
    status            text NOT NULL CHECK (status IN ('settled', 'estimated')),
    quantity          numeric(20, 6) CHECK (quantity >= 0),
    unit              text NOT NULL,     -- as written on the bill
    amount            numeric(14, 2),    -- yuan
    issued            date,
    note              text NOT NULL DEFAULT '',
    attachment_sha256 text REFERENCES bill_attachment,
    attachment_name   text,
    replaces_id       int REFERENCES bill,
    import_id         int REFERENCES bill_import,
    cell              text,              -- where it stood in the file imported: sheet!row
    entered_by        text NOT NULL,
    entered_at        timestamptz NOT NULL,
    withdrawn_by      text,
    withdrawn_at      timestamptz,
    CHECK (quantity IS NOT NULL OR amount IS NOT NULL),
    CHECK ((attachment_sha256 IS NULL) = (attachment_name IS NULL)),
    CONSTRAINT bills_do_not_overlap
        EXCLUDE USING gist (account_id WITH =, status WITH =, period WITH &&)
        WHERE (withdrawn_at IS NULL)
);
CREATE INDEX bill_by_import ON bill (import_id) WHERE withdrawn_at IS NULL;

-- 尖峰平谷 of a bill.
CREATE TABLE bill_part (
    bill_id  int  NOT NULL REFERENCES bill,
    part     text NOT NULL CHECK (part IN ('sharp', 'peak', 'flat', 'valley', 'deep')),
    quantity numeric(20, 6),
    amount   numeric(14, 2),
    PRIMARY KEY (bill_id, part)
);

-- Petrol, diesel, gas in bottles, coal, and other energy that is bought.
CREATE TABLE purchase (
    id                int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    institution_id    int  NOT NULL REFERENCES institution,
    energy            text NOT NULL,
    bought_on         date NOT NULL,
    quantity          numeric(20, 6) CHECK (quantity >= 0),
    unit              text NOT NULL,
    amount            numeric(14, 2),
    consumer          text NOT NULL,     -- what burns it, a word of metering/bills/data/words.yaml
    supplier          text NOT NULL DEFAULT '',
    document          text NOT NULL DEFAULT '',
    note              text NOT NULL DEFAULT '',
    attachment_sha256 text REFERENCES bill_attachment,
    attachment_name   text,
    nth               int  NOT NULL DEFAULT 1 CHECK (nth > 0),  -- of purchases that say the same
    replaces_id       int  REFERENCES purchase,
    import_id         int  REFERENCES bill_import,
    cell              text,
    entered_by        text NOT NULL,
    entered_at        timestamptz NOT NULL,
    withdrawn_by      text,
    withdrawn_at      timestamptz,
    CHECK (quantity IS NOT NULL OR amount IS NOT NULL),
    CHECK ((attachment_sha256 IS NULL) = (attachment_name IS NULL))
);
CREATE UNIQUE INDEX purchase_once ON purchase (
    institution_id, energy, bought_on, quantity, unit, amount, consumer, supplier, document, nth
) NULLS NOT DISTINCT WHERE withdrawn_at IS NULL;
CREATE INDEX purchase_by_import ON purchase (import_id) WHERE withdrawn_at IS NULL;

-- Which comes first as the reported figure; the bill where nothing is said.
CREATE TABLE figure_precedence (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    institution_id int  NOT NULL REFERENCES institution,
    energy         text NOT NULL,
    first          text NOT NULL CHECK (first IN ('bill', 'meter')),
    valid          daterange NOT NULL CHECK (NOT isempty(valid)),
    entered_by     text NOT NULL,
    entered_at     timestamptz NOT NULL,
    withdrawn_by   text,
    withdrawn_at   timestamptz,
    EXCLUDE USING gist (institution_id WITH =, energy WITH =, valid WITH &&)
        WHERE (withdrawn_at IS NULL)
);
