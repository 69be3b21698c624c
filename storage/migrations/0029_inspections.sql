-- migrate:up
-- What walking inspectors find. Their doubts live like all others; these say what they rest on.
CREATE TABLE inspection_photo (
    sha256  text  PRIMARY KEY,
    type    text  NOT NULL CHECK (type IN ('image/jpeg', 'image/png', 'image/webp', 'image/heic')),
    content bytea NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 20971520)
);
CREATE TABLE inspection (
    doubt_id     int            PRIMARY KEY REFERENCES doubt,
    seen_at      timestamptz    NOT NULL,
    inspector    text           NOT NULL CHECK (inspector <> ''),
    words        text           NOT NULL CHECK (words <> ''),
    reading      numeric(12, 3),
    unit         text,                      -- of the reading
    photo_sha256 text           REFERENCES inspection_photo,
    photo_name   text,
    entered_at   timestamptz    NOT NULL,
    CHECK ((reading IS NULL) = (unit IS NULL)),
    CHECK ((photo_sha256 IS NULL) = (photo_name IS NULL))
);
CREATE FUNCTION inspection_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what an inspector found is append-only: conclude its doubt instead';
END $$;
CREATE TRIGGER inspection_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON inspection
    FOR EACH STATEMENT EXECUTE FUNCTION inspection_is_append_only();
CREATE TRIGGER inspection_photo_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON inspection_photo
    FOR EACH STATEMENT EXECUTE FUNCTION inspection_is_append_only();
