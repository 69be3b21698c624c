-- migrate:up
-- A vehicle has one code in the ledger and in the inventory. One that the ledger knew first is linked
-- when the inventory brings it: else what the ledger says of it, that it is sensitive, would not count.
CREATE FUNCTION ledger_knows_vehicle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE fuel_consumer SET vehicle_id = known.id FROM changed AS known
    WHERE fuel_consumer.code = known.code AND fuel_consumer.vehicle_id IS NULL
      AND fuel_consumer.withdrawn_at IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_knows AFTER INSERT ON vehicle REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_knows_vehicle();
UPDATE fuel_consumer SET vehicle_id = vehicle.id FROM vehicle
WHERE fuel_consumer.code = vehicle.code AND fuel_consumer.vehicle_id IS NULL
  AND fuel_consumer.withdrawn_at IS NULL;
