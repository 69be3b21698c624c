-- migrate:up
-- Whether a meter that counts nothing is stuck or off its main tells, with what the others behind it count:
-- who is hung behind a main, or taken off, concerns it, the main and all of these.
CREATE OR REPLACE FUNCTION rules_main_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT 'meter', whose, coalesce(lower(span), '-infinity'), coalesce(upper(span), 'infinity'), 'main'
    FROM (
        SELECT main_id AS whose, valid AS span FROM changed
        UNION
        SELECT meter_id, valid FROM changed
        UNION
        SELECT beside.meter_id, beside.valid * changed.valid
        FROM changed JOIN meter_main AS beside USING (main_id)
    ) AS concerned
    WHERE NOT isempty(span);
    RETURN NULL;
END $$;
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT DISTINCT 'meter', meter_id, '-infinity'::timestamptz, 'infinity'::timestamptz, 'told otherwise'
FROM meter_main WHERE EXISTS (SELECT FROM rule);
