-- migrate:up
-- What institutions report (reporting/). A report is of one institution and one period; it has revisions,
-- and what stands in the lines of one are its cells. Until it is signed the last revision is a draft,
-- which is compiled anew whenever anybody asks.
CREATE TABLE report (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    institution_id int  NOT NULL REFERENCES institution,
    cadence        text NOT NULL CHECK (cadence IN ('month', 'quarter', 'year')),
    first          date NOT NULL CHECK (extract(day FROM first) = 1),
    UNIQUE (institution_id, cadence, first)
);
CREATE INDEX report_period ON report (cadence, first);

-- sha256: of what is signed (reporting/life/content.py), from the moment it is handed in to be signed.
CREATE TABLE report_revision (
    report_id   int         NOT NULL REFERENCES report,
    number      int         NOT NULL CHECK (number >= 1),
    edition     text        NOT NULL,
    state       text        NOT NULL DEFAULT 'draft' CHECK (
        state IN ('draft', 'handed in', 'signed', 'submitted', 'accepted', 'returned')),
    compiled_at timestamptz NOT NULL,
    sha256      bytea       CHECK (length(sha256) = 32),
    PRIMARY KEY (report_id, number),
    CHECK ((sha256 IS NULL) = (state = 'draft'))
);

-- What stands in a line, the months that it leads back to, and what stood there a year before
-- (reporting/draft/cells.py).
CREATE TABLE report_cell (
    report_id int     NOT NULL,
    number    int     NOT NULL,
    line      text    NOT NULL,
    value     numeric,
    standing  text    NOT NULL CHECK (standing IN ('known', 'missing', 'absent')),
    why       text    NOT NULL,
    traces    jsonb   NOT NULL,
    before    numeric,
    PRIMARY KEY (report_id, number, line),
    FOREIGN KEY (report_id, number) REFERENCES report_revision,
    CHECK ((value IS NOT NULL) = (standing = 'known')),
    CHECK ((why <> '') = (standing = 'missing'))
);

CREATE TABLE report_finding (
    report_id int    NOT NULL,
    number    int    NOT NULL,
    n         int    NOT NULL,
    rule      text   NOT NULL,
    severity  text   NOT NULL CHECK (severity IN ('block', 'explain', 'note')),
    lines     text[] NOT NULL,
    said      text   NOT NULL,
    mend      text   NOT NULL,
    PRIMARY KEY (report_id, number, n),
    FOREIGN KEY (report_id, number) REFERENCES report_revision
);

-- What only people know: entered for a line of a report, withdrawn, never changed.
CREATE TABLE report_entry (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    report_id    int         NOT NULL REFERENCES report,
    line         text        NOT NULL,
    value        numeric     NOT NULL CHECK (value >= 0),
    note         text        NOT NULL,
    entered_by   text        NOT NULL CHECK (entered_by <> ''),
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL))
);
CREATE UNIQUE INDEX report_entry_one ON report_entry (report_id, line) WHERE withdrawn_at IS NULL;

-- Why something that was found is as it is: of a revision, a rule and the lines that it names; it holds
-- as long as what is found is what was said.
CREATE TABLE report_explanation (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    report_id    int         NOT NULL,
    number       int         NOT NULL,
    rule         text        NOT NULL,
    lines        text[]      NOT NULL,
    said         text        NOT NULL,
    words        text        NOT NULL CHECK (words <> ''),
    entered_by   text        NOT NULL CHECK (entered_by <> ''),
    entered_at   timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,
    FOREIGN KEY (report_id, number) REFERENCES report_revision,
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL))
);
CREATE UNIQUE INDEX report_explanation_one ON report_explanation (report_id, number, rule, lines)
    WHERE withdrawn_at IS NULL;

