-- migrate:up
-- The hour in which anything was heard last, of whatever is polled; NULL: nobody has looked yet. A silence
-- that begins later is nobody's own so far, and most do: those of devices that are heard of
-- (rules/subjects/devices/due.py, beside.py).
ALTER TABLE rules_site ADD COLUMN heard_in timestamptz;
