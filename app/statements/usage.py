"""What a month's discharges weighed, as the ledger read at one moment: by complex, household, tenancy and span.

The ledger is append-only, so whatever was booked until `at` reads the same for ever. Sums are linear: all rows as first
booked are added up by one statement, and the few that were corrected by then are taken out as booked and put in as
corrected. `rollups.measures` says for both what counts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from heapq import merge
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.db import Instant
from app.metering.records import WEIGHED
from app.metering.rollups import Effect, measures
from billing.days import midnight, month_after
from billing.statements import Used
from billing.tariffs import Span

FEW = 3  # so many complexes are found by their households; for more, the whole month is read once
ROWS = 2_000  # fetched at once
Tenant = tuple[int, int]  # household and tenancy


class Question(NamedTuple):
    """Discharges of a month's spans booked until `at`; with `by_weight` the weight of each is told, too.

    `complex_ids` None asks for the whole district.
    """

    district_id: int
    month: date
    at: datetime
    spans: Sequence[Span]
    by_weight: bool = False
    complex_ids: Sequence[int] | None = None


class Usage(NamedTuple):
    """A complex's month: what each tenancy of its households discharged, and what its meters weighed for nobody."""

    tenants: dict[Tenant, tuple[Used, ...]]
    suspense: tuple[Used, ...]


class Totals:
    """Grams and discharges by span and, where asked for, by weight."""

    def __init__(self, spans: int) -> None:
        self._spans: list[list[int]] = [[0, 0] for _ in range(spans)]
        self._weights: list[dict[int, int]] = [{} for _ in range(spans)]

    def add(self, span: int, weight: int | None, count: int, grams: int) -> None:
        """Add discharges, or with negative numbers take them out."""
        self._spans[span][0] += grams
        self._spans[span][1] += count
        if weight is not None:
            weights = self._weights[span]
            weights[weight] = weights.get(weight, 0) + count

    def used(self) -> tuple[Used, ...]:
        """The sums of each span; weights in their order, those that came to nothing left out."""
        return tuple(
            Used(grams, count, tuple(sorted(item for item in weights.items() if item[1])))
            for (grams, count), weights in zip(self._spans, self._weights, strict=True)
        )


def read(connection: sa.Connection, question: Question) -> Iterator[tuple[int, Usage]]:
    """The usage of each complex that has some, in the order of ids. One statement reads the month.

    PostgreSQL works in parallel only for what is no cursor: the driver holds the sums, rows become objects as they are
    taken.
    """
    changes = sorted(_corrected(connection, question), key=itemgetter(0))
    changed = {row[0] for row in changes}
    with closing(connection.execute(_booked(question), _parameters(question))) as result:
        booked = chain.from_iterable(result.partitions(ROWS))
        rows = merge(booked, changes, key=itemgetter(0)) if changes else booked
        for complex_id, group in groupby(rows, itemgetter(0)):
            # Nearly always a complex has one span, and no row that several make up.
            plain = len(question.spans) == 1 and not question.by_weight and complex_id not in changed
            yield complex_id, _plain(group) if plain else _added_up(group, len(question.spans))  # noqa: B031


def _added_up(rows: Iterable[Sequence[Any]], spans: int) -> Usage:
    totals = dict[Tenant | None, Totals]()
    for _, household_id, tenancy_id, span, weight, count, grams in rows:
        key = None if household_id is None else (household_id, tenancy_id)
        if key not in totals:
            totals[key] = Totals(spans)
        totals[key].add(span, weight, count, grams)
    suspense = totals.pop(None, Totals(spans)).used()
    used = {key: total.used() for key, total in totals.items() if key is not None}
    return Usage({key: each for key, each in used.items() if any(span.discharges for span in each)}, suspense)


def _plain(booked: Iterable[Sequence[Any]]) -> Usage:
    tenants, suspense = dict[Tenant, tuple[Used, ...]](), (Used(0, 0),)
    for _, household_id, tenancy_id, _, _, count, grams in booked:
        used = (Used(grams, count),)
        if household_id is None:
            suspense = used
        else:
            tenants[household_id, tenancy_id] = used
    return Usage(tenants, suspense)


def _booked(question: Question) -> sa.TextClause:
    """Sums of what was booked, each discharge as it first read; by complex: the household's, else the meter's."""
    return _bound(
        f"""
        SELECT coalesce(h.complex_id, b.meter_complex_id) AS complex_id, b.household_id, b.tenancy_id,
               b.span, b.weight, b.count, b.grams
        FROM ({" UNION ALL ".join(_sums(question, where) for where in _wanted(question))}) b
        LEFT JOIN household h ON h.district_id = :district AND h.id = b.household_id
        ORDER BY 1
        """,  # noqa: S608 - own names
        question,
    )


def _wanted(question: Question) -> tuple[str, ...]:
    """What the month's rows are narrowed by, for each time that it is read."""
    if question.complex_ids is None:
        return ("",)
    if len(question.complex_ids) <= FEW:
        return (f"AND {_OF_HOUSEHOLDS}", f"AND {_OF_NOBODY}")
    return (f"AND ({_OF_HOUSEHOLDS} OR {_OF_NOBODY})",)


_WEIGHED = ", ".join(map(repr, sorted(WEIGHED)))
_OF_HOUSEHOLDS = """
    d.household_id IN (SELECT id FROM household WHERE district_id = :district AND complex_id IN :complexes)
"""
_OF_NOBODY = "d.household_id IS NULL AND d.complex_id IN :complexes"


