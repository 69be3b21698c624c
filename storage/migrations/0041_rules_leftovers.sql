-- migrate:up
-- What could not be learned again of all subjects of a sort (rules_vehicle_learned): doubts rest on what was
-- learned before. Gone once it was learned.
CREATE TABLE rule_not_learned (
    sort     text        PRIMARY KEY,
    since    timestamptz NOT NULL,
    tried_at timestamptz NOT NULL,            -- the last time,
    error    text        NOT NULL             -- and why it failed then
);

-- What a vehicle drove on a day: fixes that belong to no trip and no stop change it alone.
CREATE FUNCTION rules_vehicle_of_vehicle_share() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_vehicle_change (vehicle_id, ts_from, ts_to, ways)
    SELECT vehicle_id, min(owner_at), max(greatest(owner_at, last_at)), true
    FROM changed GROUP BY vehicle_id;
    RETURN NULL;
END $$;
CREATE TRIGGER rules_vehicle_came AFTER INSERT ON vehicle_share REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_vehicle_of_vehicle_share();
CREATE TRIGGER rules_vehicle_is AFTER UPDATE ON vehicle_share REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_vehicle_of_vehicle_share();
CREATE TRIGGER rules_vehicle_was AFTER UPDATE ON vehicle_share REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_vehicle_of_vehicle_share();
CREATE TRIGGER rules_vehicle_went AFTER DELETE ON vehicle_share REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_vehicle_of_vehicle_share();

-- What nobody took note of; of what is older, tracks may be gone, and a look would take doubts back.
INSERT INTO rules_vehicle_change (vehicle_id, ts_from, ts_to, ways)
SELECT vehicle_id, min(owner_at), max(greatest(owner_at, last_at)), true
FROM vehicle_share WHERE kind = 'rest' AND owner_at > now() - interval '30 days'
GROUP BY vehicle_id;
