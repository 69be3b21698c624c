-- migrate:up
-- Acts: what one person did in one go about meters, so that it can be withdrawn in one go. A meter
-- replaced, a place moved to another room, readings brought in from one file.
CREATE TABLE fact_act (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('replace', 'move', 'import')),
    subject      text NOT NULL,          -- code of the place; name of the file
    sha256       text,                   -- of what an import says, not of its bytes
    entered_by   text NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz
);
-- The same readings are brought in once, however often somebody clicks.
CREATE UNIQUE INDEX fact_act_once ON fact_act (sha256)
    WHERE kind = 'import' AND withdrawn_at IS NULL;

-- Bindings that an act changed. Bindings have no history of their own: withdrawing needs what was.
CREATE TABLE fact_act_binding (
    act_id     int  NOT NULL REFERENCES fact_act,
    step       int  NOT NULL,
    binding    text NOT NULL CHECK (binding IN ('device_place', 'place_room')),
    subject_id int  NOT NULL,
    target_id  int  NOT NULL,
    before     tstzrange NOT NULL,       -- empty: there was none
    after      tstzrange NOT NULL,       -- empty: it turned out never to have been true
    PRIMARY KEY (act_id, step)
);
CREATE INDEX fact_act_binding_subject ON fact_act_binding (binding, subject_id, target_id);

ALTER TABLE counter_entry ADD COLUMN act_id int REFERENCES fact_act;
CREATE INDEX counter_entry_act ON counter_entry (act_id) WHERE act_id IS NOT NULL;

-- What was done to one meter is looked up by its code.
CREATE INDEX audit_log_subject ON audit_log (subject, id);
