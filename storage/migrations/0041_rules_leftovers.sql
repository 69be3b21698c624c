-- migrate:up
-- What could not be learned again of all subjects of a sort (rules_vehicle_learned): doubts rest on what was
-- learned before. Gone once it was learned.
CREATE TABLE rule_not_learned (
    sort     text        PRIMARY KEY,
    since    timestamptz NOT NULL,
    tried_at timestamptz NOT NULL,            -- the last time,
    error    text        NOT NULL             -- and why it failed then
);
