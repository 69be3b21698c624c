-- migrate:up
-- What changed of vehicles, for rules about them: noted by whoever changes it, and gathered for a while
-- before it becomes due, for a driving vehicle changes with every minute (rules/subjects/vehicles).
CREATE TABLE rules_vehicle_change (
    id         int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vehicle_id int         NOT NULL,
    ts_from    timestamptz NOT NULL,
    ts_to      timestamptz NOT NULL,          -- inclusive; infinity: for ever
    noted_at   timestamptz NOT NULL DEFAULT now(),
    CHECK (ts_from <= ts_to)
);

-- The month of which all vehicles were due when it began: what is learned of many changes with it.
CREATE TABLE rules_vehicle_month (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    month date    NOT NULL
);

-- One statement's changes of each table as (vehicle_id, ts_from, ts_to); nobody's are left out. Dates
-- are days of the site, whatever its zone: a day more on either side.
DO $$
DECLARE
    watched record;
BEGIN
    FOR watched IN SELECT * FROM (VALUES
        ('trip', $q$
            SELECT vehicle_id, min(started_at), max(ended_at) FROM changed GROUP BY vehicle_id $q$),
        ('vehicle_stop', $q$
            SELECT vehicle_id, min(began_at), max(ended_at) FROM changed GROUP BY vehicle_id $q$),
        -- A card decides by itself whose a line is; whom the paper names is compared with it.
        ('fleet_spending', $q$
            SELECT whose.vehicle_id, min(changed.at), max(changed.at)
            FROM changed
            CROSS JOIN LATERAL (
                SELECT changed.consumer_id
                UNION
                SELECT held.consumer_id FROM fuel_card_fact AS held
                WHERE changed.card <> '' AND held.card = changed.card
                  AND held.withdrawn_at IS NULL AND held.since <= changed.at
            ) AS named
            JOIN fuel_consumer AS whose ON whose.id = named.consumer_id
            GROUP BY whose.vehicle_id $q$),
        ('fuel_card_fact', $q$
            SELECT whose.vehicle_id, min(changed.since), 'infinity'::timestamptz
            FROM changed
            LEFT JOIN fuel_card_fact AS held ON held.card = changed.card
            JOIN fuel_consumer AS whose ON whose.id IN (held.consumer_id, changed.consumer_id)
            GROUP BY whose.vehicle_id $q$),
        ('consumer_fact', $q$
            SELECT whose.vehicle_id, min(changed.since)::timestamptz - interval '1 day',
                   'infinity'::timestamptz
            FROM changed JOIN fuel_consumer AS whose ON whose.id = changed.consumer_id
            GROUP BY whose.vehicle_id $q$),
        ('fuel_consumer', $q$
            SELECT DISTINCT vehicle_id, '-infinity'::timestamptz, 'infinity'::timestamptz
            FROM changed $q$),
        ('dispatch_order', $q$
            SELECT whose.vehicle_id,
                   min(least(out_at, day::timestamptz - interval '1 day')),
                   max(greatest(back_at, day::timestamptz + interval '3 days'))
            FROM changed JOIN fuel_consumer AS whose ON whose.id = changed.consumer_id
            GROUP BY whose.vehicle_id $q$),
        ('dashboard_reading', $q$
            SELECT vehicle_id, min(read_at), max(read_at) FROM changed GROUP BY vehicle_id $q$),
        ('fleet_duty', $q$
            SELECT vehicle_id, min(from_at), max(to_at) FROM changed GROUP BY vehicle_id $q$),
        ('driver_card', $q$
            SELECT bound.vehicle_id, min(changed.at), max(changed.at)
            FROM changed JOIN terminal_vehicle AS bound
                ON bound.terminal_id = changed.terminal_id AND bound.valid @> changed.at
            GROUP BY bound.vehicle_id $q$),
        ('fleet_yard', $q$
            SELECT vehicle.id, min(changed.since)::timestamptz - interval '1 day',
                   'infinity'::timestamptz
            FROM changed JOIN vehicle ON vehicle.id = coalesce(changed.vehicle_id, vehicle.id)
                AND vehicle.institution_id
                    = coalesce(changed.institution_id, vehicle.institution_id)
            GROUP BY vehicle.id $q$),
        ('fleet_sealed', $q$
            SELECT vehicle.id, min(changed.since)::timestamptz - interval '1 day',
                   'infinity'::timestamptz
            FROM changed JOIN vehicle ON vehicle.id = coalesce(changed.vehicle_id, vehicle.id)
                AND vehicle.institution_id
                    = coalesce(changed.institution_id, vehicle.institution_id)
            GROUP BY vehicle.id $q$),
        ('fleet_fence', $q$
            SELECT vehicle.id, min(changed.since)::timestamptz - interval '1 day',
                   'infinity'::timestamptz
            FROM changed CROSS JOIN vehicle GROUP BY vehicle.id $q$),
        ('vehicle', $q$
            SELECT id, '-infinity'::timestamptz, 'infinity'::timestamptz FROM changed $q$),
        ('tag', $q$
            SELECT vehicle.id, coalesce(lower(changed.valid), '-infinity'),
                   coalesce(upper(changed.valid), 'infinity')
            FROM changed JOIN vehicle
                ON changed.kind = 'vehicle' AND vehicle.id = changed.subject_id
                OR changed.kind = 'institution' AND vehicle.institution_id = changed.subject_id
            WHERE NOT isempty(changed.valid) $q$),
        ('calendar_day', $q$
            SELECT vehicle.id, min(changed.day)::timestamptz - interval '1 day',
                   max(changed.day)::timestamptz + interval '2 days'
            FROM changed CROSS JOIN vehicle GROUP BY vehicle.id $q$)
    ) AS one (name, query)
    LOOP
        EXECUTE format(
            'CREATE FUNCTION rules_vehicle_of_%1$s() RETURNS trigger LANGUAGE plpgsql AS $f$
             BEGIN
                 INSERT INTO rules_vehicle_change (vehicle_id, ts_from, ts_to)
                 SELECT * FROM (%2$s) AS noted (vehicle_id, ts_from, ts_to)
                 WHERE vehicle_id IS NOT NULL;
                 RETURN NULL;
             END $f$;
             CREATE TRIGGER rules_vehicle_came AFTER INSERT ON %1$I
                 REFERENCING NEW TABLE AS changed
                 FOR EACH STATEMENT EXECUTE FUNCTION rules_vehicle_of_%1$s();
             CREATE TRIGGER rules_vehicle_is AFTER UPDATE ON %1$I
                 REFERENCING NEW TABLE AS changed
                 FOR EACH STATEMENT EXECUTE FUNCTION rules_vehicle_of_%1$s();
             CREATE TRIGGER rules_vehicle_was AFTER UPDATE ON %1$I
                 REFERENCING OLD TABLE AS changed
                 FOR EACH STATEMENT EXECUTE FUNCTION rules_vehicle_of_%1$s();
             CREATE TRIGGER rules_vehicle_went AFTER DELETE ON %1$I
                 REFERENCING OLD TABLE AS changed
                 FOR EACH STATEMENT EXECUTE FUNCTION rules_vehicle_of_%1$s();',
            watched.name, watched.query);
    END LOOP;
END $$;
