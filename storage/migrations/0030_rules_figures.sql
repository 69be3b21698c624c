-- migrate:up
-- Rules about meters and institutions: what they rest on besides consumption makes them due.

-- Another calendar, other days that are alike.
CREATE FUNCTION rules_figures_calendar_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT looked_at.sort, looked_at.id, days.first, days.last, 'calendar'
    FROM (
        SELECT min(day)::timestamp AT TIME ZONE 'UTC' - interval '1 day' AS first,
               max(day)::timestamp AT TIME ZONE 'UTC' + interval '2 days' AS last
        FROM changed
    ) AS days
    CROSS JOIN (
        SELECT 'meter' AS sort, id FROM meter UNION ALL SELECT 'institution', id FROM institution
    ) AS looked_at
    WHERE days.first IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER rules_figures_calendar_entered AFTER INSERT ON calendar_day
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_figures_calendar_changed();
CREATE TRIGGER rules_figures_calendar_withdrawn AFTER UPDATE ON calendar_day
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_figures_calendar_changed();

-- A meter has the tags of the place where it hangs, and what these inherit.
CREATE FUNCTION rules_figures_tag_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT DISTINCT 'meter', meter.id, coalesce(lower(changed.valid), '-infinity'),
           coalesce(upper(changed.valid), 'infinity'), 'tag'
    FROM changed
    CROSS JOIN LATERAL (
        SELECT changed.place_id WHERE changed.place_id IS NOT NULL
        UNION ALL
        SELECT bound.place_id
        FROM building
        JOIN room ON room.building_id = building.id
        JOIN place_room AS bound ON bound.room_id = room.id
        WHERE room.id = changed.room_id OR building.id = changed.building_id
           OR building.institution_id = changed.institution_id
    ) AS below
    JOIN meter ON meter.place_id = below.place_id
    WHERE NOT isempty(changed.valid)
    UNION ALL
    SELECT 'institution', changed.institution_id, coalesce(lower(changed.valid), '-infinity'),
           coalesce(upper(changed.valid), 'infinity'), 'tag'
    FROM changed WHERE changed.institution_id IS NOT NULL AND NOT isempty(changed.valid);
    RETURN NULL;
END $$;
CREATE TRIGGER rules_figures_tagged AFTER INSERT ON tag REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_figures_tag_changed();
CREATE TRIGGER rules_figures_retagged AFTER UPDATE ON tag REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_figures_tag_changed();
CREATE TRIGGER rules_figures_was_tagged AFTER UPDATE ON tag REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_figures_tag_changed();

-- Who stands behind whom; and where a place is decides what it inherits.
CREATE FUNCTION rules_main_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT 'meter', main_id, coalesce(lower(valid), '-infinity'),
           coalesce(upper(valid), 'infinity'), 'main'
    FROM changed WHERE NOT isempty(valid);
    RETURN NULL;
END $$;
CREATE FUNCTION rules_meter_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT 'meter', meter.id, coalesce(lower(changed.valid), '-infinity'),
           coalesce(upper(changed.valid), 'infinity'), 'room'
    FROM changed JOIN meter USING (place_id) WHERE NOT isempty(changed.valid);
    RETURN NULL;
END $$;
DO $$
DECLARE
    watched record;
BEGIN
    FOR watched IN VALUES ('meter_main', 'rules_main_changed'), ('place_room', 'rules_meter_moved')
    LOOP
        EXECUTE format(
            'CREATE TRIGGER rules_figures_bound AFTER INSERT ON %1$I
             REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION %2$I();
             CREATE TRIGGER rules_figures_rebound AFTER UPDATE ON %1$I
             REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION %2$I();
             CREATE TRIGGER rules_figures_was_bound AFTER UPDATE ON %1$I
             REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION %2$I();
             CREATE TRIGGER rules_figures_unbound AFTER DELETE ON %1$I
             REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION %2$I();',
            watched.column1, watched.column2);
    END LOOP;
END $$;

-- What institutions report rests on much besides meters. Whoever changes any of it says whose it is
-- in the dirty log, once a statement: who reports for whom is for the reader of the log to find out.
CREATE FUNCTION rules_report_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whose int[];
BEGIN
    IF TG_ARGV[0] = 'own' THEN
        SELECT array_agg(DISTINCT institution_id) INTO whose FROM changed;
    ELSIF TG_ARGV[0] = 'account' THEN
        SELECT array_agg(DISTINCT bound.institution_id) INTO whose
        FROM changed JOIN utility_account_institution AS bound USING (account_id);
    END IF;
    IF TG_ARGV[0] = 'all' OR array_position(whose, NULL) IS NOT NULL THEN
        SELECT array_agg(id) INTO whose FROM institution WHERE EXISTS (SELECT FROM changed);
    END IF;
    IF whose IS NOT NULL THEN
        INSERT INTO dirty_log (kind, subjects, ts_from, ts_to)
        VALUES ('report', whose, now(), now());
    END IF;
    RETURN NULL;
END $$;
DO $$
DECLARE
    watched record;
BEGIN
    FOR watched IN VALUES
        ('quota', 'own'), ('institution_fact', 'own'), ('purchase', 'own'),
        ('earlier_month', 'own'), ('figure_precedence', 'own'),
        ('utility_account_institution', 'own'), ('bill', 'account'),
        ('utility_account_meter', 'account'), ('reporting_relation', 'all'),
        ('reporting_share', 'all'), ('tree_scope', 'all')
    LOOP
        EXECUTE format(
            'CREATE TRIGGER rules_report_entered AFTER INSERT ON %1$I
             REFERENCING NEW TABLE AS changed
             FOR EACH STATEMENT EXECUTE FUNCTION rules_report_changed(%2$L);
             CREATE TRIGGER rules_report_corrected AFTER UPDATE ON %1$I
             REFERENCING NEW TABLE AS changed
             FOR EACH STATEMENT EXECUTE FUNCTION rules_report_changed(%2$L);
             CREATE TRIGGER rules_report_deleted AFTER DELETE ON %1$I
             REFERENCING OLD TABLE AS changed
             FOR EACH STATEMENT EXECUTE FUNCTION rules_report_changed(%2$L);',
            watched.column1, watched.column2);
    END LOOP;
END $$;

-- What is usual rests on days as warm as the one in question. Temperatures are of the whole city.
CREATE FUNCTION rules_weather_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz;
    until timestamptz;
BEGIN
    IF TG_TABLE_NAME = 'outdoor_day' THEN
        SELECT min(day)::timestamp AT TIME ZONE 'UTC' - interval '1 day',
               max(day)::timestamp AT TIME ZONE 'UTC' + interval '2 days'
        INTO since, until FROM changed;
    ELSIF TG_TABLE_NAME = 'outdoor_temperature' THEN
        SELECT min(ts), max(ts) INTO since, until FROM changed;
    ELSE
        SELECT '-infinity', 'infinity' INTO since, until WHERE EXISTS (SELECT FROM changed);
    END IF;
    IF since IS NOT NULL THEN
        INSERT INTO dirty_log (kind, subjects, ts_from, ts_to)
        VALUES ('weather', '{0}', since, until);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER rules_weather_entered AFTER INSERT ON outdoor_day REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_weather_changed();
CREATE TRIGGER rules_weather_entered AFTER INSERT ON outdoor_temperature
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_weather_changed();
CREATE TRIGGER rules_weather_entered AFTER INSERT ON outdoor_sensor
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_weather_changed();
CREATE TRIGGER rules_weather_withdrawn AFTER UPDATE ON outdoor_sensor
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rules_weather_changed();
