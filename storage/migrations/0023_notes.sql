-- migrate:up
-- Notes that leave the house (docs/notify.md). What was sent is what people were told: never computed
-- again, never removed. No address stands here: those are secrets, and stay in files.
CREATE TABLE note (
    key         text        PRIMARY KEY CHECK (key ~ '^[!-~]{1,120}$'),
    route       text        NOT NULL,
    severity    text        NOT NULL CHECK (severity IN ('notice', 'warning', 'urgent')),
    subject     text        NOT NULL,
    title       text        NOT NULL,
    body        text        NOT NULL,
    happened_at timestamptz NOT NULL,
    put_at      timestamptz NOT NULL,
    routed_at   timestamptz              -- NULL: its deliveries are not made yet
);
CREATE INDEX note_unrouted ON note (put_at) WHERE routed_at IS NULL;

-- Notes that leave together, under a key of their own; once made it does not change.
CREATE TABLE note_message (
    id        int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key       text        NOT NULL,
    channel   text        NOT NULL,
    route     text        NOT NULL,
    severity  text        NOT NULL CHECK (severity IN ('notice', 'warning', 'urgent')),
    made_at   timestamptz NOT NULL,
    state     text        NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'sent', 'aside')),
    due_at    timestamptz NOT NULL,
    tries     int4        NOT NULL DEFAULT 0,   -- since it was made, or somebody asked for it again
    error     text,                             -- of the last attempt, without anything secret
    settled_at timestamptz,                     -- when it was sent or set aside
    UNIQUE (channel, key),
    CHECK ((state = 'due') = (settled_at IS NULL))
);
CREATE INDEX note_message_due ON note_message (channel, due_at) WHERE state = 'due';
CREATE INDEX note_message_aside ON note_message (channel) WHERE state = 'aside';
CREATE INDEX note_message_settled ON note_message (settled_at DESC) WHERE state = 'sent';

CREATE TABLE note_delivery (
    note_key   text        NOT NULL REFERENCES note,
    channel    text        NOT NULL,
    route      text        NOT NULL,     -- by which it goes: note.route may also name an institution
    due_at     timestamptz NOT NULL,
    message_id int8        REFERENCES note_message,   -- NULL: it waits for its message
    PRIMARY KEY (note_key, channel)
);
CREATE INDEX note_delivery_waiting ON note_delivery (channel, due_at) WHERE message_id IS NULL;
CREATE INDEX note_delivery_message ON note_delivery (message_id);

-- Noted before the attempt is made: so the bound of a channel also holds when workers are killed.
CREATE TABLE note_attempt (
    message_id int8        NOT NULL REFERENCES note_message,
    channel    text        NOT NULL,
    at         timestamptz NOT NULL
);
CREATE INDEX note_attempt_lately ON note_attempt (channel, at);
