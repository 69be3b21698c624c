-- migrate:up
-- Silences, odd registers and what institutions report are told otherwise than before: what was found of
-- them is looked at again.
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT kind, subject, '-infinity', 'infinity', 'told otherwise' FROM (
    SELECT DISTINCT 'device' AS kind, device_id AS subject FROM device_place
    UNION ALL SELECT DISTINCT 'bus', bus_id FROM device
    UNION ALL SELECT 'meter', id FROM meter
    UNION ALL SELECT 'institution', id FROM institution
) AS there
WHERE EXISTS (SELECT FROM rule);
