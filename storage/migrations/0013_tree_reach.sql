-- migrate:up
-- What changed in the tree is noted by subject, so that only what rests on it is built anew.
ALTER TABLE tree_change
    ADD COLUMN subject text,     -- meter, place, room, building, institution; NULL: anything
    ADD COLUMN ids     int[];
ALTER TABLE tree_problem
    ADD COLUMN meter_id int;     -- whose it is; NULL: of relations
DELETE FROM tree_state;          -- build once more: the problems found so far do not say whose

-- From a room, a building, an institution or a main meter down to what rests on it.
CREATE INDEX building_institution ON building (institution_id);
CREATE INDEX room_building ON room (building_id);
CREATE INDEX place_room_room ON place_room (room_id);
CREATE INDEX meter_main_main ON meter_main (main_id);
CREATE INDEX meter_virtual ON meter (id) WHERE formula IS NOT NULL;

-- Arguments: the subject and its id in a changed row, as SQL; what the row is joined to.
CREATE FUNCTION tree_changed_rows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed text := CASE TG_OP
        WHEN 'INSERT' THEN 'TABLE after_'
        WHEN 'DELETE' THEN 'TABLE before_'
        ELSE '(TABLE after_ EXCEPT TABLE before_) UNION ALL (TABLE before_ EXCEPT TABLE after_)'
    END;
BEGIN
    EXECUTE format(
        'INSERT INTO tree_change (subject, ids)'
        ' SELECT %s, array_agg(DISTINCT %s) FROM (%s) AS c %s GROUP BY 1',
        TG_ARGV[0], TG_ARGV[1], changed, TG_ARGV[2]
    );
    RETURN NULL;
END $$;

DO $$
DECLARE
    watched record;
    event   record;
BEGIN
    FOR watched IN VALUES
        ('meter', '''meter''', 'id', ''),
        ('meter_main', '''meter''', 'meter_id', ''),
        ('place_room', '''place''', 'place_id', ''),
        ('room', '''room''', 'id', ''),
        ('building', '''building''', 'id', ''),
        ('reporting_relation', 'subject_kind', 'subject_id', ''),
        ('reporting_share', 'subject_kind', 'subject_id',
         'JOIN reporting_relation r ON r.id = relation_id')
    LOOP
        EXECUTE format('DROP TRIGGER tree_changed ON %I', watched.column1);
        EXECUTE format(
            'CREATE TRIGGER tree_truncated AFTER TRUNCATE ON %I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION tree_changed()', watched.column1
        );
        FOR event IN VALUES
            ('INSERT', 'NEW TABLE AS after_'),
            ('DELETE', 'OLD TABLE AS before_'),
            ('UPDATE', 'OLD TABLE AS before_ NEW TABLE AS after_')
        LOOP
            EXECUTE format(
                'CREATE TRIGGER tree_changed_%s AFTER %s ON %I REFERENCING %s'
                ' FOR EACH STATEMENT EXECUTE FUNCTION tree_changed_rows(%L, %L, %L)',
                lower(event.column1), event.column1, watched.column1, event.column2,
                watched.column2, watched.column3, watched.column4
            );
        END LOOP;
    END LOOP;
END $$;
