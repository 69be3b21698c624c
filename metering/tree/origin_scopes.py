"""Where a month's energy was used, and which of it utility accounts tell of: SQL, day by day."""

from __future__ import annotations

from typing import Final, LiteralString

_DAYS_OF_VALID: Final[LiteralString] = """
    coalesce((lower(valid) AT TIME ZONE %(zone)s)::date, '-infinity') AS first,
    coalesce((upper(valid) AT TIME ZONE %(zone)s + interval '1 day -0.000001 s')::date,
             'infinity') AS behind
"""
"""The local days that a span of time touches, as ``timeline.days_of`` has them."""
# What counts an account is known by the account, wherever it hangs and whoever it counts for, on
# the days on which the account is somebody's (bound). One behind another of its account is not:
# when it counts for somebody else the account gives it away. Of two links or places on one day the
# later holds.
_ACCOUNTS: Final[LiteralString] = (
    """
WITH RECURSIVE counting AS MATERIALIZED (
    SELECT m.meter_id, m.account_id, o.institution_id, m.valid * o.valid AS days
    FROM utility_account_meter m JOIN utility_account_institution o USING (account_id)
    WHERE m.withdrawn_at IS NULL AND o.withdrawn_at IS NULL
        AND m.valid && o.valid AND m.valid * o.valid && daterange(%(month)s, %(next)s)
), lives AS NOT MATERIALIZED (
    SELECT id, energy, unit, direction, formula IS NOT NULL AS virtual,
           daterange(first, behind) AS days
    FROM meter, LATERAL (SELECT """  # noqa: S608 - constants
    + _DAYS_OF_VALID
    + """) AS day
    WHERE valid && tstzrange(%(begin)s, %(end)s)
), links AS MATERIALIZED (
    SELECT meter_id, main_id, main.virtual, l.days * m.days * main.days AS days
    FROM (
        SELECT meter_id, main_id, daterange(first, least(behind, lead(first) OVER (
            PARTITION BY meter_id ORDER BY lower(valid) NULLS FIRST
        ))) AS days
        FROM meter_main, LATERAL (SELECT """
    + _DAYS_OF_VALID
    + """) AS day
        WHERE valid && tstzrange(%(begin)s, %(end)s)
    ) AS l
    JOIN lives m ON m.id = l.meter_id
    JOIN lives main ON main.id = l.main_id AND (main.energy, main.unit) = (m.energy, m.unit)
    WHERE NOT isempty(l.days * m.days * main.days)
), within AS (
    SELECT account_id, meter_id, range_agg(daterange(since, until)) AS days
    FROM unnest(%(inside_accounts)s::int[], %(inside_meters)s::int[],
                %(inside_sinces)s::date[], %(inside_untils)s::date[])
        AS i (account_id, meter_id, since, until)
    GROUP BY 1, 2
), bound AS MATERIALIZED (
    SELECT c.meter_id, c.institution_id, piece AS days
    FROM counting c LEFT JOIN within w USING (meter_id, account_id),
    LATERAL unnest(datemultirange(c.days) - coalesce(w.days, '{}')) AS piece
), known AS MATERIALIZED (
    SELECT meter_id, range_agg(days) AS days FROM bound GROUP BY meter_id
), held AS MATERIALIZED (
    SELECT o.institution_id, a.energy, range_agg(o.valid) AS days
    FROM utility_account_institution o JOIN utility_account a ON a.id = o.account_id
    WHERE o.withdrawn_at IS NULL AND o.valid && daterange(%(month)s, %(next)s)
    GROUP BY 1, 2
)
"""
)
# What is taken off belongs to where the energy was counted before: up the mains to the first one
# that an account tells of, or that counts for somebody itself (the root). A meter that an account
# tells of is hidden in the root, whoever both count for: it is taken off from what a root counted,
# and never from a bill: no supplier sells the same twice. What passed on out of a bill above that
# root is less by it (upper). A virtual main that no account has a part of stands for the first of
# its sources that there is (stand_ins), unless different ones hold them.
_ROOTS: Final[LiteralString] = """
, asked AS MATERIALIZED (
    SELECT meter_id, energy, unit, holder_id, sign, role, parts, daterange(since, until) AS days
    FROM tree_scope
    WHERE level = %(level)s AND since < %(next)s AND until > %(month)s
), passing AS MATERIALIZED (
    SELECT meter_id, range_agg(days) AS days FROM asked WHERE sign < 0 GROUP BY meter_id
), hidden AS MATERIALIZED (
    SELECT meter_id, k.days FROM known k JOIN meter m ON m.id = k.meter_id
    WHERE m.direction = 'in' AND meter_id IN (SELECT meter_id FROM links)
), sources AS MATERIALIZED (
    SELECT virtual_id, source_id, l.days, k.days AS known
    FROM unnest(%(virtuals)s::int[], %(sources)s::int[]) AS v (virtual_id, source_id)
    JOIN lives l ON l.id = source_id LEFT JOIN known k ON k.meter_id = source_id
), stand_ins AS MATERIALIZED (
    SELECT virtual_id, source_id, datemultirange(days) - coalesce(range_agg(days) OVER (
        PARTITION BY virtual_id ORDER BY source_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), '{}') - coalesce(
        (SELECT range_agg(o.known) FROM sources o WHERE o.virtual_id = s.virtual_id), '{}'
    ) AS days
    FROM sources s
), added AS MATERIALIZED (
    SELECT meter_id, range_agg(days) AS days FROM asked
    WHERE sign > 0
        AND meter_id IN (SELECT main_id FROM links UNION SELECT source_id FROM stand_ins)
    GROUP BY meter_id
), climb (meter_id, hidden, main_id, days) AS (
    SELECT p.meter_id, false, l.main_id, piece
    FROM passing p JOIN links l ON l.meter_id = p.meter_id AND NOT l.virtual
    LEFT JOIN hidden h ON h.meter_id = p.meter_id,
    LATERAL unnest(p.days * datemultirange(l.days) - coalesce(h.days, '{}')) AS piece
    UNION
    SELECT h.meter_id, true, l.main_id, piece
    FROM hidden h JOIN links l ON l.meter_id = h.meter_id AND NOT l.virtual,
    LATERAL unnest(h.days * datemultirange(l.days)) AS piece
    UNION
    SELECT h.meter_id, true, s.source_id, piece
    FROM hidden h JOIN links l ON l.meter_id = h.meter_id AND l.virtual
    JOIN stand_ins s ON s.virtual_id = l.main_id,
    LATERAL unnest(h.days * datemultirange(l.days) * s.days) AS piece
    WHERE NOT EXISTS (
        SELECT FROM tree_problem p WHERE p.kind = 'mixed' AND p.meter_id = h.meter_id
    )
    UNION
    SELECT c.meter_id, c.hidden, l.main_id, piece
    FROM climb c
    JOIN links l ON l.meter_id = c.main_id AND NOT l.virtual AND l.days && c.days
    LEFT JOIN added a ON a.meter_id = c.main_id
    LEFT JOIN known k ON k.meter_id = c.main_id,
    LATERAL unnest(
        datemultirange(c.days * l.days) - coalesce(a.days, '{}') - coalesce(k.days, '{}')
    ) AS piece
), roots AS MATERIALIZED (
    SELECT c.meter_id, c.hidden, c.main_id AS root_id, b.institution_id, c.days * b.days AS days
    FROM climb c JOIN bound b ON b.meter_id = c.main_id AND b.days && c.days
    UNION ALL
    SELECT c.meter_id, c.hidden, c.main_id, NULL, piece
    FROM climb c
    JOIN added a ON a.meter_id = c.main_id
    LEFT JOIN known k ON k.meter_id = c.main_id,
    LATERAL unnest(datemultirange(c.days) * a.days - coalesce(k.days, '{}')) AS piece
), upper (meter_id, at_id, first, days) AS (
    SELECT meter_id, root_id, true, days FROM roots WHERE hidden AND institution_id IS NULL
    UNION
    SELECT u.meter_id, r.root_id, false, u.days * r.days
    FROM upper u JOIN roots r ON r.meter_id = u.at_id AND NOT r.hidden AND r.days && u.days
    WHERE r.institution_id IS NULL
), rooted AS MATERIALIZED (
    SELECT meter_id, range_agg(days) AS days FROM roots GROUP BY meter_id
)
"""
# Each row with the meter where its energy was counted (at_id) or the institution whose account
# tells of it. What passes on behind a meter of an account is taken off from whoever has the bill
# (given). What a bill of the place would contain is in_bills; what corrects such a bill, and so
# counts on its days alone, is off_bill.
_SIGNED: Final[LiteralString] = """
, given AS MATERIALIZED (
    SELECT meter_id, daterange(since, until) AS days, holder_id, parts
    FROM unnest(%(payers)s::int[], %(sinces)s::date[], %(untils)s::date[], %(holders)s::int[],
                %(shares)s::int8[]) AS given (meter_id, since, until, holder_id, parts)
), open AS MATERIALIZED (
    SELECT t.*, t.sign > 0 AND t.role = 'in' AND NOT coalesce(p.days && t.days, false) AS in_bills
    FROM asked t LEFT JOIN passing p USING (meter_id)
), charged AS (
    SELECT t.meter_id, t.energy, t.unit, t.sign, t.role, r.root_id, r.institution_id,
           t.days * r.days AS days
    FROM (SELECT DISTINCT meter_id, energy, unit, sign, role, days FROM open WHERE sign < 0) AS t
    JOIN roots r ON r.meter_id = t.meter_id AND NOT r.hidden AND r.days && t.days
    WHERE r.institution_id IS NOT NULL
    UNION ALL
    SELECT u.meter_id, m.energy, m.unit, 1, 'in', r.root_id, r.institution_id, u.days * r.days
    FROM upper u JOIN meter m ON m.id = u.meter_id
    JOIN roots r ON r.meter_id = u.at_id AND NOT r.hidden AND r.days && u.days
    WHERE r.institution_id IS NOT NULL
), signed AS MATERIALIZED (
    SELECT t.meter_id, t.energy, t.unit, t.holder_id, t.sign, t.role, t.parts, t.in_bills,
           false AS off_bill, t.meter_id AS at_id, NULL::int AS institution_id, piece AS days
    FROM open t LEFT JOIN known k USING (meter_id),
    LATERAL unnest(datemultirange(t.days) - coalesce(k.days, '{}')) AS piece
    WHERE t.sign > 0
    UNION ALL
    SELECT t.meter_id, t.energy, t.unit, t.holder_id, t.sign, t.role, t.parts, false, false,
           t.meter_id, NULL, piece
    FROM open t LEFT JOIN rooted r USING (meter_id),
    LATERAL unnest(datemultirange(t.days) - coalesce(r.days, '{}')) AS piece
    WHERE t.sign < 0
    UNION ALL
    SELECT t.meter_id, t.energy, t.unit, t.holder_id, t.sign, t.role, t.parts, false, false,
           r.root_id, NULL, t.days * r.days
    FROM open t JOIN roots r ON r.meter_id = t.meter_id AND NOT r.hidden AND r.days && t.days
    WHERE t.sign < 0 AND r.institution_id IS NULL
    UNION ALL
    SELECT t.meter_id, t.energy, t.unit, g.holder_id, t.sign, t.role, g.parts, false, false,
           t.root_id, t.institution_id, t.days * g.days
    FROM charged t JOIN given g ON g.meter_id = t.root_id AND g.days && t.days
    UNION ALL
    SELECT r.meter_id, t.energy, t.unit, t.holder_id, -1, 'supplied', t.parts, t.in_bills, false,
           r.root_id, NULL, t.days * r.days
    FROM roots r JOIN open t ON t.meter_id = r.root_id AND t.sign > 0 AND t.role = 'in'
        AND t.days && r.days
    WHERE r.hidden AND r.institution_id IS NULL
    UNION ALL
    SELECT u.meter_id, t.energy, t.unit, t.holder_id, 1, 'in', t.parts, false, true,
           u.at_id, NULL, t.days * u.days
    FROM upper u JOIN open t ON t.meter_id = u.at_id AND t.in_bills AND t.days && u.days
    WHERE NOT u.first
)
"""
# What hangs nowhere belongs to where its main stands, else to whom a relation of its own leads, the
# first of several, else to where what it is taken off from was counted.
_SITED: Final[LiteralString] = (
    """
, wanted AS MATERIALIZED (
    SELECT at_id AS meter_id FROM signed WHERE institution_id IS NULL
    UNION
    SELECT main_id FROM links WHERE meter_id IN (SELECT at_id FROM signed)
), stands AS MATERIALIZED (
    SELECT meter_id, institution_id, unnest(range_agg(days)) AS days
    FROM (
        SELECT m.id AS meter_id, b.institution_id, daterange(first, least(behind, lead(first) OVER (
            PARTITION BY m.id ORDER BY lower(p.valid) NULLS FIRST
        ))) AS days
        FROM wanted w
        JOIN meter m ON m.id = w.meter_id
        JOIN place_room p ON p.place_id = m.place_id AND p.valid && tstzrange(%(begin)s, %(end)s)
        JOIN room r ON r.id = p.room_id
        JOIN building b ON b.id = r.building_id,
        LATERAL (SELECT """  # noqa: S608 - constants
    + _DAYS_OF_VALID.replace("valid", "p.valid")
    + """) AS day
    ) AS hung
    GROUP BY 1, 2
), stood AS MATERIALIZED (
    SELECT meter_id, range_agg(days) AS days FROM stands GROUP BY meter_id
), sited AS (
    SELECT s.*, institution_id AS origin_id FROM signed s WHERE institution_id IS NOT NULL
    UNION ALL
    SELECT meter_id, energy, unit, holder_id, sign, role, parts, in_bills, off_bill, at_id,
           s.institution_id, s.days * w.days, w.institution_id
    FROM signed s JOIN (SELECT meter_id AS at_id, institution_id, days FROM stands) AS w
        USING (at_id)
    WHERE s.institution_id IS NULL AND s.days && w.days
    UNION ALL
    SELECT s.meter_id, s.energy, s.unit, holder_id, sign, role, parts, in_bills, off_bill, at_id,
           institution_id, piece, coalesce(
        (SELECT w.institution_id FROM links l JOIN stands w ON w.meter_id = l.main_id
         WHERE l.meter_id = at_id AND l.days && piece AND w.days && piece
         ORDER BY upper(l.days * w.days) DESC, 1 LIMIT 1),
        (SELECT min(t.holder_id) FROM asked t
         WHERE t.meter_id = at_id AND t.sign > 0 AND t.days @> piece AND t.holder_id > 0),
        (SELECT min(r.institution_id) FROM roots r WHERE r.meter_id = at_id AND r.days && piece)
    )
    FROM signed s LEFT JOIN stood ON stood.meter_id = at_id,
    LATERAL unnest(
        datemultirange(s.days * daterange(%(month)s, %(next)s)) - coalesce(stood.days, '{}')
    ) AS piece
    WHERE institution_id IS NULL
), scopes AS NOT MATERIALIZED (
    SELECT meter_id, s.energy, unit, holder_id, sign, role, parts, in_bills, origin_id,
           with_account, lower(piece) AS since, upper(piece) AS until
    FROM sited s LEFT JOIN held h ON (h.institution_id, h.energy) = (origin_id, s.energy),
    LATERAL (
        SELECT false AS with_account, free AS piece
        FROM unnest(datemultirange(s.days) - coalesce(h.days, '{}')) AS free
        WHERE NOT off_bill
        UNION ALL
        SELECT true, taken
        FROM unnest(datemultirange(s.days) * h.days) AS taken
        WHERE NOT in_bills
    ) AS cut
    WHERE lower(piece) < %(next)s AND upper(piece) > %(month)s AND origin_id IS NOT NULL
)
"""
)
SCOPES: Final[LiteralString] = _ACCOUNTS + _ROOTS + _SIGNED + _SITED
"""``scopes``: for whom a meter counts on which days of a month, and where.

What a bill of the place would contain (``in_bills``) is absent on days on which the institution
there has an account of the energy (``with_account``).
"""
