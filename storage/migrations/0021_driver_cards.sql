-- migrate:up
-- Drivers' cards as terminals told of them (0x0702 of JT/T 808); appended like the raw tables of 0002.
CREATE TABLE driver_card (
    terminal_id   int         NOT NULL,
    at            timestamptz NOT NULL,   -- by the terminal, or when it came: see `timed`
    content_hash  int8        NOT NULL,
    event         text        NOT NULL CHECK (event IN ('in', 'out', 'read')),
    timed         boolean     NOT NULL,   -- false: its form (2011) tells no time
    result        int2,                   -- 0: the card could be read; NULL: not told
    name          text,
    qualification text,
    issuer        text,
    valid_until   date,
    withheld      boolean     NOT NULL,   -- of a sensitive vehicle: nothing of the person is stored
    raw           bytea       NOT NULL,   -- the body of the message; empty where withheld
    received_at   timestamptz NOT NULL,
    PRIMARY KEY (terminal_id, at, content_hash)
);
CREATE INDEX driver_card_at ON driver_card (at);   -- by which they are removed

-- What the gateway kept of them before it could read them is brought in like what waited.
DROP INDEX quarantine_waiting;
CREATE INDEX quarantine_waiting ON quarantine (source, origin, received_at)
    WHERE reason LIKE 'unknown_terminal:%' OR reason LIKE 'unauthenticated:%'
       OR reason LIKE 'unsupported: driver card %' OR reason LIKE 'malformed: driver card: %';
