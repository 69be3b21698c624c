-- migrate:up
-- Who reports what, and where an institution stands. All of it is dated by local days; facts are
-- withdrawn, never edited. What is derived from it (tree_…) can be thrown away.

-- For what a meter, room, building or institution counts, when not simply for itself.
CREATE TABLE reporting_relation (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject_kind text NOT NULL CHECK (subject_kind IN ('institution', 'building', 'room', 'meter')),
    subject_id   int NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('own', 'on_behalf', 'merged', 'shared', 'excluded')),
    valid        daterange NOT NULL CHECK (NOT isempty(valid)),
    note         text NOT NULL DEFAULT '',
    entered_by   text NOT NULL,
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,
    EXCLUDE USING gist (subject_kind WITH =, subject_id WITH =, valid WITH &&)
        WHERE (withdrawn_at IS NULL)
);
-- To whom it counts: nobody (excluded), one (own, on behalf, merged) or several (shared).
CREATE TABLE reporting_share (
    relation_id    int NOT NULL REFERENCES reporting_relation,
    institution_id int NOT NULL REFERENCES institution,
    parts          int NOT NULL CHECK (parts > 0),
    PRIMARY KEY (relation_id, institution_id)
);

-- District, type and level of an institution; codes are the statistical system's, text as they come.
CREATE TABLE institution_place (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    institution_id int NOT NULL REFERENCES institution,
    district       text NOT NULL CHECK (district <> ''),
    type           text NOT NULL DEFAULT '',   -- type code: 01, 021 …
    level          text NOT NULL DEFAULT '',   -- province, city, county, township …
    valid          daterange NOT NULL CHECK (NOT isempty(valid)),
    entered_by     text NOT NULL,
    entered_at     timestamptz NOT NULL,
    withdrawn_by   text,
    withdrawn_at   timestamptz,
    EXCLUDE USING gist (institution_id WITH =, valid WITH &&) WHERE (withdrawn_at IS NULL)
);

-- Derived: for whom each meter counts on which days. A sub-meter whose main counts for the same
-- holder has no row; one whose main counts for another is added here and taken off there.
CREATE TABLE tree_scope (
    meter_id  int     NOT NULL,
    energy    text    NOT NULL,          -- of the meter, and its unit
    unit      text    NOT NULL,
    level     text    NOT NULL,          -- institution, item (institution and item), building, room
    holder_id int     NOT NULL,          -- institution, building or room; 0: nobody known, -1: outsiders
    item      text    NOT NULL,          -- on level item: the sub-item code, '' for none
    sign      int2    NOT NULL CHECK (sign IN (-1, 1)),
    role      text    NOT NULL,          -- in, generated, supplied
    divided   boolean NOT NULL,
    parts     int8    NOT NULL,          -- when divided, the holder's share: parts of `whole`
    whole     int8    NOT NULL,
    since     date    NOT NULL,          -- first day, or -infinity
    until     date    NOT NULL           -- the day behind the last, or infinity
);
CREATE INDEX tree_scope_meter ON tree_scope (meter_id);
-- Derived: what in the tree makes no sense, and what was made of it.
CREATE TABLE tree_problem (
    kind    text NOT NULL,
    subject text NOT NULL,
    text    text NOT NULL
);

-- The tree is built anew when anything it rests on has changed.
CREATE TABLE tree_change (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
CREATE TABLE tree_state (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    zone text NOT NULL
);
CREATE FUNCTION tree_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tree_change DEFAULT VALUES;
    RETURN NULL;
END $$;
CREATE TRIGGER tree_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON building
    FOR EACH STATEMENT EXECUTE FUNCTION tree_changed();
CREATE TRIGGER tree_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON room
    FOR EACH STATEMENT EXECUTE FUNCTION tree_changed();
CREATE TRIGGER tree_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON place_room
    FOR EACH STATEMENT EXECUTE FUNCTION tree_changed();
CREATE TRIGGER tree_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON meter
    FOR EACH STATEMENT EXECUTE FUNCTION tree_changed();
CREATE TRIGGER tree_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON meter_main
    FOR EACH STATEMENT EXECUTE FUNCTION tree_changed();
CREATE TRIGGER tree_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON reporting_relation
    FOR EACH STATEMENT EXECUTE FUNCTION tree_changed();
CREATE TRIGGER tree_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON reporting_share
    FOR EACH STATEMENT EXECUTE FUNCTION tree_changed();