-- What people did with a revision: handed it in, signed it, sent it on, returned it.
CREATE TABLE report_deed (
    id        int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    report_id int         NOT NULL,
    number    int         NOT NULL,
    at        timestamptz NOT NULL,
    principal text        NOT NULL CHECK (principal <> ''),
    step      text        NOT NULL,
    role      text        CHECK (role IN ('filler', 'lead', 'head')),
    words     text        NOT NULL,
    sha256    bytea,
    FOREIGN KEY (report_id, number) REFERENCES report_revision
);
CREATE INDEX report_deed_revision ON report_deed (report_id, number, id);
CREATE FUNCTION report_deed_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'report_deed is append-only: what was done with a report stays';
END $$;
CREATE TRIGGER report_deed_is_append_only BEFORE UPDATE OR DELETE ON report_deed
    FOR EACH STATEMENT EXECUTE FUNCTION report_deed_is_append_only();

-- What is no draft any more is frozen, whoever asks.
CREATE FUNCTION report_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM changed JOIN report_revision AS one USING (report_id, number)
        WHERE one.state <> 'draft'
    ) THEN
        RAISE EXCEPTION '% of a report that is handed in or signed are frozen: revise it', TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER report_cell_added AFTER INSERT ON report_cell
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION report_is_frozen();
CREATE TRIGGER report_cell_changed AFTER UPDATE ON report_cell
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION report_is_frozen();
CREATE TRIGGER report_cell_moved AFTER UPDATE ON report_cell
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION report_is_frozen();
CREATE TRIGGER report_cell_removed AFTER DELETE ON report_cell
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION report_is_frozen();
CREATE TRIGGER report_finding_added AFTER INSERT ON report_finding
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION report_is_frozen();
CREATE TRIGGER report_finding_changed AFTER UPDATE ON report_finding
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION report_is_frozen();
CREATE TRIGGER report_finding_moved AFTER UPDATE ON report_finding
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION report_is_frozen();
CREATE TRIGGER report_finding_removed AFTER DELETE ON report_finding
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION report_is_frozen();
CREATE TRIGGER report_explanation_added AFTER INSERT ON report_explanation
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION report_is_frozen();
CREATE TRIGGER report_explanation_changed AFTER UPDATE ON report_explanation
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION report_is_frozen();
CREATE TRIGGER report_explanation_moved AFTER UPDATE ON report_explanation
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION report_is_frozen();
CREATE TRIGGER report_explanation_removed AFTER DELETE ON report_explanation
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION report_is_frozen();
CREATE FUNCTION report_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM report_deed) THEN
        RAISE EXCEPTION '% is not emptied: what is signed stays', TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER report_deed_stays BEFORE TRUNCATE ON report_deed
    FOR EACH STATEMENT EXECUTE FUNCTION report_stays();
CREATE TRIGGER report_cell_stays BEFORE TRUNCATE ON report_cell
    FOR EACH STATEMENT EXECUTE FUNCTION report_stays();
CREATE TRIGGER report_finding_stays BEFORE TRUNCATE ON report_finding
    FOR EACH STATEMENT EXECUTE FUNCTION report_stays();
CREATE TRIGGER report_explanation_stays BEFORE TRUNCATE ON report_explanation
    FOR EACH STATEMENT EXECUTE FUNCTION report_stays();

-- Of a revision that is frozen only the state goes on; it is a draft again from "handed in" alone.
CREATE FUNCTION report_revision_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a report that is handed in or signed is frozen: revise it';
END $$;
CREATE TRIGGER report_revision_changed BEFORE UPDATE ON report_revision FOR EACH ROW
    WHEN (OLD.state <> 'draft' AND (
        (NEW.report_id, NEW.number, NEW.edition, NEW.compiled_at)
            IS DISTINCT FROM (OLD.report_id, OLD.number, OLD.edition, OLD.compiled_at)
        OR (NEW.state = 'draft' AND OLD.state <> 'handed in')
        OR (NEW.state <> 'draft' AND NEW.sha256 <> OLD.sha256)))
    EXECUTE FUNCTION report_revision_is_frozen();
