-- migrate:up
-- Who is sensitive on which days, said once (docs/privacy.md): for ever by the inventory, from a
-- day on by the ledger, which keeps motorcycles, vessels and boilers too. A vehicle has one code in
-- both. Days are of the site's zone, from `since` to before `until`.
CREATE VIEW sensitivity AS
SELECT code, id AS vehicle_id, '-infinity'::date AS since, 'infinity'::date AS until
FROM vehicle WHERE sensitive
UNION ALL
SELECT c.code, c.vehicle_id, f.since, coalesce(other.since, 'infinity') AS until
FROM consumer_fact f
JOIN fuel_consumer c ON c.id = f.consumer_id AND c.withdrawn_at IS NULL
LEFT JOIN LATERAL (
    SELECT n.since FROM consumer_fact n
    WHERE n.consumer_id = f.consumer_id AND n.name = 'secrecy' AND n.withdrawn_at IS NULL
      AND n.since > f.since
    ORDER BY n.since LIMIT 1
) other ON true
WHERE f.name = 'secrecy' AND f.value = 'sensitive' AND f.withdrawn_at IS NULL;

-- Of these, those that can have a track.
CREATE OR REPLACE VIEW vehicle_sensitivity AS
SELECT vehicle_id, since, until FROM sensitivity WHERE vehicle_id IS NOT NULL;

-- Whose tracks the last removal left alone, for they could not be computed: one that was killed is
-- brought to its end without them, whatever has become of them since.
ALTER TABLE track_retention ADD COLUMN held int[] NOT NULL DEFAULT '{}';
