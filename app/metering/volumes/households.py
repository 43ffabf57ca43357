"""The statements that read single households: whole months from the rollup, shorter slots from the ledger itself."""

from app.db import Statement
from app.metering.records import WEIGHED
from app.metering.volumes.model import Ask
from app.metering.volumes.slots import midnight
from app.metering.volumes.statements import Scope, key_of, whole_months

OUTCOMES = ", ".join(f"'{outcome}'" for outcome in sorted(WEIGHED))
SAME_NUMBER = (
    "{0}.district_id = {1}.district_id AND {0}.gateway_id = {1}.gateway_id "
    "AND {0}.epoch_no = {1}.epoch_no AND {0}.seq = {1}.seq"
)
LAST = f"c.revision = (SELECT max(l.revision) FROM discharge_correction l WHERE {SAME_NUMBER.format('l', 'c')})"


def page(scope: Scope, after: int, limit: int) -> Statement:
    """Rows of household id, complex id, building and unit with an id above `after`, by id."""
    sql = f"""
        SELECT h.id, c.id, b.name, h.unit FROM complex c
        JOIN household h ON h.district_id = c.district_id AND h.complex_id = c.id
        JOIN building b ON b.district_id = h.district_id AND b.id = h.building_id
        WHERE {scope.sql} AND h.id > ? ORDER BY h.id LIMIT ?
    """
    return sql, (*scope.parameters, after, limit)


def sums_of_page(scope: Scope, ask: Ask, first: int, last: int, sqlite: bool) -> Statement:
    """Rows of household, key, count, grams, 0 and 0 for the households of a page; the range is of whole months."""
    sql = f"""
        SELECT t.household_id, {key_of(ask.by, "month", sqlite)},
               CAST(sum(t.weighed_count) AS bigint), CAST(sum(t.weighed_g) AS bigint), 0, 0
        FROM complex c JOIN household h ON h.district_id = c.district_id AND h.complex_id = c.id
        JOIN household_month t ON t.district_id = h.district_id AND t.household_id = h.id
        WHERE {scope.sql} AND h.id BETWEEN ? AND ? AND t.month >= ? AND t.month < ? GROUP BY 1, 2
    """
    return sql, (*scope.parameters, first, last, ask.start, ask.end)


def sums(district_id: int, ask: Ask, sqlite: bool) -> Statement:
    """Rows of 0, key, count, grams, 0 and 0 of one household."""
    if ask.by in (None, "month", "year") and whole_months(ask.start, ask.end):
        return _months(district_id, ask, sqlite)
    return _ledger(district_id, ask, sqlite)


def _months(district_id: int, ask: Ask, sqlite: bool) -> Statement:
    sql = f"""
        SELECT 0, {key_of(ask.by, "month", sqlite)},
               CAST(sum(t.weighed_count) AS bigint), CAST(sum(t.weighed_g) AS bigint), 0, 0
        FROM household_month t WHERE t.district_id = ? AND t.household_id = ? AND t.month >= ? AND t.month < ?
        GROUP BY 1, 2
    """
    return sql, (district_id, ask.place.id, ask.start, ask.end)


def _ledger(district_id: int, ask: Ask, sqlite: bool) -> Statement:
    """Each discharge as its last correction says; those attributed to the household later are found by correction."""
    hour = "t.occurred_at - t.occurred_at % 3600000000" if sqlite else "date_trunc('hour', t.occurred_at, 'UTC')"
    key = hour if ask.by == "hour" else key_of(ask.by, "service_day", sqlite)
    sql = f"""
        SELECT 0, {key}, count(*), CAST(sum(t.net_g) AS bigint), 0, 0 FROM (
            SELECT d.service_day, d.occurred_at, CASE WHEN c.revision IS NULL THEN d.net_g ELSE c.net_g END AS net_g
            FROM discharge d LEFT JOIN discharge_correction c ON {SAME_NUMBER.format("c", "d")} AND {LAST}
            WHERE d.district_id = ? AND d.household_id = ? AND d.occurred_at >= ? AND d.occurred_at < ?
              AND d.service_day >= ? AND d.service_day < ?
              AND CASE WHEN c.revision IS NULL THEN d.outcome IN ({OUTCOMES}) AND d.net_g IS NOT NULL
                       ELSE NOT c.voided AND c.household_id = d.household_id
                            AND c.outcome IN ({OUTCOMES}) AND c.net_g IS NOT NULL END
            UNION ALL
            SELECT d.service_day, d.occurred_at, c.net_g FROM discharge_correction c
            JOIN discharge d ON {SAME_NUMBER.format("d", "c")} AND d.service_day = c.service_day
            WHERE c.district_id = ? AND c.household_id = ? AND c.service_day >= ? AND c.service_day < ?
              AND NOT c.voided AND c.outcome IN ({OUTCOMES}) AND c.net_g IS NOT NULL AND {LAST}
              AND (d.household_id IS NULL OR d.household_id <> c.household_id)
        ) t GROUP BY 1, 2
    """
    household, days = (district_id, ask.place.id), (ask.start, ask.end)
    return sql, (*household, midnight(ask.start), midnight(ask.end), *days, *household, *days)
