-- migrate:up
-- The month that has begun last: what institutions report of months before it is due some day, and
-- becomes so without anything new (rules/subjects/institutions/due.py).
CREATE TABLE rules_report_month (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    month date    NOT NULL CHECK (extract(day FROM month) = 1)
);
