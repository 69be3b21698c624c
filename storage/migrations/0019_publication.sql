-- migrate:up
-- What was posted of an institution's vehicles in a month. Frozen: a correction is a further
-- revision, and only its withdrawal may be noted on a row.
CREATE TABLE vehicle_publication (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    institution_id int  NOT NULL REFERENCES institution,
    month          date NOT NULL CHECK (extract(day FROM month) = 1),
    revision       int  NOT NULL CHECK (revision > 0),
    content        text NOT NULL,        -- fleet/publish/content.py, byte for byte
    basis          jsonb NOT NULL,       -- vehicle → the records that its figures stand on
    why            text NOT NULL DEFAULT '',
    published_by   text NOT NULL,
    published_at   timestamptz NOT NULL,
    withdrawn_by   text,
    withdrawn_at   timestamptz,
    withdrawn_why  text,
    UNIQUE (institution_id, month, revision),
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL))
);

CREATE FUNCTION vehicle_publication_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.withdrawn_at IS NULL
        AND to_jsonb(OLD) - '{withdrawn_by,withdrawn_at,withdrawn_why}'::text[]
            = to_jsonb(NEW) - '{withdrawn_by,withdrawn_at,withdrawn_why}'::text[] THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'TRUNCATE' AND NOT EXISTS (SELECT FROM vehicle_publication) THEN
        RETURN NULL;  -- there is nothing to keep
    END IF;
    RAISE EXCEPTION 'what was published is frozen';
END $$;
CREATE TRIGGER vehicle_publication_frozen BEFORE UPDATE OR DELETE ON vehicle_publication
    FOR EACH ROW EXECUTE FUNCTION vehicle_publication_is_frozen();
CREATE TRIGGER vehicle_publication_kept BEFORE TRUNCATE ON vehicle_publication
    FOR EACH STATEMENT EXECUTE FUNCTION vehicle_publication_is_frozen();
