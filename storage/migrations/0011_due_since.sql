-- migrate:up
-- Since when a due row waits: whether workers run, and keep up. Rows of before count from here on.
ALTER TABLE metering_due ADD COLUMN added_at timestamptz NOT NULL DEFAULT now();
