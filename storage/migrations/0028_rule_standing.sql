-- migrate:up
-- How each rule fares: what it looked at last, and why it failed. Lost with a killed worker at worst.
CREATE TABLE rule_health (
    rule_id       int         PRIMARY KEY REFERENCES rule,
    ran_at        timestamptz,               -- the last batch in which it looked at anything
    took_us       int8        NOT NULL DEFAULT 0,   -- of that batch: how long,
    subjects      int         NOT NULL DEFAULT 0,   -- at how many, and at how many in vain
    failed        int         NOT NULL DEFAULT 0,
    total_us      int8        NOT NULL DEFAULT 0,
    total_subjects int8       NOT NULL DEFAULT 0,
    error         text,                      -- the last one, whenever that was
    error_at      timestamptz,
    tries         int         NOT NULL DEFAULT 0,   -- in a row, of what it owes; 0: it owes nothing
    retry_at      timestamptz
);

-- What a rule could not look at. Not lost with a worker: written by the transaction that lets go of
-- the due rows, for the other rules have done with them.
CREATE TABLE rule_owed (
    rule_id int         NOT NULL REFERENCES rule,
    sort    text        NOT NULL,
    subject int         NOT NULL,
    ts_from timestamptz NOT NULL,
    ts_to   timestamptz NOT NULL,            -- inclusive
    since   timestamptz NOT NULL,
    error   text        NOT NULL,
    PRIMARY KEY (rule_id, sort, subject),
    CHECK (ts_from <= ts_to)
);

-- Files of rule sets that workers follow, as they found them last.
CREATE TABLE rule_file (
    path      text        PRIMARY KEY,
    read_at   timestamptz NOT NULL,
    set_code  text,                          -- of what came from it last
    loaded_at timestamptz,                   -- when it last was without a mistake
    error     text                           -- what is wrong with it
);

-- Within how many workdays a doubt is to be explained, and who is told when it is not. Neither this
-- nor the unit of what an inspector reads decides whether there is a doubt: changed in place.
ALTER TABLE rule ADD COLUMN answer_days int CHECK (answer_days > 0);
ALTER TABLE rule ADD COLUMN answer_route text;
ALTER TABLE rule ADD COLUMN reading_unit text;
