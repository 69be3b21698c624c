-- migrate:up
-- What is learned of all vehicles together, by month: where stations are, what vehicles use and cost.
-- To learn it takes a look at everything, so it is kept (rules/subjects/vehicles/kept.py). It can be
-- thrown away: what is missing is learned again.
CREATE TABLE rules_vehicle_learned (
    part       text        NOT NULL,
    month      date        NOT NULL,
    basis      text        NOT NULL,          -- by which thresholds, in which zone, of which program
    body       bytea       NOT NULL,          -- JSON of fleet/norms
    stale      boolean     NOT NULL DEFAULT false,  -- something that it rests on has changed since
    learned_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (part, month)
);

-- From when on papers, or what the ledger says of somebody, are others than before. What is learned
-- rests on those of vehicles that are in no inventory, too.
CREATE TABLE rules_vehicle_paper (
    id       int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    since    timestamptz NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now()
);

DO $$
DECLARE
    watched record;
BEGIN
    FOR watched IN SELECT * FROM (VALUES
        ('fleet_spending', 'min(at)'),
        ('fuel_card_fact', 'min(since)'),
        -- Days of the site, whatever its zone.
        ('consumer_fact', $q$ min(since)::timestamptz - interval '1 day' $q$),
        ('dispatch_order', $q$ min(least(out_at, day::timestamptz - interval '1 day')) $q$),
        ('fuel_consumer', $q$ min('-infinity'::timestamptz) $q$)
    ) AS one (name, since)
    LOOP
        EXECUTE format(
            'CREATE FUNCTION rules_paper_of_%1$s() RETURNS trigger LANGUAGE plpgsql AS $f$
             BEGIN
                 INSERT INTO rules_vehicle_paper (since)
                 SELECT %2$s FROM changed HAVING count(*) > 0;
                 RETURN NULL;
             END $f$;
             CREATE TRIGGER rules_paper_came AFTER INSERT ON %1$I REFERENCING NEW TABLE AS changed
                 FOR EACH STATEMENT EXECUTE FUNCTION rules_paper_of_%1$s();
             CREATE TRIGGER rules_paper_is AFTER UPDATE ON %1$I REFERENCING NEW TABLE AS changed
                 FOR EACH STATEMENT EXECUTE FUNCTION rules_paper_of_%1$s();
             CREATE TRIGGER rules_paper_was AFTER UPDATE ON %1$I REFERENCING OLD TABLE AS changed
                 FOR EACH STATEMENT EXECUTE FUNCTION rules_paper_of_%1$s();
             CREATE TRIGGER rules_paper_went AFTER DELETE ON %1$I REFERENCING OLD TABLE AS changed
                 FOR EACH STATEMENT EXECUTE FUNCTION rules_paper_of_%1$s();',
            watched.name, watched.since);
    END LOOP;
END $$;

-- Where a sensitive vehicle stood tells nobody where a station is.
CREATE FUNCTION rules_paper_of_vehicle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_vehicle_paper (since) VALUES ('-infinity');
    RETURN NULL;
END $$;
CREATE TRIGGER rules_paper_came AFTER INSERT ON vehicle
    FOR EACH ROW WHEN (NEW.sensitive) EXECUTE FUNCTION rules_paper_of_vehicle();
CREATE TRIGGER rules_paper_is AFTER UPDATE ON vehicle
    FOR EACH ROW WHEN (OLD.sensitive IS DISTINCT FROM NEW.sensitive)
    EXECUTE FUNCTION rules_paper_of_vehicle();
CREATE TRIGGER rules_paper_went AFTER DELETE ON vehicle
    FOR EACH ROW WHEN (OLD.sensitive) EXECUTE FUNCTION rules_paper_of_vehicle();

-- Ways come all day long: a look because of them need not go back a month, as one because of papers.
ALTER TABLE rules_vehicle_change ADD COLUMN ways boolean NOT NULL DEFAULT false;
DO $$
DECLARE
    watched record;
BEGIN
    FOR watched IN SELECT * FROM (VALUES
        ('trip', $q$
            SELECT vehicle_id, min(started_at), max(ended_at), true
            FROM changed GROUP BY vehicle_id $q$),
        ('vehicle_stop', $q$
            SELECT vehicle_id, min(began_at), max(ended_at), true
            FROM changed GROUP BY vehicle_id $q$),
        ('dashboard_reading', $q$
            SELECT vehicle_id, min(read_at), max(read_at), true
            FROM changed GROUP BY vehicle_id $q$),
        -- Whether orders are kept is known for a month before one. Where another one stands shortly
        -- before it, that was known.
        ('dispatch_order', $q$
            SELECT whose.vehicle_id,
                   min(least(out_at, day::timestamptz - interval '1 day')),
                   max(greatest(back_at, day::timestamptz + interval '3 days')),
                   EXISTS (
                       SELECT FROM dispatch_order AS before
                       WHERE before.consumer_id = min(changed.consumer_id)
                         AND before.withdrawn_at IS NULL
                         AND before.day >= min(changed.day) - 3 AND before.day < min(changed.day)
                         AND coalesce(before.out_at <= min(changed.out_at), true)
                   )
            FROM changed JOIN fuel_consumer AS whose ON whose.id = changed.consumer_id
            GROUP BY whose.vehicle_id $q$)
    ) AS one (name, query)
    LOOP
        EXECUTE format(
            'CREATE OR REPLACE FUNCTION rules_vehicle_of_%1$s() RETURNS trigger LANGUAGE plpgsql AS $f$
             BEGIN
                 INSERT INTO rules_vehicle_change (vehicle_id, ts_from, ts_to, ways)
                 SELECT * FROM (%2$s) AS noted (vehicle_id, ts_from, ts_to, ways)
                 WHERE vehicle_id IS NOT NULL;
                 RETURN NULL;
             END $f$;',
            watched.name, watched.query);
    END LOOP;
END $$;

-- What papers of others changed was followed once a month, two months back; now all of it is, and
-- whatever was not is looked at once.
DROP TABLE rules_vehicle_month;
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT 'vehicle', id, '-infinity', 'infinity', 'what is learned of many is followed' FROM vehicle;
