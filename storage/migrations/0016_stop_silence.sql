-- migrate:up
-- The longest time between two fixes of a stop: what was not seen may have been a drive and back.
-- NULL until it is computed again.
ALTER TABLE vehicle_stop ADD COLUMN silent_s int;
-- Workers take another basis for other thresholds, and compute everything again.
UPDATE fleet_basis SET basis = '';