def _sums(question: Question, where: str) -> str:
    weight = "d.net_g" if question.by_weight else "CAST(NULL AS integer)"
    # occurred_at lies in service_day; a day more on both sides costs nothing and lets an index narrow the search.
    return f"""
        SELECT d.household_id, d.tenancy_id, CASE WHEN d.household_id IS NULL THEN d.complex_id END AS meter_complex_id,
               {_span(question)} AS span, {weight} AS weight, count(*) AS count, sum(d.net_g) AS grams
        FROM discharge d
        WHERE d.district_id = :district AND d.service_day >= :first AND d.service_day < :end AND d.booked_at <= :at
          AND d.occurred_at >= :from_at AND d.occurred_at < :until_at
          AND d.outcome IN ({_WEIGHED}) AND d.net_g IS NOT NULL
          AND (d.billable OR d.household_id IS NULL) {where}
        GROUP BY 1, 2, 3, 4, 5
    """  # noqa: S608 - own names


def _span(question: Question) -> str:
    if len(question.spans) == 1:
        return "0"
    begun = " ".join(
        f"WHEN d.service_day >= :span_{number} THEN {number}" for number in range(len(question.spans) - 1, 0, -1)
    )
    return f"CASE {begun} ELSE 0 END"


def _corrected(connection: sa.Connection, question: Question) -> Iterator[tuple[Any, ...]]:
    """What corrections until `at` change: rows as `_booked` has them, negative for what is taken out."""
    wanted = None if question.complex_ids is None else set(question.complex_ids)
    statement = _bound(CORRECTED, question).columns(service_day=sa.Date())
    for row in connection.execute(statement, _parameters(question)).mappings():
        span = next(number for number, span in enumerate(question.spans) if row["service_day"] < span.end)
        for state, sign in (("booked", -1), ("corrected", 1)):
            changed = _change(question, row, state, span, sign)
            if changed is not None and (wanted is None or changed[0] in wanted):
                yield changed


def _change(question: Question, row: Mapping[Any, Any], state: str, span: int, sign: int) -> tuple[Any, ...] | None:
    household_id, tenancy_id, net_g = (row[f"{state}_{name}"] for name in ("household_id", "tenancy_id", "net_g"))
    # What counts does not depend on meter, complex and time, which are left at nothing.
    effect = Effect(
        *(0, 0, 0, household_id, tenancy_id, question.at, row["service_day"], row[f"{state}_outcome"], net_g),
        row[f"{state}_billable"],
        row.get(f"{state}_voided", False),
    )
    _, _, billable_count, _, suspense_count, _, _ = measures(effect)
    if not billable_count and not suspense_count:
        return None
    complex_id = row["meter_complex_id"] if household_id is None else row[f"{state}_complex_id"]
    weight = net_g if question.by_weight else None
    return complex_id, household_id, tenancy_id, span, weight, sign, sign * net_g


CORRECTED = """
    SELECT d.service_day, d.complex_id AS meter_complex_id,
           d.household_id AS booked_household_id, d.tenancy_id AS booked_tenancy_id, d.outcome AS booked_outcome,
           d.net_g AS booked_net_g, d.billable AS booked_billable, hd.complex_id AS booked_complex_id,
           c.household_id AS corrected_household_id, c.tenancy_id AS corrected_tenancy_id,
           c.outcome AS corrected_outcome, c.net_g AS corrected_net_g, c.billable AS corrected_billable,
           c.voided AS corrected_voided, hc.complex_id AS corrected_complex_id
    FROM discharge_correction c
    JOIN discharge d ON d.district_id = c.district_id AND d.gateway_id = c.gateway_id AND d.epoch_no = c.epoch_no
     AND d.seq = c.seq AND d.service_day = c.service_day
    LEFT JOIN household hd ON hd.district_id = d.district_id AND hd.id = d.household_id
    LEFT JOIN household hc ON hc.district_id = c.district_id AND hc.id = c.household_id
    WHERE c.district_id = :district AND c.service_day >= :first AND c.service_day < :end AND d.booked_at <= :at
      AND c.revision = (SELECT max(l.revision) FROM discharge_correction l
                        WHERE l.district_id = c.district_id AND l.gateway_id = c.gateway_id
                          AND l.epoch_no = c.epoch_no AND l.seq = c.seq AND l.booked_at <= :at)
"""


def _parameters(question: Question) -> dict[str, Any]:
    end = month_after(question.month)
    midnights = (midnight(day) for day in (question.month, end))
    from_at, until_at = midnights
    day = timedelta(days=1)
    found: dict[str, Any] = {"district": question.district_id, "first": question.month, "end": end, "at": question.at}
    found |= {"from_at": from_at - day, "until_at": until_at + day, "complexes": question.complex_ids}
    return found | {f"span_{number}": span.first_day for number, span in enumerate(question.spans)}


def _bound(sql: str, question: Question) -> sa.TextClause:
    """The statement with the types of the parameters that it names."""
    types = {"first": sa.Date(), "end": sa.Date()} | dict.fromkeys(("at", "from_at", "until_at"), Instant())
    types |= {f"span_{number}": sa.Date() for number in range(len(question.spans))}
    bound = [sa.bindparam(name, type_=kind) for name, kind in types.items() if re.search(rf":{name}\b", sql)]
    if ":complexes" in sql:
        bound.append(sa.bindparam("complexes", expanding=True))
    return sa.text(sql).bindparams(*bound)
