"""The statements that read volumes, for the driver itself. Each touches the rows of its range only.

They start from the complexes of the place and go down each one's part of the key, however large the tables are.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from app.access.reach import WHOLE, Reach
from app.db import Statement
from app.metering.volumes.model import Ask, Place
from app.metering.volumes.slots import By, midnight, month_after
from billing.days import month_of

USUAL_DAYS = 56  # eight of each weekday

HOUSEHOLDS = """
    CASE WHEN c.declared_households IS NULL
         THEN (SELECT count(*) FROM household h WHERE h.district_id = c.district_id AND h.complex_id = c.id)
         ELSE c.declared_households END
"""
PARTS: dict[str | None, str] = {None: "0", "complex": "c.id", "dong": "coalesce(c.dong_code, '')", "household": "c.id"}


class Scope(NamedTuple):
    """Which complexes: a condition on `complex c`, and its parameters; `district_id` where all of that are meant."""

    sql: str
    parameters: tuple[Any, ...]
    district_id: int | None = None


def scope_of(district_id: int, place: Place, reach: Reach = WHOLE) -> Scope:
    """The complexes of a place that are within reach; for a household the one in which it lives."""
    scope = _scope_of(district_id, place)
    if reach.complex_ids is None:
        return scope
    ids = sorted(reach.complex_ids)
    among = f"c.id IN ({', '.join('?' * len(ids))})" if ids else "false"
    return Scope(f"{scope.sql} AND {among}", (*scope.parameters, *ids))


def _scope_of(district_id: int, place: Place) -> Scope:
    match place.kind:
        case "dong":
            return Scope("c.district_id = ? AND c.dong_code = ?", (district_id, place.code))
        case "complex":
            return Scope("c.district_id = ? AND c.id = ?", (district_id, place.id))
        case "household":
            home = "(SELECT h.complex_id FROM household h WHERE h.district_id = c.district_id AND h.id = ?)"
            return Scope(f"c.district_id = ? AND c.id = {home}", (district_id, place.id))
        case _:
            return Scope("c.district_id = ?", (district_id,), district_id)


def between(scope: Scope, first: int, last: int) -> Scope:
    """Those complexes of the scope that have an id from `first` to `last`."""
    return Scope(f"{scope.sql} AND c.id BETWEEN ? AND ?", (*scope.parameters, first, last))


def complexes(scope: Scope) -> Statement:
    """Rows of complex id, code, name, dong code, dong name and households, by id."""
    sql = f"""
        SELECT c.id, c.code, c.name, coalesce(c.dong_code, ''), coalesce(d.name, d.code, ''), {HOUSEHOLDS}
        FROM complex c LEFT JOIN dong d ON d.district_id = c.district_id AND d.code = c.dong_code
        WHERE {scope.sql} ORDER BY c.id
    """
    return sql, scope.parameters


def standing(scope: Scope, start: datetime, end: datetime) -> Statement:
    """Rows of complex, gateway, meters, meter, from, to: the meters that stood there.

    Those that stood there all the time are counted (`meter` is null), the others come one by one. The plus sign keeps
    SQLite from going through every gateway of the district for the sake of the order.
    """
    whole = "a.valid_from <= ? AND (a.valid_to IS NULL OR a.valid_to >= ?)"
    some = "a.valid_from < ? AND (a.valid_to IS NULL OR a.valid_to > ?)"
    source = "complex c JOIN meter_assignment a ON a.district_id = c.district_id AND a.complex_id = c.id"
    sql = f"""
        SELECT c.id, +a.gateway_id, count(*), CAST(NULL AS integer), min(a.valid_from), max(a.valid_to)
        FROM {source} AND {whole} WHERE {scope.sql} GROUP BY 1, 2
        UNION ALL
        SELECT c.id, a.gateway_id, 1, a.meter_id, a.valid_from, a.valid_to
        FROM {source} AND {some} AND NOT ({whole}) WHERE {scope.sql}
    """
    return sql, (start, end, *scope.parameters, end, start, start, end, *scope.parameters)


def sums(scope: Scope, ask: Ask, sqlite: bool) -> Statement:
    """Rows of part, key, count, grams, suspense count and suspense grams."""
    table, column, start, end = _source(ask)
    key = key_of(ask.by, column, sqlite)
    totals = ("weighed_count", "weighed_g", "suspense_count", "suspense_g")
    measured = ", ".join(f"CAST(sum(t.{name}) AS bigint)" for name in totals)
    if scope.district_id is not None and table == "complex_day" and ask.per != "dong" and not sqlite:
        # PostgreSQL reads the days of all complexes in one go twice as fast as complex by complex, SQLite half as fast.
        part = "t.complex_id" if ask.per else "0"
        sql = f"""
            SELECT {part}, {key}, {measured} FROM complex_day t
            WHERE t.district_id = ? AND t.service_day >= ? AND t.service_day < ? GROUP BY 1, 2
        """
        return sql, (scope.district_id, start, end)
    sql = f"""
        SELECT {PARTS[ask.per]}, {key}, {measured} FROM complex c JOIN {table} t
          ON t.district_id = c.district_id AND t.complex_id = c.id AND t.{column} >= ? AND t.{column} < ?
        WHERE {scope.sql} GROUP BY 1, 2
    """
    return sql, (start, end, *scope.parameters)


def daily(scope: Scope, ask: Ask) -> Statement:
    """Rows of part, service day and grams for the range and the weeks before, from which the usual is taken."""
    sql = f"""
        SELECT {PARTS[ask.per]}, t.service_day, CAST(sum(t.weighed_g) AS bigint) FROM complex c JOIN complex_day t
          ON t.district_id = c.district_id AND t.complex_id = c.id AND t.service_day >= ? AND t.service_day < ?
        WHERE {scope.sql} GROUP BY 1, 2 HAVING sum(t.weighed_count) > 0
    """
    return sql, (ask.start - timedelta(days=USUAL_DAYS), ask.end, *scope.parameters)


def alive(scope: Scope, ask: Ask, moved: Iterable[int], sqlite: bool) -> Statement:
    """Rows of part, key, gateway, meter, meters that were alive, and the sum, least and most of their milliseconds.

    Meters are counted (`meter` is null), and those in `moved` come one by one, as in `standing`.
    """
    sources = list(_alive_sources(ask))
    branches, parameters = [], []
    for table, column, first, last in sources:
        branches.append(
            f"SELECT {PARTS[ask.per]} AS part, {key_of(ask.by, column, sqlite)} AS slot, t.gateway_id, t.meter_id, "
            f"t.alive_ms FROM complex c JOIN {table} t ON t.district_id = c.district_id AND t.complex_id = c.id "
            f"AND t.{column} >= ? AND t.{column} < ? WHERE {scope.sql}"
        )
        parameters += [first, last, *scope.parameters]
    rows = " UNION ALL ".join(branches)
    if not _one_row_a_meter(ask, sources):
        rows = (
            "SELECT part, slot, gateway_id, meter_id, CAST(sum(alive_ms) AS bigint) AS alive_ms "
            f"FROM ({rows}) r GROUP BY 1, 2, 3, 4"
        )
    measured = "count(*), CAST(sum(alive_ms) AS bigint), min(alive_ms), max(alive_ms)"
    ids = ", ".join(str(int(meter)) for meter in sorted(set(moved)))
    if ids:
        meter, groups = f"CASE WHEN meter_id IN ({ids}) THEN meter_id END", "1, 2, 3, 4"
    else:
        meter, groups = "CAST(NULL AS integer)", "1, 2, 3"
    sql = f"SELECT part, slot, gateway_id, {meter}, {measured} FROM ({rows}) m GROUP BY {groups}"
    return sql, tuple(parameters)


def _source(ask: Ask) -> tuple[str, str, Any, Any]:
    if ask.by == "hour":
        return "meter_hour", "hour", midnight(ask.start), midnight(ask.end)
    return "complex_day", "service_day", ask.start, ask.end


def _alive_sources(ask: Ask) -> Iterator[tuple[str, str, Any, Any]]:
    """The largest pieces that the range is made of: whole months, and days around them."""
    if ask.by == "hour":
        yield "alive_hour", "hour", midnight(ask.start), midnight(ask.end)
        return
    first = ask.start if ask.start == month_of(ask.start) else month_after(ask.start)
    last = month_of(ask.end)
    if ask.by in ("day", "week") or first >= last:
        yield "alive_day", "service_day", ask.start, ask.end
        return
    yield "alive_month", "month", first, last
    for start, end in ((ask.start, first), (last, ask.end)):
        if start < end:
            yield "alive_day", "service_day", start, end


def _one_row_a_meter(ask: Ask, sources: list[tuple[str, str, Any, Any]]) -> bool:
    (table, _, start, end), *others = sources
    if others:
        return False
    units: dict[str, By] = {"alive_hour": "hour", "alive_day": "day", "alive_month": "month"}
    single = table == "alive_month" and end == month_after(start)
    return ask.by == units[table] or (ask.by is None and single)


def key_of(by: By | None, column: str, sqlite: bool) -> str:
    name = f"t.{column}"
    if by is None:
        return "CAST(NULL AS date)"
    if by == "week":
        return f"date({name}, '-6 days', 'weekday 1')" if sqlite else f"date_trunc('week', {name})::date"
    if by == "month" and column != "month":
        return f"strftime('%Y-%m-01', {name})" if sqlite else f"date_trunc('month', {name})::date"
    if by == "year":
        return f"strftime('%Y-01-01', {name})" if sqlite else f"date_trunc('year', {name})::date"
    return name


def whole_months(start: date, end: date) -> bool:
    """Whether a range begins and ends with a month."""
    return start == month_of(start) and end == month_of(end)
