-- migrate:up
-- The month in which the program began to be used: what institutions reported of earlier ones they
-- reported elsewhere, and nobody asks for it here. Where it is in use already all is asked for as before.
ALTER TABLE rules_report_month ADD COLUMN first date NOT NULL DEFAULT '2000-01-01';
ALTER TABLE rules_report_month ALTER COLUMN first DROP DEFAULT;
